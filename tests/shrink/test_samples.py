from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homebody.errors import CalibrationError
from homebody.runtime import Model, TensorSpec
from homebody.shrink import load_npz, shrink
from homebody.shrink.samples import Reservoir, iterate

from .nets import Net

RANDOM = np.random.default_rng(1)
SPEC = TensorSpec("x", (1, 4), "float32")
TWO = (SPEC, TensorSpec("ids", (1, 2), "int32"))
ROWS = RANDOM.normal(size=(5, 4)).astype(np.float32)


def _two_inputs() -> bytes:
    net = Net()
    a, b = net.input((1, 4), name="a"), net.input((1, 4), name="b")
    total = net.add(a, b)
    return net.build(total, net.dense(total, RANDOM.normal(size=(3, 4)), np.zeros(3)))


@pytest.mark.parametrize(
    "source",
    [ROWS, list(ROWS), [r[None] for r in ROWS], iter(ROWS), (r for r in ROWS), {"x": ROWS},
     {"another name": ROWS}, [{"x": r} for r in ROWS], [(r,) for r in ROWS],
     ROWS.astype(np.float64)],
)  # fmt: skip
def test_every_form_of_samples_is_the_same(source: Any) -> None:
    got = [sample for (sample,) in iterate(source, [SPEC])]
    assert [g.dtype for g in got] == [np.float32] * 5
    np.testing.assert_array_equal(np.concatenate(got), ROWS)


def test_inputs_are_matched_by_name_or_place() -> None:
    ids = np.arange(10, dtype=np.int64).reshape(5, 2)
    for source in ({"ids": ids, "x": ROWS}, list(zip(ROWS, ids, strict=True))):
        first, second = next(iter(iterate(source, TWO)))
        np.testing.assert_array_equal(first, ROWS[:1])
        assert second.dtype == np.int32
        np.testing.assert_array_equal(second, ids[:1])


@pytest.mark.parametrize(
    ("source", "inputs", "says"),
    [
        ("photos", [SPEC], "given as str"),
        (5, [SPEC], "given as int"),
        ([np.zeros(5, np.float32)], [SPEC], r"shape \[5\] for input 'x'; expected \[1, 4\]"),
        ([np.zeros(4, np.uint8)], [SPEC], "uint8 for input 'x'; expected float32"),
        ([np.float32([1, np.nan, 0, 0])], [SPEC], "sample 0 holds NaN"),
        ([ROWS[0], np.float32([1, np.inf, 0, 0])], [SPEC], "sample 1 holds NaN or infinity"),
        ([np.full(4, 1e300)], [SPEC], "infinity"),
        ([ROWS[0]], TWO, "takes 2 inputs"),
        ([(ROWS[0],)], TWO, "has 1 arrays"),
        ([{"x": ROWS[0]}], TWO, "give one array for each of x, ids"),
        ({"x": ROWS}, TWO, "name one array"),
        ({"x": ROWS, "ids": np.zeros((3, 2), np.int32)}, TWO, "give equally many"),
        ([(ROWS[0], np.array([1, 2**40]))], TWO, "int32 cannot hold"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(source: Any, inputs: Any, says: str) -> None:
    with pytest.raises(CalibrationError, match=says):
        list(iterate(source, inputs))


@pytest.mark.parametrize("none", [[], np.zeros((0, 4)), {"a": np.zeros((0, 4))}, iter(())])
def test_no_samples_are_an_error(none: Any) -> None:
    net = Net()
    net.dense(net.input((1, 4), name="a"), RANDOM.normal(size=(3, 4)))
    with pytest.raises(CalibrationError, match="not a single sample"):
        shrink(net.build(), none)
    with pytest.raises(CalibrationError, match="needs samples"):
        shrink(net.build())


def test_one_sample_is_enough_and_outputs_keep_their_order() -> None:
    data = _two_inputs()
    sample = {"b": ROWS[1], "a": ROWS[0]}
    shrunk = shrink(data, [sample])
    assert shrunk.report.calibration_samples == 1
    expected, got = (Model(d)(ROWS[:1], ROWS[1:2]) for d in (data, shrunk.model))
    for a, b in zip(expected, got, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, atol=0.03 * np.abs(a).max())


def test_a_model_that_makes_infinities_is_told_by_tensor() -> None:
    net = Net()
    net.op("EXP", [net.input((1, 4))], (1, 4), name="blows up")
    with pytest.raises(CalibrationError, match="'blows up' became NaN or infinite"):
        shrink(net.build(), [np.full(4, 1e3, np.float32)])


def test_npz_files(tmp_path: Path) -> None:
    path = tmp_path / "samples.npz"
    np.savez(path, x=ROWS)
    np.testing.assert_array_equal(load_npz(path)["x"], ROWS)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b"PK\x03\x04 not really"),
        lambda path: path.write_bytes(b""),
        lambda path: np.savez(path, x=np.array([{"an": "object"}], dtype=object)),
        lambda path: path.mkdir(),
        lambda path: None,
    ],
)
def test_what_is_no_npz_of_arrays_is_refused(tmp_path: Path, write: Callable[[Path], Any]) -> None:
    path = tmp_path / "samples.npz"
    write(path)
    with pytest.raises(CalibrationError, match="cannot be read as samples"):
        load_npz(path)


def test_a_reservoir_keeps_a_bounded_fair_share() -> None:
    samples = [(np.full(1, i, np.float32),) for i in range(1000)]
    reservoir = Reservoir(most=50)
    assert sum(1 for _ in reservoir.through(samples)) == 1000
    kept = [float(s[0][0]) for s in reservoir.samples]
    assert len(set(kept)) == 50
    assert 350 < np.mean(kept) < 650
    small = Reservoir(most=50, limit=8)
    list(small.through(samples))
    assert len(small.samples) == 2
