"""The way from a float model to a shrunk one and its report."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from homebody.errors import CalibrationError, NotIntegerError, ShrinkError, UsageError
from homebody.runtime.editing import Graph
from homebody.shrink import _fold, _report, _weight_only
from homebody.shrink._draft import Draft, equalized, make_draft
from homebody.shrink._equalize import find_blocks
from homebody.shrink._observe import Trace, observe
from homebody.shrink._plan import make_plan, named_operations
from homebody.shrink._run import input_specs
from homebody.shrink._sensitivity import rank
from homebody.shrink._sequence import MAX_SAMPLES, refine
from homebody.shrink._weights import verify_weights
from homebody.shrink.report import Report, Scheme, Sensitivity, Settings
from homebody.shrink.samples import Arrays, Reservoir, Source, iterate

GUARD_SAMPLES = 32
"""As many samples decide between two variants of a model."""
EQUALIZED_SAMPLES = 64
"""Fewer samples do not show what each channel reaches: equalized for what little they show, other
inputs are clipped (measured: up to 5 dB lost with 4 to 32 samples, 1 dB gained with 100)."""
AGAIN_SAMPLES = 128
"""As many samples are kept where ranges are looked for a second time."""
RANKED_SAMPLES = 16
"""As many samples say how much each operation costs."""
MEASURED_SAMPLES = 8
"""As many samples are run through both models for the report."""


class Shrunk(NamedTuple):
    """A shrunk model's bytes, and what was done."""

    model: bytes
    report: Report


def shrink(
    model: bytes,
    samples: Source | None = None,
    *,
    scheme: Scheme = "int8",
    io: Literal["float32", "int8", "int16"] = "float32",
    range: Literal["minmax", "mse"] = "minmax",
    rounding: Literal["nearest", "gptq"] = "nearest",
    bias_correction: Literal["none", "analytic", "empirical"] | None = None,
    equalize: bool = True,
    keep_float: Sequence[str] | str = (),
    sensitivity: bool = False,
    threads: int = 1,
) -> Shrunk:
    """Make a float ``.tflite`` model smaller and faster.

    Args:
        model: the float model's bytes.
        samples: about 100 representative inputs, prepared exactly as in use: any iterable of
            arrays (a generator too), one array ``[n, ...]``, or a mapping from each input's name
            to its ``[n, ...]``. ``hybrid`` and ``float16`` need none.
        scheme: ``int8`` makes everything int8 that has a kernel and lists what has none;
            ``int8-only`` makes that an error; ``int16x8`` has 16-bit activations and 8-bit
            weights; ``hybrid`` has 8-bit weights alone; ``float16`` halves the constants.
        io: the type of the model's inputs and outputs.
        range: ``minmax`` covers all that was seen; ``mse`` clips where that lowers the squared
            error on the samples, which mostly helps, and costs where rare large values matter.
        rounding: ``gptq`` chooses weights' roundings together, so that their errors cancel.
        bias_correction: ``analytic`` takes off what weight rounding adds on average;
            ``empirical``, which is what None means, then measures what is left, operation by
            operation.
        equalize: give channels similar ranges first, where the network stays the same and there
            are 64 samples or more to tell the ranges.
        keep_float: operations to leave float: numbers, kinds or output names as ``homebody
            inspect`` prints them, ``*`` allowed; or ``"auto:K"`` for the K most sensitive ones.
        sensitivity: rank the operations by what each costs (runs the model once for each).
        threads: how many threads an operation may use.

    Returns:
        The shrunk model and a report.

    Raises:
        CalibrationError: there are no samples, or one does not fit.
        NotIntegerError: ``int8-only``, and an operation would stay float.
        ShrinkError: the model is integer already.
        ModelError: the model is damaged, over 2 GB, or the runtime cannot run it.
        UsageError: an option is unknown, or two contradict each other.

    Example:
        >>> model = Path("model.tflite").read_bytes()                 # doctest: +SKIP
        >>> shrunk = homebody.shrink.shrink(model, images)            # doctest: +SKIP
        >>> Path("model-int8.tflite").write_bytes(shrunk.model)       # doctest: +SKIP
        >>> shrunk.report.output_sqnr_db                              # doctest: +SKIP
        {'logits': 24.3}
    """
    names = (keep_float,) if isinstance(keep_float, str) else tuple(keep_float)
    settings = _settings(
        scheme=scheme, io=io, range=range, rounding=rounding,
        bias_correction=bias_correction or "empirical", equalize=equalize, keep_float=names,
    )  # fmt: skip
    data = _fold.widen_constants(model)
    graph = Graph(data)
    _refuse_integer(graph)
    verify_weights(graph)
    automatic = [n for n in names if n.startswith("auto:")]
    keep = named_operations(graph, [n for n in names if n not in automatic])
    refines = settings.rounding == "gptq" or settings.bias_correction == "empirical"
    again = settings.equalize and settings.range != "minmax"
    kept = Reservoir(AGAIN_SAMPLES if again else max(MAX_SAMPLES, GUARD_SAMPLES))
    if scheme in ("hybrid", "float16"):
        convert = _weight_only.to_float16 if scheme == "float16" else _weight_only.to_hybrid
        shrunk = convert(data, keep)
        if samples is not None:
            source = iterate(samples, input_specs(graph))
            kept.samples = list(itertools.islice(source, MEASURED_SAMPLES))
        report = _report.weight_only(
            len(model), data, shrunk, settings, kept.samples, threads=threads
        )
        return Shrunk(shrunk.data, report)
    if scheme == "int8-only":
        _refuse_float(graph, keep)
    if samples is None:
        raise CalibrationError(
            f"the scheme {scheme} needs samples; give about 100 representative inputs, or use "
            "hybrid or float16"
        )
    equalizes = settings.equalize and settings.scheme != "int16x8"
    blocks = find_blocks(graph, make_plan(graph, bits=8, keep=keep)) if equalizes else []
    seen = observe(
        graph, data, kept.through(iterate(samples, input_specs(graph))),
        histograms=settings.range != "minmax", kept=kept, threads=threads,
    )  # fmt: skip
    made = make_draft(data, data, seen.statistics, settings, keep)
    if blocks and seen.samples >= EQUALIZED_SAMPLES:
        level = equalized(made, kept.samples, settings, keep, threads=threads)
        made = _better(made, level, kept.samples, seen.traces, threads)
    # Before weights are refined: then they answer the errors of all that is integer.
    ranking: tuple[Sensitivity, ...] = ()
    if sensitivity or automatic:
        ranking = rank(made, kept.samples[:RANKED_SAMPLES], seen.traces, threads=threads)
    if automatic:
        keep |= {s.index for s in ranking[: _automatic(automatic)]}
        made = made.keeping(keep)
    if refines:
        made = refine(made, kept.samples, seen.traces, settings, threads=threads)
    some = kept.samples = kept.samples[:MEASURED_SAMPLES]  # the others' memory is needed
    return Shrunk(
        *_report.integer(len(model), made, settings, seen.samples, some, ranking, threads=threads)
    )


