"""The ASGI application: health, bounds, failures of engines, and clients that leave."""

from __future__ import annotations

import asyncio
import json
import threading

import numpy as np
import pytest

pytest.importorskip("onnx_ir", reason="needs pip install 'homebody[engines]'")
pytest.importorskip("onnxruntime", reason="needs pip install 'homebody[engines]'")

from onnx import TensorProto

from homebody.engines.onnxruntime import OnnxRuntime
from homebody.errors import EngineBuildError, ServeError
from homebody.server.predict.app import PredictApp

from . import models
from .models import WEIGHTS, compiled, dense, doubled, inverse, metrics, running, two

INFER, PREDICT = "/v2/models/m/infer", "/v1/models/m:predict"
ROW = [1.0, 2.0, 3.0, 4.0]
ANSWER = (np.array([ROW]) @ WEIGHTS).tolist()
GOOD = {"instances": [ROW]}


def app(data: bytes | None = None, engine=None, **options) -> PredictApp:
    return PredictApp(compiled(data or dense(), engine), "m", **options)


def infer(x: np.ndarray) -> dict:
    data = x.ravel().tolist()
    return {"inputs": [{"name": "x", "shape": x.shape, "datatype": "FP32", "data": data}]}


def serve(scenario, application=None):
    async def whole():
        async with running(application or app()) as client:
            return await scenario(client)

    return asyncio.run(whole())


def test_both_protocols_answer():
    async def scenario(client):
        x = np.array([ROW, ROW[::-1]], np.float32)
        first = await client.post(INFER, infer(x))
        assert first.status == 200
        assert first.json["outputs"] == [
            {"name": "y", "datatype": "FP32", "shape": [2, 3],
             "data": (x @ WEIGHTS).ravel().tolist()}
        ]  # fmt: skip
        assert (await client.post("/v2/models/m/versions/1/infer", infer(x))).status == 200
        second = await client.post(PREDICT, {"instances": x.tolist()})
        assert second.json == {"predictions": (x @ WEIGHTS).tolist()}
        assert (await client.post("/v1/models/m/versions/1:predict", GOOD)).status == 200
        third = await client.post(PREDICT, {"inputs": x.tolist()})
        assert third.json == {"outputs": (x @ WEIGHTS).tolist()}
        for got in (first, second, third):
            assert got.headers["content-type"] == "application/json"
            assert int(got.headers["content-length"]) == len(got.body)

    serve(scenario)


def test_several_inputs_and_types():
    async def scenario(client):
        body = {"instances": [{"a": [1, 2], "b": True}, {"a": [3, 4], "b": False}]}
        answer = (await client.post(PREDICT, body)).json
        assert answer == {
            "predictions": [{"sum": [2, 4], "not": False}, {"sum": [6, 8], "not": True}]
        }

    serve(scenario, app(two()))


def test_binary_tensors():
    async def scenario(client):
        x = np.array([ROW], np.float32)
        body = infer(x)
        del body["inputs"][0]["data"]
        body["inputs"][0]["parameters"] = {"binary_data_size": x.nbytes}
        body["parameters"] = {"binary_data_output": True}
        text = json.dumps(body).encode()
        length = {"Inference-Header-Content-Length": str(len(text))}
        got = await client.post(INFER, text + x.tobytes(), headers=length)
        assert got.headers["content-type"] == "application/octet-stream"
        cut = int(got.headers["inference-header-content-length"])
        stated = json.loads(got.body[:cut])["outputs"][0]
        assert stated["parameters"] == {"binary_data_size": 12}
        assert np.frombuffer(got.body[cut:], "<f4").tolist() == ANSWER[0]

    serve(scenario)


