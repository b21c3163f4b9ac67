from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("onnx_ir", reason="needs pip install 'homebody[engines]'")

from homebody.errors import RequestError
from homebody.server.predict.batching import Batcher
from homebody.server.predict.metrics import PredictMetrics


def batcher(compute, worker, **changes):
    options = {
        "batched": True, "max_batch": 8, "max_delay_s": 0.0, "queue": 1000,
        "metrics": PredictMetrics(),
    }  # fmt: skip
    return Batcher(compute, worker, **{**options, **changes})


def rows(*numbers: int) -> dict[str, np.ndarray]:
    return {"x": np.array(numbers, np.int64).reshape(-1, 1)}


class Gate:
    """Computes x + 1000 once it is opened, and notes what came together."""

    def __init__(self, opened: bool = False) -> None:
        self.open = threading.Event()
        self.entered = threading.Event()
        self.batches: list[list[int]] = []
        if opened:
            self.open.set()

    def __call__(self, inputs):
        self.entered.set()
        assert self.open.wait(30)
        self.batches.append(inputs["x"][:, 0].tolist())
        if -1 in self.batches[-1]:
            raise ValueError("a poisonous row")
        return {"y": inputs["x"] + 1000}


@given(
    sizes=st.lists(st.integers(1, 8), min_size=1, max_size=30),
    kinds=st.lists(st.integers(1, 2), min_size=30, max_size=30),
    max_batch=st.integers(8, 16),
    delay=st.sampled_from([0.0, 0.001]),
)
@settings(max_examples=50, deadline=None)
def test_every_request_gets_its_own_rows(sizes, kinds, max_batch, delay):
    """Whatever comes together, and whatever its shape."""
    computed = []

    def compute(inputs):
        computed.append(inputs["x"].shape)
        return {"y": inputs["x"] * 2, "z": inputs["x"].sum(axis=1)}

    async def scenario():
        with ThreadPoolExecutor(1) as worker:
            one = batcher(compute, worker, max_batch=max_batch, max_delay_s=delay)
            async with one.running():
                start, asked = 0, []
                for size, width in zip(sizes, kinds, strict=False):
                    x = np.arange(start, start + size * width).reshape(size, width)
                    start += size * width
                    asked.append(x)
                found = await asyncio.gather(*(one({"x": x}, len(x)) for x in asked))
        for x, outputs in zip(asked, found, strict=True):
            assert np.array_equal(outputs["y"], x * 2)
            assert np.array_equal(outputs["z"], x.sum(axis=1))

    asyncio.run(scenario())
    assert sum(shape[0] for shape in computed) == sum(sizes)
    assert all(shape[0] <= max_batch for shape in computed)


def test_what_waits_together_is_computed_together():
    async def scenario():
        gate = Gate()
        with ThreadPoolExecutor(1) as worker:
            one = batcher(gate, worker, max_batch=4)
            async with one.running():
                tasks = [asyncio.create_task(one(rows(0), 1))]
                await asyncio.to_thread(gate.entered.wait, 30)
                tasks += [asyncio.create_task(one(rows(*r), len(r)))
                          for r in ((1, 2), (3,), (4, 5), (6,), (7, 8, 9))]  # fmt: skip
                while one.depth < 5:
                    await asyncio.sleep(0)
                gate.open.set()
                await asyncio.gather(*tasks)
        return gate.batches

    # 4, 5 would not fit whole beside 1, 2, 3; and nothing overtakes it.
    assert asyncio.run(scenario()) == [[0], [1, 2, 3], [4, 5, 6], [7, 8, 9]]


def test_a_full_batch_does_not_wait_for_its_delay():
    async def scenario():
        gate = Gate(opened=True)
        with ThreadPoolExecutor(1) as worker:
            one = batcher(gate, worker, max_batch=4, max_delay_s=3600)
            async with one.running():
                await asyncio.gather(*(one(rows(n), 1) for n in range(8)))
        return gate.batches

    assert asyncio.run(scenario()) == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_a_request_waits_no_longer_than_its_delay():
    async def scenario():
        gate = Gate(opened=True)
        with ThreadPoolExecutor(1) as worker:
            one = batcher(gate, worker, max_batch=4, max_delay_s=0.01)
            async with one.running():
                async with asyncio.timeout(30):
                    return await one(rows(5), 1)

    assert asyncio.run(scenario())["y"].tolist() == [[1005]]


