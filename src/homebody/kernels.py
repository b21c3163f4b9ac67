"""The C library's door: one typed function a kernel.

The kernels are C (``kernels/`` in the source tree), compiled when the package is installed, and the
browser runs the same sources as WebAssembly. What they compute is the same, bit for bit, on every
platform. Each call checks its arguments, then runs in C with the interpreter's lock released;
``threads`` splits large pictures into bands of rows, which changes no bit of the result.

Pictures are C-contiguous uint8 arrays [height, width, 3], RGB, sides 1 to 65,535; where a fourth
channel (alpha) is accepted, it is carried through. An ``out`` array receives the result and is
returned; without one, a new array is made.

All functions raise :class:`~homebody.errors.KernelError` for arguments outside what they accept,
and on first use when the library is absent or of another version.
"""

from __future__ import annotations

import ctypes
import functools
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError

Pixels = NDArray[np.uint8]
Order = Literal["rgb", "bgr"]

ABI_VERSION = 1
"""The library's version that this module speaks to: HB_ABI_VERSION in ``kernels/homebody.h``."""

MAX_SIDE = 65535
"""Longest side of a picture, in pixels."""

LUT_SIZES = (17, 33, 65)
"""Nodes a side of a colour table that :func:`lut_apply` takes."""

LUT_WHITE = 32640
"""The value of a colour table's node that stands for 255."""

LOOK_PARAMETERS = 174
"""Length of the array that :func:`look_lut` takes."""

NATIVE = Path(__file__).parent / "_native"
"""Where the build puts the native library and the WebAssembly module."""


# ---- the library ----


@functools.cache
def _library() -> ctypes.CDLL:
    """The native library, loaded on first use."""
    name = {"Windows": "homebody.dll", "Darwin": "libhomebody.dylib"}.get(
        platform.system(), "libhomebody.so"
    )
    path = NATIVE / name
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise KernelError(
            f"the kernels' library {path} does not load ({error}); "
            "reinstall homebody, or run python kernels/build.py in a source tree"
        ) from None
    version = library.hb_abi_version()
    if version != ABI_VERSION:
        raise KernelError(
            f"the kernels' library {path} has version {version}, not {ABI_VERSION}; "
            "reinstall homebody, or run python kernels/build.py in a source tree"
        )
    for function, arguments in _SIGNATURES.items():
        getattr(library, function).argtypes = arguments
    for function in ("hb_resize_scratch", "hb_grain_scratch", "hb_sharpen_scratch"):
        getattr(library, function).restype = ctypes.c_uint32
    return library


_POINTER, _INT, _UINT = ctypes.c_void_p, ctypes.c_int32, ctypes.c_uint32
_SIGNATURES: dict[str, list[Any]] = {
    "hb_resize_scratch": [_INT] * 2,
    "hb_resize": [_POINTER, *[_INT] * 8, _POINTER, _POINTER, _UINT],
    "hb_resize_normalize": [_POINTER, *[_INT] * 9, *[_POINTER] * 4, _UINT],
    "hb_normalize": [_POINTER, _UINT, _INT, _POINTER, _POINTER, _POINTER],
    "hb_lut_apply": [_POINTER, _UINT, _INT, _POINTER, _INT, _POINTER],
    "hb_lut_apply_scalar": [_POINTER, _UINT, _INT, _POINTER, _INT, _POINTER],
    "hb_look_lut": [_POINTER, _INT, _INT, _POINTER],
    "hb_grain_scratch": [_INT] * 4,
    "hb_grain": [_POINTER, *[_INT] * 9, _UINT, _POINTER, _POINTER, _UINT],
    "hb_vignette": [_POINTER, *[_INT] * 9, _POINTER],
    "hb_sharpen_scratch": [_INT] * 3,
    "hb_sharpen": [_POINTER, *[_INT] * 8, _POINTER, _POINTER, _UINT],
    "hb_blend": [_POINTER, _POINTER, ctypes.c_size_t, _INT, _POINTER],
    "hb_statistics": [_POINTER, _INT, _INT, *[_POINTER] * 4],
}


def _run(status: int, kernel: str) -> None:
    """Arguments are checked before the call; a refusal from C is a hole in those checks."""
    if status != 0:
        raise KernelError(
            f"the {kernel} kernel refused its arguments (status {status}); report this"
        )


