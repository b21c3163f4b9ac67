"""What the float model's activations look like on the samples."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import CalibrationError
from homebody.shrink._graph import Graph
from homebody.shrink._run import Watch
from homebody.shrink.samples import Arrays

BINS = 2048
HISTOGRAM_VALUES = 1 << 15
"""As many values of a tensor go into its histogram at a time; the ends are exact nevertheless."""


class Statistics:
    """A tensor's least, greatest and mean values for each channel (its last axis).

    Attributes:
        low, high: float64 [channels], or [1] where channels were not told apart.
        total: float64 [channels].
        count: how many values a channel's total sums.
        histogram: how often values fall between ``-reach`` and ``reach``, int64 [BINS]; only
            filled where asked for.
    """

    def __init__(self) -> None:
        self.low: NDArray[np.float64] = np.empty(0)
        self.high: NDArray[np.float64] = np.empty(0)
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

    def add(self, values: NDArray[Any], *, histogram: bool, ends: bool = True) -> None:
        """Take a batch of values into account; ``ends``: least and greatest of each channel.

        Raises:
            FloatingPointError: a value is NaN or infinite.
        """
        rows = values.reshape(-1, values.shape[-1] if values.ndim else 1)
        if not rows.size:
            return
        if ends:
            low, high = rows.min(0), rows.max(0)
        else:  # over all values it is several times as quick
            low, high = rows.min(keepdims=True)[0], rows.max(keepdims=True)[0]
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise FloatingPointError
        # A product with ones sums columns at the speed of BLAS.
        total = (np.ones(len(rows), rows.dtype) @ rows).astype(np.float64)
        if self.count == 0:
            self.low, self.high, self.total = low.astype(float), high.astype(float), total
        else:
            self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)
            self.total += total
        self.count += len(rows)
        if histogram:
            self._count_values(values.reshape(-1), float(max(-low.min(), high.max(), 1e-30)))

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


def observe(
    graph: Graph,
    data: bytes,
    samples: Iterable[Arrays],
    *,
    histograms: bool = False,
    ends: Container[int] | None = None,
    threads: int = 1,
) -> tuple[dict[int, Statistics], int]:
    """Run the float model on every sample.

    Args:
        graph: the model as a graph; it is not changed.
        data: the same model's bytes.
        samples: checked samples, consumed once.
        histograms: whether to count values too, which ``mse`` ranges need.
        ends: the tensors whose channels' least and greatest values are wanted; None for all.
        threads: how many threads an operation may use.

    Returns:
        Each float activation's statistics, and how many samples there were.

    Raises:
        CalibrationError: there is no sample, or an activation is NaN or infinite.
        ModelError: the runtime cannot run the model.
    """
    tensors = graph.activations()
    watch = Watch(data, tensors, threads=threads)
    found = {t: Statistics() for t in tensors}
    count = 0
    for size, values in watch.run(samples):
        for tensor, batch in zip(tensors, values, strict=True):
            try:
                wanted = ends is None or tensor in ends
                found[tensor].add(batch, histogram=histograms, ends=wanted)
            except FloatingPointError:
                raise CalibrationError(
                    f"tensor {graph.name(tensor)!r} became NaN or infinite in one of the samples "
                    f"{count} to {count + size - 1}; mend the float model or leave them out"
                ) from None
        count += size
    if count == 0:
        raise CalibrationError(
            "there is not a single sample (a generator that was used up looks like this); "
            "give about 100 representative inputs"
        )
    return found, count
