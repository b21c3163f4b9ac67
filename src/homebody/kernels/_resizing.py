"""Resizing, cropping and normalising: from a photo to a model's input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels._arguments import MAX_SIDE, Pixels, integer, output, picture, separate
from homebody.kernels._library import check, load

Order = Literal["rgb", "bgr"]


def fit_short_side(width: int, height: int, short_side: int) -> tuple[int, int]:
    """The size, (width, height), that a picture takes with a short side of ``short_side`` pixels.

    The long side is ``long * short_side / short``, rounded to nearest (halves up).

    Example:
        >>> fit_short_side(4000, 3000, 227)
        (303, 227)
    """
    shortest = min(width, height)
    if shortest < 1:
        raise KernelError(f"a picture of {width}×{height} pixels has no sides; give at least 1×1")
    return (
        (2 * width * short_side + shortest) // (2 * shortest),
        (2 * height * short_side + shortest) // (2 * shortest),
    )


def resize(
    rgb: Pixels,
    width: int,
    height: int,
    *,
    window: tuple[int, int, int, int] | None = None,
    out: Pixels | None = None,
) -> Pixels:
    """Resize: the exact area average where an axis shrinks, linear interpolation where it grows.

    Weights are exact integers and there is one rounding, at the end (halves up), so every value is
    the correctly rounded one. ``kernels/resize.c`` states the definition.

    Args:
        rgb: uint8 [h, w, 3].
        width: the picture's new width, 1 to 65,535.
        height: its new height.
        window: (left, top, width, height), the part of the new picture to compute; all by default.
        out: uint8, the window's height and width by 3.

    Example:
        >>> resize(np.array([[[0, 0, 0], [10, 20, 31]]], np.uint8), 1, 1).tolist()
        [[[5, 10, 16]]]
    """
    picture(rgb, "rgb")
    left, top, columns, rows = _resize_window(width, height, window)
    out = output(out, (rows, columns, 3))
    separate(rgb, out)
    library = load()
    scratch = np.empty(library.hb_resize_scratch(rgb.shape[1], columns), np.uint32)
    check(
        library.hb_resize(
            rgb.ctypes.data, rgb.shape[0], rgb.shape[1], height, width, top, left, rows, columns,
            out.ctypes.data, scratch.ctypes.data, scratch.size,
        ),
        "resize",
    )  # fmt: skip
    return out


def resize_normalize(
    rgb: Pixels,
    width: int,
    height: int,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    order: Order = "rgb",
    window: tuple[int, int, int, int] | None = None,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Resize, crop to a window and normalise in one pass: float32 [rows, columns, 3].

    Equal, bit for bit, to :func:`resize`, then slicing, then :func:`normalize`, but computes the
    window alone and keeps no picture in between.

    Example:
        >>> grey = np.full((8, 8, 3), 7, np.uint8)
        >>> resize_normalize(grey, 4, 4, mean=(3,) * 3, std=(2,) * 3, window=(1, 1, 1, 1)).tolist()
        [[[2.0, 2.0, 2.0]]]
    """
    picture(rgb, "rgb")
    left, top, columns, rows = _resize_window(width, height, window)
    centre, spread = _moments(mean, std)
    bgr = _is_bgr(order)
    out = output(out, (rows, columns, 3), np.float32)
    library = load()
    scratch = np.empty(library.hb_resize_scratch(rgb.shape[1], columns), np.uint32)
    check(
        library.hb_resize_normalize(
            rgb.ctypes.data, rgb.shape[0], rgb.shape[1], height, width, top, left, rows, columns,
            bgr, centre.ctypes.data, spread.ctypes.data, out.ctypes.data,
            scratch.ctypes.data, scratch.size,
        ),
        "resize_normalize",
    )  # fmt: skip
    return out


def normalize(
    rgb: Pixels,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    order: Order = "rgb",
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """``(value - mean) / std`` a channel at a time: a float32 subtraction, then a float32 division.

    Args:
        rgb: uint8 [h, w, 3].
        mean: three numbers in the order that leaves; rounded to float32.
        std: likewise, greater than zero.
        order: channels of the result; ``"bgr"`` reverses them.
        out: float32 [h, w, 3].

    Example:
        >>> normalize(np.array([[[1, 2, 3]]], np.uint8), mean=(0, 0, 0), std=(1, 1, 2),
        ...           order="bgr").tolist()
        [[[3.0, 2.0, 0.5]]]
    """
    picture(rgb, "rgb")
    centre, spread = _moments(mean, std)
    bgr = _is_bgr(order)
    out = output(out, rgb.shape, np.float32)
    library = load()
    check(
        library.hb_normalize(
            rgb.ctypes.data, rgb.shape[0] * rgb.shape[1], bgr,
            centre.ctypes.data, spread.ctypes.data, out.ctypes.data,
        ),
        "normalize",
    )  # fmt: skip
    return out


def _resize_window(
    width: int, height: int, window: tuple[int, int, int, int] | None
) -> tuple[int, int, int, int]:
    integer(width, "width", 1, MAX_SIDE)
    integer(height, "height", 1, MAX_SIDE)
    if window is None:
        return 0, 0, width, height
    left, top, columns, rows = window
    integer(columns, "window's width", 1, width)
    integer(rows, "window's height", 1, height)
    integer(left, "window's left", 0, width - columns)
    integer(top, "window's top", 0, height - rows)
    return left, top, columns, rows


def _moments(
    mean: Sequence[float], std: Sequence[float]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    centre, spread = np.array(mean, np.float32), np.array(std, np.float32)
    if centre.shape != (3,) or spread.shape != (3,):
        raise KernelError(
            f"mean and std have shapes {centre.shape} and {spread.shape}; give three numbers each"
        )
    if not (np.isfinite(centre).all() and np.isfinite(spread).all() and (spread > 0).all()):
        raise KernelError(
            f"mean {mean} or std {std} is not usable; give finite numbers, std greater than zero"
        )
    return centre, spread


def _is_bgr(order: str) -> int:
    if order not in ("rgb", "bgr"):
        raise KernelError(f"order is {order!r}; give 'rgb' or 'bgr'")
    return int(order == "bgr")
