"""``homebody inspect``: say what a bundle or a model holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from homebody.runtime import ModelSummary


def inspect(
    file: Annotated[Path, typer.Argument(help="A bundle (.hb) or a model (.tflite).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show a bundle's or a model's operations, shapes, sizes and quantization.

    Example:  homebody inspect model.tflite
    """
    import homebody.bundle
    from homebody.bundle.summary import summarize as summarize_bundle
    from homebody.cli import _print
    from homebody.runtime import summarize

    data = read_file(file)
    if data[4:8] == b"TFL3":
        model = summarize(data)
        if as_json:
            _print.json_line(model)
        else:
            print_model(model)
        return
    with homebody.bundle.open(file) as bundle:
        summary = summarize_bundle(bundle)
        model = summarize(bundle.view(bundle.manifest.model.entry))
        if as_json:
            _print.json_line({"bundle": summary, "model": model})
            return
        _print.console().print(summary.text(), markup=False, highlight=False)
        print_model(model)


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
            _short(op.output),
            "×".join(map(str, op.shape)),
            op.dtype,
            _print.size(op.weights) if op.weights else "",
            f"{op.macs / 1e6:.1f}" if op.macs else "",
            op.quantization,
        )
    console.print(table)


def _short(name: str) -> str:
    """A fused tensor's name lists all that went into it; its first part, from the end, tells it."""
    first = name.split(";")[0]
    return first if len(first) <= 32 else "…" + first[-31:]
