"""Small models to serve, whose answers are exact whatever computes them, and an ASGI client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from homebody.engines.compiled import CompiledModel, Settings
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.reading import read_graph
from homebody.server.predict.app import PredictApp

WEIGHTS = np.arange(-4, 8, dtype=np.float32).reshape(4, 3)
_value = helper.make_tensor_value_info


def dense(batch: int | str = "n") -> bytes:
    """x [n, 4] to y [n, 3] = x · WEIGHTS: whole numbers stay exact."""
    return _model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        [_value("x", TensorProto.FLOAT, [batch, 4])],
        [_value("y", TensorProto.FLOAT, [batch, 3])],
        [numpy_helper.from_array(WEIGHTS, "w")],
    )


def two(batch: int | str = "n") -> bytes:
    """a int32 [n, 2] and b bool [n] to sum int32 [n, 2] = a + a and not bool [n] = not b."""
    return _model(
        [helper.make_node("Add", ["a", "a"], ["sum"]), helper.make_node("Not", ["b"], ["not"])],
        [_value("a", TensorProto.INT32, [batch, 2]), _value("b", TensorProto.BOOL, [batch])],
        [_value("sum", TensorProto.INT32, [batch, 2]), _value("not", TensorProto.BOOL, [batch])],
    )


def inverse() -> bytes:
    """x [n, 2] to y = 1 / x, which is infinite at 0."""
    return _model(
        [helper.make_node("Reciprocal", ["x"], ["y"])],
        [_value("x", TensorProto.FLOAT, ["n", 2])],
        [_value("y", TensorProto.FLOAT, ["n", 2])],
    )


def doubled(kind: int, shape: list[int | str]) -> bytes:
    """x of any type and shape to y = x."""
    return _model(
        [helper.make_node("Identity", ["x"], ["y"])],
        [_value("x", kind, shape)],
        [_value("y", kind, shape)],
    )


def _model(nodes: Any, inputs: Any, outputs: Any, initializers: Any = ()) -> bytes:
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made)
    return bytes(made.SerializeToString())


def compiled(data: bytes, engine: Any = None) -> CompiledModel:
    """A model on ONNX Runtime, or on another engine with ONNX Runtime behind it."""
    native = OnnxRuntime()
    engine = engine or native
    return CompiledModel(
        read_graph(data), {engine.name: engine}, native, Settings(min_segment_size=1)
    )


class Got(NamedTuple):
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body's JSON."""
        return json.loads(self.body)


@asynccontextmanager
async def running(app: PredictApp):
    """The application, once it is ready."""
    async with app.running():
        while not (app.ready or app.failure):
            await asyncio.sleep(0)
        yield Client(app)


class Client:
    """Asks an ASGI application."""

    def __init__(self, app: PredictApp) -> None:
        self.app = app

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] = b"",
        headers: dict[str, str] | None = None,
        gone: asyncio.Event | None = None,
    ) -> Got:
        """One request; its body in parts if they are given, `gone` tells when the client goes."""
        sent: list[Any] = []
        parts = [body] if isinstance(body, bytes) else list(body)
        stated = dict(headers or {})
        if isinstance(body, bytes):
            stated.setdefault("content-length", str(len(body)))
        messages = iter(
            {"type": "http.request", "body": part, "more_body": number + 1 < len(parts)}
            for number, part in enumerate(parts)
        )
        forever = gone or asyncio.Event()

        async def receive():
            for message in messages:
                return message
            await forever.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [(k.lower().encode(), v.encode()) for k, v in stated.items()],
        }
        await self.app(scope, receive, send)
        if not sent:
            return Got(499, {}, b"")
        start, *bodies = sent
        found = {k.decode(): v.decode() for k, v in start["headers"]}
        return Got(start["status"], found, b"".join(m["body"] for m in bodies))

    async def get(self, path: str) -> Got:
        """Ask with GET."""
        return await self.ask("GET", path)

    async def post(self, path: str, body: Any, **options: Any) -> Got:
        """Ask with POST; what is not bytes becomes JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.ask("POST", path, data, **options)


def metrics(text: bytes) -> dict[str, float]:
    """Prometheus' text by name and labels; every line must be one that it reads."""
    found, kinds = {}, set()
    for line in text.decode().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kind in ("counter", "gauge", "histogram")
            assert name not in kinds
            kinds.add(name)
            continue
        name, _, value = line.rpartition(" ")
        family = name.partition("{")[0]
        assert any(family.removesuffix(s) in kinds for s in ("", "_bucket", "_sum", "_count")), line
        assert name not in found
        found[name] = float(value)
    return found
