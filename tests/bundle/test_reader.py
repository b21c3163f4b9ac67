from __future__ import annotations

import hashlib
import mmap
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

import homebody.bundle
from attacks.bundle import forge
from homebody import errors
from homebody.bundle import Limits
from tests.bundle.drafts import ENTRIES, draft, written


def address(view: memoryview) -> int:
    """Where a read-only buffer lies in memory."""
    import numpy as np

    return int(np.frombuffer(view, np.uint8).ctypes.data)


def test_views_lie_on_the_map_aligned_and_read_only(tmp_path: Path) -> None:
    with homebody.bundle.open(written(tmp_path / "a.hb")) as bundle:
        for name, content in ENTRIES.items():
            view = bundle.view(name)
            assert view == content
            assert view.readonly
            assert address(view) % 64 == 0
        # One map: the distance in memory is the distance in the file.
        raw = (tmp_path / "a.hb").read_bytes()
        apart = address(bundle.view("model.tflite")) - address(bundle.view("labels.txt"))
        assert apart == raw.index(ENTRIES["model.tflite"]) - raw.index(ENTRIES["labels.txt"])


def test_it_serves_every_entry_and_the_file_s_hash(tmp_path: Path) -> None:
    path = written(tmp_path / "a.hb")
    with homebody.bundle.open(path) as mapped, homebody.bundle.open(path.read_bytes()) as held:
        assert mapped.names() == held.names() == ("manifest.json", "labels.txt", "model.tflite")
        assert mapped.path == str(path)
        assert held.path is None
        assert mapped.sha256 == held.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert mapped.size == held.size == path.stat().st_size
        assert mapped.manifest == held.manifest
        assert mapped.text("labels.txt") == "left\nright\n"
        assert mapped.json("manifest.json")["name"] == "draft"
        assert not mapped.verified
        assert mapped.signature is None


def test_views_outlive_the_bundle_and_the_bundle_refuses_after_closing(tmp_path: Path) -> None:
    path = written(tmp_path / "a.hb")
    bundle = homebody.bundle.open(path)
    view = bundle.view("model.tflite")
    bundle.close()
    bundle.close()
    path.unlink()
    assert view == ENTRIES["model.tflite"]
    uses: list[Callable[[], object]] = [
        lambda: bundle.view("model.tflite"),
        lambda: bundle.read("model.tflite"),
        lambda: bundle.sha256,
        lambda: bundle.size,
    ]
    for use in uses:
        with pytest.raises(errors.ClosedBundleError):
            use()


def test_closing_unmaps_the_file(tmp_path: Path) -> None:
    bundle = homebody.bundle.open(written(tmp_path / "a.hb"))
    mapped = bundle._map
    assert mapped is not None
    bundle.close()
    assert mapped.closed


def test_a_refused_file_is_not_kept_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from homebody.bundle import reader

    maps = []
    original = reader._map

    def recorded(path: str) -> mmap.mmap:
        maps.append(original(path))
        return maps[-1]

    monkeypatch.setattr(reader, "_map", recorded)
    (tmp_path / "bad.hb").write_bytes(forge.good() + b"junk")
    with pytest.raises(errors.TrailingDataError):
        homebody.bundle.open(tmp_path / "bad.hb")
    assert [one.closed for one in maps] == [True]


