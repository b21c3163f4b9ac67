"""The accuracy benchmark's arithmetic, on answers that are known."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "photo_accuracy.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("photo_accuracy", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


LABELS = np.array(["food"] * 8 + ["street"] * 2)
FOUND = np.array(["food"] * 8 + ["street", "food"])


def test_a_rare_category_counts_like_a_common_one(bench):
    assert bench.accuracy(LABELS, FOUND) == 0.9
    assert bench.balanced_accuracy(LABELS, FOUND) == 0.75


def test_intervals_hold_the_figure_and_repeat(bench):
    labels, found = np.repeat(LABELS, 5), np.repeat(FOUND, 5)
    low, high = bench.interval(bench.accuracy, labels, found)
    assert low < 0.9 < high
    # the normal approximation, good to a percent or two at n = 50
    spread = 1.96 * np.sqrt(0.9 * 0.1 / 50)
    assert (low, high) == pytest.approx((0.9 - spread, 0.9 + spread), abs=0.02)
    assert bench.interval(bench.accuracy, labels, found) == (low, high)


def test_one_source_s_photos_are_drawn_together(bench):
    sources = np.where(LABELS == "food", "a", "b")
    low, high = bench.interval(bench.accuracy, LABELS, FOUND, sources)
    assert (low, high) == (0.5, 1.0)  # twice b, and twice a


def test_wilson_s_interval_is_the_published_one(bench):
    # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    assert bench.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert bench.wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert bench.wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert bench.wilson(0, 0) == (0.0, 1.0)


def test_figures_of_three_photos(bench, tmp_path):
    photos = [
        bench.Photo(tmp_path, "animal", frozenset({"night"}), "a"),
        bench.Photo(tmp_path, "nature", frozenset(), "b"),
        bench.Photo(tmp_path, "other", frozenset({"vibrant"}), "b"),
    ]
    content = np.zeros((3, 10))
    content[:, bench.CONTENT.index("animal")] = 1
    light = np.array([[0.5, 0, 0, 0], [0.9, 0, 0, 0], [0, 0, 0.49, 0]])
    figures = bench.evaluate(photos, bench.Seen(np.zeros((3, 1000)), content, light))
    assert (figures["photos"], figures["sources"]) == (3, 2)
    assert (figures["nine"]["n"], figures["nine"]["accuracy"]) == (2, 0.5)
    assert figures["five"]["accuracy"] == 1.0  # coarsely, an animal is nature
    assert figures["categories"]["animal"]["recall"] == 1.0
    assert figures["categories"]["animal"]["precision"] == 0.5
    assert figures["photometric"]["night"]["recall"] == 1.0
    assert figures["photometric"]["night"]["precision"] == 0.5
    assert figures["photometric"]["vibrant"]["recall"] == 0.0
    assert np.sum(figures["confusion"]) == 2


def test_the_report_goes_between_the_card_s_marks(bench, tmp_path):
    card = tmp_path / "card.md"
    card.write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n")
    bench.put_into_card(card, "new\n")
    assert card.read_text() == "before\n<!-- figures -->\nnew\n<!-- /figures -->\nafter\n"


def test_the_confusion_matrix_is_shaded_by_share(bench, tmp_path):
    size = len(bench.CONTENT)
    bench.draw(np.diag([5] * size).tolist(), tmp_path / "confusion.png")
    with Image.open(tmp_path / "confusion.png") as picture:
        assert picture.getpixel((150 + 4, 150 + 4)) == (30, 120, 90)  # all of the first row
        assert picture.getpixel((150 + 64 + 4, 150 + 4)) == (255, 255, 255)
