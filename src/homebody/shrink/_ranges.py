"""From what was observed to a scale and a zero point for each activation.

Sources: TensorFlow Lite 8-bit quantization specification; ranges of least mean squared error as in
Nagel et al. 2021, "A White Paper on Neural Network Quantization", section 3.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.errors import ModelError
from homebody.runtime.editing import Graph
from homebody.shrink._observe import BINS, Statistics
from homebody.shrink._plan import Plan

Method = Literal["minmax", "mse"]

_SHRINKS = np.linspace(1.0, 0.2, 81)
"""Fractions of the observed ends that the search tries."""


class Parameters(NamedTuple):
    """``real = scale * (integer - zero_point)`` with integers of ``bits`` bits."""

    scale: float
    zero_point: int
    bits: int = 8

    @property
    def dtype(self) -> str:
        """The integers' dtype."""
        return f"int{self.bits}"

    def codes(self, values: NDArray[np.floating]) -> NDArray[np.int64]:
        """The integers nearest to ``values``, ties to even, kept within the type."""
        limit = 1 << (self.bits - 1)
        scaled = np.round(np.asarray(values, np.float64) / self.scale) + self.zero_point
        return np.clip(scaled, -limit, limit - 1).astype(np.int64)


def parameters(low: float, high: float, *, bits: int = 8) -> Parameters:
    """The parameters that cover a range; zero is always representable exactly.

    Example:
        >>> parameters(0.0, 255.0)
        Parameters(scale=1.0, zero_point=-128, bits=8)
        >>> parameters(-1.0, 1.0, bits=16).zero_point
        0
    """
    low, high = min(low, 0.0), max(high, 0.0)
    if bits == 16:
        scale = float(np.float32(max(-low, high) / 32767))
        return Parameters(scale if scale > _LEAST_SCALE else 1 / 32768, 0, 16)
    scale = float(np.float32((high - low) / 255))
    if scale <= _LEAST_SCALE:  # nothing but zero was ever seen
        return Parameters(1 / 256, 0)
    return Parameters(scale, int(np.clip(np.round(-128 - low / scale), -128, 127)))


_LEAST_SCALE = 1e-12
MAX_REACH = 1e12
"""Larger activations are refused: products of such scales leave float32, and kernels abort."""
FINEST_SUM = 2.0**-12
"""A sum's scale beside that of its operands: 16-bit kernels abort below 2**-14, and steps that much
finer than the operands' say nothing."""


def choose(
    graph: Graph,
    plan: Plan,
    statistics: Mapping[int, Statistics],
    *,
    method: Method,
    bits: int,
) -> dict[int, Parameters]:
    """Parameters for every activation that a group of the plan holds.

    A group's range covers each member's; constants that its operations move in between count too.

    Raises:
        ModelError: an activation is too large for integer arithmetic.
    """
    for tensor, seen in statistics.items():
        if seen.reach_of_all() > MAX_REACH:
            raise ModelError(
                f"tensor {graph.name(tensor)!r} reaches {seen.reach_of_all():.1e} on the samples; "
                f"integer arithmetic ends at {MAX_REACH:.0e}, so mend the weights or the samples"
            )
    members: dict[int, list[int]] = {}
    for tensor, root in plan.group.items():
        members.setdefault(root, []).append(tensor)
    ranges = {root: [_range(statistics[t], method) for t in ts] for root, ts in members.items()}
    for index, rule in plan.rules.items():
        if rule.moves:
            op = graph.operators[index]
            for tensor in op.inputs:
                values = graph.constant(tensor) if graph.is_float(tensor) else None
                if values is not None and values.size:
                    root = plan.group[op.outputs[0]]
                    ranges[root].append((float(values.min()), float(values.max())))
    _widen_sums(graph, plan, ranges, bits)
    found: dict[int, Parameters] = {}
    for root, ts in members.items():
        found.update(dict.fromkeys(ts, _chosen(plan, ranges, root, bits)))
    return found


def _chosen(
    plan: Plan, ranges: Mapping[int, list[tuple[float, float]]], root: int, bits: int
) -> Parameters:
    fixed = plan.fixed.get(root)
    if fixed is not None:
        return (
            Parameters(fixed.scale16, 0, 16)
            if bits == 16
            else Parameters(fixed.scale, fixed.zero_point)
        )
    lows, highs = zip(*ranges[root], strict=True)
    return parameters(min(lows), max(highs), bits=bits)


def _widen_sums(
    graph: Graph, plan: Plan, ranges: dict[int, list[tuple[float, float]]], bits: int
) -> None:
    """Where operands cancel, keep the sum's scale within what kernels can rescale to.

    Operands count with what their scale reaches: one that was always zero, or whose scale its
    operation fixes, reaches further than was seen.
    """
    for index in plan.rules:
        op = graph.operators[index]
        if graph.kind(op) not in ("ADD", "SUB", "SQUARED_DIFFERENCE"):
            continue
        widest = 0.0
        for tensor in op.inputs:
            values = graph.constant(tensor)
            if values is not None and values.size:
                widest = max(widest, float(np.abs(values).max()))
            elif tensor in plan.group:
                reach = _chosen(plan, ranges, plan.group[tensor], bits).scale * (1 << (bits - 1))
                widest = max(widest, reach)
        ranges[plan.group[op.outputs[0]]].append((0.0, widest * FINEST_SUM))


def _range(found: Statistics, method: Method) -> tuple[float, float]:
    if found.count == 0:  # an empty tensor
        return 0.0, 0.0
    low, high = found.range()
    if method == "minmax" or found.histogram is None:
        return low, high
    return least_error_range(found.histogram, found.reach, low, high)


def least_error_range(
    histogram: NDArray[np.int64], reach: float, low: float, high: float
) -> tuple[float, float]:
    """The range within ``low`` to ``high`` that 256 levels represent with least squared error.

    What lies outside is clipped; what lies inside has the error of uniform rounding, a twelfth of
    the squared step. Both are exact for the histogram, from cumulative moments.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    centres = ((np.arange(BINS) + 0.5) / BINS * 2 - 1) * reach
    weights = histogram.astype(np.float64)
    lows, highs = low * _SHRINKS[:, None], high * _SHRINKS[None, :]
    below, below_count = _clipping(-centres[::-1], weights[::-1], -lows)
    above, above_count = _clipping(centres, weights, highs)
    step = (highs - lows) / 255
    inside = weights.sum() - below_count - above_count
    error = below + above + inside * step**2 / 12
    row, column = np.unravel_index(int(np.argmin(error)), error.shape)
    return float(lows[row, 0]), float(highs[0, column])


def _clipping(
    centres: NDArray[np.float64], weights: NDArray[np.float64], ends: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Squared error and number of the values above each end; ``centres`` ascend."""

    def above(moment: NDArray[np.float64], at: NDArray[np.intp]) -> NDArray[np.float64]:
        cumulative = np.concatenate([[0.0], np.cumsum(moment)])
        beyond: NDArray[np.float64] = cumulative[-1] - cumulative[at]
        return beyond

    at = np.searchsorted(centres, ends, side="right")
    count = above(weights, at)
    first, second = above(weights * centres, at), above(weights * centres**2, at)
    return second - 2 * ends * first + ends**2 * count, count
