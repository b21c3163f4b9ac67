"""Rebuild the default bundle, ``for-this-photo.hb``.

    python -m homebody.features.photo.build                 needs homebody[train] and pip online
    python -m homebody.features.photo.build --keep-model    everything but the network, offline

The network is SqueezeNet 1.1 with its published ImageNet weights, not trained further, shrunk to
int8 on the shipped photos. The rest comes from this folder: the class map (class_map.py), the
presets (presets/), the card (card.md) and one photo for each category (samples/), each with what
the float model gives for it. Equal inputs, package versions and processor family give equal bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from homebody import bundle as bundles
from homebody import kernels
from homebody.bundle import Manifest, OutputTolerance, SamplesReference, TensorSpec, Tolerances
from homebody.bundle import Model as ModelEntry
from homebody.bundle import samples as bundle_samples
from homebody.bundle.operations import (
    CenterCrop,
    ClassMap,
    Normalize,
    Photometry,
    Resize,
    Softmax,
)
from homebody.errors import HomebodyError
from homebody.feature import CheckReport, load, pack
from homebody.features.photo import class_map
from homebody.features.photo.catalog import catalog_json
from homebody.features.photo.feature import default_bundle
from homebody.features.photo.sample_photos import list_samples, sample_folder
from homebody.image import decode
from homebody.pipeline import prepare
from homebody.runtime import Model
from homebody.shrink import shrink
from homebody.train import INPUT_SIZE, MEAN_BGR, published, squeezenet, to_tflite

VERSION = "1.0.0"
"""The bundle's version; raise it with every release that changes the bytes."""

Precision: TypeAlias = Literal["int8", "float32"]

SAMPLE_SIDE = 96
"""Short side in pixels at which sample photos are carried: small, since a browser's first visit
downloads the bundle, and the resize enlarges them."""

LARGE_SAMPLE = "coastal"
LARGE_SAMPLE_SIDE = 256
"""One sample is large enough that the resize reduces it, as it does every real photo."""


def manifest() -> Manifest:
    """What the bundle says about itself, but for its samples."""
    return Manifest(
        name="for-this-photo",
        version=VERSION,
        task="suggest-presets",
        input=(
            Resize(short_side=INPUT_SIZE),
            CenterCrop(width=INPUT_SIZE, height=INPUT_SIZE),
            Normalize(order="bgr", mean=MEAN_BGR, std=(1.0, 1.0, 1.0)),
        ),
        model=ModelEntry(
            entry="model.tflite",
            format="tflite",
            inputs=(
                TensorSpec(name="image", shape=(1, INPUT_SIZE, INPUT_SIZE, 3), dtype="float32"),
            ),
            outputs=(TensorSpec(name="logits", shape=(1, class_map.CLASSES), dtype="float32"),),
        ),
        output=(Softmax(), ClassMap(entry="categories.json"), Photometry()),
        assets={"catalog": "catalog.json"},
        licence="Apache-2.0 AND BSD-2-Clause AND MIT AND CC0-1.0",
        provenance={
            "architecture": "SqueezeNet 1.1, arXiv:1602.07360",
            "weights": f"{published.PACKAGE}, {published.MEMBER}, SHA-256 "
            f"{published.MEMBER_SHA256}; ImageNet (ILSVRC 2012), not trained further",
        },
    )


class Network(NamedTuple):
    """The model that is packed, and what it is held to."""

    model: bytes
    expected: dict[str, NDArray[np.float32]]
    """The float model's logits for each sample photo, by category."""
    provenance: dict[str, str]


def convert(precision: Precision) -> Network:
    """Make the network from its published weights.

    Raises:
        MissingExtraError: ``homebody[train]`` is not installed.
        ModelError: the weights cannot be fetched or are not what is expected.
    """
    trained = to_tflite(squeezenet(published.squeezenet_weights()))
    run = Model(trained)
    expected = {
        category: run(prepare(pixels, manifest().input).tensor)[0]
        for category, pixels in _sample_pixels().items()
    }
    provenance = {
        "converter": f"TensorFlow {version('tensorflow-cpu')}, Keras {version('keras')}",
        "precision": "float32, not quantized",
    }
    if precision == "float32":
        return Network(trained, expected, provenance)
    shrunk = shrink(trained, _calibration(), rounding="gptq", bias_correction="empirical")
    provenance["precision"] = (
        f"int8, homebody shrink, GPTQ rounding and empirical bias correction on "
        f"{shrunk.report.calibration_samples} views of the shipped photos"
    )
    return Network(shrunk.model, expected, provenance)


