from __future__ import annotations

import numpy as np
import pytest

from homebody.train import TrainConfig
from homebody.train.head import class_weights, cross_entropy, train_head

RNG = np.random.default_rng(11)
CENTRES = RNG.normal(size=(3, 6)) * 2


def blobs(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    return (CENTRES[labels] + rng.normal(size=(n, 6))).astype(np.float32), labels


TRAIN, SEEN, TEST = blobs(200, 1), blobs(60, 2), blobs(200, 3)


def logits(head, x: np.ndarray) -> np.ndarray:
    return x @ head.kernel + head.bias


def test_it_finds_the_labels():
    head = train_head(*TRAIN, SEEN, 3, TrainConfig())
    nearest = ((TEST[0][:, None] - CENTRES) ** 2).sum(-1).argmin(1)  # the best there is
    best = (nearest == TEST[1]).mean()
    assert (logits(head, TEST[0]).argmax(1) == TEST[1]).mean() > best - 0.05
    assert head.validation_loss == pytest.approx(
        cross_entropy(logits(head, SEEN[0]), SEEN[1], class_weights(TRAIN[1], 3)), abs=1e-4
    )


def test_scale_and_offset_of_features_do_not_matter():
    scale, offset = np.float32([1, 10, 0.1, 3, 100, 1]), np.float32([0, 5, -3, 100, 0, 9])
    plain = train_head(*TRAIN, SEEN, 3, TrainConfig())
    moved = train_head(
        TRAIN[0] * scale + offset, TRAIN[1], (SEEN[0] * scale + offset, SEEN[1]), 3, TrainConfig()
    )
    found = logits(moved, TEST[0] * scale + offset)
    assert np.allclose(found, logits(plain, TEST[0]), atol=1e-2)


def test_a_feature_that_never_changes_does_no_harm():
    flat = np.hstack([TRAIN[0], np.full((200, 1), 7, np.float32)])
    seen = np.hstack([SEEN[0], np.full((60, 1), 7, np.float32)])
    head = train_head(flat, TRAIN[1], (seen, SEEN[1]), 3, TrainConfig())
    assert np.isfinite(head.kernel).all()
    assert (logits(head, seen).argmax(1) == SEEN[1]).mean() > 0.8


def test_rare_labels_count_as_much():
    rng = np.random.default_rng(5)
    seen, test = ((x + rng.normal(size=x.shape) * 2, y) for x, y in (SEEN, TEST))
    rare = np.concatenate([np.flatnonzero(TRAIN[1] != 0), np.flatnonzero(TRAIN[1] == 0)[:6]])
    x, y = TRAIN[0][rare], TRAIN[1][rare]
    x = x + rng.normal(size=x.shape) * 2  # overlapping, so that priors decide
    recall = []
    for weighted in (False, True):
        head = train_head(x, y, seen, 3, TrainConfig(class_weights=weighted))
        given = logits(head, test[0]).argmax(1)
        recall.append((given[test[1] == 0] == 0).mean())
    assert recall[1] > recall[0] + 0.05


def test_class_weights_make_labels_equal():
    labels = np.repeat([0, 1, 2], [5, 20, 75])
    weights = class_weights(labels, 4)
    sums = np.bincount(labels, weights[labels])
    assert np.allclose(sums, sums[0])
    assert weights[labels].mean() == pytest.approx(1)
    assert np.isfinite(weights).all()


@pytest.mark.oracle
def test_without_early_stopping_it_is_scikit_learns_logistic_regression():
    linear = pytest.importorskip("sklearn.linear_model")
    x, y = TRAIN
    z = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
    config = TrainConfig(
        label_smoothing=0, class_weights=False, head_weight_decay=0.1, head_epochs=5000
    )
    head = train_head(z, y, (z, y), 3, config)
    # Its penalty is 1 / (2 C) on the sum of losses, ours on their mean. The training loss itself
    # is the validation loss here, which the penalty keeps from falling for ever.
    peer = linear.LogisticRegression(C=1 / (0.1 * len(z)), tol=1e-8, max_iter=5000).fit(z, y)
    ours = logits(head, z)
    theirs = z @ peer.coef_.T + peer.intercept_
    ours -= ours.mean(1, keepdims=True)
    theirs -= theirs.mean(1, keepdims=True)
    assert np.abs(ours - theirs).max() < 0.05
