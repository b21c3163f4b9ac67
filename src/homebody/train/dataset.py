"""A folder of labelled folders as a data set: which photos there are, and what each one shows.

    photos/
      cat/   tom.jpg  felix.jpg  summer/kitty.jpg
      dog/   rex.jpg  ...

A photo's label is the folder right below the root; deeper folders may say where it came from.
Photos are known by the SHA-256 of their bytes, so nothing depends on names or dates.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from homebody.errors import DatasetError

SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif"))
"""What is taken for a photo."""

MIN_PHOTOS = 3
"""The fewest photos of a label: one to train on, one to stop by, one to test on."""

MAX_TABLE_BYTES = 64 << 20
"""The largest metadata table that is read."""


class Example(msgspec.Struct, frozen=True):
    """One photo: its path below the root with forward slashes, its label, its bytes' SHA-256."""

    file: str
    label: str
    sha256: str


class Skipped(NamedTuple):
    """A file that is not used, and why."""

    file: str
    reason: str


class Dataset(msgspec.Struct, frozen=True):
    """Labelled photos.

    Attributes:
        root: the folder that every example's ``file`` is relative to.
        labels: in the order of the model's outputs: sorted.
        examples: sorted by ``file``.
        skipped: what was found and left out.
    """

    root: Path
    labels: tuple[str, ...]
    examples: tuple[Example, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def sha256(self) -> str:
        """What the data set holds, in one hash: every photo's label and bytes, not its name."""
        lines = sorted(f"{e.label}\0{e.sha256}\n" for e in self.examples)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def without(self, skipped: Iterable[Skipped]) -> Dataset:
        """The data set less some files, checked again to have enough photos of each label.

        Raises:
            DatasetError: a label has too few photos left.
        """
        more = tuple(skipped)
        gone = {s.file for s in more}
        rest = tuple(e for e in self.examples if e.file not in gone)
        _check_counts(self.labels, rest, (*self.skipped, *more))
        return msgspec.structs.replace(self, examples=rest, skipped=(*self.skipped, *more))


def read_dataset(root: str | os.PathLike[str]) -> Dataset:
    """List a folder of labelled folders and hash every photo; nothing is decoded.

    A file that is no photo, a copy of another photo with the same label, and every copy of a
    photo that stands under two labels are skipped and reported.

    Args:
        root: holds one folder for each label. Hidden files and folders are left out.

    Raises:
        DatasetError: there are fewer than two labels, or a label has fewer than
            :data:`MIN_PHOTOS` photos, or something cannot be read.

    Example:
        >>> read_dataset("photos").labels                                  # doctest: +SKIP
        ('cat', 'dog')
    """
    folder = Path(root)
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder; give one that holds a folder for each label")
    try:
        labels = tuple(sorted(p.name for p in folder.iterdir() if p.is_dir() and _shown(p)))
        if not labels:
            raise DatasetError(
                f"{folder} holds no folders; put the photos of each label into a folder of its name"
            )
        for label in labels:
            if not label.isprintable():
                raise DatasetError(
                    f"the folder {label!r} is a label with unprintable characters; rename it"
                )
        found: list[Example] = []
        skipped: list[Skipped] = []
        for label in labels:
            for path in sorted(_files(folder / label)):
                file = path.relative_to(folder).as_posix()
                if path.suffix.lower() in SUFFIXES:
                    found.append(Example(file, label, _sha256(path)))
                else:
                    skipped.append(Skipped(file, f"{path.suffix or 'no'} ending is not a photo's"))
    except OSError as error:
        raise DatasetError(
            f"cannot read {error.filename or folder}: {error.strerror}; make it readable"
        ) from error
    examples, copies = _without_copies(found)
    dataset = Dataset(folder, labels, examples, (*skipped, *copies))
    _check_counts(labels, examples, dataset.skipped)
    return dataset


def _shown(path: Path) -> bool:
    return not path.name.startswith(".")


def _files(folder: Path) -> Iterable[Path]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(here) / name for name in files if not name.startswith("."))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _without_copies(found: list[Example]) -> tuple[tuple[Example, ...], list[Skipped]]:
    labels: dict[str, set[str]] = {}
    for example in found:
        labels.setdefault(example.sha256, set()).add(example.label)
    first: dict[str, str] = {}
    kept, skipped = [], []
    for example in found:
        if len(labels[example.sha256]) > 1:
            names = " and ".join(sorted(labels[example.sha256]))
            skipped.append(Skipped(example.file, f"the same photo is labelled {names}"))
        elif example.sha256 in first:
            skipped.append(Skipped(example.file, f"a copy of {first[example.sha256]}"))
        else:
            first[example.sha256] = example.file
            kept.append(example)
    return tuple(kept), skipped


