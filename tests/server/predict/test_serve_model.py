"""``homebody serve-model`` in a process of its own: clients, overload, nonsense, and a stop."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx_ir", reason="needs pip install 'homebody[engines]'")
pytest.importorskip("onnxruntime", reason="needs pip install 'homebody[engines]'")
pytest.importorskip("uvicorn", reason="needs pip install 'homebody[serve]'")

from homebody import engines
from homebody.errors import MissingExtraError

from .models import WEIGHTS, dense, metrics

PREDICT = "/v1/models/dense:predict"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("dense")
    (place / "dense.onnx").write_bytes(dense())
    engines.compile(place / "dense.onnx", place / "out", engines=["onnxruntime"], threads=1)
    return place / "out"


class Served:
    """The server, and the port it is at."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "homebody", "serve-model", str(folder), "--port", "0", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        self.said = self.process.stdout.readline()
        self.port = int(re.search(r":(\d+)/", self.said)[1])

    def client(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        with closing(self.client()) as client:
            client.request(method, path, body)
            with client.getresponse() as response:
                return response.status, response.read()

    def until_ready(self) -> None:
        """The first engines are built meanwhile; what is asked for until then waits for them."""
        assert self.ask("POST", PREDICT, b'{"instances": [[0, 0, 0, 0]]}')[0] == 200
        assert self.ask("GET", "/v2/health/ready")[0] == 200


@pytest.fixture
def served(folder):
    started = []

    def start(*options: str) -> Served:
        started.append(Served(folder, *options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


def test_many_clients_get_their_own_answers(served):
    server = served("--max-batch", "8", "--max-delay", "5")
    server.until_ready()
    rng = np.random.default_rng(3)

    def one(number: int) -> None:
        with closing(server.client()) as client:
            for size in rng.integers(1, 9, 5):
                x = np.full((size, 4), number, np.float32) + np.arange(size * 4).reshape(size, 4)
                client.request("POST", PREDICT, json.dumps({"instances": x.tolist()}))
                with client.getresponse() as response:
                    answer = json.loads(response.read())
                assert answer == {"predictions": (x @ WEIGHTS).tolist()}

    with ThreadPoolExecutor(8) as clients:
        list(clients.map(one, range(8)))
    counted = metrics(server.ask("GET", "/metrics")[1])
    requests = counted['homebody_predict_requests_total{protocol="tensorflow",status="200"}']
    assert requests == 8 * 5 + 1
    assert counted["homebody_batch_rows_count"] <= requests
    assert counted["homebody_open_connections"] >= 1


def test_overload_is_refused_and_passes(served):
    """Sixteen where one may wait: each gets its answer or 429, and afterwards all is well."""
    server = served("--queue", "1", "--max-batch", "1")
    server.until_ready()
    body = b'{"instances": [[1, 2, 3, 4]]}'

    def one(_: int) -> list[int]:
        return [server.ask("POST", PREDICT, body)[0] for _ in range(5)]

    with ThreadPoolExecutor(16) as clients:
        statuses = [status for found in clients.map(one, range(16)) for status in found]
    assert set(statuses) <= {200, 429}
    assert 200 in statuses
    assert server.ask("POST", PREDICT, body)[0] == 200


def test_nonsense_is_answered_and_nothing_is_traced(served):
    server = served()
    server.until_ready()
    for line in (
        b"\0\0\0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"X" * 100_000,
        f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n".encode(),
        f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n{{".encode(),
    ):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
            raw.sendall(line)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(4096):
                pass
    for body in (b"", b"[" * 50_000, b"\xff" * 100, b'{"instances": [[1e999]]}'):
        status, answer = server.ask("POST", PREDICT, body)
        assert status == 400
        assert json.loads(answer)["error"]
    assert server.ask("POST", PREDICT, b'{"instances": [[1, 2, 3, 4]]}')[0] == 200
    server.process.send_signal(signal.SIGTERM)
    said = server.process.communicate(timeout=30)[1]
    assert "Traceback" not in said


def test_a_stop_ends_it(served):
    server = served()
    server.until_ready()
    server.process.send_signal(signal.SIGTERM)
    error = server.process.communicate(timeout=30)[1]
    assert server.process.returncode in (0, -signal.SIGTERM)
    assert "Traceback" not in error
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)


def test_a_folder_that_holds_nothing_is_one_line(tmp_path):
    found = subprocess.run(
        [sys.executable, "-m", "homebody", "serve-model", str(tmp_path), "--port", "0"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (found.returncode, found.stdout) == (2, "")
    assert re.fullmatch(r"homebody: .* holds no compiled model .*\n", found.stderr)


def test_without_the_extra_one_line_says_so(folder, monkeypatch):
    from homebody.cli.serve_model import serve_model

    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(MissingExtraError, match=r"homebody\[serve\]"):
        serve_model(
            folder, "127.0.0.1", 0, name=None, max_batch=1, max_delay=0, queue=1, connections=1,
            threads=None,
        )  # fmt: skip
