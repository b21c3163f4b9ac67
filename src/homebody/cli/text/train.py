"""``homebody text train``: labelled texts become a checked bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from homebody.features.text.train import TrainedText


def train(
    data: Annotated[
        Path,
        typer.Argument(
            help="A folder of one folder of .txt files a label, or a .csv, .tsv or .jsonl table."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The bundle to write, NAME.hb.")],
    text: Annotated[str, typer.Option(help="The table's column of texts.")] = "text",
    label: Annotated[str, typer.Option(help="The table's column of labels.")] = "label",
    split_by: Annotated[
        str | None,
        typer.Option(help="Never divide a source: a column; of a folder's files, 'prefix'."),
    ] = None,
    vocabulary: Annotated[int, typer.Option(help="Word pieces, at most.")] = 8000,
    length: Annotated[int, typer.Option(help="How many pieces of a text the model sees.")] = 64,
    seed: Annotated[int, typer.Option(help="Of the split.")] = 0,
    licence: Annotated[str, typer.Option(help="The bundle's, an SPDX expression.")] = (
        "LicenseRef-Owner"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics.")] = False,
) -> None:
    """Train a classifier of texts and pack it with its vocabulary, checked.

    A fifth of the sources is only tested on. The same data and seed give the same model.

    Example:  homebody text train topics.tsv -o topics.hb --split-by source
    """
    from homebody.cli import _print
    from homebody.features.text.data import read_texts
    from homebody.features.text.train import train_text

    found = read_texts(data, text=text, label=label, split_by=split_by)
    trained = train_text(
        found,
        output,
        vocabulary_size=vocabulary,
        length=length,
        seed=seed,
        licence=licence,
        progress=_print.progress,
    )
    if as_json:
        _print.json_line(trained.metrics)
    else:
        _show(trained)


def _show(trained: TrainedText) -> None:
    from rich.table import Table

    from homebody.cli import _print

    console = _print.console()
    metrics = trained.metrics
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("label", "precision", "recall"):
        table.add_column(column)
    for one in metrics.evaluation.scores:
        table.add_row(one.label, str(one.precision), str(one.recall))
    console.print(table)
    console.print(
        f"accuracy  {metrics.evaluation.accuracy}, on texts never trained on",
        highlight=False,
    )
    console.print(f"majority  {metrics.majority}", highlight=False)
    console.print(
        f"{trained.path}: {_print.size(trained.path.stat().st_size)}, {metrics.vocabulary} "
        f"pieces, {trained.check.samples} samples run as trained",
        highlight=False,
    )
