"""What a stream of requests of batch 1 to 8 costs under each rule of reuse, builds included.

    python benchmarks/engines_cache.py stream MODEL.tflite [--requests 150] [--threads 2]
    python benchmarks/engines_cache.py start MODEL.tflite    # cold against warm

``stream`` begins with what compiling for the first request's batch makes: one engine, for that
batch or under ``dynamic`` for every one, chosen by measuring all of them; under ``cost`` also the
one that answers other batches. That is not counted, and a column of its own. Then each request is
answered, and whatever is built for it is counted with it; nothing comes from disk. The rules take
turns at parts of the stream, so that a busy moment hits all. ``at-least`` is the rule of
TensorFlow-TensorRT. The bound is what the stream would take if every request met the quickest of
the four, as a median of its calls, and nothing was built.

``start`` times ``engines.load`` and the first answer in fresh processes, without imports and with
them, with the folder's cache and without it, where builds are made in this process or in another.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from homebody import engines
from homebody.engines.compiled import CompiledModel, Settings
from homebody.engines.compiling import read_model
from homebody.engines.engine import Options
from homebody.engines.loading import BY_ROWS, ENGINES
from homebody.engines.policy import Policy

sys.path.insert(0, str(Path(__file__).parent))
from in_turn import report

POLICIES: tuple[Policy, ...] = ("cost", "at-least", "exact", "dynamic")
TURN = 10
"""As many requests are answered by one rule before the next has its turn."""


def stream(arguments: argparse.Namespace) -> None:
    """The same requests under each rule, in another order of rules each turn."""
    graph = read_model(arguments.model)
    sizes = np.random.default_rng(0).integers(1, 9, arguments.requests).tolist()
    (tensor,) = graph.inputs
    rows = np.random.default_rng(1).normal(size=(8, *tensor.shape[1:])).astype(tensor.dtype)
    seconds: dict[str, list[float]] = {policy: [] for policy in POLICIES}
    given: dict[str, list[float]] = {policy: [] for policy in POLICIES}
    calls: dict[tuple[str, int], list[float]] = {}
    models: dict[str, CompiledModel] = {}
    bounds = []
    wrong = 0
    wanted = {}
    dice = random.Random(0)
    for _ in range(arguments.rounds):
        calls.clear()
        for policy in POLICIES:
            names = arguments.engines.split(",")
            by_rows = [BY_ROWS[name]() for name in names if name in BY_ROWS]
            models[policy] = CompiledModel(
                graph,
                {name: ENGINES[name]() for name in names},
                ENGINES["onnxruntime"](),
                Settings(Options(arguments.threads), policy),
                by_rows={engine.name: engine for engine in by_rows},
            )
            started = time.perf_counter()
            models[policy]({tensor.name: rows[: sizes[0]]})
            given[policy].append(time.perf_counter() - started)
        taken = dict.fromkeys(POLICIES, 0.0)
        for turn in range(0, len(sizes), TURN):
            for policy in dice.sample(POLICIES, len(POLICIES)):
                time.sleep(arguments.pause)  # the threads of the one before spin no more
                for size in sizes[turn : turn + TURN]:
                    started = time.perf_counter()
                    answer = models[policy]({tensor.name: rows[:size]})
                    once = time.perf_counter() - started
                    taken[policy] += once
                    calls.setdefault((policy, size), []).append(once)
                    (found,) = answer.values()
                    near = np.allclose(found, wanted.setdefault(size, found), rtol=1e-3, atol=1e-4)
                    wrong += not near or len(found) != size
        for policy in POLICIES:
            seconds[policy].append(taken[policy])
        least = {
            size: min(statistics.median(calls[policy, size]) for policy in POLICIES)
            for size in set(sizes)
        }
        bounds.append(sum(least[size] for size in sizes))
    median = {policy: statistics.median(times) for policy, times in seconds.items()}
    ratios = {
        policy: statistics.median(a / b for a, b in zip(seconds["cost"], times, strict=True))
        for policy, times in seconds.items()
    }
    report(
        f"{arguments.requests} requests of batch 1 to 8, {Path(arguments.model).stem}",
        ["rule", "before, s", "stream, s", "built on the way", "engines", "`cost` / it"],
        [
            [policy, f"{statistics.median(given[policy]):.2f}", f"{median[policy]:.2f}",
             str(len(models[policy].choices) - 1), _names(models[policy]), f"{ratios[policy]:.2f}"]
            for policy in POLICIES
        ] + [["bound: the quickest, no builds", "", f"{statistics.median(bounds):.2f}", "", "",
              f"{median['cost'] / statistics.median(bounds):.2f}"]],
        {"threads": arguments.threads, "rounds": arguments.rounds, "answers that differ": wrong,
         "bound / dynamic": f"{statistics.median(bounds) / median['dynamic']:.2f}",
         "bound / at-least": f"{statistics.median(bounds) / median['at-least']:.2f}"},
        as_json=arguments.json,
    )  # fmt: skip


def _names(model: CompiledModel) -> str:
    found = [*model.choices.items(), *model.opened.items()]
    return ", ".join(
        f"{choice.best.engine} {'any' if key[0][0] == -1 else key[0][0]}" for key, choice in found
    )


FIRST = """
import sys, time
begun = time.perf_counter()
import numpy as np
from homebody import engines
from homebody.engines import loading
imported = time.perf_counter()
model = engines.load(sys.argv[1], isolated=sys.argv[2] == "isolated")
shapes = [(t, (1, *t.shape[1:])) for t in model.graph.inputs]
model({t.name: np.zeros(shape, t.dtype) for t, shape in shapes})
print(time.perf_counter() - imported, time.perf_counter() - begun)
"""


def start(arguments: argparse.Namespace) -> None:
    """From files to the first answer, each time in a fresh process."""
    kinds = [(way, state) for way in ("in process", "isolated") for state in ("cold", "warm")]
    times: dict[tuple[str, str], list[tuple[float, ...]]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as place:
        folder, bare = Path(place) / "compiled", Path(place) / "bare"
        begun = time.perf_counter()
        names = arguments.engines.split(",")
        made = engines.compile(arguments.model, folder, engines=names, threads=arguments.threads)
        whole = time.perf_counter() - begun
        (choice,) = made.choices.values()
        for _ in range(arguments.rounds):
            for way, state in kinds:
                shutil.copytree(folder, bare, ignore=shutil.ignore_patterns("cache"))
                where = bare if state == "cold" else folder
                done = subprocess.run(
                    [sys.executable, "-c", FIRST, str(where), way],
                    capture_output=True, text=True, check=True,
                )  # fmt: skip
                times[way, state].append(tuple(map(float, done.stdout.split())))
                shutil.rmtree(bare)
    rows = []
    for way in ("in process", "isolated"):
        for what, part in (("loading and the first answer", 0), ("with imports", 1)):
            cold, warm = (
                1e3 * statistics.median(t[part] for t in times[way, state])
                for state in ("cold", "warm")
            )
            rows.append([way, what, f"{cold:.0f}", f"{warm:.0f}", f"{warm / cold:.2f}"])
    report(
        f"From files to the first answer, {Path(arguments.model).stem}, {choice.best.engine}",
        ["builds", "what", "without the cache, ms", "with it, ms", "ratio"],
        rows,
        {"threads": arguments.threads, "rounds": arguments.rounds,
         "compiling, s": f"{whole:.1f}"}, as_json=arguments.json,
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
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between turns")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    {"stream": stream, "start": start}[arguments.what](arguments)


if __name__ == "__main__":
    main()
