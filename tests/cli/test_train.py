from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ..train.folders import real_photos
from .conftest import Run


def folders(root: Path, **counts: int) -> Path:
    rng = np.random.default_rng(0)
    for label, count in counts.items():
        (root / label).mkdir(parents=True)
        for number in range(count):
            picture = Image.fromarray(rng.integers(0, 256, (9, 9, 3), np.uint8))
            picture.save(root / label / f"{number}.png")
    return root


@pytest.mark.parametrize(
    ("counts", "options", "message"),
    [
        ({"cat": 3}, (), "there is only the label 'cat'"),
        ({"cat": 3, "dog": 1}, (), "the label 'dog' has 1 photo"),
        ({"cat": 3, "dog": 0}, (), "the label 'dog' has no photo"),
        ({"cat": 3, "dog": 3}, ("--base", "alexnet"), "Invalid enum value 'alexnet'"),
        ({"cat": 3, "dog": 3}, ("--epochs", "-1"), "$.epochs"),
        ({"cat": 3, "dog": 3}, ("--config", "none.toml"), "none.toml"),
        ({"cat": 3, "dog": 3}, ("--slices", "none.csv"), "none.csv"),
        ({"cat": 3, "dog": 3}, ("--split-by", "moon"), "cannot be split by 'moon'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    run: Run, tmp_path: Path, counts: dict[str, int], options: tuple[str, ...], message: str
):
    photos = folders(tmp_path / "photos", **counts)
    found = run("train", photos, "-o", tmp_path / "x.hb", *options)
    assert found.code == 2
    assert found.out == ""
    assert message in found.err
    assert len(found.err.splitlines()) == 1
    assert not (tmp_path / "x.hb").exists()


def test_the_output_must_be_a_bundle(run: Run, tmp_path: Path):
    found = run("train", tmp_path, "-o", tmp_path / "x.tflite")
    assert (found.code, len(found.err.splitlines())) == (2, 1)
    assert "ends in .hb" in found.err


@pytest.mark.oracle
def test_train_prints_what_it_measured(run: Run, tmp_path: Path):
    pytest.importorskip("keras")
    photos = real_photos(tmp_path / "photos")
    (photos / "built" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    found = run("train", photos, "-o", tmp_path / "x.hb", "--epochs", "0")
    assert found.code == 0
    assert "true \\ given" in found.out
    assert "accuracy of int8" in found.out
    assert "built/torn.png" in found.out
    again = run("train", photos, "-o", tmp_path / "x.hb", "--epochs", "0", "--json")
    assert again.out == (tmp_path / "x.train" / "metrics.json").read_text()
    assert run("check", tmp_path / "x.hb").code == 0
