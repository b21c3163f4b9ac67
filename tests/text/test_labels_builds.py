"""The kernels of features and labels under sanitizers, and without a processor's own paths."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from homebody import text
from homebody.kernels import labels

ROOT = Path(__file__).parents[2]
FLAGS = ["-std=c11", "-O1", "-g", "-fPIC", "-shared", "-ffp-contract=off", "-fno-math-errno"]
pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="written for Linux's loader")


def compile_into(folder: Path, command: list[str]) -> Path:
    kernels = ROOT / "kernels"
    sources = [str(path) for path in (kernels / "abi.c", *sorted(kernels.glob("text*.c")))]
    line = [*command, *FLAGS, "-o", str(folder / "libhomebody.so"), *sources]
    run = subprocess.run(line, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder


def exercise(folder: Path, **environment: str) -> None:
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("exercise_labels.py")), str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert run.returncode == 0, f"stopped with {run.returncode}\n{run.stderr[-4000:]}"
    assert int(run.stdout) > 1000


def test_no_undefined_behaviour(tmp_path):
    pytest.importorskip("ziglang")
    trap = ["-fsanitize=undefined", "-fsanitize-trap=undefined"]
    exercise(compile_into(tmp_path, [sys.executable, "-m", "ziglang", "cc", *trap]))


def test_no_byte_out_of_bounds(tmp_path):
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("gcc, whose address sanitizer is used, is not installed")
    line = [gcc, "-print-file-name=libasan.so"]
    runtime = subprocess.run(line, capture_output=True, text=True).stdout.strip()
    if not os.path.isabs(runtime):
        pytest.skip("gcc has no address sanitizer")
    folder = compile_into(tmp_path, [gcc, "-fsanitize=address", "-Wno-psabi"])
    options = "detect_leaks=0:abort_on_error=1"
    exercise(folder, LD_PRELOAD=runtime, ASAN_OPTIONS=options, PYTHONMALLOC="malloc")


def test_every_path_gives_the_same(tmp_path, monkeypatch):
    pytest.importorskip("ziglang")
    rng = np.random.default_rng(5)
    scores = rng.standard_normal((4, 30, 21), np.float32)
    weights = rng.random((22, 22), np.float32)

    def decoded() -> list[text.Ragged]:
        return [
            decode(scores if logarithms else np.exp(scores), None, None, weights, logarithms, True)
            for decode in (text.viterbi_constrained_sequence, text.greedy_constrained_sequence)
            for logarithms in (False, True)
        ]

    expected = decoded()
    zig = [sys.executable, "-m", "ziglang", "cc", "-DHB_PLAIN"]
    opened = ctypes.CDLL(str(compile_into(tmp_path, zig) / "libhomebody.so"))
    for name in ("hb_sequences_scratch", "hb_viterbi", "hb_greedy"):
        known, function = getattr(labels._load(), name), getattr(opened, name)
        function.argtypes, function.restype = known.argtypes, known.restype
    monkeypatch.setattr(labels, "_load", lambda: opened)
    assert decoded() == expected
