"""Labelled folders made for tests: photos whose label a person could tell too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from homebody.features.photo.sample_photos import sample_folder

KINDS = {
    "animal": "living", "flower": "living",
    "architecture": "built", "interior": "built", "street": "built",
}  # fmt: skip


def noise(seed: int, side: int = 24) -> np.ndarray:
    """A small picture that no other seed gives."""
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def write_photos(root: Path, counts: dict[str, int], side: int = 24) -> Path:
    """Folders of distinct small PNGs: so many for each label."""
    seed = 0
    for label, count in counts.items():
        (root / label).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.fromarray(noise(seed, side)).save(root / label / f"{number:03}.png")
            seed += 1
    return root


def real_photos(root: Path) -> Path:
    """The photos that come with Homebody, as two labels: living things, built things."""
    folder = sample_folder()
    for photo in json.loads((folder / "samples.json").read_text()):
        if label := KINDS.get(photo["content"]):
            (root / label).mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / photo["file"], root / label)
    return root
