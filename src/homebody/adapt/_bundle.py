"""A base model out of a bundle."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody import bundle as bundles
from homebody.adapt import safetensors
from homebody.adapt._base import Base, Prior
from homebody.bundle import Bundle
from homebody.errors import AdaptError
from homebody.runtime import Model

ENTRY = "adapt.safetensors"
"""The bundle's entry with the last layer and the prior."""

LARGEST = 64 << 20
"""Most bytes of that entry."""
_PRIOR = ("mean", "covariance", "process", "noise")


def adapt_entry(
    weights: ArrayLike,
    prior: Prior | None = None,
    *,
    input_offset: ArrayLike | None = None,
    input_scale: ArrayLike | None = None,
) -> bytes:
    """The bytes of a bundle's entry ``adapt.safetensors``.

    Args:
        weights: the last layer, [outputs, f + 1], biases last, in the world's units.
        prior: what other assets taught (:func:`fleet_prior`).
        input_offset, input_scale: [k]: the net's features are of (u - offset) / scale.

    Raises:
        SafetensorsError: these are not arrays of numbers.
    """
    tensors: dict[str, NDArray[Any]] = {"weights": np.array(weights, np.float64, ndmin=2)}
    if prior is not None:
        tensors |= {name: getattr(prior, name) for name in _PRIOR}
    for name, value in (("input_offset", input_offset), ("input_scale", input_scale)):
        if value is not None:
            tensors[name] = np.array(value, np.float64)
    return safetensors.dumps(tensors)


def base_of(source: Bundle | str | os.PathLike[str], *, threads: int = 1) -> Base:
    """The base model of a bundle whose last layer may be adapted.

    The bundle's model takes one float32 input [1, k] and gives two outputs: the prediction
    [1, outputs] and the last hidden layer [1, f]. Its entry ``adapt.safetensors``
    (:func:`adapt_entry`) holds the last layer, and, where other assets taught one, a prior. The
    last layer has to give the model's own predictions, so that a scaling of the outputs is part
    of its weights.

    Args:
        source: an open bundle, or the path of one (which is opened, read and closed).
        threads: how many the model may use.

    Raises:
        AdaptError: the bundle was not made for adapting, or its parts contradict each other.
        BundleError, ModelError: it cannot be read or run.
    """
    if not isinstance(source, Bundle):
        with bundles.open(source) as opened:
            return base_of(opened, threads=threads)
    if ENTRY not in source.names():
        raise AdaptError(
            f"the bundle {source.manifest.name} has no {ENTRY}, so its last layer cannot be "
            "adapted; pack one with the last layer's weights in it"
        )
    if len(source.view(ENTRY)) > LARGEST:
        raise AdaptError(f"{ENTRY} has over {LARGEST} bytes; a last layer needs far fewer")
    tensors = safetensors.loads(source.read(ENTRY)).tensors
    model = Model(source.read(source.manifest.model.entry), threads=threads)
    return _base(model, tensors, source.sha256)


def _base(model: Model, tensors: dict[str, NDArray[Any]], sha256: str) -> Base:
    if "weights" not in tensors or tensors["weights"].ndim != 2:
        raise AdaptError(f"{ENTRY} has no weights [outputs, f + 1]; pack the bundle again")
    weights = tensors["weights"].astype(np.float64)
    outputs, width = weights.shape
    shapes = [spec.shape for spec in model.outputs]
    if len(model.inputs) != 1 or shapes != [(1, outputs), (1, width - 1)]:
        raise AdaptError(
            f"the model gives {shapes}; the prediction [1, {outputs}] and the last hidden layer "
            f"[1, {width - 1}] are expected, so pack a model cut for adapting"
        )
    shape = model.inputs[0].shape
    if len(shape) != 2 or shape[0] != 1 or model.inputs[0].dtype != "float32":
        raise AdaptError(
            f"the model takes {model.inputs[0].dtype} {list(shape)}; float32 [1, k] is expected, "
            "so pack a model cut for adapting"
        )
    k = shape[1]
    offset = tensors.get("input_offset", np.zeros(k)).astype(np.float64)
    scale = tensors.get("input_scale", np.ones(k)).astype(np.float64)
    if offset.shape != (k,) or scale.shape != (k,) or not (scale > 0).all():
        raise AdaptError(f"{ENTRY}'s input scaling is not [{k}] above 0; pack the bundle again")

    def features(u: Any) -> NDArray[np.float64]:
        inputs = np.asarray(u, np.float64)
        if inputs.ndim not in (1, 2) or inputs.shape[-1] != k:
            raise AdaptError(f"an input is {list(inputs.shape)}; give [{k}], or [n, {k}]")
        scaled = ((np.atleast_2d(inputs) - offset) / scale).astype(np.float32)
        hidden = np.array([model(row[None])[1][0] for row in scaled], np.float64)
        return hidden if inputs.ndim == 2 else hidden[0]

    there = [name for name in _PRIOR if name in tensors]
    if there and len(there) < len(_PRIOR):
        raise AdaptError(f"{ENTRY} has only {', '.join(there)} of a prior; pack the bundle again")
    probe = offset + scale * np.linspace(-0.5, 0.5, k)
    prediction, hidden = model(((probe - offset) / scale).astype(np.float32)[None])
    own = weights @ np.append(hidden[0].astype(np.float64), 1.0)
    size = np.abs(weights) @ np.append(np.abs(hidden[0]), 1.0)
    if not (np.abs(own - prediction[0]) <= 1e-4 * size).all():
        raise AdaptError(
            f"{ENTRY}'s last layer gives {own.tolist()} where the model gives "
            f"{prediction[0].tolist()}; pack the weights of this model's last layer"
        )
    prior = Prior(*(tensors[name].astype(np.float64) for name in _PRIOR)) if there else None
    return Base(features, weights, sha256, prior)