def _better(
    first: Draft, second: Draft, samples: Sequence[Arrays], traces: Sequence[Trace], threads: int
) -> Draft:
    """The draft whose outputs are nearer to the float model's."""
    if second is first:
        return first
    some = samples[:GUARD_SAMPLES]
    return max(second, first, key=lambda draft: draft.output_db(some, traces, threads=threads))


def _settings(**options: Any) -> Settings:
    try:
        settings = msgspec.convert(options, Settings)
    except msgspec.ValidationError as error:
        raise UsageError(f"an option of shrink is wrong: {error}; see its documentation") from None
    allowed = {"int16x8": ("float32", "int16"), "hybrid": ("float32",), "float16": ("float32",)}
    if settings.io not in allowed.get(settings.scheme, ("float32", "int8")):
        raise UsageError(
            f"the scheme {settings.scheme} has no {settings.io} inputs and outputs; "
            f"give io {' or '.join(allowed.get(settings.scheme, ('float32', 'int8')))}"
        )
    applied = settings.applied()
    for name, value in (("range", "mse"), ("rounding", "gptq")):
        if getattr(settings, name) == value and getattr(applied, name) is None:
            raise UsageError(f"the scheme {settings.scheme} has no use for {name} {value}; drop it")
    for name in settings.keep_float:
        if name.startswith("auto:"):
            _automatic([name])
    if settings.scheme == "int8-only" and settings.keep_float:
        raise UsageError("int8-only leaves nothing float; drop keep_float or use the scheme int8")
    return settings


def _automatic(names: Sequence[str]) -> int:
    counts = [name.removeprefix("auto:") for name in names]
    if len(counts) != 1 or not (counts[0].isascii() and counts[0].isdigit()):
        raise UsageError(f"keep_float {', '.join(names)!r} is not auto:K; give one, as in auto:2")
    return int(counts[0])


def _refuse_integer(graph: Graph) -> None:
    if not graph.activations():
        raise ShrinkError(
            "the model has no float32 values to shrink; give the float model that it was made from"
        )


def _refuse_float(graph: Graph, keep: Collection[int]) -> None:
    plan = make_plan(graph, bits=8, keep=keep)
    if plan.floats:
        raise NotIntegerError([f"{graph.label(i)}: {why}" for i, why in plan.floats.items()])
