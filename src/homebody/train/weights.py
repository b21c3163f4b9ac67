"""SqueezeNet's weights out of a file that is here already: a bundle, a model, a pickle.

The default bundle carries the ImageNet network that training starts from, so that nothing has
to be fetched. An int8 model gives weights too: each integer times its scale.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import homebody
from homebody import bundle as bundles
from homebody.errors import ModelError
from homebody.runtime import tflite
from homebody.train.squeezenet import Weights, layer_shapes, read_weights

DEFAULT = "for-this-photo"
"""The built-in bundle whose network is SqueezeNet 1.1 with 1,000 ImageNet classes."""

_CONV_2D, _DEQUANTIZE = 3, 6
_NUMBERS = {"float32": "<f4", "float16": "<f2", "int8": "i1", "int32": "<i4", "int64": "<i8"}
_MAX_FILE = 64 << 20


def load_weights(source: str | os.PathLike[str] | None = None) -> Weights:
    """SqueezeNet 1.1's weights.

    Args:
        source: a bundle (``.hb``), a model (``.tflite``) or the published ``.pkl``; by default
            the bundle that is installed with Homebody.

    Returns:
        ``{layer: (kernel [height, width, in, out], bias [out])}``, float32.

    Raises:
        ModelError: the file's network is not SqueezeNet 1.1.
        BundleError: the bundle is refused.

    Example:
        >>> load_weights()["conv1"][0].shape                               # doctest: +SKIP
        (3, 3, 3, 64)
    """
    if source is None:
        with homebody.load(DEFAULT) as feature:
            return weights_from_tflite(feature.bundle.read(feature.manifest.model.entry))
    path = Path(source)
    if path.suffix == ".hb":
        with bundles.open(path) as bundle:
            return weights_from_tflite(bundle.read(bundle.manifest.model.entry))
    if path.suffix == ".tflite":
        try:
            if path.stat().st_size > _MAX_FILE:
                raise ModelError(f"{path} is over {_MAX_FILE >> 20} MiB; expected SqueezeNet")
            return weights_from_tflite(path.read_bytes())
        except OSError as error:
            raise ModelError(f"cannot read {path}: {error.strerror}; check the path") from error
    return read_weights(path)


def weights_from_tflite(data: bytes) -> Weights:
    """Read SqueezeNet 1.1's weights out of a ``.tflite`` file, float or quantized.

    The network's convolutions are recognised by their order and shapes, so the file may come
    from any converter.

    Raises:
        ModelError: the file is damaged or holds another network.
    """
    graph = tflite.parse(data).subgraphs[0]
    constants = _Constants(data)
    made_by = {output: op for op in graph.operations for output in op.outputs}

    def constant(index: int) -> NDArray[np.float32]:
        while index in made_by and made_by[index].code == _DEQUANTIZE:
            index = made_by[index].inputs[0]  # float16 weights are widened when the model runs
        return constants.real(graph.tensors[index])

    found = [
        (constant(op.inputs[1]).transpose(1, 2, 3, 0), constant(op.inputs[2]))
        for op in graph.operations
        if op.code == _CONV_2D and len(op.inputs) == 3
    ]
    shapes = layer_shapes()
    weights: Weights = {}
    for name, shape in shapes.items():
        # The two expansions of a fire module may stand in either order.
        place = next((i for i, (kernel, _) in enumerate(found[:2]) if kernel.shape == shape), None)
        if place is None:
            raise ModelError(
                f"the model has no convolution {list(shape)} where SqueezeNet 1.1 has {name}; "
                "give a model or bundle of SqueezeNet 1.1 with 1,000 classes"
            )
        kernel, bias = found.pop(place)
        weights[name] = (np.ascontiguousarray(kernel), bias)
    return weights


class _Constants:
    """The constant tensors of a verified ``.tflite`` file as real numbers."""

    def __init__(self, data: bytes) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._model: Any = schema.Model.GetRootAs(data, 0)

    def real(self, tensor: tflite.Tensor) -> NDArray[np.float32]:
        stored = self._model.Subgraphs(0).Tensors(tensor.index)
        raw = self._model.Buffers(stored.Buffer()).DataAsNumpy()
        code = _NUMBERS.get(tensor.dtype)
        if code is None or not tensor.size or isinstance(raw, int):
            raise ModelError(
                f"the weights {tensor.name!r} are {tensor.dtype} in {tensor.size} bytes; expected "
                "float or int8 constants inside the file"
            )
        values = np.frombuffer(raw.tobytes(), code)[: math.prod(tensor.shape)]
        real = values.reshape(tensor.shape).astype(np.float64)
        if tensor.quantization is not None:
            found = tensor.quantization
            scales = np.array(found.scales)
            if found.axis is not None:
                along = [1] * len(tensor.shape)
                along[found.axis] = -1
                scales = scales.reshape(along)
            real *= scales  # int8 weights and int32 biases are symmetric: zero is code 0
        return real.astype(np.float32)
