"""``homebody compile``: a trained graph to engines, chosen by measurement."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from homebody.cli._print import Step
    from homebody.engines.folder import Record
    from homebody.shrink import Source


MANY = 3
"""As many segments that fell back are told of."""


def compile(
    model: Annotated[
        str,
        typer.Argument(
            help="An .onnx or .tflite model, a SavedModel, .keras, a bundle or a built-in feature."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")],
    engines: Annotated[
        str, typer.Option(help="auto, or names: onnxruntime,openvino,litert,tensorrt.")
    ] = "auto",
    precision: Annotated[
        Literal["fp32", "bf16", "fp16", "int8", "int8-exact"],
        typer.Option(help="What may be computed in."),
    ] = "fp32",
    samples: Annotated[
        Path | None,
        typer.Option(help="About 100 inputs for int8: a folder of photos, or an .npz file."),
    ] = None,
    inputs: Annotated[
        Path | None,
        typer.Option(
            help="Inputs to measure with: a folder of photos, or an .npz file.",
            show_default="--samples, else seeded noise",
        ),
    ] = None,
    pipeline: Annotated[
        str | None,
        typer.Option(
            help="A bundle or built-in feature whose pipeline prepares the photos.",
            show_default="the bundle that is compiled, else for-this-photo",
        ),
    ] = None,
    external_sha256: Annotated[
        str | None,
        typer.Option(help="SHA-256 of the file beside an .onnx model that holds its weights."),
    ] = None,
    shapes: Annotated[
        str | None, typer.Option(help="Input shapes to build now: 1x3x224x224,8x3x224x224.")
    ] = None,
    min_segment_size: Annotated[
        int, typer.Option(help="Nodes in an engine's segment, at least.", min=1)
    ] = 3,
    max_cached_engines: Annotated[
        int, typer.Option(help="Shapes whose engines stay in memory.", min=1)
    ] = 16,
    cache_policy: Annotated[
        Literal["cost", "at-least", "exact", "dynamic"],
        typer.Option(help="How engines are reused across batch sizes."),
    ] = "cost",
    threads: Annotated[
        int | None, typer.Option(help="Threads of one call.", min=1, show_default="all")
    ] = None,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Build here; an engine that crashes ends this.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write what runs where and why: an HTML page, or .json.")
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(help="Write one call as a Chrome trace, for Perfetto.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was chosen as JSON.")] = False,
) -> None:
    """Compile a model for this machine: every engine measured, the quickest kept, and why.

    Examples:

      homebody compile model.onnx -o compiled/

      homebody compile model.onnx -o compiled/ --inputs inputs.npz --report report.html

      homebody compile model.onnx -o compiled/ --precision int8 --samples inputs.npz

      homebody compile for-this-photo -o compiled/ --inputs photos/ --trace trace.json

      homebody compile model.onnx -o compiled/ --shapes 1x3x224x224,8x3x224x224 --threads 2
    """
    from homebody.cli import _print
    from homebody.cli._inputs import read_rows
    from homebody.engines import compile as run
    from homebody.engines.folder import read
    from homebody.engines.loading import ENGINES
    from homebody.errors import EngineError, UsageError
    from homebody.feature import find_bundle
    from homebody.files import verify_writable

    if samples is not None and precision not in ("int8", "int8-exact"):
        raise UsageError(
            "--samples make a model int8; give --precision int8 with them, or --inputs to measure"
        )
    if report is not None and trace is not None and report.absolute() == trace.absolute():
        raise UsageError("--report and --trace are one file; name different ones")
    for place in filter(None, (report, trace)):
        verify_writable(place, EngineError)
    asked = tuple(ENGINES) if engines == "auto" else tuple(engines.split(","))
    wanted = _shapes(shapes)
    if pipeline is None:
        own = _is_feature(model) or Path(model).suffix == ".hb"
        pipeline = model if own else "for-this-photo"
    measuring = inputs or samples
    calibrating = None if samples is None else _samples(samples, pipeline)
    rows = None if measuring is None else read_rows(measuring, pipeline)
    with _print.steps("reading", quiet=as_json) as say:
        compiled = run(
            find_bundle(model) if _is_feature(model) else Path(model),
            output,
            engines=asked,
            precision=precision,
            samples=calibrating,
            inputs=rows,
            external_sha256=external_sha256,
            shapes=wanted,
            policy=cache_policy,
            min_segment_size=min_segment_size,
            max_cached_engines=max_cached_engines,
            threads=threads,
            isolated=not in_process,
            told=_building(say, asked, max(1, len(wanted))),
        )
        if report or trace:
            from homebody.engines.report import write_report
            from homebody.engines.reporting import report as measured
            from homebody.engines.trace import Trace

            calls = Trace(Path(model).name) if trace else None
            told = measured(compiled, Path(model).name, inputs=rows, trace=calls, told=say)
            if report:
                write_report(told, report)
            if trace and calls:
                calls.write(trace)
    record, _ = read(output)
    if as_json:
        _print.json_line(record)
        return
    _show(record)
    for written in filter(None, (output, report, trace)):
        _print.console().print(f"written: {written}", markup=False)


def _show(record: Record) -> None:
    from homebody.cli import _print

    out = _print.console()
    for shape in record.shapes:
        best = shape.candidates[0]
        named = ", ".join("×".join(map(str, s)) for s in shape.shapes.values())
        parts = len(best.segments)
        cut = "the whole graph" if parts == 1 else f"{parts} segments"
        out.print(f"{named}: [bold]{best.engine}[/], {cut}, {1e3 * best.seconds:.2f} ms a call")
        for other in shape.candidates[1:]:
            ratio = other.seconds / best.seconds
            out.print(f"  {other.engine}: {1e3 * other.seconds:.2f} ms ({ratio:.2f} times as long)")
        for engine, why in shape.refused.items():
            out.print(f"  {engine}: {why.code}, {why.detail}", markup=False)
        failed = [(built, built.failure) for built in best.segments if built.failure]
        for built, why in failed[:MANY]:
            nodes = ", ".join(map(_print.tensor, built.nodes[:2]))
            more = f" and {len(built.nodes) - 2} more" if len(built.nodes) > 2 else ""
            said = f"{built.engine} instead, for {nodes}{more}: {why.code}, {why.detail}"
            out.print(f"  {said}", markup=False)
        if len(failed) > MANY:
            out.print(f"  and {len(failed) - MANY} more segments")


def _building(say: Step, asked: Sequence[str], shapes: int) -> Callable[[str], None]:
    """Says what is built with each engine; the native one comes first for each shape."""
    from homebody.engines.loading import NATIVE

    order = [NATIVE, *(name for name in asked if name != NATIVE)]
    shape = -1

    def told(engine: str) -> None:
        nonlocal shape
        shape += engine == NATIVE
        place = order.index(engine) if engine in order else 0
        which = f", shape {shape + 1} of {shapes}" if shapes > 1 else ""
        say(f"building with {engine}{which}", (shape + place / len(order)) / shapes)

    return told


def _samples(samples: Path, pipeline: str) -> Source:
    """What int8's ranges come from, read whole: it has a bar of its own."""
    from homebody.cli._samples import read_samples

    found = read_samples(samples, pipeline)
    return found if isinstance(found, Mapping) else list(found)


def _is_feature(model: str) -> bool:
    """Whether it names a built-in feature rather than a file."""
    return not (Path(model).suffix or Path(model).exists())


def _shapes(text: str | None) -> list[tuple[int, ...]]:
    """Shapes as written on the command line."""
    from homebody.errors import UsageError

    if text is None:
        return []
    try:
        return [tuple(int(d) for d in one.split("x")) for one in text.split(",")]
    except ValueError:
        raise UsageError(
            f"--shapes is {text!r:.80}; write shapes as 1x3x224x224,8x3x224x224"
        ) from None
