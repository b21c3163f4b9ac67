"""Which asset is which: names to slots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import FleetError

MAX_NAME = 200
"""Most characters of an asset's name."""
MAX_ID = 2**62


class Names:
    """The assets' names, either whole numbers or texts, each with its slot."""

    def __init__(self, names: int | Sequence[Any] | NDArray[Any]) -> None:
        if isinstance(names, bool):
            raise FleetError("assets are given as a number or by names, not as true or false")
        if isinstance(names, (int, np.integer)):
            if not 0 <= names <= 1 << 28:
                raise FleetError(f"{names} assets are too many or too few; give 0 to 2^28")
            names = np.arange(int(names))
        self._slots: dict[Any, int] = {}
        self.texts: bool | None = None
        if len(names):
            array = self._array(names)
            if not all(map(_proper, array.tolist())):
                raise FleetError(f"an asset's name has 1 to {MAX_NAME} characters; give another")
            values = array.tolist()
            self._slots = {name: slot for slot, name in enumerate(values)}
            if len(self._slots) != len(values):
                raise FleetError("two assets have the same name; give each its own")
        self._count_up()

    def _count_up(self) -> None:
        # Names 0, 1, 2, ... are their own slots: no look-up.
        self._plain = not self.texts and list(self._slots) == list(range(len(self._slots)))

    def __len__(self) -> int:
        return len(self._slots)

    def _array(self, ids: Any) -> NDArray[Any]:
        if isinstance(ids, (list, tuple)) and len(set(map(type, ids))) > 1:
            ids = np.array(ids, object)  # or numpy would make numbers texts
        array = np.asarray(ids)
        if array.size == 0 and array.ndim == 1:
            array = array.astype(np.int64)
        if array.ndim != 1:
            raise FleetError(f"ids are {list(array.shape)}; give one for each measurement, [n]")
        if array.dtype == object:
            kinds = {type(name) for name in array.tolist()}
            if kinds <= {str}:
                array = array.astype(np.str_)
            elif kinds <= {int}:
                try:
                    array = array.astype(np.int64)
                except OverflowError:
                    raise FleetError("an id is beyond 2^62; give smaller whole numbers") from None
        texts = array.dtype.kind == "U"
        if not texts and array.dtype.kind not in "iu":
            raise FleetError(f"ids are {array.dtype}; give whole numbers, or texts")
        beyond = array.size and not texts and max(-int(array.min()), int(array.max())) >= MAX_ID
        if beyond:
            raise FleetError("an id is beyond 2^62; give smaller whole numbers")
        if self.texts is None and array.size:
            self.texts = texts
        if array.size and texts != self.texts:
            raise FleetError(
                "ids are texts and the fleet's are numbers, or the reverse; give the fleet's kind"
            )
        return array

    def slots(self, ids: Any, *, add: bool) -> tuple[NDArray[np.int64], list[Any]]:
        """Each id's slot, -1 where unknown or no name; and the names that ``add`` made."""
        array = self._array(ids)
        if self._plain and not add and not self.texts:
            known = (array >= 0) & (array < len(self))
            return np.where(known, array, -1).astype(np.int64), []
        unique, first, inverse = np.unique(array, return_index=True, return_inverse=True)
        names = unique.tolist()
        found = [self._slots.get(name, -1) for name in names]
        new: list[Any] = []
        if add:
            for place in np.argsort(first).tolist():
                if found[place] < 0 and _proper(names[place]):
                    found[place] = self._slots[names[place]] = len(self._slots)
                    new.append(names[place])
            if new:
                self._count_up()
        return np.array(found, np.int64)[inverse.reshape(-1)], new

    def list(self) -> list[Any]:
        """All names, by slot."""
        return list(self._slots)


def _proper(name: Any) -> bool:
    return not isinstance(name, str) or 1 <= len(name) <= MAX_NAME
