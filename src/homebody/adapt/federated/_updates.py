"""What owners send and what becomes of it: clipped, noised, summed."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.adapt.federated._accounting import gaussian_epsilon, noise_for
from homebody.errors import FederatedError

Array = NDArray[np.float64]
Update = Mapping[str, ArrayLike]
"""Arrays by name: what one owner's choices say, or the sum over owners."""

MAX_VALUES = 1 << 24
_STEPS = 1 << 20
"""Steps of the grid within the clipping norm."""


@dataclass(frozen=True, slots=True)
class Privacy:
    """How owners' updates are protected.

    Attributes:
        clip: the largest Euclidean norm of one owner's update, over all its arrays.
        noise: standard deviation of the noise in the sum, over ``clip``; 0 for none.
        owners: how many are expected to take part, at the least: each adds its share of the noise.
        where: ``"distributed"``: each owner adds noise of ``noise clip / sqrt(owners)`` before
            anything leaves the device. ``"central"``: owners send clipped updates bare, and who
            sums them adds the noise; that one must be trusted.
        sampling: probability with which each owner takes part in a round, independently.

    Raises:
        FederatedError: a number is out of range.

    Example:
        >>> privacy = Privacy.spending(epsilon=4.0, delta=1e-6, owners=1000)
        >>> round(privacy.noise, 2), round(privacy.owner_noise, 3)
        (1.19, 0.038)
    """

    noise: float
    owners: int
    clip: float = 1.0
    where: Literal["distributed", "central"] = "distributed"
    sampling: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what protects nobody by mistake."""
        if not 0 < self.clip < math.inf or not 0 <= self.noise < math.inf:
            raise FederatedError(
                f"clip is {self.clip} and noise {self.noise}; give a norm above 0, and 0 or more"
            )
        if self.owners < 1 or not 0 < self.sampling <= 1:
            raise FederatedError(
                f"{self.owners} owners with sampling {self.sampling}; give 1 or more, above 0"
            )
        if self.where not in ("distributed", "central"):
            raise FederatedError(
                f"noise is added {self.where!r}; choose 'distributed' or 'central'"
            )

    @classmethod
    def spending(
        cls,
        epsilon: float,
        *,
        owners: int,
        delta: float = 1e-6,
        rounds: int = 1,
        clip: float = 1.0,
        where: Literal["distributed", "central"] = "distributed",
        sampling: float = 1.0,
    ) -> Privacy:
        """The least noise with which ``rounds`` cost (epsilon, delta).

        Raises:
            FederatedError: a number is out of range.
        """
        return cls(noise_for(epsilon, delta, rounds, sampling), owners, clip, where, sampling)

    @property
    def owner_noise(self) -> float:
        """Standard deviation, over ``clip``, of what one owner adds by itself."""
        return self.noise / math.sqrt(self.owners) if self.where == "distributed" else 0.0

    def noise_of(self, owners: int) -> float:
        """The noise in a sum of that many, over ``clip``; with fewer than expected it is less."""
        if self.where == "central":
            return self.noise
        return self.noise * math.sqrt(min(owners, self.owners) / self.owners)

    def alone(self, delta: float) -> float:
        """The epsilon of one owner's message if whoever sums looks at it before summing."""
        return gaussian_epsilon(self.owner_noise, delta) if self.owner_noise else math.inf


def clipped(update: Update, norm: float) -> dict[str, Array]:
    """The update, made shorter if its Euclidean norm over all arrays exceeds ``norm``.

    Raises:
        FederatedError: a value is not finite, or there are more than 2^24.

    Example:
        >>> clipped({"a": [3.0], "b": [4.0]}, 1.0)
        {'a': array([0.6]), 'b': array([0.8])}
    """
    arrays = {name: np.array(values, np.float64) for name, values in update.items()}
    if sum(array.size for array in arrays.values()) > MAX_VALUES:
        raise FederatedError(f"an update has more than {MAX_VALUES:,} values; send fewer")
    largest = max((np.abs(array).max(initial=0) for array in arrays.values()), default=0.0)
    if not np.isfinite(largest):
        raise FederatedError("an update has a value that is not finite; send numbers")
    if largest == 0:
        return arrays
    # Scaled before squaring: the squares of large values would overflow.
    length = largest * math.sqrt(
        math.fsum(float(np.square(array / largest).sum()) for array in arrays.values())
    )
    share = 1.0 if length <= norm else norm / length
    return {name: array * share for name, array in arrays.items()}


def message(
    update: Update, privacy: Privacy, rng: np.random.Generator | None = None
) -> dict[str, Array]:
    """All that an owner sends: the update clipped, and with ``"distributed"`` noised.

    Values lie on a grid of clip / 2^20, whatever the update: the low bits of floating-point noise
    would otherwise tell on it (Mironov, "On significance of the least significant bits", 2012).

    Args:
        update: arrays by name; their names and shapes are public, so they must not depend on the
            owner.
        privacy: how to protect it.
        rng: for simulations and tests; None draws from the operating system's secure source.

    Raises:
        FederatedError: as :func:`clipped`.
    """
    step = privacy.clip / _STEPS
    sent = {}
    for name, array in clipped(update, privacy.clip).items():
        whole = np.trunc(array / step)  # towards zero: never longer than the clip
        whole += np.rint(_normals(array.shape, rng) * (privacy.owner_noise * _STEPS))
        sent[name] = whole * step
    return sent


def total(
    messages: Iterable[Mapping[str, ArrayLike]],
    privacy: Privacy,
    rng: np.random.Generator | None = None,
) -> dict[str, Array]:
    """The sum of owners' messages; with ``"central"`` noised here.

    The number of messages is not revealed by noise and is not used: where an average is wanted,
    divide by the expected number.

    Raises:
        FederatedError: there is no message, two differ in names or shapes, or a value is not
            finite.
    """
    step = privacy.clip / _STEPS
    summed: dict[str, Array] = {}
    for number, sent in enumerate(messages):
        arrays = {name: np.asarray(values, np.float64) for name, values in sent.items()}
        if number == 0:
            summed = {name: np.zeros(array.shape) for name, array in arrays.items()}
        if {name: array.shape for name, array in arrays.items()} != {
            name: array.shape for name, array in summed.items()
        }:
            raise FederatedError(
                f"message {number + 1} has other names or shapes than the first; "
                "all owners need one catalog"
            )
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise FederatedError(f"message {number + 1} has a value that is not finite")
            summed[name] += array
    if not summed:
        raise FederatedError("there is no message to sum; wait for owners")
    if privacy.where == "central" and privacy.noise:
        for name, array in summed.items():
            noise = np.rint(_normals(array.shape, rng) * (privacy.noise * _STEPS))
            summed[name] = array + noise * step
    return summed


def _normals(shape: tuple[int, ...], rng: np.random.Generator | None) -> Array:
    if rng is not None:
        return rng.standard_normal(shape)
    count = math.prod(shape)
    drawn = np.frombuffer(os.urandom(16 * count), "<u8").reshape(2, count) >> np.uint64(11)
    first, second = (drawn + 0.5) / 2.0**53  # above 0, below 1
    # Box, Muller (1958): two secure uniforms give a normal.
    normals: Array = np.sqrt(-2 * np.log(first)) * np.cos(2 * math.pi * second)
    return normals.reshape(shape)
