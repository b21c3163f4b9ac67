"""Strict JSON: RFC 8259, no duplicate keys, bounded in size and depth before it is parsed."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Any

import msgspec

from homebody.errors import DuplicateKeyError, EntryTextError, JsonSyntaxError, JsonTooDeepError

# Up to and with the next bracket outside of a string, or to the end. It matches wherever it is
# tried and gives nothing back (possessive), so that the scan is linear whatever the input; an
# unterminated string runs to the end.
_BRACKET = re.compile(
    rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z))*+([\[\]{}]|\Z)', re.DOTALL
)
_STEP = {b"[": 1, b"{": 1, b"]": -1, b"}": -1, b"": 0}


def decode_text(data: bytes | memoryview, name: str) -> str:
    """Decode an entry's bytes as UTF-8, or raise `EntryTextError`."""
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise EntryTextError(
            f"{name} is not UTF-8 text (byte {error.start}); write it as UTF-8"
        ) from None


def decode_json(data: bytes, name: str, *, depth: int) -> Any:
    """Decode strict JSON from an entry called `name`, nested at most `depth` deep."""
    steps = (_STEP[found[1]] for found in _BRACKET.finditer(data))
    deepest = max(accumulate(steps), default=0)
    if deepest > depth:
        raise JsonTooDeepError(f"{name} nests {deepest} deep; at most {depth} is accepted")
    text = decode_text(data, name)
    try:
        # msgspec refuses what `json` lets through (NaN, lone surrogates, numbers past a
        # double); `json` sees the duplicate keys that msgspec lets through.
        msgspec.json.decode(data)
        return json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, name))
    except (ValueError, RecursionError) as error:
        raise JsonSyntaxError(
            f"{name} is not strict JSON ({printable(str(error))}); mend its syntax"
        ) from None


def printable(text: str) -> str:
    """Escape what could act on a terminal, line breaks included."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def _unique(pairs: list[tuple[str, Any]], name: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise DuplicateKeyError(f"{name} has the key {key!r} twice in one object")
            seen.add(key)
    return found
