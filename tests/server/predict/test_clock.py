"""Time limits that one timer keeps: as asyncio's own, and nothing is left behind."""

from __future__ import annotations

import asyncio

import pytest

from homebody.server.predict.clock import Clock


def test_a_block_that_waits_too_long_is_stopped():
    async def scenario():
        clock = Clock(0.001)
        with pytest.raises(TimeoutError), clock.limit(0.002):
            await asyncio.Event().wait()
        assert asyncio.current_task().cancelling() == 0
        await asyncio.wait_for(asyncio.sleep(0), 1)  # the task goes on as before
        return clock

    assert asyncio.run(scenario())._timed == set()


def test_a_block_that_is_given_more_time_goes_on():
    async def scenario():
        clock, done = Clock(0.001), asyncio.Event()
        with clock.limit(0.002) as limit:
            limit.again(60)
            asyncio.get_running_loop().call_later(0.02, done.set)
            await done.wait()
        with pytest.raises(TimeoutError), clock.limit(60) as limit:
            limit.again(60, end=0.0)
            await asyncio.Event().wait()

    asyncio.run(scenario())


def test_another_cancellation_stays_one():
    async def scenario():
        clock = Clock(0.001)

        async def limited():
            with clock.limit(60):
                await asyncio.Event().wait()

        task = asyncio.create_task(limited())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())


def test_what_a_block_raises_is_raised():
    async def scenario():
        with pytest.raises(ZeroDivisionError), Clock(0.001).limit(60):
            raise ZeroDivisionError

    asyncio.run(scenario())


def test_the_timer_rests_while_nothing_is_under_way():
    async def scenario():
        clock = Clock(0.001)
        with clock.limit(60):
            assert clock._timer is not None
        while clock._timer is not None:
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(scenario(), 30))
