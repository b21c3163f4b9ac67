"""The kernels under instruments that stop at undefined behaviour and at bytes out of bounds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernels.builds import ROOT, bounds, linux, sanitized
from tests.kernels.exercise import exercise, exercise_jpeg

EXERCISE = Path(__file__).with_name("exercise.py")


@sanitized
@pytest.mark.parametrize("kernels", [exercise, exercise_jpeg])
def test_nothing_undefined_and_no_byte_out_of_bounds(build, kernels):
    assert build().answer(kernels) > 10


@linux
def test_no_byte_out_of_bounds_without_the_processors_own_paths():
    assert bounds("-DHB_PLAIN").answer(exercise) > 10


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


def test_exercise_reaches_every_kernel():
    """A kernel that gets golden vectors has to be exercised too."""
    text = EXERCISE.read_text()
    for path in (ROOT / "conformance" / "kernels").glob("*.json"):
        assert f"kernels.{path.stem}(" in text
