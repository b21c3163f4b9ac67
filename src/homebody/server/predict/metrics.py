"""Counts of what was predicted, in Prometheus' text format."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

from homebody.server.metrics import BUCKETS_S, Metrics

BUCKETS_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Histogram:
    """How many values fell below each bound.

    Example:
        >>> sizes = Histogram("rows", (1, 2))
        >>> sizes.add(2)
        >>> sizes.lines()[1:3]
        ['rows_bucket{le="1"} 0', 'rows_bucket{le="2"} 1']
    """

    def __init__(self, name: str, bounds: Sequence[float]) -> None:
        self.name = name
        self.bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        """One more value."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self._sum += value

    def lines(self) -> list[str]:
        """As Prometheus reads it."""
        lines = [f"# TYPE {self.name} histogram"]
        total = 0
        for bound, count in zip((*self.bounds, "+Inf"), self._counts, strict=True):
            total += count
            lines.append(f'{self.name}_bucket{{le="{bound}"}} {total}')
        return [*lines, f"{self.name}_sum {self._sum:.9g}", f"{self.name}_count {total}"]


class PredictMetrics(Metrics):
    """What a served model's requests came to, beside the server's own counts.

    Attributes:
        queued: requests that wait.
        full: requests that were refused since too many waited.
        dropped: requests whose clients went away, or that waited too long.
        separated: batches that failed and were computed request by request.
        fallbacks: calls that the native engine answered since the chosen one failed.
        cache_hits, cache_misses: compiled segments found on disk, and not.
        engines: which engine runs which shapes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.queued = 0
        self.full = self.dropped = self.separated = self.fallbacks = 0
        self.cache_hits = self.cache_misses = 0
        self.engines: dict[str, str] = {}
        self._predicted: Counter[tuple[str, int]] = Counter()
        self._latency = Histogram("homebody_predict_seconds", BUCKETS_S)
        self._rows = Histogram("homebody_batch_rows", BUCKETS_ROWS)
        self._computing = Histogram("homebody_compute_seconds", BUCKETS_S)

    def predicted(self, protocol: str, status: int, seconds: float) -> None:
        """One request for a prediction: its protocol, its status, and how long it took."""
        self._predicted[protocol, status] += 1
        self._latency.add(seconds)

    def computed(self, rows: int, seconds: float) -> None:
        """One batch: its rows, and how long computing it took."""
        self._rows.add(rows)
        self._computing.add(seconds)

    def text(self) -> str:
        """Everything, as Prometheus reads it."""
        lines = ["# TYPE homebody_predict_requests_total counter"]
        lines += [
            f'homebody_predict_requests_total{{protocol="{protocol}",status="{status}"}} {count}'
            for (protocol, status), count in sorted(self._predicted.items())
        ]
        for histogram in (self._latency, self._rows, self._computing):
            lines += histogram.lines()
        for name, kind, value in (
            ("homebody_queue_depth", "gauge", self.queued),
            ("homebody_queue_full_total", "counter", self.full),
            ("homebody_dropped_requests_total", "counter", self.dropped),
            ("homebody_separated_batches_total", "counter", self.separated),
            ("homebody_native_fallbacks_total", "counter", self.fallbacks),
            ("homebody_engine_cache_hits_total", "counter", self.cache_hits),
            ("homebody_engine_cache_misses_total", "counter", self.cache_misses),
        ):
            lines += [f"# TYPE {name} {kind}", f"{name} {value}"]
        lines.append("# TYPE homebody_engine_info gauge")
        lines += [
            f'homebody_engine_info{{shapes="{shapes}",engine="{engine}"}} 1'
            for shapes, engine in sorted(self.engines.items())
        ]
        return super().text() + "\n".join(lines) + "\n"
