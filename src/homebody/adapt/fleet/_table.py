"""Numbers of each asset, in arrays that grow with the fleet."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import FleetError


class Table:
    """Columns by name: each asset's numbers, which begin at a value.

    Args:
        fresh: each column's type, the value that it begins with, and the shape of an asset's part.

    Example:
        >>> table = Table(seen=(np.int64, 0, ()))
        >>> table.grow(2)
        >>> table["seen"][1] += 3
        >>> table.columns()["seen"].tolist()
        [0, 3]
    """

    def __init__(self, **fresh: tuple[Any, Any, tuple[int, ...]]) -> None:
        self._fresh = fresh
        self._arrays = {
            name: np.empty((0, *shape), dtype) for name, (dtype, _, shape) in fresh.items()
        }
        self.count = 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._arrays[name]

    def grow(self, count: int) -> None:
        """Have ``count`` assets."""
        for name, (dtype, value, shape) in self._fresh.items():
            old = self._arrays[name]
            if count > len(old):
                # Room for half as many more, so that few copies are made.
                room = max(count, len(old) + len(old) // 2)
                wider = np.full((room, *shape), value, dtype)
                wider[: len(old)] = old
                self._arrays[name] = wider
        self.count = max(self.count, count)

    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns by name; views."""
        return {name: array[: self.count] for name, array in self._arrays.items()}

    def asset(self, slot: int) -> list[NDArray[Any]]:
        """One asset's part of each; views."""
        return [array[slot : slot + 1] for array in self._arrays.values()]


def put(into: dict[str, NDArray[Any]], saved: dict[str, NDArray[Any]]) -> None:
    """Fill columns with saved ones.

    Raises:
        FleetError: one is absent, or of another type or shape.
    """
    for name, column in into.items():
        found = saved.get(name)
        if found is None or found.shape != column.shape or found.dtype != column.dtype:
            raise FleetError(
                f"the saved {name} do not fit this fleet; give one with the same prior and settings"
            )
        column[...] = found
