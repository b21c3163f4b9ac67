"""The kernels under instruments that stop at undefined behaviour and at bytes out of bounds."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXERCISE = Path(__file__).with_name("exercise.py")


def compile_into(folder: Path, command: list[str]) -> Path:
    sources = [str(path) for path in sorted((ROOT / "kernels").glob("*.c"))]
    flags = ["-std=c11", "-O1", "-g", "-fPIC", "-shared", "-ffp-contract=off"]
    line = [*command, *flags, "-o", str(folder / "libhomebody.so"), *sources]
    run = subprocess.run(line, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder


def exercise(folder: Path, **environment: str) -> None:
    run = subprocess.run(
        [sys.executable, str(EXERCISE), str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert run.returncode == 0, f"stopped with {run.returncode}\n{run.stderr[-4000:]}"
    assert int(run.stdout) > 0


linux = pytest.mark.skipif(platform.system() != "Linux", reason="written for Linux's loader")


@linux
def test_no_undefined_behaviour(tmp_path):
    pytest.importorskip("ziglang")
    trap = ["-fsanitize=undefined", "-fsanitize-trap=undefined"]
    exercise(compile_into(tmp_path, [sys.executable, "-m", "ziglang", "cc", *trap]))


@linux
def test_undefined_behaviour_would_be_noticed(tmp_path):
    pytest.importorskip("ziglang")
    source = tmp_path / "overflow.c"
    source.write_text(
        "#include <limits.h>\nint main(int n, char **v) { return INT_MAX + n < 0; }\n"
    )
    program = tmp_path / "overflow"
    zig = [sys.executable, "-m", "ziglang", "cc", "-fsanitize=undefined"]
    command = [*zig, "-fsanitize-trap=undefined", "-O1", "-o", str(program), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    assert subprocess.run([str(program)]).returncode < 0


@linux
@pytest.mark.parametrize("define", ["-DHB_ALL", "-DHB_PLAIN"])
def test_no_byte_out_of_bounds(tmp_path, define):
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("gcc, whose address sanitizer is used, is not installed")
    line = [gcc, "-print-file-name=libasan.so"]
    runtime = subprocess.run(line, capture_output=True, text=True).stdout.strip()
    if not os.path.isabs(runtime):
        pytest.skip("gcc has no address sanitizer")
    folder = compile_into(tmp_path, [gcc, "-fsanitize=address", define])
    options = "detect_leaks=0:abort_on_error=1"
    exercise(folder, LD_PRELOAD=runtime, ASAN_OPTIONS=options, PYTHONMALLOC="malloc")


def test_exercise_reaches_every_kernel():
    """A kernel that gets golden vectors has to be exercised too."""
    text = EXERCISE.read_text()
    for path in (ROOT / "conformance" / "kernels").glob("*.json"):
        assert f"kernels.{path.stem}(" in text
