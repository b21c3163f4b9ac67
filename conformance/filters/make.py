"""Write the filters' golden steps: ``python conformance/filters/make.py``.

The rule for inputs and the file's form are in README.md here. :func:`run` follows one case with
:mod:`homebody.kernels`; the tests use it too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.kernels import Kalman, Particles
from homebody.kernels.choices import choose

FOLDER = Path(__file__).parent
EVERY = 50
CASES: list[dict[str, Any]] = [
    {"name": "particles, Gaussian", "filter": "particles", "states": 5, "outputs": 1, "seed": 1,
     "particles": 500, "resampling": "systematic", "threshold": 0.5, "degrees": 0},
    {"name": "particles, Student-t, two outputs", "filter": "particles", "states": 4, "outputs": 2,
     "seed": 2, "particles": 333, "resampling": "residual", "threshold": 0.7, "degrees": 4},
    {"name": "particles, choices", "filter": "choices", "states": 8, "outputs": 6, "seed": 3,
     "particles": 1024, "resampling": "stratified", "threshold": 0.5, "degrees": 0},
    {"name": "Kalman", "filter": "kalman", "states": 5, "outputs": 1, "seed": 4,
     "degrees": 0, "adaptive": 0},
    {"name": "Kalman, Student-t, adaptive, two outputs", "filter": "kalman", "states": 6,
     "outputs": 2, "seed": 5, "degrees": 4, "adaptive": 0.1},
    {"name": "extended: straightened at the mean", "filter": "extended", "states": 2, "outputs": 1,
     "seed": 6, "degrees": 0, "adaptive": 0},
]  # fmt: skip
for case in CASES:
    case["steps"] = 300


def numbers(seed: int, count: int) -> NDArray[np.float64]:
    """The finaliser of MurmurHash3 over 65536 seed, 65536 seed + 1, ..., as -1 to 1."""
    h = np.arange(seed << 16, (seed << 16) + count, dtype=np.uint64).astype(np.uint32)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h.astype(np.float64) / 2**31 - 1


def made(case: dict[str, Any]) -> Particles | Kalman:
    """The case's filter before its first step."""
    states, outputs = case["states"], case["outputs"]
    if "particles" in case:
        block = Particles(
            states, case["particles"], outputs, mean=np.zeros(states),
            factor=np.eye(states, dtype=np.float32), resampling=case["resampling"],
            threshold=case["threshold"], degrees=case["degrees"], seed=case["seed"], stream=7,
        )  # fmt: skip
        block.factor[:] = np.eye(states) / 16
        block.noise[:] = 0.25
        return block
    # Correlated: 2 on the diagonal, 1 beside it, 0.5 of the rest.
    covariance = 0.5 * np.ones((states, states)) + 1.5 * np.eye(states)
    exact = Kalman(
        states, outputs, mean=np.full(states, 0.5), covariance=covariance,
        process=covariance / 1024, degrees=case["degrees"], adaptive=case["adaptive"],
    )  # fmt: skip
    exact.noise[:] = 0.25
    return exact


def run(case: dict[str, Any]) -> list[dict[str, Any]]:
    """What the filter holds after every 50th step."""
    block = made(case)
    step: Callable[[int], None] = {"choices": _choice, "extended": _extended}.get(
        case["filter"], _measurement
    )(block, case)
    held = []
    for k in range(case["steps"]):
        step(k)
        if (k + 1) % EVERY == 0:
            sha256 = hashlib.sha256(block.save()).hexdigest()
            held.append({"step": k + 1, "mean": block.mean.tolist(), "sha256": sha256})
    return held


def _measurement(block: Particles | Kalman, case: dict[str, Any]) -> Callable[[int], None]:
    states, outputs, steps = case["states"], case["outputs"], case["steps"]
    width = outputs * states
    drawn = numbers(case["seed"], steps * (width + outputs)).reshape(steps, width + outputs)

    def step(k: int) -> None:
        block.rows[:] = drawn[k, :width].reshape(outputs, states)
        block.measured[:] = 2 * drawn[k, width:]
        if k % 17 == 16:
            block.measured[0] = np.nan
        assert block.update([1.0, 2.5, 0.0][k % 3]) == 0

    return step


def _choice(block: Particles, case: dict[str, Any]) -> Callable[[int], None]:
    states, options, steps = case["states"], case["outputs"], case["steps"]
    drawn = numbers(case["seed"], steps * options * states).reshape(steps, options, states)

    def step(k: int) -> None:
        rows = 2 * drawn[k]
        choose(block, rows, int(np.argmax(rows[:, 0])))  # whoever has most of the first number

    return step


def _extended(block: Kalman, case: dict[str, Any]) -> Callable[[int], None]:
    drawn = numbers(case["seed"], 2 * case["steps"]).reshape(-1, 2)

    def step(k: int) -> None:
        # y = a s(b u) with s(z) = z / (1 + |z|), the truth a = 2, b = 3; + - * / alone, so that
        # every platform has the same bits.
        u, noise = float(drawn[k, 0]), 0.25 * float(drawn[k, 1])
        a, b = (float(one) for one in block.mean)
        z, truth = b * u, 3 * u
        bend = 1 + abs(z)
        rows = [z / bend, a * u / (bend * bend)]
        measured = 2 * (truth / (1 + abs(truth))) + noise
        block.rows[0] = rows
        block.measured[0] = measured - a * rows[0] + (rows[0] * a + rows[1] * b)
        assert block.update(1.0) == 0

    return step


def main() -> None:
    """Write filters.json."""
    cases = [{**case, "held": run(case)} for case in CASES]
    text = "[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n"
    (FOLDER / "filters.json").write_text(text)


if __name__ == "__main__":
    main()
