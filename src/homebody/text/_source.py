"""What a text operation is given, of whatever kind: strings in memory, and the result's shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import TextError
from homebody.kernels import texts
from homebody.text._ragged import Ragged
from homebody.text._strings import (
    Malformed,
    Strings,
    arrow_strings,
    borrowed,
    malformed_at,
)

OFFSET_UNITS = ("byte", "char", "utf16")


class Source:
    """Strings where they lie, and how a result about each is to be nested.

    Attributes:
        spans: uintp [n, 2]: what a kernel reads.
        sound: whether all are known to be UTF-8.
    """

    def __init__(self, source: Any, malformed: Malformed = "replace") -> None:
        self.rows: tuple[NDArray[np.int64], ...] = ()
        self.single = isinstance(source, (str, bytes))
        flat = self._flattened((source,) if self.single else source)
        self.spans: texts.Spans
        self._keep: tuple[object, ...]
        if isinstance(flat, Strings):
            self.spans, self._keep, self.sound = flat.spans(), (flat.keep,), False
        else:
            spans, keep, self.sound = borrowed(flat, malformed)
            self.spans, self._keep = spans, (keep,)
        self._original = self.spans
        self._maps: dict[int, tuple[NDArray[np.int32], NDArray[np.int32]]] = {}
        if malformed == "error" and not self.sound:
            bad = texts.check_utf8(self.spans)
            if bad < len(self.spans):
                raise malformed_at(bad)
            self.sound = True
        elif malformed == "ignore" and not self.sound:
            self._leave_out()

    def _flattened(self, source: Any) -> Any:
        if isinstance(source, Ragged):
            if not isinstance(source.flat_values, Strings):
                raise TextError("a Ragged of numbers is no text; give one of Strings")
            self.rows = source.nested_row_splits
            return source.flat_values
        if isinstance(source, np.ndarray) and source.ndim > 1:
            shape = source.shape
            outer = (int(np.prod(shape[:i])) for i in range(1, len(shape)))
            steps = zip(outer, shape[1:], strict=True)
            self.rows = tuple(np.arange(rows + 1, dtype=np.int64) * width for rows, width in steps)
            return source.reshape(-1)
        if isinstance(source, (list, tuple)) and source and isinstance(source[0], (list, tuple)):
            return self._flattened(Ragged.from_lists(source))
        arrow = arrow_strings(source)
        return source if arrow is None else arrow

    def _leave_out(self) -> None:
        """Replace the strings that are not UTF-8 by what is, remembering where it was."""
        self.spans = self._original.copy()
        kept: list[object] = []
        for i in range(len(self.spans)):
            if texts.check_utf8(self.spans[i : i + 1]) == 0:
                mended, starts, ends = texts.mend(self.spans[i], ignore=True, mapped=True)
                self.spans[i] = mended.ctypes.data, mended.size
                self._maps[i] = starts, ends
                kept.append(mended)
        self._keep, self.sound = (*self._keep, *kept), True

    def __len__(self) -> int:
        return len(self.spans)

    def shaped(self, values: Any, splits: NDArray[np.int64]) -> Any:
        """Values about the strings, those of string i from splits[i] on, nested as the strings are.

        Of a single string, the values themselves.
        """
        if self.single:
            return values
        result = Ragged._made(values, splits)
        for rows in reversed(self.rows):
            result = Ragged._made(result, rows)
        return result

    def each(self, values: Any) -> Any:
        """One value a string, nested as the strings are; of a single string, the one alone."""
        if self.single:
            return values[0]
        for rows in reversed(self.rows):
            values = Ragged._made(values, rows)
        return values

    def place(
        self,
        splits: NDArray[np.int64],
        starts: NDArray[np.int32],
        ends: NDArray[np.int32],
        unit: str,
    ) -> None:
        """Turn byte offsets into ``spans`` into those of ``unit`` into what was given, in place."""
        for i, (first, last) in self._maps.items():
            row = slice(int(splits[i]), int(splits[i + 1]))
            empty = starts[row] == ends[row]  # a token of nothing: where it stands
            begin = np.concatenate([first, last[-1:] if len(last) else [0]])
            end = np.where(empty, begin[starts[row]], last[np.maximum(ends[row] - 1, 0)])
            starts[row], ends[row] = begin[starts[row]], end
        if unit != "byte":
            texts.convert_units(self._original, splits, unit, starts)
            texts.convert_units(self._original, splits, unit, ends)

    def cut(
        self,
        splits: NDArray[np.int64],
        starts: NDArray[np.int32],
        ends: NDArray[np.int32],
        *,
        apart: bool = False,
    ) -> Strings:
        """The texts between byte offsets into ``spans``, each UTF-8."""
        tokens = Strings._made(*texts.gather(self.spans, splits, starts, ends, apart=apart))
        return tokens if self.sound else tokens._mended("replace")
