"""What the float model's activations look like on the samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.errors import CalibrationError
from homebody.kernels import channel_statistics
from homebody.runtime.editing import Graph
from homebody.shrink._run import Watch
from homebody.shrink.samples import Arrays, Reservoir

BINS = 2048
HISTOGRAM_VALUES = 1 << 15
"""As many values of a tensor go into its histogram at a time; the ends are exact nevertheless."""


class Statistics:
    """A tensor's least, greatest and mean values for each channel (its last axis).

    Attributes:
        low, high: float [channels].
        total: float64 [channels].
        count: how many values a channel's total sums.
        histogram: how often values fall between ``-reach`` and ``reach``, int64 [BINS]; only
            filled where asked for.
    """

    def __init__(self) -> None:
        self.low: NDArray[np.floating] = np.empty(0)
        self.high: NDArray[np.floating] = np.empty(0)
        self.total: NDArray[np.float64] = np.empty(0)
        self.count = 0
        self.reach = 0.0
        self.histogram: NDArray[np.int64] | None = None

    @property
    def mean(self) -> NDArray[np.float64]:
        """The mean of each channel."""
        mean: NDArray[np.float64] = self.total / max(self.count, 1)
        return mean

    def range(self) -> tuple[float, float]:
        """The least and greatest value of all."""
        return float(self.low.min()), float(self.high.max())

    def reach_of_all(self) -> float:
        """The greatest absolute value."""
        return float(max(-self.low.min(), self.high.max())) if self.count else 0.0

    def add(
        self, values: NDArray[np.float32], *, histogram: bool, samples: int = 1
    ) -> NDArray[np.float64]:
        """Take a batch of values into account.

        Args:
            values: float32, C-contiguous; the last axis holds the channels.
            histogram: whether to count how often values occur.
            samples: how many samples are stacked along the first axis.

        Returns:
            Each sample's channel means, [samples, channels].

        Raises:
            FloatingPointError: a value is NaN or infinite.
        """
        channels = values.shape[-1] if values.ndim else 1
        if not values.size:
            return np.zeros((samples, channels))
        each = values.reshape(samples, -1, channels)
        found = [channel_statistics(rows) for rows in each]
        totals = np.array([f.total for f in found])
        if not np.isfinite(totals).all():
            raise FloatingPointError
        if self.count == 0:
            self.low, self.high = found[0].low, found[0].high
            self.total = np.zeros(channels)
        for low, high, total in found:
            self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)
            self.total += total
        self.count += samples * each.shape[1]
        if histogram:
            reach = max(max(-f.low.min(), f.high.max()) for f in found)
            self._count_values(values.reshape(-1), float(max(reach, 1e-30)))
        means: NDArray[np.float64] = totals / each.shape[1]
        return means

    def _count_values(self, values: NDArray[Any], reach: float) -> None:
        if self.histogram is None:
            self.reach, self.histogram = reach, np.zeros(BINS, np.int64)
        while reach > self.reach:  # merge pairs of bins, so that the old counts stay right
            merged = self.histogram.reshape(-1, 2).sum(1)
            self.histogram = np.pad(merged, BINS // 4)
            self.reach *= 2
        step = max(1, len(values) // HISTOGRAM_VALUES)
        # An odd step visits all channels in turn, whatever power of two their number has.
        some = values[:: step | 1]
        bins = ((some + self.reach) * (BINS / 2 / self.reach)).astype(np.int32)
        self.histogram += np.bincount(np.clip(bins, 0, BINS - 1), minlength=BINS)

    def scaled(self, factors: NDArray[np.float64]) -> Statistics:
        """The statistics of the same tensor with each channel multiplied by a positive factor.

        The histogram cannot be had this way and is left out.
        """
        found = Statistics()
        found.low, found.high = self.low * factors, self.high * factors
        found.total, found.count = self.total * factors, self.count
        return found


class Trace(NamedTuple):
    """What the float model made of one sample.

    Attributes:
        means: each activation's channel means, float64 [channels], by tensor.
        outputs: the model's float outputs, by tensor.
    """

    means: dict[int, NDArray[np.float64]]
    outputs: dict[int, NDArray[Any]]


class Observed(NamedTuple):
    """What the float model did on the samples.

    Attributes:
        statistics: each float activation's.
        samples: how many there were.
        traces: one for each sample that a reservoir kept, in its order.
    """

    statistics: dict[int, Statistics]
    samples: int
    traces: list[Trace]


def observe(
    graph: Graph,
    data: bytes,
    samples: Iterable[Arrays],
    *,
    histograms: bool = False,
    kept: Reservoir | None = None,
    threads: int = 1,
) -> Observed:
    """Run the float model on every sample.

    Args:
        graph: the model as a graph; it is not changed.
        data: the same model's bytes.
        samples: checked samples, consumed once.
        histograms: whether to count values too, which ``mse`` ranges need.
        kept: the reservoir that the samples come through, to trace those that it keeps.
        threads: how many threads an operation may use.

    Raises:
        CalibrationError: there is no sample, or an activation is NaN or infinite.
        ModelError: the runtime cannot run the model.
    """
    tensors = graph.activations()
    outputs = set(graph.outputs)
    watch = Watch(data, tensors, threads=threads)
    found = {t: Statistics() for t in tensors}
    traces: dict[int, Trace] = {}
    count = 0
    for size, values in watch.run(samples, views=True):
        held = set(kept.numbers) if kept is not None else set()
        traces = {n: t for n, t in traces.items() if n in held}
        new = [(i, Trace({}, {})) for i in range(size) if count + i in held]
        traces.update((count + i, trace) for i, trace in new)
        for tensor, batch in zip(tensors, values, strict=True):
            try:
                means = found[tensor].add(batch, histogram=histograms, samples=size)
            except FloatingPointError:
                raise CalibrationError(
                    f"tensor {graph.name(tensor)!r} became NaN or infinite in one of the samples "
                    f"{count} to {count + size - 1}; mend the float model or leave them out"
                ) from None
            for i, trace in new:
                trace.means[tensor] = means[i]
                if tensor in outputs:
                    trace.outputs[tensor] = np.array_split(batch, size)[i].copy()
            del batch  # it is the interpreter's own memory
        count += size
    if count == 0:
        raise CalibrationError(
            "there is not a single sample (a generator that was used up looks like this); "
            "give about 100 representative inputs"
        )
    order = kept.numbers if kept is not None else []
    return Observed(found, count, [traces[n] for n in order])
