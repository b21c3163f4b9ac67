"""``homebody shrink`` and ``homebody compare``: float to int8, and what it cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homebody.shrink import Comparison, OperationReport, Report

MANY = 5
"""More operations than this that stay float for one reason are one line."""

Pipeline = Annotated[
    str, typer.Option(help="A bundle or built-in feature whose input pipeline prepares photos.")
]


def shrink(
    model: Annotated[Path, typer.Argument(help="A float .tflite model.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the new model.")],
    samples: Annotated[
        Path | None, typer.Option(help="About 100 inputs: a folder of photos, or an .npz file.")
    ] = None,
    pipeline: Pipeline = "for-this-photo",
    scheme: Annotated[
        Literal["int8", "int8-only", "hybrid", "float16", "int16x8"],
        typer.Option(help="hybrid and float16 need no samples."),
    ] = "int8",
    io: Annotated[
        Literal["float32", "int8", "int16"], typer.Option(help="The type of inputs and outputs.")
    ] = "float32",
    range: Annotated[
        Literal["minmax", "mse"],
        typer.Option("--range", help="mse clips outliers; minmax covers all."),
    ] = "minmax",
    rounding: Annotated[
        Literal["nearest", "gptq"], typer.Option(help="gptq lets weights' errors cancel.")
    ] = "nearest",
    bias_correction: Annotated[
        Literal["none", "analytic", "empirical"] | None,
        typer.Option(
            help="Take off what rounding adds on average: as computed, or also as measured.",
            show_default="empirical",
        ),
    ] = None,
    no_bias_correction: Annotated[
        bool, typer.Option("--no-bias-correction", help="Short for --bias-correction none.")
    ] = False,
    equalize: Annotated[
        bool, typer.Option(help="Give channels similar ranges first, where that helps.")
    ] = True,
    keep_float: Annotated[
        str | None,
        typer.Option(help="Operations to leave float: NAME,... as inspect prints them, or auto:K."),
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads an operation may use.", min=1)] = 1,
    report: Annotated[Path | None, typer.Option(help="Write the report as JSON.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report as one HTML page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Make a float model about four times smaller, and faster, by 8-bit integers.

    Examples:

      homebody shrink model.tflite --samples photos/ -o model-int8.tflite --html report.html

      homebody shrink model.tflite --scheme hybrid -o model-hybrid.tflite

      homebody shrink model.tflite --samples photos/ --rounding gptq -o model-int8.tflite
    """
    import msgspec

    from homebody.cli import _print
    from homebody.cli._samples import read_samples
    from homebody.cli.inspect import read_file
    from homebody.errors import ShrinkError, UsageError
    from homebody.files import replacing, verify_writable
    from homebody.shrink import shrink as run
    from homebody.shrink.page import write_page

    if no_bias_correction and bias_correction not in (None, "none"):
        raise UsageError(
            f"--no-bias-correction contradicts --bias-correction {bias_correction}; give one"
        )
    targets = [path for path in (output, report, html) if path is not None]
    if len({path.absolute() for path in targets}) < len(targets):
        raise UsageError("two of --output, --report and --html are one file; name different ones")
    data = read_file(model)
    for path in targets:  # before long work, and before any of them is written
        verify_writable(path, ShrinkError)
    done = run(
        data,
        read_samples(samples, pipeline) if samples else None,
        scheme=scheme,
        io=io,
        range=range,
        rounding=rounding,
        bias_correction="none" if no_bias_correction else bias_correction,
        equalize=equalize,
        keep_float=[name for name in (keep_float or "").split(",") if name],
        sensitivity=html is not None or report is not None,
        threads=threads,
    )
    with replacing(output, ShrinkError) as model_draft:  # it takes its place after the others
        model_draft.write_bytes(done.model)
        if report:
            with replacing(report, ShrinkError) as draft:
                draft.write_bytes(msgspec.json.format(msgspec.json.encode(done.report), indent=1))
        if html:
            write_page(done.report, html, title=model.name)
    if as_json:
        _print.json_line(done.report)
    else:
        _show(done.report, output)


