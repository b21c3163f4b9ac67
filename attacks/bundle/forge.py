"""Forge bundles: a good one, and the same with any one thing wrong.

Has its own ZIP writer, in which every header field can be set, so that it shares no mistake
with the reader.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PUBLISHER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
NOTHING: Mapping[str, Any] = MappingProxyType({})

Rows: TypeAlias = Iterator[tuple[str, str, str, bytes, dict[str, Any]]]
"""A file's name without its suffix, the error, why, its bytes, and how to open it."""

# ---------------------------------------------------------------------------- a ZIP writer


class Part(NamedTuple):
    """An entry, with fields to set in its two headers in place of the right ones."""

    name: bytes
    data: bytes
    central: Mapping[str, Any] = NOTHING
    local: Mapping[str, Any] = NOTHING
    gap: bytes = b""  # before the local header
    skip: bool = False  # no local header and no data


def make_zip(parts: list[Part], **end: Any) -> bytes:
    """Lay parts out as a bundle is, but for what they and `end` override."""
    body, directory = b"", b""
    for part in parts:
        body += part.gap
        fields: dict[str, Any] = {
            "magic": b"PK\x01\x02",
            "made_by": 0x0314,
            "needed": 10,
            "flags": 0,
            "method": 0,
            "time": 0,
            "date": 0x21,
            "crc": zlib.crc32(part.data),
            "packed": len(part.data),
            "size": len(part.data),
            "name": part.name,
            "extra": b"",
            "comment": b"",
            "disk": 0,
            "internal": 0,
            "external": 0o100644 << 16,
            "offset": len(body),
        }
        central = {**fields, **part.central}
        local = {**fields, "magic": b"PK\x03\x04", **part.local}
        zeros = -(len(body) + 30 + len(local["name"]) + 6) % 64
        local.setdefault("padding", struct.pack("<3H", 0xD935, 2 + zeros, 64) + bytes(zeros))
        directory += struct.pack(
            "<4s6H3I5H2I",
            *(
                central[key]
                for key in ["magic", "made_by", "needed", "flags", "method", "time", "date"]
            ),
            *(central[key] for key in ["crc", "packed", "size"]),
            *(len(central[key]) for key in ["name", "extra", "comment"]),
            *(central[key] for key in ["disk", "internal", "external", "offset"]),
        )
        directory += central["name"] + central["extra"] + central["comment"]
        if not part.skip:
            body += struct.pack(
                "<4s5H3I2H",
                *(local[key] for key in ["magic", "needed", "flags", "method", "time", "date"]),
                *(local[key] for key in ["crc", "packed", "size"]),
                len(local["name"]),
                len(local["padding"]),
            )
            body += local["name"] + local["padding"] + part.data
    last: dict[str, Any] = {
        "disk": 0,
        "first_disk": 0,
        "here": len(parts),
        "count": len(parts),
        "length": len(directory),
        "offset": len(body),
        "comment_length": 0,
    } | end
    before, after = last.pop("before", b""), last.pop("after", b"")
    return body + directory + before + struct.pack("<4s4H2IH", b"PK\5\6", *last.values()) + after


# ---------------------------------------------------------------------------- a good bundle

CONTENT = {"labels.txt": b"left\nright\n", "model.tflite": bytes(range(256))}


def good_manifest(content: dict[str, bytes] = CONTENT) -> dict[str, Any]:
    """The manifest of a bundle with nothing wrong."""
    return {
        "format": "homebody/1",
        "name": "attack",
        "version": "1.0.0",
        "task": "classify-image",
        "minimum_runtime": "0.1.0",
        "entries": {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for name, data in content.items()
        },
        "input": [{"op": "resize.v1", "short_side": 8}],
        "model": {
            "entry": "model.tflite",
            "format": "tflite",
            "inputs": [{"name": "image", "shape": [1, 8, 8, 3], "dtype": "float32"}],
            "outputs": [{"name": "scores", "shape": [1, 2], "dtype": "float32"}],
        },
        "output": [{"op": "softmax.v1"}, {"op": "labels.v1", "entry": "labels.txt"}],
        "assets": {},
        "samples": None,
        "tolerances": {"input": "exact", "outputs": {}, "answers": 1.0},
        "licence": "CC0-1.0",
        "provenance": {},
    }


def parts_of(manifest: Any, content: dict[str, bytes] = CONTENT, **first: Any) -> list[Part]:
    """The parts of a bundle: manifest.json, then the content."""
    stated = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    rest = [Part(name.encode(), data) for name, data in content.items()]
    return [Part(b"manifest.json", stated, **first), *rest]


def good() -> bytes:
    """A bundle with nothing wrong: what every attack differs from in one thing."""
    return make_zip(parts_of(good_manifest()))


def changed(**changes: Any) -> bytes:
    """A bundle whose manifest has some keys replaced."""
    return make_zip(parts_of(good_manifest() | changes))


def edited(old: str, new: str) -> bytes:
    """A bundle whose manifest's text has one passage replaced."""
    text = json.dumps(good_manifest())
    assert text.count(old) == 1, old
    return make_zip(parts_of(text.replace(old, new).encode()))


def labelled(central: dict[str, Any] | None = None, local: dict[str, Any] | None = None) -> bytes:
    """A bundle with fields of labels.txt's headers replaced; without `local`, in both."""
    first, labels, model = parts_of(good_manifest())
    both = central if local is None else local
    return make_zip([first, labels._replace(central=central or {}, local=both or {}), model])


def named(name: bytes) -> bytes:
    """A bundle that lists and holds one more entry, of this name."""
    first, *rest = parts_of(good_manifest(), {**CONTENT, "z": b"z"})
    return make_zip([first, *rest[:-1], rest[-1]._replace(name=name)])


def with_entries(*names: str) -> bytes:
    """A bundle with further entries, all listed, in order."""
    content = dict(sorted({**CONTENT, **dict.fromkeys(names, b"x")}.items()))
    return make_zip(parts_of(good_manifest(content), content))


def signed(key: Ed25519PrivateKey = PUBLISHER, **changes: Any) -> bytes:
    """A signed bundle, with some keys of its signature entry replaced."""
    first, *rest = parts_of(good_manifest())
    entry = {
        "algorithm": "ed25519",
        "public_key": key.public_key().public_bytes_raw().hex(),
        "signature": key.sign(first.data).hex(),
    } | changes
    return make_zip([first, Part(b"signature", json.dumps(entry).encode()), *rest])


def sampled(listing: Any, tensor: bytes = bytes(8)) -> bytes:
    """A bundle with this samples.json and one tensor beside it."""
    text = listing if isinstance(listing, bytes) else json.dumps(listing).encode()
    held = {**CONTENT, "samples/samples.json": text, "samples/t.raw": tensor}
    held = dict(sorted(held.items()))
    tolerances = {"outputs": {"scores": {"top1": 1.0}}}
    stated = good_manifest(held) | {
        "samples": {"entry": "samples/samples.json"},
        "tolerances": tolerances,
    }
    return make_zip(parts_of(stated, held))


def sample(**changes: Any) -> dict[str, Any]:
    """One element of samples.json, with some keys replaced."""
    return {
        "name": "one",
        "input": {"entry": "samples/t.raw", "shape": [8], "dtype": "uint8"},
        "input_sha256": {"image": "0" * 64},
        "outputs": {"scores": {"entry": "samples/t.raw", "shape": [1, 2], "dtype": "float32"}},
        "answer": "left",
    } | changes
