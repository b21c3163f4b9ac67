"""Dynamic batching: requests that wait at the same time are computed together.

A request waits for others at most a given delay, and no longer once they fill a batch; while the
model computes, those that arrive gather anyway. Rows of one request always stay together, requests
of other shapes make batches of their own, and a request whose client has gone is dropped.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import RequestError
from homebody.server.predict.metrics import PredictMetrics
from homebody.server.predict.signature import Arrays

Outputs = dict[str, NDArray[Any]]


@dataclass(eq=False)
class _Waiting:
    inputs: Arrays
    rows: int
    kind: Hashable
    arrived: float
    answer: asyncio.Future[Outputs]


class Batcher:
    """Computes requests, together where they can be.

    Args:
        compute: outputs by name from inputs by name; called in `worker`, one call at a time.
        worker: an executor of one thread.
        batched: whether inputs and outputs have rows that may be put together.
        max_batch: the most rows of one call.
        max_delay_s: the longest that a request waits for others.
        queue: the most requests that wait.
        metrics: counts what happens.
    """

    def __init__(
        self,
        compute: Callable[[Arrays], Outputs],
        worker: Executor,
        *,
        batched: bool,
        max_batch: int,
        max_delay_s: float,
        queue: int,
        metrics: PredictMetrics,
    ) -> None:
        self.queue = queue
        self._compute = compute
        self._worker = worker
        self._most = max_batch if batched else 1
        self._delay = max_delay_s if batched and max_batch > 1 else 0.0
        self._metrics = metrics
        self._waiting: deque[_Waiting] = deque()
        self._changed = asyncio.Event()

    @property
    def depth(self) -> int:
        """How many requests wait."""
        return len(self._waiting)

    async def __call__(self, inputs: Arrays, rows: int) -> Outputs:
        """The outputs of one request; cancelled while it waits, it is not computed.

        Raises:
            RequestError: too many wait already (429).
            Exception: what computing this request raised.
        """
        if len(self._waiting) >= self.queue:
            self._metrics.full += 1
            raise RequestError(f"{self.queue} requests wait already; ask again later", 429)
        kind = tuple((name, value.shape[1:]) for name, value in sorted(inputs.items()))
        loop = asyncio.get_running_loop()
        item = _Waiting(inputs, rows, kind, time.monotonic(), loop.create_future())
        self._waiting.append(item)
        self._changed.set()
        try:
            return await item.answer
        finally:
            if item.answer.cancelled():
                self._metrics.dropped += 1
                with suppress(ValueError):  # it is being computed
                    self._waiting.remove(item)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Meanwhile requests are computed; afterwards, those that still wait are cancelled."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            for item in list(self._waiting):
                item.answer.cancel()

    async def _run(self) -> None:
        while True:
            if not self._waiting:
                self._changed.clear()
                await self._changed.wait()
            await self._gather()
            batch = self._take()
            if batch:
                await self._answer(batch)

    async def _gather(self) -> None:
        """Wait until the first request's batch is full or its delay is over."""
        while self._waiting:
            first = self._waiting[0]
            rows = sum(item.rows for item in self._waiting if item.kind == first.kind)
            left = first.arrived + self._delay - time.monotonic()
            if rows >= self._most or left <= 0:
                return
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._changed.wait()

    def _take(self) -> list[_Waiting]:
        """The first request and those like it that follow, as far as they fit whole."""
        taken: list[_Waiting] = []
        left: deque[_Waiting] = deque()
        rows = 0
        for item in self._waiting:
            alike = not taken or item.kind == taken[0].kind
            if alike and rows <= self._most and (not taken or rows + item.rows <= self._most):
                taken.append(item)
                rows += item.rows
            else:
                left.append(item)
                # One that does not fit is the next batch's first of its kind: none overtakes it.
                rows = self._most + 1 if alike else rows
        self._waiting = left
        return taken

    async def _answer(self, batch: list[_Waiting]) -> None:
        loop = asyncio.get_running_loop()
        started = time.monotonic()
        results = await loop.run_in_executor(self._worker, self._results, batch)
        self._metrics.computed(sum(item.rows for item in batch), time.monotonic() - started)
        for item, result in zip(batch, results, strict=True):
            if item.answer.done():
                continue
            if isinstance(result, Exception):
                item.answer.set_exception(result)
            else:
                item.answer.set_result(result)

    def _results(self, batch: Sequence[_Waiting]) -> list[Outputs | Exception]:
        """Each request's outputs or what was raised; one that fails does not fail the others."""
        if len(batch) > 1:
            try:
                return list(self._together(batch))
            except Exception:
                self._metrics.separated += 1
        results: list[Outputs | Exception] = []
        for item in batch:
            try:
                results.append(self._compute(item.inputs))
            except Exception as error:
                results.append(error)
        return results

    def _together(self, batch: Sequence[_Waiting]) -> list[Outputs]:
        names = batch[0].inputs.keys()
        joined = {name: np.concatenate([item.inputs[name] for item in batch]) for name in names}
        outputs = self._compute(joined)
        rows = sum(item.rows for item in batch)
        strange = [name for name, value in outputs.items() if len(value) != rows]
        if strange:
            raise ValueError(f"{strange[0]!r} has not a row for each of the inputs'")
        ends = np.cumsum([item.rows for item in batch]).tolist()
        return [
            {name: value[end - item.rows : end] for name, value in outputs.items()}
            for item, end in zip(batch, ends, strict=True)
        ]
