"""Weights that an ONNX model keeps in a second file: refused, or verified and taken in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import onnx
from onnx.external_data_helper import load_external_data_for_tensor, uses_external_data

from homebody.errors import GraphError

_LIMIT = 1 << 31


def take_in(proto: onnx.ModelProto, model: Path | None, sha256: str | None) -> None:
    """Replace references to a second file by its content, once that file is the one meant.

    Args:
        proto: the model, changed in place.
        model: where it lies; None when there is no file, and so nothing beside it.
        sha256: the second file's, in hexadecimal; None refuses every second file.

    Raises:
        GraphError: the file is not named as one beside the model, is absent, too large or another.
    """
    outside = [tensor for tensor in _tensors(proto.graph) if uses_external_data(tensor)]
    if not outside:
        return
    names = {entry.value for t in outside for entry in t.external_data if entry.key == "location"}
    if model is None or sha256 is None:
        raise GraphError(
            f"the model keeps weights in {', '.join(sorted(names))[:200]}; give that file's "
            "SHA-256 (--external-sha256) to have it verified and read, or save it as one file"
        )
    if len(names) != 1:
        raise GraphError(f"the model keeps weights in {len(names)} files; save them as one")
    (name,) = names
    if Path(name).name != name or name in ("", ".", ".."):
        raise GraphError(f"the model's weights are at {name!r:.200}; put the file beside the model")
    beside = model.parent / name
    try:
        if beside.is_symlink() or not beside.is_file() or beside.stat().st_size > _LIMIT:
            raise GraphError(f"{beside} is no file of at most {_LIMIT:,} bytes; save it again")
        with beside.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise GraphError(
            f"the weights {beside} cannot be read ({error.strerror}); put the file beside the model"
        ) from None
    if found != sha256.lower():
        raise GraphError(f"{beside} has the SHA-256 {found}, not the stated; get the right file")
    for tensor in outside:
        try:
            load_external_data_for_tensor(tensor, str(model.parent))
        except Exception as error:  # lengths and offsets that the file does not have
            raise GraphError(f"{beside} does not hold {tensor.name!r:.80}: {error}") from None
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            if attribute.HasField("g"):
                yield from _tensors(attribute.g)
            for inner in attribute.graphs:
                yield from _tensors(inner)
