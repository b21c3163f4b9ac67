from __future__ import annotations

import errno
import hashlib
import io
import itertools
import os
import re
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import homebody.bundle
from attacks.bundle import forge
from homebody import errors
from homebody.bundle import Limits, writer
from tests.bundle.drafts import ENTRIES, draft, written

segments = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}(\.[a-z]{1,4})?", fullmatch=True).filter(
    lambda it: not re.match(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", it)
)
paths = st.lists(segments, min_size=1, max_size=3).map(
    lambda parts: "sub.folder/" * (len(parts) - 1) + parts[-1]
)
contents = st.dictionaries(paths, st.binary(max_size=300), max_size=6)


@given(contents)
@settings(max_examples=60)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, extra: Any) -> None:
    entries = {k: v for k, v in extra.items() if k != "signature"} | ENTRIES
    path = tmp_path_factory.mktemp("write") / "a.hb"
    manifest = homebody.bundle.write(path, draft(), entries)
    with homebody.bundle.open(path) as bundle:
        assert bundle.manifest == manifest
        assert {name: bundle.read(name) for name in manifest.entries} == entries
        assert manifest.entries["model.tflite"].size == len(ENTRIES["model.tflite"])
    with zipfile.ZipFile(path) as stock:
        assert stock.testzip() is None
        assert stock.namelist()[0] == "manifest.json"
        assert {name: stock.read(name) for name in entries} == entries
        assert {one.compress_type for one in stock.infolist()} == {zipfile.ZIP_STORED}


def test_equal_content_gives_equal_bytes_in_any_order(tmp_path: Path) -> None:
    files = set()
    orders = itertools.permutations({**ENTRIES, "b/c": b"", "b.c": b"1"}.items())
    for number, order in enumerate(orders):
        provenance = {"a": "1", "b": "2"} if number % 2 else {"b": "2", "a": "1"}
        homebody.bundle.write(tmp_path / "a.hb", draft(provenance=provenance), dict(order))
        files.add((tmp_path / "a.hb").read_bytes())
    assert len(files) == 1


def test_the_bytes_are_the_format_s(tmp_path: Path) -> None:
    """The writer agrees with the attacks' own, independent writer."""
    homebody.bundle.write(tmp_path / "a.hb", draft(), ENTRIES)
    with homebody.bundle.open(tmp_path / "a.hb") as bundle:
        stated = bundle.read("manifest.json")
    parts = [
        forge.Part(b"manifest.json", stated),
        forge.Part(b"labels.txt", ENTRIES["labels.txt"]),
        forge.Part(b"model.tflite", ENTRIES["model.tflite"]),
    ]
    assert (tmp_path / "a.hb").read_bytes() == forge.make_zip(parts)


def test_any_buffer_is_taken(tmp_path: Path) -> None:
    import numpy as np

    model = np.arange(6, dtype=np.float32).reshape(2, 3)
    entries = {"model.tflite": model.data, "labels.txt": bytearray(b"left\n")}
    homebody.bundle.write(tmp_path / "a.hb", draft(), entries)
    with homebody.bundle.open(tmp_path / "a.hb") as bundle:
        assert bundle.read("model.tflite") == model.tobytes()
        assert bundle.manifest.entries["model.tflite"].size == 24


def test_a_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    written(tmp_path / "a.hb")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "a.hb")}
    assert len(modes) == 1


@pytest.mark.parametrize("old", [b"what was there", None])
@pytest.mark.parametrize("fails", ["replace", "fsync", "build", "verify"])
def test_a_failure_leaves_what_was_there_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes | None, fails: str
) -> None:
    path = tmp_path / "a.hb"
    if old is not None:
        path.write_bytes(old)

    def full(*_: object, **__: object) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    def half(*_: object) -> Iterator[bytes]:
        yield b"PK"
        full()

    if fails == "build":
        monkeypatch.setattr(writer, "build", half)
    elif fails == "verify":
        monkeypatch.setattr(writer, "build", lambda *_: iter([b"not an archive"]))
    else:
        monkeypatch.setattr(os, fails, full)
    with pytest.raises(errors.BundleError, match="No space left|not a ZIP"):
        homebody.bundle.write(path, draft(), ENTRIES)
    assert [one.name for one in tmp_path.iterdir()] == (["a.hb"] if old is not None else [])
    assert old is None or path.read_bytes() == old


