"""The filters built otherwise: with sanitizers, without AVX2, by gcc, and as WebAssembly."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from homebody import kernels
from tests.kernels.test_conformance import ROOT, load

HERE = Path(__file__).parent
WASM = kernels.NATIVE / "filters.wasm"
linux = pytest.mark.skipif(platform.system() != "Linux", reason="written for Linux's loader")
FLAGS = ["-std=c11", "-O1", "-g", "-fPIC", "-shared", "-ffp-contract=off", "-fno-math-errno"]


def compile_into(folder: Path, command: list[str]) -> Path:
    sources = [str(path) for path in sorted((ROOT / "kernels").glob("*.c"))]
    line = [*command, *FLAGS, "-o", str(folder / "libhomebody.so"), *sources]
    run = subprocess.run(line, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder


def exercise(folder: Path, **environment: str) -> None:
    run = subprocess.run(
        [sys.executable, str(HERE / "exercise_filters.py"), str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert run.returncode == 0, f"stopped with {run.returncode}\n{run.stderr[-4000:]}"
    assert int(run.stdout) > 1000


@linux
def test_no_undefined_behaviour(tmp_path):
    pytest.importorskip("ziglang")
    trap = ["-fsanitize=undefined", "-fsanitize-trap=undefined"]
    exercise(compile_into(tmp_path, [sys.executable, "-m", "ziglang", "cc", *trap]))


@linux
def test_no_byte_out_of_bounds(tmp_path):
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("gcc, whose address sanitizer is used, is not installed")
    line = [gcc, "-print-file-name=libasan.so"]
    runtime = subprocess.run(line, capture_output=True, text=True).stdout.strip()
    if not os.path.isabs(runtime):
        pytest.skip("gcc has no address sanitizer")
    folder = compile_into(tmp_path, [gcc, "-fsanitize=address", "-Wno-psabi"])
    exercise(folder, LD_PRELOAD=runtime, ASAN_OPTIONS="detect_leaks=0:abort_on_error=1")


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


OTHERWISE = """
import json, sys
from pathlib import Path
from homebody.kernels import _library
_library.NATIVE = Path(sys.argv[1])
from tests.kernels.test_filter_builds import cases, run
print(json.dumps([run(case) for case in cases()]))
"""


def results_of(folder: Path) -> list[list[str]]:
    command = [sys.executable, "-c", OTHERWISE, str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_the_same_bits_without_the_processors_own_paths(tmp_path):
    pytest.importorskip("ziglang")
    load(ROOT / "kernels" / "build.py").build_native(tmp_path, extra=("-DHB_PLAIN",))
    assert results_of(tmp_path) == [run(case) for case in cases()]


@linux
def test_the_same_bits_from_gcc(tmp_path):
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("gcc is not installed")
    compile_into(tmp_path, [gcc, "-O3", "-Wno-psabi"])
    assert results_of(tmp_path) == [run(case) for case in cases()]


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
    assert json.loads(ran.stdout) == [run(case) for case in cases()]
