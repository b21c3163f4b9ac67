"""JPEG files made in memory: of kinds that Pillow does not write, and damaged ones."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image

FACTORS = {
    "grey": ((1, 1),),
    "grey with factors": ((2, 2),),
    "4:4:4": ((1, 1),) * 3,
    "4:4:4 in twos": ((2, 2),) * 3,
    "4:2:2": ((2, 1), (1, 1), (1, 1)),
    "4:2:0": ((2, 2), (1, 1), (1, 1)),
    "4:4:0": ((1, 2), (1, 1), (1, 1)),
    "4:1:1": ((4, 1), (1, 1), (1, 1)),
    "4:1:0": ((4, 2), (1, 1), (1, 1)),
    "a third": ((3, 1), (1, 1), (1, 1)),
    "a quarter down": ((1, 4), (1, 2), (1, 1)),
    "each its own": ((2, 2), (2, 1), (1, 2)),
    "colour finer than light": ((1, 1), (2, 2), (1, 1)),
}

# One Huffman table for everything: the symbols in order, short codes for those that are common.
COUNTS = (0, 1, 1, 1, 2, 3, 4, 6, 8, 12, 20, 30, 60, 60, 47, 1)
COMMON = (0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x12, 0x21, 0xF0, 0x05, 0x31, 0x41)
SYMBOLS = [*COMMON, *(symbol for symbol in range(256) if symbol not in COMMON)]
DC_COUNTS = (0, 1, 5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0)
DC_SYMBOLS = list(range(16))


def codes(counts: Sequence[int], symbols: Sequence[int]) -> dict[int, tuple[int, int]]:
    """symbol: (code, length)."""
    found, code, place = {}, 0, 0
    for length, count in enumerate(counts, 1):
        for symbol in symbols[place : place + count]:
            found[symbol] = (code, length)
            code += 1
        place += count
        code <<= 1
    return found


AC_CODES, DC_CODES = codes(COUNTS, SYMBOLS), codes(DC_COUNTS, DC_SYMBOLS)


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def huffman_tables() -> bytes:
    dc = bytes([0x00, *DC_COUNTS, *DC_SYMBOLS[: sum(DC_COUNTS)]])
    return segment(0xC4, dc) + segment(0xC4, bytes([0x10, *COUNTS, *SYMBOLS[: sum(COUNTS)]]))


class Bits:
    """Bits into bytes, 0xFF followed by 0."""

    def __init__(self) -> None:
        self._text: list[str] = []

    def put(self, value: int, count: int) -> None:
        if count:
            self._text.append(f"{value:0{count}b}")

    def symbol(self, table: dict[int, tuple[int, int]], symbol: int) -> None:
        self.put(*table[symbol])

    def number(self, value: int, size: int) -> None:
        self.put(value if value > 0 else value + (1 << size) - 1, size)

    def flush(self) -> bytes:
        text = "".join(self._text)
        text += "1" * (-len(text) % 8)
        self._text.clear()
        return int(text or "0", 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")


def put_block(bits: Bits, block: np.ndarray, before: int) -> None:
    difference = int(block[0]) - before
    size = abs(difference).bit_length()
    bits.symbol(DC_CODES, size)
    bits.number(difference, size)
    run = 0
    for k in range(1, 64):
        value = int(block[k])
        if value == 0:
            run += 1
            continue
        while run > 15:
            bits.symbol(AC_CODES, 0xF0)
            run -= 16
        size = abs(value).bit_length()
        bits.symbol(AC_CODES, run << 4 | size)
        bits.number(value, size)
        run = 0
    if run:
        bits.symbol(AC_CODES, 0)


class Spec(NamedTuple):
    """What a file is to be like."""

    width: int
    height: int
    factors: tuple[tuple[int, int], ...] = ((2, 2), (1, 1), (1, 1))
    restart: int = 0
    interleaved: bool = True
    ids: tuple[int, ...] = (1, 2, 3, 4)
    app: bytes = b""
    wide_tables: bool = False
    strength: float = 1.0
    density: float = 0.2
    seed: int = 0


def jpeg(spec: Spec) -> bytes:
    """A sequential file of random coefficients."""
    random = np.random.default_rng(spec.seed)
    count = len(spec.factors)
    max_h, max_v = (max(factor[way] for factor in spec.factors) for way in (0, 1))
    across, down = -(-spec.width // (8 * max_h)), -(-spec.height // (8 * max_v))
    planes = []
    for h, v in spec.factors:
        shape = (down * v, across * h, 64)
        # Falling with the frequency, so that samples stay near their range.
        scale = spec.strength * 30 / (1 + np.arange(64))
        values = random.normal(0, scale, shape) * (random.random(shape) < spec.density)
        values[..., 0] = random.normal(0, 40 * spec.strength, shape[:2])
        planes.append(np.clip(np.rint(values), -1023, 1023).astype(int))
    frame = struct.pack(">BHHB", 8, spec.height, spec.width, count)
    for i, (h, v) in enumerate(spec.factors):
        frame += bytes([spec.ids[i], h << 4 | v, min(i, 1)])
    out = b"\xff\xd8" + spec.app
    for table in (0, 1):
        values = [1 + (7 * k + 3 * table) % 13 for k in range(64)]
        if spec.wide_tables:
            out += segment(0xDB, struct.pack(">B64H", 0x10 | table, *values))
        else:
            out += segment(0xDB, bytes([table, *values]))
    out += segment(0xC1 if spec.wide_tables else 0xC0, frame) + huffman_tables()
    if spec.restart:
        out += segment(0xDD, struct.pack(">H", spec.restart))
    scans = [range(count)] if spec.interleaved else [[i] for i in range(count)]
    for scan in scans:
        head = bytes([len(scan)]) + b"".join(bytes([spec.ids[i], 0]) for i in scan)
        out += segment(0xDA, head + bytes([0, 63, 0]))
        units = list(_units(spec, scan, planes, across, down, max_h, max_v))
        out += _entropy_coded(units, len(planes), spec.restart)
    return out + b"\xff\xd9"


def _units(spec, scan, planes, across, down, max_h, max_v):
    """The blocks of each unit: (component, block)."""
    if len(scan) > 1:
        for row in range(down):
            for column in range(across):
                yield [
                    (i, planes[i][row * v + y, column * h + x])
                    for i in scan
                    for h, v in [spec.factors[i]]
                    for y in range(v)
                    for x in range(h)
                ]
        return
    (i,) = scan
    h, v = spec.factors[i]
    for row in range(-(-spec.height * v // (8 * max_v))):
        for column in range(-(-spec.width * h // (8 * max_h))):
            yield [(i, planes[i][row, column])]


def _entropy_coded(units, components: int, restart: int) -> bytes:
    bits, out, last = Bits(), b"", [0] * components
    for number, unit in enumerate(units):
        if restart and number and number % restart == 0:
            out += bits.flush() + bytes([0xFF, 0xD0 + (number // restart - 1) % 8])
            last = [0] * components
        for i, block in unit:
            put_block(bits, block, last[i])
            last[i] = int(block[0])
    return out + bits.flush()


def fits_a_unit(factors: Sequence[tuple[int, int]]) -> bool:
    """Whether these components may share a scan (T.81, B.2.3)."""
    return sum(h * v for h, v in factors) <= 10


def saved(picture: Image.Image, **options: object) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def mutations(seed: int, count: int, photo: Image.Image) -> Iterator[bytes]:
    """Small files with bytes changed, left out, put in, and markers in the wrong place."""
    chance = random.Random(seed)
    sources = [
        saved(photo.resize((40, 30)), subsampling=subsampling, quality=quality, **options)
        for subsampling in (0, 1, 2)
        for quality, options in (
            (75, {}),
            (90, {"progressive": True}),
            (30, {"restart_marker_blocks": 3}),
            (60, {"restart_marker_rows": 1, "progressive": True}),
        )
    ]
    sources.append(jpeg(Spec(33, 40, FACTORS["each its own"], 2, interleaved=False)))
    for _ in range(count):
        data = bytearray(chance.choice(sources))
        for _ in range(chance.choice((1, 1, 2, 8))):
            at = chance.randrange(2, len(data))
            match chance.randrange(5):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    data[at] ^= 1 << chance.randrange(8)
                case 2:
                    del data[at : at + chance.randrange(1, 12)]
                case 3:
                    data[at:at] = bytes([0xFF, chance.choice((0xD0, 0xD3, 0xD9, 0xDA, 0xC4, 1))])
                case 4:
                    data[at:at] = chance.randbytes(chance.randrange(1, 10))
        yield bytes(data)
