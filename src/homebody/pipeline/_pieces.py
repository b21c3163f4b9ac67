"""What a text is between two operations: passages, then pieces of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from homebody.text import Ragged, Strings

OffsetUnit: TypeAlias = Literal["byte", "char", "utf16"]
Offsets: TypeAlias = NDArray[np.int32]


class Map(NamedTuple):
    """For each byte of a string, where in the text that it was made of it comes from."""

    starts: Offsets
    ends: Offsets


class Passage(NamedTuple):
    """A string on its way, and where its characters were."""

    data: bytes
    segment: int
    """Which segment of the text it is of."""
    source: bytes
    """That segment, as it was given."""
    map: Map | None
    """None while the two are one."""

    def placed(self, starts: Offsets, ends: Offsets) -> tuple[Offsets, Offsets]:
        """Byte offsets into the string as byte offsets into its source."""
        if self.map is None:
            return starts, ends
        size = len(self.source)
        first = np.append(self.map.starts, np.int32(self.map.ends[-1] if len(self.data) else size))
        empty = starts == ends
        last = self.map.ends[np.maximum(ends - 1, 0)] if len(self.data) else ends
        return first[starts], np.where(empty, first[starts], last)

    def part(self, start: int, end: int) -> Passage:
        """The string between two of its byte offsets."""
        places = np.arange(len(self.data), dtype=np.int32)
        starts, ends = self.map or (places, places + np.int32(1))
        cut = Map(starts[start:end], ends[start:end])
        return self._replace(data=self.data[start:end], map=cut)


class Passages(tuple[Passage, ...]):
    """The strings of a text: its segments, or what was made of them."""

    __slots__ = ()

    @classmethod
    def of(cls, segments: Sequence[bytes]) -> Passages:
        """A text's own segments."""
        return cls(Passage(one, i, one, None) for i, one in enumerate(segments))

    def strings(self) -> list[bytes]:
        """Their UTF-8."""
        return [one.data for one in self]


class Pieces(NamedTuple):
    """Tokens or ids, a row for each passage, and where they lie there."""

    passages: Passages
    values: Any
    """Strings while they are tokens; then int32 [n], or windows of them [n, width]."""
    splits: NDArray[np.int64]
    starts: Offsets
    ends: Offsets
    vocabulary: tuple[str, ...] | None = None
    """What the ids stand for."""

    @property
    def rows(self) -> Ragged:
        """The values, a row for each passage."""
        return Ragged(self.values, self.splits)

    @property
    def tokens(self) -> bool:
        """Whether they have no ids yet."""
        return isinstance(self.values, Strings)

    def kept(self, chosen: NDArray[np.bool_]) -> Pieces:
        """The pieces where ``chosen`` is true."""
        before = np.concatenate([[0], np.cumsum(chosen, dtype=np.int64)])
        return self._replace(
            values=self.values[chosen],
            splits=before[self.splits],
            starts=self.starts[chosen],
            ends=self.ends[chosen],
        )

    def described(self, unit: OffsetUnit) -> Iterator[tuple[str, int | None, int, int, int]]:
        """Each piece's text, id, start and end in its segment, and the segment."""
        strings = self.values.to_list() if isinstance(self.values, Strings) else None
        for row, passage in enumerate(self.passages):
            places = range(int(self.splits[row]), int(self.splits[row + 1]))
            span = slice(places.start, places.stop)
            starts, ends = passage.placed(self.starts[span], self.ends[span])
            first, last = _counted(passage.source, unit)
            for place, start, end in zip(places, starts, ends, strict=True):
                text = passage.source[start:end].decode(errors="replace")
                number = None
                if strings is not None:
                    text = strings[place]
                elif self.values.ndim == 1:
                    number = int(self.values[place])
                    text = self.vocabulary[number] if self.vocabulary else text
                yield text, number, int(first[start]), int(last[end]), passage.segment


def _counted(data: bytes, unit: OffsetUnit) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each byte offset, what it is in another unit: of a start, and of an end.

    An offset within a character counts as the start, or the end, of that character.
    """
    if unit == "byte":
        return np.arange(len(data) + 1), np.arange(len(data) + 1)
    each = np.frombuffer(data, np.uint8)
    leads = (each & 0xC0) != 0x80
    units = leads.astype(np.int64)
    if unit == "utf16":
        units += each >= 0xF0  # a character of four bytes is two units
    ends = np.concatenate([[0], np.cumsum(units)])
    lead_of = np.maximum.accumulate(np.where(leads, np.arange(len(data)), 0))
    return ends[np.append(lead_of, len(data)).astype(np.intp)], ends
