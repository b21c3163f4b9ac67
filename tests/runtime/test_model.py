from __future__ import annotations

import numpy as np
import pytest

from homebody.errors import ModelError
from homebody.runtime import Model

from .models import dense_model, serialize

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(3, 5)).astype(np.float32)
BIAS = RNG.normal(size=3).astype(np.float32)
DATA = serialize(dense_model(WEIGHTS, BIAS))


def test_answers_are_the_closed_form() -> None:
    model = Model(DATA)
    x = RNG.normal(size=(1, 5)).astype(np.float32)
    (y,) = model(x)
    np.testing.assert_allclose(y, x @ WEIGHTS.T + BIAS, rtol=1e-5)


def test_results_survive_the_next_call() -> None:
    model = Model(DATA)
    (first,) = model(np.zeros((1, 5), np.float32))
    kept = first.copy()
    model(np.ones((1, 5), np.float32))
    np.testing.assert_array_equal(first, kept)


def test_specs_are_named() -> None:
    model = Model(DATA)
    assert [(s.name, s.shape, s.dtype) for s in model.inputs] == [("x", (1, 5), "float32")]
    assert [(s.name, s.shape, s.dtype) for s in model.outputs] == [("y", (1, 3), "float32")]


@pytest.mark.parametrize(
    "array", [np.zeros((1, 4), np.float32), np.zeros((1, 5)), np.zeros(5, np.float32)]
)
def test_a_wrong_input_is_named(array: np.ndarray) -> None:
    with pytest.raises(ModelError, match="'x'.*expected float32"):
        Model(DATA)(array)


def test_the_number_of_inputs_is_checked() -> None:
    with pytest.raises(ModelError, match="takes 1 inputs and was given 0"):
        Model(DATA)()


def test_an_operation_that_the_runtime_lacks_is_one_sentence() -> None:
    broken = dense_model(WEIGHTS, BIAS)
    broken.operatorCodes[0].builtinCode = 32  # CUSTOM
    broken.operatorCodes[0].deprecatedBuiltinCode = 32
    broken.operatorCodes[0].customCode = "Nobody"
    with pytest.raises(ModelError, match="Nobody"):
        Model(serialize(broken))


def test_a_name_that_is_no_text_is_one_sentence() -> None:
    at = DATA.index(b"\x01\0\0\0x\0")
    broken = DATA[: at + 4] + b"\xff" + DATA[at + 5 :]
    with pytest.raises(ModelError, match="cannot run this model"):
        Model(broken)
