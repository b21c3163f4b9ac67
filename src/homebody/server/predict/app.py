"""The ASGI application that serves a compiled model: bounds first, then bodies, then the model."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from homebody.engines import CompiledModel
from homebody.errors import GraphError, HomebodyError, RequestError
from homebody.server.predict import kserve, tensorflow
from homebody.server.predict.batching import Batcher, Waiting
from homebody.server.predict.clock import Clock
from homebody.server.predict.computing import Computing
from homebody.server.predict.metrics import PredictMetrics
from homebody.server.predict.signature import Arrays, signature_of

Message: TypeAlias = MutableMapping[str, Any]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Receive: TypeAlias = Callable[[], Awaitable[Message]]

MAX_BATCH, MAX_DELAY_S, QUEUE = 16, 0.0, 256
"""The most rows computed together, how long a request waits for others, how many may wait.

Without a delay, what arrives while the model computes is still computed together."""
_LARGE = 256 << 10
"""Bodies of as many bytes are read in a thread, so that small requests pass meanwhile."""
_UNWATCHED_S = 0.05
"""Whether a client is still there is asked from when it has waited for so long."""
_HEADER_LENGTH = kserve.HEADER_LENGTH.encode()
_HELD_BYTES = 512 << 20
"""The bytes of bodies that are held at once, at least one body's."""
_VERSION = r"(?:/versions/(?P<version>[^/:]+))?"
_ROUTE = re.compile(
    rf"/v2/models/(?P<name>[^/]+){_VERSION}(?P<kserve>/ready|/infer)?"
    rf"|/v1/models/(?P<tf_name>[^/:]+){_VERSION.replace('version>', 'tf_version>')}"
    r"(?P<tf>/metadata|:[a-z]+)?"
)


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    status: int
    body: list[bytes]
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)


class Gone(Exception):
    """The client went away before its answer."""


