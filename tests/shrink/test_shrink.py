from __future__ import annotations

import numpy as np
import pytest

from homebody.errors import CalibrationError
from homebody.runtime import Model
from homebody.shrink import shrink

from ..runtime.models import dense_model, serialize

RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.normal(size=(6, 12)).astype(np.float32)
BIAS = RANDOM.normal(size=6).astype(np.float32)
DENSE = serialize(dense_model(WEIGHTS, BIAS))
SAMPLES = RANDOM.normal(size=(50, 12)).astype(np.float32)


def test_a_dense_layer_becomes_int8_and_stays_near_the_float_one() -> None:
    shrunk = shrink(DENSE, SAMPLES)
    model = Model(shrunk.model)
    got = np.concatenate([model(x[None])[0] for x in SAMPLES])
    expected = SAMPLES @ WEIGHTS.T + BIAS
    assert 10 * np.log10((expected**2).sum() / ((expected - got) ** 2).sum()) > 35
    (op,) = shrunk.report.operations
    assert (op.format, op.reason) == ("int8", None)


def test_a_used_up_generator_is_not_a_calibration_set() -> None:
    generator = iter(SAMPLES)
    list(generator)
    with pytest.raises(CalibrationError, match="not a single sample"):
        shrink(DENSE, generator)
