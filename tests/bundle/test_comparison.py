from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from homebody.bundle import OutputTolerance, Tolerances
from homebody.bundle.comparison import Measurement, compare, measure, sqnr_db
from homebody.bundle.samples import Outcome
from homebody.errors import CheckError

ALL = Tolerances(outputs={"y": OutputTolerance(sqnr_db=40.0, max_abs=0.5, top1=0.5)}, answers=0.5)


def outcome(name: str, y: Any, answer: Any = "a", hashed: str = "0") -> Outcome:
    outputs = {"y": np.asarray(y, np.float32)}
    return Outcome(name=name, input_sha256={"x": hashed}, outputs=outputs, answer=answer)


def by_quantity(found: list[Measurement]) -> dict[str, Measurement]:
    return {one.quantity: one for one in found}


def test_what_is_equal_passes_everything() -> None:
    same = [outcome("p", [[1, 2]]), outcome("q", [[0, 0]])]
    found = by_quantity(measure(same, same, ALL))
    assert compare(same, same, ALL) == []
    assert found["sqnr_db"].measured == math.inf
    assert found["max_abs"].measured == 0
    assert found["top1"].measured == found["answers"].measured == found["input"].measured == 1
    assert {one.worst for one in found.values()} == {None}


def test_each_quantity_by_hand() -> None:
    expected = [outcome("p", [[3, 4]]), outcome("q", [[0, 10]], answer=["b", 1])]
    actual = [
        outcome("p", [[3, 4.5]], hashed="1"),
        outcome("q", [[11, 10]], answer=("b", 2)),
    ]
    found = by_quantity(measure(expected, actual, ALL))
    # Signal 9 + 16 + 100, difference 0.25 + 121.
    assert found["sqnr_db"].measured == pytest.approx(10 * math.log10(125 / 121.25))
    assert found["sqnr_db"].worst == "q"
    assert found["max_abs"].measured == 11
    assert found["max_abs"].worst == "q"
    assert found["top1"].measured == 0.5
    assert found["top1"].worst == "q"
    assert found["input"].measured == 0.5
    assert found["input"].worst == "p"
    assert found["answers"].measured == 0.5
    assert found["answers"].worst == "q"
    failed = {one.quantity for one in compare(expected, actual, ALL)}
    assert failed == {"input", "sqnr_db", "max_abs"}


def test_answers_compare_as_json() -> None:
    one = [outcome("p", [[1]], answer={"a": (1, 2)})]
    two = [outcome("p", [[1]], answer={"a": [1, 2]})]
    assert compare(one, two, Tolerances(outputs={})) == []


def test_only_what_a_tolerance_states_is_measured() -> None:
    same = [outcome("p", [[1, 2]])]
    just = Tolerances(outputs={"y": OutputTolerance(max_abs=1.0)})
    quantities = [one.quantity for one in measure(same, same, just)]
    assert quantities == ["input", "max_abs", "answers"]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_never_passes(bad: float) -> None:
    good, other = [outcome("p", [[1, 2]])], [outcome("p", [[1, bad]])]
    lax = Tolerances(outputs={"y": OutputTolerance(sqnr_db=0.0, max_abs=1e300)})
    failed = {one.quantity for one in compare(good, other, lax)}
    assert failed == {"sqnr_db", "max_abs"}
    if math.isnan(bad):
        top1 = Tolerances(outputs={"y": OutputTolerance(top1=1.0)})
        assert [one.quantity for one in compare(good, other, top1)] == ["top1"]


def test_a_silent_expectation_allows_no_noise() -> None:
    silent, noisy = [outcome("p", [[0, 0]])], [outcome("p", [[0, 1e-9]])]
    strict = Tolerances(outputs={"y": OutputTolerance(sqnr_db=0.0)})
    assert compare(silent, silent, strict) == []
    assert [one.measured for one in compare(silent, noisy, strict)] == [-math.inf]


def test_what_cannot_be_compared_is_an_error_and_no_pass() -> None:
    one = [outcome("p", [[1, 2]])]
    for expected, actual in (
        ([], []),
        (one, []),
        (one, [outcome("q", [[1, 2]])]),
        (one, [outcome("p", [[1, 2, 3]])]),
        (one, [outcome("p", [1, 2])]),
        (one, [Outcome(name="p", input_sha256={"x": "0"}, outputs={}, answer="a")]),
    ):
        with pytest.raises(CheckError):
            measure(expected, actual, ALL)


@given(
    hnp.arrays("int16", 8, elements=st.integers(-800, 800)),
    st.sampled_from([0.5, 3.0, 4.0]),
)
def test_sqnr_is_of_the_scale_and_not_of_the_size(signal: Any, scale: float) -> None:
    noisy = signal + 0.125
    assert sqnr_db(signal * scale, noisy * scale) == pytest.approx(sqnr_db(signal, noisy))


@given(st.floats(0.001, 0.5))
def test_sqnr_of_a_known_relative_error(share: float) -> None:
    signal = np.linspace(-1, 1, 64)
    assert sqnr_db(signal, signal * (1 + share)) == pytest.approx(-20 * math.log10(share))


def test_top1_looks_at_every_row_of_a_sample() -> None:
    expected = [outcome("p", [[[1, 2], [2, 1]]])]
    actual = [outcome("p", [[[1, 2], [1, 2]]])]
    rule = Tolerances(outputs={"y": OutputTolerance(top1=1.0)})
    assert [one.quantity for one in compare(expected, actual, rule)] == ["top1"]


def test_a_measurement_reads_as_a_sentence() -> None:
    expected, actual = [outcome("p", [[0, 10]])], [outcome("p", [[0, 9]], "b")]
    lines = [str(one) for one in measure(expected, actual, ALL)]
    assert lines == [
        "input tensors: share equal bit for bit is 1, at least 1 required",
        "y: SQNR is 20 dB, at least 40 dB required (worst: p)",
        "y: largest difference is 1, at most 0.5 required (worst: p)",
        "y: share of samples with the same arg-max is 1, at least 0.5 required",
        "answers: share equal is 0, at least 0.5 required (worst: p)",
    ]
