"""The bag: its gradient, its optimum, and the model that is made of it."""

from __future__ import annotations

import numpy as np
import pytest

from homebody.errors import ModelError
from homebody.features.text import bag as module
from homebody.features.text.bag import Bag, fit
from homebody.features.text.tflite import to_tflite
from homebody.runtime import Model

RNG = np.random.default_rng(3)
PIECES, LABELS = 30, 3


def texts(count: int = 120, length: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Ids whose label some of them tell."""
    labels = RNG.integers(0, LABELS, count)
    ids = RNG.integers(1, PIECES, (count, length)).astype(np.int32)
    ids[:, 0] = 1 + labels + LABELS * RNG.integers(0, 3, count)
    ids[RNG.random(ids.shape) < 0.2] = 0
    return ids, labels


def dense(ids: np.ndarray, bag: Bag) -> np.ndarray:
    """What a bag says, one text and one piece at a time."""
    rows = []
    for row in ids:
        score = np.zeros(LABELS)
        norm = 0.0
        for piece in row:
            score += bag.table[piece]
            norm += float(bag.rarity2[piece])
        rows.append(score / np.sqrt(max(norm, 1e-6)) + bag.bias)
    return np.array(rows)


def test_the_gradient_is_that_of_finite_differences() -> None:
    ids, labels = texts(20)
    rows = np.repeat(np.arange(20), ids.shape[1])
    values = RNG.random(ids.size)
    problem = module._Problem(rows, ids.reshape(-1), values, labels, PIECES, LABELS, 2.0)
    at = RNG.normal(size=(PIECES + 1) * LABELS)
    _, gradient = problem(at)
    for place in [*RNG.integers(0, at.size, 25), at.size - 1]:
        step = np.zeros(at.size)
        step[place] = 1e-6
        numeric = (problem(at + step)[0] - problem(at - step)[0]) / 2e-6
        assert gradient[place] == pytest.approx(numeric, abs=1e-4, rel=1e-5)


def test_training_ends_where_the_gradient_does() -> None:
    ids, labels = texts()
    seen: list[int] = []
    bag = fit(ids, labels, PIECES, LABELS, strength=3.0, iterations=400, progress=seen.append)
    assert len(seen) < 400
    rarity = np.sqrt(bag.rarity2.astype(np.float64))
    flat = ids.reshape(-1)
    rows = np.repeat(np.arange(len(ids)), ids.shape[1])
    norms = np.sqrt(np.maximum(np.bincount(rows, rarity[flat] ** 2), 1e-6))
    problem = module._Problem(rows, flat, rarity[flat] / norms[rows], labels, PIECES, LABELS, 3.0)
    weights = np.divide(bag.table, rarity[:, None], out=np.zeros((PIECES, LABELS)),
                        where=rarity[:, None] > 0)  # fmt: skip
    at = np.concatenate([weights, bag.bias[None]]).reshape(-1).astype(np.float64)
    start = problem(np.zeros_like(at))[1]
    assert np.abs(problem(at)[1]).max() < 3e-4 * np.abs(start).max()
    assert (bag(ids).argmax(axis=1) == labels).mean() > 0.7


def test_a_bag_says_what_its_definition_says() -> None:
    ids, labels = texts()
    bag = fit(ids, labels, PIECES, LABELS)
    assert bag(ids) == pytest.approx(dense(ids, bag), abs=1e-4)
    assert (bag.table[0] == 0).all()
    assert bag(np.zeros((1, 4), np.int32))[0] == pytest.approx(bag.bias)


def test_the_same_texts_give_the_same_bag() -> None:
    ids, labels = texts()
    for one, other in zip(fit(ids, labels, PIECES, LABELS), fit(ids, labels, PIECES, LABELS),
                          strict=True):  # fmt: skip
        assert np.array_equal(one, other)


def test_the_model_is_the_bag_with_a_table_of_8_bits() -> None:
    ids, labels = texts()
    bag = fit(ids, labels, PIECES, LABELS)
    data = to_tflite(bag, ids.shape[1])
    assert to_tflite(bag, ids.shape[1]) == data
    model = Model(data)
    assert [one.dtype for one in model.inputs] == ["int32"]
    scale = np.maximum(np.abs(bag.table).max(axis=1, keepdims=True), 1e-9) / 127
    rounded = bag._replace(table=(np.rint(bag.table / scale) * scale).astype(np.float32))
    found = np.concatenate([model(row[None])[0] for row in ids])
    assert found == pytest.approx(rounded(ids), abs=1e-4)
    nothing = model(np.zeros((1, ids.shape[1]), np.int32))[0]
    assert nothing[0] == pytest.approx(bag.bias, abs=1e-5)


def test_an_id_beyond_the_table_does_not_read_outside() -> None:
    """The vocabulary's length is a bundle's own word; the runtime must not take it for true."""
    ids, labels = texts()
    model = Model(to_tflite(fit(ids, labels, PIECES, LABELS), 4))
    for wrong in (PIECES, 2**31 - 1, -1):
        with pytest.raises(ModelError):
            model(np.array([[wrong, 0, 0, 0]], np.int32))


@pytest.mark.oracle
def test_it_is_scikit_learn_s_regression() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    ids, labels = texts(200)
    bag = fit(ids, labels, PIECES, LABELS, strength=2.0, iterations=500)
    counts = np.stack([np.bincount(row, minlength=PIECES) for row in ids]).astype(float)
    rarity = np.sqrt(bag.rarity2.astype(float))
    norms = np.sqrt(np.maximum(counts @ rarity**2, 1e-6))
    features = counts * rarity / norms[:, None]
    other = linear.LogisticRegression(C=2.0, max_iter=2000, tol=1e-8).fit(features, labels)
    ours = np.exp(bag(ids))
    theirs = other.predict_proba(features)
    assert ours / ours.sum(axis=1, keepdims=True) == pytest.approx(theirs, abs=2e-3)
