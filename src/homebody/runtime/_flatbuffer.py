"""A bounded FlatBuffers reader.

The generated readers trust offsets and lengths; a hostile file then reads outside the buffer or
loops over four thousand million items. Here every offset, vtable and vector is checked against
the buffer before it is followed, so that a broken file is one sentence.

Source: FlatBuffers binary format, https://flatbuffers.dev/internals/
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from homebody.errors import ModelError


def _broken(what: str) -> ModelError:
    return ModelError(
        f"the model file is damaged: {what}; expected a whole FlatBuffers file, "
        "so fetch or export the model again"
    )


class Table:
    """One table of a FlatBuffers file.

    Args:
        data: the whole file, a byte view.
        position: where the table starts, in bytes.

    Raises:
        ModelError: when the table or its vtable lies outside the file.
    """

    __slots__ = ("_data", "_field_count", "_position", "_vtable")

    def __init__(self, data: memoryview, position: int) -> None:
        self._data = data
        self._position = position
        self._vtable = position - self._unpack("<i", position)
        size = self._unpack("<H", self._vtable)
        if size < 4 or size % 2 or self._vtable + size > len(data):
            raise _broken(f"the vtable at byte {self._vtable} has {size} bytes")
        self._field_count = (size - 4) // 2

    @classmethod
    def root(cls, data: memoryview, identifier: bytes) -> Table:
        """The file's root table; ``identifier`` is the four bytes expected at offset 4."""
        if len(data) < 12:
            raise _broken(f"it has {len(data)} bytes")
        if bytes(data[4:8]) != identifier:
            raise ModelError(
                f"the file is not a {identifier.decode()} model: bytes 4 to 8 are "
                f"{bytes(data[4:8])!r}; give a .tflite file"
            )
        return cls(data, int(struct.unpack_from("<I", data, 0)[0]))

    def _unpack(self, form: str, position: int) -> int:
        if position < 0 or position + struct.calcsize(form) > len(self._data):
            raise _broken(f"an offset points to byte {position} of {len(self._data)}")
        value: int = struct.unpack_from(form, self._data, position)[0]
        return value

    def _field(self, index: int) -> int:
        """Absolute position of a field, 0 when it is absent."""
        if index >= self._field_count:
            return 0
        offset = self._unpack("<H", self._vtable + 4 + 2 * index)
        return self._position + offset if offset else 0

    def _follow(self, index: int) -> int:
        at = self._field(index)
        return at + self._unpack("<I", at) if at else 0

    def integer(self, index: int, form: str = "<i", default: int = 0) -> int:
        """A scalar field; ``form`` is its :mod:`struct` code."""
        at = self._field(index)
        return self._unpack(form, at) if at else default

    def table(self, index: int) -> Table | None:
        """A sub-table, or None when it is absent."""
        at = self._follow(index)
        return Table(self._data, at) if at else None

    def bytes(self, index: int, item_size: int = 1) -> memoryview | None:
        """The raw bytes of a vector of ``item_size``-byte scalars, or None when it is absent."""
        at = self._follow(index)
        if not at:
            return None
        count = self._unpack("<I", at)
        end = at + 4 + count * item_size
        if end > len(self._data):
            raise _broken(f"a vector at byte {at} claims {count} items")
        return self._data[at + 4 : end]

    def string(self, index: int) -> str:
        """A string, empty when it is absent; malformed UTF-8 is replaced."""
        raw = self.bytes(index)
        return "" if raw is None else str(raw, "utf-8", "replace")

    def tables(self, index: int) -> Iterator[Table]:
        """Each table of a vector of tables, in order."""
        at = self._follow(index)
        if not at:
            return
        offsets = self.bytes(index, 4)
        assert offsets is not None
        for i in range(len(offsets) // 4):
            item = at + 4 + 4 * i
            yield Table(self._data, item + self._unpack("<I", item))