@pytest.mark.parametrize(
    ("entries", "error"),
    [
        ({"manifest.json": b"{}"}, "EntryNameError"),
        ({"signature": b"{}"}, "EntryNameError"),
        ({"../up": b""}, "PathTraversalError"),
        ({"caf\u00e9": b""}, "UnportableNameError"),
        ({"lone\ud800": b""}, "ManifestValueError"),
        ({"LABELS.txt": b""}, "NameCollisionError"),
        ({"labels.txt/x": b""}, "NameCollisionError"),
        ({"x" * 201: b""}, "NameTooLongError"),
        ({str(number): b"" for number in range(1024)}, "TooManyEntriesError"),
    ],
)
def test_entries_that_could_not_be_read_are_not_written(
    tmp_path: Path, entries: dict[str, bytes], error: str
) -> None:
    with pytest.raises(errors.BundleError) as caught:
        homebody.bundle.write(tmp_path / "a.hb", draft(), {**ENTRIES, **entries})
    assert type(caught.value).__name__ == error
    assert not list(tmp_path.iterdir())


def test_a_draft_that_does_not_hold_together_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(errors.DanglingReferenceError):
        homebody.bundle.write(tmp_path / "a.hb", draft(), {"model.tflite": b""})
    with pytest.raises(errors.ManifestValueError):
        homebody.bundle.write(tmp_path / "a.hb", draft(version="one"), ENTRIES)
    with pytest.raises(errors.ManifestValueError):
        homebody.bundle.write(tmp_path / "a.hb", draft(provenance={"x": object()}), ENTRIES)
    with pytest.raises(errors.ManifestValueError):
        homebody.bundle.write(tmp_path / "a.hb", draft(licence="\ud800"), ENTRIES)
    with pytest.raises(errors.NewerRuntimeError):
        homebody.bundle.write(tmp_path / "a.hb", draft(minimum_runtime="9.0.0"), ENTRIES)
    assert not list(tmp_path.iterdir())


def test_caps_are_held_when_writing(tmp_path: Path) -> None:
    for limits, error in (
        (Limits(bundle_bytes=900), errors.BundleTooLargeError),
        (Limits(entry_bytes=500), errors.EntryTooLargeError),
        (Limits(entries=2), errors.TooManyEntriesError),
        (Limits(manifest_bytes=100), errors.ManifestTooLargeError),
    ):
        with pytest.raises(error):
            homebody.bundle.write(tmp_path / "a.hb", draft(), ENTRIES, limits=limits)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["absent/a.hb", "folder", "a\0b"])
def test_where_nothing_can_be_written_is_said(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(errors.BundleFileError):
        homebody.bundle.write(tmp_path / path, draft(), ENTRIES)
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]


def test_signing_in_place_keeps_the_manifest(tmp_path: Path) -> None:
    path = written(tmp_path / "a.hb")
    unsigned = path.read_bytes()
    homebody.bundle.sign(path, bytes(range(32)))
    key = forge.PUBLISHER.public_key().public_bytes_raw()
    with (
        homebody.bundle.open(path, public_key=key) as signed,
        homebody.bundle.open(unsigned) as before,
    ):
        assert signed.read("manifest.json") == before.read("manifest.json")
        assert signed.names()[:2] == ("manifest.json", "signature")
    once = hashlib.sha256(path.read_bytes()).hexdigest()
    homebody.bundle.sign(path, bytes(range(32, 64)))
    homebody.bundle.sign(path, bytes(range(32)))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == once
    assert zipfile.ZipFile(io.BytesIO(path.read_bytes())).testzip() is None