def test_health_and_metadata():
    async def scenario(client):
        assert (await client.get("/v2/health/live")).status == 200
        assert (await client.get("/v2/health/ready")).json == {"ready": True}
        assert (await client.get("/v2/models/m/ready")).json == {"name": "m", "ready": True}
        said = (await client.get("/v2/models/m")).json
        assert said["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}]
        assert said["outputs"] == [{"name": "y", "datatype": "FP32", "shape": [-1, 3]}]
        assert "binary_tensor_data" in (await client.get("/v2")).json["extensions"]
        (version,) = (await client.get("/v1/models/m")).json["model_version_status"]
        assert version["state"] == "AVAILABLE"
        definition = (await client.get("/v1/models/m/metadata")).json["metadata"]
        inputs = definition["signature_def"]["signature_def"]["serving_default"]["inputs"]
        assert inputs["x"]["dtype"] == "DT_FLOAT"
        head = await client.ask("HEAD", "/v2/health/live")
        assert (head.status, head.body) == (200, b"")

    serve(scenario)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v2/models/other", 404),
        ("GET", "/v2/models/m/versions/2", 404),
        ("GET", "/v1/models/other", 404),
        ("POST", "/v2/models/other/infer", 404),
        ("POST", "/v2/models/a/b/infer", 404),
        ("POST", "/v1/models/other:predict", 404),
        ("POST", "/v1/models/m:classify", 404),
        ("GET", "/v2/models/m/../m", 404),
        ("GET", INFER, 405),
        ("DELETE", PREDICT, 405),
        ("POST", "/v2/health/live", 405),
        ("POST", "/metrics", 405),
        ("PUT", "/v2/models/m", 405),
    ],
)
def test_other_paths_and_methods(method, path, status):
    async def scenario(client):
        got = await client.ask(method, path, json.dumps(GOOD).encode() if method == "POST" else b"")
        assert got.status == status
        assert set(got.json) == {"error"}
        assert status != 405 or got.headers["allow"]

    serve(scenario)


@pytest.mark.parametrize(
    "body", [b"", b"\0", b"[" * 50_000, b"{}", b'{"instances": [[1, 2, 3, NaN]]}']
)
@pytest.mark.parametrize("path", [INFER, PREDICT])
def test_malformed_requests_get_400_and_the_next_is_answered(path, body):
    async def scenario(client):
        got = await client.post(path, body)
        assert got.status == 400
        assert len(got.json["error"]) < 1000
        assert (await client.post(PREDICT, GOOD)).json == {"predictions": ANSWER}

    serve(scenario)


