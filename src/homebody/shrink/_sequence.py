"""Refine weights and biases operation by operation, on what really reaches each.

Every integer operation is run alone, on the values that the refined operations before it gave. So
a correction never answers an error that an earlier one has already mended, and the whole costs a
few runs of the model.

Source: Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias
Correction", section 4.2 (empirical bias correction).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.runtime.editing import Graph
from homebody.shrink._draft import Draft
from homebody.shrink._gptq import round_together
from homebody.shrink._moments import grouped, moments, rows, target, ungrouped
from homebody.shrink._observe import Trace
from homebody.shrink._run import Watch
from homebody.shrink._weights import Weighted, bias_codes, float_bias, float_weights
from homebody.shrink.report import Settings
from homebody.shrink.samples import Arrays

HELD_BYTES = 64 * 2**20
"""As many samples are used as keep the largest activation that is held under this."""
MAX_SAMPLES = 32
ROUNDS = 2
"""How often what is left of a bias is measured again."""


def refine(
    draft: Draft,
    samples: Sequence[Arrays],
    traces: Sequence[Trace],
    settings: Settings,
    *,
    threads: int = 1,
) -> Draft:
    """The draft with better weights and biases.

    Args:
        draft: weights rounded to the nearest.
        samples: calibration samples.
        traces: what the float model, before it was equalized, made of each.
        settings: ``rounding`` and ``bias_correction`` say what to refine.
        threads: how many threads an operation may use.
    """
    graph = Graph(draft.data)
    beside = settings.rounding == "gptq"  # rounding looks at what reaches the float operation
    width = 4 if beside else draft.bits // 8
    largest = max((width * math.prod(graph.shape(t)) for t in graph.activations()), default=1)
    some = samples[: max(4, min(MAX_SAMPLES, HELD_BYTES // max(largest, 1)))]
    means = {
        tensor: np.mean([t.means[tensor] for t in traces[: len(some)]], axis=0)
        * draft.factors.get(tensor, 1.0)
        for tensor in graph.activations()
    }
    draft = replace(draft, weighted=dict(draft.weighted))
    written = replace(draft, ends="float32").rewrite()
    integer_graph = Graph(written.data)
    floats = _Values(graph, some, threads)
    integers = _Values(integer_graph, some, threads)
    makers = {t: i for i, op in enumerate(graph.operators) for t in op.outputs}
    stands = {place: t for t, place in written.places.items()}
    done = 0
    for op in integer_graph.operators:
        index = makers.get(stands.get(op.outputs[0], -1), -1)
        while beside and done < index:  # the float side catches up to just before this operation
            floats.run(graph.operators[done], forget=True)
            done += 1
        if index in draft.weighted:
            step = _Step(draft, graph, index, integer_graph, op, floats, integers, means)
            draft.weighted[index] = step.refined(settings)
        else:
            integers.run(op)
        integers.forget(op)
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

    def run(self, op: Any, *, forget: bool = False) -> None:
        """Run one operation on what is held; then ``forget`` what it alone still needed."""
        alone = self.graph.only(op)
        fed = list(alone.inputs)
        watch = Watch(alone, threads=self.threads)
        rows = zip(*(self.held[t] for t in fed), strict=True) if fed else [()] * self.count
        for tensor in op.outputs:
            self.held[tensor] = []
        for values in watch.run_each(rows):
            for tensor, value in zip(op.outputs, values, strict=True):
                self.held[tensor].append(value)
        if forget:
            self.forget(op)

    def forget(self, op: Any) -> None:
        """Drop the operation's inputs that nothing later reads."""
        for tensor in op.inputs:
            self.reads[tensor] = self.reads.get(tensor, 0) - 1
            if self.reads[tensor] == 0:
                self.held.pop(tensor, None)


