"""What the text kernels know about characters, unpacked on first use.

``unicode.bin`` beside this file is written by ``kernels/unicode_tables.py`` from Unicode 16.0 and
packed with zlib (64 kB), which browsers unpack by themselves; ``kernels/text_unicode.h`` describes
what is in it.
"""

from __future__ import annotations

import functools
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels.unicode import check_tables

UNICODE_VERSION = "16.0.0"
"""The version of Unicode that every text operation follows."""

PATH = Path(__file__).with_name("unicode.bin")
_MOST_BYTES = 1 << 22  # ten times what the tables take: a damaged file must not fill the memory
_SCRIPTS = 15  # HB_SECTION_SCRIPTS


class Tables:
    """The block in memory, checked: what kernels take as ``tables`` and ``size``.

    Attributes:
        block: uint8 [bytes], read-only.
        address: where it lies; alive as long as this object.
        size: bytes.
    """

    def __init__(self, block: NDArray[np.uint8]) -> None:
        check_tables(block)
        block.flags.writeable = False
        self.block = block
        self.address = int(block.ctypes.data)
        self.size = int(block.size)

    def section(self, number: int) -> NDArray[np.uint8]:
        """The bytes of one section, in the order of the header's enumeration."""
        offset, size = self.block[20 + 8 * number :][:8].view("<u4")
        return self.block[int(offset) : int(offset) + int(size)]

    @functools.cached_property
    def scripts(self) -> tuple[str, ...]:
        """Names of the scripts by their number, e.g. ``"Greek"``."""
        return tuple(self.section(_SCRIPTS).tobytes().decode().split("\0")[:-1])


@functools.cache
def tables() -> Tables:
    """The tables, read and checked at the first call.

    Raises:
        KernelError: the file is missing or damaged.

    Example:
        >>> tables().scripts[:3]
        ('Common', 'Inherited', 'Unknown')
    """
    try:
        unpacker = zlib.decompressobj()
        block = unpacker.decompress(PATH.read_bytes(), _MOST_BYTES)
        whole = unpacker.eof and not unpacker.unused_data
    except (OSError, zlib.error) as error:
        raise KernelError(
            f"the Unicode tables {PATH} cannot be read ({error}); reinstall homebody"
        ) from None
    if not whole:
        raise KernelError(f"the Unicode tables {PATH} are damaged; reinstall homebody")
    return Tables(np.frombuffer(block, np.uint8).copy())