def compare(
    first: Annotated[Path, typer.Argument(help="The model that counts as right (.tflite).")],
    second: Annotated[Path, typer.Argument(help="The model to hold against it (.tflite).")],
    samples: Annotated[
        Path, typer.Option(help="Inputs for both: a folder of photos, or an .npz file.")
    ],
    pipeline: Pipeline = "for-this-photo",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Run two models on the same samples and say where they part.

    Example:  homebody compare model.tflite model-int8.tflite --samples photos/
    """
    from homebody.cli import _print
    from homebody.cli._samples import read_samples
    from homebody.cli.inspect import read_file
    from homebody.shrink import compare as run

    found = run(read_file(first), read_file(second), read_samples(samples, pipeline))
    if as_json:
        _print.json_line(found)
    else:
        _show_comparison(found)


def _show(report: Report, output: Path) -> None:
    from homebody.cli import _print

    console = _print.console()
    for line in _float_lines(report):
        console.print(f"[yellow]float[/]  {line}", highlight=False)
    for note in report.notes:
        console.print(f"[yellow]note[/]  {note}", highlight=False)
    for name, db in report.output_sqnr_db.items():
        console.print(f"{_print.tensor(name)}  SQNR {db:.1f} dB", highlight=False)
    if report.error_jumps_at is not None:
        jump = next(op for op in report.operations if op.index == report.error_jumps_at)
        console.print(
            f"the error jumps at {jump.index} {jump.kind} {_print.tensor(jump.name)}",
            highlight=False,
        )
    ratio = report.size_before / report.size_after
    facts = [
        f"{_print.size(report.size_before)} to {_print.size(report.size_after)} "
        f"({ratio:.1f} times smaller)",
        report.settings.scheme,
    ]
    if report.calibration_samples:
        facts.append(f"{report.calibration_samples} samples")
    console.print(f"{output}: {', '.join(facts)}", highlight=False)


def _float_lines(report: Report) -> Iterator[str]:
    """What stays float and why: one line an operation, or one a reason that many have."""
    from homebody.cli import _print

    reasons: dict[str, list[OperationReport]] = {}
    for op in report.float_operations:
        reasons.setdefault(op.reason or "", []).append(op)
    for reason, those in reasons.items():
        if len(those) <= MANY:
            yield from (f"{op.index} {op.kind} {_print.tensor(op.name)}: {reason}" for op in those)
        else:
            kinds = ", ".join(sorted({op.kind for op in those}))
            yield f"{len(those)} operations ({kinds}): {reason}"


def _show_comparison(found: Comparison) -> None:
    from rich.table import Table

    from homebody.cli import _print

    console = _print.console()
    sizes = " and ".join(_print.size(size) for size in found.sizes)
    console.print(f"{sizes}, {found.samples} samples", highlight=False)
    for output in found.outputs:
        line = f"{_print.tensor(output.name)}  SQNR {_decibels(output.sqnr_db)}, "
        line += f"largest difference {output.largest_difference:.4g}"
        if output.top1_agreement is not None and output.top1_interval is not None:
            low, high = output.top1_interval
            line += f", same top 1 {output.top1_agreement:.1%} ({low:.0%}-{high:.0%})"
        console.print(line, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("#", "operation", "output", "SQNR", ""):
        table.add_column(name, justify="right" if name in ("#", "SQNR") else "left")
    for op in found.operations:
        mark = "rescaled" if op.rescaled else ""
        if op.index == found.error_jumps_at:
            mark = "[yellow]← the error jumps[/]"
        place = _print.tensor(op.name)
        table.add_row(str(op.index), op.kind, place, _decibels(op.sqnr_db), mark)
    console.print(table, highlight=False)
    if any(op.rescaled for op in found.operations):
        console.print(
            "[dim]rescaled: by equalization, channel by channel; SQNR is after undoing that[/]",
            highlight=False,
        )


def _decibels(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} dB"
