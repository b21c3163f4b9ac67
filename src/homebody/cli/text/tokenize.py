"""``homebody text tokenize``: text in, tokens with their places out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import msgspec
import typer

from homebody.errors import MalformedTextError, UsageError

if TYPE_CHECKING:
    from homebody.cli.text._lines import Batch


Kind: TypeAlias = Literal[
    "wordpiece", "bert", "whitespace", "script", "chars", "bytes", "sentences"
]
Unit: TypeAlias = Literal["byte", "char", "utf16"]
Rules: TypeAlias = Literal["tf", "hf"]
Malformed: TypeAlias = Literal["replace", "ignore", "error"]


class Tokens(msgspec.Struct, omit_defaults=True):
    """One line's tokens: what a JSON line holds."""

    tokens: list[str]
    starts: list[int]
    ends: list[int]
    ids: list[int] = []
    segments: list[int] = []


def tokenize(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Text files, each line a text; standard input without any, or -."),
    ] = None,
    kind: Annotated[Kind, typer.Option(help="How to cut.")] = "whitespace",
    vocab: Annotated[
        Path | None, typer.Option(help="Word pieces, one a line, for wordpiece and bert.")
    ] = None,
    bundle: Annotated[
        str | None, typer.Option(help="Cut as this bundle (.hb) does, in place of --kind.")
    ] = None,
    offsets: Annotated[Unit, typer.Option(help="What starts and ends count.")] = "byte",
    lower_case: Annotated[
        bool, typer.Option(help="bert: fold case and strip accents first.")
    ] = True,
    rules: Annotated[Rules, typer.Option(help="bert: TF.Text's rules or Hugging Face's.")] = "tf",
    unknown_token: Annotated[
        str, typer.Option(help="wordpiece, bert: what stands for unknown words.")
    ] = "[UNK]",
    max_bytes: Annotated[
        int, typer.Option(help="wordpiece, bert: a longer word is unknown.", min=1, max=65536)
    ] = 100,
    keep_whitespace: Annotated[
        bool, typer.Option("--keep-whitespace", help="script: white space is tokens too.")
    ] = False,
    malformed: Annotated[
        Malformed, typer.Option(help="What becomes of bytes that are not UTF-8.")
    ] = "replace",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object a line, not a table.")
    ] = False,
) -> None:
    """Cut each line into tokens and say where each one stands.

    Examples:

      echo 'Guten Tag, 東京' | homebody text tokenize --kind script

      homebody text tokenize --kind bert --vocab vocab.txt --offsets utf16 --json book.txt

      homebody text tokenize --bundle topics.hb
    """
    from homebody.cli.text._lines import batches

    if bundle is not None:
        run = _of_bundle(bundle, offsets, malformed)
    elif kind in ("wordpiece", "bert"):
        if vocab is None:
            raise UsageError(f"{kind} needs a vocabulary; give --vocab vocab.txt, one piece a line")
        run = _of_pieces(kind, vocab, offsets, lower_case, rules, unknown_token, max_bytes,
                         malformed)  # fmt: skip
    else:
        run = _of_words(kind, offsets, keep_whitespace, malformed)
    show = _lines if as_json else _tables
    for batch in batches(files or []):
        show(batch, _located(run, batch))


_Run = Callable[[list[bytes]], Iterator[Tokens]]


def _located(run: _Run, batch: Batch) -> list[Tokens]:
    """The tokens of a batch; malformed text is named by its line."""
    try:
        return list(run(batch.lines))
    except MalformedTextError:
        for place, line in enumerate(batch.lines):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                raise MalformedTextError(
                    f"line {batch.first + place} of {batch.name} is not UTF-8 at byte "
                    f"{error.start}; convert the file, or give --malformed replace"
                ) from None
        raise


