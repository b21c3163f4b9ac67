"""How far a second model strays from a first, tensor by tensor."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.runtime.editing import Graph
from homebody.shrink._run import Watch
from homebody.shrink.samples import Arrays
from homebody.sqnr import decibels

NOISELESS_DB = 200.0
"""Said of no error at all: float32 could not show less, and JSON has no infinity. Its negative is
said of values that are not finite."""


class Noise:
    """Sums of one tensor's squared values and squared errors."""

    def __init__(self) -> None:
        self.signal = self.error = 0.0
        self.largest = 0.0

    def add(self, expected: NDArray[Any], actual: NDArray[Any]) -> None:
        """Take values into account."""
        difference = expected.astype(np.float32) - actual
        self.signal += float(np.vdot(expected, expected))
        self.error += float(np.vdot(difference, difference))
        self.largest = max(self.largest, float(np.abs(difference).max(initial=0.0)))

    @property
    def db(self) -> float | None:
        """SQNR in decibels, None without signal."""
        return sqnr(self.signal, self.error)


def sqnr(signal: float, error: float) -> float | None:
    """Signal to noise in decibels, within ±:data:`NOISELESS_DB`; None without signal.

    Example:
        >>> sqnr(100.0, 1.0)
        20.0
    """
    if signal <= 0:
        return None
    found = decibels(signal, error)
    return -NOISELESS_DB if math.isnan(found) else max(-NOISELESS_DB, min(NOISELESS_DB, found))


def dequantizer(graph: Graph, tensor: int) -> tuple[float, int] | None:
    """A tensor's scale and zero point, None for one that is not quantized as a whole."""
    q = graph.tensors[tensor].quantization
    if graph.is_float(tensor) or q is None or q.scale is None or len(q.scale) != 1:
        return None
    return float(q.scale[0]), int(q.zeroPoint[0]) if q.zeroPoint is not None else 0


def to_real(values: NDArray[Any], parameters: tuple[float, int] | None) -> NDArray[Any]:
    """Integers as the reals that they stand for."""
    if parameters is None:
        return values
    scale, zero_point = parameters
    real: NDArray[np.float32] = (values.astype(np.float32) - zero_point) * np.float32(scale)
    return real


def quantized_inputs(graph: Graph, samples: Iterable[Arrays]) -> Iterable[Arrays]:
    """Float samples as a model with integer inputs takes them."""
    ends = [dequantizer(graph, t) for t in graph.inputs]
    if not any(ends):
        return samples
    types = [graph.numpy_type(t) for t in graph.inputs]

    def convert(value: NDArray[Any], end: tuple[float, int] | None, dtype: Any) -> NDArray[Any]:
        if end is None or value.dtype.kind != "f":
            return value
        limits = np.iinfo(dtype)
        codes = np.round(value / end[0]) + end[1]
        return np.clip(codes, limits.min, limits.max).astype(dtype)

    return (
        tuple(convert(v, e, d) for v, e, d in zip(sample, ends, types, strict=True))
        for sample in samples
    )


def values_of_both(
    first: bytes,
    second: bytes,
    pairs: Mapping[int, int],
    samples: Sequence[Arrays],
    *,
    threads: int = 1,
) -> Iterator[tuple[int, NDArray[Any], NDArray[Any]]]:
    """Run two models beside each other.

    Args:
        first: the model whose values count as right.
        second: the other one.
        pairs: for each tensor of ``first`` to compare, the one of ``second``.
        samples: float inputs for both.
        threads: how many threads an operation may use.

    Yields:
        For each sample and pair the tensor of ``first``, its values there and the reals that
        ``second`` has; of float tensors of one shape only.
    """
    watch_first = Watch(first, list(pairs), threads=threads)
    watch_second = Watch(second, list(pairs.values()), threads=threads)
    graph = Graph(second)
    real = [dequantizer(graph, t) for t in pairs.values()]
    left = watch_first.run_each(samples)
    right = watch_second.run_each(quantized_inputs(graph, samples))
    for expected, actual in zip(left, right, strict=True):
        for tensor, a, b, end in zip(pairs, expected, actual, real, strict=True):
            if a.shape == b.shape and a.dtype.kind == "f":
                yield tensor, a, to_real(b, end)


def tensor_noise(
    first: bytes,
    second: bytes,
    pairs: Mapping[int, int],
    samples: Sequence[Arrays],
    *,
    factors: Mapping[int, NDArray[np.float64]] | None = None,
    threads: int = 1,
) -> dict[int, Noise]:
    """The noise at each of ``first``'s tensors, over all samples.

    Takes what :func:`values_of_both` does, and ``factors``: channels of a tensor are known to be
    this many times as large in ``second``, which is undone first.
    """
    found = {t: Noise() for t in pairs}
    for tensor, a, values in values_of_both(first, second, pairs, samples, threads=threads):
        if factors is not None and tensor in factors:
            values = values / factors[tensor].astype(np.float32)
        found[tensor].add(a, values)
    return found
