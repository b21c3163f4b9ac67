"""Labelled texts: a folder of folders, or a table of rows."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from homebody.errors import DatasetError

MAX_TEXT_BYTES = 1 << 24
"""A longer text, or row, is refused."""


class LabelledText(NamedTuple):
    """One example."""

    text: str
    label: str
    source: str
    """What is never divided between training and testing; by default the text itself."""


class LabelledTexts(NamedTuple):
    """A data set."""

    examples: tuple[LabelledText, ...]
    labels: tuple[str, ...]
    """Every label, in the order of their names."""
    duplicates: int
    """Rows that were left out, since text, label and source were there already."""
    sha256: str
    """Of all examples in order: equal data sets have equal ones."""


def read_texts(
    path: Path, *, text: str = "text", label: str = "label", split_by: str | None = None
) -> LabelledTexts:
    r"""Read labelled texts.

    Args:
        path: a folder that holds one folder of ``.txt`` files a label; or a table, by its ending:
            ``.csv``, ``.tsv`` (with a line of column names; no quoting in ``.tsv``) or ``.jsonl``
            (an object a line).
        text, label: the columns, of a table.
        split_by: a column that names each row's source; of a folder's files, ``"prefix"`` is
            the name up to ``__``. Texts of one source never stand on both sides of a split.

    Raises:
        DatasetError: it cannot be read, or does not make a data set of two labels or more.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "moods.csv")
        ...     _ = path.write_text("text,label\nwhat a day,good\nrain again,bad\n")
        ...     read_texts(path).labels
        ('bad', 'good')
    """
    try:
        if path.is_dir():
            rows = list(_of_folder(path, split_by))
        else:
            rows = list(_of_table(path, text, label, split_by))
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}); make it readable") from None
    except UnicodeDecodeError:
        raise DatasetError(f"{path} is not UTF-8 text; convert it first") from None
    counts = Counter(rows)
    examples = tuple(counts)
    labels = tuple(sorted({one.label for one in examples}))
    if len(labels) < 2:
        raise DatasetError(
            f"{path} has {len(examples)} texts of {len(labels)} labels; give two labels or more"
        )
    said = "\0".join(f"{one.label}\0{one.source}\0{one.text}" for one in examples)
    digest = hashlib.sha256(said.encode()).hexdigest()
    return LabelledTexts(examples, labels, len(rows) - len(examples), digest)


def _of_folder(path: Path, split_by: str | None) -> Iterator[LabelledText]:
    if split_by not in (None, "prefix"):
        raise DatasetError(f"a folder is split by 'prefix' or by text, not by {split_by!r}")
    for file in sorted(path.glob("*/*.txt")):
        if file.stat().st_size > MAX_TEXT_BYTES:
            raise DatasetError(f"{file} is longer than {MAX_TEXT_BYTES} bytes; split it up")
        text = file.read_text(encoding="utf-8")
        source = file.stem.partition("__")[0] if split_by else text
        yield LabelledText(text, file.parent.name, source)


def _of_table(path: Path, text: str, label: str, split_by: str | None) -> Iterator[LabelledText]:
    wanted = (text, label, split_by or text)
    for number, row in _rows(path):
        found = [row.get(column) for column in wanted]
        for column, value in zip(wanted, found, strict=True):
            if not isinstance(value, str):
                raise DatasetError(
                    f"row {number} of {path} has no text in the column {column!r}; it has "
                    f"{', '.join(map(repr, row))}: name the right one, or mend the row"
                )
        first, second, source = (str(value) for value in found)
        yield LabelledText(first, second, source)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    kind = path.suffix.lower()
    if kind not in (".csv", ".tsv", ".jsonl"):
        raise DatasetError(f"{path} is no folder and no .csv, .tsv or .jsonl table; give one")
    with path.open(encoding="utf-8-sig", newline="") as file:
        if kind == ".jsonl":
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, _object(line, number, path)
            return
        # Tabs separate values as they are; in .csv a value may stand in quotes.
        how: dict[str, Any] = (
            {} if kind == ".csv" else {"delimiter": "\t", "quoting": csv.QUOTE_NONE}
        )
        csv.field_size_limit(MAX_TEXT_BYTES)
        try:
            yield from enumerate(csv.DictReader(file, strict=True, **how), start=2)
        except csv.Error as error:
            raise DatasetError(f"{path} is no {kind[1:]} table ({error}); mend it") from None


def _object(line: str, number: int, path: Path) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(line)
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, dict):
        raise DatasetError(f"line {number} of {path} is no JSON object; give one a line")
    return found


def share_of(source: str, seed: int) -> float:
    """A number in [0, 1) that depends on the source and the seed alone.

    >>> 0 <= share_of("vim", 0) < 1
    True
    """
    digest = hashlib.sha256(f"{seed}\0{source}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / (1 << 48)
