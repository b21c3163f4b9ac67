"""Read a ``.tflite`` file into plain records, checked before anything runs it.

The interpreter is C++ that trusts the file, so every index and size that it would follow is
verified here first, and that the operations can run in their order.

Source: TensorFlow Lite schema version 3, ``tflite/schema/schema.fbs``.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np

from homebody.errors import ModelError
from homebody.runtime import _safety
from homebody.runtime._flatbuffer import Table

TENSOR_TYPES = {
    0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 5: "string", 6: "bool",
    7: "int16", 8: "complex64", 9: "int8", 10: "float64", 11: "complex128", 12: "uint64",
    13: "resource", 14: "variant", 15: "uint32", 16: "uint16", 17: "int4", 18: "bfloat16",
    19: "int2", 20: "uint4",
}  # fmt: skip
_BITS = {
    "float16": 16, "bfloat16": 16, "int16": 16, "uint16": 16, "int8": 8, "uint8": 8, "bool": 8,
    "int4": 4, "uint4": 4, "int2": 2, "int64": 64, "uint64": 64, "float64": 64, "complex64": 64,
    "complex128": 128,
}  # fmt: skip
_UNSIZED = {"string", "resource", "variant"}

MAX_TENSOR_BYTES = 2**31 - 1
"""A tensor that claims more is refused: the format itself ends at 2 GiB."""


class Quantization(msgspec.Struct, frozen=True):
    """How integers map to reals: ``real = scale * (integer - zero_point)``.

    ``axis`` names the dimension that has one scale for each slice, None for one scale in all.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int | None


