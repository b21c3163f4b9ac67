"""Rebuild the default bundle, ``for-this-photo.hb``.

    python -m homebody.features.photo.build                 needs homebody[train] and pip online
    python -m homebody.features.photo.build --keep-model    everything but the network, offline

The network is SqueezeNet 1.1 with its published ImageNet weights, unchanged: no training, no
quantization. The rest comes from this folder: the class map (class_map.py), the presets
(presets/), the card (card.md) and one photo for each category (samples/), each with what the
model gives for it here. Equal inputs, package versions and processor family give equal bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

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
from homebody.train import INPUT_SIZE, MEAN_BGR, published, squeezenet, to_tflite

VERSION = "1.0.0"
"""The bundle's version; raise it with every release that changes the bytes."""

SAMPLE_SIDE = 256
"""Short side in pixels at which sample photos are carried: small, yet the resize has work to do."""


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
            "precision": "float32, not quantized",
        },
    )


def build(target: Path, *, keep_model: bool = False) -> CheckReport:
    """Build the bundle and put it at `target` once its samples check out.

    Args:
        target: the ``.hb`` file to write or replace.
        keep_model: take the network from the bundle that is there instead of converting it.

    Raises:
        MissingExtraError: ``homebody[train]`` is not installed and the model is not kept.
        ModelError: the weights cannot be fetched or are not what is expected.
        BundleError, CheckError: the parts do not make a bundle.
    """
    if keep_model:
        with bundles.open(target) as before:
            model = before.read("model.tflite")
            converter = before.manifest.provenance.get("converter", "")
    else:
        model = to_tflite(squeezenet(published.squeezenet_weights()))
        converter = f"TensorFlow {version('tensorflow-cpu')}, Keras {version('keras')}"
    folder = Path(__file__).parent
    entries = {
        "model.tflite": model,
        "categories.json": class_map.categories_json(),
        "catalog.json": catalog_json(),
        "card.md": (folder / "card.md").read_bytes(),
    }
    described = manifest()
    described.provenance["converter"] = converter
    entries |= bundle_samples.encode(_samples(described, entries))
    (logits,) = described.model.outputs
    tolerances = Tolerances(outputs={logits.name: OutputTolerance(sqnr_db=60.0, top1=1.0)})
    return pack(
        target,
        _with(described, SamplesReference(entry=bundle_samples.ENTRY), tolerances),
        entries,
    )


def _with(manifest: Manifest, samples: SamplesReference, tolerances: Tolerances) -> Manifest:
    from msgspec.structs import replace

    return replace(manifest, samples=samples, tolerances=tolerances)


def _samples(manifest: Manifest, entries: dict[str, bytes]) -> list[bundle_samples.Sample]:
    """The first shipped photo of each category, with what the model gives for it."""
    chosen = {photo.category: photo for photo in reversed(list_samples())}
    found = []
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "draft.hb"
        bundles.write(draft, manifest, entries)
        with load(draft) as feature:
            (image,), (logits,) = manifest.model.inputs, manifest.model.outputs
            for category in sorted(chosen):
                pixels = decode(sample_folder() / chosen[category].file).flat
                height, width = pixels.shape[:2]
                pixels = kernels.resize(pixels, *kernels.fit_short_side(width, height, SAMPLE_SIDE))
                prepared = feature.prepare(pixels)
                outputs = feature.infer(prepared)
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
    options = parser.parse_args(arguments)
    # TensorFlow's greetings say nothing about the build
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        report = build(options.out, keep_model=options.keep_model)
    except HomebodyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    digest = hashlib.sha256(options.out.read_bytes()).hexdigest()
    print(f"{options.out}: {options.out.stat().st_size} bytes, sha256 {digest}")
    print(f"{report.samples} samples checked")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
