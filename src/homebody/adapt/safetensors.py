"""Named arrays in one file: the safetensors format, read strictly.

A file is eight bytes, the header's length N, little-endian; N bytes of JSON, padded with spaces;
the arrays' bytes. The header maps each name to ``{"dtype", "shape", "data_offsets": [from, to]}``
and ``__metadata__`` to strings. Nothing is executed, nothing is allocated beyond what the file
holds, and every byte of the data belongs to exactly one array.

Source: the format's description, https://github.com/huggingface/safetensors. Of its types those
are read that numpy has.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.errors import SafetensorsError
from homebody.files import replacing

_DTYPES = {
    "BOOL": np.dtype("bool"),
    "U8": np.dtype("u1"),
    "I8": np.dtype("i1"),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "F16": np.dtype("<f2"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "F32": np.dtype("<f4"),
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F64": np.dtype("<f8"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}

HEADER_BYTES = 1 << 20
"""Longest header that is read."""
FILE_BYTES = 1 << 30
"""Longest file that is read, unless a caller says otherwise."""
_AXES = 16
_TENSORS = 10_000


class Safetensors(NamedTuple):
    """What a file holds: arrays by name, and strings by name."""

    tensors: dict[str, NDArray[Any]]
    metadata: dict[str, str]


def dumps(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a file, the same for the same arrays.

    Args:
        tensors: arrays by name, of a type the format has.
        metadata: strings by name.

    Raises:
        SafetensorsError: a type the format lacks, a name or a text that is none, or too many.

    Example:
        >>> loads(dumps({"x": np.arange(3)}, {"unit": "volt"})).metadata
        {'unit': 'volt'}
    """
    header: dict[str, Any] = {}
    if metadata:
        for key, value in metadata.items():
            if not isinstance(key, str) or not isinstance(value, str):
                raise SafetensorsError(f"metadata {key!r} is not text; give strings by name")
        header["__metadata__"] = dict(sorted(metadata.items()))
    data: list[bytes] = []
    place = 0
    arrays: dict[str, NDArray[Any]] = {}
    for name, given in tensors.items():
        array = np.asarray(given)
        dtype = array.dtype.newbyteorder("<") if array.dtype.itemsize > 1 else array.dtype
        if not isinstance(name, str) or name == "__metadata__":
            raise SafetensorsError(f"{name!r} cannot be a tensor's name; give another")
        if dtype not in _NAMES or array.ndim > _AXES:
            raise SafetensorsError(
                f"{name} is {array.dtype} {list(array.shape)}, which the format lacks; "
                f"convert it to one of {', '.join(map(str, _NAMES))}"
            )
        arrays[name] = array.astype(dtype, copy=False)
    if len(arrays) > _TENSORS:
        raise SafetensorsError(f"{len(arrays)} tensors are too many; at most {_TENSORS} fit")
    # Wide types first, so that every array begins at a multiple of its item's size.
    for name in sorted(arrays, key=lambda name: (-arrays[name].itemsize, name)):
        array = arrays[name]
        raw = array.tobytes()
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [place, place + len(raw)],
        }
        data.append(raw)
        place += len(raw)
    try:
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise SafetensorsError("a name or a text is not Unicode; give proper strings") from None
    text += b" " * (-len(text) % 8)
    if len(text) > HEADER_BYTES:
        raise SafetensorsError(f"a header of {len(text)} bytes is too long; shorten the metadata")
    return b"".join([len(text).to_bytes(8, "little"), text, *data])


def loads(data: bytes | memoryview) -> Safetensors:
    """What a file's bytes hold. The arrays are copies.

    Raises:
        SafetensorsError: the bytes are not of the format, or over its limits.
    """
    view = memoryview(data)
    if len(view) < 8:
        raise SafetensorsError(f"{len(view)} bytes are no safetensors file, which begins with 8")
    length = int.from_bytes(view[:8], "little")
    if length > min(HEADER_BYTES, len(view) - 8):
        raise SafetensorsError(
            f"a header of {length} bytes does not fit {len(view)} bytes and the limit of "
            f"{HEADER_BYTES}; the file is cut off or of another format"
        )
    header = _header(bytes(view[8 : 8 + length]))
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise SafetensorsError("the metadata are not strings by name; write the file anew")
    if len(header) > _TENSORS:
        raise SafetensorsError(f"{len(header)} tensors are too many; at most {_TENSORS} are read")
    body = view[8 + length :]
    spans = {name: _span(name, fields, len(body)) for name, fields in header.items()}
    place = 0
    for begin, end, _, _ in sorted(spans.values(), key=lambda span: span[:2]):
        if begin != place:
            raise SafetensorsError(
                f"byte {min(begin, place)} of the data belongs to no tensor or to two; "
                "the file is damaged"
            )
        place = end
    if place != len(body):
        raise SafetensorsError(
            f"the tensors take {place} bytes and {len(body)} are there; the file is damaged"
        )
    tensors = {
        name: np.frombuffer(body[begin:end], dtype).reshape(shape).copy()
        for name, (begin, end, dtype, shape) in spans.items()
    }
    for name, array in tensors.items():
        if array.dtype == np.bool_ and (array.view(np.uint8) > 1).any():
            raise SafetensorsError(f"{name} has truth values other than 0 and 1")
    return Safetensors(tensors, metadata)


def save(
    path: str | os.PathLike[str],
    tensors: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a file whole, or not at all.

    Raises:
        SafetensorsError: as of :func:`dumps`, or the file cannot be written.
    """
    data = dumps(tensors, metadata)
    with replacing(path, SafetensorsError, durable=True) as draft:
        draft.write_bytes(data)


def load(path: str | os.PathLike[str], *, limit: int = FILE_BYTES) -> Safetensors:
    """Read a file.

    Args:
        path: the file.
        limit: most bytes that are read.

    Raises:
        SafetensorsError: as of :func:`loads`, or the file cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise SafetensorsError(f"{path} cannot be read ({why}); give a safetensors file") from None
    if len(data) > limit:
        raise SafetensorsError(f"{path} has over {limit} bytes; give a smaller file")
    return loads(data)


def _header(text: bytes) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise SafetensorsError("the header has a name twice; the file is damaged")
        return found

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    try:
        # The format's own rule: no space before the brace.
        if not text.startswith(b"{"):
            raise ValueError("it does not begin with a brace")
        header = json.loads(text.decode(), object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise SafetensorsError(
            f"the header is not JSON ({reason}); the file is damaged or of another format"
        ) from None
    if not isinstance(header, dict):
        raise SafetensorsError("the header is not a JSON object; the file is damaged")
    return header


def _span(
    name: str, fields: Any, available: int
) -> tuple[int, int, np.dtype[Any], tuple[int, ...]]:
    def wrong(what: str) -> SafetensorsError:
        return SafetensorsError(f"the tensor {name[:80]!r} has {what}; the file is damaged")

    if not isinstance(fields, dict) or set(fields) != {"dtype", "shape", "data_offsets"}:
        raise wrong("other fields than dtype, shape and data_offsets")
    dtype, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise wrong("a type that is not read here")
    if not _counts(shape) or len(shape) > _AXES:
        raise wrong("no shape")
    if not _counts(offsets) or len(offsets) != 2:
        raise wrong("no data_offsets")
    begin, end = offsets
    if not begin <= end <= available or end - begin != math.prod(shape) * _DTYPES[dtype].itemsize:
        raise wrong("data_offsets that do not fit its shape or the file")
    return begin, end, _DTYPES[dtype], tuple(shape)


def _counts(values: Any) -> bool:
    return isinstance(values, list) and all(type(v) is int and 0 <= v < 1 << 48 for v in values)
