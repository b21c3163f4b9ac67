from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

import homebody.bundle
from homebody import errors
from homebody.bundle import Limits, read_folder
from tests.bundle.drafts import ENTRIES, ROOT, draft


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a draft's manifest and entries."""
    root = tmp_path / "feature"
    (root / "deep" / "er").mkdir(parents=True)
    for name, content in {**ENTRIES, "deep/er/x.bin": b"x"}.items():
        (root / name).write_bytes(content)
    manifest = json.loads(homebody.bundle.write_manifest(draft()))
    del manifest["entries"]
    (root / "manifest.json").write_text(json.dumps(manifest))
    return root


def test_a_folder_is_what_write_takes(folder: Path, tmp_path: Path) -> None:
    (folder / ".hidden").write_bytes(b"no")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_bytes(b"no")
    manifest, entries = read_folder(folder)
    assert manifest == draft()
    assert entries == {**ENTRIES, "deep/er/x.bin": b"x"}
    homebody.bundle.write(tmp_path / "a.hb", manifest, entries)


def test_an_unzipped_bundle_packs_to_the_same_bundle(tmp_path: Path) -> None:
    full = ROOT / "conformance" / "bundle" / "full.hb"
    with zipfile.ZipFile(full) as archive:
        archive.extractall(tmp_path / "full")
    manifest, entries = read_folder(tmp_path / "full")
    homebody.bundle.write(tmp_path / "a.hb", manifest, entries, private_key=bytes(range(32)))
    assert (tmp_path / "a.hb").read_bytes() == full.read_bytes()


def test_what_cannot_be_packed_is_refused(folder: Path, tmp_path: Path) -> None:
    for limits, error in (
        (Limits(bundle_bytes=500), errors.BundleTooLargeError),
        (Limits(entries=3), errors.TooManyEntriesError),
        (Limits(manifest_bytes=10), errors.ManifestTooLargeError),
    ):
        with pytest.raises(error):
            read_folder(folder, limits=limits)
    read_folder(folder, limits=Limits(entries=4))
    (folder / "manifest.json").write_text('{"name": 1}')
    with pytest.raises(errors.ManifestValueError):
        read_folder(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(errors.MissingManifestError):
        read_folder(folder)
    for path in (folder / "labels.txt", tmp_path / "absent", "a\0b"):
        with pytest.raises(errors.BundleFileError):
            read_folder(path)


@pytest.mark.skipif(os.name != "posix", reason="no such files here")
def test_links_and_pipes_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(errors.BundleFileError, match="link"):
        read_folder(folder)
    (folder / "link").unlink()
    os.mkfifo(folder / "pipe")
    with pytest.raises(errors.BundleFileError, match="device"):
        read_folder(folder)
