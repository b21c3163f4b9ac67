"""Dynamic batching: requests that wait at the same time are computed together.

A request waits for others at most a given delay, and no longer once they fill a batch; while the
model computes, those that arrive gather anyway. Rows of one request always stay together, requests
of other shapes make batches of their own, and a request whose client has gone is dropped.

A batch goes to a thread and back once, whatever its size. One that is known to take less time than
that is computed where requests are read, after all that have arrived together.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from homebody.errors import RequestError
from homebody.server.predict.metrics import PredictMetrics
from homebody.server.predict.signature import Arrays, kind_of

Outputs = dict[str, NDArray[Any]]
Prepare: TypeAlias = Callable[[Arrays], "asyncio.Future[None] | None"]

QUICK_S = 0.0005
"""A thread is woken and waited for in about as many seconds."""
_MOST_KNOWN = 4096


@dataclass(eq=False, slots=True)
class Waiting:
    """One request.

    Attributes:
        inputs, rows: its tensors, and how many rows they have.
        kind: what it can be computed together with: the same.
        arrived: when, by the loop's clock.
        answer: its outputs, or what computing it raised.
    """

    inputs: Arrays
    rows: int
    kind: Hashable
    arrived: float
    answer: asyncio.Future[Outputs]


class Batcher:
    """Computes requests, together where they can be.

    Args:
        compute: outputs by name from inputs by name; one call at a time, in `worker` or here.
        worker: an executor of one thread.
        batched: whether inputs and outputs have rows that may be put together.
        max_batch: the most rows of one call.
        max_delay_s: the longest that a request waits for others.
        queue: the most requests that wait.
        metrics: counts what happens.
        prepare: what has to be done before inputs like these can be computed, begun; None where
            that is nothing. Meanwhile others are computed. What it raises is their answer.
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
        prepare: Prepare = lambda inputs: None,
    ) -> None:
        self.queue = queue
        self._compute = compute
        self._worker = worker
        self._batched = batched
        self._most = max_batch if batched else 1
        self._delay = max_delay_s if batched and max_batch > 1 else 0.0
        self._metrics = metrics
        self._prepare = prepare
        self._preparing: dict[Hashable, asyncio.Future[None]] = {}
        self._took: dict[tuple[Hashable, int], float] = {}
        self._waiting: deque[Waiting] = deque()
        self._busy = True  # until it runs
        self._next: asyncio.Handle | None = None

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
        item = self.submit(inputs, rows)
        try:
            return await item.answer
        except asyncio.CancelledError:
            self.drop(item)
            raise

    def submit(self, inputs: Arrays, rows: int) -> Waiting:
        """Let a request wait for its answer.

        Raises:
            RequestError: too many wait already (429).
        """
        if len(self._waiting) >= self.queue:
            self._metrics.full += 1
            raise RequestError(f"{self.queue} requests wait already; ask again later", 429)
        kind = kind_of(inputs, self._batched)
        loop = asyncio.get_running_loop()
        item = Waiting(inputs, rows, kind, loop.time(), loop.create_future())
        self._waiting.append(item)
        self._wake()
        return item

    def drop(self, item: Waiting, why: Exception | None = None) -> None:
        """Compute a request no more, unless it is being computed; its answer is `why`."""
        self._metrics.dropped += 1
        with suppress(ValueError):  # it is being computed
            self._waiting.remove(item)
        if why is not None and not item.answer.done():
            item.answer.set_exception(why)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Meanwhile requests are computed; afterwards, those that still wait are cancelled."""
        self._busy = False
        self._wake()
        try:
            yield
        finally:
            self._busy = True
            if self._next is not None:
                self._next.cancel()
            for item in self._waiting:
                item.answer.cancel()

    def _wake(self) -> None:
        """Take a batch once what has arrived together has been read."""
        if self._busy or not self._waiting:
            return
        if self._next is not None:
            if not self._delay:
                return
            self._next.cancel()  # it may be waiting for what has arrived now
        self._next = asyncio.get_running_loop().call_soon(self._step)

    def _step(self) -> None:
        self._next = None
        if self._busy:
            return
        ready = self._ready()
        if not ready:
            return  # what is being prepared wakes it
        if wait := self._wait(ready[0], ready):
            self._next = asyncio.get_running_loop().call_later(wait, self._step)
            return
        batch = self._take(ready)
        rows = sum([item.rows for item in batch])
        if self._took.get((batch[0].kind, rows), 1.0) < QUICK_S:
            self._done(batch, *self._results(batch))
            return
        self._busy = True
        loop = asyncio.get_running_loop()

        def done(future: asyncio.Future[tuple[list[Outputs | Exception], float]]) -> None:
            self._busy = False
            if not future.cancelled():
                self._done(batch, *future.result())

        loop.run_in_executor(self._worker, self._results, batch).add_done_callback(done)

    def _ready(self) -> list[Waiting]:
        """Those of the first kind that can be computed, in their order."""
        checked: set[Hashable] = set(self._preparing)
        for item in list(self._waiting):
            if item.kind in checked:
                continue
            checked.add(item.kind)
            future = self._prepare(item.inputs)
            if future is None:
                return [one for one in self._waiting if one.kind == item.kind]
            self._preparing[item.kind] = future
            future.add_done_callback(lambda done, kind=item.kind: self._prepared(kind, done))  # type: ignore[misc]
        return []

    def _prepared(self, kind: Hashable, future: asyncio.Future[None]) -> None:
        del self._preparing[kind]
        problem = None if future.cancelled() else future.exception()
        if problem is not None:
            for item in [one for one in self._waiting if one.kind == kind]:
                self._waiting.remove(item)
                if not item.answer.done():
                    item.answer.set_exception(problem)
        self._wake()

    def _wait(self, first: Waiting, alike: Sequence[Waiting]) -> float:
        """For how long the first request's batch may still fill."""
        if not self._delay or sum([item.rows for item in alike]) >= self._most:
            return 0.0
        return max(0.0, first.arrived + self._delay - asyncio.get_running_loop().time())

    def _take(self, alike: Sequence[Waiting]) -> list[Waiting]:
        """The first request and those that follow, as far as they fit whole; none overtakes one."""
        taken: list[Waiting] = []
        rows = 0
        for item in alike:
            if taken and rows + item.rows > self._most:
                break
            taken.append(item)
            rows += item.rows
        if len(taken) == len(self._waiting):
            self._waiting.clear()
        else:
            gone = set(map(id, taken))
            self._waiting = deque([one for one in self._waiting if id(one) not in gone])
        return taken

    def _done(
        self, batch: list[Waiting], results: list[Outputs | Exception], seconds: float
    ) -> None:
        rows = sum([item.rows for item in batch])
        if len(self._took) >= _MOST_KNOWN:
            self._took.clear()
        self._took[batch[0].kind, rows] = seconds
        self._metrics.computed(rows, seconds)
        for item, result in zip(batch, results, strict=True):
            if item.answer.done():
                continue
            if isinstance(result, Exception):
                item.answer.set_exception(result)
            else:
                item.answer.set_result(result)
        self._wake()

    def _results(self, batch: Sequence[Waiting]) -> tuple[list[Outputs | Exception], float]:
        """Each request's outputs or what was raised, and how long that took in seconds."""
        started = time.perf_counter()
        return self._computed(batch), time.perf_counter() - started

    def _computed(self, batch: Sequence[Waiting]) -> list[Outputs | Exception]:
        """One that fails does not fail the others."""
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

    def _together(self, batch: Sequence[Waiting]) -> list[Outputs]:
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
