"""A served model whose engine crashes while it is built: all others are answered meanwhile."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("onnx_ir", reason="needs pip install 'homebody[engines]'")
pytest.importorskip("onnxruntime", reason="needs pip install 'homebody[engines]'")
pytest.importorskip("uvicorn", reason="needs pip install 'homebody[serve]'")

from onnx import TensorProto

from homebody.engines import compiling, loading
from tests.engines.isolation import fakes

from .models import doubled, metrics

ROOT = Path(__file__).parents[3]
SERVE = """
import sys
from homebody.engines import compiling, loading
from tests.engines.isolation import fakes
compiling.ENGINES["fake"] = fakes.Gated
from homebody.cli import main
main()
"""


def ask(port: int, rows: list[list[float]]) -> list[list[float]]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as client:
        client.request("POST", "/v1/models/twice:predict", json.dumps({"inputs": rows}))
        with client.getresponse() as response:
            return json.loads(response.read())["outputs"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the gate is a named pipe")
def test_the_service_answers_while_a_build_crashes_and_after(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setitem(compiling.ENGINES, "fake", fakes.Gated)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    (tmp_path / "twice.onnx").write_bytes(doubled(TensorProto.FLOAT, ["n", "m"]))
    compiling.compile(
        tmp_path / "twice.onnx", tmp_path / "out", engines=["fake"], threads=1, min_segment_size=1
    )
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "GATE": str(gate)}
    command = [sys.executable, "-c", SERVE, "serve-model", str(tmp_path / "out"), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        try:
            port = int(re.search(r":(\d+)/", server.stdout.readline())[1])
            assert ask(port, [[1.0, 2.0]]) == [[1.0, 2.0]]
            with ThreadPoolExecutor(5) as clients:
                crashing = clients.submit(ask, port, [[1.0, 2.0, 3.0]])
                with gate.open("wb"):  # open once the other side is: the build is under way
                    gate.unlink()  # a second build, of another batch, crashes at once
                    rows = [[[float(n), 2.0]] for n in range(40)]
                    assert list(clients.map(lambda one: ask(port, one), rows)) == rows
                    assert not crashing.done()
                assert crashing.result(60) == [[1.0, 2.0, 3.0]]
            assert ask(port, [[4.0, 5.0, 6.0]]) == [[4.0, 5.0, 6.0]]
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as client:
                client.request("GET", "/metrics")
                counted = metrics(client.getresponse().read())
            assert (
                counted['homebody_predict_requests_total{protocol="tensorflow",status="200"}'] == 43
            )
        finally:
            server.terminate()
            said = server.communicate(timeout=60)[1]
    assert "Traceback" not in said

    # Served again it is not tried again, though it could be built now.
    again = loading.load(tmp_path / "out")
    choice = again.at({"x": (1, 3)})
    assert choice.best.built[0].failure is not None
    assert "SIGABRT" in choice.best.built[0].failure.detail
