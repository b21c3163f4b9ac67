"""What a served model takes and gives, and how large a request can be."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.engines import CompiledModel
from homebody.engines.graph import Tensor
from homebody.errors import RequestError, ServeError

Arrays = Mapping[str, NDArray[Any]]

DATATYPES = {
    "bool": "BOOL", "uint8": "UINT8", "uint16": "UINT16", "uint32": "UINT32", "uint64": "UINT64",
    "int8": "INT8", "int16": "INT16", "int32": "INT32", "int64": "INT64",
    "float16": "FP16", "float32": "FP32", "float64": "FP64",
}  # fmt: skip
"""numpy's names of element types to KServe's."""

OPEN_BYTES = 16 << 20
"""The largest request where a dimension other than the batch is open."""
_TEXT_BYTES = 32
"""A number's characters in JSON, its comma and brackets included, at most."""
_ENVELOPE_BYTES = 64 << 10
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True)
class Signature:
    """A model's inputs and outputs, and the bounds that follow from them.

    Attributes:
        name: the model's name in URLs.
        inputs, outputs: its tensors; -1 where a dimension may vary.
        batched: whether the first dimension of each of them is the batch and may vary.
        max_batch: the most rows that one request may have, where it may.
    """

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    batched: bool
    max_batch: int

    @cached_property
    def by_name(self) -> dict[str, tuple[Tensor, str]]:
        """Inputs and KServe's names of their types."""
        return {tensor.name: (tensor, DATATYPES[tensor.dtype.name]) for tensor in self.inputs}

    @cached_property
    def answered(self) -> dict[str, str]:
        """Outputs' names and KServe's names of their types."""
        return {tensor.name: DATATYPES[tensor.dtype.name] for tensor in self.outputs}

    @cached_property
    def max_bytes(self) -> int:
        """The largest body that a request of this model needs."""
        rows = self.max_batch if self.batched else 1
        elements = names = 0
        for tensor in self.inputs:
            shape = tensor.shape[1:] if self.batched else tensor.shape
            names += len(tensor.name.encode()) + _TEXT_BYTES
            if -1 in shape:
                return OPEN_BYTES
            elements += prod(shape)
        return _ENVELOPE_BYTES + rows * (names + _TEXT_BYTES * elements)

    def fitted(self, inputs: Arrays) -> int:
        """Check a request's tensors; returns its number of rows, 1 where there is no batch.

        Raises:
            RequestError: a tensor is absent, unknown, or of another shape or type.
        """
        known = self.by_name
        if inputs.keys() != known.keys():
            given = ", ".join(map(repr, sorted(inputs))) or "none"
            raise RequestError(
                f"the inputs given are {given:.500}; give {', '.join(map(repr, known))}"
            )
        for name, (tensor, _) in known.items():
            value = inputs[name]
            fits = len(value.shape) == len(tensor.shape)
            for length, found in zip(tensor.shape, value.shape, strict=False):
                fits = fits and length in (-1, found)
            if not fits or value.dtype != tensor.dtype:
                raise RequestError(
                    f"the input {name!r} is {value.dtype} {list(value.shape)}; "
                    f"give {tensor.dtype} {list(tensor.shape)}, where -1 is any length"
                )
            if not value.size:
                raise RequestError(f"the input {name!r} is empty; give one row or more")
        if not self.batched:
            return 1
        rows = set(map(len, inputs.values()))
        if len(rows) != 1:
            raise RequestError(
                f"the inputs have {sorted(rows)} rows; give all of them the same number"
            )
        count = rows.pop()
        if count > self.max_batch:
            raise RequestError(
                f"the request has {count} rows; at most {self.max_batch} are taken at once"
            )
        return count


def signature_of(model: CompiledModel, name: str, max_batch: int) -> Signature:
    """What a compiled model takes and gives.

    Raises:
        ServeError: the name cannot stand in a URL, or a tensor's type has no place in a request.
    """
    if not _NAME.fullmatch(name):
        raise ServeError(
            f"the model's name is {name!r:.80}; choose one of letters, digits, '.', '_' and '-' "
            "with --name"
        )
    graph = model.graph
    for tensor in (*graph.inputs, *graph.outputs):
        if tensor.dtype.name not in DATATYPES:
            raise ServeError(
                f"{tensor.name!r} is {tensor.dtype}; only numbers and truth values are served"
            )
    return Signature(name, graph.inputs, graph.outputs, model.batched, max_batch)


def kind_of(inputs: Arrays, batched: bool) -> Hashable:
    """What requests have in common that are computed by one program: all shapes but the batch."""
    return tuple([(name, value.shape[batched:]) for name, value in sorted(inputs.items())])


def finite(value: NDArray[Any]) -> bool:
    """Whether JSON can hold every number."""
    return value.dtype.kind != "f" or bool(np.isfinite(value).all())