def test_a_large_body_is_refused_before_it_is_read():
    async def scenario(client):
        def untouched():
            raise AssertionError("the body was read")
            yield b""

        most = client.app.signature.max_bytes
        for length in (str(most + 1), "9" * 30, "-1", "1x"):
            got = await client.ask(
                "POST", INFER, iter_lazily(untouched), {"content-length": length}
            )
            assert got.status == 413
            assert got.headers["connection"] == "close"
        chunks = [b" " * 65536] * (most // 65536 + 2)
        assert (await client.ask("POST", INFER, chunks)).status == 413
        assert (await client.post(PREDICT, GOOD)).status == 200

    class iter_lazily:
        """Parts that may not be asked for."""

        def __init__(self, parts):
            self.parts = parts

        def __iter__(self):
            return iter(())

    serve(scenario)


def test_a_compressed_body_is_refused():
    async def scenario(client):
        got = await client.post(PREDICT, GOOD, headers={"content-encoding": "gzip"})
        assert got.status == 415

    serve(scenario)


def test_a_body_that_does_not_come_is_given_up():
    async def scenario(client):
        sent = []

        async def receive():
            await asyncio.Event().wait()

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": INFER, "headers": []}
        await client.app(scope, receive, send)
        assert sent[0]["status"] == 408

    serve(scenario, app(patience_s=0.01))


class Holding(OnnxRuntime):
    """ONNX Runtime that computes once it is let."""

    def __init__(self):
        self.free, self.entered = threading.Event(), threading.Event()
        self.free.set()

    def hold(self, client):
        computing = client.app._computing
        inner = computing.model

        class Held:
            def __getattr__(self, name):
                return getattr(inner, name)

            def __call__(held, inputs):
                self.entered.set()
                assert self.free.wait(30)
                return inner(inputs)

        computing.model = Held()
        self.free.clear()


def test_overload_gets_429_and_recovers():
    async def scenario(client):
        gate = Holding()
        gate.hold(client)
        first = asyncio.create_task(client.post(PREDICT, GOOD))
        await asyncio.to_thread(gate.entered.wait, 30)
        waiting = [asyncio.create_task(client.post(PREDICT, GOOD)) for _ in range(3)]
        while client.app._batcher.depth < 3:
            await asyncio.sleep(0)
        for path, body in ((PREDICT, GOOD), (INFER, infer(np.array([ROW])))):
            refused = await client.post(path, body)
            assert refused.status == 429
            assert int(refused.headers["retry-after"]) >= 1
            assert refused.headers["connection"] == "close"
        assert (await client.get("/v2/health/live")).status == 200
        gate.free.set()
        answers = await asyncio.gather(first, *waiting)
        assert [got.json for got in answers] == [{"predictions": ANSWER}] * 4
        assert (await client.post(PREDICT, GOOD)).status == 200
        counted = metrics((await client.get("/metrics")).body)
        assert counted["homebody_queue_full_total"] == 2

    serve(scenario, app(queue=3))


def test_a_client_that_leaves_is_dropped():
    async def scenario(client):
        gate = Holding()
        gate.hold(client)
        first = asyncio.create_task(client.post(PREDICT, GOOD))
        await asyncio.to_thread(gate.entered.wait, 30)
        gone = asyncio.Event()
        leaving = asyncio.create_task(client.post(PREDICT, GOOD, gone=gone))
        while client.app._batcher.depth < 1:
            await asyncio.sleep(0)
        gone.set()
        assert (await leaving).status == 499
        assert client.app._batcher.depth == 0
        gate.free.set()
        assert (await first).status == 200
        counted = metrics((await client.get("/metrics")).body)
        assert counted["homebody_dropped_requests_total"] == 1
        assert counted["homebody_batch_rows_sum"] == 1

    serve(scenario)


def test_an_answer_that_takes_too_long_gets_504():
    async def scenario(client):
        gate = Holding()
        gate.hold(client)
        got = await client.post(PREDICT, GOOD)
        gate.free.set()
        assert got.status == 504

    serve(scenario, app(limit_s=0.05))


class Failing(OnnxRuntime):
    """An engine whose builds fail for the batches named, each in its own way."""

    name = "failing"

    def __init__(self, failures: dict[int, Exception]) -> None:
        self.failures = failures

    def build(self, segment, options):
        if failure := self.failures.get(segment.inputs[0].shape[0]):
            raise failure
        return super().build(segment, options)


@pytest.mark.parametrize("failure", [EngineBuildError("no"), RuntimeError("no"), MemoryError()])
def test_a_build_that_fails_falls_back_to_the_native_engine(failure):
    async def scenario(client):
        for batch in (3, 1, 3):
            x = np.tile(np.array([ROW], np.float32), (batch, 1))
            got = await client.post(INFER, infer(x))
            assert got.json["outputs"][0]["data"] == ANSWER[0] * batch

    serve(scenario, app(engine=Failing({3: failure}), max_batch=4))


class Dead(OnnxRuntime):
    """A native engine that builds nothing for rows of three."""

    def build(self, segment, options):
        if segment.inputs[0].shape[1] == 3:
            raise EngineBuildError("the native engine does not either")
        return super().build(segment, options)


def test_where_the_native_engine_fails_too_only_those_requests_get_500():
    async def scenario(client):
        for _ in range(2):
            bad, good = await asyncio.gather(
                client.post(PREDICT, {"inputs": [[1.0, 2.0, 3.0]]}),
                client.post(PREDICT, {"inputs": [[1.0, 2.0]]}),
            )
            assert bad.status == 500
            assert "native engine" in bad.json["error"]
            assert good.json == {"outputs": [[1.0, 2.0]]}
        assert (await client.get("/v2/health/ready")).status == 200

    native, graph = Dead(), models.read_graph(doubled(TensorProto.FLOAT, ["n", "m"]))
    model = models.CompiledModel(graph, {native.name: native}, native)
    serve(scenario, PredictApp(model, "m"))


class Crossed(OnnxRuntime):
    """An engine that raises what it should not, for rows of three."""

    name = "crossed"

    def build(self, segment, options):
        if segment.inputs[0].shape[1] == 3:
            raise MemoryError
        return super().build(segment, options)


def test_shapes_that_an_engine_fails_at_are_the_native_ones():
    async def scenario(client):
        for batch in (1, 2, 1):
            x = [[1.0, 2.0, 3.0]] * batch
            assert (await client.post(PREDICT, {"inputs": x})).json == {"outputs": x}
        assert (await client.post(PREDICT, {"inputs": [[1.0]]})).json == {"outputs": [[1.0]]}
        counted = metrics((await client.get("/metrics")).body)
        assert counted["homebody_native_fallbacks_total"] == 4  # building it counts as one

    serve(scenario, app(doubled(TensorProto.FLOAT, ["n", "m"]), engine=Crossed()))


def test_a_model_that_cannot_be_made_ready_says_so_and_lives():
    class Broken(OnnxRuntime):
        def build(self, segment, options):
            raise EngineBuildError("no engine builds this")

    async def scenario(client):
        ready = await client.get("/v2/health/ready")
        assert ready.status == 503
        assert "no engine builds this" in ready.json["error"]
        assert (await client.get("/v2/models/m/ready")).status == 503
        assert (await client.get("/v2/health/live")).status == 200
        assert (await client.post(PREDICT, GOOD)).status == 500

    native = Broken()
    model = models.CompiledModel(models.read_graph(dense()), {native.name: native}, native)
    serve(scenario, PredictApp(model, "m"))


def test_infinite_answers_are_said_and_binary_holds_them():
    async def scenario(client):
        x = np.zeros((1, 2), np.float32)
        got = await client.post(INFER, infer(x))
        assert got.status == 500
        assert "binary" in got.json["error"]
        asked = {**infer(x), "parameters": {"binary_data_output": True}}
        got = await client.post(INFER, asked)
        cut = int(got.headers["inference-header-content-length"])
        assert np.isinf(np.frombuffer(got.body[cut:], "<f4")).all()

    serve(scenario, app(inverse()))


def test_a_fixed_batch_is_computed_alone():
    async def scenario(client):
        answers = await asyncio.gather(*(client.post(PREDICT, GOOD) for _ in range(5)))
        assert [got.json for got in answers] == [{"predictions": ANSWER}] * 5
        assert (await client.post(PREDICT, {"instances": [ROW, ROW]})).status == 400
        counted = metrics((await client.get("/metrics")).body)
        assert counted["homebody_batch_rows_count"] == 5

    serve(scenario, app(dense(1)))


def test_open_dimensions_are_batched_by_their_length():
    async def scenario(client):
        asked = [[[1.0, 2.0]], [[3.0]], [[4.0, 5.0]], [[6.0]]]
        answers = await asyncio.gather(*(client.post(PREDICT, {"inputs": x}) for x in asked))
        assert [got.json["outputs"] for got in answers] == asked

    serve(scenario, app(doubled(TensorProto.FLOAT, ["n", "m"]), max_delay_s=0.01))


def test_metrics_are_prometheus_text():
    async def scenario(client):
        await client.post(PREDICT, GOOD)
        await client.post(INFER, b"")
        found = await client.get("/metrics")
        assert found.headers["content-type"].startswith("text/plain; version=0.0.4")
        counted = metrics(found.body)
        requests = "homebody_predict_requests_total"
        assert counted[f'{requests}{{protocol="tensorflow",status="200"}}'] == 1
        assert counted[f'{requests}{{protocol="kserve",status="400"}}'] == 1
        assert counted["homebody_predict_seconds_count"] == 2
        assert counted["homebody_batch_rows_sum"] == 1
        assert counted["homebody_queue_depth"] == 0
        assert counted['homebody_engine_info{shapes="1x4",engine="onnxruntime"}'] == 1
        assert counted['homebody_engine_info{shapes="16x4",engine="onnxruntime"}'] == 1

    serve(scenario)


@pytest.mark.parametrize("name", ["", "a/b", "a b", ".", "a:b", "ä", "x" * 200])
def test_names_that_no_url_holds_are_refused(name):
    with pytest.raises(ServeError, match="--name"):
        PredictApp(compiled(dense()), name)


def test_types_that_no_request_holds_are_refused():
    with pytest.raises(ServeError, match="only numbers"):
        PredictApp(compiled(doubled(TensorProto.STRING, ["n"])), "m")


def test_other_protocols_are_closed():
    sent = []

    async def send(message):
        sent.append(message["type"])

    async def scenario(client):
        await client.app({"type": "websocket"}, None, send)

    serve(scenario)
    assert sent == ["websocket.close"]
