"""Samples: real inputs with what the trained float model gave for them.

``samples/samples.json`` lists them; each tensor is an entry of raw little-endian numbers in C
order, so that a browser reads it with a typed array and no parser. `read` gives them from a
bundle as arrays on its memory map; `encode` makes the entries that `homebody.bundle.write` takes.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct

from homebody.bundle.manifest import DType, Manifest, Sha256, Short, Slug, TensorSpec, convert
from homebody.bundle.reader import Bundle
from homebody.errors import DanglingReferenceError, SamplesError

ENTRY = "samples/samples.json"
"""The entry that lists the samples, as `encode` names it."""

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """What a runtime made of one sample, as `homebody.bundle.comparison` compares it.

    Attributes:
        name: the sample's name, lower-case words joined by hyphens.
        input_sha256: by the model input's name, `tensor_sha256` of what the input pipeline made.
        outputs: by the model output's name, float32.
        answer: what the output pipeline made of it, anything that JSON holds; put ids there,
            since answers are compared exactly, and not confidences.
    """

    name: str
    input_sha256: Mapping[str, str]
    outputs: Mapping[str, Array]
    answer: Any = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample(Outcome):
    """A real input with what the trained float model gave for it.

    Attributes:
        input: what the feature is given: for a picture its pixels, uint8 RGB of shape (h, w, 3).
    """

    input: Array


class TensorEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a tensor lies in the bundle, and how to read it."""

    entry: Short
    shape: Annotated[tuple[Annotated[int, Meta(ge=1, le=1 << 31)], ...], Meta(max_length=8)]
    dtype: DType


class SampleRecord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One element of samples.json."""

    name: Slug
    input: TensorEntry
    input_sha256: Annotated[dict[Short, Sha256], Meta(min_length=1)]
    outputs: Annotated[dict[Short, TensorEntry], Meta(min_length=1)]
    answer: Any = None


def tensor_sha256(tensor: Array) -> str:
    """SHA-256 of a tensor's numbers, little-endian in C order: equal only if every bit is.

    >>> tensor_sha256(np.zeros((1, 2), np.float32))[:8]
    'af5570f5'
    """
    return hashlib.sha256(_raw(tensor)).hexdigest()


def read(bundle: Bundle) -> tuple[Sample, ...]:
    """Every sample of a bundle, its arrays read-only on the memory map; () if it has none.

    Raises:
        SamplesError: samples.json or a tensor does not fit the manifest.
    """
    if bundle.manifest.samples is None:
        return ()
    listing = bundle.manifest.samples.entry
    records: tuple[SampleRecord, ...] = convert(
        bundle.json(listing), tuple[SampleRecord, ...], listing
    )
    if len({record.name for record in records}) != len(records):
        raise SamplesError(f"two samples in {listing} have one name; rename one")
    return tuple(_read_sample(bundle, record) for record in records)


def encode(samples: Iterable[Sample]) -> dict[str, bytes]:
    """Make the entries that hold samples: samples/samples.json and a folder for each.

    >>> zeros = np.zeros((1, 2), np.float32)
    >>> sample = Sample(
    ...     name="coast",
    ...     input=np.zeros((4, 4, 3), np.uint8),
    ...     input_sha256={"image": tensor_sha256(zeros)},
    ...     outputs={"scores": zeros},
    ...     answer="coastal",
    ... )
    >>> sorted(encode([sample]))
    ['samples/coast/input.raw', 'samples/coast/output-0.raw', 'samples/samples.json']
    """
    entries: dict[str, bytes] = {}

    def store(entry: str, tensor: Array) -> TensorEntry:
        entries[entry] = _raw(tensor)
        return TensorEntry(entry=entry, shape=tensor.shape, dtype=_dtype_name(tensor))

    records = []
    for sample in samples:
        folder = f"samples/{sample.name}"
        if f"{folder}/input.raw" in entries:
            raise SamplesError(f"two samples are called {sample.name!r}; rename one")
        records.append(
            SampleRecord(
                name=sample.name,
                input=store(f"{folder}/input.raw", sample.input),
                input_sha256=dict(sample.input_sha256),
                outputs={
                    name: store(f"{folder}/output-{index}.raw", sample.outputs[name])
                    for index, name in enumerate(sorted(sample.outputs))
                },
                answer=sample.answer,
            )
        )
    exact = convert(msgspec.to_builtins(records), tuple[SampleRecord, ...], ENTRY)
    listing = msgspec.json.encode(exact, order="deterministic")
    return {ENTRY: msgspec.json.format(listing, indent=2), **entries}


def _read_sample(bundle: Bundle, record: SampleRecord) -> Sample:
    manifest = bundle.manifest
    if set(record.input_sha256) != {tensor.name for tensor in manifest.model.inputs}:
        raise SamplesError(
            f"the sample {record.name!r} hashes the inputs {sorted(record.input_sha256)}, which "
            "are not the model's"
        )
    if set(record.outputs) != {tensor.name for tensor in manifest.model.outputs}:
        raise SamplesError(
            f"the sample {record.name!r} has the outputs {sorted(record.outputs)}, which are not "
            "the model's"
        )
    for tensor in manifest.model.outputs:
        _check_output(record, tensor)
    return Sample(
        name=record.name,
        input=_read_tensor(bundle, manifest, record.input),
        input_sha256=record.input_sha256,
        outputs={
            name: _read_tensor(bundle, manifest, entry) for name, entry in record.outputs.items()
        },
        answer=record.answer,
    )


def _check_output(record: SampleRecord, tensor: TensorSpec) -> None:
    held = record.outputs[tensor.name]
    fits = len(held.shape) == len(tensor.shape) and all(
        stated in (-1, here) for stated, here in zip(tensor.shape, held.shape, strict=True)
    )
    if not fits or held.dtype != "float32":
        raise SamplesError(
            f"the sample {record.name!r} has {tensor.name!r} as {held.dtype}{list(held.shape)}; "
            f"it must be float32{list(tensor.shape)}"
        )


def _read_tensor(bundle: Bundle, manifest: Manifest, tensor: TensorEntry) -> Array:
    if tensor.entry not in manifest.entries:
        raise DanglingReferenceError(
            f"the samples refer to {tensor.entry!r}, which the manifest does not list as an entry"
        )
    dtype = np.dtype(tensor.dtype).newbyteorder("<")
    view = bundle.view(tensor.entry)
    if len(view) != math.prod(tensor.shape) * dtype.itemsize:
        raise SamplesError(
            f"{tensor.entry} has {len(view)} bytes, which is not a {tensor.dtype} tensor of "
            f"shape {list(tensor.shape)}"
        )
    return np.frombuffer(view, dtype).reshape(tensor.shape)


def _raw(tensor: Array) -> bytes:
    return tensor.astype(tensor.dtype.newbyteorder("<"), copy=False).tobytes(order="C")


def _dtype_name(tensor: Array) -> Any:
    return tensor.dtype.newbyteorder("=").name
