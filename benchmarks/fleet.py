"""Fleets: updates a second beside TFP and the memory's limit, and a stream that is killed.

    pip install '.[bench-adapt]'
    python benchmarks/fleet.py speed [--rounds 7]
    python benchmarks/fleet.py stream [--assets 100000] [--each 20]

``speed``: a state of five seen through one row a measurement, as in adapt.py; every asset has one
measurement in a call. Particle filters have 500 particles, and resample systematically below half
of the effective sample size. The memory's limit is the time of copying as many bytes as an exact
update reads and writes, by as many threads, in the same run.

``stream``: simulated assets, Parquet in and out, a checkpoint every tenth; once whole, once killed
(SIGKILL) in the middle and begun again; the final states and answers are compared byte by byte.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from in_turn import seconds

from homebody.adapt import Prior
from homebody.adapt.fleet import Checkpoint, Fleet, Source, stream
from homebody.kernels.fleets import KalmanFleet, ParticleFleet

STATES, PARTICLES = 5, 500
Q, R, PRIOR = 1e-4, 0.01, 0.1
EXACT, MANY, TFP = 1_000_000, 20_000, 200  # assets of a call


def drawn(assets: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(assets, STATES - 1))
    return features, features[:, :1] * 0.3 + rng.normal(size=(assets, 1)) * R**0.5


def tracks(assets: int, steps: int = 16) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Measurements of states as the filters expect them, step by step and then from the first."""
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(assets, STATES)) * PRIOR**0.5
    made = []
    for _ in range(steps):
        features = rng.normal(size=(assets, STATES - 1))
        seen = np.sum(features * truth[:, :-1], axis=1) + truth[:, -1]
        made.append((features, (seen + rng.normal(size=assets) * R**0.5)[:, None]))
    return itertools.cycle(made)


def exact(threads: int) -> Callable[[], object]:
    eye = np.eye(STATES)
    fleet = KalmanFleet(
        EXACT, 1, mean=np.zeros(STATES), covariance=eye * PRIOR, process=eye * Q,
        noise=np.array([R**0.5]),
    )  # fmt: skip
    features, measured = drawn(EXACT)
    out = fleet.update(features, measured, 1.0)
    return lambda: fleet.update(features, measured, 1.0, threads=threads, out=out)


def copying(threads: int) -> Callable[[], object]:
    """Reads and writes as many bytes as an update: its state both ways, features, measurement and
    what is answered.
    """
    numbers = STATES + STATES * (STATES + 1) // 2
    moved = EXACT * (2 * 8 * numbers + 8 * (STATES - 1) + 8 + 3 * 8 + 1) // 2
    source, target = np.ones(moved, np.uint8), np.ones(moved, np.uint8)
    edges = np.linspace(0, moved, threads + 1).astype(int).tolist()
    pool = ThreadPoolExecutor(threads)

    def copy(i: int) -> None:
        np.copyto(target[edges[i] : edges[i + 1]], source[edges[i] : edges[i + 1]])

    return lambda: list(pool.map(copy, range(threads)))


def particles(threads: int) -> Callable[[], object]:
    eye = np.eye(STATES, dtype=np.float32)
    fleet = ParticleFleet(
        MANY, 1, mean=np.zeros(STATES), factor=eye * PRIOR**0.5, step=eye * Q**0.5,
        noise=np.array([R**0.5]), particles=PARTICLES,
    )  # fmt: skip
    each = tracks(MANY)
    for _ in range(16):  # past the start, when every measurement is news
        fleet.update(*next(each), 1.0, threads=threads)
    return lambda: fleet.update(*next(each), 1.0, threads=threads)


def observing(threads: int) -> Callable[[], object]:
    eye = np.eye(STATES)
    prior = Prior(np.zeros(STATES), eye * PRIOR, eye * Q, np.array([R**0.5]))
    fleet = Fleet(prior, EXACT, threads=threads)
    features, measured = drawn(EXACT)
    ids = np.arange(EXACT)
    return lambda: fleet.observe(ids, features, measured)


def tfp(compiled: bool) -> Callable[[], object]:
    import tensorflow as tf
    import tensorflow_probability as tfp

    rng = np.random.default_rng(0)
    state = tf.Variable(rng.normal(size=(TFP, PARTICLES, STATES)).astype("f4") * PRIOR**0.5)
    weights = tf.Variable(np.full((TFP, PARTICLES), -np.log(PARTICLES), "f4"))
    each = itertools.cycle(
        [
            (
                tf.constant(np.concatenate([features, np.ones((TFP, 1))], axis=1), tf.float32),
                tf.constant(measured[:, 0], tf.float32),
            )
            for features, measured in itertools.islice(tracks(TFP), 16)
        ]
    )

    def update(x, w, rows, y):
        x = x + tf.random.normal(tf.shape(x)) * Q**0.5
        seen = tf.einsum("apd,ad->ap", x, rows)
        expected = tf.reduce_sum(tf.exp(w) * seen, axis=1)
        noise = tfp.distributions.Normal(seen, R**0.5)
        w = w + noise.log_prob(y[:, None])
        w = w - tf.reduce_logsumexp(w, axis=1, keepdims=True)
        size = 1.0 / tf.reduce_sum(tf.exp(2 * w), axis=1)
        chosen = tfp.experimental.mcmc.resample_systematic(tf.transpose(w), PARTICLES, ())
        renewed = tf.gather(x, tf.transpose(chosen), batch_dims=1)
        anew = (size < 0.5 * PARTICLES)[:, None]
        x = tf.where(anew[:, :, None], renewed, x)
        w = tf.where(anew, -tf.math.log(float(PARTICLES)), w)
        return x, w, expected

    graph = tf.function(update, jit_compile=compiled)

    def call() -> object:
        x, w, expected = graph(state, weights, *next(each))
        state.assign(x)
        weights.assign(w)
        return expected.numpy()

    return call


