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

from homebody.kernels._arguments import MAX_SIDE, Pixels
from homebody.kernels._block import MAX_MEASURED, MAX_ROW, MAX_STEPS
from homebody.kernels._channels import ChannelStatistics, channel_statistics
from homebody.kernels._colour import (
    LOOK_PARAMETERS,
    LUT_SIZES,
    LUT_WHITE,
    blend,
    look_lut,
    lut_apply,
    lut_identity,
)
from homebody.kernels._drawing import MAX_PARTICLES, RESAMPLING, Resampling, normals, resample
from homebody.kernels._filtering import Kalman, Particles
from homebody.kernels._finishing import grain, sharpen, vignette
from homebody.kernels._jpeg import JPEG_SCALES, JPEG_SIDE, jpeg_decode, jpeg_encode
from homebody.kernels._library import ABI_VERSION, NATIVE
from homebody.kernels._measuring import Statistics, statistics
from homebody.kernels._resizing import Order, fit_short_side, normalize, resize, resize_normalize

__all__ = [
    "ABI_VERSION",
    "JPEG_SCALES",
    "JPEG_SIDE",
    "LOOK_PARAMETERS",
    "LUT_SIZES",
    "LUT_WHITE",
    "MAX_MEASURED",
    "MAX_PARTICLES",
    "MAX_ROW",
    "MAX_SIDE",
    "MAX_STEPS",
    "NATIVE",
    "RESAMPLING",
    "ChannelStatistics",
    "Kalman",
    "Order",
    "Particles",
    "Pixels",
    "Resampling",
    "Statistics",
    "blend",
    "channel_statistics",
    "fit_short_side",
    "grain",
    "jpeg_decode",
    "jpeg_encode",
    "look_lut",
    "lut_apply",
    "lut_identity",
    "normalize",
    "normals",
    "resample",
    "resize",
    "resize_normalize",
    "sharpen",
    "statistics",
    "vignette",
]