# ---- arguments ----


def _picture(value: Pixels, name: str, channels: tuple[int, ...] = (3,)) -> Pixels:
    if (
        not isinstance(value, np.ndarray)
        or value.dtype != np.uint8
        or value.ndim != 3
        or value.shape[2] not in channels
    ):
        wanted = " or ".join(map(str, channels))
        raise KernelError(
            f"{name} is {_described(value)}; give a uint8 array [height, width, {wanted}]"
        )
    if not value.flags.c_contiguous:
        raise KernelError(f"{name} is not C-contiguous; pass numpy.ascontiguousarray({name})")
    if not (1 <= value.shape[0] <= MAX_SIDE and 1 <= value.shape[1] <= MAX_SIDE):
        raise KernelError(
            f"{name} is {value.shape[1]}×{value.shape[0]} pixels; "
            f"sides of 1 to {MAX_SIDE} are accepted"
        )
    return value


def _described(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {list(value.shape)}"
    return f"a {type(value).__name__}"


def _output(
    out: NDArray[Any] | None, shape: tuple[int, ...], dtype: type[np.generic] = np.uint8
) -> NDArray[Any]:
    if out is None:
        return np.empty(shape, dtype)
    if out.dtype != dtype or out.shape != shape or not out.flags.c_contiguous:
        raise KernelError(
            f"out is {_described(out)}; give a C-contiguous {np.dtype(dtype)} {list(shape)}"
        )
    if not out.flags.writeable:
        raise KernelError("out is read-only; give an array that can be written")
    return out


def _integer(value: int, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise KernelError(f"{name} is {value!r}; give a whole number from {low} to {high}")
    if not low <= value <= high:
        raise KernelError(f"{name} is {value}; give a whole number from {low} to {high}")
    return int(value)


def _place(
    pixels: Pixels, full_size: tuple[int, int] | None, origin: tuple[int, int]
) -> tuple[int, int, int, int]:
    """(top, left, full height, full width) of a window, checked to lie inside."""
    height, width = pixels.shape[:2]
    full_height, full_width = (height, width) if full_size is None else full_size
    _integer(full_height, "full_size's height", height, MAX_SIDE)
    _integer(full_width, "full_size's width", width, MAX_SIDE)
    top, left = origin
    _integer(top, "origin's row", 0, full_height - height)
    _integer(left, "origin's column", 0, full_width - width)
    return int(top), int(left), int(full_height), int(full_width)


def _bands(height: int, threads: int, work: Callable[[int, int], None]) -> None:
    """Call ``work(first_row, last_row)`` so that the calls cover ``height`` rows, in parallel."""
    count = min(_integer(threads, "threads", 1, 256), height)
    if count == 1:
        work(0, height)
        return
    from concurrent.futures import ThreadPoolExecutor  # 5 ms that a small picture need not pay

    edges = [height * i // count for i in range(count + 1)]
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))


# ---- resizing and normalising ----


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
    _picture(rgb, "rgb")
    left, top, columns, rows = _resize_window(width, height, window)
    out = _output(out, (rows, columns, 3))
    _separate(rgb, out)
    library = _library()
    scratch = np.empty(library.hb_resize_scratch(rgb.shape[1], columns), np.uint32)
    _run(
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
    _picture(rgb, "rgb")
    left, top, columns, rows = _resize_window(width, height, window)
    centre, spread = _moments(mean, std)
    bgr = _is_bgr(order)
    out = _output(out, (rows, columns, 3), np.float32)
    library = _library()
    scratch = np.empty(library.hb_resize_scratch(rgb.shape[1], columns), np.uint32)
    _run(
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
    _picture(rgb, "rgb")
    centre, spread = _moments(mean, std)
    bgr = _is_bgr(order)
    out = _output(out, rgb.shape, np.float32)
    library = _library()
    _run(
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
    _integer(width, "width", 1, MAX_SIDE)
    _integer(height, "height", 1, MAX_SIDE)
    if window is None:
        return 0, 0, width, height
    left, top, columns, rows = window
    _integer(columns, "window's width", 1, width)
    _integer(rows, "window's height", 1, height)
    _integer(left, "window's left", 0, width - columns)
    _integer(top, "window's top", 0, height - rows)
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


def _separate(pixels: Pixels, out: Pixels) -> None:
    if np.may_share_memory(pixels, out):
        raise KernelError("out overlaps the input, which is still read; give an array of its own")


# ---- colour ----


def lut_identity(size: int = 33) -> NDArray[np.int16]:
    """The colour table that changes nothing: int16 [size, size, size, 4].

    Example:
        >>> lut_identity(17)[0, 0, 16].tolist()
        [32640, 0, 0, 0]
    """
    if size not in LUT_SIZES:
        raise KernelError(
            f"a colour table of {size} nodes a side is not supported; use {LUT_SIZES}"
        )
    steps = np.arange(size, dtype=np.int16) * np.int16(LUT_WHITE // (size - 1))
    lut = np.zeros((size, size, size, 4), np.int16)
    lut[..., 0], lut[..., 1], lut[..., 2] = steps, steps[:, None], steps[:, None, None]
    return lut


def lut_apply(
    pixels: Pixels, lut: NDArray[np.int16], *, out: Pixels | None = None, threads: int = 1
) -> Pixels:
    """Colours through a three-dimensional table, with tetrahedral interpolation.

    Args:
        pixels: uint8 [h, w, 3 or 4].
        lut: int16 [n, n, n, 4], n 17, 33 or 65: blue slowest, red fastest, 0 to 32,640 (= 255); the
            fourth lane is zero. Values outside the range are refused.
        out: of the shape of ``pixels``, which it may be.
        threads: bands of rows to work on at a time.

    The result is within 1/255 of the interpolation in real numbers; the identity table is exact.

    Example:
        >>> lut_apply(np.array([[[1, 2, 3]]], np.uint8), lut_identity()).tolist()
        [[[1, 2, 3]]]
    """
    _picture(pixels, "pixels", (3, 4))
    size = _lut_size(lut)
    out = _output(out, pixels.shape)
    library = _library()
    _, width, channels = pixels.shape

    def work(first: int, last: int) -> None:
        _run(
            library.hb_lut_apply(
                pixels[first:].ctypes.data, (last - first) * width, channels,
                lut.ctypes.data, size, out[first:].ctypes.data,
            ),
            "lut_apply",
        )  # fmt: skip

    _bands(pixels.shape[0], threads, work)
    return out


def _lut_size(lut: NDArray[np.int16]) -> int:
    if (
        not isinstance(lut, np.ndarray)
        or lut.dtype != np.int16
        or lut.ndim != 4
        or lut.shape[0] not in LUT_SIZES
        or lut.shape != (*[lut.shape[0]] * 3, 4)
        or not lut.flags.c_contiguous
    ):
        raise KernelError(
            f"lut is {_described(lut)}; "
            f"give a C-contiguous int16 [n, n, n, 4], n one of {LUT_SIZES}"
        )
    if lut.min() < 0 or lut.max() > LUT_WHITE:
        raise KernelError(f"lut has values outside 0 to {LUT_WHITE}; clip it first")
    return int(lut.shape[0])


def look_lut(parameters: NDArray[np.float64], size: int = 33) -> NDArray[np.int16]:
    """Compile a preset's colour adjustments to a table for :func:`lut_apply`.

    Args:
        parameters: float64 [174]; ``kernels/look.c`` names their offsets and ranges.
        size: nodes a side, 2 to 65.

    Returns:
        int16 [size, size, size, 4].
    """
    values = np.ascontiguousarray(parameters, np.float64)
    if values.shape != (LOOK_PARAMETERS,):
        raise KernelError(
            f"parameters has shape {values.shape}; give {LOOK_PARAMETERS} numbers in one row"
        )
    _integer(size, "size", 2, 65)
    lut = np.empty((size, size, size, 4), np.int16)
    status = _library().hb_look_lut(values.ctypes.data, values.size, size, lut.ctypes.data)
    if status != 0:
        raise KernelError(
            "an adjustment is out of its range, or a curve does not run left to right; "
            "kernels/look.c states both"
        )
    return lut


def blend(
    original: Pixels,
    edited: Pixels,
    strength: int,
    *,
    out: Pixels | None = None,
    threads: int = 1,
) -> Pixels:
    """``(original * (100 - strength) + edited * strength + 50) // 100``.

    Args:
        original: uint8 [h, w, 3 or 4].
        edited: of the same shape.
        strength: 0 gives the original, 100 the edited.
        out: of that shape too; may be either input.

    Example:
        >>> black, white = np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 255, np.uint8)
        >>> blend(black, white, 50).tolist()
        [[[128, 128, 128]]]
    """
    _picture(original, "original", (3, 4))
    _picture(edited, "edited", (3, 4))
    if original.shape != edited.shape:
        raise KernelError(
            f"original is {_described(original)} and edited {_described(edited)}; "
            "give two pictures of one shape"
        )
    _integer(strength, "strength", 0, 100)
    out = _output(out, original.shape)
    library = _library()
    row = original.shape[1] * original.shape[2]

    def work(first: int, last: int) -> None:
        _run(
            library.hb_blend(
                original[first:].ctypes.data, edited[first:].ctypes.data, (last - first) * row,
                strength, out[first:].ctypes.data,
            ),
            "blend",
        )  # fmt: skip

    _bands(original.shape[0], threads, work)
    return out


# ---- finishing ----


def grain(
    pixels: Pixels,
    amount: int,
    size: int,
    *,
    seed: int,
    full_size: tuple[int, int] | None = None,
    origin: tuple[int, int] = (0, 0),
    out: Pixels | None = None,
    threads: int = 1,
) -> Pixels:
    """Monochrome film-like grain: the same pattern at every resolution, most in the mid-tones.

    Args:
        pixels: uint8 [h, w, 3 or 4].
        amount: 0 to 100; at 100 the standard deviation in the mid-tones is a tenth of the range.
        size: 0 to 100; a grain is (25 + size) / 100,000 of the full picture's long edge.
        seed: 0 to 2**32 - 1; chooses the pattern.
        full_size: (height, width) of the picture that ``pixels`` is a window of; or its own.
        origin: (row, column) of the window's first pixel in that picture.
        out: of the shape of ``pixels``, which it may be.
        threads: bands of rows to work on at a time.

    Example:
        >>> grey = np.full((4, 4, 3), 128, np.uint8)
        >>> bool((grain(grey, 0, 25, seed=1) == grey).all())
        True
    """
    _picture(pixels, "pixels", (3, 4))
    _integer(amount, "amount", 0, 100)
    _integer(size, "size", 0, 100)
    _integer(seed, "seed", 0, 2**32 - 1)
    top, left, full_height, full_width = _place(pixels, full_size, origin)
    out = _output(out, pixels.shape)
    library = _library()
    _, width, channels = pixels.shape
    length = library.hb_grain_scratch(width, size, full_height, full_width)

    def work(first: int, last: int) -> None:
        scratch = np.empty(length, np.uint32)
        _run(
            library.hb_grain(
                pixels[first:].ctypes.data, last - first, width, channels, top + first, left,
                full_height, full_width, amount, size, seed, out[first:].ctypes.data,
                scratch.ctypes.data, length,
            ),
            "grain",
        )  # fmt: skip

    _bands(pixels.shape[0], threads, work)
    return out


def vignette(
    pixels: Pixels,
    amount: int,
    midpoint: int = 50,
    *,
    full_size: tuple[int, int] | None = None,
    origin: tuple[int, int] = (0, 0),
    out: Pixels | None = None,
    threads: int = 1,
) -> Pixels:
    """Darken or lighten smoothly towards the corners, in an ellipse that fits the picture.

    Args:
        pixels: uint8 [h, w, 3 or 4].
        amount: -100 (black corners) to 100 (white corners).
        midpoint: 0 to 100: how far towards the corners, in per cent, the change begins.
        full_size: (height, width) of the picture that ``pixels`` is a window of; or its own.
        origin: (row, column) of the window's first pixel in that picture.
        out: of the shape of ``pixels``, which it may be.
        threads: bands of rows to work on at a time.

    Example:
        >>> grey = np.full((9, 9, 3), 128, np.uint8)
        >>> vignette(grey, -100, 0)[4, 4].tolist()
        [128, 128, 128]
    """
    _picture(pixels, "pixels", (3, 4))
    _integer(amount, "amount", -100, 100)
    _integer(midpoint, "midpoint", 0, 100)
    top, left, full_height, full_width = _place(pixels, full_size, origin)
    out = _output(out, pixels.shape)
    library = _library()
    _, width, channels = pixels.shape

    def work(first: int, last: int) -> None:
        _run(
            library.hb_vignette(
                pixels[first:].ctypes.data, last - first, width, channels, top + first, left,
                full_height, full_width, amount, midpoint, out[first:].ctypes.data,
            ),
            "vignette",
        )  # fmt: skip

    _bands(pixels.shape[0], threads, work)
    return out


def sharpen(
    pixels: Pixels,
    amount: int,
    radius: int = 25,
    *,
    long_edge: int | None = None,
    out: Pixels | None = None,
    threads: int = 1,
) -> Pixels:
    """Unsharp mask of the luma: the same change to red, green and blue, so no coloured fringes.

    Args:
        pixels: uint8 [h, w, 3 or 4]; a window needs a margin of radius / 40,000 of ``long_edge``.
        amount: 0 to 100; 50 adds the difference between luma and blur once.
        radius: 0 to 100; the blur is a tent of half width radius / 40,000 of ``long_edge``.
        long_edge: longer side of the picture that ``pixels`` is a window of; its own by default.
        out: of the shape of ``pixels``; not ``pixels`` itself.
        threads: bands of rows to work on at a time.

    Example:
        >>> flat = np.full((8, 8, 3), 90, np.uint8)
        >>> bool((sharpen(flat, 100, long_edge=4000) == flat).all())
        True
    """
    _picture(pixels, "pixels", (3, 4))
    _integer(amount, "amount", 0, 100)
    _integer(radius, "radius", 0, 100)
    height, width, channels = pixels.shape
    edge = max(height, width) if long_edge is None else long_edge
    _integer(edge, "long_edge", max(height, width), MAX_SIDE)
    out = _output(out, pixels.shape)
    _separate(pixels, out)
    library = _library()
    length = library.hb_sharpen_scratch(width, radius, edge)

    def work(first: int, last: int) -> None:
        scratch = np.empty(length, np.uint32)
        _run(
            library.hb_sharpen(
                pixels.ctypes.data, height, width, channels, first, last, edge, amount, radius,
                out.ctypes.data, scratch.ctypes.data, length,
            ),
            "sharpen",
        )  # fmt: skip

    _bands(height, threads, work)
    return out


# ---- measuring ----


class Statistics(NamedTuple):
    """What :func:`statistics` counts; every value is an exact integer."""

    pixels: int
    """Height times width."""
    luma: NDArray[np.uint32]
    """[256] Histogram of ``(54 R + 183 G + 19 B + 128) >> 8``."""
    chroma: NDArray[np.uint32]
    """[256] Histogram of ``max(R, G, B) - min(R, G, B)``."""
    rg_sum: int
    """Sum of ``R - G``."""
    rg_square: int
    """Sum of ``(R - G) ** 2``."""
    yb_sum: int
    """Sum of ``R + G - 2 B``, twice the yb of Hasler and Süsstrunk (2003)."""
    yb_square: int
    """Sum of ``(R + G - 2 B) ** 2``."""
    grid: NDArray[np.uint64]
    """[8, 8] Sum of luma over the pixels (y, x) with (y * 8 // h, x * 8 // w) = (row, column)."""


def statistics(rgb: Pixels) -> Statistics:
    """Histograms and sums that describe a picture's light and colour, in one pass.

    Args:
        rgb: uint8 [h, w, 3].

    Example:
        >>> statistics(np.full((2, 2, 3), 9, np.uint8)).luma[9]
        np.uint32(4)
    """
    _picture(rgb, "rgb")
    luma, chroma = np.empty(256, np.uint32), np.empty(256, np.uint32)
    sums, grid = np.empty(4, np.int64), np.empty((8, 8), np.uint64)
    height, width, _ = rgb.shape
    _run(
        _library().hb_statistics(
            rgb.ctypes.data, height, width,
            luma.ctypes.data, chroma.ctypes.data, sums.ctypes.data, grid.ctypes.data,
        ),
        "statistics",
    )  # fmt: skip
    rg_sum, rg_square, yb_sum, yb_square = map(int, sums)
    return Statistics(height * width, luma, chroma, rg_sum, rg_square, yb_sum, yb_square, grid)
