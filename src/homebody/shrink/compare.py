"""Compare any two models that have the same outputs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from homebody.errors import CalibrationError, ShrinkError
from homebody.intervals import wilson
from homebody.runtime.editing import Graph
from homebody.shrink._jump import first_jump
from homebody.shrink._measure import (
    Noise,
    dequantizer,
    quantized_inputs,
    sqnr,
    tensor_noise,
    to_real,
    values_of_both,
)
from homebody.shrink._rescaling import Channels, find_rescaled
from homebody.shrink._run import Watch, input_specs
from homebody.shrink.samples import Arrays, Source, iterate

MAX_TENSOR_SAMPLES = 16
"""Inner tensors are compared on as many samples; outputs on all."""


class OutputComparison(msgspec.Struct, frozen=True, kw_only=True):
    """One output of both models.

    ``top1_agreement`` is the share of samples with the same arg-max, with its 95 % interval
    (Wilson); None for outputs that have no classes.
    """

    name: str
    sqnr_db: float | None
    largest_difference: float
    top1_agreement: float | None
    top1_interval: tuple[float, float] | None


class OperationComparison(msgspec.Struct, frozen=True, kw_only=True):
    """One operation of the first model whose output the second has under the same name."""

    index: int
    kind: str
    name: str
    sqnr_db: float | None
    """Of a rescaled output after undoing that."""
    rescaled: bool = False
    """Whether the second model keeps its channels in other sizes and allows for that in what
    reads them, as equalization does."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two models on the same samples; the first counts as right."""

    format: str = "homebody.compare/1"
    sizes: tuple[int, int]
    """Bytes of the two files."""
    samples: int
    tensor_samples: int
    """How many of them the inner tensors were compared on."""
    outputs: tuple[OutputComparison, ...]
    operations: tuple[OperationComparison, ...]
    error_jumps_at: int | None
    """The first operation whose output is off by more than a tenth, and by more than 10 dB worse
    than anything on the way to it."""


def compare(first: bytes, second: bytes, samples: Source, *, threads: int = 1) -> Comparison:
    """Run two models on the same samples and say where they part.

    Where the second model is an equalized form of the first, its inner channels have other sizes.
    That is found (one factor a channel, by least squares) and undone before they are compared.

    Args:
        first: a ``.tflite`` file's bytes; its values count as right.
        second: another one with as many inputs and outputs of the same shapes; its inputs and
            outputs may be integers.
        samples: inputs for the first model.
        threads: how many threads an operation may use.

    Raises:
        ShrinkError: the models' inputs or outputs do not match.
        CalibrationError: a sample does not fit, or there is none.
        ModelError: a model is damaged.

    Example:
        >>> result = compare(float_model, int8_model, images)        # doctest: +SKIP
        >>> result.outputs[0].sqnr_db                                # doctest: +SKIP
        24.1
    """
    a, b = Graph(first), Graph(second)
    for what, left, right in (("inputs", a.inputs, b.inputs), ("outputs", a.outputs, b.outputs)):
        if [a.shape(t) for t in left] != [b.shape(t) for t in right]:
            raise ShrinkError(
                f"the models have different {what}: {_shapes(a, left)} and {_shapes(b, right)}; "
                "compare models of the same task"
            )
    kept: list[Arrays] = []
    outputs = [_Output() for _ in a.outputs]
    ends = [(dequantizer(a, t), dequantizer(b, u))
            for t, u in zip(a.outputs, b.outputs, strict=True)]  # fmt: skip
    watch_a, watch_b = Watch(first, threads=threads), Watch(second, threads=threads)
    count = 0
    for sample in iterate(samples, input_specs(a)):
        if len(kept) < MAX_TENSOR_SAMPLES:
            kept.append(sample)
        (expected,) = watch_a.run_each([sample])
        (actual,) = watch_b.run_each(quantized_inputs(b, [sample]))
        for output, (end_a, end_b), x, y in zip(outputs, ends, expected, actual, strict=True):
            output.add(to_real(x, end_a), to_real(y, end_b))
        count += 1
    if not count:
        raise CalibrationError("there is not a single sample to compare on; give some inputs")
    db, rescaled = _tensor_db(a, first, second, _same_names(a, b), kept, threads)
    return Comparison(
        sizes=(len(first), len(second)),
        samples=count,
        tensor_samples=len(kept),
        outputs=tuple(
            output.result(a.name(t), count) for output, t in zip(outputs, a.outputs, strict=True)
        ),
        operations=tuple(
            OperationComparison(
                index=i,
                kind=a.kind(op),
                name=a.name(op.outputs[0]),
                sqnr_db=db[op.outputs[0]],
                rescaled=op.outputs[0] in rescaled,
            )
            for i, op in enumerate(a.operators)
            if op.outputs and op.outputs[0] in db
        ),
        error_jumps_at=first_jump(a, db),
    )


class _Output:
    """Running sums over one output."""

    def __init__(self) -> None:
        self.noise = Noise()
        self.hits = 0
        self.classes = 0

    def add(self, expected: np.ndarray, actual: np.ndarray) -> None:
        if expected.dtype.kind == "f":
            self.noise.add(expected, actual)
        self.classes = expected.shape[-1] if expected.ndim else 0
        self.hits += bool(np.array_equal(expected.argmax(-1), actual.argmax(-1)))

    def result(self, name: str, count: int) -> OutputComparison:
        classed = self.classes > 1
        return OutputComparison(
            name=name,
            sqnr_db=sqnr(self.noise.signal, self.noise.error),
            largest_difference=self.noise.largest,
            top1_agreement=self.hits / count if classed else None,
            top1_interval=wilson(self.hits, count) if classed else None,
        )


def _tensor_db(
    graph: Graph,
    first: bytes,
    second: bytes,
    pairs: dict[int, int],
    samples: Sequence[Arrays],
    threads: int,
) -> tuple[dict[int, float | None], frozenset[int]]:
    """SQNR at each tensor of both, and which of them were rescaled, which is undone."""
    noise = {t: Noise() for t in pairs}
    channels = {t: Channels() for t in pairs}
    for t, expected, actual in values_of_both(first, second, pairs, samples, threads=threads):
        noise[t].add(expected, actual)
        channels[t].add(expected, actual)
    factors = find_rescaled(graph, second, pairs, channels, samples, threads=threads)
    some = {t: pairs[t] for t in factors}
    if some:
        noise |= tensor_noise(first, second, some, samples, factors=factors, threads=threads)
    return {t: n.db for t, n in noise.items()}, frozenset(factors)


def _same_names(a: Graph, b: Graph) -> dict[int, int]:
    """Tensors of both that have one name, which either has once, and the same shape."""
    names: dict[str, list[int]] = {}
    for index in range(len(b.tensors)):
        name = b.name(index)
        for suffix in ("_int8", "_int16", "_equalized"):
            name = name.removesuffix(suffix)
        names.setdefault(name, []).append(index)
    found = {}
    for t in a.activations():
        # Where a float and an integer tensor share a name, the later one came out of the former.
        twins = [u for u in names.get(a.name(t), ()) if b.shape(u) == a.shape(t)]
        computed = [u for u in twins if not b.is_constant(u)]
        if computed and all(b.is_float(u) or dequantizer(b, u) for u in computed):
            found[t] = next((u for u in computed if not b.is_float(u)), computed[0])
    return found


def _shapes(graph: Graph, tensors: Sequence[int]) -> str:
    return ", ".join(f"{graph.name(t)}{list(graph.shape(t))}" for t in tensors)
