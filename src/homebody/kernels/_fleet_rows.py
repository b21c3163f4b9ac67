"""What fleets' calls take and give: rows of measurements for assets' slots."""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels._arguments import described
from homebody.kernels._library import INT, POINTER, REAL

Array = NDArray[np.float64]
Slots = NDArray[np.int64]

MAX_ASSETS = 1 << 28
LEARNED, PUSHED, REFUSED = 1, 2, 4
"""Bits of :class:`Updated`'s flags."""


class Rows(ctypes.Structure):
    """``hb_fleet_rows``."""

    _fields_ = (
        ("count", INT), ("passes", INT), ("tile", POINTER), ("row", POINTER),
        ("features", POINTER), ("measured", POINTER), ("steps", POINTER), ("every", REAL),
        ("mean", POINTER), ("sigma", POINTER), ("anomaly", POINTER), ("flags", POINTER),
    )  # fmt: skip


class Updated(NamedTuple):
    """What a call gives for its n rows.

    Attributes:
        mean, sigma: float64 [n, outputs]: predicted before the measurement, by the state that
            answers; NaN where refused.
        anomaly: float64 [n]: squared innovation over its variance, summed over the outputs; NaN
            where nothing was learned.
        flags: uint8 [n]: bits ``LEARNED``, ``PUSHED`` (it answers from now on) and ``REFUSED``
            (a number is out of range; nothing changed).
    """

    mean: Array
    sigma: Array
    anomaly: Array
    flags: NDArray[np.uint8]


class Call:
    """The arrays of one call for n rows, checked, and what is to become of them.

    Args:
        features: float64 [n, f].
        measured: float64 [n, outputs], or None for a prediction.
        steps: float64 [n], or one number.
        slots: int64 [n] below ``count``, or None: a row for each of the ``count`` assets.
        shape: (f, outputs).
        out: of an earlier update of as many rows, to be written over.

    Raises:
        KernelError: a shape or a slot is wrong.
    """

    def __init__(
        self,
        features: Array,
        measured: Array | None,
        steps: Array | float,
        slots: Slots | None,
        *,
        shape: tuple[int, int],
        count: int,
        out: Updated | None = None,
    ) -> None:
        self.count = n = len(features)
        width, outputs = shape
        self.features = _checked(features, "features", (n, width))
        self.measured = None if measured is None else _checked(measured, "measured", (n, outputs))
        self.steps: Array | None = None
        self.every = 1.0
        if isinstance(steps, np.ndarray):
            self.steps = _checked(steps, "steps", (n,))
        else:
            self.every = float(steps)
        self.slots = _slots(slots, n, count)
        if out is not None and (len(out.mean) != n or measured is None):
            raise KernelError(f"out is of {len(out.mean)} rows, and {n} are given")
        self.out = out or Updated(
            np.empty((n, outputs)),
            np.empty((n, outputs)),
            np.full(n, np.nan),
            np.empty(n, np.uint8),
        )

    def rows(self, first: int = 0) -> Rows:
        """The kernels' form of the rows from ``first`` on."""
        out = self.out

        def place(array: NDArray[Any] | None) -> int | None:
            return None if array is None else array[first:].ctypes.data

        return Rows(
            count=self.count - first, every=self.every, features=place(self.features),
            measured=place(self.measured), steps=place(self.steps), mean=place(out.mean),
            sigma=place(out.sigma), anomaly=None if self.measured is None else place(out.anomaly),
            flags=place(out.flags),
        )  # fmt: skip


def _checked(array: Any, name: str, shape: tuple[int, ...]) -> Array:
    given = np.ascontiguousarray(array, np.float64)
    if given.shape != shape:
        raise KernelError(f"{name} are {described(given)}; give float64 {list(shape)}")
    return given


def _slots(slots: Any, n: int, count: int) -> Slots | None:
    if n >= 2**31:
        raise KernelError(f"{n} rows are too many for one call; give fewer than 2^31")
    if slots is None:
        if n != count:
            raise KernelError(f"{n} rows without slots; give one for each of the {count} assets")
        return None
    given = np.ascontiguousarray(slots)
    if given.dtype.kind not in "iu" or given.shape != (n,):
        raise KernelError(f"slots are {described(given)}; give int64 [{n}]")
    given = given.astype(np.int64)
    if n and not (given.min() >= 0 and given.max() < count):
        raise KernelError(f"a slot is outside of 0 to {count - 1}; give assets that exist")
    return given
