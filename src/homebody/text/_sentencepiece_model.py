"""What a SentencePiece model file holds, checked before any library reads it.

Such a file is a protocol buffer: pieces with scores, settings, and a compiled table of character
replacements, which the library follows without asking whether it stays inside. Source of the
format: ``sentencepiece_model.proto`` and the double-array trie that it carries.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

import numpy as np

from homebody.errors import VocabularyError

MOST_BYTES = 1 << 26
MOST_PIECES = 1 << 20
MOST_IN_PIECE = 4096
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_UNKNOWN, _KINDS = 2, range(1, 7)
_MODEL_TYPES = range(1, 5)


def check_model(model: bytes) -> None:
    """Refuse a model that is not one, or that the library could stumble over.

    Raises:
        VocabularyError: it is too large, cut off, or says what no model says.
    """
    if not isinstance(model, (bytes, bytearray, memoryview)):
        raise VocabularyError(f"a model is a {type(model).__name__}; give a .model file's bytes")
    if len(model) > MOST_BYTES:
        raise _refused(f"has {len(model)} bytes, more than {MOST_BYTES}")
    data = memoryview(bytes(model))
    pieces: set[bytes] = set()
    unknown = 0
    for field, value in _fields(data):
        if field == 1:
            if len(pieces) == MOST_PIECES:
                raise _refused(f"has more than {MOST_PIECES} pieces")
            unknown += _check_piece(_message(value), pieces) == _UNKNOWN
        elif field == 2:
            for setting, chosen in _fields(_message(value)):
                if setting == 3 and chosen not in _MODEL_TYPES:
                    raise _refused(f"is of the type {chosen!r}, which there is not")
        elif field in (3, 5):
            for setting, table in _fields(_message(value)):
                if setting == 2:
                    check_replacements(_message(table))
    if unknown != 1:
        raise _refused(f"has {unknown} pieces for what is unknown, not 1")


def check_replacements(table: memoryview) -> None:
    """Refuse a table of replacements that leads out of itself.

    It is the size of a trie's units in bytes, the units (uint32), and strings that end with NUL.

    Raises:
        VocabularyError: it does.
    """
    if not len(table):
        return
    size = struct.unpack_from("<I", table)[0] if len(table) >= 4 else 0
    texts = bytes(table[4 + size :])
    if len(table) < 4 or size % 1024 or not 0 < size <= len(table) - 4 or not texts.endswith(b"\0"):
        raise _refused("has a table of replacements whose sizes contradict each other")
    units = np.frombuffer(table, "<u4", size // 4, 4)
    step = np.where(units >> 9 & 1, units >> 10 << 8, units >> 10)
    reached = np.arange(len(units), dtype=np.uint32) ^ step
    inner = units >> 31 == 0
    # From there a byte of text is added: all 256 places have to be inside.
    if (reached[inner] | 0xFF >= len(units)).any():
        raise _refused("has a table of replacements that leads out of itself")
    leaves = units[reached[inner & ((units >> 8 & 1) == 1)]] & 0x7FFFFFFF
    if (leaves >= len(texts)).any():
        raise _refused("has a table of replacements whose texts lie outside it")


def _check_piece(message: memoryview, pieces: set[bytes]) -> int:
    """A piece's kind; the piece is added to ``pieces``."""
    text, score, kind = b"", 0.0, 1
    for field, value in _fields(message):
        if field == 1:
            text = bytes(_message(value))
        elif field == 2:
            if not isinstance(value, memoryview) or len(value) != 4:
                raise _refused("has a piece whose score is no number")
            score = struct.unpack("<f", value)[0]
        elif field == 3:
            kind = value if isinstance(value, int) else 0
    if not 0 < len(text) <= MOST_IN_PIECE or text in pieces or b"\0" in text:
        raise _refused(f"has the piece {text[:40]!r} twice, or empty, too long or with NUL")
    if not math.isfinite(score) or kind not in _KINDS:
        raise _refused(f"says of the piece {text[:40]!r} what no model says")
    try:
        text.decode()
    except UnicodeDecodeError:
        raise _refused(f"has the piece {text[:40]!r}, which is not UTF-8") from None
    pieces.add(text)
    return kind


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise _refused("has a number where a message should be")
    return value


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The numbered fields of a protocol buffer."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        field, kind = key >> 3, key & 7
        if kind == _VARINT:
            number, at = _varint(data, at)
            yield field, number
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise _refused(f"has a field of the kind {kind}, which there is not")
        if size > len(data) - at:
            raise _refused("ends before it should")
        yield field, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at == len(data):
            raise _refused("ends before it should")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _refused("has a number that does not end")


def _refused(what: str) -> VocabularyError:
    return VocabularyError(f"the SentencePiece model {what}; give a .model file as it was trained")
