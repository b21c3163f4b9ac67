"""Means and second moments of what an operation's weights are multiplied with.

Weights are seen as [groups, outputs, k]: a depthwise convolution has a group for each channel,
every other operation one group. Rows of inputs are [groups, n, k] accordingly.

Source of the target: the least-squares one of Li et al. 2025, "GPTAQ: Efficient Finetuning-Free
Quantization for Asymmetric Calibration".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.runtime.editing import Graph
from homebody.shrink._patches import choose_positions, take

POSITIONS = 4096
DEPTHWISE_POSITIONS = 512
"""As many positions of an operation's input are looked at, over all samples; a depthwise
convolution has few weights a channel, and each of its channels takes memory."""
PULL = 30.0
"""How strongly a target is drawn to the float weights, as a share of the inputs' mean power: with
a hundred samples a weaker pull fits their noise."""


class Moments(NamedTuple):
    """Of the float model's inputs x and the integer model's inputs q, at the same positions.

    Attributes:
        float_mean, mean: of x and of q, [groups, k].
        across: centred products of x with q, [groups, k, k].
        within: centred products of q with itself, [groups, k, k].
    """

    float_mean: NDArray[np.float64]
    mean: NDArray[np.float64]
    across: NDArray[np.float64]
    within: NDArray[np.float64]


def moments(x: NDArray[Any], q: NDArray[Any]) -> Moments:
    """From rows of either model."""
    x_mean, q_mean = x.mean(1, dtype=np.float64), q.mean(1, dtype=np.float64)
    centred_x = x - x_mean[:, None].astype(np.float32)
    centred_q = q - q_mean[:, None].astype(np.float32)
    n = max(x.shape[1], 1)
    return Moments(
        x_mean,
        q_mean,
        (centred_x.transpose(0, 2, 1) @ centred_q).astype(np.float64) / n,
        (centred_q.transpose(0, 2, 1) @ centred_q).astype(np.float64) / n,
    )


def target(weights: NDArray[np.float64], seen: Moments) -> NDArray[np.float64]:
    """The weights that, on the integer model's inputs, come nearest to the float outputs."""
    mean = np.maximum(np.einsum("gkk->gk", seen.within).mean(1), 1e-12)
    ridge = (PULL * mean)[:, None, None] * np.eye(weights.shape[-1])
    wanted = weights @ (seen.across + ridge)
    solved = np.linalg.solve(seen.within + ridge, wanted.transpose(0, 2, 1))
    found: NDArray[np.float64] = solved.transpose(0, 2, 1)
    return found


def rows(
    graph: Graph,
    op: Any,
    x: Sequence[NDArray[Any]],
    codes: Sequence[NDArray[Any]],
    zero_point: int,
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Rows of the float model's input ``x`` and the integer model's ``codes``, an array a sample.

    None for operations whose weights meet their input in another way (transposed and grouped
    convolutions, batches).
    """
    kind, weights = graph.kind(op), graph.shape(op.inputs[1])
    if kind == "FULLY_CONNECTED":
        left, right = (np.concatenate([v.reshape(-1, weights[1]) for v in side])
                       for side in (x, codes))  # fmt: skip
        step = slice(None, None, max(1, len(left) // POSITIONS))
        return left[None, step], right[None, step]
    shape = x[0].shape
    if kind not in ("CONV_2D", "DEPTHWISE_CONV_2D") or weights[3] != shape[-1] or shape[0] != 1:
        return None
    depthwise = kind == "DEPTHWISE_CONV_2D"
    count = DEPTHWISE_POSITIONS if depthwise else POSITIONS
    shape = (len(x), *shape[1:])
    positions = choose_positions(graph, op, shape, count, np.random.default_rng(0))
    left, right = take(x, positions, 0.0), take(codes, positions, zero_point)
    if not depthwise:
        return left.reshape(1, len(left), -1), right.reshape(1, len(right), -1)
    return _by_channel(left), _by_channel(right)


def _by_channel(patches: NDArray[Any]) -> NDArray[Any]:
    flat = patches.reshape(len(patches), -1, patches.shape[-1])
    return np.ascontiguousarray(flat.transpose(2, 0, 1))


def grouped(kind: str, weights: NDArray[Any]) -> NDArray[np.float64]:
    """Weights as [groups, outputs, k]."""
    if kind == "DEPTHWISE_CONV_2D":
        flat = weights.reshape(-1, weights.shape[-1]).T
        return np.ascontiguousarray(flat[:, None, :], np.float64)
    return weights.reshape(1, len(weights), -1).astype(np.float64)


def ungrouped(kind: str, codes: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.int8]:
    """Codes [groups, outputs, k] in the shape that the operation has its weights in."""
    if kind == "DEPTHWISE_CONV_2D":
        codes = codes[:, 0].T
    return codes.reshape(shape).astype(np.int8)
