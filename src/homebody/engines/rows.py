"""Real inputs to measure with, in place of noise: rows that are put together into calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.engines.graph import Tensor
from homebody.errors import EngineError

MEASURED = 8
"""As many calls' answers are compared; more would only take longer."""


@dataclass(frozen=True)
class Rows:
    """Rows of every input.

    Args:
        arrays: for each input's name ``[n, ...]``, as the model takes them; one array of any name
            where it takes one input.
        name: what they are called in a report.
        row_seconds: how long reading one took (decoding, preparing); None where that is not known.

    Raises:
        EngineError: there is no row, or an array is a scalar.

    Example:
        >>> rows = Rows({"x": np.arange(6.0).reshape(3, 2)}, "x.npz")
        >>> rows.count, rows.call([Tensor("x", np.dtype("float64"), (2, 2))], 1)["x"].tolist()
        (3, [[4.0, 5.0], [0.0, 1.0]])
    """

    arrays: Mapping[str, NDArray[Any]]
    name: str = "arrays"
    row_seconds: float | None = None

    def __post_init__(self) -> None:
        if not self.arrays or any(not a.ndim or not len(a) for a in self.arrays.values()):
            raise EngineError(
                f"{self.name} holds no rows; give an array [n, ...] of one row at least for each "
                "input"
            )

    @property
    def count(self) -> int:
        """How many rows there are."""
        return min(len(array) for array in self.arrays.values())

    def call(self, inputs: Sequence[Tensor], number: int = 0) -> dict[str, NDArray[Any]] | None:
        """One call's inputs: the next rows, from the first again after the last.

        Args:
            inputs: what the call takes; a first dimension of -1 is one row.
            number: which call.

        Returns:
            None where the rows are not of these inputs' names, shapes or element types.
        """
        made = {}
        only = next(iter(self.arrays.values())) if len(self.arrays) == len(inputs) == 1 else None
        for tensor in inputs:
            array = self.arrays.get(tensor.name, only)
            if array is None or not tensor.shape or array.dtype != tensor.dtype:
                return None
            if array.shape[1:] != tensor.shape[1:]:
                return None
            batch = 1 if tensor.shape[0] == -1 else tensor.shape[0]
            places = np.arange(number * batch, (number + 1) * batch) % self.count
            made[tensor.name] = array[places]
        return made

    def calls(self, inputs: Sequence[Tensor]) -> list[dict[str, NDArray[Any]]]:
        """The inputs of as many calls as are compared; empty where the rows do not fit."""
        first = self.call(inputs)
        if first is None:
            return []
        batch = len(next(iter(first.values())))
        count = min(MEASURED, max(1, self.count // batch))
        return [made for n in range(count) if (made := self.call(inputs, n)) is not None]
