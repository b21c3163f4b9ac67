"""What `homebody serve-model` answers a second, with and without dynamic batching.

    pip install '.[bench]'; apt-get install wrk
    python benchmarks/serve_model.py [--seconds 2] [--rounds 3]

A small convolutional network (random weights, 32 x 32 pixels) behind serve-model, and behind plain
uvicorn without batching (peers/serve_plainly.py): ONNX Runtime on the same graph, and TensorFlow's
signature of the SavedModel that it came from. Each server has one core and its model one thread,
wrk (https://github.com/wg/wrk) another core; requests are one row in binary, the load is closed:
each connection asks again once it is answered. Servers take turns; all of it is on the loopback
interface and ends within three minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from in_turn import processor

CORES = sorted(os.sched_getaffinity(0))
CONNECTIONS = (1, 8, 32)
SIDE = 32
PLAINLY = Path(__file__).parent / "peers" / "serve_plainly.py"
NETWORK = """
import sys, keras
keras.utils.set_random_seed(0)
layers = keras.layers
image = keras.Input((32, 32, 3))
value = image
for channels in (32, 64, 128):
    value = layers.Conv2D(channels, 3, strides=2, padding="same", activation="relu")(value)
value = layers.GlobalAveragePooling2D()(value)
keras.Model(image, layers.Dense(10)(value)).export(sys.argv[1], verbose=False)
"""


@dataclass(frozen=True)
class Server:
    """Where to ask, and what: a row in the server's own form."""

    port: int
    path: str
    body: bytes
    headers: dict[str, str]

    def ask(self) -> bytes:
        """One answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{self.path}", self.body, self.headers
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return bytes(response.read())


@dataclass(frozen=True)
class Seen:
    """What wrk saw."""

    rate: float
    p50: float
    p99: float
    failed: int


def row() -> np.ndarray:
    """What is asked: one picture of noise."""
    return np.random.default_rng(0).normal(size=(1, SIDE, SIDE, 3)).astype(np.float32)


@contextmanager
def process(command: Sequence[str]) -> Iterator[None]:
    """A server on the first core."""
    running = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, CORES[:1])
    )
    try:
        yield
    finally:
        running.terminate()
        running.wait(20)


@contextmanager
def ours(folder: Path, *options: str) -> Iterator[Server]:
    """serve-model, asked with a binary tensor."""
    port, x = free_port(), row()
    serve = [sys.executable, "-m", "homebody", "serve-model", str(folder), "--name", "small"]
    with process([*serve, "--port", str(port), *options]):
        name = json.loads(waited(f"http://127.0.0.1:{port}/v2/models/small"))["inputs"][0]["name"]
        tensor = {
            "name": name, "shape": list(x.shape), "datatype": "FP32",
            "parameters": {"binary_data_size": x.nbytes},
        }  # fmt: skip
        asked = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
        head = json.dumps(asked).encode()
        headers = {"Inference-Header-Content-Length": str(len(head))}
        yield Server(port, "/v2/models/small/infer", head + x.tobytes(), headers)


@contextmanager
def plainly(kind: str, path: Path) -> Iterator[Server]:
    """A peer, asked with a tensor's bytes."""
    port = free_port()
    with process([sys.executable, str(PLAINLY), kind, str(path), str(port)]):
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield Server(port, "/", row().tobytes(), {})


def waited(url: str) -> bytes:
    """A page, once its server is there."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return bytes(response.read())
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{url} does not come")


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def load(server: Server, connections: int, seconds: int, folder: Path) -> Seen:
    """Ask on so many connections, each again once it is answered."""
    (folder / "body").write_bytes(server.body)
    headers = "".join(f'wrk.headers["{k}"] = "{v}"\n' for k, v in server.headers.items())
    (folder / "ask.lua").write_text(
        f'wrk.method = "POST"\nwrk.body = io.open("{folder / "body"}", "rb"):read("*a")\n{headers}'
        "done = function(summary, latency, requests)\n"
        "  local e = summary.errors\n"
        '  io.write(string.format("SEEN %d %d %d %d %d\\n", summary.requests, summary.duration,\n'
        "    latency:percentile(50), latency:percentile(99),\n"
        "    e.status + e.timeout + e.read + e.write + e.connect))\nend\n"
    )
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(folder / "ask.lua")]
    found = subprocess.run(
        [*command, f"http://127.0.0.1:{server.port}{server.path}"],
        check=True, capture_output=True, text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, CORES[-1:]),
    ).stdout  # fmt: skip
    numbers = re.search(r"SEEN (\d+) (\d+) (\d+) (\d+) (\d+)", found)
    assert numbers, found
    requests, took, p50, p99, failed = map(int, numbers.groups())
    return Seen(1e6 * requests / took, p50 / 1e3, p99 / 1e3, failed)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=2, help="of each run of wrk")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        saved, out = folder / "small", folder / "out"
        subprocess.run([sys.executable, "-c", NETWORK, str(saved)], check=True)
        compiling = [sys.executable, "-m", "homebody", "compile", str(saved), "-o", str(out)]
        shapes = ",".join(f"{size}x{SIDE}x{SIDE}x3" for size in (1, 4, 16))
        subprocess.run([*compiling, "--threads", "1", "--shapes", shapes], check=True)
        servers = {
            "serve-model": stack.enter_context(ours(out)),
            "serve-model, --max-delay 2": stack.enter_context(ours(out, "--max-delay", "2")),
            "serve-model, --max-batch 1": stack.enter_context(ours(out, "--max-batch", "1")),
            "plain uvicorn, ONNX Runtime": stack.enter_context(
                plainly("onnxruntime", out / "model.onnx")
            ),
            "plain uvicorn, TensorFlow": stack.enter_context(plainly("tensorflow", saved)),
        }
        answers = [np.frombuffer(server.ask()[-40:], np.float32) for server in servers.values()]
        for answer in answers[1:]:
            np.testing.assert_allclose(answer, answers[0], rtol=1e-3, atol=1e-5)
        seen: dict[tuple[str, int], list[Seen]] = {}
        for number in range(arguments.rounds + 1):
            for connections in CONNECTIONS:
                for server in servers:
                    found = load(
                        servers[server], connections, arguments.seconds if number else 1, folder
                    )
                    if number:  # the first builds engines for the batches that come
                        seen.setdefault((server, connections), []).append(found)
    print(f"{processor()}, medians of {arguments.rounds} rounds of {arguments.seconds} s\n")
    print("| connections | server | requests/s | times plain ONNX Runtime | p50 ms | p99 ms |")
    print("|---|---|---|---|---|---|")
    for connections in CONNECTIONS:
        rates = {s: statistics.median(one.rate for one in seen[s, connections]) for s in servers}
        for server in servers:
            runs = seen[server, connections]
            p50, p99 = (statistics.median(getattr(r, p) for r in runs) for p in ("p50", "p99"))
            ratio = rates[server] / rates["plain uvicorn, ONNX Runtime"]
            print(f"| {connections} | {server} | {rates[server]:,.0f} | {ratio:.2f} | {p50:.1f} "
                  f"| {p99:.1f} |")  # fmt: skip
    failed = sum(run.failed for runs in seen.values() for run in runs)
    print(f"\n{failed} requests failed")


if __name__ == "__main__":
    main()
