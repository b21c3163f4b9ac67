"""Which photos are trained on, which stop the training, and which are only tested on.

Photos of one source (a shoot, a camera, a web site) look alike, and a model that has seen one has
half seen the others; so a source is never divided. Without sources each photo is its own. The
division depends on the photos' contents and the seed alone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

import msgspec

from homebody.errors import DatasetError
from homebody.train.dataset import Dataset, Example

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PARTS = (TRAIN, VALIDATION, TEST)
_MISSING = 4.0
"""How much a part without any photo of a label weighs: more than any deviation from counts."""


class Split(msgspec.Struct, frozen=True):
    """Three disjoint parts of a data set, and what is odd about them.

    Each part is in the order of the photos' hashes, so that training does not depend on names.
    """

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]
    warnings: tuple[str, ...] = ()


def split_dataset(
    dataset: Dataset,
    *,
    by: str = "content",
    validation: float = 0.15,
    test: float = 0.2,
    seed: int = 0,
    table: Mapping[str, Mapping[str, str]] | None = None,
) -> Split:
    """Divide a data set, a source in one piece, so that every label keeps the wanted shares.

    Sources are dealt out largest first, ties in the order of a hash of the seed and the source,
    each to the part where it brings the labels' counts nearest to the wanted ones; the last ones
    of a label go where it is missing altogether. The order of files, their names and the platform
    play no role when ``by`` is ``"content"``.

    Args:
        dataset: what to divide.
        by: what makes a source: ``"content"`` (each photo alone), ``"folder"`` (the folder below
            the label's), ``"prefix"`` (the file's name up to ``__``), or a column of ``table``.
        validation: share of photos that early stopping looks at, above 0.
        test: share of photos that only the evaluation looks at, above 0; together below 0.9.
        seed: another seed gives another division.
        table: columns as :func:`~homebody.train.dataset.read_table` gives them.

    Raises:
        DatasetError: the shares are out of range, no such column exists, a photo has no source,
            or a label is left without a photo to train on.
    """
    if not (validation > 0 and test > 0 and validation + test < 0.9):
        raise DatasetError(
            f"the shares are validation {validation:g} and test {test:g}; give two above 0 that "
            "are below 0.9 together"
        )
    sources = _sources(dataset, by, table or {})
    members: dict[str, list[Example]] = {}
    for example in dataset.examples:
        members.setdefault(sources[example.file], []).append(example)
    shares = {TRAIN: 1 - validation - test, VALIDATION: validation, TEST: test}
    totals = Counter(example.label for example in dataset.examples)
    # At least one photo of every label in every part, so that small labels are tested too.
    wanted = {
        (part, label): max(1.0, share * total)
        for part, share in shares.items()
        for label, total in totals.items()
    }
    parts: dict[str, list[Example]] = {part: [] for part in PARTS}
    have: Counter[tuple[str, str]] = Counter()
    left = Counter(label for found in members.values() for label in {e.label for e in found})
    for source in sorted(members, key=lambda s: (-len(members[s]), _order(seed, s))):
        counts = Counter(example.label for example in members[source])

        def error_added(part: str, counts: Counter[str] = counts) -> float:
            """By how much the squared deviations from the wanted counts would grow."""
            added = 0.0
            for label, count in counts.items():
                gap = have[part, label] - wanted[part, label]
                added += count * (count + 2 * gap) / totals[label] ** 2
                missing = [p for p in PARTS if not have[p, label]]
                if part in missing and left[label] <= len(missing):
                    added -= _MISSING
            return added

        part = min(PARTS, key=error_added)  # the first, train, where two are equal
        parts[part] += members[source]
        for label, count in counts.items():
            have[part, label] += count
            left[label] -= 1
    return Split(
        **{part: tuple(sorted(parts[part], key=lambda e: e.sha256)) for part in PARTS},
        warnings=_warnings(dataset, have, by),
    )


def _order(seed: int, source: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{source}".encode()).digest()


def _sources(dataset: Dataset, by: str, table: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    if by == "content":
        return {e.file: e.sha256 for e in dataset.examples}
    if by == "folder":
        return {e.file: PurePosixPath(*PurePosixPath(e.file).parts[1:-1]).as_posix()
                for e in dataset.examples}  # fmt: skip
    if by == "prefix":
        return {e.file: PurePosixPath(e.file).name.partition("__")[0] for e in dataset.examples}
    if by not in table:
        known = ", ".join(("content", "folder", "prefix", *table))
        raise DatasetError(f"photos cannot be split by {by!r}; give one of {known}")
    missing = [e.file for e in dataset.examples if e.file not in table[by]]
    if missing:
        raise DatasetError(
            f"{len(missing)} photos have no {by!r} in the table, the first {missing[0]!r}; "
            "fill the column in or split by something else"
        )
    return dict(table[by])


def _warnings(dataset: Dataset, have: Counter[tuple[str, str]], by: str) -> tuple[str, ...]:
    warnings = []
    for label in dataset.labels:
        if not have[TRAIN, label]:
            raise DatasetError(
                f"split by {by}, the label {label!r} has no photo left to train on; add photos "
                "of it from other sources or split by content"
            )
        for part in (VALIDATION, TEST):
            if not have[part, label]:
                warnings.append(
                    f"no photo of {label} is left for the {part} part, "
                    "since sources are not divided"
                )
    return tuple(warnings)
