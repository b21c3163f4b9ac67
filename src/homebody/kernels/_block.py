"""A filter's state in one block of memory, without pointers: it is saved and restored as bytes."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError

MAX_STATES = 256
MAX_OUTPUTS = 64
MAX_ROW = 1e18
MAX_MEASURED = 1e100
MAX_STEPS = 1e12


class Block(ABC):
    """The memory of one filter and its parts, which are views of it."""

    memory: NDArray[np.uint8]

    def _part(self, offset: int, dtype: type[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        return self.memory[offset : offset + size].view(dtype).reshape(shape)

    def save(self) -> bytes:
        """Everything the filter remembers."""
        return self.memory.tobytes()

    def restore(self, saved: bytes) -> None:
        """Go back to what :meth:`save` gave, by a block of the same sizes.

        Raises:
            KernelError: it is of other sizes, or holds what no filter would.
        """
        if len(saved) != len(self.memory) or saved[: self._KEPT] != bytes(
            self.memory[: self._KEPT]
        ):
            raise KernelError(
                f"{len(saved)} bytes are not this filter's {len(self.memory)}; "
                "restore what a filter of the same sizes and settings saved"
            )
        before = self.memory.copy()
        self.memory[:] = np.frombuffer(saved, np.uint8)
        if not self._sound():
            self.memory[:] = before
            raise KernelError("a saved filter holds NaN or over 1e100; restore an undamaged one")

    _KEPT: ClassVar[int]  # the header's first bytes: format, sizes and settings, never changed

    @abstractmethod
    def _sound(self) -> bool:
        """Whether the numbers are such that a filter could have them."""


def within(part: NDArray[Any]) -> bool:
    """Whether all numbers are ones that a filter can go on with."""
    limit = 1e15 if part.dtype == np.float32 else MAX_MEASURED  # squares stay finite
    return bool((np.abs(part) <= limit).all())  # NaN is not


def header(saved: bytes, format: bytes, layout: str) -> tuple[Any, ...]:
    """The fields that a saved block of this format begins with."""
    if len(saved) < struct.calcsize(layout) or saved[:4] != format:
        raise KernelError("the bytes are no saved filter of this kind; give what save() gave")
    return struct.unpack_from(layout, saved)
