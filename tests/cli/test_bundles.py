"""``homebody check``, ``inspect``, ``pack`` and ``key`` on the shipped bundle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from homebody import __version__, bundle
from homebody.features.photo import default_bundle

from .conftest import Run


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """The shipped bundle's entries as a folder."""
    folder = tmp_path / "parts"
    with bundle.open(default_bundle()) as shipped:
        for name in shipped.names():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(shipped.read(name))
    return folder


def test_the_shipped_bundle_runs_here_as_trained(run: Run) -> None:
    done = run("check", "for-this-photo")
    assert done.code == 0, done.err
    assert "run here as trained" in done.out
    assert "✗" not in done.out


def test_check_as_json(run: Run) -> None:
    report = json.loads(run("check", default_bundle(), "--json").out)
    assert report["passed"] is True
    assert report["samples"] >= 5
    inputs = next(m for m in report["measurements"] if m["quantity"] == "input")
    assert inputs["measured"] == 1.0


def test_inspect_a_bundle(run: Run) -> None:
    done = run("inspect", default_bundle())
    for word in ("for-this-photo", "resize.v1", "CONV_2D", "MAX_POOL_2D", "float32"):
        assert word in done.out
    found = json.loads(run("inspect", default_bundle(), "--json").out)
    assert found["bundle"]["task"] == "suggest-presets"
    convolutions = [op for op in found["model"]["operations"] if op["name"] == "CONV_2D"]
    assert len(convolutions) == 26, "SqueezeNet 1.1: two, and three in each of eight fire modules"
    assert {op["dtype"] for op in convolutions} == {"int8"}


def test_inspect_a_model(run: Run, unpacked: Path) -> None:
    found = json.loads(run("inspect", unpacked / "model.tflite", "--json").out)
    assert found["size"] == (unpacked / "model.tflite").stat().st_size
    assert found["parameters"] == 1_235_496, "SqueezeNet 1.1 by count"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\0\0\0\0TFL3", b"hello"])
def test_inspect_what_is_neither(run: Run, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "thing"
    path.write_bytes(content)
    done = run("inspect", path)
    assert done.code == 2
    assert done.err.startswith("homebody: ")
    assert done.err.count("\n") == 1


def test_pack_signs_and_pins(run: Run, tmp_path: Path, unpacked: Path) -> None:
    key, packed = tmp_path / "key", tmp_path / "mine.hb"
    public = run("key", key).out.split()[-1]
    (unpacked / "signature").unlink(missing_ok=True)
    done = run("pack", unpacked, "-o", packed, "--sign-key", key)
    assert done.code == 0, done.err
    pin = tmp_path / "pin"
    pin.write_text(public)
    assert run("check", packed, "--public-key", pin).code == 0
    assert run("check", default_bundle(), "--public-key", pin).code == 2


def test_pack_refuses_a_model_that_was_tampered_with(
    run: Run, tmp_path: Path, unpacked: Path
) -> None:
    model = bytearray((unpacked / "model.tflite").read_bytes())
    middle = len(model) // 2
    model[middle : middle + 4096] = bytes(4096)
    (unpacked / "model.tflite").write_bytes(model)
    done = run("pack", unpacked, "-o", tmp_path / "bad.hb")
    assert done.code == 2
    assert "does not run here as it was trained" in done.err
    assert not (tmp_path / "bad.hb").exists()


def test_version_and_help(run: Run) -> None:
    assert run("--version").out.strip() == f"homebody {__version__}"
    for verb in ([], ["photo"], ["photo", "suggest"], ["photo", "edit"], ["photo", "audit"],
                 ["photo", "catalog"], ["check"], ["inspect"], ["pack"], ["key"]):  # fmt: skip
        done = run(*verb, "--help")
        assert done.code == 0
        assert "Example" in done.out or verb in ([], ["photo"])
