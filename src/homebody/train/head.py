"""The last layer: multinomial logistic regression on the frozen network's features.

The problem is convex and small, so whole-batch steps in numpy find its solution in a second or
two, the same one every time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.train.config import TrainConfig

Matrix = NDArray[np.float32]


class Head(NamedTuple):
    """Logits are ``features @ kernel + bias``."""

    kernel: Matrix
    """float32 [features, labels]."""
    bias: Matrix
    """float32 [labels]."""
    steps: int
    """How many steps led to the best validation loss."""
    validation_loss: float


def class_weights(labels: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    """A weight for each label so that all count the same: their mean over photos is 1.

    Example:
        >>> class_weights(np.array([0, 0, 0, 1]), 2).round(3).tolist()
        [0.667, 2.0]
    """
    found = np.bincount(labels, minlength=count)
    weights: NDArray[np.float64] = len(labels) / (np.count_nonzero(found) * np.maximum(found, 1))
    return weights


def cross_entropy(
    logits: NDArray[np.floating], labels: NDArray[np.intp], weights: NDArray[np.float64]
) -> float:
    """Weighted mean of ``-log softmax(logits)[label]``; 0 where there is nothing.

    Args:
        logits: [n, labels].
        labels: [n].
        weights: [labels], a weight for each label.
    """
    if not len(labels):
        return 0.0
    shifted = logits - logits.max(1, keepdims=True)
    log = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    weight = weights[labels]
    return float(-(weight * log[np.arange(len(labels)), labels]).sum() / weight.sum())


def train_head(
    features: Matrix,
    labels: NDArray[np.intp],
    validation: tuple[Matrix, NDArray[np.intp]],
    count: int,
    config: TrainConfig,
) -> Head:
    """Fit the last layer and stop where the validation loss is least.

    Features are standardised while fitting; the scaling is folded into what is returned. The
    steps are Adam's (D. P. Kingma and J. Ba, arXiv:1412.6980) on the whole batch.

    Args:
        features: float32 [n, features].
        labels: [n], 0..count-1.
        validation: features and labels to stop by.
        count: how many labels there are.
        config: ``head_*``, ``class_weights`` and ``label_smoothing`` are used.
    """
    mean = features.mean(0, dtype=np.float64)
    spread = features.std(0, dtype=np.float64)
    spread[spread < 1e-6] = 1.0  # a feature that never changes says nothing
    x = (features - mean) / spread
    seen = (validation[0] - mean) / spread
    weights = class_weights(labels, count) if config.class_weights else np.ones(count)
    sample = weights[labels] / weights[labels].sum()
    target = np.full((len(labels), count), config.label_smoothing / count)
    target[np.arange(len(labels)), labels] += 1 - config.label_smoothing

    parameters = np.zeros((x.shape[1] + 1, count))
    decay = np.full((x.shape[1] + 1, 1), config.head_weight_decay)
    decay[-1] = 0.0  # the bias is free
    first, second = np.zeros_like(parameters), np.zeros_like(parameters)
    best, best_loss, best_step = parameters.copy(), np.inf, 0
    patience = max(20, config.head_epochs // 10)
    for step in range(1, config.head_epochs + 1):
        logits = x @ parameters[:-1] + parameters[-1]
        powers = np.exp(logits - logits.max(1, keepdims=True))
        error = (powers / powers.sum(1, keepdims=True) - target) * sample[:, None]
        gradient = np.vstack([x.T @ error, error.sum(0)]) + decay * parameters
        first += 0.1 * (gradient - first)
        second += 0.001 * (gradient**2 - second)
        rate = config.head_learning_rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        parameters = parameters - rate * first / (np.sqrt(second) + 1e-8)
        loss = cross_entropy(seen @ parameters[:-1] + parameters[-1], validation[1], weights)
        if loss < best_loss:
            best, best_loss, best_step = parameters.copy(), loss, step
        elif step - best_step >= patience:
            break
    kernel = best[:-1] / spread[:, None]
    bias = best[-1] - mean @ kernel
    return Head(kernel.astype(np.float32), bias.astype(np.float32), best_step, float(best_loss))
