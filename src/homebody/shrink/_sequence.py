"""Refine weights and biases operation by operation, on what really reaches each.

Every operation is run alone, float and integer beside each other, on the values that the refined
operations before it gave. So a correction never answers an error that an earlier one has already
mended, and the whole costs about one run of either model.

Sources: Nagel et al. 2019, section 4.2 (empirical bias correction); Frantar et al. 2023 (GPTQ);
the target that makes up for errors of the input is the least-squares one, as in Li et al. 2025,
"GPTAQ: Efficient Finetuning-Free Quantization for Asymmetric Calibration".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.shrink._draft import Draft
from homebody.shrink._gptq import round_together
from homebody.shrink._graph import Graph
from homebody.shrink._patches import choose_positions, take
from homebody.shrink._ranges import Parameters
from homebody.shrink._rules import Weights as WeightPlace
from homebody.shrink._run import Watch
from homebody.shrink._weights import Weighted, bias_codes, float_bias, float_weights
from homebody.shrink.report import Settings
from homebody.shrink.samples import Arrays

HELD_BYTES = 64 * 2**20
"""As many samples are used as keep the largest float activation under this."""
MAX_SAMPLES = 64
PULL = 1.0
"""How strongly a target is drawn to the float weights, as a share of the inputs' mean power."""
POSITIONS = 4096
"""As many positions of an operation's input are looked at, over all samples."""


