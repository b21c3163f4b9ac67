"""Threads that wait for work, for calls of a millisecond that could not pay for new ones."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from homebody.kernels._arguments import integer


@functools.cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "homebody-fleet")


def shared_out(count: int, threads: int, work: Callable[[int, int], None]) -> None:
    """Call ``work(first, last)`` so that the calls cover ``count`` things, in parallel.

    The caller's own thread does the last share, and what a share raises is raised.
    """
    shares = min(integer(threads, "threads", 1, 256), count)
    edges = [count * i // shares for i in range(shares + 1)]
    # A forked process has none of its parent's threads, hence its number.
    others = [
        _pool(shares - 1, os.getpid()).submit(work, edges[i], edges[i + 1])
        for i in range(shares - 1)
    ]
    try:
        work(edges[-2], edges[-1])
    finally:
        for other in others:
            other.exception()  # all are done before anything is raised
    for other in others:
        other.result()
