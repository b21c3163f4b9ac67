"""Gathering where some places point nowhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.errors import TextError
from homebody.text._strings import Strings


def gather_with_default(
    params: ArrayLike | Strings, indices: ArrayLike, default: Any, axis: int = 0
) -> NDArray[Any] | Strings:
    """The slices of ``params`` at ``indices``, and ``default`` where an index is -1.

    Args:
        params: an array, or Strings (or a list of str), which have one axis.
        indices: whole numbers from -1 to the axis's length - 1, of any shape; for Strings [n].
        default: of the shape params.shape[axis + 1:].
        axis: of ``params``; negative from the end.

    Returns:
        An array of the shape params.shape[:axis] + indices.shape + params.shape[axis + 1:], or
        Strings.

    Raises:
        TextError: an index is out of range, or the default or axis does not fit.

    Example:
        >>> gather_with_default(["a", "b", "c", "d"], [2, 0, -1, 2, -1], "_").to_list()
        ['c', 'a', '_', 'c', '_']
        >>> gather_with_default([[1, 2], [3, 4]], [1, -1], [0, 0]).tolist()
        [[3, 4], [0, 0]]
    """
    at = np.asarray(indices)
    if at.size == 0:
        at = at.astype(np.int64)
    if at.dtype.kind not in "iu":
        raise TextError(f"indices are {at.dtype}; give whole numbers, -1 for the default")
    if isinstance(params, Strings) or _texts(params):
        return _gather_strings(Strings.of(params), at, default, axis)
    values = np.asarray(params)
    if not -values.ndim <= axis < values.ndim:
        raise TextError(f"axis is {axis}; params has {values.ndim} of them")
    axis %= values.ndim
    _within(at, values.shape[axis])
    other = np.asarray(default)
    rest = values.shape[axis + 1 :]
    if other.shape != rest:
        raise TextError(f"the default's shape is {list(other.shape)}; give {list(rest)}")
    if other.size and not np.can_cast(other.dtype, values.dtype, "same_kind"):
        raise TextError(f"the default is {other.dtype}; give {values.dtype}")
    block = np.broadcast_to(other.astype(values.dtype), (*values.shape[:axis], 1, *rest))
    return np.take(np.concatenate([block, values], axis), at.astype(np.int64) + 1, axis)


def _texts(params: Any) -> bool:
    return (
        isinstance(params, (list, tuple))
        and bool(params)
        and all(isinstance(value, (str, bytes)) for value in params)
    )


def _gather_strings(params: Strings, at: NDArray[Any], default: Any, axis: int) -> Strings:
    if axis not in (0, -1) or at.ndim != 1:
        raise TextError(f"axis is {axis} and indices [{at.ndim} axes]; Strings have one axis")
    if not isinstance(default, (str, bytes)):
        raise TextError(f"the default is a {type(default).__name__}; Strings need a string")
    _within(at, len(params))
    whole = Strings.of([default, *params.to_bytes_list()])
    return whole[at.astype(np.int64) + 1]


def _within(at: NDArray[Any], length: int) -> None:
    if at.size and not (int(at.min()) >= -1 and int(at.max()) < length):
        raise TextError(
            f"indices lie from {at.min()} to {at.max()}; give -1 (the default) to {length - 1}"
        )
