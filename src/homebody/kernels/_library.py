"""The native library: found, loaded on first use, and its functions declared."""

from __future__ import annotations

import ctypes
import functools
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from homebody.errors import KernelError
from homebody.kernels._arguments import integer

ABI_VERSION = 1
"""The library's version that this package speaks to: HB_ABI_VERSION in ``kernels/homebody.h``."""

NATIVE = Path(__file__).parents[1] / "_native"
"""Where the build puts the native library and the WebAssembly module."""


@functools.cache
def load() -> ctypes.CDLL:
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
    for function in (
        "hb_jpeg_scratch",
        "hb_jpeg_encode_scratch",
        "hb_jpeg_encode_bound",
        "hb_resize_scratch",
        "hb_grain_scratch",
        "hb_sharpen_scratch",
    ):
        getattr(library, function).restype = ctypes.c_uint32
    return library


_POINTER, _INT, _UINT = ctypes.c_void_p, ctypes.c_int32, ctypes.c_uint32
_SIGNATURES: dict[str, list[Any]] = {
    "hb_jpeg_scratch": [_POINTER, ctypes.c_size_t, _INT],
    "hb_jpeg_start": [_POINTER, ctypes.c_size_t, _INT, _POINTER, _POINTER, _UINT],
    "hb_jpeg_rows": [_POINTER, _INT, _POINTER],
    "hb_jpeg_encode_head": [*[_INT] * 5, _POINTER, _UINT],
    "hb_jpeg_encode_scratch": [_INT] * 2,
    "hb_jpeg_encode_bound": [_INT] * 2,
    "hb_jpeg_encode_start": [*[_INT] * 3, _POINTER, _UINT],
    "hb_jpeg_encode_rows": [_POINTER, _POINTER, _INT, _POINTER, _UINT],
    "hb_jpeg_encode_end": [_POINTER, _POINTER, _UINT],
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
    "hb_channel_statistics": [_POINTER, *[ctypes.c_size_t] * 2, *[_POINTER] * 3],
}


def check(status: int, kernel: str) -> None:
    """Arguments are checked before the call; a refusal from C is a hole in those checks."""
    if status != 0:
        raise KernelError(
            f"the {kernel} kernel refused its arguments (status {status}); report this"
        )


def bands(height: int, threads: int, work: Callable[[int, int], None]) -> None:
    """Call ``work(first_row, last_row)`` so that the calls cover ``height`` rows, in parallel."""
    count = min(integer(threads, "threads", 1, 256), height)
    if count == 1:
        work(0, height)
        return
    from concurrent.futures import ThreadPoolExecutor  # 5 ms that a small picture need not pay

    edges = [height * i // count for i in range(count + 1)]
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))
