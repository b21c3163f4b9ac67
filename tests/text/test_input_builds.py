"""The kernels of model input under instruments that stop at undefined behaviour and stray bytes."""

from __future__ import annotations

from tests.kernels.builds import sanitized
from tests.text.exercise_input import exercise


@sanitized
def test_nothing_undefined_and_no_byte_out_of_bounds(build):
    assert build().answer(exercise) > 900


def test_it_runs_uninstrumented_too():
    assert exercise() > 900
