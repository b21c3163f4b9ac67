"""The browser's reader of bundles accepts and refuses exactly what Python's does."""

from __future__ import annotations

import hashlib
import json
import random
import struct
from typing import Any

import pytest

import homebody
import homebody.bundle
from attacks.bundle import forge
from homebody.bundle.samples import read
from homebody.errors import BundleError
from homebody.features.photo.feature import default_bundle
from tests.bundle.drafts import ROOT
from tests.node import Refusal
from tests.web.twin import Twin, needs_node, text

pytestmark = needs_node

ATTACKS = ROOT / "attacks" / "bundle"
INDEX: dict[str, Any] = json.loads((ATTACKS / "index.json").read_text())
GOLDEN = ROOT / "conformance" / "bundle"
SEEDS = [forge.good(), forge.signed(), (GOLDEN / "full.hb").read_bytes()]


@pytest.fixture(scope="module")
def twin():
    running = Twin()
    yield running
    running.close()


def refusal(twin: Twin, data: bytes, **how: Any) -> str | None:
    """The name of the error that the browser's reader refuses with; None if it accepts."""
    try:
        twin.ask("bundle", file=text(data), samples=True, **how)
    except Refusal as found:
        told = found
    else:
        return None
    assert told.ours, told
    assert told.message.isprintable()
    assert len(told.message) < 600
    return told.name


def pythons_refusal(data: bytes) -> str | None:
    try:
        with homebody.bundle.open(data) as bundle:
            read(bundle)
    except BundleError as found:
        return type(found).__name__
    return None


@pytest.mark.parametrize("file", INDEX)
def test_attacks_are_refused_by_the_same_name(twin, file):
    row = INDEX[file]
    how = {key: row[key] for key in ("public_key", "limits") if key in row}
    assert refusal(twin, (ATTACKS / file).read_bytes(), **how) == row["error"]


def test_an_attack_on_samples_or_vocabularies_is_one_on_nothing_else(twin):
    for file in [name for name, row in INDEX.items() if row.get("then")]:
        twin.ask("bundle", file=text((ATTACKS / file).read_bytes()), samples=False)


@pytest.mark.parametrize("name", ["minimal", "full", "text"])
def test_golden_bundles_read_as_stated(twin, name):
    expected = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    raw = (GOLDEN / f"{name}.hb").read_bytes()
    found = twin.ask(
        "bundle", file=text(raw), public_key=expected["public_key"] or None, samples=True
    )
    assert found["sha256"] == expected["sha256"]
    assert found["entries"] == {
        one["name"]: hashlib.sha256(raw[one["offset"] : one["offset"] + one["size"]]).hexdigest()
        for one in expected["entries"]
    }
    assert found["manifest"] == expected["manifest"]
    assert len(found["samples"]) == len(expected["samples"])
    for sample, stated in zip(found["samples"], expected["samples"], strict=True):
        assert sample["name"] == stated["name"]
        assert sample["inputSha256"] == stated["input_sha256"]
        assert sample["answer"] == stated["answer"]
        for output, values in stated["outputs"].items():
            assert sample["outputs"][output] == flat(values)
        assert sample["input"]["dtype"] == "uint8"
        assert sample["input"]["data"] == flat(stated["input"])


def flat(values: Any) -> list[float]:
    return [one for part in values for one in flat(part)] if isinstance(values, list) else [values]


def test_the_shipped_bundle_is_accepted(twin):
    data = default_bundle().read_bytes()
    found = twin.ask("bundle", file=text(data), samples=True)
    assert found["sha256"] == hashlib.sha256(data).hexdigest()
    assert len(found["samples"]) == 14


def test_the_page_and_python_are_of_one_version():
    source = (ROOT / "web" / "bundle" / "manifest.js").read_text(encoding="utf-8")
    assert f'export const VERSION = "{homebody.__version__}";' in source


def test_signatures(twin):
    key = forge.PUBLISHER.public_key().public_bytes_raw().hex()
    assert refusal(twin, forge.signed(), public_key=key) is None
    assert refusal(twin, forge.good(), public_key=key) == "UnsignedBundleError"
    assert refusal(twin, forge.signed(), public_key="00" * 32) == "WrongKeyError"
    assert refusal(twin, forge.signed(), public_key="00" * 31) == "SigningKeyError"