def refine(
    draft: Draft, samples: Sequence[Arrays], settings: Settings, *, threads: int = 1
) -> Draft:
    """The draft with better weights and biases.

    Args:
        draft: weights rounded to the nearest.
        samples: calibration samples.
        settings: ``rounding`` and ``bias_correction`` say what to refine.
        threads: how many threads an operation may use.
    """
    graph = Graph(draft.data)
    largest = max((4 * int(np.prod(graph.shape(t))) for t in graph.activations()), default=1)
    count = max(4, min(MAX_SAMPLES, HELD_BYTES // max(largest, 1)))
    some = samples[:count]
    draft = replace(draft, weighted=dict(draft.weighted))
    floats = _Values(graph, some, threads)
    written = replace(draft, ends="float32").rewrite()
    integer_graph = Graph(written.data)
    integers = _Values(integer_graph, some, threads)
    makers = {t: i for i, op in enumerate(graph.operators) for t in op.outputs}
    stands = {place: t for t, place in written.places.items()}
    done = 0
    for op in integer_graph.operators:
        index = makers.get(stands.get(op.outputs[0], -1), -1)
        if index in draft.weighted:
            while done < index:  # the float side catches up to just before this operation
                floats.run(graph.operators[done])
                done += 1
            refined = _refine_one(draft, graph, index, op, floats, integers, settings)
            draft.weighted[index] = refined
            place = draft.plan.rules[index].weights
            assert place is not None
            data = draft.chosen[graph.operators[index].inputs[place.data]]
            _store(integer_graph, op, place, data, refined)
        integers.run(op)
    return draft


class _Values:
    """The tensors that operations still need, a list of one array a sample for each."""

    def __init__(self, graph: Graph, samples: Sequence[Arrays], threads: int) -> None:
        self.graph, self.threads, self.count = graph, threads, len(samples)
        self.held = {t: [s[i] for s in samples] for i, t in enumerate(graph.inputs)}
        self.reads = dict.fromkeys(range(len(graph.tensors)), 0)
        for op in graph.operators:
            for tensor in op.inputs:
                self.reads[tensor] = self.reads.get(tensor, 0) + 1

    def run(self, op: Any) -> None:
        """Run one operation on what is held, and forget what nothing will read any more."""
        alone = self.graph.only(op)
        fed = list(alone.inputs)
        watch = Watch(alone.save(), threads=self.threads)
        rows = zip(*(self.held[t] for t in fed), strict=True) if fed else [()] * self.count
        for tensor in op.outputs:
            self.held[tensor] = []
        for size, values in watch.run(rows):
            for tensor, batch in zip(op.outputs, values, strict=True):
                self.held[tensor] += np.split(batch, size) if size > 1 else [batch]
        for tensor in op.inputs:
            self.reads[tensor] -= 1
            if self.reads[tensor] == 0:
                self.held.pop(tensor, None)

    def stacked(self, tensor: int) -> NDArray[Any]:
        """All samples of a tensor, along its first axis."""
        return np.concatenate(self.held[tensor])


class _Moments(NamedTuple):
    """Means and centred moments of what weights are multiplied with.

    Attributes:
        float_mean, mean: of the float and the integer model's inputs, [groups, k].
        across: of the float with the integer model's inputs, [groups, k, k].
        within: of the integer model's inputs with themselves, [groups, k, k].
    """

    float_mean: NDArray[np.float64]
    mean: NDArray[np.float64]
    across: NDArray[np.float64]
    within: NDArray[np.float64]


def _refine_one(
    draft: Draft,
    graph: Graph,
    index: int,
    integer_op: Any,
    floats: _Values,
    integers: _Values,
    settings: Settings,
) -> Weighted:
    op, place = graph.operators[index], draft.plan.rules[index].weights
    assert place is not None
    weighted = draft.weighted[index]
    kind = graph.kind(op)
    data = op.inputs[place.data]
    p = draft.chosen[data]
    x = floats.stacked(data)
    codes = integers.stacked(integer_op.inputs[place.data])
    rows = _rows(graph, op, kind, x, codes, p.zero_point)
    if rows is None:
        return weighted
    real = (rows[1].astype(np.float32) - p.zero_point) * np.float32(p.scale)
    moments = _moments(rows[0], real)
    weights = _grouped(kind, float_weights(graph, index, draft.plan))
    scales = weighted.scales.astype(np.float64).reshape(len(weights), -1)
    rounded = _grouped(kind, weighted.codes)
    if settings.rounding == "gptq":
        target = _target(weights, moments)
        rounded = round_together(target, scales, moments.within)
    bias = weighted.bias
    if settings.bias_correction != "none":
        wanted = np.einsum("gok,gk->go", weights, moments.float_mean)
        given = np.einsum("gok,gk->go", rounded * scales[..., None], moments.mean)
        original = float_bias(graph, index, draft.plan)
        shift = (wanted - given).reshape(-1)
        bias = shift if original is None else original + shift
    return Weighted(_ungrouped(kind, rounded, weighted.codes.shape), weighted.scales, bias)


def _target(weights: NDArray[np.float64], moments: _Moments) -> NDArray[np.float64]:
    """The weights that, on the integer model's inputs, come nearest to the float outputs."""
    k = weights.shape[-1]
    mean = np.maximum(np.einsum("gkk->gk", moments.within).mean(1), 1e-12)
    ridge = (PULL * mean)[:, None, None] * np.eye(k)
    wanted = weights @ (moments.across + ridge)
    solved: NDArray[np.float64] = np.linalg.solve(
        moments.within + ridge, wanted.transpose(0, 2, 1)
    ).transpose(0, 2, 1)
    return solved


def _moments(x: NDArray[Any], q: NDArray[Any]) -> _Moments:
    """From rows [groups, n, k] of the float and the integer model's inputs."""
    x_mean, q_mean = x.mean(1, dtype=np.float64), q.mean(1, dtype=np.float64)
    centred_x = x - x_mean[:, None].astype(np.float32)
    centred_q = q - q_mean[:, None].astype(np.float32)
    turned = centred_q.transpose(0, 2, 1)
    n = max(x.shape[1], 1)
    return _Moments(
        x_mean,
        q_mean,
        (centred_x.transpose(0, 2, 1) @ centred_q).astype(np.float64) / n,
        (turned @ centred_q).astype(np.float64) / n,
    )


def _rows(
    graph: Graph, op: Any, kind: str, x: NDArray[Any], codes: NDArray[Any], zero_point: int
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """What the weights are multiplied with, [groups, n, k] for either model; None if unknown."""
    random = np.random.default_rng(0)
    weights = graph.shape(op.inputs[1])
    if kind == "FULLY_CONNECTED":
        pick = slice(None, None, max(1, x.size // weights[1] // POSITIONS))
        return x.reshape(1, -1, weights[1])[:, pick], codes.reshape(1, -1, weights[1])[:, pick]
    if kind not in ("CONV_2D", "DEPTHWISE_CONV_2D") or x.ndim != 4:
        return None
    if weights[3] != x.shape[3]:  # grouped convolution, or a depth multiplier
        return None
    positions = choose_positions(graph, op, x.shape, POSITIONS, random)
    pair = take(x, positions, 0.0), take(codes, positions, zero_point)
    if kind == "CONV_2D":
        return tuple(p.reshape(1, len(p), -1) for p in pair)  # type: ignore[return-value]
    moved = (np.moveaxis(p.reshape(len(p), -1, p.shape[-1]), 2, 0) for p in pair)
    return tuple(np.ascontiguousarray(p) for p in moved)  # type: ignore[return-value]


def _grouped(kind: str, weights: NDArray[Any]) -> NDArray[np.float64]:
    """Weights as [groups, outputs, k]: a depthwise convolution has a group for each channel."""
    if kind == "DEPTHWISE_CONV_2D":
        flat = weights.reshape(-1, weights.shape[-1]).T
        return np.ascontiguousarray(flat[:, None, :], np.float64)
    return weights.reshape(1, len(weights), -1).astype(np.float64)


def _ungrouped(kind: str, codes: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.int8]:
    if kind == "DEPTHWISE_CONV_2D":
        return codes[:, 0].T.reshape(shape).astype(np.int8)
    return codes.reshape(shape).astype(np.int8)


def _store(
    graph: Graph, op: Any, place: WeightPlace, data: Parameters, refined: Weighted
) -> None:
    """Put refined weights and bias into the integer model."""
    op.inputs[place.input] = graph.own(op.inputs[place.input])
    graph.set_constant(op.inputs[place.input], refined.codes)
    if refined.bias is None:
        return
    values = bias_codes(refined, data)
    if len(op.inputs) > place.bias and op.inputs[place.bias] >= 0:
        graph.set_constant(op.inputs[place.bias], values)
        return
    shown = refined.scales if place.per_axis else refined.scales[:1]
    op.inputs += [-1] * (place.bias + 1 - len(op.inputs))
    op.inputs[place.bias] = graph.add_tensor(
        f"{graph.name(op.outputs[0])}_bias", values.shape, values.dtype.name,
        values=values, scales=shown.astype(np.float64) * data.scale,
    )  # fmt: skip
