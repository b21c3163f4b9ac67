"""Offsets into normalized text, turned into those of what it was made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from homebody.text._normalize import OffsetsMap


def place_through(
    offsets_map: OffsetsMap,
    splits: NDArray[np.int64],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
) -> None:
    """Put tokens where their first and last characters came from, in place.

    What was left out beside a token is not its own, and a token within what one character became
    has that character's place: unlike :func:`find_source_offsets`, whose ends are the beginnings
    of what follows.

    Args:
        offsets_map: of the normalized strings.
        splits: int64 [n + 1]: string i has the tokens splits[i] to splits[i + 1] - 1.
        starts, ends: int32, bytes of the normalized strings.
    """
    begins = offsets_map.row_splits.tolist()
    rows = offsets_map.rows
    for i in range(len(splits) - 1):
        mine = slice(int(splits[i]), int(splits[i + 1]))
        part = rows[begins[i] : begins[i + 1]]
        filled = starts[mine] < ends[mine]
        last = np.where(filled, ends[mine] - 1, starts[mine])
        starts[mine], after = _piece(part, starts[mine])[0], _piece(part, last)[1]
        ends[mine] = np.where(filled, after, starts[mine])


def _piece(
    rows: NDArray[np.void], at: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Source bytes from which, and up to which, the bytes ``at`` came."""
    if not len(rows) or not len(at):
        return at, at + 1
    row = rows[np.searchsorted(rows["to"], at, side="right") - 1]
    number = (at - row["to"]) // np.maximum(row["to_step"], 1)
    begin = row["from"] + number * row["from_step"]
    return begin, begin + row["from_step"]