TELLING = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF]
FIELDS = {b"PK\3\4": 26, b"PK\1\2": 42, b"PK\5\6": 18}


def bytes_changed(dice: random.Random) -> bytes:
    other = bytearray(dice.choice(SEEDS))
    for _ in range(dice.randint(1, 8)):
        other[dice.randrange(len(other))] = dice.randrange(256)
    return bytes(other)


def headers_changed(dice: random.Random) -> bytes:
    seed = dice.choice(SEEDS)
    other = bytearray(seed)
    starts = [
        (i, FIELDS[seed[i : i + 4]]) for i in range(len(seed) - 4) if seed[i : i + 4] in FIELDS
    ]
    for _ in range(dice.randint(1, 3)):
        at, length = dice.choice(starts)
        offset = at + 4 + 2 * dice.randrange(length // 2 - 1)
        width = dice.choice("HI")
        value = dice.choice([dice.choice(TELLING), dice.randrange(len(seed))])
        packed = struct.pack(f"<{width}", value & (0xFFFF if width == "H" else 0xFFFFFFFF))
        other[offset : offset + len(packed)] = packed
    return bytes(other)


def pieces_moved(dice: random.Random) -> bytes:
    one, two = dice.choice(SEEDS), dice.choice(SEEDS)
    start, end = sorted(dice.randint(0, len(one)) for _ in range(2))
    first, last = sorted(dice.randint(0, len(two)) for _ in range(2))
    return one[:start] + two[first:last] + one[end:]


PIECES = [
    b"[",
    b"{",
    b'"',
    b"1e9",
    b"-",
    b"\\",
    b"0",
    b".0",
    b"null",
    b"true",
    b"\xff",
    b"\xc3\xa9",
]
PIECES += [
    b"\\ud800",
    b"1e999",
    b" ",
    b",",
    b"}",
    b"]",
    b"",
    b"\0",
    b'"a":1,',
    b"8.0",
    b"homebody/",
]


def text_changed(dice: random.Random, original: bytes, times: int) -> bytes:
    changed = bytearray(original)
    for _ in range(dice.randint(1, times)):
        at = dice.randrange(len(changed))
        changed[at : at + dice.randint(0, 4)] = dice.choice(PIECES)
    return bytes(changed)


def manifest_changed(dice: random.Random) -> bytes:
    """The archive's CRC-32 is made to fit, so that the change gets past it."""
    parts = forge.parts_of(forge.good_manifest())
    changed = text_changed(dice, parts[0].data, 2)
    return forge.make_zip([parts[0]._replace(data=changed), *parts[1:]])


def value_changed(dice: random.Random) -> bytes:
    """A manifest of right JSON, one value of which is another."""
    manifest = json.loads(json.dumps(forge.good_manifest()))
    place: Any = manifest
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        key = dice.choice(keys)
        if isinstance(place[key], dict | list) and dice.random() < 0.8:
            place = place[key]
            continue
        values = [None, True, 0, -1, 1.5, 8.0, "", "x" * 201, [], {}, 2**31 + 1, "model.tflite"]
        action = dice.randrange(3)
        if action == 0:
            place[key] = dice.choice(values)
        elif isinstance(place, dict) and action == 1:
            del place[key]
        elif isinstance(place, dict):
            place[dice.choice(["extra", "op", "entry", "__proto__", "1"])] = dice.choice(values)
        else:
            place.append(dice.choice(values))
        break
    parts = forge.parts_of(json.dumps(manifest).encode())
    return forge.make_zip(parts)


def samples_changed(dice: random.Random) -> bytes:
    changed = text_changed(dice, json.dumps([forge.sample()]).encode(), 2)
    return forge.sampled(changed, dice.randbytes(dice.choice([0, 8, 16])))


@pytest.mark.parametrize(
    "mutate",
    [
        bytes_changed,
        headers_changed,
        pieces_moved,
        manifest_changed,
        value_changed,
        samples_changed,
    ],
)
def test_mutations_are_refused_by_the_same_name(twin, mutate):
    dice = random.Random(mutate.__name__)
    seen: dict[str | None, int] = {}
    for _ in range(400):
        data = mutate(dice)
        found, wanted = refusal(twin, data), pythons_refusal(data)
        assert found == wanted, data
        seen[found] = seen.get(found, 0) + 1
    assert len(seen) > 2  # the mutations reach more than one check