def _of_words(kind: Kind, offsets: Unit, keep_whitespace: bool, malformed: Malformed) -> _Run:
    from homebody import text

    how: dict[str, Any] = {"offset_unit": offsets, "malformed": malformed}
    if kind == "bytes":
        splitter: Any = text.ByteSplitter(malformed=malformed)
    elif kind == "sentences":
        splitter = text.StateBasedSentenceBreaker(**how)
    elif kind == "chars":
        splitter = text.UnicodeCharTokenizer(**how)
    elif kind == "script":
        splitter = text.UnicodeScriptTokenizer(keep_whitespace, **how)
    else:
        splitter = text.WhitespaceTokenizer(**how)

    def run(lines: list[bytes]) -> Iterator[Tokens]:
        found = (rows.to_list() for rows in splitter.split_with_offsets(lines))
        for tokens, starts, ends in zip(*found, strict=True):
            if kind == "chars":
                tokens = [chr(code) for code in tokens]
            elif kind == "bytes":
                tokens = [f"{byte:02x}" for byte in tokens]
            yield Tokens(tokens, starts, ends)

    return run


def _of_pieces(
    kind: Kind, vocab: Path, offsets: Unit, lower_case: bool, rules: Rules, unknown_token: str,
    max_bytes: int, malformed: Malformed,
) -> _Run:  # fmt: skip
    from homebody import text

    vocabulary = text.Vocabulary.from_file(vocab)
    names = [*vocabulary.tokens.to_list("replace"), unknown_token]
    shared: dict[str, Any] = {
        "max_bytes_per_word": max_bytes,
        "unknown_token": unknown_token,
        "offset_unit": offsets,
        "malformed": malformed,
    }
    tokenizer: Any
    if kind == "bert":
        tokenizer = text.FastBertTokenizer(
            vocabulary, lower_case_nfd_strip_accents=lower_case, rules=rules, **shared
        )
    else:
        tokenizer = text.FastWordpieceTokenizer(vocabulary, **shared)

    def run(lines: list[bytes]) -> Iterator[Tokens]:
        found = (rows.to_list() for rows in tokenizer.tokenize_with_offsets(lines))
        for ids, starts, ends in zip(*found, strict=True):
            yield Tokens([names[number] for number in ids], starts, ends, ids)

    return run


def _of_bundle(bundle: str, offsets: Unit, malformed: Malformed) -> _Run:
    from homebody import bundle as bundles
    from homebody.feature import find_bundle
    from homebody.pipeline.texts import TextPipeline
    from homebody.text import Strings

    with bundles.open(find_bundle(bundle)) as opened:
        pipeline = TextPipeline(opened.manifest.input, opened)

    def run(lines: list[bytes]) -> Iterator[Tokens]:
        for line in Strings.of(lines, malformed):
            found = pipeline.tokens(line, offsets=offsets)
            tokens = Tokens(
                [one.text for one in found],
                [one.start for one in found],
                [one.end for one in found],
            )
            tokens.ids = [one.id for one in found if one.id is not None]
            yield tokens

    return run


def _lines(batch: Batch, found: list[Tokens]) -> None:
    import sys

    encoder = msgspec.json.Encoder()
    written = b"".join(encoder.encode(tokens) + b"\n" for tokens in found)
    sys.stdout.buffer.write(written)
    sys.stdout.buffer.flush()


def _tables(batch: Batch, found: list[Tokens]) -> None:
    from rich.table import Table
    from rich.text import Text

    from homebody.cli import _print

    console = _print.console()
    for line, tokens in zip(batch.lines, found, strict=True):
        if not tokens.tokens:
            continue
        console.print(Text(line.decode(errors="replace"), style="bold"), soft_wrap=True)
        table = Table(box=None, padding=(0, 2, 0, 2), header_style="dim")
        table.add_column("token", overflow="fold")
        if tokens.ids:
            table.add_column("id", justify="right")
        table.add_column("start", justify="right")
        table.add_column("end", justify="right")
        for place, token in enumerate(tokens.tokens):
            number = [str(tokens.ids[place])] if tokens.ids else []
            span = str(tokens.starts[place]), str(tokens.ends[place])
            table.add_row(Text(_visible(token)), *number, *span)
        console.print(table)


def _visible(token: str) -> str:
    """A token on one line, with what could act on a terminal escaped."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in token)
