"""State-space filters: an asset's state in one block of memory, and the kernels over it.

A block holds no pointer: it may be copied, saved and restored as bytes. Its parts are views.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels._arguments import described, integer
from homebody.kernels._block import MAX_OUTPUTS, MAX_STATES, Block, header, within
from homebody.kernels._drawing import MAX_PARTICLES, RESAMPLING, Resampling, scheme
from homebody.kernels._library import INT, POINTER, REAL, UINT, bind, check
from homebody.kernels._memory import aligned

_load = bind(
    {
        "hb_particles_layout": [INT, INT, INT, POINTER],
        "hb_particles_scratch": [INT, INT],
        "hb_particles_start": [
            POINTER, UINT, *[INT] * 4, REAL, REAL, UINT, UINT, POINTER, POINTER, UINT,
        ],
        "hb_particles_update": [POINTER, UINT, POINTER, UINT, REAL],
        "hb_particles_predict": [POINTER, UINT, POINTER, UINT, REAL],
        "hb_particles_summarise": [POINTER, UINT, POINTER, UINT],
        "hb_kalman_layout": [INT, INT, POINTER],
        "hb_kalman_start": [POINTER, UINT, INT, INT, REAL, REAL, *[POINTER] * 3],
        "hb_kalman_update": [POINTER, UINT, REAL],
        "hb_kalman_predict": [POINTER, UINT, REAL],
    },
    returns=dict.fromkeys(
        ("hb_particles_layout", "hb_particles_scratch", "hb_kalman_layout"), UINT
    ),
)  # fmt: skip


class Particles(Block):
    """A particle filter's block.

    Attributes:
        result: float64 [3 + 2 outputs]: effective sample size before resampling, whether it
            resampled, whether it collapsed; predicted mean, then standard deviation of each row.
        noise: float64 [outputs]: to be set; standard deviation (Student-t: scale).
        rows: float64 [outputs, states]: to be set before each call.
        measured: float64 [outputs]: to be set before each update; NaN is missing.
        factor: float32 [states, states]: to be set; lower triangular, factor factor' is the
            process's covariance in a step.
        centre: float64 [states]; particles: float32 [states, count] offsets from it.
        log_weights, weights: float32 [count].
        update, predict: the kernels; each takes the number of steps and gives a status, which is
            0 or says that a row, a measurement or the number is out of bounds.

    Args:
        states: 1 to 256.
        count: particles, 2 to 65,536.
        outputs: rows of one measurement, 1 to 64.
        resampling: the scheme.
        threshold: resample below this share of effective particles, 0 to 1.
        degrees: of the Student-t noise; 0 for Gaussian.
        seed, stream: 32-bit numbers; each pair draws its own numbers.
        mean: float64 [states]: the prior's.
        factor: float32 [states, states]: lower triangular factor of the prior's covariance.

    Raises:
        KernelError: a number is out of range.
    """

    def __init__(
        self,
        states: int,
        count: int,
        outputs: int,
        *,
        mean: NDArray[np.float64],
        factor: NDArray[np.float32],
        resampling: Resampling = "systematic",
        threshold: float = 0.5,
        degrees: float = 0.0,
        seed: int = 0,
        stream: int = 0,
    ) -> None:
        integer(states, "states", 1, MAX_STATES)
        integer(count, "count", 2, MAX_PARTICLES)
        integer(outputs, "outputs", 1, MAX_OUTPUTS)
        integer(seed, "seed", 0, 2**32 - 1)
        integer(stream, "stream", 0, 2**32 - 1)
        chosen = scheme(resampling)
        if not 0 <= threshold <= 1:
            raise KernelError(f"threshold is {threshold}; give a share from 0 to 1")
        if not 0 <= degrees <= 1e6:
            raise KernelError(f"degrees is {degrees}; give 0 (Gaussian) to 1e6")
        if mean.shape != (states,) or factor.shape != (states, states):
            raise KernelError(
                f"mean is {described(mean)} and factor {described(factor)}; "
                f"give [{states}] and [{states}, {states}]"
            )
        library = _load()
        at = np.zeros(11, np.uint32)
        length = library.hb_particles_layout(states, count, outputs, at.ctypes.data)
        self.memory = aligned(length)
        self._scratch = aligned(library.hb_particles_scratch(states, count))
        padded = (count + 15) // 16 * 16
        offsets = at.tolist()
        self.result = self._part(offsets[0], np.float64, (3 + 2 * outputs,))
        self.centre = self._part(offsets[1], np.float64, (states,))
        self._mean = self._part(offsets[2], np.float64, (states,))
        self._covariance = self._part(offsets[3], np.float64, (states, states))
        self.noise = self._part(offsets[4], np.float64, (outputs,))
        self.rows = self._part(offsets[5], np.float64, (outputs, states))
        self.measured = self._part(offsets[6], np.float64, (outputs,))
        self.factor = self._part(offsets[7], np.float32, (states, states))
        self.particles = self._part(offsets[8], np.float32, (states, padded))[:, :count]
        self.log_weights = self._part(offsets[9], np.float32, (padded,))[:count]
        self.weights = self._part(offsets[10], np.float32, (padded,))[:count]
        self.centre[:] = mean
        self.noise[:] = 1
        prior = np.ascontiguousarray(factor, np.float32)
        place = (self.memory.ctypes.data, length)
        work = (self._scratch.ctypes.data, len(self._scratch))
        status = library.hb_particles_start(
            *place, states, count, outputs, chosen, threshold, degrees, seed, stream,
            prior.ctypes.data, *work,
        )  # fmt: skip
        check(status, "particles_start")
        # Bound once: a call then converts one number.
        bound = (POINTER(place[0]), UINT(length), POINTER(work[0]), UINT(work[1]))
        self.update: Callable[[float], int] = functools.partial(library.hb_particles_update, *bound)
        self.predict: Callable[[float], int] = functools.partial(
            library.hb_particles_predict, *bound
        )
        self._summarise = functools.partial(library.hb_particles_summarise, *bound)

    @property
    def mean(self) -> NDArray[np.float64]:
        """Of the weighted particles after the last update, float64 [states]; a view.

        It and the covariance cost as much as an update, so they are computed when asked for.
        """
        self._summarise()
        return self._mean

    @property
    def covariance(self) -> NDArray[np.float64]:
        """As the mean, float64 [states, states]; a view."""
        self._summarise()
        return self._covariance

    def save(self) -> bytes:
        self._summarise()  # the same bytes whether the mean was asked for or not
        return super().save()

    _KEPT = 28  # up to the stream; the tick follows

    def _sound(self) -> bool:
        parts = (
            self.centre, self._mean, self._covariance, self.noise, self.rows, self.factor,
            self.particles, self.log_weights, self.weights,
        )  # fmt: skip
        settings = self.memory[32:48].view(np.float64)  # threshold and degrees
        return (
            all(within(part) for part in parts)
            and bool((self.noise > 0).all())
            and bool((self.weights >= 0).all())
            and bool(self.weights.sum() > 0)
            and 0 <= settings[0] <= 1
            and 0 <= settings[1] <= 1e6
        )

    @classmethod
    def of(cls, saved: bytes) -> Particles:
        """A filter from what :meth:`save` gave.

        Raises:
            KernelError: the bytes are no such thing.
        """
        head = header(saved, b"HBP2", "<4s4i3I2d")
        _, states, count, outputs, scheme, seed, stream, _, threshold, degrees = head
        if not 0 <= scheme < len(RESAMPLING):
            raise KernelError(f"a saved filter has the resampling {scheme}, which is none")
        integer(states, "states", 1, MAX_STATES)
        block = cls(
            states, count, outputs, mean=np.zeros(states), resampling=RESAMPLING[scheme],
            factor=np.zeros((states, states), np.float32), threshold=threshold, degrees=degrees,
            seed=seed, stream=stream,
        )  # fmt: skip
        block.restore(saved)
        return block


class Kalman(Block):
    """A Kalman filter's block.

    Attributes:
        result: float64 [2 + 2 outputs]: the process's scale; the squared innovations over their
            variances, summed; predicted mean, then standard deviation of each row.
        mean, covariance: float64 [states], [states, states].
        process: float64 [states, states]: the process's covariance in a step.
        noise, rows, measured, update, predict: as of :class:`Particles`.

    Args:
        states: 1 to 256.
        outputs: rows of one measurement, 1 to 64.
        mean: float64 [states]: the prior's.
        covariance: float64 [states, states]: the prior's.
        process: float64 [states, states]: covariance of a step.
        degrees: of the Student-t noise; 0 for Gaussian.
        adaptive: 0, or the rate, up to 0.25, at which the process's scale follows the innovations.

    Raises:
        KernelError: a number is out of range.
    """

    def __init__(
        self,
        states: int,
        outputs: int,
        *,
        mean: NDArray[np.float64],
        covariance: NDArray[np.float64],
        process: NDArray[np.float64],
        degrees: float = 0.0,
        adaptive: float = 0.0,
    ) -> None:
        integer(states, "states", 1, MAX_STATES)
        integer(outputs, "outputs", 1, MAX_OUTPUTS)
        if not 0 <= degrees <= 1e6:
            raise KernelError(f"degrees is {degrees}; give 0 (Gaussian) to 1e6")
        if not 0 <= adaptive <= 0.25:
            raise KernelError(f"adaptive is {adaptive}; give a rate from 0 to 0.25")
        start = [np.ascontiguousarray(a, np.float64) for a in (mean, covariance, process)]
        if [a.shape for a in start] != [(states,), (states, states), (states, states)]:
            raise KernelError(
                f"mean, covariance and process are {', '.join(map(described, start))}; "
                f"give [{states}] and twice [{states}, {states}]"
            )
        library = _load()
        at = np.zeros(10, np.uint32)
        length = library.hb_kalman_layout(states, outputs, at.ctypes.data)
        self.memory = aligned(length)
        offsets = at.tolist()
        self.result = self._part(offsets[0], np.float64, (2 + 2 * outputs,))
        self.mean = self._part(offsets[1], np.float64, (states,))
        self.covariance = self._part(offsets[2], np.float64, (states, states))
        self.process = self._part(offsets[3], np.float64, (states, states))
        self.noise = self._part(offsets[4], np.float64, (outputs,))
        self.rows = self._part(offsets[5], np.float64, (outputs, states))
        self.measured = self._part(offsets[6], np.float64, (outputs,))
        self._factor = self._part(offsets[7], np.float64, (states, states))
        self._step = self._part(offsets[8], np.float64, (states, states))
        self.noise[:] = 1
        place = self.memory.ctypes.data
        status = library.hb_kalman_start(
            place, length, states, outputs, degrees, adaptive, *[a.ctypes.data for a in start]
        )
        if status != 0:
            raise KernelError("mean, covariance or process hold NaN or over 1e100; give numbers")
        bound = (POINTER(place), UINT(length))
        self.update: Callable[[float], int] = functools.partial(library.hb_kalman_update, *bound)
        self.predict: Callable[[float], int] = functools.partial(library.hb_kalman_predict, *bound)

    _KEPT = 12

    def _sound(self) -> bool:
        parts = (
            self.mean, self.covariance, self.process, self.noise, self.rows, self._factor,
            self._step,
        )  # fmt: skip
        settings = self.memory[16:40].view(np.float64)  # degrees, adaptive, scale
        return (
            all(within(part) for part in parts)
            and bool((self.noise > 0).all())
            and _is_factor(self._factor, self.covariance)
            and _is_factor(self._step, self.process)
            and 0 <= settings[0] <= 1e6
            and 0 <= settings[1] <= 0.25
            and 0 < settings[2] <= 1e4
        )

    @classmethod
    def of(cls, saved: bytes) -> Kalman:
        """A filter from what :meth:`save` gave.

        Raises:
            KernelError: the bytes are no such thing.
        """
        _, states, outputs, _, degrees, adaptive, _ = header(saved, b"HBK1", "<4s3i3d")
        integer(states, "states", 1, MAX_STATES)
        none = np.zeros((states, states))
        block = cls(
            states, outputs, mean=none[0], covariance=none, process=none, degrees=degrees,
            adaptive=adaptive,
        )  # fmt: skip
        block.restore(saved)
        return block


def _is_factor(factor: NDArray[Any], matrix: NDArray[Any]) -> bool:
    """Whether matrix = U D U', with U above the factor's diagonal and D on it."""
    scales = np.diag(factor)
    upper = np.triu(factor, 1) + np.eye(len(factor))
    with np.errstate(over="ignore", invalid="ignore"):
        product = (upper * scales) @ upper.T
        close = np.abs(product - matrix) <= 1e-7 * np.abs(matrix).max()
    return bool((scales >= 0).all() and close.all())
