"""TensorFlow Serving's REST predict protocol, row and column form.

See https://www.tensorflow.org/tfx/serving/api_rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody.errors import RequestError
from homebody.server.predict.json_tensors import array, decoded, lists
from homebody.server.predict.signature import Arrays, Signature

SIGNATURE_NAME = "serving_default"
_TYPES = {"float16": "DT_HALF", "float32": "DT_FLOAT", "float64": "DT_DOUBLE"}


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """A request's JSON."""

    signature_name: str = SIGNATURE_NAME
    instances: msgspec.Raw = msgspec.Raw()
    inputs: msgspec.Raw = msgspec.Raw()


@dataclass(frozen=True)
class Request:
    """What a request asks: its tensors by name, and whether they came in row form."""

    inputs: Arrays
    rows: bool


def read(signature: Signature, body: bytes) -> Request:
    """A request's tensors.

    Raises:
        RequestError: it is malformed or does not fit the model.
    """
    request = decoded(body, Body, "the request")
    if request.signature_name not in ("", SIGNATURE_NAME):
        raise RequestError(
            f"the model has no signature {request.signature_name!r:.200}; it has {SIGNATURE_NAME}"
        )
    instances, inputs = bytes(request.instances).strip(), bytes(request.inputs).strip()
    if bool(instances) == bool(inputs):
        raise RequestError("give instances (row form) or inputs (column form), one of the two")
    if inputs:
        return Request(_columns(signature, inputs), rows=False)
    return Request(_rows(signature, instances), rows=True)


def write(signature: Signature, request: Request, outputs: Arrays) -> bytes:
    """An answer's body, in the form that the request had.

    Raises:
        RequestError: JSON cannot hold an output's numbers, or row form cannot hold its shape.
    """
    named = {tensor.name: lists(outputs[tensor.name], tensor.name) for tensor in signature.outputs}
    alone = next(iter(named.values())) if len(named) == 1 else None
    if not request.rows:
        return msgspec.json.encode({"outputs": named if alone is None else alone})
    if alone is not None:
        return msgspec.json.encode({"predictions": alone})
    try:
        rows = [dict(zip(named, row, strict=True)) for row in zip(*named.values(), strict=True)]
    except (TypeError, ValueError):
        raise RequestError(
            "the outputs have no common number of rows; ask in column form, with inputs"
        ) from None
    return msgspec.json.encode({"predictions": rows})


def status(available: bool) -> dict[str, Any]:
    """What ``GET /v1/models/NAME`` says."""
    state = "AVAILABLE" if available else "LOADING"
    okay = {"error_code": "OK", "error_message": ""}
    return {"model_version_status": [{"version": "1", "state": state, "status": okay}]}


def metadata(signature: Signature) -> dict[str, Any]:
    """What ``GET /v1/models/NAME/metadata`` says."""

    def described(tensors: Any) -> dict[str, Any]:
        return {
            t.name: {
                "dtype": _TYPES.get(t.dtype.name, f"DT_{t.dtype.name.upper()}"),
                "tensor_shape": {
                    "dim": [{"size": str(length), "name": ""} for length in t.shape],
                    "unknown_rank": False,
                },
                "name": t.name,
            }
            for t in tensors
        }

    return {
        "model_spec": {"name": signature.name, "signature_name": "", "version": "1"},
        "metadata": {
            "signature_def": {
                "signature_def": {
                    SIGNATURE_NAME: {
                        "inputs": described(signature.inputs),
                        "outputs": described(signature.outputs),
                        "method_name": "tensorflow/serving/predict",
                    }
                }
            }
        },
    }


def _columns(signature: Signature, text: bytes) -> Arrays:
    known = {tensor.name: tensor for tensor in signature.inputs}
    if not text.startswith(b"{"):
        if len(known) != 1:
            raise RequestError(f"the model has several inputs; name them: {', '.join(known)}")
        ((name, tensor),) = known.items()
        return {name: array(msgspec.Raw(text), tensor.dtype, len(tensor.shape), repr(name))}
    given = decoded(text, dict[str, msgspec.Raw], "inputs")
    _require(given.keys(), known.keys())
    return {
        name: array(value, known[name].dtype, len(known[name].shape), repr(name))
        for name, value in given.items()
    }


def _rows(signature: Signature, text: bytes) -> Arrays:
    known = {tensor.name: tensor for tensor in signature.inputs}
    if any(not tensor.shape for tensor in known.values()):
        raise RequestError("an input of the model is a scalar; give inputs (column form)")
    named = text.startswith(b"[") and text[1:].lstrip().startswith(b"{")
    if not named:
        if len(known) != 1:
            raise RequestError(
                f"the model has several inputs; name them in each instance: {', '.join(known)}"
            )
        ((name, tensor),) = known.items()
        return {name: array(msgspec.Raw(text), tensor.dtype, len(tensor.shape), "instances")}
    found: dict[str, list[NDArray[Any]]] = {name: [] for name in known}
    for instance in decoded(text, list[dict[str, msgspec.Raw]], "instances"):
        _require(instance.keys(), known.keys())
        for name, value in instance.items():
            tensor = known[name]
            found[name].append(array(value, tensor.dtype, len(tensor.shape) - 1, repr(name)))
    try:
        return {name: np.stack(values) for name, values in found.items()}
    except ValueError:
        raise RequestError("the instances have unequal shapes; give all the same") from None


def _require(given: Any, known: Any) -> None:
    if given != known:
        names = ", ".join(map(repr, sorted(given))) or "none"
        raise RequestError(f"the inputs given are {names:.500}; give {', '.join(map(repr, known))}")
