from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebody.server.app import App, TokenBucket
from homebody.server.site import File, Site, file_of

SITE = Site({"/": file_of(b"page", "text/html")})


class Client:
    """An ASGI client: what was sent, as status, headers and body."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def ask(self, path="/", method="GET", headers=(), part=None):
        sent = []

        async def send(message):
            if part is not None and message["type"] == "http.response.body":
                await part()
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [(k.encode(), v.encode()) for k, v in headers],
        }
        await self.app(scope, None, send)
        start, *bodies = sent
        found = {k.decode(): v.decode() for k, v in start["headers"]}
        whole = bool(bodies) and not bodies[-1]["more_body"]
        return start["status"], found, b"".join(m["body"] for m in bodies), whole

    def __call__(self, *arguments, **named):
        return asyncio.run(self.ask(*arguments, **named))


def test_the_site_is_served():
    status, headers, body, whole = Client(App(SITE))()
    assert (status, body, whole) == (200, b"page", True)
    assert Client(App(SITE))(headers=[("if-none-match", headers["etag"])])[::2] == (304, b"")
    assert Client(App(SITE))("/none")[0] == 404


def test_the_site_may_be_exchanged():
    app = App(SITE)
    app.site = Site({"/": file_of(b"other", "text/html")})
    assert Client(app)()[2] == b"other"


def test_health_and_metrics():
    client = Client(App(SITE))
    client()
    client("/none")
    assert client("/healthz")[::2][0] == 200
    status, headers, body, _ = client("/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain")
    lines = body.decode().splitlines()
    assert 'homebody_requests_total{status="200"} 2' in lines
    assert 'homebody_requests_total{status="404"} 1' in lines
    assert "homebody_in_flight_requests 1" in lines
    assert 'homebody_request_seconds_bucket{le="+Inf"} 3' in lines


def test_large_files_come_in_parts(tmp_path: Path):
    body = bytes(range(256)) * 4096
    (tmp_path / "large").write_bytes(body)
    site = Site({"/": File(tmp_path / "large", len(body), "ab" * 32, "application/wasm")})
    assert Client(App(site))()[2:] == (body, True)
    assert Client(App(site))(headers=[("range", "bytes=7-99")])[2] == body[7:100]
    assert Client(App(site))(method="HEAD")[2:] == (b"", True)


def test_a_file_that_shrank_is_left_incomplete(tmp_path: Path):
    (tmp_path / "large").write_bytes(b"x")
    app = App(Site({"/": File(tmp_path / "large", 9, "ab" * 32, "application/wasm")}))
    assert Client(app)()[3] is False
    assert app.metrics.broken == 1
    assert app.metrics.in_flight == 0


def test_over_the_rate_clients_are_told_when_to_return():
    client = Client(App(SITE, rate=3))
    statuses = [client()[0] for _ in range(9)]
    assert statuses[:3] == [200] * 3
    assert 429 in statuses
    waits = [int(client()[1].get("retry-after", 0)) for _ in range(5)]
    assert len(set(waits)) > 1, "they must not all return together"
    assert client("/healthz")[0] == 200, "health is told under load too"


def test_over_the_bound_answers_under_way_are_refused():
    app = App(SITE, in_flight=2)
    client = Client(app)

    async def crowd():
        gate = asyncio.Event()
        waiting = [asyncio.create_task(client.ask(part=gate.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        refused = await client.ask()
        gate.set()
        return refused, [await one for one in waiting], await client.ask()

    refused, served, after = asyncio.run(crowd())
    assert refused[0] == 503
    assert int(refused[1]["retry-after"]) > 0
    assert [one[0] for one in served] == [200, 200]
    assert after[0] == 200


def test_a_client_that_reads_nothing_is_left():
    app = App(SITE, patience_s=0.01)
    assert Client(app)(part=asyncio.Event().wait)[3] is False
    assert (app.metrics.broken, app.metrics.in_flight) == (1, 0)


def test_a_client_that_went_away_is_no_error():
    async def gone():
        raise OSError

    app = App(SITE)
    assert Client(app)(part=gone)[3] is False
    assert app.metrics.broken == 1


def test_other_protocols_are_closed():
    sent = []

    async def send(message):
        sent.append(message["type"])

    asyncio.run(App(SITE)({"type": "websocket"}, None, send))
    assert sent == ["websocket.close"]


def test_start_and_stop_are_acknowledged():
    heard = iter(["lifespan.startup", "lifespan.shutdown"])
    sent = []

    async def receive():
        return {"type": next(heard)}

    async def send(message):
        sent.append(message["type"])

    asyncio.run(App(SITE)({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@given(
    rate=st.integers(1, 50),
    steps=st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=200),
)
def test_never_more_than_a_seconds_worth_over_the_rate(rate, steps):
    now = 0.0
    bucket = TokenBucket(rate, lambda: now)
    taken = 0
    for step in steps:
        now += step
        taken += bucket.take()
        assert taken <= rate + rate * now + 1e-6


def test_a_bucket_refills():
    now = 0.0
    bucket = TokenBucket(2, lambda: now)
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    now = 0.5
    assert [bucket.take() for _ in range(2)] == [True, False]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_other_methods_are_refused_everywhere(method):
    for path in ("/", "/healthz", "/metrics"):
        assert Client(App(SITE))(path, method)[0] == 405
