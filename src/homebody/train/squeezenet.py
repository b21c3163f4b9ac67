"""SqueezeNet 1.1 in Keras, and a reader for its published ImageNet weights.

The network is that of F. Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer
parameters and <0.5MB model size", arXiv:1602.07360, in the authors' version 1.1. Two details
are easily lost on the way from Caffe and cost accuracy when they are: the first convolution
has no padding, and Caffe's pooling rounds its output size *up*, which on the even sizes after
the first pool is what TensorFlow calls ``same``.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from homebody.errors import MissingExtraError, ModelError

if TYPE_CHECKING:
    import keras

Weights = dict[str, tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]

INPUT_SIZE = 227
"""Height and width of the input, in pixels."""

MEAN_BGR = (103.939, 116.779, 123.68)
"""What the training subtracted from blue, green and red (0-255); the input's channel order."""

_FIRE = {  # name: (squeeze, expand) channels; both expand branches have the same
    "fire2": (16, 64),
    "fire3": (16, 64),
    "fire4": (32, 128),
    "fire5": (32, 128),
    "fire6": (48, 192),
    "fire7": (48, 192),
    "fire8": (64, 256),
    "fire9": (64, 256),
}
_CLASSES = 1000
_MAX_FILE = 16 << 20


def layer_shapes() -> dict[str, tuple[int, int, int, int]]:
    """Kernel shape (height, width, in, out) of every convolution, by name, in network order.

    Example:
        >>> layer_shapes()["conv10"]
        (1, 1, 512, 1000)
    """
    shapes: dict[str, tuple[int, int, int, int]] = {"conv1": (3, 3, 3, 64)}
    channels = 64
    for name, (squeeze, expand) in _FIRE.items():
        shapes[f"{name}/squeeze1x1"] = (1, 1, channels, squeeze)
        shapes[f"{name}/expand1x1"] = (1, 1, squeeze, expand)
        shapes[f"{name}/expand3x3"] = (3, 3, squeeze, expand)
        channels = 2 * expand
    shapes["conv10"] = (1, 1, channels, _CLASSES)
    return shapes


def squeezenet(weights: Mapping[str, Any] | None = None) -> keras.Model:
    """SqueezeNet 1.1 with 1000 ImageNet logits.

    Input: float32 ``[batch, 227, 227, 3]``, blue-green-red, 0-255 less :data:`MEAN_BGR`.
    Output: float32 ``[batch, 1000]`` logits (no softmax).

    Args:
        weights: kernel and bias of every layer in :func:`layer_shapes`, as :func:`read_weights`
            gives them; random without.

    Raises:
        MissingExtraError: Keras is not installed.
        ModelError: a layer is missing or has another shape.
    """
    if weights is not None:
        _check_shapes(weights)
    try:
        import keras
        from keras import layers
    except ImportError as error:
        raise MissingExtraError("train", "building the Keras model") from error

    def convolution(x: Any, name: str, padding: str = "valid", stride: int = 1) -> Any:
        height, width, _, out = layer_shapes()[name]
        return layers.Conv2D(
            out,
            (height, width),
            strides=stride,
            padding=padding,
            activation="relu",
            name=name.replace("/", "_"),
        )(x)

    image = keras.Input((INPUT_SIZE, INPUT_SIZE, 3), name="image")
    x = convolution(image, "conv1", stride=2)
    x = layers.MaxPooling2D(3, 2, padding="valid", name="pool1")(x)
    for name in _FIRE:
        narrow = convolution(x, f"{name}/squeeze1x1")
        x = layers.Concatenate(name=f"{name}_concat")(
            [
                convolution(narrow, f"{name}/expand1x1"),
                convolution(narrow, f"{name}/expand3x3", padding="same"),
            ]
        )
        if name in ("fire3", "fire5"):
            x = layers.MaxPooling2D(3, 2, padding="same", name=f"pool{name[-1]}")(x)
    x = convolution(x, "conv10")
    logits = layers.GlobalAveragePooling2D(name="logits")(x)
    model = keras.Model(image, logits, name="squeezenet_1_1")
    if weights is not None:
        for name in layer_shapes():
            model.get_layer(name.replace("/", "_")).set_weights(list(weights[name]))
    return model


