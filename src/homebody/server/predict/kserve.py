"""KServe's v2 inference protocol: requests to tensors, and answers from them.

JSON tensors, and the binary-tensor extension, where the tensors' bytes follow the JSON. See
https://kserve.github.io/website (Open Inference Protocol, REST) and Triton's binary tensor data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody import __version__
from homebody.engines.graph import Tensor
from homebody.errors import RequestError
from homebody.server.predict.json_tensors import array, decoded, lists
from homebody.server.predict.signature import DATATYPES, Arrays, Signature

HEADER_LENGTH = "inference-header-content-length"
"""The header that says how many bytes of a body are JSON; binary tensors follow them."""
VERSION = "1"

Length = Annotated[int, msgspec.Meta(ge=0, le=1 << 31)]
Parameters = dict[str, Any]


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    pass


class Input(_Strict):
    """One tensor of a request."""

    name: str
    shape: Annotated[list[Length], msgspec.Meta(max_length=32)]
    datatype: str
    parameters: Parameters = {}
    data: msgspec.Raw = msgspec.Raw()


class Wanted(_Strict):
    """One tensor that a request asks for."""

    name: str
    parameters: Parameters = {}


class Body(_Strict):
    """A request's JSON."""

    inputs: list[Input]
    id: str | None = None
    parameters: Parameters = {}
    outputs: list[Wanted] = []


@dataclass(frozen=True)
class Request:
    """What a request asks.

    Attributes:
        id: given back with the answer.
        inputs: its tensors by name.
        outputs: the names of those it wants, and whether each as bytes.
    """

    id: str | None
    inputs: Arrays
    outputs: dict[str, bool]


def read(signature: Signature, body: bytes, header_length: str | None) -> Request:
    """A request's tensors.

    Args:
        signature: of the model.
        body: JSON, and binary tensors after it if there are any.
        header_length: how many of its bytes are JSON, as the header says; all if None.

    Raises:
        RequestError: it is malformed or does not fit the model.
    """
    cut = len(body) if header_length is None else _cut(header_length, len(body))
    request = decoded(memoryview(body)[:cut], Body, "the request")
    known = signature.by_name
    inputs: dict[str, NDArray[Any]] = {}
    for given in request.inputs:
        if given.name in inputs:
            raise RequestError(f"the input {given.name!r:.200} is given twice; give it once")
        if given.name not in known:
            raise RequestError(
                f"the model has no input {given.name!r:.200}; it has {', '.join(known)}"
            )
        tensor, wanted = known[given.name]
        if given.datatype != wanted:
            raise RequestError(
                f"the input {given.name!r} is {given.datatype!r:.40}; this model takes {wanted}"
            )
        if "binary_data_size" in given.parameters:
            size = given.parameters["binary_data_size"]
            inputs[given.name] = _binary(given, tensor, body, cut, size)
            cut += size
        else:
            inputs[given.name] = _numbers(given, tensor)
    if cut != len(body):
        raise RequestError(f"{len(body) - cut} bytes follow the last tensor; send none")
    return Request(request.id, inputs, _wanted(signature, request))


