"""The native library: found, loaded on first use, and its functions declared."""

from __future__ import annotations

import ctypes
import functools
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from homebody.errors import KernelError
from homebody.kernels._arguments import integer

ABI_VERSION = 2
"""The library's version that this package speaks to: HB_ABI_VERSION in ``kernels/homebody.h``."""

NATIVE = Path(__file__).parents[1] / "_native"
"""Where the build puts the native library and the WebAssembly module."""

POINTER, INT, UINT, REAL = ctypes.c_void_p, ctypes.c_int32, ctypes.c_uint32, ctypes.c_double
"""C's types as a door declares them."""


@functools.cache
def opened() -> ctypes.CDLL:
    """The native library, found and of this package's version; its functions are undeclared."""
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
    return library


def bind(
    functions: Mapping[str, Sequence[Any]], returns: Mapping[str, Any] | None = None
) -> Callable[[], ctypes.CDLL]:
    """Declare the C functions of one door module.

    Args:
        functions: types of the arguments, by the function's name.
        returns: types of the results of those that do not return a status (int32).

    Returns:
        What gives the library with these functions declared; it is loaded by the first call of
        any door.

    Example:
        >>> load = bind({"hb_resize_scratch": [INT, INT]}, {"hb_resize_scratch": UINT})
        >>> load().hb_resize_scratch(640, 227) > 0
        True
    """

    @functools.cache
    def load() -> ctypes.CDLL:
        library = opened()
        for name, arguments in functions.items():
            function = getattr(library, name)
            function.argtypes = list(arguments)
            function.restype = (returns or {}).get(name, INT)
        return library

    return load


load = bind(
    {
        "hb_jpeg_scratch": [POINTER, ctypes.c_size_t, INT],
        "hb_jpeg_start": [POINTER, ctypes.c_size_t, INT, POINTER, POINTER, UINT],
        "hb_jpeg_rows": [POINTER, INT, POINTER],
        "hb_jpeg_encode_head": [*[INT] * 5, POINTER, UINT],
        "hb_jpeg_encode_scratch": [INT] * 2,
        "hb_jpeg_encode_bound": [INT] * 2,
        "hb_jpeg_encode_start": [*[INT] * 3, POINTER, UINT],
        "hb_jpeg_encode_rows": [POINTER, POINTER, INT, POINTER, UINT],
        "hb_jpeg_encode_end": [POINTER, POINTER, UINT],
        "hb_resize_scratch": [INT] * 2,
        "hb_resize": [POINTER, *[INT] * 8, POINTER, POINTER, UINT],
        "hb_resize_normalize": [POINTER, *[INT] * 9, *[POINTER] * 4, UINT],
        "hb_normalize": [POINTER, UINT, INT, POINTER, POINTER, POINTER],
        "hb_lut_apply": [POINTER, UINT, INT, POINTER, INT, POINTER],
        "hb_lut_apply_scalar": [POINTER, UINT, INT, POINTER, INT, POINTER],
        "hb_look_lut": [POINTER, INT, INT, POINTER],
        "hb_grain_scratch": [INT] * 4,
        "hb_grain": [POINTER, *[INT] * 9, UINT, POINTER, POINTER, UINT],
        "hb_vignette": [POINTER, *[INT] * 9, POINTER],
        "hb_sharpen_scratch": [INT] * 3,
        "hb_sharpen": [POINTER, *[INT] * 8, POINTER, POINTER, UINT],
        "hb_blend": [POINTER, POINTER, ctypes.c_size_t, INT, POINTER],
        "hb_statistics": [POINTER, INT, INT, *[POINTER] * 4],
        "hb_channel_statistics": [POINTER, *[ctypes.c_size_t] * 2, *[POINTER] * 3],
    },
    returns=dict.fromkeys(
        (
            "hb_jpeg_scratch",
            "hb_jpeg_encode_scratch",
            "hb_jpeg_encode_bound",
            "hb_resize_scratch",
            "hb_grain_scratch",
            "hb_sharpen_scratch",
        ),
        UINT,
    ),
)
"""The library with the picture kernels declared."""


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
