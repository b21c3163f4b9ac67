"""Everything that an integer model is written from, and the steps that make it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from homebody.runtime.editing import Graph
from homebody.shrink import _equalize, _ranges
from homebody.shrink._measure import Noise, dequantizer, quantized_inputs, to_real
from homebody.shrink._observe import Statistics, Trace, observe
from homebody.shrink._plan import Plan, make_plan
from homebody.shrink._ranges import Parameters
from homebody.shrink._rewrite import Ends, Rewritten, rewrite
from homebody.shrink._run import Watch
from homebody.shrink._weights import Weighted, quantize_weights
from homebody.shrink.report import Settings
from homebody.shrink.samples import Arrays


@dataclass(frozen=True)
class Draft:
    """What an integer model is written from.

    Attributes:
        original: the float model's bytes.
        data: the same network, equalized. Tensors and operations have the same indices in both.
        plan: what becomes integer.
        statistics: what the activations of ``data`` did.
        chosen: the activations' parameters.
        weighted: the integer weights.
        factors: how many times as large as in ``original`` a tensor's channels are in ``data``.
        ends: the type of the model's inputs and outputs.
    """

    original: bytes
    data: bytes
    plan: Plan
    statistics: dict[int, Statistics]
    chosen: dict[int, Parameters]
    weighted: dict[int, Weighted]
    factors: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    ends: Ends = "float32"

    def rewrite(self) -> Rewritten:
        """The integer model."""
        return rewrite(self.data, self.plan, self.chosen, self.weighted, ends=self.ends)

    def keeping(self, operations: Collection[int]) -> Draft:
        """The same with some operations left float, all else equal."""
        graph = Graph(self.data)
        plan = make_plan(graph, bits=self.bits, keep=operations, statistics=self.statistics)
        weighted = {i: w for i, w in self.weighted.items() if i in plan.rules}
        return replace(self, plan=plan, weighted=weighted)

    @property
    def bits(self) -> int:
        """How many bits activations have."""
        return next((p.bits for p in self.chosen.values()), 8)

    def output_db(
        self, samples: Sequence[Arrays], traces: Sequence[Trace], *, threads: int = 1
    ) -> float:
        """SQNR over all outputs of the integer model; minus infinity if they are all zero.

        Args:
            samples: what to run it on.
            traces: what the float model made of each.
            threads: how many threads an operation may use.
        """
        written = self.rewrite()
        graph = Graph(written.data)
        wanted = [t for t in traces[0].outputs if t in written.places]
        ends = [dequantizer(graph, written.places[t]) for t in wanted]
        fed = quantized_inputs(graph, samples)
        watch = Watch(graph, [written.places[t] for t in wanted], threads=threads)
        noise = Noise()
        for trace, values in zip(traces, watch.run_each(fed), strict=False):
            for tensor, end, value in zip(wanted, ends, values, strict=True):
                noise.add(trace.outputs[tensor], to_real(value, end))
        return float("-inf") if noise.db is None else noise.db


def make_draft(
    original: bytes,
    data: bytes,
    statistics: dict[int, Statistics],
    settings: Settings,
    keep: Collection[int],
    factors: dict[int, NDArray[np.float64]] | None = None,
) -> Draft:
    """Plan, choose ranges, round weights to the nearest code and correct biases."""
    bits = 16 if settings.scheme == "int16x8" else 8
    graph = Graph(data)
    plan = make_plan(graph, bits=bits, keep=keep, statistics=statistics)
    # 16 bits have levels enough for all that was seen.
    method: _ranges.Method = "minmax" if bits == 16 else settings.range or "minmax"
    chosen = _ranges.choose(graph, plan, statistics, method=method, bits=bits)
    correct = settings.bias_correction != "none"
    weighted = quantize_weights(graph, plan, statistics, chosen, correct_bias=correct)
    return Draft(original, data, plan, statistics, chosen, weighted, factors or {}, settings.io)


def equalized(
    draft: Draft, samples: Sequence[Arrays], settings: Settings, keep: Collection[int],
    *, threads: int = 1,
) -> Draft:  # fmt: skip
    """The draft of the equalized network; the same draft if there is nothing to equalize."""
    graph = Graph(draft.data)
    blocks = _equalize.find_blocks(graph, draft.plan)
    factors = _equalize.balance(graph, draft.plan, blocks, draft.statistics)
    if not factors:
        return draft
    _equalize.rescale(graph, draft.plan, factors)
    data = graph.save(keep_indices=True)
    if settings.range == "minmax":
        statistics = {
            t: s.scaled(factors[t]) if t in factors else s for t, s in draft.statistics.items()
        }
    else:  # a histogram cannot be rescaled channel by channel
        found = observe(Graph(data), data, samples, histograms=True, threads=threads)
        statistics = found.statistics
    return make_draft(draft.original, data, statistics, settings, keep, factors)
