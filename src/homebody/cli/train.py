"""``homebody train``: a folder of labelled photos becomes a checked bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from homebody.train import Trained


def train(
    photos: Annotated[Path, typer.Argument(help="A folder that holds one folder a label.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle to write, NAME.hb.")],
    base: Annotated[str | None, typer.Option(help="The network to start from.")] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Fine-tune for at most so many epochs; 0: the last layer.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Settings, a TOML file.")] = None,
    qat: Annotated[
        bool,
        typer.Option(
            "--qat", help="Quantization-aware: train on with int8's rounding before packing."
        ),
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Of the split and the augmentation.")] = None,
    slices: Annotated[
        Path | None, typer.Option(help="A CSV table with a column 'file': figures by column.")
    ] = None,
    split_by: Annotated[
        str | None,
        typer.Option(help="Never divide a source: content, folder, prefix, or a table's column."),
    ] = None,
    search: Annotated[int, typer.Option(help="Try so many settings first.", min=0)] = 0,
    weights: Annotated[
        Path | None, typer.Option(help="SqueezeNet's weights: .hb, .tflite or the published .pkl.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print metrics.json.")] = False,
) -> None:
    """Train a classifier on a folder of labelled folders and pack it, shrunk and checked.

    Started again after an interruption, it goes on where it was. NAME.train/ beside the bundle
    holds metrics.json, card.md, confusion.png and the caches.

    Example:  homebody train photos/ -o cats-and-dogs.hb --split-by folder
    """
    from homebody.cli import _print
    from homebody.train import TrainConfig, read_config, train_classifier

    stated = {"base": base, "epochs": epochs, "seed": seed, "split_by": split_by,
              "qat": qat or None}  # fmt: skip
    changes: dict[str, Any] = {name: v for name, v in stated.items() if v is not None}
    settings = (read_config(config) if config else TrainConfig()).replace(**changes)
    trained = train_classifier(
        photos,
        output,
        config=settings,
        weights=weights,
        table=slices,
        trials=search,
        progress=_print.progress,
    )
    if as_json:
        print(trained.metrics.json().decode(), end="")
    else:
        _show(trained)


def _show(trained: Trained) -> None:
    from homebody.cli import _print
    from homebody.train import confusion_text

    console = _print.console()
    metrics, found = trained.metrics, trained.metrics.evaluation
    for skipped in metrics.data.skipped:
        console.print(f"[yellow]skipped[/]  {skipped.file}: {skipped.reason}", highlight=False)
    for warning in metrics.warnings:
        console.print(f"[yellow]warning[/]  {warning}", highlight=False)
    console.print(confusion_text(found), highlight=False, markup=False)
    console.print(f"accuracy of {metrics.config.format}  {found.accuracy}", highlight=False)
    name = "before qat" if metrics.config.qat else "as trained"
    console.print(
        f"{name}, float32  {metrics.float_evaluation.accuracy}   "
        f"[dim]same label for {metrics.agreement:.1%}[/]",
        highlight=False,
    )
    console.print(
        f"{trained.path}: {_print.size(trained.path.stat().st_size)}, {trained.check.samples} "
        f"samples run as trained   [dim]{trained.folder}/: metrics.json, card.md, confusion.png[/]",
        highlight=False,
    )
