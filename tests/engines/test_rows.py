"""Real inputs are put together into calls of the shapes that are asked for, and only those."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebody.engines.graph import Tensor
from homebody.engines.rows import MEASURED, Rows
from homebody.errors import EngineError

FLOAT = np.dtype("float32")


def numbered(count: int) -> Rows:
    return Rows({"x": np.arange(count, dtype=np.float32)[:, None].repeat(3, 1)}, "x.npz")


@given(st.integers(1, 20), st.integers(1, 9), st.integers(0, 5))
def test_calls_take_row_after_row_and_begin_again(count, batch, number):
    made = numbered(count).call([Tensor("x", FLOAT, (batch, 3))], number)
    assert made is not None
    assert made["x"].shape == (batch, 3)
    wanted = [(number * batch + n) % count for n in range(batch)]
    assert made["x"][:, 0].tolist() == wanted


@given(st.integers(1, 40), st.integers(1, 9))
def test_as_many_calls_as_there_are_rows_for(count, batch):
    found = numbered(count).calls([Tensor("x", FLOAT, (batch, 3))])
    assert len(found) == max(1, min(MEASURED, count // batch))
    if count >= batch:
        used = [row for call in found for row in call["x"][:, 0]]
        assert len(set(used)) == len(used)


def test_an_open_batch_is_one_row():
    (first, *_) = numbered(3).calls([Tensor("x", FLOAT, (-1, 3))])
    assert first["x"].shape == (1, 3)


@pytest.mark.parametrize(
    "tensor",
    [
        Tensor("x", FLOAT, (1, 4)),
        Tensor("x", FLOAT, (1, 3, 1)),
        Tensor("x", np.dtype("int64"), (1, 3)),
        Tensor("x", FLOAT, ()),
    ],
)
def test_what_does_not_fit_is_not_taken(tensor):
    rows = numbered(3)
    assert rows.call([tensor]) is None
    assert rows.calls([tensor]) == []


def test_one_array_of_any_name_serves_the_only_input_alone():
    rows = numbered(2)
    assert rows.call([Tensor("other", FLOAT, (1, 3))]) is not None
    assert rows.call([Tensor("x", FLOAT, (1, 3)), Tensor("y", FLOAT, (1, 3))]) is None
    two = Rows({"x": np.zeros((2, 3), np.float32), "z": np.zeros((2, 3), np.float32)})
    assert two.call([Tensor("other", FLOAT, (1, 3))]) is None


@pytest.mark.parametrize("arrays", [{}, {"x": np.zeros((0, 3))}, {"x": np.float32(3.0)}])
def test_no_rows_are_refused(arrays):
    with pytest.raises(EngineError, match=r"x\.npz holds no rows"):
        Rows(arrays, "x.npz")
