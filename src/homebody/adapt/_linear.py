"""What the filters of a last layer share: rows in, predictions out, a block in C between."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.errors import FilterError
from homebody.kernels import MAX_MEASURED, MAX_ROW, MAX_STEPS, Kalman, Particles

Array = NDArray[np.float64]


class Prediction(NamedTuple):
    """What is expected of the next measurement, noise included.

    Attributes:
        mean: float64 [outputs].
        sigma: float64 [outputs]: standard deviation.
    """

    mean: Array
    sigma: Array


_new = tuple.__new__


class Linear:
    """A filter of y = rows x + noise over a block in C.

    A measurement has as many rows as outputs; a single row may be one-dimensional. A measured
    NaN is missing: that output teaches nothing, and the state still moves on.
    """

    _kernel: ClassVar[type[Kalman] | type[Particles]]
    _skip: ClassVar[int]  # where in the block's result the predictions begin
    _block: Any  # a _kernel

    @classmethod
    def of(cls, saved: bytes) -> Self:
        """A filter from what :meth:`save` gave.

        Raises:
            KernelError: the bytes are no such thing.
        """
        filter = cls.__new__(cls)
        filter._bind(cls._kernel.of(saved))
        return filter

    def _bind(self, block: Kalman | Particles) -> None:
        self._block, skip = block, self._skip
        self.states: int = block.rows.shape[1]
        self.outputs: int = block.rows.shape[0]
        self._shape = block.rows.shape
        self._measured, self._result = block.measured, block.result
        # What costs a microsecond in a call is done here once.
        self._rows = block.rows[0] if self.outputs == 1 else block.rows
        self._row_shape = self._rows.shape
        self._expected = block.result[skip : skip + self.outputs]
        self._sigma = block.result[skip + self.outputs :]
        self._kernel_update, self._kernel_predict = block.update, block.predict

    def predict(self, rows: ArrayLike, dt: float = 1.0) -> Prediction:
        """What the next measurement through these rows should be; changes nothing.

        Args:
            rows: [outputs, states], or [states] for one output.
            dt: steps of the process until then, 0 or more.

        Raises:
            FilterError: a shape is wrong, or a number is not finite.
        """
        self._take_rows(rows)
        if self._kernel_predict(dt):
            self._refuse(dt)
        return Prediction(self._expected.copy(), self._sigma.copy())

    def update(self, rows: ArrayLike, measured: ArrayLike, dt: float = 1.0) -> Prediction:
        """Learn from one measurement; give what was expected before it.

        Args:
            rows: [outputs, states], or [states] for one output.
            measured: [outputs], or a number for one output; NaN where missing.
            dt: steps of the process since the last update, 0 or more.

        Raises:
            FilterError: a shape is wrong, or a number is infinite or NaN; the state is as before.
        """
        if type(rows) is np.ndarray and rows.shape == self._row_shape:
            self._rows[:] = rows
        else:
            self._take_rows(rows)
        if type(measured) is float and self.outputs == 1:
            self._measured[0] = measured
        else:
            self._measured[:] = self._measurement(measured)
        if self._kernel_update(dt):
            self._refuse(dt)
        # Quicker than Prediction(...), whose arguments are matched by name.
        return _new(Prediction, (self._expected.copy(), self._sigma.copy()))

    def _take_rows(self, rows: Any) -> None:
        rows = np.asarray(rows, np.float64)
        if rows.shape not in (self._row_shape, self._shape):
            raise FilterError(f"rows are {list(rows.shape)}; give {list(self._row_shape)}")
        self._rows[:] = rows.reshape(self._row_shape)

    def _measurement(self, measured: Any) -> Array:
        array = np.asarray(measured, np.float64)
        if array.shape not in (((), (1,)) if self.outputs == 1 else ((self.outputs,),)):
            raise FilterError(
                f"a measurement is {list(array.shape)}; give {self.outputs} numbers, NaN if missing"
            )
        return array

    def _refuse(self, dt: float) -> None:
        if not 0 <= dt <= MAX_STEPS:
            raise FilterError(f"dt is {dt}; give 0 to {MAX_STEPS:g} steps")
        raise FilterError(
            f"a row is beyond {MAX_ROW:g}, a measurement beyond {MAX_MEASURED:g}, or not finite; "
            "give other units (a missing measurement is NaN)"
        )

    @property
    def mean(self) -> Array:
        """The state's mean after the last update, float64 [states]; a copy."""
        return np.array(self._block.mean)

    @property
    def covariance(self) -> Array:
        """The state's covariance after the last update, float64 [states, states]; a copy."""
        return np.array(self._block.covariance)

    @property
    def noise(self) -> Array:
        """The noise's standard deviation (Student-t: scale), float64 [outputs]; a copy."""
        return np.array(self._block.noise)

    def save(self) -> bytes:
        """Everything the filter remembers, for :meth:`restore`."""
        saved: bytes = self._block.save()
        return saved

    def restore(self, saved: bytes) -> None:
        """Go back to what a filter of the same sizes saved.

        Raises:
            KernelError: it is of another size or kind.
        """
        self._block.restore(saved)


def independent(noise: Any, outputs: int) -> Array:
    """The noise's standard deviations [outputs], refused if correlated or zero."""
    covariance = noise.covariance(outputs)
    if np.any(covariance != np.diag(np.diag(covariance))):
        raise FilterError(
            "the outputs' noise is correlated; multiply rows and measurements by the inverse "
            "of a factor of its covariance, and give Gaussian(1.0)"
        )
    sd: Array = np.sqrt(np.diag(covariance))
    if (sd <= 0).any():
        raise FilterError("the noise has a standard deviation of 0; give what the sensor has")
    return sd
