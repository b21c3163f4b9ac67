"""Round weights one by one, letting those that follow make up for the error.

Source: Frantar et al. 2023, "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained
Transformers"; the order is that of falling second moments.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DAMPING = 0.01
"""Added to the second moments' diagonal, as a share of its mean."""
_BLOCK = 64


def round_together(
    weights: NDArray[np.float64], scales: NDArray[np.float64], moments: NDArray[np.float64]
) -> NDArray[np.int8]:
    """Codes in [-127, 127] whose product with the inputs is near that of the weights.

    Args:
        weights: float64 [groups, outputs, k].
        scales: float64 [groups, outputs].
        moments: the inputs' centred second moments, float64 [groups, k, k].

    Returns:
        int8 [groups, outputs, k].

    Example:
        >>> w, s = np.array([[[0.4, 0.4]]]), np.array([[1.0]])
        >>> round_together(w, s, np.array([[[1.0, 0.99], [0.99, 1.0]]]))
        array([[[0, 1]]], dtype=int8)
    """
    k = weights.shape[-1]
    diagonal = np.einsum("gkk->gk", moments)
    order = np.argsort(-diagonal, axis=1, kind="stable")
    groups = np.arange(len(moments))[:, None]
    sorted_moments = moments[groups[:, :, None], order[:, :, None], order[:, None, :]]
    mean = np.maximum(diagonal.mean(1), 1e-12)
    sorted_moments = sorted_moments + (DAMPING * mean)[:, None, None] * np.eye(k)
    # Cholesky of the inverse, upper: row i says how column i's error is best spread.
    spread = np.linalg.cholesky(np.linalg.inv(sorted_moments)).transpose(0, 2, 1)
    left = np.take_along_axis(weights, order[:, None, :], 2).astype(np.float64)
    codes = np.empty(left.shape)
    for start in range(0, k, _BLOCK):
        stop = min(start + _BLOCK, k)
        errors = np.empty((*left.shape[:2], stop - start))
        for i in range(start, stop):
            codes[..., i] = np.clip(np.round(left[..., i] / scales), -127, 127)
            error = (left[..., i] - codes[..., i] * scales) / spread[:, None, i, i]
            errors[..., i - start] = error
            left[..., i + 1 : stop] -= error[..., None] * spread[:, None, i, i + 1 : stop]
        left[..., stop:] -= errors @ spread[:, start:stop, stop:]
    found = np.empty(left.shape, np.int8)
    np.put_along_axis(found, np.broadcast_to(order[:, None, :], left.shape),
                      codes.astype(np.int8), 2)  # fmt: skip
    return found
