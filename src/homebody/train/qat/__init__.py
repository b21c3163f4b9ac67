"""Quantization-aware training: a net learns with int8's rounding in its forward pass.

    net = quantization_aware(to_tflite(model))
    net.calibrate([inputs])
    net.compile(optimizer, loss)
    net.fit(inputs, labels)
    open("model.tflite", "wb").write(net.export_tflite())

What the net computes while it trains is what the exported model computes: the same grids, the
same codes, rounding at the same places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from homebody.errors import MissingExtraError
from homebody.train._greeting import import_tensorflow

if TYPE_CHECKING:
    from homebody.train.qat.network import QuantizationAware

__all__ = ["quantization_aware"]


def quantization_aware(
    data: bytes,
    *,
    weight_bits: int = 8,
    ranges: Literal["learned", "ema", "fixed"] = "learned",
) -> QuantizationAware:
    """A float ``.tflite`` file as a Keras model to train with int8's rounding.

    Takes and raises what :class:`homebody.train.qat.network.QuantizationAware` does.

    Raises:
        MissingExtraError: Keras is not installed.
    """
    try:
        import_tensorflow()
        import keras  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("train", "quantization-aware training") from error
    from homebody.train.qat.network import QuantizationAware

    return QuantizationAware(data, weight_bits=weight_bits, ranges=ranges)