def write(
    signature: Signature, request: Request, outputs: Arrays
) -> tuple[list[bytes], int | None]:
    """An answer's body in parts, and how many of its bytes are JSON where bytes follow.

    Raises:
        RequestError: JSON cannot hold an output's numbers.
    """
    described: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for name, binary in request.outputs.items():
        value = outputs[name]
        one: dict[str, Any] = {
            "name": name,
            "datatype": signature.answered[name],
            "shape": value.shape,
        }
        if binary:
            parts.append(_little(value).tobytes())
            one["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            one["data"] = lists(value.reshape(-1), name)
        described.append(one)
    answer: dict[str, Any] = {"model_name": signature.name, "model_version": VERSION}
    if request.id is not None:
        answer["id"] = request.id
    head = msgspec.json.encode({**answer, "outputs": described})
    return [head, *parts], len(head) if parts else None


def metadata(signature: Signature) -> dict[str, Any]:
    """What ``GET /v2/models/NAME`` says."""
    return {
        "name": signature.name,
        "versions": [VERSION],
        "platform": "homebody",
        "inputs": _described(signature.inputs),
        "outputs": _described(signature.outputs),
    }


def server_metadata() -> dict[str, Any]:
    """What ``GET /v2`` says."""
    return {"name": "homebody", "version": __version__, "extensions": ["binary_tensor_data"]}


def _described(tensors: Sequence[Tensor]) -> list[dict[str, Any]]:
    return [
        {"name": t.name, "datatype": DATATYPES[t.dtype.name], "shape": list(t.shape)}
        for t in tensors
    ]


def _cut(stated: str, size: int) -> int:
    if not (stated.isascii() and stated.isdigit() and len(stated) < 12 and int(stated) <= size):
        raise RequestError(
            f"{HEADER_LENGTH} is {stated!r:.40}; give the number of the body's bytes that are JSON"
        )
    return int(stated)


def _numbers(given: Input, tensor: Tensor) -> NDArray[Any]:
    """A tensor's data: flat, or nested as its shape says."""
    what = f"the data of {given.name!r}"
    text = bytes(given.data).strip()
    if not text:
        raise RequestError(f"{what} is missing; give data, or binary_data_size and the bytes")
    nested = text[1:].lstrip().startswith(b"[")
    depth = len(given.shape) if nested else 1
    if nested and not depth:
        raise RequestError(f"{what} is nested and its shape is that of a scalar")
    found = array(msgspec.Raw(text), tensor.dtype, depth, what)
    if (found.size != prod(given.shape)) or (nested and list(found.shape) != given.shape):
        raise RequestError(f"{what} is {list(found.shape)}, which is not its shape {given.shape}")
    return found.reshape(given.shape)


def _binary(given: Input, tensor: Tensor, body: bytes, start: int, size: object) -> NDArray[Any]:
    needed = prod(given.shape) * tensor.dtype.itemsize
    if type(size) is not int or size != needed or start + size > len(body):
        raise RequestError(
            f"binary_data_size of {given.name!r} is {size!r:.40} with {len(body) - start} bytes "
            f"left; its shape needs {needed}"
        )
    if bytes(given.data):
        raise RequestError(f"{given.name!r} has data and binary_data_size; give one of them")
    found = np.frombuffer(body, _little_kind(tensor.dtype), prod(given.shape), start)
    if tensor.dtype == np.bool_ and (found.view(np.uint8) > 1).any():
        raise RequestError(f"the data of {given.name!r} holds bytes other than 0 and 1")
    if found.dtype != tensor.dtype:  # this processor counts from the other end
        found = found.astype(tensor.dtype)
    elif not found.flags.aligned:  # the JSON before it is as long as it is
        found = found.copy()
    return found.reshape(given.shape)


@cache
def _little_kind(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype.newbyteorder("<")


def _little(value: NDArray[Any]) -> NDArray[Any]:
    return value.astype(_little_kind(value.dtype), copy=False)


def _wanted(signature: Signature, request: Body) -> dict[str, bool]:
    names = signature.answered
    default = _truth(request.parameters, "binary_data_output", False)
    if not request.outputs:
        return dict.fromkeys(names, default)
    wanted: dict[str, bool] = {}
    for one in request.outputs:
        if one.name not in names:
            raise RequestError(
                f"the model has no output {one.name!r:.200}; it has {', '.join(names)}"
            )
        wanted[one.name] = _truth(one.parameters, "binary_data", default)
    return wanted


def _truth(parameters: Parameters, name: str, default: bool) -> bool:
    value = parameters.get(name, default)
    if not isinstance(value, bool):
        raise RequestError(f"{name} is {value!r:.40}; give true or false")
    return value
