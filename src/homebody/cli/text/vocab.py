"""``homebody text vocab``: learn a WordPiece vocabulary from text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def vocab(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Text files; standard input without any, or -."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; else it is printed.")
    ] = None,
    size: Annotated[int, typer.Option(help="How many pieces, at most.", min=1)] = 8000,
    least: Annotated[int, typer.Option(help="Leave out pieces that occur less often.", min=1)] = 2,
    lower_case: Annotated[bool, typer.Option(help="Fold case and strip accents first.")] = True,
    reserved: Annotated[
        str, typer.Option(help="Tokens that come first, with commas between them.")
    ] = "[PAD],[UNK],[CLS],[SEP],[MASK]",
) -> None:
    """Learn the word pieces of a text: the same text gives the same vocabulary.

    Example:  homebody text vocab book.txt --size 4000 -o vocab.txt
    """
    import sys

    from homebody import text
    from homebody.cli.text._lines import batches
    from homebody.errors import TextError
    from homebody.files import replacing

    tokens = text.learn_vocabulary(
        (batch.lines for batch in batches(files or [])),
        size,
        [token for token in reserved.split(",") if token],
        lower_case=lower_case,
        lower_thresh=least,
    )
    written = "".join(f"{token}\n" for token in tokens).encode()
    if output is None:
        sys.stdout.buffer.write(written)
        return
    with replacing(output, TextError) as draft:
        draft.write_bytes(written)
    print(f"{output}: {len(tokens)} pieces")
