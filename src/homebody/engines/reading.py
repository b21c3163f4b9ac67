"""Reading an ONNX file: nothing in it is believed before it is looked at; then it is canonical."""

from __future__ import annotations

import math
import os
from pathlib import Path

import onnx
import onnx_ir as ir
import onnx_ir.passes.common as passes

from homebody.engines.external import take_in
from homebody.engines.graph import IR_VERSION, Graph, inferred, line
from homebody.errors import GraphError

MAX_BYTES = (1 << 31) - 1
"""A model's size limit: what one protocol-buffer message can hold."""
OLDEST_OPSET, NEWEST_OPSET = 7, 24
"""The versions of ONNX's own operations that are read."""


def read_graph(
    source: str | os.PathLike[str] | bytes, *, external_sha256: str | None = None
) -> Graph:
    """Read an ``.onnx`` file and make it canonical.

    Args:
        source: the file, or its bytes.
        external_sha256: weights in a second file are refused unless that file lies beside the
            model and has this SHA-256, in hexadecimal.

    Raises:
        GraphError: the file cannot be read, is no ONNX model, is cyclic or truncated, or holds what
            is not supported.

    Example:
        >>> graph = read_graph("model.onnx")                                # doctest: +SKIP
        >>> graph.inputs[0].shape                                           # doctest: +SKIP
        (-1, 3, 224, 224)
    """
    name = "the model" if isinstance(source, bytes) else os.fspath(source)
    proto = _parse(source if isinstance(source, bytes) else read_bytes(source), name)
    take_in(proto, None if isinstance(source, bytes) else Path(source), external_sha256)
    _check_versions(proto, name)
    _check_names(proto, name)
    _check_weights(proto, name)
    try:
        proto = inferred(proto)  # outputs may come without shapes, which the checker wants
        onnx.checker.check_model(proto)
        canonical = _canonical(ir.from_proto(proto))
    except GraphError:
        raise
    except Exception as error:  # the checker and onnx-ir raise many kinds for what a file holds
        raise GraphError(f"{name} is not a sound ONNX model: {line(error)}") from None
    return Graph(canonical)


def reread(data: bytes) -> Graph:
    """What :meth:`Graph.to_bytes` gave, whose SHA-256 was compared: it is canonical and sound."""
    return Graph(ir.from_proto(_parse(data, "the compiled model")))


def read_bytes(source: str | os.PathLike[str]) -> bytes:
    """A model file's bytes.

    Raises:
        GraphError: it cannot be read, or is too large.
    """
    try:
        size = os.path.getsize(source)
        if size > MAX_BYTES:
            raise GraphError(
                f"{os.fspath(source)} has {size:,} bytes; at most {MAX_BYTES:,} are read, so keep "
                "the weights in a file beside it"
            )
        return Path(source).read_bytes()
    except OSError as error:
        raise GraphError(
            f"{os.fspath(source)} cannot be read ({error.strerror}); give an .onnx file"
        ) from None


def _parse(data: bytes, name: str) -> onnx.ModelProto:
    try:
        proto = onnx.load_model_from_string(data)
    except Exception:  # protobuf's DecodeError, whose module differs between its versions
        raise GraphError(f"{name} is truncated or is no ONNX model; export it again") from None
    if not proto.HasField("graph") or not proto.graph.node:
        raise GraphError(f"{name} holds no graph with nodes; export it again")
    return proto


def _check_versions(proto: onnx.ModelProto, name: str) -> None:
    for opset in proto.opset_import:
        if opset.domain not in ("", "ai.onnx"):
            continue  # whether an engine knows a foreign domain, the engine says
        if not OLDEST_OPSET <= opset.version <= NEWEST_OPSET:
            raise GraphError(
                f"{name} uses version {opset.version} of ONNX's operations; versions "
                f"{OLDEST_OPSET} to {NEWEST_OPSET} are read, so export it with one of those"
            )


def _check_names(proto: onnx.ModelProto, name: str) -> None:
    graph = proto.graph
    named = [v.name for v in (*graph.input, *graph.output, *graph.initializer, *graph.value_info)]
    named += [graph.name, *(d.dim_param for v in graph.input for d in v.type.tensor_type.shape.dim)]
    for node in graph.node:
        named += [node.name, node.op_type, node.domain, *node.input, *node.output]
        named += [attribute.name for attribute in node.attribute]
    if not all(isinstance(one, str) for one in named):  # protobuf gives bytes for what is no text
        raise GraphError(f"{name} holds a name that is no UTF-8 text; export it again")


def _check_weights(proto: onnx.ModelProto, name: str) -> None:
    """Before shapes are inferred: what contradicts itself can end the process there."""
    for weights in proto.graph.initializer:
        if not weights.HasField("raw_data") or weights.data_type >= onnx.TensorProto.UINT4:
            continue  # a byte holds several of the types from there on
        try:
            dtype = onnx.helper.tensor_dtype_to_np_dtype(weights.data_type)
        except KeyError:
            raise GraphError(f"{name} holds weights of an unknown type: {weights.name!r}") from None
        wanted = math.prod(weights.dims) * dtype.itemsize
        if min(weights.dims, default=0) < 0 or len(weights.raw_data) != wanted:
            raise GraphError(
                f"the weights {weights.name!r} of {name} have {len(weights.raw_data)} bytes, their "
                f"shape says {wanted}; export it again"
            )


def _canonical(model: ir.Model) -> ir.Model:
    for step in (
        passes.InlinePass(),
        passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        passes.RemoveInitializersFromInputsPass(),
        passes.RemoveUnusedNodesPass(),
        passes.TopologicalSortPass(),
        passes.NameFixPass(),
        passes.ClearMetadataAndDocStringPass(),
    ):
        model = step(model).model
    model.ir_version = min(model.ir_version or IR_VERSION, IR_VERSION)
    return model