def read_weights(source: Path | str | bytes) -> Weights:
    """Read kernels and biases from a pickle of plain numpy arrays, executing nothing.

    The published weights are a pickled dict ``{layer: [kernel, bias]}`` (an empty list for a
    layer without weights). A pickle can name any function; this reader resolves the three
    names that an array needs to inert stand-ins and refuses every other, and builds arrays
    only from bytes whose count matches the shape they claim.

    Args:
        source: the ``.pkl`` file or its bytes, at most 16 MiB.

    Returns:
        ``{layer: (kernel [height, width, in, out], bias [out])}``, float32.

    Raises:
        ModelError: the file is missing, too large, holds anything but such arrays, or a
            layer's shape is not SqueezeNet 1.1's.
    """
    if isinstance(source, bytes):
        data, path = source, "the weights"
    else:
        data, path = _read(Path(source)), str(source)
    try:
        layers = _ArraysOnly(io.BytesIO(data)).load()
    except ModelError as error:
        raise ModelError(f"{path} is refused: {error}") from error
    except Exception as error:  # a malformed pickle raises nearly anything
        raise ModelError(f"{path} is not a readable pickle of arrays: {error!r}") from error
    if not isinstance(layers, dict):
        raise ModelError(f"{path} holds a {type(layers).__name__}; expected a dict of layers")
    weights: Weights = {}
    for name, arrays in layers.items():
        if not isinstance(name, str) or not isinstance(arrays, list) or len(arrays) not in (0, 2):
            raise ModelError(f"{path}: layer {name!r} is not a [kernel, bias] list")
        if arrays:
            if not all(isinstance(array, _Array) for array in arrays):
                raise ModelError(f"{path}: layer {name!r} holds something other than arrays")
            weights[name] = (arrays[0].value(), arrays[1].value())
    _check_shapes(weights)
    return weights


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MAX_FILE:
            raise ModelError(f"{path} is over {_MAX_FILE >> 20} MiB; expected SqueezeNet weights")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the weights {path}: {error.strerror}") from error


def _check_shapes(weights: Mapping[str, Any]) -> None:
    shapes = layer_shapes()
    if weights.keys() != shapes.keys():
        odd = sorted(weights.keys() ^ shapes.keys())
        raise ModelError(f"layers differ from SqueezeNet 1.1's: {', '.join(odd[:4])}")
    for name, shape in shapes.items():
        kernel, bias = weights[name]
        if kernel.shape != shape or bias.shape != shape[-1:]:
            raise ModelError(
                f"layer {name} has kernel {kernel.shape} and bias {bias.shape}; "
                f"expected {shape} and {shape[-1:]}"
            )


class _Dtype:
    """Stands in for ``numpy.dtype`` while unpickling: little-endian float32 or nothing."""

    def __init__(self, code: str, align: object = None, copy: object = None) -> None:
        if code != "f4":
            raise ModelError(f"an array of dtype {code!r}; expected float32")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] != "<":
            raise ModelError("an array that is not little-endian")


class _Array:
    """Stands in for ``numpy.ndarray`` while unpickling; holds what the file says of one array."""

    _array: npt.NDArray[np.float32] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, raw = state
        if not isinstance(dtype, _Dtype) or not isinstance(raw, bytes):
            raise ModelError("an array whose dtype or bytes are malformed")
        if not isinstance(shape, tuple) or not all(type(n) is int and n > 0 for n in shape):
            raise ModelError(f"an array of shape {shape!r}")
        if 4 * math.prod(shape) != len(raw):
            raise ModelError(f"an array of shape {shape} with {len(raw)} bytes")
        flat = np.frombuffer(raw, "<f4").astype(np.float32)
        self._array = flat.reshape(shape, order="F" if fortran else "C")

    def value(self) -> npt.NDArray[np.float32]:
        if self._array is None:
            raise ModelError("an array without a value")
        return self._array


def _reconstruct(kind: object, shape: object, code: object) -> _Array:
    """Stands in for numpy's function of that name, which would allocate any shape it is told."""
    return _Array()


class _ArraysOnly(pickle.Unpickler):
    _known: ClassVar[dict[tuple[str, str], Any]] = {
        # numpy renamed its core package in 2.0; files written before and after are read
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Dtype,
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._known[module, name]
        except KeyError:
            raise ModelError(f"it names {module}.{name}; only numpy arrays are read") from None

    def persistent_load(self, pid: object) -> Any:
        raise ModelError("it refers to outside objects; only numpy arrays are read")
