"""A small data set whose labels words tell."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from homebody.features.text.data import LabelledTexts, read_texts
from homebody.features.text.train import TrainedText, train_text

WORDS = {
    "music": ["sound", "player", "tune", "song", "opera", "café", "mp3", "volume", "chord"],
    "game": ["chess", "play", "puzzle", "dice", "東京", "arcade", "level", "score", "knight"],
    "mail": ["letter", "inbox", "smtp", "spam", "folder", "address", "reply", "post", "queue"],
}
OTHERS = [
    "a",
    "the",
    "of",
    "and",
    "for",
    "with",
    "tool",
    "library",
    "small",
    "fast",
    "new",
    "old",
    "simple",
]


def write(path: Path, count: int = 240) -> Path:
    """A table of texts; of every five rows in a row, the source is one."""
    dice = random.Random(1)
    lines = ["label\tsource\ttext"]
    for number in range(count):
        label = list(WORDS)[number % 3]
        words = dice.choices(WORDS[label], k=2) + dice.choices(OTHERS, k=4)
        dice.shuffle(words)
        lines.append(f"{label}\tsource {number // 5}\t{' '.join(words).title()}, №{number}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> LabelledTexts:
    return read_texts(write(tmp_path_factory.mktemp("data") / "topics.tsv"), split_by="source")


@pytest.fixture(scope="session")
def trained(data: LabelledTexts, tmp_path_factory: pytest.TempPathFactory) -> TrainedText:
    path = tmp_path_factory.mktemp("text") / "topics.hb"
    return train_text(data, path, vocabulary_size=300, length=16)