def keep(target: Path) -> Network:
    """Take the network out of a bundle that was built before.

    Raises:
        BundleError: there is none, or it is refused.
    """
    with bundles.open(target) as before:
        stated = before.manifest.provenance
        return Network(
            before.read("model.tflite"),
            {s.name: s.outputs["logits"].copy() for s in bundle_samples.read(before)},
            {key: stated[key] for key in ("converter", "precision") if key in stated},
        )


def build(target: Path, *, keep_model: bool = False, precision: Precision = "int8") -> CheckReport:
    """Build the bundle and put it at `target` once its samples check out.

    Args:
        target: the ``.hb`` file to write or replace.
        keep_model: take the network from the bundle that is there instead of converting it.
        precision: what the network computes with, where it is converted.

    Raises:
        MissingExtraError: ``homebody[train]`` is not installed and the model is not kept.
        ModelError: the weights cannot be fetched or are not what is expected.
        BundleError, CheckError: the parts do not make a bundle.
    """
    network = keep(target) if keep_model else convert(precision)
    entries = {
        "model.tflite": network.model,
        "categories.json": class_map.categories_json(),
        "catalog.json": catalog_json(),
        "card.md": Path(__file__).with_name("card.md").read_bytes(),
    }
    described = manifest()
    described.provenance.update(network.provenance)
    entries |= bundle_samples.encode(_samples(described, entries, network.expected))
    (logits,) = described.model.outputs
    # Measured with int8: 26 dB and every answer equal; the float model here has over 100 dB.
    tolerances = Tolerances(
        outputs={logits.name: OutputTolerance(sqnr_db=20.0, top1=0.85)}, answers=0.9
    )
    described = replace(
        described, samples=SamplesReference(entry=bundle_samples.ENTRY), tolerances=tolerances
    )
    return pack(target, described, entries)


def _calibration() -> Iterator[NDArray[np.float32]]:
    """The shipped photos as the model would see them: whole, mirrored, and their middle."""
    for photo in list_samples():
        pixels = decode(sample_folder() / photo.file).flat
        height, width = pixels.shape[:2]
        middle = pixels[height // 8 : height - height // 8, width // 8 : width - width // 8]
        for view in (pixels, pixels[:, ::-1], middle):
            yield prepare(np.ascontiguousarray(view), manifest().input).tensor


def _sample_pixels() -> dict[str, NDArray[np.uint8]]:
    """The first shipped photo of each category, small."""
    chosen = {photo.category: photo for photo in reversed(list_samples())}
    found = {}
    for category in sorted(chosen):
        pixels = decode(sample_folder() / chosen[category].file).flat
        height, width = pixels.shape[:2]
        side = LARGE_SAMPLE_SIDE if category == LARGE_SAMPLE else SAMPLE_SIDE
        size = kernels.fit_short_side(width, height, side)
        found[category] = kernels.resize(pixels, *size)
    return found


def _samples(
    manifest: Manifest, entries: dict[str, bytes], expected: dict[str, NDArray[np.float32]]
) -> list[bundle_samples.Sample]:
    """Each sample photo with what the float model gives for it."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "draft.hb"
        bundles.write(draft, manifest, entries)
        with load(draft) as feature:
            (image,), (logits,) = manifest.model.inputs, manifest.model.outputs
            for category, pixels in _sample_pixels().items():
                prepared = feature.prepare(pixels)
                outputs = (expected[category],)
                found.append(
                    bundle_samples.Sample(
                        name=category,
                        input=pixels,
                        input_sha256={image.name: bundle_samples.tensor_sha256(prepared.tensor)},
                        outputs={logits.name: outputs[0]},
                        answer=feature.answer(feature.finish(outputs, prepared)),
                    )
                )
    return found


def main(arguments: list[str] | None = None) -> int:
    """Build from the command line."""
    parser = argparse.ArgumentParser(description="Rebuild For This Photo's default bundle.")
    parser.add_argument("--out", type=Path, default=default_bundle(), help="the .hb file")
    parser.add_argument(
        "--keep-model", action="store_true", help="take the network from the bundle that is there"
    )
    parser.add_argument(
        "--precision", choices=("int8", "float32"), default="int8", help="of a converted network"
    )
    options = parser.parse_args(arguments)
    # TensorFlow's greetings say nothing about the build
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        report = build(options.out, keep_model=options.keep_model, precision=options.precision)
    except HomebodyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    digest = hashlib.sha256(options.out.read_bytes()).hexdigest()
    print(f"{options.out}: {options.out.stat().st_size} bytes, sha256 {digest}")
    print(f"{report.samples} samples checked")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