class PredictApp:
    """Serves one compiled model through ASGI.

    Args:
        model: what answers.
        name: its name in URLs.
        max_batch: the most rows of one request, and of requests computed together.
        max_delay_s: the longest that a request waits for others; 0 for no waiting.
        queue: requests that wait; those over it get 429 and Retry-After.
        patience_s: how long a client may take for each part of a body, and ten times that for all.
        limit_s: how long a request may wait and be computed; then it gets 504.

    Raises:
        ServeError: the name or a tensor's type cannot be served.

    Attributes:
        metrics: counts, as ``/metrics`` shows them.
        ready: whether the first engines are built.
        failure: why they could not be, or None.
    """

    def __init__(
        self,
        model: CompiledModel,
        name: str,
        *,
        max_batch: int = MAX_BATCH,
        max_delay_s: float = MAX_DELAY_S,
        queue: int = QUEUE,
        patience_s: float = 10,
        limit_s: float = 60,
    ) -> None:
        self.signature = signature_of(model, name, max_batch)
        self.metrics = PredictMetrics()
        self.ready = False
        self.failure: Exception | None = None
        sizes = sorted({1, max_batch, *(n for n in model.batches if n < max_batch)})
        self._worker = ThreadPoolExecutor(1, "predict")
        self._builder = ThreadPoolExecutor(1, "build")
        self._computing = Computing(model, self.metrics, tuple(sizes), self._builder)
        self._batcher = Batcher(
            self._computing, self._worker,
            batched=self.signature.batched, max_batch=max_batch, max_delay_s=max_delay_s,
            queue=queue, metrics=self.metrics, prepare=self._prepare,
        )  # fmt: skip
        self._paths = {
            f"{start}{version}{end}": protocol
            for protocol, start, end in (
                ("kserve", f"/v2/models/{name}", "/infer"),
                ("tensorflow", f"/v1/models/{name}", ":predict"),
            )
            for version in ("", f"/versions/{kserve.VERSION}")
        }
        self._patience_s = patience_s
        self._limit_s = limit_s
        self._held = 0
        self._clock = Clock(min(_UNWATCHED_S, patience_s / 2, limit_s / 2))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Meanwhile the model is made ready, and requests are computed."""
        loop = asyncio.get_running_loop()
        try:
            async with self._batcher.running():
                warming = loop.run_in_executor(self._builder, self._warm)
                yield
                warming.cancel()
        finally:
            self._worker.shutdown(wait=False, cancel_futures=True)
            self._builder.shutdown(wait=False, cancel_futures=True)

    def _prepare(self, inputs: Arrays) -> asyncio.Future[None] | None:
        if self._computing.ready(inputs):
            return None
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._builder, self._computing.prepare, inputs)

    def _warm(self) -> None:
        try:
            self._computing.warm()
        except Exception as error:  # it is told to whoever asks whether the model is ready
            self.failure = error
        else:
            self.ready = True

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One ASGI connection: HTTP, or the server's start and stop."""
        if scope["type"] == "lifespan":
            async with AsyncExitStack() as stack:
                await receive()
                await stack.enter_async_context(self.running())
                await send({"type": "lifespan.startup.complete"})
                await receive()
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "http":
            await self._respond(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _respond(self, scope: Message, receive: Receive, send: Send) -> None:
        metrics = self.metrics
        began = time.perf_counter()
        metrics.in_flight += 1
        status, sent = 499, 0
        protocol = _protocol(scope["path"])
        try:
            try:
                reply = await self._reply(scope, receive)
            except RequestError as error:
                reply = _refusal(error)
            except Gone:
                return
            except GraphError as error:
                reply = _error(400, str(error))
            except HomebodyError as error:
                reply = _error(500, str(error))
            except Exception as error:  # the service outlives whatever one request meets
                reply = _error(500, f"computing failed: {type(error).__name__}: {error}")
            status = reply.status
            sent = await self._send(reply, scope, send)
        except (OSError, TimeoutError):
            metrics.broken += 1  # the client is gone, or does not read its answer
        finally:
            metrics.in_flight -= 1
            seconds = time.perf_counter() - began
            metrics.count(status, sent, seconds)
            if protocol:
                metrics.predicted(protocol, status, seconds)

    async def _reply(self, scope: Message, receive: Receive) -> Reply:
        path, method = scope["path"], scope["method"]
        if protocol := _protocol(path):
            if path not in self._paths:
                raise self._unknown(path)
            if method != "POST":
                return _not_allowed("POST")
            return await self._predict(protocol, scope, receive)
        if (answer := self._told(path)) is None:
            return _error(404, f"there is nothing at {path!r:.200}")
        return answer if method in ("GET", "HEAD") else _not_allowed("GET, HEAD")

    def _told(self, path: str) -> Reply | None:
        """What is asked for with GET."""
        ready = self.ready
        if path in ("/v2/health/live", "/healthz"):
            return _json({"live": True})
        if path == "/v2/health/ready":
            return self._readiness({"ready": ready})
        if path == "/metrics":
            self.metrics.queued = self._batcher.depth
            self._computing.tell()
            kind = (("content-type", "text/plain; version=0.0.4; charset=utf-8"),)
            return Reply(200, [self.metrics.text().encode()], kind)
        if path in ("/v2", "/v2/"):
            return _json(kserve.server_metadata())
        match = _ROUTE.fullmatch(path)
        if match is None or match["kserve"] == "/infer" or (match["tf"] or "")[:1] == ":":
            return None
        if self._strange(match):
            raise self._unknown(path)
        if match["name"]:
            if match["kserve"]:
                return self._readiness({"name": self.signature.name, "ready": ready})
            return _json(kserve.metadata(self.signature))
        if match["tf"]:
            return _json(tensorflow.metadata(self.signature))
        return _json(tensorflow.status(ready))

    def _readiness(self, answer: dict[str, Any]) -> Reply:
        if self.failure is not None:
            answer["error"] = str(self.failure)
        return _json(answer, 200 if self.ready else 503)

    def _strange(self, match: re.Match[str]) -> bool:
        """Whether a path names another model or version than there is."""
        version = match["version"] or match["tf_version"]
        name = match["name"] or match["tf_name"]
        return name != self.signature.name or version not in (None, kserve.VERSION)

    def _unknown(self, path: str) -> RequestError:
        match = _ROUTE.fullmatch(path)
        if match is None:
            return RequestError(f"there is nothing at {path!r:.200}", 404)
        version = match["version"] or match["tf_version"]
        name = match["name"] or match["tf_name"]
        shown = name if version is None else f"{name}, version {version}"
        return RequestError(
            f"there is no model {shown!r:.200}; here is {self.signature.name!r}, "
            f"version {kserve.VERSION}",
            404,
        )

    async def _predict(self, protocol: str, scope: Message, receive: Receive) -> Reply:
        headers = {name.lower(): value for name, value in scope["headers"]}
        if self._batcher.depth >= self._batcher.queue:
            self.metrics.full += 1
            raise RequestError(f"{self._batcher.queue} requests wait already; ask later", 429)
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise RequestError("the body is compressed; send it as it is", 415)
        size = self._stated(headers.get(b"content-length"))
        if self._held and self._held + size > _HELD_BYTES:
            raise RequestError("too many large requests are under way; ask again later", 503)
        self._held += size
        try:
            body = await self._body(receive, size)
            large = len(body) >= _LARGE
            if protocol == "kserve":
                stated = headers.get(_HEADER_LENGTH)
                length = None if stated is None else stated.decode("latin-1")
                request = await _maybe_apart(large, kserve.read, self.signature, body, length)
                rows = self.signature.fitted(request.inputs)
                del body
                outputs = await self._computed(request.inputs, rows, receive)
                parts, cut = kserve.write(self.signature, request, outputs)
                if cut is None:
                    return Reply(200, parts)
                kinds = (
                    ("content-type", "application/octet-stream"),
                    (kserve.HEADER_LENGTH, f"{cut}"),
                )
                return Reply(200, parts, kinds)
            asked = await _maybe_apart(large, tensorflow.read, self.signature, body)
            rows = self.signature.fitted(asked.inputs)
            del body
            outputs = await self._computed(asked.inputs, rows, receive)
            return Reply(200, [tensorflow.write(self.signature, asked, outputs)])
        finally:
            self._held -= size

    def _stated(self, length: bytes | None) -> int:
        """How large a body is said to be, or the most that it may become."""
        most = self.signature.max_bytes
        if length is None:
            return most
        if not length.isdigit() or len(length) > 18 or int(length) > most:
            shown = length[:20].decode("latin-1")
            raise RequestError(f"the body has {shown} bytes; at most {most} are read", 413)
        return int(length)

    async def _body(self, receive: Receive, most: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            with self._clock.limit(self._patience_s) as patience:
                end = patience.due + 9 * self._patience_s
                while True:
                    message = await receive()
                    patience.again(self._patience_s, end=end)
                    if message["type"] == "http.disconnect":
                        raise Gone
                    part = message.get("body", b"")
                    size += len(part)
                    if size > most:
                        raise RequestError(f"the body has over {most} bytes; send fewer", 413)
                    parts.append(part)
                    if not message.get("more_body", False):
                        return parts[0] if len(parts) == 1 else b"".join(parts)
        except TimeoutError:
            raise RequestError("the body did not arrive in time; send it at once", 408) from None

    async def _computed(self, inputs: Arrays, rows: int, receive: Receive) -> Arrays:
        """The outputs, unless the client goes away or it takes too long."""
        item = self._batcher.submit(inputs, rows)
        watch = _Watch(self._batcher, item, receive, self._limit_s)
        self._clock.add(watch)
        try:
            return await item.answer
        except asyncio.CancelledError:
            self._batcher.drop(item)
            raise RequestError("the server stops; ask another", 503) from None
        finally:
            self._clock.remove(watch)
            watch.stop()

    async def _send(self, reply: Reply, scope: Message, send: Send) -> int:
        body = reply.body[0] if len(reply.body) == 1 else b"".join(reply.body)
        headers = [(name.encode(), value.encode("latin-1")) for name, value in reply.headers]
        headers.append((b"content-length", b"%d" % len(body)))
        headers.append((b"cache-control", b"no-store"))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if scope["method"] == "HEAD":
            body = b""
        with self._clock.limit(10 * self._patience_s):
            await send({"type": "http.response.body", "body": body})
        return len(body)


def _protocol(path: str) -> str | None:
    """Which protocol a path asks a prediction in."""
    if path.startswith("/v2/models/") and path.endswith("/infer"):
        return "kserve"
    return "tensorflow" if path.startswith("/v1/models/") and path.endswith(":predict") else None


class _Watch:
    """Drops a request whose client has gone, or that takes too long; once it has waited a while.

    Most are answered before, and cost no task.
    """

    def __init__(self, batcher: Batcher, item: Waiting, receive: Receive, limit_s: float) -> None:
        self._batcher, self._item, self._receive = batcher, item, receive
        self._limit_s = limit_s
        self._end = item.arrived + limit_s
        self._task: asyncio.Task[None] | None = None
        self.due = min(self._end, item.arrived + _UNWATCHED_S)

    def expire(self) -> None:
        """It has waited a while, or too long."""
        if self._task is None:
            self.due = self._end
            self._task = asyncio.ensure_future(self._left())
            return
        problem = f"the answer took over {self._limit_s:g} s; the model is overloaded or slow"
        self._batcher.drop(self._item, RequestError(problem, 504))

    def stop(self) -> None:
        """The request is answered."""
        if self._task is not None:
            self._task.cancel()

    async def _left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._batcher.drop(self._item, Gone())


async def _maybe_apart(large: bool, function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(function, *arguments) if large else function(*arguments)


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(status, [msgspec.json.encode(value)])


def _error(status: int, message: str, *headers: tuple[str, str]) -> Reply:
    kind = ("content-type", "application/json")
    return Reply(status, [msgspec.json.encode({"error": message})], (kind, *headers))


def _refusal(error: RequestError) -> Reply:
    again = (("retry-after", "1"),) if error.status in (429, 503) else ()
    # What was not read of a body would be taken for the next request.
    close = (("connection", "close"),) if error.status in (408, 413, 415, 429, 503) else ()
    return _error(error.status, str(error), *again, *close)


def _not_allowed(methods: str) -> Reply:
    return _error(405, f"this answers {methods} alone", ("allow", methods))
