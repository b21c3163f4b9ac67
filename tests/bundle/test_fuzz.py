"""Mutated bundles: nothing but a BundleError, and no memory past a small bound."""

from __future__ import annotations

import struct
import tracemalloc
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import homebody.bundle
from attacks.bundle import forge
from homebody.bundle.samples import read
from homebody.errors import BundleError, HomebodyError
from tests.bundle.drafts import ROOT

SEEDS = [
    forge.good(),
    forge.signed(),
    (ROOT / "conformance" / "bundle" / "full.hb").read_bytes(),
]
TELLING = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF]
FIELDS = {b"PK\3\4": 26, b"PK\1\2": 42, b"PK\5\6": 18}
"""The headers' magics and how many bytes of fixed fields follow each."""
ENOUGH = 16 << 20
"""Bytes that reading a bundle of a few kilobytes may take at most."""


def read_all(data: bytes) -> bool:
    """Open, read everything, say whether it was accepted; hold errors and memory to the rule."""
    message = ""
    tracemalloc.start()
    try:
        with homebody.bundle.open(data) as bundle:
            for name in bundle.names():
                bundle.read(name)
            read(bundle)
            bundle.summary().text()
    except BundleError as refusal:
        message = str(refusal)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < ENOUGH
    assert message.isprintable()
    return not message


@given(st.sampled_from(SEEDS), st.data())
@settings(max_examples=250)
def test_bytes_changed(seed: bytes, data: Any) -> None:
    other = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 8))):
        other[data.draw(st.integers(0, len(seed) - 1))] = data.draw(st.integers(0, 255))
    assert read_all(bytes(other)) == (bytes(other) == seed)


@given(st.sampled_from(SEEDS), st.data())
@settings(max_examples=250)
def test_header_fields_changed(seed: bytes, data: Any) -> None:
    other = bytearray(seed)
    starts = [
        (at, FIELDS[seed[at : at + 4]])
        for at in range(len(seed) - 4)
        if seed[at : at + 4] in FIELDS
    ]
    for _ in range(data.draw(st.integers(1, 4))):
        at, length = data.draw(st.sampled_from(starts))
        offset = at + 4 + 2 * data.draw(st.integers(0, length // 2 - 2))
        width = data.draw(st.sampled_from("HI"))
        value = data.draw(st.sampled_from(TELLING) | st.integers(0, len(seed)))
        packed = struct.pack(f"<{width}", value & (0xFFFF if width == "H" else 0xFFFFFFFF))
        other[offset : offset + len(packed)] = packed
    assert read_all(bytes(other)) == (bytes(other) == seed)


@given(st.sampled_from(SEEDS), st.sampled_from(SEEDS), st.data())
@settings(max_examples=250)
def test_pieces_cut_out_and_put_in(one: bytes, two: bytes, data: Any) -> None:
    start, end = sorted(data.draw(st.integers(0, len(one))) for _ in range(2))
    first, last = sorted(data.draw(st.integers(0, len(two))) for _ in range(2))
    other = one[:start] + two[first:last] + one[end:]
    assert read_all(other) == (other in SEEDS)


@given(st.data())
@settings(max_examples=250)
def test_a_manifest_changed_inside_an_archive_that_is_right(data: Any) -> None:
    """The archive's CRC-32 is made to fit, so that the change gets past it."""
    parts = forge.parts_of(forge.good_manifest())
    text = bytearray(parts[0].data)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        piece = data.draw(st.binary(max_size=4) | st.sampled_from([b"[", b"{", b'"', b"1e9", b"-"]))
        text[at : at + data.draw(st.integers(0, 4))] = piece
    read_all(forge.make_zip([parts[0]._replace(data=bytes(text)), *parts[1:]]))


@given(st.data())
@settings(max_examples=150)
def test_samples_changed_inside_a_bundle_that_is_right(data: Any) -> None:
    import json

    text = bytearray(json.dumps([forge.sample()]).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    read_all(forge.sampled(bytes(text), data.draw(st.binary(max_size=16))))


@given(
    st.lists(
        st.tuples(
            st.binary(max_size=12) | st.text("ab./\\:", max_size=9).map(str.encode),
            st.binary(max_size=9),
        ),
        max_size=5,
    )
)
@settings(max_examples=250)
def test_entries_of_any_name(entries: list[tuple[bytes, bytes]]) -> None:
    parts = forge.parts_of(forge.good_manifest())
    whole = forge.make_zip([parts[0], *(forge.Part(*one) for one in entries), *parts[1:]])
    assert read_all(whole) == (not entries)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda it: b"PK\3\4" + it))
def test_any_bytes(data: bytes) -> None:
    assert not read_all(data)


def test_the_largest_json_stays_within_a_bound() -> None:
    """A manifest at its cap, made to swell in memory."""
    cap = homebody.bundle.Limits().manifest_bytes
    body = b'{"provenance": [' + b"{}," * ((cap - 40) // 3) + b"{}]}"
    tracemalloc.start()
    try:
        homebody.bundle.open(forge.make_zip(forge.parts_of(body)))
    except HomebodyError:
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(body) <= cap
    assert peak < 96 << 20
