from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebody import errors
from homebody.bundle._json import decode_json, printable

text = st.text(st.characters(codec="utf-8"), max_size=12) | st.text('[]{}"\\,:', max_size=12)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(text, below, max_size=4),
    max_leaves=12,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@given(values, st.booleans())
def test_it_reads_what_json_means_and_counts_its_depth(value: Any, ascii_only: bool) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert decode_json(data, "x", depth=depth(value)) == value
    if depth(value):
        with pytest.raises(errors.JsonTooDeepError):
            decode_json(data, "x", depth=depth(value) - 1)


@given(st.binary(max_size=40) | st.text('[]{}"\\,:01e-tu', max_size=40).map(str.encode))
def test_any_bytes_are_what_json_means_or_refused(data: bytes) -> None:
    try:
        value = decode_json(data, "x", depth=8)
    except (errors.EntryTextError, errors.JsonTooDeepError):
        return
    assert value == json.loads(data)


@given(st.dictionaries(text, st.integers(), min_size=1, max_size=5), st.data())
def test_a_key_twice_is_refused_wherever_it_is(fields: dict[str, int], data: Any) -> None:
    pairs = list(fields.items())
    again = data.draw(st.sampled_from(pairs))
    pairs.insert(data.draw(st.integers(0, len(pairs))), again)
    body = ", ".join(f"{json.dumps(key)}: {value}" for key, value in pairs)
    for whole in (f"{{{body}}}", f'[1, {{"outer": {{{body}}}}}]'):
        with pytest.raises(errors.DuplicateKeyError):
            decode_json(whole.encode(), "x", depth=8)


def test_a_million_quotes_and_escapes_take_no_time_to_speak_of() -> None:
    """Quadratic scanning would take minutes here, and the run would be seen to hang."""
    for hostile in (b'"' + b'\\"' * 500_000, b'"' * 999_999, b'"\\' * 500_000, b"\\" * 1_000_000):
        with pytest.raises(errors.JsonSyntaxError):
            decode_json(hostile, "x", depth=8)


def test_printable_keeps_what_prints_and_escapes_the_rest() -> None:
    assert printable("naïve — 写") == "naïve — 写"
    assert printable("a\nb\x1b[0m\u202e") == "a\\nb\\x1b[0m\\u202e"
