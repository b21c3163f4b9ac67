"""What `homebody serve` bears: conditional requests, ten times too many, and a day of devices.

    pip install '.[bench,test]' starlette; apt-get install wrk
    python benchmarks/serve.py [--seconds 4]

The server runs on one core, wrk (https://github.com/wg/wrk) on another; everything is loopback and
ends within about two minutes. Starlette's static files on the same uvicorn are the peer.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from in_turn import processor

from homebody import deliver
from homebody.deliver.schedule import next_check
from homebody.features.photo.catalog import catalog_json
from homebody.server.studio import default_bundle

CORES = sorted(os.sched_getaffinity(0))
DEVICES = 100_000
EVERY = 10
DAY_S = 24 * 3600
REPLAY_S = 30.0
PEER = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
app = Starlette(routes=[Mount("/repo", StaticFiles(directory=sys.argv[1]))])
uvicorn.run(app, port=int(sys.argv[2]), log_level="warning", access_log=False)
"""


class Process:
    """A server in a process of its own, on the first core."""

    def __init__(self, command: Sequence[str], port: int | None = None) -> None:
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            preexec_fn=lambda: os.sched_setaffinity(0, CORES[:1]),
        )
        self.pid = self._process.pid
        self.port = port or int(re.search(r":(\d+)/", self._process.stdout.readline())[1])
        self._wait()

    def _wait(self) -> None:
        for _ in range(200):
            try:
                self.get("/healthz")
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("the server did not start")

    def get(self, path: str) -> tuple[http.client.HTTPMessage, bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as client:
            client.request("GET", path)
            response = client.getresponse()
            return response.headers, response.read()

    def resident_mb(self) -> float:
        """Memory that the process holds now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def cpu_s(self) -> float:
        """Processor time that it has used."""
        user, system = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def statuses(self) -> Counter[str]:
        """How many answers of each status, and connections refused."""
        text = self.get("/metrics")[1].decode()
        found = Counter(
            {s: int(n) for s, n in re.findall(r'requests_total\{status="(\d+)"\} (\d+)', text)}
        )
        found["refused"] = int(re.search(r"refused_connections_total (\d+)", text)[1])
        return found

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate(timeout=30)


@contextmanager
def homebody_serve(repo: Path, *options: str) -> Iterator[Process]:
    command = [sys.executable, "-m", "homebody", "serve", str(repo), "--port", "0", "--no-studio"]
    server = Process([*command, *options])
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def starlette(repo: Path) -> Iterator[Process]:
    with tempfile.TemporaryDirectory():
        port = 20_000 + os.getpid() % 20_000
        server = Process([sys.executable, "-c", PEER, str(repo), str(port)], port)
        try:
            yield server
        finally:
            server.stop()


@dataclass
class Load:
    """What wrk saw."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float


def load(port: int, path: str, seconds: int, connections: int, *headers: str) -> Load:
    """Ask as fast as answers come over so many connections, from the last core."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "5s"]
    for header in headers:
        command += ["-H", header]
    said = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{path}"],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, CORES[-1:]),
    ).stdout
    quantiles = {q: _ms(v) for q, v in re.findall(r"(50|99)%\s+([\d.]+\w+)", said)}
    return Load(
        int(re.search(r"(\d+) requests in", said)[1]),
        float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]),
        quantiles["50"],
        quantiles["99"],
    )


def _ms(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4}[unit]


def row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |")


def capacity(repo: Path, catalog: str, seconds: int) -> float:
    """Conditional requests for the catalog, beside the peer; return requests a second."""
    row("16 connections", "requests/s", "p50 ms", "p99 ms", "CPU µs a request", "times ours")
    row(*["---"] * 6)
    ours = 0.0
    rounds = 3
    found: dict[str, list[tuple[Load, float]]] = {}
    with homebody_serve(repo, "--rate", "1000000") as mine, starlette(repo) as theirs:
        for _ in range(rounds):
            for name, server, path in (
                ("homebody serve, catalog", mine, catalog),
                ("homebody serve, release.json", mine, "/repo/web/release.json"),
                ("Starlette StaticFiles, catalog", theirs, catalog),
            ):
                etag = server.get(path)[0]["etag"]
                used = server.cpu_s()
                one = load(server.port, path, seconds, 16, f"If-None-Match: {etag}")
                spent = (server.cpu_s() - used) / one.requests
                found.setdefault(name, []).append((one, spent))
        unexpected = set(mine.statuses()) - {"200", "304", "refused"}
        assert not unexpected, unexpected
    for name, loads in found.items():
        middle, _ = sorted(loads, key=lambda one: one[0].per_second)[rounds // 2]
        spent = sorted(each for _, each in loads)[rounds // 2]
        ours = ours or middle.per_second
        row(
            name,
            f"{middle.per_second:,.0f}",
            f"{middle.p50_ms:.1f}",
            f"{middle.p99_ms:.1f}",
            f"{spent * 1e6:.0f}",
            f"{middle.per_second / ours:.2f}",
        )
    print()
    return ours


def overload(repo: Path, catalog: str, seconds: int, capable: float) -> None:
    """Ten times the allowed rate, and ten times the allowed connections."""
    rate = int(capable / 10)
    row("overload", "answered", "429", "503", "p99 ms", "MB before", "after", "after twice")
    row(*["---"] * 8)
    for name, options, connections in (
        (f"10 x the rate (--rate {rate})", ("--rate", str(rate)), 64),
        ("10 x the connections (--connections 32)", ("--connections", "32"), 320),
    ):
        with homebody_serve(repo, *options) as server:
            etag = server.get(catalog)[0]["etag"]
            header = f"If-None-Match: {etag}"
            load(server.port, catalog, 1, 16, header)
            before, first = server.resident_mb(), server.statuses()
            seen = load(server.port, catalog, seconds, connections, header)
            time.sleep(0.5)
            after, last = server.resident_mb(), server.statuses()
            count = last - first
            load(server.port, catalog, seconds, connections, header)
            row(
                name,
                f"{count['304']:,}",
                f"{count['429']:,}",
                f"{count['503'] + count['refused']:,}",
                f"{seen.p99_ms:.1f}",
                f"{before:.1f}",
                f"{after:.1f}",
                f"{server.resident_mb():.1f}",
            )
    print()


def arrivals(devices: int, *, start_together: bool) -> list[float]:
    """When devices look for updates on their second day, in seconds of that day.

    Args:
        devices: how many.
        start_together: all were switched on in one minute; else at any time of the first day.
    """
    zero = datetime(2026, 1, 1, tzinfo=UTC)
    found = []
    for number in range(devices):
        began = 0.0 if start_together else DAY_S * ((number * 0.618034) % 1)
        now = zero + timedelta(seconds=began)
        last = None
        while True:
            last = now = next_check(now, last=last, device=str(number))
            at = (now - zero).total_seconds() - DAY_S
            if at >= DAY_S:
                break
            if at >= 0:
                found.append(at)
    return sorted(found)


def on_paper(repo: Path) -> list[float]:
    """What 100,000 devices ask for on a day, and on the day of a release."""
    metadata = sum(p.stat().st_size for p in (repo / "metadata").glob("*.json"))
    bundle = default_bundle().stat().st_size
    spread: list[float] = []
    row("100,000 devices, one day", "looks", "a second, mean", "busiest minute, a second")
    row(*["---"] * 4)
    for name, together in (
        ("switched on through the day before", False),
        ("all switched on in one minute of the day before", True),
    ):
        times = arrivals(DEVICES, start_together=together)
        spread = spread or times
        busiest = max(Counter(int(at // 60) for at in times).values())
        row(name, f"{len(times):,}", f"{len(times) / DAY_S:.2f}", f"{busiest / 60:.2f}")
    print()
    total = DEVICES * (bundle + metadata) / 1e9
    print(
        "A look is two or three requests and under 2 kB while nothing is new. The day of a "
        f"release moves {bundle / 1e6:.1f} MB to each: {total:,.0f} GB, "
        f"{total * 8e3 / DAY_S:.0f} Mbit/s over the day, all of it immutable files, which a CDN "
        "or object store takes over.\n"
    )
    return spread


async def replay(port: int, times: list[float], requests: list[tuple[str, str]]) -> list[float]:
    """Ask as the devices would, a day in :data:`REPLAY_S`; return the seconds that looks took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    took: list[float] = []

    async def look() -> None:
        start = loop.time()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for path, etag in requests:
                line = f"GET {path} HTTP/1.1\r\nHost: a\r\nIf-None-Match: {etag}\r\n\r\n"
                writer.write(line.encode())
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith((b"HTTP/1.1 304", b"HTTP/1.1 429", b"HTTP/1.1 503")), head
        except (OSError, asyncio.IncompleteReadError):
            return  # turned away; the server counts these
        finally:
            writer.close()
        took.append(loop.time() - start)

    waiting: set[asyncio.Task[None]] = set()
    for at in times:
        pause = began + at * REPLAY_S / DAY_S - loop.time()
        if pause > 0:
            await asyncio.sleep(pause)
        task = asyncio.create_task(look())
        waiting.add(task)
        task.add_done_callback(waiting.discard)
    await asyncio.gather(*waiting)
    return took


def population(repo: Path, times: list[float]) -> None:
    """A tenth of the devices, each on a connection of its own, their day in half a minute."""
    sample = times[::EVERY]
    with homebody_serve(repo) as server:
        requests = [
            (path, server.get(path)[0]["etag"])
            for path in ("/repo/web/release.json", "/repo/web/release.json.sig")
        ]
        before, first = server.resident_mb(), server.statuses()
        took = sorted(asyncio.run(replay(server.port, sample, requests)))
        count = server.statuses() - first
        row(
            "scaled run",
            "looks/s",
            "requests",
            "304",
            "429 and 503",
            "p99 ms of a look",
            "MB grown",
        )
        row(*["---"] * 7)
        row(
            f"1 device in {EVERY}, a day in {REPLAY_S:.0f} s",
            f"{len(sample) / REPLAY_S:,.0f}",
            f"{2 * len(sample):,}",
            f"{count['304']:,}",
            f"{count['429'] + count['503'] + count['refused']:,}",
            f"{took[int(0.99 * len(took))] * 1e3:.1f}",
            f"{server.resident_mb() - before:.1f}",
        )
    faster = len(sample) / REPLAY_S / (len(times) / DAY_S)
    print(f"\nThat is {faster:.0f} times what all {DEVICES:,} ask in the same time.")


def versions() -> str:
    """Everything that the figures depend on."""
    import importlib.metadata as metadata

    names = ("uvicorn", "httptools", "starlette")
    found = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    return f"{found}, CPython {sys.version.split()[0]}; {processor()}, {len(CORES)} cores"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=4, help="of each run of wrk")
    options = parser.parse_args()
    print(versions() + "\n")
    with tempfile.TemporaryDirectory() as folder:
        repo, keys = Path(folder, "repo"), Path(folder, "keys")
        catalog = Path(folder, "for-this-photo.json")
        catalog.write_bytes(catalog_json())
        deliver.publish(repo, [default_bundle(), catalog], keys=[keys])
        published = next((repo / "web" / "files").glob("*.json"))
        url = f"/repo/{published.relative_to(repo).as_posix()}"
        capable = capacity(repo, url, options.seconds)
        overload(repo, url, options.seconds, capable)
        population(repo, on_paper(repo))


if __name__ == "__main__":
    main()
