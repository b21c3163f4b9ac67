"""How far a second model strays from a first, tensor by tensor."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.shrink._graph import Graph
from homebody.shrink._run import Watch
from homebody.shrink.samples import Arrays

NOISELESS_DB = 200.0
"""Said of no error at all: float32 could not show less, and JSON has no infinity."""

JUMP_DB = 10.0
FINE_DB = 40.0
"""An error jumps at an operation whose output is ``JUMP_DB`` worse than its worst input; inputs
count as no better than ``FINE_DB``, which is what 8 bits give."""


class Noise:
    """Sums of one tensor's squared values and squared errors."""

    def __init__(self) -> None:
        self.signal = self.error = 0.0
        self.largest = 0.0

    def add(self, expected: NDArray[Any], actual: NDArray[Any]) -> None:
        """Take values into account."""
        difference = expected.astype(np.float32) - actual
        self.signal += float(np.vdot(expected, expected))
        self.error += float(np.vdot(difference, difference))
        self.largest = max(self.largest, float(np.abs(difference).max(initial=0.0)))

    @property
    def db(self) -> float | None:
        """SQNR in decibels, None without signal."""
        return sqnr(self.signal, self.error)


def sqnr(signal: float, error: float) -> float | None:
    """Signal to noise in decibels: :data:`NOISELESS_DB` at most, None without signal.

    Example:
        >>> sqnr(100.0, 1.0)
        20.0
    """
    if signal <= 0:
        return None
    if error <= 0:
        return NOISELESS_DB
    return min(NOISELESS_DB, 10 * math.log10(signal / error))


def dequantizer(graph: Graph, tensor: int) -> tuple[float, int] | None:
    """A tensor's scale and zero point, None for one that is not quantized as a whole."""
    q = graph.tensors[tensor].quantization
    if graph.is_float(tensor) or q is None or q.scale is None or len(q.scale) != 1:
        return None
    return float(q.scale[0]), int(q.zeroPoint[0]) if q.zeroPoint is not None else 0


def to_real(values: NDArray[Any], parameters: tuple[float, int] | None) -> NDArray[Any]:
    """Integers as the reals that they stand for."""
    if parameters is None:
        return values
    scale, zero_point = parameters
    real: NDArray[np.float32] = (values.astype(np.float32) - zero_point) * np.float32(scale)
    return real


def quantized_inputs(graph: Graph, samples: Iterable[Arrays]) -> Iterable[Arrays]:
    """Float samples as a model with integer inputs takes them."""
    ends = [dequantizer(graph, t) for t in graph.inputs]
    if not any(ends):
        return samples
    types = [graph.numpy_type(t) for t in graph.inputs]

    def convert(value: NDArray[Any], end: tuple[float, int] | None, dtype: Any) -> NDArray[Any]:
        if end is None or value.dtype.kind != "f":
            return value
        limits = np.iinfo(dtype)
        codes = np.round(value / end[0]) + end[1]
        return np.clip(codes, limits.min, limits.max).astype(dtype)

    return (
        tuple(convert(v, e, d) for v, e, d in zip(sample, ends, types, strict=True))
        for sample in samples
    )


def tensor_noise(
    first: bytes,
    second: bytes,
    pairs: Mapping[int, int],
    samples: Sequence[Arrays],
    *,
    factors: Mapping[int, NDArray[np.float64]] | None = None,
    threads: int = 1,
) -> dict[int, Noise]:
    """Run two models beside each other.

    Args:
        first: the model whose values count as right.
        second: the other one.
        pairs: for each tensor of ``first`` to compare, the one of ``second``.
        samples: float inputs for both.
        factors: channels of a tensor that are this many times as large in ``second``.
        threads: how many threads an operation may use.

    Returns:
        The noise at each of ``first``'s tensors.
    """
    watch_first = Watch(first, list(pairs), threads=threads)
    watch_second = Watch(second, list(pairs.values()), threads=threads)
    graph = Graph(second)
    real = [dequantizer(graph, t) for t in pairs.values()]
    found = {t: Noise() for t in pairs}
    left = watch_first.run_each(samples)
    right = watch_second.run_each(quantized_inputs(graph, samples))
    for expected, actual in zip(left, right, strict=True):
        for tensor, a, b, end in zip(pairs, expected, actual, real, strict=True):
            values = to_real(b, end)
            if factors is not None and tensor in factors:
                values = values / factors[tensor].astype(np.float32)
            if a.shape == values.shape and a.dtype.kind == "f":
                found[tensor].add(a, values)
    return found


def first_jump(graph: Graph, db: Mapping[int, float | None]) -> int | None:
    """The first operation whose output is much worse than the worst of its inputs."""
    for index, op in enumerate(graph.operators):
        output = db.get(op.outputs[0]) if op.outputs else None
        inputs = [v for t in op.inputs if (v := db.get(t)) is not None]
        if output is not None and inputs and output < min(*inputs, FINE_DB) - JUMP_DB:
            return index
    return None