def _channel_means(samples: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    """The mean of each channel over all samples."""
    means = []
    for values in samples:
        rows = values.reshape(-1, values.shape[-1])
        # Sums of few enough int8 are exact in float32, in whatever order BLAS adds them.
        exact = np.float32 if rows.itemsize == 1 and len(rows) < 2**17 else np.float64
        means.append((np.ones(len(rows), exact) @ rows.astype(exact)) / np.float64(len(rows)))
    found: NDArray[np.float64] = np.mean(means, axis=0)
    return found


class _Step:
    """One operation with weights, float and integer, with what reaches it."""

    def __init__(
        self,
        draft: Draft,
        graph: Graph,
        index: int,
        integer_graph: Graph,
        integer_op: Any,
        floats: _Values,
        integers: _Values,
        means: Mapping[int, NDArray[np.float64]],
    ) -> None:
        place = draft.plan.rules[index].weights
        assert place is not None
        self.draft, self.graph, self.index, self.place = draft, graph, index, place
        self.op = graph.operators[index]
        self.data = self.op.inputs[place.data]
        self.parameters = draft.chosen[self.data]
        self.integer_graph, self.integer_op = integer_graph, integer_op
        self.floats, self.integers, self.means = floats, integers, means

    def refined(self, settings: Settings) -> Weighted:
        """Better weights and bias; the integer model has run on them."""
        weighted = self.draft.weighted[self.index]
        if settings.rounding == "gptq":
            weighted = self._rounded_together(weighted, settings)
        self._store(weighted)
        self.integers.run(self.integer_op)
        if settings.bias_correction == "empirical" and weighted.bias is not None:
            for _ in range(ROUNDS):
                weighted = weighted._replace(bias=weighted.bias + self._left_over())
                self._store(weighted)
                self.integers.run(self.integer_op)
        return weighted

    def _rounded_together(self, weighted: Weighted, settings: Settings) -> Weighted:
        """Weights rounded for the inputs that reach them, with the bias that belongs to them."""
        p, kind = self.parameters, self.graph.kind(self.op)
        codes = self.integers.held[self.integer_op.inputs[self.place.data]]
        found = rows(self.graph, self.op, self.floats.held[self.data], codes, p.zero_point)
        if found is None:
            return weighted
        seen = moments(found[0], (found[1].astype(np.float32) - p.zero_point) * np.float32(p.scale))
        weights = grouped(kind, float_weights(self.graph, self.index, self.draft.plan))
        scales = weighted.scales.astype(np.float64).reshape(len(weights), -1)
        rounded = round_together(target(weights, seen), scales, seen.within)
        bias = weighted.bias
        if settings.bias_correction != "none":
            wanted = np.einsum("gok,gk->go", weights, seen.float_mean)
            given = np.einsum("gok,gk->go", rounded * scales[..., None], seen.mean)
            original = float_bias(self.graph, self.index, self.draft.plan)
            bias = (wanted - given).reshape(-1) + (0.0 if original is None else original)
        return Weighted(ungrouped(kind, rounded, weighted.codes.shape), weighted.scales, bias)

    def _left_over(self) -> NDArray[np.float64]:
        """By how much the outputs' channel means fall short of the float ones.

        After an activation function they do even where its inputs' means are right: noise
        around its kink has a mean of its own.
        """
        output = self.op.outputs[0]
        p = self.draft.chosen[output]
        given = _channel_means(self.integers.held[self.integer_op.outputs[0]])
        return self.means[output] - (given - p.zero_point) * p.scale

    def _store(self, weighted: Weighted) -> None:
        """Put weights and bias into the integer model."""
        graph, op, place = self.integer_graph, self.integer_op, self.place
        codes = graph.constant(op.inputs[place.input])
        # Weights that stay as they are stay shared with the operations that share them.
        if codes is None or not np.array_equal(codes, weighted.codes):
            op.inputs[place.input] = graph.own(op.inputs[place.input])
            graph.set_constant(op.inputs[place.input], weighted.codes)
        if weighted.bias is None:
            return
        values = bias_codes(weighted, self.parameters)
        if len(op.inputs) > place.bias and op.inputs[place.bias] >= 0:
            graph.set_constant(op.inputs[place.bias], values)
            return
        shown = weighted.scales if place.per_axis else weighted.scales[:1]
        op.inputs += [-1] * (place.bias + 1 - len(op.inputs))
        op.inputs[place.bias] = graph.add_tensor(
            f"{graph.name(op.outputs[0])}_bias", values.shape, values.dtype.name,
            values=values, scales=shown.astype(np.float64) * self.parameters.scale,
        )  # fmt: skip
