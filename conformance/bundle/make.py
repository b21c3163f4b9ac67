"""Make the golden bundles and what a right reader reads from them.

    python -m conformance.bundle.make

writes, beside this script and always the same bytes, each bundle, its reading as JSON, and the
manifest's JSON Schema. A change to any of them is a change to the format.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

import homebody.bundle
from homebody.bundle import Manifest, Model, OutputTolerance, TensorSpec, Tolerances
from homebody.bundle.operations import (
    CenterCrop,
    ClassMap,
    Labels,
    Normalize,
    Photometry,
    Resize,
    Softmax,
)
from homebody.bundle.samples import ENTRY, Sample, encode, read, tensor_sha256
from homebody.bundle.text_operations import (
    BoiseTags,
    Bytes,
    Characters,
    CombineSegments,
    Greedy,
    Lookup,
    Ngrams,
    NormalizeText,
    Pad,
    Sentences,
    SlidingWindow,
    Trim,
    UnicodeScript,
    Viterbi,
    Whitespace,
    Wordpiece,
    Wordshape,
)

PRIVATE_KEY = bytes(range(32))  # for these files only

MODEL = Model(
    entry="model.tflite",
    format="tflite",
    inputs=(TensorSpec(name="image", shape=(1, 2, 2, 3), dtype="float32"),),
    outputs=(TensorSpec(name="scores", shape=(1, 3), dtype="float32"),),
)

NOT_A_NETWORK = b"TFL3: a bundle's reader does not look into its model"


def minimal(path: Path) -> None:
    """The least that a bundle can hold."""
    manifest = Manifest(
        name="minimal",
        version="1.0.0",
        task="classify-image",
        input=(),
        model=MODEL,
        output=(),
        licence="CC0-1.0",
    )
    homebody.bundle.write(path, manifest, {"model.tflite": NOT_A_NETWORK})


def full(path: Path) -> None:
    """Every operation on pictures, assets, samples, tolerances, provenance and a signature."""
    pixels = np.arange(4 * 3 * 3, dtype=np.uint8).reshape(4, 3, 3)
    tensor = np.linspace(-1, 1, 12, dtype=np.float32).reshape(1, 2, 2, 3)
    scores = np.array([[0.25, -1.5, 3.0]], np.float32)
    samples = [
        Sample(
            name=name,
            input=np.ascontiguousarray(picture),
            input_sha256={"image": tensor_sha256(tensor * sign)},
            outputs={"scores": scores * np.float32(sign)},
            answer={"category": category, "presets": ["a", "b"]},
        )
        for name, picture, sign, category in (
            ("first", pixels, 1, "right"),
            ("second-and-flipped", pixels[:, ::-1], -1, "middle"),
        )
    ]
    manifest = Manifest(
        name="full",
        version="2.10.0-rc.1+build.7",
        task="suggest-presets",
        input=(
            Resize(short_side=2),
            CenterCrop(width=2, height=2),
            Normalize(order="bgr", mean=(103.939, 116.779, 123.68), std=(1.0, 1.0, 0.5)),
        ),
        model=MODEL,
        output=(
            Softmax(),
            ClassMap(entry="classes.json"),
            Labels(entry="labels.txt"),
            Photometry(),
        ),
        assets={"catalog": "data/catalog.json"},
        samples=homebody.bundle.SamplesReference(entry=ENTRY),
        tolerances=Tolerances(
            outputs={"scores": OutputTolerance(sqnr_db=60.0, max_abs=0.001, top1=1.0)},
            answers=0.5,
        ),
        licence="CC0-1.0",
        provenance={"weights": "none", "made by": "conformance/bundle/make.py — été"},
    )
    entries = {
        "model.tflite": NOT_A_NETWORK,
        "labels.txt": b"left\nmiddle\nright\n",
        "classes.json": b'{"left": [0], "right": [1, 2]}\n',
        "data/catalog.json": b'{"presets": []}\n',
        "card.md": "# Full\n\nIt measures nothing \u2014 and says so.\n".encode(),
        "empty": b"",
        **encode(samples),
    }
    homebody.bundle.write(path, manifest, entries, private_key=PRIVATE_KEY)


def text(path: Path) -> None:
    """Every operation on text, and a text of two segments as a sample."""
    scores = np.array([[0.5, -0.5]], np.float32)
    ids = np.zeros((1, 8), np.int32)
    names = ("ids", "mask", "segments")
    vocabulary = "data/vocab.txt"
    pieces = Wordpiece(entry=vocabulary, rules="tf", lower_case=True)
    manifest = Manifest(
        name="text",
        version="1.0.0",
        task="classify-text",
        input=(
            NormalizeText(steps=("clean_tf", "nfkc", "case_fold", "strip_accents")),
            NormalizeText(steps=("nfc", "nfd", "nfkd", "clean_hf")),
            Sentences(),
            Whitespace(),
            UnicodeScript(keep_whitespace=False),
            Characters(),
            Bytes(),
            Ngrams(width=2, separator=" "),
            pieces,
            replace(
                pieces,
                rules="hf",
                unknown_token="[MASK]",
                suffix_indicator="",
                max_bytes_per_word=9,
            ),
            Lookup(entry=vocabulary),
            Wordshape(pattern="HAS_TITLE_CASE"),
            SlidingWindow(width=3),
            *(
                Trim(strategy=strategy, max_length=6)
                for strategy in ("first", "last", "round_robin", "shrink_longest", "waterfall")
            ),
            CombineSegments(start=1, end=2),
            Pad(length=8, value=0, dtype="int32", ids="ids", mask="mask", segment_ids="segments"),
        ),
        model=Model(
            entry="model.tflite",
            format="tflite",
            inputs=tuple(TensorSpec(name=one, shape=(1, 8), dtype="int32") for one in names),
            outputs=(TensorSpec(name="scores", shape=(1, 2), dtype="float32"),),
        ),
        output=(
            Viterbi(entry="data/transitions.json"),
            Greedy(entry="data/transitions.json"),
            BoiseTags(),
        ),
        samples=homebody.bundle.SamplesReference(entry=ENTRY),
        tolerances=Tolerances(outputs={"scores": OutputTolerance(top1=1.0)}),
        licence="CC0-1.0",
    )
    sample = Sample(
        name="two-segments",
        input=np.frombuffer(b"\xff".join([b"O\xc3\xb9 est-ce", b"ici ?"]), np.uint8),
        input_sha256={one: tensor_sha256(ids) for one in names},
        outputs={"scores": scores},
        answer="here",
    )
    entries = {
        "model.tflite": NOT_A_NETWORK,
        vocabulary: b"[PAD]\n[CLS]\n[SEP]\n[UNK]\n[MASK]\nou\nest\n##ce\nici",
        "data/transitions.json": b'{"format": "homebody.transitions/1", "allowed": [[true]]}\n',
        **encode([sample]),
    }
    homebody.bundle.write(path, manifest, entries)


BUNDLES = (minimal, full, text)


def reading(path: Path) -> dict[str, Any]:
    """What a right reader finds in a bundle; the offsets are a stock ZIP reader's."""
    raw = path.read_bytes()
    offsets = _offsets(raw)
    with homebody.bundle.open(path) as bundle:
        return {
            "sha256": hashlib.sha256(raw).hexdigest(),
            "size": len(raw),
            "public_key": bundle.signature.public_key if bundle.signature else None,
            "entries": [
                {"name": name, "offset": offsets[name], "size": len(bundle.view(name))}
                for name in bundle.names()
            ],
            "manifest": json.loads(bundle.read("manifest.json")),
            "samples": [
                {
                    "name": sample.name,
                    "input": sample.input.tolist(),
                    "input_sha256": dict(sample.input_sha256),
                    "outputs": {name: it.tolist() for name, it in sample.outputs.items()},
                    "answer": sample.answer,
                }
                for sample in read(bundle)
            ],
        }


def _offsets(raw: bytes) -> dict[str, int]:
    """Where each entry's data start, as Python's own ZIP reader and the local headers say."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        for entry in archive.infolist():
            at = entry.header_offset
            found[entry.filename] = at + 30 + sum(struct.unpack_from("<HH", raw, at + 26))
    return found


def make(folder: Path) -> None:
    """Write everything into a folder."""
    for build in BUNDLES:
        path = folder / f"{build.__name__}.hb"
        build(path)
        text = json.dumps(reading(path), indent=1, ensure_ascii=False)
        (folder / f"{build.__name__}.json").write_text(text + "\n", encoding="utf-8")
    schema = json.dumps(msgspec.json.schema(Manifest), indent=1)
    (folder / "manifest.schema.json").write_text(schema + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(Path(__file__).parent)
