"""A ``.tflite`` file as an object graph that can be rewritten and saved.

Source: TensorFlow Lite schema version 3, through the runtime's own generated object classes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated
from numpy.typing import NDArray

from homebody.errors import ModelError
from homebody.runtime import tflite

schema: Any = schema_py_generated

MAX_BYTES = 2**31 - 1
"""FlatBuffers counts in signed 32-bit offsets."""

NUMPY_TYPES: dict[int, type[np.generic]] = {
    schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.FLOAT64: np.float64, schema.TensorType.BOOL: np.bool_,
    schema.TensorType.INT8: np.int8, schema.TensorType.UINT8: np.uint8,
    schema.TensorType.INT16: np.int16, schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
}  # fmt: skip
TENSOR_TYPES: dict[str, int] = {np.dtype(v).name: k for k, v in NUMPY_TYPES.items()}
KINDS: dict[int, str] = tflite.operator_names()
CODES: dict[str, int] = {kind: code for code, kind in KINDS.items()}


def empty() -> Graph:
    """A model without tensors or operations, to be filled and saved."""
    model = schema.ModelT()
    model.version, model.description = 3, "homebody"
    model.buffers, model.operatorCodes = [schema.BufferT()], []
    main = schema.SubGraphT()
    main.name, main.tensors, main.operators, main.inputs, main.outputs = "main", [], [], [], []
    model.subgraphs = [main]
    graph = Graph.__new__(Graph)
    graph._take(model)
    return graph


class Graph:
    """A model whose main subgraph can be read and rewritten; the others are carried along.

    Args:
        data: a ``.tflite`` file's bytes; they are verified first and never written to.

    Raises:
        ModelError: the file is damaged, over 2 GB, or no order of its operations could run.

    Example:
        >>> graph = Graph(Path("model.tflite").read_bytes())        # doctest: +SKIP
        >>> graph.kind(graph.operators[0])                          # doctest: +SKIP
        'CONV_2D'
    """

    def __init__(self, data: bytes) -> None:
        _refuse_too_large(len(data))
        tflite.parse(data)
        try:
            self._model = schema.ModelT.InitFromPackedBuf(data, 0)
            for buffer in self._model.buffers or ():
                if buffer.offset > 1:  # weights kept behind the FlatBuffer, as large models do
                    end = buffer.offset + buffer.size
                    buffer.data = np.frombuffer(data, np.uint8)[buffer.offset : end]
                    buffer.offset = buffer.size = 0
        except Exception as error:  # the generated reader raises whatever bytes make it raise
            raise ModelError(
                f"the model file is damaged: {type(error).__name__} while reading its options; "
                "fetch or export the model again"
            ) from error
        self._take(self._model)

    def _take(self, model: Any) -> None:
        self._model = model
        main = model.subgraphs[0]
        self.tensors: list[Any] = main.tensors or []
        self.operators: list[Any] = main.operators or []
        for (
            tensor
        ) in self.tensors:  # the interpreter's Python side fails on names that are no UTF-8
            tensor.name = _text(tensor.name)
        for op in self.operators:
            op.inputs, op.outputs = _indices(op.inputs), _indices(op.outputs)
        self.inputs: list[int] = _indices(main.inputs)
        self.outputs: list[int] = _indices(main.outputs)
        self.subgraphs = len(model.subgraphs)

    def kind(self, op: Any) -> str:
        """An operation's name, e.g. ``"CONV_2D"``; a custom operation's own name."""
        code = self._model.operatorCodes[op.opcodeIndex]
        builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
        if builtin == schema.BuiltinOperator.CUSTOM:
            return _text(code.customCode)
        return KINDS.get(builtin, f"operator {builtin}")

    def name(self, tensor: int) -> str:
        """A tensor's name as ``homebody inspect`` prints it."""
        return _text(self.tensors[tensor].name)

    def label(self, index: int) -> str:
        """An operation for people: number, kind and output, e.g. ``#3 CONV_2D 'block1/conv'``."""
        op = self.operators[index]
        output = f" {self.name(op.outputs[0])!r}" if op.outputs else ""
        return f"#{index} {self.kind(op)}{output}"

    def shape(self, tensor: int) -> tuple[int, ...]:
        """A tensor's static shape."""
        shape = self.tensors[tensor].shape
        return () if shape is None else tuple(int(d) for d in shape)

    def numpy_type(self, tensor: int) -> type[np.generic] | None:
        """A tensor's numpy scalar type, None if numpy has none."""
        return NUMPY_TYPES.get(self.tensors[tensor].type)

    def is_float(self, tensor: int) -> bool:
        """Whether it exists and is float32."""
        return tensor >= 0 and self.tensors[tensor].type == schema.TensorType.FLOAT32

    def constant(self, tensor: int) -> NDArray[Any] | None:
        """A constant's values, read-only; None for what is computed, absent or of another kind."""
        if tensor < 0:
            return None
        found = self.tensors[tensor]
        data = self._model.buffers[found.buffer].data
        dtype = NUMPY_TYPES.get(found.type)
        if data is None or len(data) == 0 or dtype is None or found.sparsity is not None:
            return None
        values = np.frombuffer(np.asarray(data, np.uint8).tobytes(), dtype)
        return values.reshape(self.shape(tensor))

    def is_constant(self, tensor: int) -> bool:
        """Whether its values are in the file."""
        data = None if tensor < 0 else self._model.buffers[self.tensors[tensor].buffer].data
        return data is not None and len(data) > 0

    def constant_bytes(self, tensors: Iterable[int]) -> int:
        """How many bytes of the file the constants among some tensors take."""
        buffers = {self.tensors[t].buffer for t in tensors if self.is_constant(t)}
        return sum(len(self._model.buffers[b].data) for b in buffers)

    def activations(self) -> list[int]:
        """The float tensors of the main subgraph that are computed or fed, in index order."""
        seen = {*self.inputs, *(t for op in self.operators for t in (*op.inputs, *op.outputs))}
        variables = {i for i, t in enumerate(self.tensors) if t.isVariable}
        return sorted(t for t in seen - variables if self.is_float(t) and not self.is_constant(t))

    def add_tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: str,
        *,
        values: NDArray[Any] | None = None,
        scales: NDArray[Any] | None = None,
        zero_points: NDArray[Any] | None = None,
        axis: int = 0,
        like: int | None = None,
    ) -> int:
        """A new tensor, with constant ``values`` or computed; returns its index.

        ``like`` names the tensor whose dynamic dimensions it shares.
        """
        tensor = schema.TensorT()
        tensor.name, tensor.shape = name, np.asarray(shape, np.int32)
        tensor.type, tensor.buffer = TENSOR_TYPES[dtype], 0
        if like is not None:
            tensor.shapeSignature = self.tensors[like].shapeSignature
            tensor.hasRank = self.tensors[like].hasRank
        if scales is not None:
            q = schema.QuantizationParametersT()
            q.scale = np.atleast_1d(np.asarray(scales, np.float32))
            zeros = np.zeros(len(q.scale), np.int64) if zero_points is None else zero_points
            q.zeroPoint = np.atleast_1d(np.asarray(zeros, np.int64))
            q.quantizedDimension = axis
            tensor.quantization = q
        self.tensors.append(tensor)
        if values is not None:
            self.set_constant(len(self.tensors) - 1, values.astype(dtype, copy=False))
        return len(self.tensors) - 1

    def own(self, tensor: int) -> int:
        """The tensor if only one operation reads it, else a copy that nothing else reads."""
        readers = sum(tensor in op.inputs for op in self.operators)
        return tensor if readers <= 1 else self.copy_tensor(tensor)

    def copy_tensor(self, tensor: int) -> int:
        """A second tensor like one that others may also read; returns its index."""
        self.tensors.append(copy.copy(self.tensors[tensor]))
        return len(self.tensors) - 1

    def set_constant(self, tensor: int, values: NDArray[Any]) -> None:
        """Give a tensor values of its own; tensors that shared its buffer keep the old ones."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        self.tensors[tensor].buffer = len(self._model.buffers) - 1

    def operator(self, kind: str, version: int, inputs: list[int], outputs: list[int]) -> Any:
        """A new operation without options; place it in :attr:`operators` yourself."""
        op = schema.OperatorT()
        op.inputs, op.outputs = inputs, outputs
        self.set_kind(op, kind, version)
        return op

    def version(self, op: Any) -> int:
        """The version of its kernel that an operation asks for."""
        return int(self._model.operatorCodes[op.opcodeIndex].version)

    def set_kind(self, op: Any, kind: str, version: int) -> None:
        """Point an operation to a kernel of ``version``."""
        builtin = CODES[kind]
        for index, code in enumerate(self._model.operatorCodes):
            found = max(code.builtinCode, code.deprecatedBuiltinCode)
            if found == builtin and code.version == version:
                op.opcodeIndex = index
                return
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode = builtin, min(builtin, 127)
        code.version = version
        self._model.operatorCodes.append(code)
        op.opcodeIndex = len(self._model.operatorCodes) - 1

    def replace_in_signatures(self, old: int, new: int) -> None:
        """Let the named signatures of the main subgraph speak of another tensor."""
        for signature in self._signatures():
            for entry in (*(signature.inputs or ()), *(signature.outputs or ())):
                if entry.tensorIndex == old:
                    entry.tensorIndex = new

    def drop_signatures(self) -> None:
        """Forget the named signatures: they would no longer match the outputs."""
        self._model.signatureDefs = []

    def only(self, op: Any) -> Graph:
        """A graph of one operation: its constants stay, what is computed is its input.

        Tensors keep their indices, and subgraphs that the operation calls are copied along.
        """
        alone = copy.copy(self)
        alone._model = copy.copy(self._model)
        alone._model.subgraphs = [copy.copy(self._model.subgraphs[0])]
        options = vars(op.builtinOptions) if op.builtinOptions is not None else {}
        if any(option.endswith("SubgraphIndex") for option in options):
            alone._model.subgraphs += copy.deepcopy(self._model.subgraphs[1:])
        alone._model.signatureDefs, alone._model.metadata = [], []
        alone._model.operatorCodes = list(self._model.operatorCodes)
        touched = {*op.inputs, *op.outputs, *_indices(op.intermediates)}
        alone.tensors = [copy.copy(t) if i in touched else t for i, t in enumerate(self.tensors)]
        alone.operators = [copy.copy(op)]
        fed = [t for t in op.inputs if t >= 0 and not self.is_constant(t)]
        alone.inputs, alone.outputs = list(dict.fromkeys(fed)), list(op.outputs)
        return alone

    def save(self, *, keep_indices: bool = False) -> bytes:
        """The model as a file, without the tensors, buffers and codes that nothing uses.

        Args:
            keep_indices: leave unused tensors in, so that the others keep their indices.

        Raises:
            ModelError: it would be over 2 GB.
        """
        main = self._model.subgraphs[0]
        if not keep_indices:
            self._drop_unused_tensors()
        self._drop_unused_codes()
        main.tensors, main.operators = self.tensors, self.operators
        main.inputs, main.outputs = _packed(self.inputs), _packed(self.outputs)
        for op in self.operators:
            op.inputs, op.outputs = _packed(op.inputs), _packed(op.outputs)
        self._drop_unused_buffers()
        size = sum(len(b.data) for b in self._model.buffers if b.data is not None)
        _refuse_too_large(size)
        builder = _AlignedBuilder(size + (1 << 20))
        builder.Finish(self._model.Pack(builder), b"TFL3")
        for op in self.operators:
            op.inputs, op.outputs = _indices(op.inputs), _indices(op.outputs)
        return bytes(memoryview(builder.Bytes)[builder.Head() :])  # Output() would copy once more

    def _signatures(self) -> list[Any]:
        found = self._model.signatureDefs or []
        return [s for s in found if s.subgraphIndex == 0]

    def _drop_unused_tensors(self) -> None:
        used = {*self.inputs, *self.outputs}
        for op in self.operators:
            used.update((*op.inputs, *op.outputs, *_indices(op.intermediates)))
        for signature in self._signatures():
            for entry in (*(signature.inputs or ()), *(signature.outputs or ())):
                used.add(entry.tensorIndex)
        order = sorted(used - {-1})
        new = {old: index for index, old in enumerate(order)} | {-1: -1}
        self.tensors = [self.tensors[old] for old in order]
        self.inputs = [new[t] for t in self.inputs]
        self.outputs = [new[t] for t in self.outputs]
        for op in self.operators:
            op.inputs, op.outputs = [new[t] for t in op.inputs], [new[t] for t in op.outputs]
            if op.intermediates is not None:
                op.intermediates = _packed([new[t] for t in _indices(op.intermediates)])
        for signature in self._signatures():
            for entry in (*(signature.inputs or ()), *(signature.outputs or ())):
                entry.tensorIndex = new[entry.tensorIndex]

    def _drop_unused_codes(self) -> None:
        others = [op for g in self._model.subgraphs[1:] for op in g.operators or ()]
        order = sorted({op.opcodeIndex for op in (*self.operators, *others)})
        new = {old: index for index, old in enumerate(order)}
        for op in (*self.operators, *others):
            op.opcodeIndex = new[op.opcodeIndex]
        self._model.operatorCodes = [self._model.operatorCodes[old] for old in order]

    def _drop_unused_buffers(self) -> None:
        tensors = [t for g in self._model.subgraphs for t in g.tensors or ()]
        metadata = self._model.metadata or []
        # Buffer 0 is the empty one that tensors without values name.
        order = sorted({0, *(t.buffer for t in tensors), *(m.buffer for m in metadata)})
        new = {old: index for index, old in enumerate(order)}
        self._model.buffers = [self._model.buffers[old] for old in order]
        for owner in (*tensors, *metadata):
            owner.buffer = new[owner.buffer]
        self._model.metadataBuffer = None  # superseded by the named metadata


class _AlignedBuilder(flatbuffers.Builder):  # type: ignore[misc]
    """A builder that honours the schema's ``force_align: 16`` of buffers, as C++ does."""

    def CreateNumpyVector(self, values: NDArray[Any]) -> int:
        """Write an array as a vector; bytes begin at a multiple of 16."""
        if values.dtype != np.uint8:
            return int(super().CreateNumpyVector(values))
        self.StartVector(1, values.size, 16)
        end = int(self.Head())
        self.head = end - values.size
        self.Bytes[self.head : end] = values.tobytes()
        self.vectorNumElems = values.size
        return int(self.EndVector())


def _indices(values: Iterable[int] | None) -> list[int]:
    return [] if values is None or isinstance(values, int) else [int(v) for v in values]


def _packed(values: Sequence[int]) -> NDArray[np.int32]:
    return np.asarray(values, np.int32)


def _text(name: bytes | str | None) -> str:
    if name is None:
        return ""
    return name if isinstance(name, str) else name.decode("utf-8", "replace")


def _refuse_too_large(size: int) -> None:
    if size > MAX_BYTES:
        raise ModelError(
            f"the model has {size / 1e9:.1f} GB; files up to 2 GB are read, where FlatBuffers "
            "end, so split it into several models"
        )
