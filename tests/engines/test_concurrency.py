"""A compiled model asked by threads and by tasks at once."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("onnx_ir", reason="needs pip install 'homebody[engines]'")
pytest.importorskip("onnxruntime", reason="needs pip install 'homebody[engines]'")

from onnx import helper, numpy_helper

from homebody.engines.compiled import CompiledModel, Settings
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.reading import read_graph

from .graphs import model, value

WEIGHTS = np.arange(-4, 8, dtype=np.float32).reshape(4, 3)
SIZES = (1, 2, 3, 5, 1, 4, 2, 1) * 4


@pytest.fixture(params=["cost", "exact", "at-least"])
def compiled(request) -> CompiledModel:
    data = model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        [value("x", ["n", 4])],
        [value("y", ["n", 3])],
        initializers=[numpy_helper.from_array(WEIGHTS, "w")],
    )
    native = OnnxRuntime()
    settings = Settings(policy=request.param, max_cached_engines=2)
    return CompiledModel(read_graph(data), {native.name: native}, native, settings)


def asked(number: int) -> np.ndarray:
    """Whole numbers, different for each request, so that answers are exact and not exchangeable."""
    rows = SIZES[number]
    return np.arange(rows * 4, dtype=np.float32).reshape(rows, 4) + 100 * number


def test_threads_get_their_own_answers(compiled):
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda n: compiled({"x": asked(n)})["y"], range(len(SIZES))))
    for number, answer in enumerate(found):
        assert np.array_equal(answer, asked(number) @ WEIGHTS)


def test_tasks_get_their_own_answers(compiled):
    async def all_at_once():
        return await asyncio.gather(*(compiled.run({"x": asked(n)}) for n in range(len(SIZES))))

    for number, answer in enumerate(asyncio.run(all_at_once())):
        assert np.array_equal(answer["y"], asked(number) @ WEIGHTS)


def test_awaiting_leaves_the_event_loop_free():
    """While a call is held, other tasks go on; it ends once they let it."""
    import threading

    free = threading.Event()

    class Held(CompiledModel):
        def __call__(self, inputs):
            assert free.wait(30)
            return {"y": inputs["x"]}

    async def scenario():
        native = OnnxRuntime()
        data = model(
            [helper.make_node("Relu", ["x"], ["y"])], [value("x", ["n"])], [value("y", ["n"])]
        )
        held = Held(read_graph(data), {native.name: native}, native)
        task = asyncio.create_task(held.run({"x": np.ones(1, np.float32)}))
        await asyncio.sleep(0)
        assert not task.done()
        free.set()
        return await task

    assert asyncio.run(scenario())["y"].tolist() == [1]