def _check_counts(
    labels: tuple[str, ...], examples: Iterable[Example], skipped: tuple[Skipped, ...]
) -> None:
    if len(labels) < 2:
        raise DatasetError(
            f"there is only the label {labels[0]!r}; give at least two folders of photos, "
            "such as one of what the feature should recognise and one of other photos"
        )
    counts = dict.fromkeys(labels, 0)
    for example in examples:
        counts[example.label] += 1
    for label, count in counts.items():
        if count >= MIN_PHOTOS:
            continue
        left_out = [s for s in skipped if s.file.startswith(f"{label}/")]
        why = f" ({len(left_out)} skipped: {left_out[0].reason})" if left_out else ""
        held = f"{count} photo{'' if count == 1 else 's'}" if count else "no photo"
        raise DatasetError(
            f"the label {label!r} has {held}{why}; at least {MIN_PHOTOS} are needed, "
            "so add some or move the folder away"
        )


def read_table(path: str | os.PathLike[str], dataset: Dataset) -> dict[str, dict[str, str]]:
    """Read a metadata table: what else is known of each photo, for slices and sources.

    Args:
        path: a CSV file with a header, a column ``file`` (relative to the data set's root) and
            any others, such as ``camera`` or ``source``. An empty value says nothing.
        dataset: the photos that it is about; rows of other files are ignored.

    Returns:
        The columns but ``file``, each a value by file.

    Raises:
        DatasetError: the file is no such table, names a file twice, or names none of the photos.
    """
    try:
        if Path(path).stat().st_size > MAX_TABLE_BYTES:
            raise DatasetError(f"{path} is over {MAX_TABLE_BYTES >> 20} MiB; give a smaller table")
        with Path(path).open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.DictReader(lines, strict=True)
            names = list(rows.fieldnames or ())
            if "file" not in names or len(set(names)) != len(names):
                raise DatasetError(
                    f"{path} has the columns {', '.join(map(repr, names)) or 'of none'}; expected "
                    "distinct ones with 'file' among them"
                )
            return _columns(path, rows, [n for n in names if n and n != "file"], dataset)
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}; check the path") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} is no CSV table in UTF-8 ({error}); export it anew") from None


def _columns(
    path: str | os.PathLike[str],
    rows: Iterable[Mapping[str, str | None]],
    names: list[str],
    dataset: Dataset,
) -> dict[str, dict[str, str]]:
    known = {example.file for example in dataset.examples}
    columns: dict[str, dict[str, str]] = {name: {} for name in names}
    seen: set[str] = set()
    for row in rows:
        file = (row["file"] or "").replace("\\", "/").removeprefix("./")
        if file in seen:
            raise DatasetError(f"{path} has two rows for {file!r:.80}; keep one")
        seen.add(file)
        if file in known:
            for name in names:
                if value := (row[name] or "").strip():
                    columns[name][file] = value
    if not seen & known:
        raise DatasetError(
            f"{path} names none of the photos in {dataset.root}; its column 'file' holds paths "
            "relative to that folder, such as "
            f"{dataset.examples[0].file!r}"
        )
    return columns
