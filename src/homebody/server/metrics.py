"""Counts of what was served, in Prometheus' text format."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class Metrics:
    """Counters and one histogram; a fixed number of values, however many requests come.

    Attributes:
        in_flight: answers under way.
        connections: open connections, where the server counts them.
        refused: connections turned away.
        broken: answers that could not be finished.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        self.connections = 0
        self.refused = 0
        self.broken = 0
        self._statuses: Counter[int] = Counter()
        self._bytes = 0
        self._times = [0] * (len(BUCKETS_S) + 1)
        self._seconds = 0.0

    def count(self, status: int, sent: int, seconds: float) -> None:
        """One answer: its status, the bytes of its body, and how long it took."""
        self._statuses[status] += 1
        self._bytes += sent
        self._times[bisect_left(BUCKETS_S, seconds)] += 1
        self._seconds += seconds

    def text(self) -> str:
        """Everything, as Prometheus reads it.

        Example:
            >>> metrics = Metrics()
            >>> metrics.count(304, 0, 0.002)
            >>> 'homebody_requests_total{status="304"} 1' in metrics.text()
            True
        """
        lines = ["# TYPE homebody_requests_total counter"]
        lines += [
            f'homebody_requests_total{{status="{status}"}} {count}'
            for status, count in sorted(self._statuses.items())
        ]
        for name, kind, value in (
            ("homebody_sent_bytes_total", "counter", self._bytes),
            ("homebody_broken_answers_total", "counter", self.broken),
            ("homebody_refused_connections_total", "counter", self.refused),
            ("homebody_open_connections", "gauge", self.connections),
            ("homebody_in_flight_requests", "gauge", self.in_flight),
        ):
            lines += [f"# TYPE {name} {kind}", f"{name} {value}"]
        lines.append("# TYPE homebody_request_seconds histogram")
        total = 0
        for bound, count in zip((*BUCKETS_S, "+Inf"), self._times, strict=True):
            total += count
            lines.append(f'homebody_request_seconds_bucket{{le="{bound}"}} {total}')
        lines += [
            f"homebody_request_seconds_sum {self._seconds:.6f}",
            f"homebody_request_seconds_count {total}",
        ]
        return "\n".join(lines) + "\n"
