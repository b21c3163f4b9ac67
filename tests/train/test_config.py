from __future__ import annotations

from pathlib import Path

import pytest

from homebody.errors import TrainConfigError
from homebody.train import TrainConfig, read_config


def test_settings_come_from_toml(tmp_path: Path):
    file = tmp_path / "c.toml"
    file.write_text('epochs = 3\nlearning_rate = 1e-3\nsplit_by = "folder"\n')
    assert read_config(file) == TrainConfig(epochs=3, learning_rate=1e-3, split_by="folder")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", "unknown field `epoch`"),
        ("epochs = -1", ">= 0"),
        ("epochs = 'many'", "Expected `int`"),
        ("modules = 9", "<= 8"),
        ("base = 'alexnet'", "alexnet"),
        ("epochs = ", "is not TOML"),
    ],
)
def test_a_bad_setting_is_one_sentence(tmp_path: Path, text: str, message: str):
    file = tmp_path / "c.toml"
    file.write_text(text)
    with pytest.raises(TrainConfigError, match=message) as found:
        read_config(file)
    assert str(file) in str(found.value)


def test_a_missing_file_is_one_sentence(tmp_path: Path):
    with pytest.raises(TrainConfigError, match="No such file"):
        read_config(tmp_path / "c.toml")


def test_fingerprints_tell_settings_apart():
    assert TrainConfig().fingerprint() == TrainConfig().fingerprint()
    assert TrainConfig().fingerprint() != TrainConfig(seed=1).fingerprint()
