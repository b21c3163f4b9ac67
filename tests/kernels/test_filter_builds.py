"""The filters built otherwise: with sanitizers, without AVX2, by gcc, and as WebAssembly."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from homebody import kernels
from tests.kernels.builds import gcc, linux, plain, sanitized
from tests.kernels.exercise_filters import exercise

HERE = Path(__file__).parent
WASM = kernels.NATIVE / "filters.wasm"


@sanitized
def test_nothing_undefined_and_no_byte_out_of_bounds(build):
    assert build().answer(exercise) > 1000


def cases() -> list[dict]:
    """What every build is to give the same bits for."""
    rng = np.random.default_rng(21)
    found = []
    for states, count, outputs, scheme, degrees in (
        (5, 500, 1, "systematic", 0.0), (3, 37, 2, "stratified", 4.0),
        (4, 64, 1, "residual", 0.0), (2, 101, 1, "multinomial", 3.0),
    ):  # fmt: skip
        root = rng.normal(size=(states, states)) * 0.2
        covariance = root @ root.T + 0.05 * np.eye(states)
        rows = rng.normal(size=(12, outputs, states))
        measured = rng.normal(size=(12, outputs)) * 0.3
        found.append(
            {
                "states": states, "count": count, "outputs": outputs, "degrees": degrees,
                "scheme": kernels.RESAMPLING.index(scheme), "seed": 77, "stream": count,
                "mean": rng.normal(size=states).tolist(), "covariance": covariance.tolist(),
                "noise": [0.25] * outputs, "rows": rows.tolist(),
                "measured": measured.tolist(), "process": (covariance * 0.01).tolist(),
            }
        )  # fmt: skip
    return found


def factors(case: dict) -> tuple[np.ndarray, np.ndarray]:
    prior, step = (np.linalg.cholesky(np.array(case[n])) for n in ("covariance", "process"))
    return prior.astype(np.float32), step.astype(np.float32)


def run(case: dict) -> list[str]:
    """The SHA-256 of what the block of particles, and of the exact filter, hold at the end."""
    prior, step = factors(case)
    particles = kernels.Particles(
        case["states"], case["count"], case["outputs"], mean=np.array(case["mean"]), factor=prior,
        resampling=kernels.RESAMPLING[case["scheme"]], degrees=case["degrees"], seed=case["seed"],
        stream=case["stream"],
    )  # fmt: skip
    particles.factor[:] = step
    exact = kernels.Kalman(
        case["states"], case["outputs"], mean=np.array(case["mean"]),
        covariance=np.array(case["covariance"]), process=np.array(case["process"]),
        degrees=case["degrees"], adaptive=0.1,
    )  # fmt: skip
    for block in (particles, exact):
        block.noise[:] = case["noise"]
        for rows, measured in zip(case["rows"], case["measured"], strict=True):
            block.rows[:], block.measured[:] = rows, measured
            assert block.update(1.5) == 0
        assert block.predict(2.0) == 0
    return [hashlib.sha256(block.save()).hexdigest() for block in (particles, exact)]


def results() -> list[list[str]]:
    return [run(case) for case in cases()]


@pytest.mark.parametrize("build", [plain, pytest.param(gcc, marks=linux)])
def test_the_same_bits_from_other_builds(build):
    assert build().answer(results) == results()


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.skipif(not WASM.exists(), reason="the WebAssembly module was not built")
def test_the_same_bits_in_webassembly(tmp_path):
    prepared = []
    for case in cases():
        prior, step = factors(case)
        prepared.append({**case, "prior": prior.ravel().tolist(), "factor": step.ravel().tolist()})
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(prepared))
    command = ["node", str(HERE / "run_filters.mjs"), str(WASM), str(path)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == results()
