"""``homebody text classify``: texts in, labels out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from homebody.errors import UsageError

if TYPE_CHECKING:
    from homebody.features.text import TextClassification


def classify(
    bundle: Annotated[str, typer.Argument(help="A bundle (.hb) that labels texts.")],
    texts: Annotated[
        list[str] | None,
        typer.Argument(help="Texts; without any, each line of standard input is one."),
    ] = None,
    top: Annotated[int, typer.Option(help="Show so many labels.", min=1)] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a text.")] = False,
    public_key: Annotated[
        Path | None, typer.Option(help="Refuse the bundle unless this Ed25519 key signed it.")
    ] = None,
) -> None:
    """Label each text with what it is most likely about.

    Examples:

      homebody text classify topics.hb 'a chess program with a graphical board'

      homebody text classify topics.hb --json < lines.txt
    """
    import homebody
    from homebody.cli import _print
    from homebody.features.text import TextClassifier

    with homebody.load(bundle, public_key=public_key) as feature:
        if not isinstance(feature, TextClassifier):
            raise UsageError(
                f"{bundle} is for {feature.manifest.task}; give a bundle whose task is "
                "classify-text, as homebody text train makes"
            )
        for text in texts or _standard_input():
            found = feature(text)
            if as_json:
                _print.json_line(found)
            else:
                print(_line(text, found, top))


def _standard_input() -> Iterator[str]:
    from homebody.cli.text._lines import batches

    for batch in batches([]):
        for line in batch.lines:
            yield line.decode(errors="replace")


def _line(text: str, found: TextClassification, top: int) -> str:
    shown = "".join(one if one.isprintable() else " " for one in text)
    best = list(found.scores.items())[:top]
    return f"{'  '.join(f'{label} {share:.2f}' for label, share in best)}  {shown}"
