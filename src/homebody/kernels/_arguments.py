"""Checks that the kernels share; each refusal says what was given, and what is accepted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError

Pixels = NDArray[np.uint8]

MAX_SIDE = 65535
"""Longest side of a picture, in pixels."""


def picture(value: Pixels, name: str, channels: tuple[int, ...] = (3,)) -> Pixels:
    """A picture that a kernel takes, as it is."""
    if (
        not isinstance(value, np.ndarray)
        or value.dtype != np.uint8
        or value.ndim != 3
        or value.shape[2] not in channels
    ):
        wanted = " or ".join(map(str, channels))
        raise KernelError(
            f"{name} is {described(value)}; give a uint8 array [height, width, {wanted}]"
        )
    if not value.flags.c_contiguous:
        raise KernelError(f"{name} is not C-contiguous; pass numpy.ascontiguousarray({name})")
    if not (1 <= value.shape[0] <= MAX_SIDE and 1 <= value.shape[1] <= MAX_SIDE):
        raise KernelError(
            f"{name} is {value.shape[1]}×{value.shape[0]} pixels; "
            f"sides of 1 to {MAX_SIDE} are accepted"
        )
    return value


def described(value: object) -> str:
    """What was given, for a message."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {list(value.shape)}"
    return f"a {type(value).__name__}"


def output(
    out: NDArray[Any] | None, shape: tuple[int, ...], dtype: type[np.generic] = np.uint8
) -> NDArray[Any]:
    """``out`` checked, or a new array."""
    if out is None:
        return np.empty(shape, dtype)
    if out.dtype != dtype or out.shape != shape or not out.flags.c_contiguous:
        raise KernelError(
            f"out is {described(out)}; give a C-contiguous {np.dtype(dtype)} {list(shape)}"
        )
    if not out.flags.writeable:
        raise KernelError("out is read-only; give an array that can be written")
    return out


def integer(value: int, name: str, low: int, high: int) -> int:
    """A whole number within its range."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise KernelError(f"{name} is {value!r}; give a whole number from {low} to {high}")
    if not low <= value <= high:
        raise KernelError(f"{name} is {value}; give a whole number from {low} to {high}")
    return int(value)


def place(
    pixels: Pixels, full_size: tuple[int, int] | None, origin: tuple[int, int]
) -> tuple[int, int, int, int]:
    """(top, left, full height, full width) of a window, checked to lie inside."""
    height, width = pixels.shape[:2]
    full_height, full_width = (height, width) if full_size is None else full_size
    integer(full_height, "full_size's height", height, MAX_SIDE)
    integer(full_width, "full_size's width", width, MAX_SIDE)
    top, left = origin
    integer(top, "origin's row", 0, full_height - height)
    integer(left, "origin's column", 0, full_width - width)
    return int(top), int(left), int(full_height), int(full_width)


def separate(pixels: Pixels, out: Pixels) -> None:
    """Refuse an ``out`` that overlaps an input which is read while it is written."""
    if np.may_share_memory(pixels, out):
        raise KernelError("out overlaps the input, which is still read; give an array of its own")
