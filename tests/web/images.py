"""Small PNG files of every kind that the format has, for what Pillow does not write."""

from __future__ import annotations

import struct
import zlib
from itertools import product

import numpy as np

from tests.image.files import png_chunk

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
KINDS = [(colour, depth) for colour, depths in DEPTHS.items() for depth in depths]
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
          (0, 1, 1, 2))  # fmt: skip


def png(
    colour: int,
    depth: int,
    *,
    size: tuple[int, int] = (13, 11),
    interlaced: bool = False,
    transparent: bool = False,
    chunks: bytes = b"",
    seed: int = 0,
) -> bytes:
    """A picture of random samples, each row with another filter."""
    random = np.random.default_rng(seed)
    width, height = size
    values = random.integers(0, 2**depth, (height, width, SAMPLES[colour]), np.uint16)
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    raw = b"".join(
        _rows(values[top::down, left::across], depth, colour)
        for left, top, across, down in (PASSES if interlaced else ((0, 0, 1, 1),))
    )
    out = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + chunks
    if colour == 3:
        out += png_chunk(b"PLTE", random.integers(0, 256, 3 * 2**depth, np.uint8).tobytes())
    if transparent:
        first = values[0, 0].astype(">u2").tobytes()
        out += png_chunk(b"tRNS", bytes(range(0, 2**depth, 3)) if colour == 3 else first)
    data = zlib.compress(raw)
    parts = [data[:20], data[20:]]  # the pixels may be in any number of chunks
    return out + b"".join(png_chunk(b"IDAT", part) for part in parts) + png_chunk(b"IEND", b"")


def _rows(values: np.ndarray, depth: int, colour: int) -> bytes:
    if values.size == 0:
        return b""
    height, out = len(values), b""
    if depth == 16:
        rows = values.astype(">u2").reshape(height, -1).view(np.uint8)
    else:
        bits = (values.reshape(height, -1, 1) >> np.arange(depth - 1, -1, -1)) & 1
        rows = np.packbits(bits.reshape(height, -1).astype(np.uint8), axis=1)
    step = max(1, depth * SAMPLES[colour] // 8)
    above = np.zeros(rows.shape[1], int)
    for y, row in enumerate(rows.astype(int)):
        left = np.concatenate([np.zeros(step, int), row])[: len(row)]
        corner = np.concatenate([np.zeros(step, int), above])[: len(row)]
        guess = [np.zeros_like(row), left, above, (left + above) // 2, _paeth(left, above, corner)]
        out += bytes([y % 5]) + ((row - guess[y % 5]) % 256).astype(np.uint8).tobytes()
        above = row
    return out


def _paeth(left: np.ndarray, above: np.ndarray, corner: np.ndarray) -> np.ndarray:
    apart = [abs(left + above - corner - one) for one in (left, above, corner)]
    return np.choose(np.argmin(apart, axis=0), [left, above, corner])


def every_png() -> dict[str, bytes]:
    """A file of each colour type, depth, and way."""
    return {
        f"colour {colour}, {depth} bits{', interlaced' * interlaced}{', transparent' * hole}": png(
            colour, depth, interlaced=interlaced, transparent=hole
        )
        for (colour, depth), interlaced, hole in product(KINDS, (False, True), (False, True))
        if not (hole and colour > 3)
    }
