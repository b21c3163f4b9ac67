"""The exact filter of a last layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.adapt._distributions import Gaussian, covariance_matrix, vector
from homebody.adapt._linear import Linear, independent
from homebody.kernels import Kalman

Array = NDArray[np.float64]


class LastLayerFilter(Linear):
    """A Kalman filter of a linear last layer: the posterior that particles approximate.

    The state is the last layer's weights and biases, a random walk; a measurement's rows are the
    last hidden layer's values (:func:`last_layer_rows`). The covariance is kept as U D U'
    (Bierman, Thornton), in float64, so that it stays positive whatever rounding does.

    With :class:`StudentT` noise, an outlier's weight falls with its distance (variational
    fixed-point steps, one output at a time). With ``adaptive``, the process's size follows the
    innovations: it grows while they are larger than expected and shrinks while smaller.

    Args:
        mean: [states]: the prior's.
        covariance: [states, states]: the prior's.
        process: the distribution of a step of the state (Gaussian).
        noise: the measurement's; independent between outputs.
        outputs: rows of one measurement.
        adaptive: 0 (off) to 0.25: how fast the process's scale follows.

    Raises:
        FilterError: a shape or a number is out of range.

    Example:
        >>> filter = LastLayerFilter([0.0], [[1.0]], process=Gaussian(0.0), noise=Gaussian(1.0))
        >>> expected = filter.update([1.0], 2.0)
        >>> filter.mean.tolist(), filter.covariance.tolist()
        ([1.0], [[0.5]])
    """

    kind = "kalman"
    """What owner state calls it."""
    _kernel = Kalman
    _skip = 2

    def __init__(
        self,
        mean: ArrayLike,
        covariance: ArrayLike,
        *,
        process: Gaussian,
        noise: Gaussian,
        outputs: int = 1,
        adaptive: float = 0.0,
    ) -> None:
        start = vector(mean, "mean")
        d = len(start)
        block = Kalman(
            d, outputs, mean=start, covariance=covariance_matrix(covariance, "covariance", d),
            process=process.covariance(d), degrees=noise.degrees, adaptive=adaptive,
        )  # fmt: skip
        block.noise[:] = independent(noise, outputs)
        self._bind(block)

    @property
    def process_scale(self) -> float:
        """What the process's covariance is multiplied by; 1 unless ``adaptive``."""
        return float(self._result[0])

    @property
    def process_covariance(self) -> Array:
        """The covariance of the state's next step, scaled; float64 [states, states]."""
        return np.array(self._block.process) * self.process_scale