class Tensor(msgspec.Struct, frozen=True):
    """One tensor: ``size`` is its constant data in bytes, 0 when it is computed at run time."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    size: int
    quantization: Quantization | None = None


class Operation(msgspec.Struct, frozen=True):
    """One operation; ``inputs`` and ``outputs`` are tensor indices, -1 an omitted optional one.

    ``calls`` names the subgraphs that it runs: an ``IF``'s branches, a ``WHILE``'s condition and
    body.
    """

    index: int
    code: int
    custom: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    calls: tuple[int, ...] = ()


class Subgraph(msgspec.Struct, frozen=True):
    """Tensors and operations in execution order."""

    name: str
    tensors: tuple[Tensor, ...]
    operations: tuple[Operation, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class TfliteModel(msgspec.Struct, frozen=True):
    """A whole file; ``subgraphs[0]`` is the main one."""

    version: int
    description: str
    subgraphs: tuple[Subgraph, ...]
    size: int


def parse(data: bytes | memoryview) -> TfliteModel:
    """Read and verify a ``.tflite`` file.

    Args:
        data: the file's bytes.

    Returns:
        The model's structure, without copying its weights.

    Raises:
        ModelError: when the bytes are not a ``.tflite`` file, point outside themselves, or hold
            operations that cannot run: in no order, into a constant, with a stride of 0, or
            without end.

    Example:
        >>> parse(b"not a model, but text")
        Traceback (most recent call last):
        homebody.errors.ModelError: the file is not a TFL3 model: ...
    """
    view = memoryview(data).cast("B")
    root = Table.root(view, b"TFL3")
    version = root.integer(0, "<I")
    if version != 3:
        raise ModelError(
            f"the model has TFLite schema version {version}; expected 3, so convert it again"
        )
    codes = [_operator_code(t) for t in root.tables(1)]
    buffers = [_buffer_size(t, len(view)) for t in root.tables(4)]
    subgraphs = tuple(
        _subgraph(table, number, codes, buffers) for number, table in enumerate(root.tables(2))
    )
    if not subgraphs:
        raise ModelError("the model holds no subgraph; expected at least one, so export it again")
    _safety.verify_calls(subgraphs)
    return TfliteModel(version, root.string(3), subgraphs, len(view))


def _operator_code(table: Table) -> tuple[int, str, int]:
    # Files from before schema 3a keep the code in the one-byte field; the larger one counts.
    code = max(table.integer(3), table.integer(0, "<b"))
    return code, table.string(1), table.integer(2, default=1)


def _buffer_size(table: Table, file_size: int) -> int:
    inside = table.bytes(0)
    if inside is not None and len(inside):
        return len(inside)
    offset, size = table.integer(1, "<Q"), table.integer(2, "<Q")
    if offset > 1 and offset + size > file_size:
        raise ModelError(
            f"a weight buffer claims bytes {offset} to {offset + size} of a {file_size}-byte "
            "model; expected them inside the file, so fetch the model again"
        )
    return size if offset > 1 else 0


def _integers(table: Table, index: int, dtype: str = "<i4") -> tuple[int, ...]:
    raw = table.bytes(index, np.dtype(dtype).itemsize)
    return () if raw is None else tuple(np.frombuffer(raw, dtype).tolist())


def _subgraph(
    table: Table, number: int, codes: list[tuple[int, str, int]], buffers: list[int]
) -> Subgraph:
    where = f"subgraph {number}"
    tensors = tuple(_tensor(t, i, where, buffers) for i, t in enumerate(table.tables(0)))

    def indices(owner: Table, field: int, what: str, *, optional: bool) -> tuple[int, ...]:
        found = _integers(owner, field)
        for i in found:
            if not (0 <= i < len(tensors) or (optional and i == -1)):
                raise ModelError(
                    f"{what} of {where} names tensor {i} of {len(tensors)}; "
                    "expected an existing one, so export the model again"
                )
        return found

    operations = []
    for i, op in enumerate(table.tables(3)):
        code = op.integer(0, "<I")
        if code >= len(codes):
            raise ModelError(
                f"operation {i} of {where} has operator code {code} of {len(codes)}; "
                "expected an existing one, so export the model again"
            )
        builtin = codes[code][0]
        operation = Operation(
            i,
            *codes[code],
            indices(op, 1, f"an input of operation {i}", optional=True),
            indices(op, 2, f"an output of operation {i}", optional=False),
            _safety.called_subgraphs(op, builtin),
        )
        output = f" ({tensors[operation.outputs[0]].name!r})" if operation.outputs else ""
        _safety.verify_options(op, builtin, f"operation {i}{output} of {where}")
        operations.append(operation)
    found = Subgraph(
        table.string(4),
        tensors,
        tuple(operations),
        indices(table, 1, "the inputs", optional=False),
        indices(table, 2, "the outputs", optional=False),
    )
    _safety.verify_order(found, where)
    _safety.verify_scales(found, where)
    return found


def _tensor(table: Table, index: int, where: str, buffers: list[int]) -> Tensor:
    what = f"tensor {index} ({table.string(3)!r}) of {where}"
    shape = _integers(table, 0)
    code = table.integer(1, "<b")
    dtype = TENSOR_TYPES.get(code)
    if dtype is None:
        raise ModelError(
            f"{what} has the unknown type {code}; expected one of TFLite schema 3's types, "
            "so update homebody or convert the model again"
        )
    if any(d < 0 for d in shape):
        raise ModelError(f"{what} has the negative shape {shape}; export the model again")
    wanted = (math.prod(shape) * _BITS.get(dtype, 32) + 7) // 8
    if dtype not in _UNSIZED and wanted > MAX_TENSOR_BYTES:
        raise ModelError(
            f"{what} has shape {shape} and would need {wanted} bytes; at most "
            f"{MAX_TENSOR_BYTES} fit, so make it smaller"
        )
    buffer = table.integer(2, "<I")
    if buffer >= max(len(buffers), 1):
        raise ModelError(f"{what} names buffer {buffer} of {len(buffers)}; export the model again")
    size = buffers[buffer] if buffers else 0
    # A sparse tensor's buffer holds only its non-zero blocks.
    if size and dtype not in _UNSIZED and table.table(6) is None and size != wanted:
        raise ModelError(
            f"{what} has {size} bytes of data; its shape {shape} needs {wanted}, "
            "so export the model again"
        )
    return Tensor(index, table.string(3), shape, dtype, size, _quantization(table, what, shape))


def _quantization(table: Table, what: str, shape: tuple[int, ...]) -> Quantization | None:
    found = table.table(4)
    if found is None:
        return None
    raw = found.bytes(2, 4)
    if not raw:
        return None
    scales = np.frombuffer(raw, "<f4")
    zero_points = _integers(found, 3, "<i8")
    if not np.isfinite(scales).all() or len(zero_points) not in (0, 1, len(scales)):
        raise ModelError(f"{what} has malformed quantization; convert the model again")
    axis = found.integer(6) if len(scales) > 1 else None
    if axis is not None and not (0 <= axis < len(shape) and shape[axis] == len(scales)):
        raise ModelError(
            f"{what} has {len(scales)} scales along axis {axis} of shape {shape}; "
            "expected one for each slice, so convert the model again"
        )
    return Quantization(tuple(scales.tolist()), zero_points, axis)


def operator_names() -> dict[int, str]:
    """Built-in operator names by code, from the installed runtime's own schema."""
    from ai_edge_litert import schema_py_generated

    schema: Any = schema_py_generated
    return {
        code: name
        for name, code in vars(schema.BuiltinOperator).items()
        if isinstance(code, int) and not name.startswith("_")
    }