def test_without_a_batch_each_is_computed_alone():
    async def scenario():
        gate = Gate(opened=True)
        with ThreadPoolExecutor(1) as worker:
            one = batcher(gate, worker, batched=False, max_delay_s=3600)
            async with one.running():
                await asyncio.gather(*(one(rows(n, n), 1) for n in range(3)))
        return gate.batches

    assert asyncio.run(scenario()) == [[0, 0], [1, 1], [2, 2]]


def test_over_the_queue_is_refused_and_recovers():
    async def scenario():
        gate = Gate()
        with ThreadPoolExecutor(1) as worker:
            one = batcher(gate, worker, max_batch=1, queue=3)
            async with one.running():
                first = asyncio.create_task(one(rows(0), 1))
                await asyncio.to_thread(gate.entered.wait, 30)
                waiting = [asyncio.create_task(one(rows(n), 1)) for n in (1, 2, 3)]
                while one.depth < 3:
                    await asyncio.sleep(0)
                with pytest.raises(RequestError) as refused:
                    await one(rows(4), 1)
                assert refused.value.status == 429
                gate.open.set()
                await asyncio.gather(first, *waiting)
                assert (await one(rows(5), 1))["y"].tolist() == [[1005]]

    asyncio.run(scenario())


def test_a_cancelled_request_is_not_computed():
    async def scenario():
        gate = Gate()
        metrics = PredictMetrics()
        with ThreadPoolExecutor(1) as worker:
            one = batcher(gate, worker, max_batch=1, metrics=metrics)
            async with one.running():
                tasks = [asyncio.create_task(one(rows(0), 1))]
                await asyncio.to_thread(gate.entered.wait, 30)
                tasks += [asyncio.create_task(one(rows(n), 1)) for n in (1, 2, 3)]
                while one.depth < 3:
                    await asyncio.sleep(0)
                tasks[2].cancel()
                tasks[0].cancel()  # it is being computed, and its answer goes nowhere
                while one.depth > 2:
                    await asyncio.sleep(0)
                gate.open.set()
                await asyncio.gather(*tasks, return_exceptions=True)
        assert metrics.dropped == 2
        return gate.batches

    assert asyncio.run(scenario()) == [[0], [1], [3]]


def test_one_that_fails_does_not_fail_the_others():
    async def scenario():
        gate = Gate(opened=True)
        metrics = PredictMetrics()
        with ThreadPoolExecutor(1) as worker:
            one = batcher(gate, worker, max_batch=3, max_delay_s=3600, metrics=metrics)
            async with one.running():
                found = await asyncio.gather(
                    *(one(rows(n), 1) for n in (1, -1, 2)), return_exceptions=True
                )
        assert metrics.separated == 1
        return found

    good, bad, other = asyncio.run(scenario())
    assert (good["y"].tolist(), other["y"].tolist()) == ([[1001]], [[1002]])
    assert isinstance(bad, ValueError)


def test_outputs_without_a_row_each_are_computed_apart():
    """A model that sums over its batch must not mix requests."""

    def compute(inputs):
        return {"y": inputs["x"].sum(axis=0)}

    async def scenario():
        with ThreadPoolExecutor(1) as worker:
            one = batcher(compute, worker, max_batch=3, max_delay_s=3600)
            async with one.running():
                return await asyncio.gather(*(one(rows(n), 1) for n in (1, 2, 3)))

    assert [found["y"].tolist() for found in asyncio.run(scenario())] == [[1], [2], [3]]


def test_a_stop_cancels_what_waits():
    async def scenario():
        gate = Gate()
        with ThreadPoolExecutor(1) as worker:
            one = batcher(gate, worker, max_batch=1)
            async with one.running():
                tasks = [asyncio.create_task(one(rows(n), 1)) for n in (0, 1)]
                await asyncio.to_thread(gate.entered.wait, 30)
            gate.open.set()
            assert one.depth == 1
            with pytest.raises(asyncio.CancelledError):
                await tasks[1]
            tasks[0].cancel()

    asyncio.run(scenario())
