"""What a stream of requests of batch 1 to 8 costs under each rule of reuse, builds included.

    python benchmarks/engines_cache.py stream MODEL.tflite [--requests 150] [--threads 2]
    python benchmarks/engines_cache.py start MODEL.tflite    # cold against warm

``stream`` begins with one engine for the first request's batch, chosen by measuring all of them;
that is compilation, and not counted. Then each request is answered, and whatever is built for it is
counted with it; nothing comes from disk. ``at-least`` is the rule of TensorFlow-TensorRT. ``start``
times ``engines.load`` and the first answer, with the folder's cache and without it.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from homebody import engines
from homebody.engines.compiled import CompiledModel, Settings
from homebody.engines.compiling import ENGINES, read_model
from homebody.engines.engine import Options
from homebody.engines.policy import Policy

sys.path.insert(0, str(Path(__file__).parent))
from in_turn import report

POLICIES: tuple[Policy, ...] = ("cost", "at-least", "exact", "dynamic")


def stream(arguments: argparse.Namespace) -> None:
    """The same requests under each rule, in another order of rules each round."""
    graph = read_model(arguments.model)
    sizes = np.random.default_rng(0).integers(1, 9, arguments.requests).tolist()
    (tensor,) = graph.inputs
    rows = np.random.default_rng(1).normal(size=(8, *tensor.shape[1:])).astype(tensor.dtype)
    seconds: dict[str, list[float]] = {policy: [] for policy in POLICIES}
    builds: dict[str, int] = {}
    names: dict[str, str] = {}
    wrong = 0
    wanted = {}
    dice = random.Random(0)
    for _ in range(arguments.rounds):
        for policy in dice.sample(POLICIES, len(POLICIES)):
            model = CompiledModel(
                graph,
                {name: ENGINES[name]() for name in arguments.engines.split(",")},
                ENGINES["onnxruntime"](),
                Settings(Options(arguments.threads), policy),
            )
            model({tensor.name: rows[: sizes[0]]})
            started = time.perf_counter()
            answers = [model({tensor.name: rows[:size]}) for size in sizes]
            seconds[policy].append(time.perf_counter() - started)
            for size, answer in zip(sizes, answers, strict=True):
                (found,) = answer.values()
                near = np.allclose(found, wanted.setdefault(size, found), rtol=1e-3, atol=1e-4)
                wrong += not near or len(found) != size
            builds[policy] = len(model.choices) - 1
            names[policy] = ", ".join(sorted({c.best.engine for c in model.choices.values()}))
    taken = {policy: statistics.median(times) for policy, times in seconds.items()}
    report(
        f"{arguments.requests} requests of batch 1 to 8, {Path(arguments.model).stem}",
        ["rule", "seconds", "builds on the way", "engine", "cost / it"],
        [
            [policy, f"{taken[policy]:.2f}", str(builds[policy]), names[policy],
             f"{taken['cost'] / taken[policy]:.2f}"]
            for policy in POLICIES
        ],
        {"threads": arguments.threads, "rounds": arguments.rounds, "answers that differ": wrong},
        as_json=arguments.json,
    )  # fmt: skip


def start(arguments: argparse.Namespace) -> None:
    """Loading and the first answer, from the cache and without one."""
    times: dict[str, list[float]] = {"cold": [], "warm": []}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "compiled"
        names = arguments.engines.split(",")
        made = engines.compile(arguments.model, folder, engines=names, threads=arguments.threads)
        (tensor,) = made.graph.inputs
        x = {tensor.name: np.zeros((1, *tensor.shape[1:]), tensor.dtype)}
        (choice,) = made.choices.values()
        begun = time.perf_counter()
        engines.compile(
            arguments.model, Path(place) / "again", engines=names, threads=arguments.threads
        )
        whole = time.perf_counter() - begun
        bare = Path(place) / "bare"
        for _ in range(arguments.rounds):
            shutil.copytree(folder, bare, ignore=shutil.ignore_patterns("cache"))
            for kind, where in (("cold", bare), ("warm", folder)):
                begun = time.perf_counter()
                engines.load(where)(x)
                times[kind].append(time.perf_counter() - begun)
            shutil.rmtree(bare)
    cold, warm = (1e3 * statistics.median(times[kind]) for kind in ("cold", "warm"))
    report(
        f"From files to the first answer, {Path(arguments.model).stem}",
        ["engine", "compile, ms", "load without the cache, ms", "load, ms", "load / compile",
         "load / without the cache"],
        [[choice.best.engine, f"{1e3 * whole:.0f}", f"{cold:.0f}", f"{warm:.0f}",
          f"{warm / (1e3 * whole):.2f}", f"{warm / cold:.2f}"]],
        {"threads": arguments.threads, "rounds": arguments.rounds}, as_json=arguments.json,
    )  # fmt: skip


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["stream", "start"])
    parser.add_argument("model")
    parser.add_argument("--requests", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--engines", default="onnxruntime,openvino,litert")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    {"stream": stream, "start": start}[arguments.what](arguments)


if __name__ == "__main__":
    main()