def test_what_is_no_text_or_json_is_refused_when_read_as_such(tmp_path: Path) -> None:
    odd = {"bytes": b"\xff\xfe", "deep.json": b"[" * 40 + b"]" * 40, "big.json": b"[1, 2, 3]"}
    homebody.bundle.write(tmp_path / "a.hb", draft(), {**ENTRIES, **odd})
    with homebody.bundle.open(tmp_path / "a.hb", limits=Limits(json_bytes=8)) as bundle:
        with pytest.raises(errors.EntryTextError):
            bundle.text("bytes")
        with pytest.raises(errors.JsonTooLargeError):
            bundle.json("big.json")
        with pytest.raises(errors.MissingEntryError, match=r"labels\.txt"):
            bundle.read("Labels.txt")
    with homebody.bundle.open(tmp_path / "a.hb") as bundle:
        assert bundle.json("big.json") == [1, 2, 3]
        with pytest.raises(errors.JsonTooDeepError):
            bundle.json("deep.json")
        with pytest.raises(errors.EntryTextError):
            bundle.json("bytes")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.hb").touch()
    with pytest.raises(errors.NotABundleError, match="empty"):
        homebody.bundle.open(tmp_path / "empty.hb")
    for path in (tmp_path / "absent.hb", tmp_path, "a\0b", tmp_path / "empty.hb" / "x"):
        with pytest.raises(errors.BundleFileError):
            homebody.bundle.open(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.hb")
    with pytest.raises(errors.BundleFileError):
        homebody.bundle.open(tmp_path / "pipe.hb")


def test_a_file_over_the_cap_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sparse.hb"
    with path.open("wb") as file:
        file.truncate(Limits().bundle_bytes + 1)
    with pytest.raises(errors.BundleTooLargeError):
        homebody.bundle.open(path)


def test_what_just_meets_its_caps_is_accepted() -> None:
    whole = forge.good()
    with homebody.bundle.open(whole) as bundle:
        sizes = [len(bundle.view(name)) for name in bundle.names()]
        names = [len(name) for name in bundle.names()]
        manifest = len(bundle.view("manifest.json"))
    met = {
        "bundle_bytes": len(whole),
        "entry_bytes": max(sizes),
        "entries": len(sizes),
        "name_bytes": max(names),
        "manifest_bytes": manifest,
        "json_bytes": manifest,
    }
    with homebody.bundle.open(whole, limits=Limits(**met)) as bundle:
        bundle.json("manifest.json")
    for name, value in met.items():
        with (
            pytest.raises(errors.BundleLimitError),
            homebody.bundle.open(whole, limits=Limits(**{name: value - 1})) as bundle,
        ):
            bundle.json("manifest.json")


def test_a_manifest_over_the_cap_is_refused_before_it_is_copied() -> None:
    whole = forge.make_zip([forge.Part(b"manifest.json", bytes(16 << 20))])
    tracemalloc.start()
    try:
        with pytest.raises(errors.ManifestTooLargeError):
            homebody.bundle.open(whole)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_no_start_of_an_empty_archive_is_misread() -> None:
    empty = b"PK\5\6" + bytes(18)
    with pytest.raises(errors.MissingManifestError):
        homebody.bundle.open(empty)
    with pytest.raises(errors.TrailingDataError):
        homebody.bundle.open(empty + b"x")
    for length in range(len(empty)):
        with pytest.raises((errors.TruncatedBundleError, errors.NotABundleError)):
            homebody.bundle.open(empty[:length])


def test_the_entry_that_is_there_twice_is_named() -> None:
    first, labels, model = forge.parts_of(forge.good_manifest())
    with pytest.raises(errors.DuplicateEntryError, match=r"labels\.txt"):
        homebody.bundle.open(forge.make_zip([first, labels, labels, model]))


def test_no_bit_of_a_bundle_is_free() -> None:
    whole = forge.good()
    for at in range(len(whole)):
        for bit in range(8):
            other = bytearray(whole)
            other[at] ^= 1 << bit
            with pytest.raises(errors.BundleError):
                homebody.bundle.open(bytes(other))


def test_no_part_of_a_bundle_is_a_bundle() -> None:
    whole = forge.good()
    for length in range(len(whole)):
        with pytest.raises(errors.ArchiveError):
            homebody.bundle.open(whole[:length])
        with pytest.raises(errors.ArchiveError):
            homebody.bundle.open(whole[len(whole) - length :])


def test_its_repr_names_it(tmp_path: Path) -> None:
    with homebody.bundle.open(written(tmp_path / "a.hb")) as bundle:
        assert repr(bundle) == f"<Bundle draft 1.0.0 at {tmp_path / 'a.hb'}>"
