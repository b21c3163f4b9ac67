from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec

from homebody.train import TrainConfig

PAGE = (Path(__file__).parents[2] / "docs" / "train.md").read_text()


def test_the_page_has_every_setting_with_its_default():
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \|", PAGE, re.M)
    stated = tomllib.loads("\n".join(f"{name} = {text.strip('`')}" for name, text in rows))
    assert stated == msgspec.to_builtins(TrainConfig())