def speed(rounds: int) -> None:
    threads = min(2, os.cpu_count() or 1)
    wanted: dict[str, tuple[int, Callable[[], Callable[[], object]]]] = {
        f"exact filters, {threads} threads": (EXACT, lambda: exact(threads)),
        f"copying the same bytes, {threads} threads": (EXACT, lambda: copying(threads)),
        "exact filters, 1 thread": (EXACT, lambda: exact(1)),
        "copying the same bytes, 1 thread": (EXACT, lambda: copying(1)),
        f"Fleet.observe, {threads} threads": (EXACT, lambda: observing(threads)),
        f"particle filters, {threads} threads": (MANY, lambda: particles(threads)),
        "particle filters, 1 thread": (MANY, lambda: particles(1)),
        "TFP batched": (TFP, lambda: tfp(False)),
        "TFP batched, XLA": (TFP, lambda: tfp(True)),
    }
    assets: dict[str, int] = {}
    calls: dict[str, Callable[[], object]] = {}
    for name, (count, make) in wanted.items():
        try:
            call = make()
            call()
        except Exception as error:  # a peer that is not installed, or does not run
            print(f"left out: {name} ({type(error).__name__}: {str(error).splitlines()[0][:90]})")
            continue
        assets[name], calls[name] = count, call
    taken = {name: t / assets[name] for name, t in seconds(calls, rounds).items()}
    print("\n| | ns an update | updates a second |\n|---|---|---|")
    for name, one in taken.items():
        print(f"| {name} | {one * 1e9:,.1f} | {1 / one:,.0f} |")
    print()
    for kind in (f"{threads} threads", "1 thread"):
        ratio = taken[f"exact filters, {kind}"] / taken[f"copying the same bytes, {kind}"]
        print(f"exact filters over copying, {kind}: {ratio:.2f}")
    for peer in ("TFP batched", "TFP batched, XLA"):
        if peer in taken:
            ratio = taken[peer] / taken[f"particle filters, {threads} threads"]
            print(f"{peer} over particle filters: {ratio:.0f}")


def prior() -> Prior:
    eye = np.eye(STATES)
    return Prior(np.zeros(STATES), eye * PRIOR, eye * Q, np.array([R**0.5]))


def run(folder: Path, every: int) -> None:
    fleet = Fleet(prior(), unknown="add", step=60.0)
    stream(
        fleet, Source(folder.parent / "in"), checkpoint=folder / "fleet.checkpoint", every=every,
        out=folder / "out",
    )  # fmt: skip


def contents(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.suffix != ".previous"
    }


def streaming(assets: int, each: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    rows = assets * each
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        truth = rng.normal(size=(assets, STATES)) * PRIOR**0.5
        for i in range(each):
            ids = rng.permutation(assets)
            features = rng.normal(size=(assets, STATES - 1))
            seen = np.sum(features * truth[ids, :-1], axis=1) + truth[ids, -1]
            table = {
                "asset": ids, "time": np.full(assets, 60.0 * i),
                "features": pa.FixedSizeListArray.from_arrays(features.ravel(), STATES - 1),
                "measured": seen + rng.normal(size=assets) * R**0.5,
            }  # fmt: skip
            pq.write_table(pa.table(table), folder / "in" / f"{i:05d}.parquet")
        (folder / "whole").mkdir()
        (folder / "killed").mkdir()
        script = "import sys; from pathlib import Path; from fleet import run; "
        script += "run(Path(sys.argv[1]), int(sys.argv[2]))"

        def begin(where: str) -> subprocess.Popen[bytes]:
            line = [sys.executable, "-c", script, str(folder / where), str(rows // 10)]
            return subprocess.Popen(line, cwd=Path(__file__).parent)

        start = time.perf_counter()
        assert begin("whole").wait() == 0
        took = time.perf_counter() - start
        child = begin("killed")
        while len(list((folder / "killed" / "out").glob("part-*.parquet"))) < 5:
            assert child.poll() is None
        child.kill()
        assert child.wait() == -signal.SIGKILL
        partly = Fleet(prior(), unknown="add", step=60.0)
        position = Checkpoint(folder / "killed" / "fleet.checkpoint").load(partly)
        assert position is not None
        assert begin("killed").wait() == 0
        fleet = Fleet(prior(), unknown="add", step=60.0)
        kept = Checkpoint(folder / "killed" / "fleet.checkpoint")
        assert kept.load(fleet) is not None
        same = contents(folder / "whole") == contents(folder / "killed")
        updates = int(fleet.updates(fleet.assets).sum())
        size = kept.path.stat().st_size
    print("\n| | |\n|---|---|")
    print(f"| assets | {len(fleet):,} |\n| measurements | {rows:,} |")
    print(f"| rows a second, Parquet to Parquet with 10 checkpoints | {rows / took:,.0f} |")
    print(f"| bytes of a checkpoint | {size:,} |")
    print(f"| killed when a checkpoint counted | {position['rows']:,} rows |")
    print(f"| updates after going on | {updates:,} |")
    print(f"| same bytes as the run that was not killed | {'yes' if same else 'NO'} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["speed", "stream"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--assets", type=int, default=100_000)
    parser.add_argument("--each", type=int, default=20)
    options = parser.parse_args()
    if options.what == "speed":
        speed(options.rounds)
    else:
        streaming(options.assets, options.each)


if __name__ == "__main__":
    main()
