"""Models of one operation each, in float and in int8, and inputs for them."""

from __future__ import annotations

import numpy as np

from homebody.engines.tflite.registry import IMPORTERS
from homebody.runtime import Model
from homebody.shrink import shrink
from tests.shrink.nets import Net
from tests.shrink.test_operations import BUILD

KINDS = sorted(BUILD.keys() & IMPORTERS.keys())
INTEGER = [kind for kind in KINDS if kind != "BATCH_TO_SPACE_ND"]  # calibration feeds one row


def samples(data: bytes, count: int = 8) -> list[list[np.ndarray]]:
    dice = np.random.default_rng(3)
    inputs = Model(data).inputs
    return [[dice.normal(size=s.shape).astype(np.float32) for s in inputs] for _ in range(count)]


def in_float(kind: str) -> bytes:
    """A model of one operation."""
    net = Net()
    BUILD[kind](net)
    return net.build()


def in_int8(kind: str) -> tuple[bytes, list[list[np.ndarray]]]:
    """The same shrunk, and the inputs that it was shrunk with."""
    data = in_float(kind)
    seen = samples(data)
    names = [s.name for s in Model(data).inputs]
    columns = zip(names, zip(*seen, strict=True), strict=True)
    return shrink(data, {n: np.concatenate(v) for n, v in columns}).model, seen
