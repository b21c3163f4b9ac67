"""Find out which tensors one model keeps in another size than the other, channel by channel.

Equalization makes channels larger or smaller and tells the weights that read them, so the outputs
stay the same while the values between do not. A weight that is wrong makes them so too, only
nobody tells the reader: that is how the two are told apart here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.runtime.editing import Graph
from homebody.shrink._measure import Noise, dequantizer, quantized_inputs, sqnr, to_real
from homebody.shrink._run import Watch
from homebody.shrink.samples import Arrays

MOST_DB = 30.0
"""Sizes that differ by less than a thirtieth are as good as the same."""
GAIN_DB = 6.0
"""Undoing a rescaling must take off three quarters of the error ..."""
LEAST_DB = 10.0
"""... and leave less than a tenth of the signal's energy."""
LEAST_VALUES = 8
"""Channels of fewer values have too many factors that would fit."""
QUIET = 1e-4
"""A channel with less than this share of the energy has no say."""
SAME_DB = 15.0
"""What is this near to what was expected is right."""
CLEAR_DB, EQUAL_DB = 10.0, 3.0
"""Differences that say something, and that say nothing ..."""
FINE_DB = 40.0
"""... as all differences do above this, where factors and eight bits end."""
MAX_SAMPLES = 4


class Channels:
    """Sums over each channel, the last axis, of one tensor's values in two models."""

    def __init__(self) -> None:
        self.expected: NDArray[np.float64] = np.zeros(0)
        self.actual: NDArray[np.float64] = np.zeros(0)
        self.product: NDArray[np.float64] = np.zeros(0)
        self.count = 0

    def add(self, expected: NDArray[Any], actual: NDArray[Any]) -> None:
        """Take values into account, both of one shape [..., channels]."""
        if not expected.ndim:
            return
        a = expected.reshape(-1, expected.shape[-1]).astype(np.float64)
        b = actual.reshape(a.shape).astype(np.float64)
        if not self.count:
            self.expected, self.actual, self.product = np.zeros((3, a.shape[1]))
        self.expected = self.expected + np.einsum("nc,nc->c", a, a)
        self.actual = self.actual + np.einsum("nc,nc->c", b, b)
        self.product = self.product + np.einsum("nc,nc->c", a, b)
        self.count += len(a)

    @property
    def db(self) -> float | None:
        """SQNR in decibels without undoing anything, None without signal."""
        error = self.expected - 2 * self.product + self.actual
        return sqnr(float(self.expected.sum()), float(error.sum()))

    def factors(self) -> NDArray[np.float64] | None:
        """How many times as large each channel is in the second model; None if it is not so.

        Least squares: a channel's error ``sum (expected - actual / factor)^2`` is least.
        """
        if self.count < LEAST_VALUES or not np.isfinite([self.expected, self.actual]).all():
            return None
        loud = self.expected > QUIET * self.expected.sum()
        if (self.product[loud] <= 0).any():
            return None
        # A quiet channel that does not fit is as good as silent.
        fits = self.product > 0
        product = np.where(fits, self.product, 1.0)
        found: NDArray[np.float64] = np.where(fits, self.actual / product, np.inf)
        left = self.expected - np.where(fits, product / found, 0.0)
        before, after = self.db, sqnr(float(self.expected.sum()), float(left.sum()))
        if before is None or after is None or before > MOST_DB:
            return None
        if after < max(LEAST_DB, before + GAIN_DB):
            return None
        return found


def find_rescaled(
    first: Graph,
    second: bytes,
    pairs: Mapping[int, int],
    channels: Mapping[int, Channels],
    samples: Sequence[Arrays],
    *,
    threads: int = 1,
) -> dict[int, NDArray[np.float64]]:
    """The tensors whose channels the second model keeps in other sizes on purpose.

    Each operation that reads such a tensor is run alone, with the first model's weights, on what
    the second model has there: if it gives what the second gives, it was told nothing, and the
    sizes are a mistake.

    Args:
        first: the model whose values count as right.
        second: the other model's bytes.
        pairs: for each tensor of ``first``, the one of ``second``.
        channels: sums over the values of each.
        samples: inputs for both; a few are used.
        threads: how many threads an operation may use.

    Returns:
        For each such tensor of ``first``, how many times as large its channels are in ``second``.
    """
    ends = {*first.inputs, *first.outputs}
    found = {t: f for t, sums in channels.items()
             if t not in ends and (f := sums.factors()) is not None}  # fmt: skip
    readers = [
        op
        for op in first.operators
        if found.keys() & set(op.inputs) and op.outputs and op.outputs[0] in pairs
    ]
    alone = [first.only(op) for op in readers]
    readers = [op for op, graph in zip(readers, alone, strict=True)
               if all(t in pairs for t in graph.inputs)]  # fmt: skip
    right = {t for t, sums in channels.items() if (sums.db or 0.0) >= SAME_DB and t not in found}
    tests = [_Reader(first, op, found, right, threads) for op in readers]
    needed = list(dict.fromkeys(t for test in tests for t in (*test.fed, test.output)))
    if not needed:
        return found
    graph, some = Graph(second), samples[:MAX_SAMPLES]
    real = [dequantizer(graph, pairs[t]) for t in needed]
    watch = Watch(second, [pairs[t] for t in needed], threads=threads)
    for values in watch.run_each(quantized_inputs(graph, some)):
        given = {t: to_real(v, end).astype(np.float32)
                 for t, v, end in zip(needed, values, real, strict=True)}  # fmt: skip
        for test in tests:
            test.add(given)
    mistakes: set[int] = set()
    for test in reversed(tests):  # whether what an operation gives is a mistake is known by then
        if test.takes_as_is(gives_a_mistake=test.output in mistakes):
            mistakes.update(t for t in test.fed if t in found)
    return {t: factors for t, factors in found.items() if t not in mistakes}


class _Reader:
    """An operation of the first model, run on the second's values: as they are, and undone."""

    def __init__(
        self,
        graph: Graph,
        op: Any,
        factors: Mapping[int, NDArray[np.float64]],
        right: Collection[int],
        threads: int,
    ) -> None:
        alone = graph.only(op)
        self.fed, self.output = list(alone.inputs), op.outputs[0]
        # A sum says nothing of one operand where another is wrong.
        self.telling = sum(t not in right for t in self.fed) == 1
        self.factors = dict(factors)
        self.watch = Watch(alone.save(), threads=threads)
        self.as_is, self.undone = Noise(), Noise()

    def add(self, given: Mapping[int, NDArray[np.float32]]) -> None:
        undone = {t: given[t] / self.factors[t].astype(np.float32) if t in self.factors
                  else given[t] for t in (*self.fed, self.output)}  # fmt: skip
        for noise, values in ((self.as_is, given), (self.undone, undone)):
            (made,) = self.watch.run_each([tuple(values[t] for t in self.fed)])
            noise.add(values[self.output], next(made))

    def takes_as_is(self, *, gives_a_mistake: bool) -> bool:
        """Whether the second model's operation has the first one's weights for these values.

        Where sizes pass through, as in pooling, both ways give the same: then they are a mistake
        here if they are one behind it.
        """
        as_is, undone = self.as_is.db, self.undone.db
        if as_is is None or undone is None or as_is < SAME_DB:
            return False
        as_is, undone = min(as_is, FINE_DB), min(undone, FINE_DB)
        clear = self.telling and as_is > undone + CLEAR_DB
        return clear or (as_is > undone - EQUAL_DB and gives_a_mistake)
