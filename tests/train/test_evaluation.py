from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from homebody.errors import UsageError
from homebody.train import confusion_png, confusion_text, evaluate

LABELS = ("ant", "bee", "cow")
PAIRS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60)


@given(PAIRS)
def test_figures_are_the_counts_they_claim_to_be(pairs: list[tuple[int, int]]):
    true, given_ = zip(*pairs, strict=True)
    found = evaluate(true, given_, LABELS, slices={"all": ["x"] * len(pairs)})
    for i in range(3):
        for j in range(3):
            assert found.confusion[i][j] == pairs.count((i, j))
        score, rates = found.scores[i], found.slices[0].labels[i]
        assert (score.recall.count, score.recall.n) == (pairs.count((i, i)), true.count(i))
        assert (score.precision.count, score.precision.n) == (pairs.count((i, i)), given_.count(i))
        wrong = sum(t != i and g == i for t, g in pairs)
        missed = sum(t == i and g != i for t, g in pairs)
        assert (rates.false_positive.count, rates.false_positive.n) == (
            wrong, len(pairs) - true.count(i),
        )  # fmt: skip
        assert (rates.false_negative.count, rates.false_negative.n) == (missed, true.count(i))
    assert found.accuracy.count == sum(t == g for t, g in pairs)
    recalls = [s.recall.value for s in found.scores if s.recall.n]
    assert found.balanced_accuracy == pytest.approx(np.mean(recalls))


def test_a_slice_that_falls_behind_is_named():
    true = [0] * 60 + [1] * 60
    right = [True] * 55 + [False] * 5 + [True] * 30 + [False] * 30
    given_ = [t if ok else 2 for t, ok in zip(true, right, strict=True)]
    camera = ["new"] * 60 + ["old"] * 60
    found = evaluate(true, given_, LABELS, slices={"camera": camera})
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("photos with camera = old fall behind: accuracy 50 %")
    old = next(s for s in found.slices if s.value == "old")
    assert old.behind is not None
    assert old.behind[1] < 0
    assert old.accuracy.n == 60


def test_a_slice_too_small_to_judge_is_not_judged():
    given_ = [0] * 100 + [1] * 5
    found = evaluate([0] * 105, given_, LABELS, slices={"x": ["a"] * 100 + ["b"] * 5})
    assert found.slices[1].accuracy.count == 0
    assert found.warnings == ()


def test_photos_without_a_value_are_in_no_slice():
    found = evaluate([0, 1, 1], [0, 1, 0], LABELS, slices={"x": ["a", None, None]})
    (only,) = found.slices
    assert (only.accuracy.n, only.behind, only.warning) == (1, None, "")


def test_chance_differences_do_not_warn():
    rng = np.random.default_rng(1)
    given_ = (rng.random(200) < 0.2).astype(int)
    half = ["a", "b"] * 100
    assert evaluate([0] * 200, given_, LABELS, slices={"x": half}).warnings == ()


def test_nothing_to_compare_is_refused():
    with pytest.raises(UsageError, match="0 true labels"):
        evaluate([], [], LABELS)
    with pytest.raises(UsageError, match="2 true labels and 1"):
        evaluate([0, 1], [0], LABELS)


def test_the_matrix_as_text_lines_up():
    found = evaluate([0] * 12 + [1, 2], [0] * 11 + [1, 1, 1], LABELS)
    lines = confusion_text(found).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1].split() == ["ant", "11", "1", "·"]
    assert lines[3].split() == ["cow", "·", "1", "·"]


def test_the_matrix_as_a_picture_is_dark_where_the_photos_are():
    found = evaluate([0] * 12 + [1, 2], [0] * 12 + [1, 1], LABELS)
    picture = np.asarray(Image.open(io.BytesIO(confusion_png(found))).convert("L"))
    cells = picture[-16 - 3 * 56 : -16, -16 - 3 * 56 : -16]
    corner = [[cells[56 * i + 4, 56 * j + 4] for j in range(3)] for i in range(3)]
    assert corner[0][0] < 120 < 230 < corner[0][1]
    assert corner[2][1] < 200 < 230 < corner[2][2]
