"""The battery twin as a bundle: a net cut before its last layer, and a prior for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homebody.adapt import Base, ModelOfOne, Prior, safetensors
from homebody.bundle import (
    Manifest,
    OutputTolerance,
    SamplesReference,
    TensorSpec,
    Tolerances,
    samples,
)
from homebody.bundle import Model as ModelEntry
from homebody.errors import UsageError
from homebody.feature import CheckReport, Feature, pack
from homebody.features.battery.net import Net
from homebody.features.battery.tflite import to_tflite
from homebody.pipeline import Prepared

TASK = "battery-twin"
INPUTS = "current_charge"
OUTPUT = "voltage"
ADAPT = "adapt.safetensors"
"""The entry that :func:`homebody.adapt.ModelOfOne` reads: the last layer and the prior."""
_NO_PICTURE = np.zeros((0, 0, 3), np.uint8)


class BatteryTwin(Feature):
    """A bundle of the task ``battery-twin``.

    Example:
        >>> import homebody
        >>> feature = homebody.load("cell.hb")                            # doctest: +SKIP
        >>> feature([[2.0, 3600.0]])                                      # doctest: +SKIP
        array([3.71])
        >>> twin = feature.twin("cell 7")                                 # doctest: +SKIP
        >>> twin.observe([2.0, 3600.0], 3.65).status                      # doctest: +SKIP
        'learned'
    """

    def __call__(self, inputs: ArrayLike, /) -> NDArray[np.float64]:  # type: ignore[override]
        """The base model's voltage, float64 [n], at current (A) and charge drawn (C), [n, 2]."""
        points = _points(inputs)
        return np.array([self.model(point[None])[0][0, 0] for point in points], np.float64)

    def twin(self, asset: str, **options: Any) -> ModelOfOne:
        """A model of one for an asset; ``options`` as :class:`~homebody.adapt.ModelOfOne` takes."""
        return ModelOfOne(self.bundle, asset, **options)

    def prepare(self, pixels: NDArray[Any]) -> Prepared:
        """A sample's input [2] as the model takes it; the name is the photo features'."""
        return Prepared(_NO_PICTURE, _points(pixels)[:1])

    def finish(self, outputs: tuple[NDArray[Any], ...], prepared: Prepared) -> dict[str, float]:
        """The voltage, by its name."""
        return {OUTPUT: float(outputs[0][0, 0])}

    def answer(self, scores: Mapping[str, float]) -> str:
        """What is answered with: a number, whose tolerance is the output's."""
        return OUTPUT


def base_of(net: Net, prior: Prior | None = None) -> Base:
    """The base model of a net that has no bundle, with features in float64."""
    arrays = [part for layer in net.layers for part in layer]
    return Base(net.features, net.last_layer, Base.hash_of(*arrays), prior)


def pack_twin(
    path: str | os.PathLike[str],
    net: Net,
    prior: Prior,
    examples: ArrayLike,
    *,
    name: str = "battery",
    version: str = "1.0.0",
    licence: str = "Apache-2.0",
    card: str = "",
    provenance: Mapping[str, str] | None = None,
) -> CheckReport:
    """Write a twin's bundle, if LiteRT runs it here as the net was trained.

    Args:
        path: the ``.hb`` file to write or replace.
        net: from current (A) and charge drawn (C) to voltage (V).
        prior: what an asset's last layer is before its first measurement.
        examples: inputs [n, 2] that become the bundle's samples, n at least 1.
        name, version, licence, card, provenance: what the bundle says about itself.

    Raises:
        CheckError: LiteRT's answers stray from the net's.
        BundleError: the bundle cannot be written.
        UsageError: the examples are none.
    """
    points = _points(examples)
    f = net.last_layer.shape[1] - 1
    outputs = {
        OUTPUT: net(points).astype(np.float32)[:, None],
        "features": net.features(points).astype(np.float32),
    }
    found = [
        samples.Sample(
            name=f"sample-{index}",
            input=point,
            input_sha256={INPUTS: samples.tensor_sha256(point[None])},
            outputs={key: value[index][None] for key, value in outputs.items()},
            answer=OUTPUT,
        )
        for index, point in enumerate(points)
    ]
    manifest = Manifest(
        name=name,
        version=version,
        task=TASK,
        input=(),
        model=ModelEntry(
            entry="model.tflite",
            format="tflite",
            inputs=(TensorSpec(name=INPUTS, shape=(1, 2), dtype="float32"),),
            outputs=(
                TensorSpec(name=OUTPUT, shape=(1, 1), dtype="float32"),
                TensorSpec(name="features", shape=(1, f), dtype="float32"),
            ),
        ),
        output=(),
        samples=SamplesReference(entry=samples.ENTRY),
        tolerances=Tolerances(
            outputs={key: OutputTolerance(sqnr_db=80.0) for key in outputs},
        ),
        licence=licence,
        provenance=dict(provenance or {}),
    )
    tensors = {
        "weights": net.last_layer, "mean": prior.mean, "covariance": prior.covariance,
        "process": prior.process, "noise": prior.noise,
    }  # fmt: skip
    entries = {
        "model.tflite": to_tflite(net, inputs=INPUTS, output=OUTPUT),
        ADAPT: safetensors.dumps(tensors),
        **samples.encode(found),
    }
    if card:
        entries["card.md"] = card.encode()
    return pack(path, manifest, entries)


def _points(inputs: ArrayLike) -> NDArray[np.float32]:
    points = np.atleast_2d(np.asarray(inputs, np.float32))
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise UsageError(
            f"inputs are {list(np.shape(inputs))}; give current (A) and charge drawn (C), [n, 2]"
        )
    return points
