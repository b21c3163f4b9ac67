"""``homebody inspect``: say what a bundle or a model holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from homebody.runtime import ModelSummary
    from homebody.shrink import EdgeTpuReport


def inspect(
    file: Annotated[Path, typer.Argument(help="A bundle (.hb) or a model (.tflite).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    edge_tpu: Annotated[
        bool, typer.Option("--edge-tpu", help="Say what a Coral Edge TPU would not take.")
    ] = False,
) -> None:
    """Show a bundle's or a model's operations, shapes, sizes and quantization.

    Examples:

      homebody inspect model.tflite

      homebody inspect model-int8.tflite --edge-tpu
    """
    import homebody.bundle
    from homebody.cli import _print
    from homebody.runtime import summarize
    from homebody.shrink import edge_tpu as examine

    data = read_file(file)
    facts: dict[str, Any] = {}
    if data[4:8] != b"TFL3":
        with homebody.bundle.open(file) as bundle:
            facts["bundle"] = bundle.summary()
            data = bundle.read(bundle.manifest.model.entry)
    facts["model"] = summarize(data)
    if edge_tpu:
        facts["edge_tpu"] = examine(data)
    if as_json:
        _print.json_line(facts if len(facts) > 1 else facts["model"])
        return
    if "bundle" in facts:
        _print.console().print(facts["bundle"].text(), markup=False, highlight=False)
    print_model(facts["model"])
    if edge_tpu:
        print_edge_tpu(facts["edge_tpu"])


def print_edge_tpu(report: EdgeTpuReport) -> None:
    """What a Coral device would take, and each operation that it would not."""
    from homebody.cli import _print

    console = _print.console()
    verdict = "all of it runs" if report.fits else f"{report.mapped} of {report.operations} run"
    integer = "fully integer" if report.fully_integer else "not fully integer"
    console.print(f"Edge TPU: {integer}; {verdict} on the device", highlight=False)
    for op in report.rejected:
        console.print(
            f"[yellow]CPU[/]  {op.index} {op.kind} {_print.tensor(op.name)}: {op.reason}",
            highlight=False,
        )


def read_file(path: Path) -> bytes:
    """The file's bytes, or a sentence that says why not."""
    from homebody.errors import UsageError

    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}; give an existing, readable file"
        ) from error


def print_model(model: ModelSummary) -> None:
    """A table of operations under a line of totals."""
    from rich.table import Table

    from homebody.cli import _print
    from homebody.runtime.summary import describe_quantization

    console = _print.console()
    console.print(
        f"model  {_print.size(model.size)}, {model.parameters:,} parameters, "
        f"{model.macs / 1e6:,.1f} M multiply-adds, {len(model.operations)} operations",
        highlight=False,
    )
    for title, tensors in (("input ", model.inputs), ("output", model.outputs)):
        for t in tensors:
            line = f"{title} {t.name}  {t.dtype}{list(t.shape)}  {describe_quantization(t)}"
            console.print(line.rstrip(), markup=False, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("#", "operation", "output", "shape", "type"):
        table.add_column(name, overflow="fold", justify="right" if name == "#" else "left")
    for name in ("weights", "M macs"):
        table.add_column(name, justify="right")
    table.add_column("quantization")
    for op in model.operations:
        table.add_row(
            str(op.index),
            op.name,
            _print.tensor(op.output),
            "×".join(map(str, op.shape)),
            op.dtype,
            _print.size(op.weights) if op.weights else "",
            f"{op.macs / 1e6:.1f}" if op.macs else "",
            op.quantization,
        )
    console.print(table)
