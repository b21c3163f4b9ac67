"""The base model: a frozen net, cut before its last layer."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.adapt._distributions import (
    Gaussian,
    StudentT,
    covariance_matrix,
    vector,
)
from homebody.adapt._last_layer import LastLayerFilter
from homebody.adapt._particles import ParticleFilter
from homebody.errors import AdaptError, FilterError

Array = NDArray[np.float64]


def last_layer_rows(features: ArrayLike, outputs: int = 1) -> Array:
    """The rows through which a last layer's state is seen.

    The state is, for each output in turn, the weights of the features and then the bias.

    Args:
        features: the last hidden layer's values, [f], or [n, f] for n inputs.
        outputs: of the last layer.

    Returns:
        float64 [outputs, outputs (f + 1)], with a leading n for n inputs.

    Raises:
        FilterError: another number of dimensions.

    Example:
        >>> last_layer_rows([2.0, 3.0])
        array([[2., 3., 1.]])
    """
    values = np.asarray(features, np.float64)
    if values.ndim not in (1, 2) or outputs < 1:
        raise FilterError(f"features are {list(values.shape)}; give [f] or [n, f]")
    one = np.concatenate([values, np.ones((*values.shape[:-1], 1))], axis=-1)
    width = one.shape[-1]
    rows = np.zeros((*values.shape[:-1], outputs, outputs * width))
    for output in range(outputs):
        rows[..., output, output * width : (output + 1) * width] = one
    return rows


@dataclass(frozen=True)
class Prior:
    """What is known of an asset before its first measurement.

    Args:
        mean: [states].
        covariance: [states, states].
        process: covariance of a step of the state, [states, states].
        noise: standard deviation of each output's noise, [outputs].

    Raises:
        FilterError: a shape or a number is out of range.
    """

    mean: Array
    covariance: Array
    process: Array
    noise: Array

    def __post_init__(self) -> None:
        mean = vector(self.mean, "mean")
        noise = vector(np.atleast_1d(self.noise), "noise")
        if (noise <= 0).any():
            raise FilterError("noise has a standard deviation of 0 or less; give one above 0")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "noise", noise)
        for name in ("covariance", "process"):
            value = covariance_matrix(getattr(self, name), name, len(mean))
            object.__setattr__(self, name, value)

    def filter(self, *, degrees: float = 0.0, adaptive: float = 0.0) -> LastLayerFilter:
        """The exact filter that starts here; ``degrees`` above 0 for Student-t noise."""
        return LastLayerFilter(
            self.mean, self.covariance, process=Gaussian(covariance=self.process),
            noise=self._noise(degrees), outputs=len(self.noise), adaptive=adaptive,
        )  # fmt: skip

    def particles(self, *, degrees: float = 0.0, **options: Any) -> ParticleFilter:
        """The particle filter that starts here; ``options`` as :class:`ParticleFilter` takes."""
        return ParticleFilter(
            self.mean, self.covariance, process=Gaussian(covariance=self.process),
            likelihood=self._noise(degrees), outputs=len(self.noise), **options,
        )  # fmt: skip

    def _noise(self, degrees: float) -> Gaussian:
        return StudentT(self.noise, degrees) if degrees else Gaussian(self.noise)


@dataclass(frozen=True)
class Base:
    """A frozen net, cut before its last layer.

    Args:
        features: from an input (or n of them) to the last hidden layer's values, [f] or [n, f];
            any engine will do.
        weights: the last layer as trained, [outputs, f + 1], biases last.
        sha256: of what the net was read from, 64 lower-case hexadecimal digits; owner state
            names it. For a net that has no file, :meth:`hash_of` makes one from its arrays.
        prior: what other assets taught, if anything.

    Raises:
        FilterError: the weights are not [outputs, f + 1] finite numbers, or no such hash.
    """

    features: Callable[[Any], ArrayLike]
    weights: Array
    sha256: str
    prior: Prior | None = None

    def __post_init__(self) -> None:
        weights = np.array(self.weights, np.float64, ndmin=2)
        if weights.ndim != 2 or not np.isfinite(weights).all():
            raise FilterError("weights are not finite numbers [outputs, f + 1]; give a last layer")
        object.__setattr__(self, "weights", weights)
        if len(self.sha256) != 64 or set(self.sha256) - set("0123456789abcdef"):
            raise FilterError(
                f"sha256 is {self.sha256!r}; give 64 lower-case hexadecimal digits, "
                "or Base.hash_of(arrays)"
            )
        if self.prior is not None and len(self.prior.mean) != weights.size:
            raise FilterError(
                f"the prior has {len(self.prior.mean)} states and the last layer "
                f"{weights.size} weights; they must be as many"
            )

    @property
    def outputs(self) -> int:
        """How many numbers the net gives."""
        return int(self.weights.shape[0])

    @property
    def state(self) -> Array:
        """The last layer as trained, as a filter's state [outputs (f + 1)]."""
        return self.weights.reshape(-1).copy()

    def rows(self, u: Any) -> Array:
        """The rows of an input: [outputs, states], with a leading n for n inputs.

        Raises:
            AdaptError: the features are not as many as the last layer has weights.
        """
        features = np.asarray(self.features(u), np.float64)
        if features.ndim not in (1, 2) or features.shape[-1] != self.weights.shape[1] - 1:
            raise AdaptError(
                f"the net gave features {list(features.shape)}; "
                f"[{self.weights.shape[1] - 1}] or [n, {self.weights.shape[1] - 1}] are expected"
            )
        return last_layer_rows(features, self.outputs)

    @staticmethod
    def hash_of(*arrays: ArrayLike) -> str:
        """A SHA-256 of arrays' types, shapes and values, for a net that has no file."""
        digest = hashlib.sha256()
        for array in map(np.ascontiguousarray, arrays):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()


def as_base(source: Any) -> Base:
    """A base model from what :class:`ModelOfOne` is given: a Base, a bundle, or its path."""
    if isinstance(source, Base):
        return source
    from homebody.adapt._bundle import base_of
    from homebody.bundle import Bundle

    if isinstance(source, (Bundle, str, os.PathLike)):
        return base_of(source)
    raise AdaptError(
        f"a {type(source).__name__} is no base model; give a Base, a bundle, or a bundle's path"
    )
