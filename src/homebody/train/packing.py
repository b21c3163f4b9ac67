"""From a trained network to a checked bundle."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody import kernels
from homebody.bundle import Manifest, OutputTolerance, SamplesReference, TensorSpec, Tolerances
from homebody.bundle import Model as ModelEntry
from homebody.bundle import samples as bundle_samples
from homebody.bundle.operations import Labels, Softmax
from homebody.errors import CheckError
from homebody.feature import CheckReport, pack
from homebody.image import decode
from homebody.pipeline import decoding_side, prepare
from homebody.runtime import Model
from homebody.train.config import TrainConfig
from homebody.train.dataset import Example
from homebody.train.finetune import Pictures
from homebody.train.photos import INPUT, to_tensor
from homebody.train.squeezenet import INPUT_SIZE

TASK = "classify-image"
SAMPLE_SIDE = 256
"""Short side in pixels at which sample photos are carried."""
LEAST_AGREEMENT = {"int8": 0.9, "float32": 1.0}
"""Share of samples to which the packed model gives the trained model's label."""
MOST_STRAY = {"int8": 0.25, "float32": 0.001}
"""How far any logit may stray from the trained model's: as a share of the greatest, which counts
as 4 at least. (A ratio to noise would refuse a model whose logits are rightly small.)"""


class Made(NamedTuple):
    """A network as files: as trained, and as the bundle carries it."""

    float32: bytes
    packed: bytes


def shrunk(model: bytes, pictures: Pictures, config: TrainConfig) -> bytes:
    """The model that the bundle carries.

    Args:
        model: float32 ``.tflite`` bytes.
        pictures: crops to calibrate with, uint8 [227, 227, 3].
        config: says in which format.

    Raises:
        ModelError: it cannot be shrunk.
    """
    if config.format == "float32":
        return model
    from homebody.shrink import shrink

    return shrink(model, (to_tensor([crop]) for crop in pictures)).model


def classify(model: bytes, pictures: Pictures) -> NDArray[np.float32]:
    """Logits, float32 [n, labels], as the bundle's model gives them on a device."""
    runner = Model(model)
    rows = [runner(to_tensor([crop]))[0][0] for crop in pictures]
    return np.array(rows, np.float32).reshape(len(pictures), -1)


def bundle_name(output: Path) -> str:
    """A bundle's name from its file's.

    Example:
        >>> bundle_name(Path("out/My Cats_2.hb"))
        'my-cats-2'
    """
    words = re.findall(r"[a-z0-9]+", output.stem.lower())
    name = "-".join(words)[:64].rstrip("-")
    return name if name[:1].isalpha() else f"feature-{name}"[:64].rstrip("-")


def pack_classifier(
    output: Path,
    made: Made,
    labels: tuple[str, ...],
    config: TrainConfig,
    root: Path,
    examples: list[Example],
    texts: Mapping[str, bytes],
    provenance: Mapping[str, str],
) -> CheckReport:
    """Write the bundle, unless the packed model strays too far from the trained one.

    Args:
        output: the ``.hb`` file to write or replace.
        made: the network.
        labels: in the order of the network's outputs.
        config: the settings.
        root: the folder of the photos.
        examples: the photos to carry as samples.
        texts: more entries: the card, the metrics, the confusion matrix.
        provenance: for the manifest.

    Raises:
        CheckError: the packed model strays; nothing was written.
        BundleError: the parts do not make a bundle.
    """
    samples = _samples(made.float32, labels, root, examples)
    greatest = max(float(np.abs(sample.outputs["logits"]).max()) for sample in samples)
    least = LEAST_AGREEMENT[config.format]
    if least < 1:  # one photo between two labels is no failure, however few there are
        least = min(least, (len(examples) - 1) / len(examples))
    stray = MOST_STRAY[config.format] * max(greatest, 4.0)
    tolerance = OutputTolerance(max_abs=round(stray, 6), top1=least)
    manifest = Manifest(
        name=bundle_name(output),
        version=config.version,
        task=TASK,
        input=INPUT,
        model=ModelEntry(
            entry="model.tflite",
            format="tflite",
            inputs=(
                TensorSpec(name="image", shape=(1, INPUT_SIZE, INPUT_SIZE, 3), dtype="float32"),
            ),
            outputs=(TensorSpec(name="logits", shape=(1, len(labels)), dtype="float32"),),
        ),
        output=(Softmax(), Labels(entry="labels.txt")),
        samples=SamplesReference(entry=bundle_samples.ENTRY),
        tolerances=Tolerances(outputs={"logits": tolerance}, answers=least),
        licence=config.licence,
        provenance=dict(provenance),
    )
    entries = {
        "model.tflite": made.packed,
        "labels.txt": "".join(f"{label}\n" for label in labels).encode(),
        **texts,
        **bundle_samples.encode(samples),
    }
    try:
        return pack(output, manifest, entries)
    except CheckError as error:
        raise CheckError(
            f"the {config.format} model strays too far from the trained one, so {output} was not "
            f"written ({error}); give photos that tell the labels apart better, or set "
            'format = "float32"'
        ) from error


def _samples(
    model: bytes, labels: tuple[str, ...], root: Path, examples: list[Example]
) -> list[bundle_samples.Sample]:
    """Photos scaled down, each with what the trained float model gives for it."""
    runner = Model(model)
    found = []
    for number, example in enumerate(examples, 1):
        pixels = decode(root / example.file, at_least=decoding_side(INPUT)).flat
        height, width = pixels.shape[:2]
        side = min(SAMPLE_SIDE, height, width)
        pixels = kernels.resize(pixels, *kernels.fit_short_side(width, height, side))
        tensor = prepare(pixels, INPUT).tensor
        (logits,) = runner(tensor)
        found.append(
            bundle_samples.Sample(
                name=f"photo-{number:03}",
                input=pixels,
                input_sha256={"image": bundle_samples.tensor_sha256(tensor)},
                outputs={"logits": logits},
                answer=labels[int(logits.argmax())],
            )
        )
    return found
