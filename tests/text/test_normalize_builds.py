"""The kernels of normal forms and words' shapes under sanitizers, on strings made to break them."""

from __future__ import annotations

import hashlib
import random

import numpy as np

from homebody import text
from homebody.kernels import normalizing
from homebody.text._unicode import tables
from tests.kernels.builds import gcc, linux, sanitized

SHORT_BUFFER, SHORT_MAP = -2, -5
BYTES = (b"\xf0", b"\xf0\x9f\x98", b"\xe3\x80", b"\xc3", b"\xff", b"\xed\xa0\x80", b"\x80", b"")
POINTS = (
    *range(0x300, 0x370), *range(0x1100, 0x1200, 3), *range(0xAC00, 0xAC40), 0x9C7, 0x9BE, 0xDD9,
    0xDCF, 0x1F71, 0xFDFA, 0x3300, 0xFB2C, 0x1D160, 0x2F800, 0x16D63, 0x16D67, 0x16D68, 0x113C5,
    *range(0xFF60, 0xFFE0, 5), 0xAD, 0x200B, 0x345, 0x130, 0x1E9E, *b"aAeE\n\t .-+09'`:)\"",
)  # fmt: skip


def hostile(chance: random.Random) -> bytes:
    """Marks, letters that join, every kind of broken bytes, in runs around the sorting's limit."""
    parts = []
    for _ in range(chance.randrange(8)):
        kind = chance.randrange(5)
        if kind == 0:
            parts.append(chance.choice(BYTES))
        elif kind == 1:
            parts.append(chr(chance.choice(POINTS[:112])).encode() * chance.randrange(70))
        elif kind == 2:
            length = chance.choice((1, 5, 63, 64, 65, 66, 130))
            parts.append("".join(map(chr, chance.choices(POINTS[:112], k=length))).encode())
        elif kind == 3:
            parts.append(chr(chance.randrange(0x110000)).encode(errors="replace"))
        else:
            parts.append("".join(map(chr, chance.choices(POINTS, k=chance.randrange(9)))).encode())
    return b"".join(parts) + chance.choice(BYTES)


def alone(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """A string in memory of its own size, so that a byte beyond is out of bounds; its span."""
    memory = np.frombuffer(data, np.uint8).copy()
    return memory, np.array([[memory.ctypes.data, memory.size]], np.uintp)


def written(form: int, replacement: int, span: np.ndarray, size: int, rows: int) -> bytes | None:
    """One string in memory of exactly these sizes; None when they are too small."""
    out, made = np.empty(size, np.uint8), np.empty(rows, normalizing.ROW)
    offsets, splits, progress = np.empty(2, np.int64), np.empty(2, np.int64), np.zeros(3, np.int64)
    status = normalizing._load().hb_text_normalize(
        tables().address, form, replacement, span.ctypes.data, 1, 0, out.ctypes.data, size,
        offsets.ctypes.data, made.ctypes.data, rows, splits.ctypes.data, progress.ctypes.data,
    )  # fmt: skip
    if status in (SHORT_BUFFER, SHORT_MAP):
        return None
    assert status == 0
    return out[: progress[1]].tobytes() + made[: progress[2]].tobytes()


def exercise(count: int = 600) -> list[str | int]:
    """Run everything; returns how many calls there were and a digest of what they gave."""
    chance, digest, calls = random.Random(5), hashlib.sha256(), 0
    shapes = np.arange(len(text.WordShape), dtype=np.int32)
    address = tables().address
    for _ in range(count):
        memory, span = alone(hostile(chance))
        for number, form in enumerate(normalizing.FORMS):
            for replacement in (0xFFFD, 0):
                made = normalizing.normalize(address, form, span, replacement, mapped=True)
                size, rows = made.data.size, made.rows.size
                exact = written(number, replacement, span, size, rows)
                assert exact == made.data.tobytes() + made.rows.tobytes()
                assert size == 0 or written(number, replacement, span, size - 1, rows) is None
                assert written(number, replacement, span, size, rows - 1) is None
                places = np.arange(-1, size + 3)
                found = normalizing.source_offsets(
                    made.rows, made.row_splits, np.array([0, places.size]), places
                )
                assert found[0] == 0
                assert found[-1] == memory.size
                digest.update(exact + found.tobytes())
                calls += 5
            assert normalizing.first_changed(address, form, span) in (0, 1)
        digest.update(normalizing.wordshape(address, span, shapes).tobytes())
        digest.update(normalizing.binarize(span, 5, 21, 0xFFFD).tobytes())
        calls += 3
    return [calls, digest.hexdigest()]


@sanitized
def test_no_stray_byte_and_no_undefined_behaviour(build):
    assert build().answer(exercise) == exercise()


@linux
def test_every_compiler_gives_the_same():
    assert gcc().answer(exercise) == exercise()
