"""An ONNX graph as a ``.tflite`` model; what is QDQ there is int8 here, and nothing else is.

The inverse of :mod:`homebody.engines.tflite.importing`. A float value between DequantizeLinear and
QuantizeLinear is never stored: the operation between them is written with integer operands, as
TFLite's own kernels take it. Pictures are kept with their channels last from one convolution to the
next, whatever ONNX's own order of a value is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from homebody.engines.graph import DEQUANTIZE, QUANTIZE, Graph, tensor
from homebody.engines.rounding import product_before, scale_of_product
from homebody.engines.tflite.layouts import LAST, PLAIN, TO_FIRST, TO_LAST
from homebody.engines.tflite.registry import EXPORTERS
from homebody.errors import GraphError
from homebody.runtime import editing


@dataclass(frozen=True)
class Scale:
    """How a value's integers are read: ``real = scale * (integer - zero)``, zero for int8."""

    scale: NDArray[np.float32]
    zero: NDArray[np.int64]
    axis: int | None = None

    def same(self, other: Scale | None) -> bool:
        """Whether the other reads integers alike."""
        return other is not None and (
            np.array_equal(self.scale, other.scale) and np.array_equal(self.zero, other.zero)
        )


TANH_SCALE = Scale(np.array([1 / 128], np.float32), np.array([0], np.int64))
UNIT_SCALE = Scale(np.array([1 / 256], np.float32), np.array([-128], np.int64))
"""What kernels of functions that end at 1 demand of their results."""


def export_tflite(graph: Graph, *, batched: bool = False) -> bytes:
    """Write a graph as a ``.tflite`` model.

    Args:
        graph: of static shapes.
        batched: state that a first dimension of 1 may vary.

    Raises:
        GraphError: it holds an operation that has no TFLite form here.

    Example:
        >>> from homebody.engines.graph import read_graph
        >>> data = export_tflite(read_graph("model.onnx"))                  # doctest: +SKIP
    """
    return Export(graph, batched).model()


class Export:
    """The TFLite graph while it is made.

    Attributes:
        graph: what is exported.
        out: the model that is made.
    """

    def __init__(self, graph: Graph, batched: bool = False) -> None:
        self.graph = graph
        self._batched = batched
        self.out = editing.empty()
        self._tensors: dict[tuple[str, str, bool], int] = {}
        self._read: dict[str, Scale] = {}
        self._made: dict[str, Scale] = {}
        self._same: dict[str, str] = {}
        self._constants: dict[tuple[bytes, str, tuple[int, ...], bytes], int] = {}
        self._results = {id(v) for v in graph.model.graph.outputs}

    def model(self) -> bytes:
        """Export every operation."""
        for value in self.graph.model.graph.inputs:
            found = tensor(value)
            index = self.out.add_tensor(found.name, found.shape, found.dtype.name)
            self._tensors[found.name, PLAIN, False] = index
            self.out.inputs.append(index)
        self._read_scales()
        for node in self.graph.nodes:
            if node.op_type == DEQUANTIZE and self._is_integer(node.inputs[0]):
                continue
            if any(product_before(user) is node for user, _ in node.outputs[0].uses()):
                continue  # a part of QUANTIZE
            if node.op_type not in EXPORTERS:
                raise GraphError(
                    f"{node.op_type} {node.name!r} has no TFLite form here; leave it to another "
                    "engine"
                )
            EXPORTERS[node.op_type](self, node)
        for value in self.graph.model.graph.outputs:
            self.out.outputs.append(self.real(value))
        if self._batched:
            self._open_batch()
        return self.out.save()

    def _open_batch(self) -> None:
        for index, made in enumerate(self.out.tensors):
            shape = self.out.shape(index)
            if shape[:1] == (1,) and not self.out.is_constant(index):
                made.shapeSignature = np.array([-1, *shape[1:]], np.int32)

    # ---- reading

    def shape(self, value: ir.Value | None, layout: str = PLAIN) -> tuple[int, ...]:
        """A value's dimensions in a layout."""
        assert value is not None
        shape = tensor(value).shape
        return tuple(shape[i] for i in TO_LAST) if layout == LAST else shape

    def layout(self, values: Sequence[ir.Value | None]) -> str:
        """Channels last where every computed operand of four dimensions is there already."""
        computed = [v for v in values if v is not None and self.constant(v) is None]
        last = all(
            len(self.shape(v)) == 4
            and any(self._key(v, LAST, integer) in self._tensors for integer in (True, False))
            for v in computed
        )
        return LAST if computed and last else PLAIN

    def constant(self, value: ir.Value | None) -> NDArray[Any] | None:
        """A value's numbers if they are known: an initializer, dequantized if it comes so."""
        if value is None:
            return None
        if value.const_value is not None:
            return np.asarray(value.const_value.numpy())
        producer = value.producer()
        if producer is None or producer.op_type != DEQUANTIZE:
            return None
        stored = self.constant(producer.inputs[0])
        scale = self._scale_of(producer)
        if stored is None or scale is None:
            return None
        return self._dequantized(stored, scale, _shift(stored.dtype))

    def read_scale(self, value: ir.Value | None) -> Scale | None:
        """How a value that an operation reads is stored as integers; None where it is float."""
        return None if value is None else self._read.get(str(value.name))

    def made_scale(self, value: ir.Value) -> Scale | None:
        """How a value that an operation makes is stored, if nothing reads it but as integers."""
        return self._made.get(str(value.name))

    def stored(self, value: ir.Value | None) -> tuple[NDArray[Any], Scale] | None:
        """A dequantized constant's own int8 or int32 numbers."""
        producer = None if value is None else value.producer()
        if producer is None or producer.op_type != DEQUANTIZE:
            return None
        numbers, scale = self.constant(producer.inputs[0]), self._scale_of(producer)
        if numbers is None or scale is None or numbers.dtype not in (np.int8, np.uint8, np.int32):
            return None
        shift = _shift(numbers.dtype)
        kept = numbers if not shift else (numbers.astype(np.int16) + shift).astype(np.int8)
        return kept, scale

    def has_integers(self, value: ir.Value) -> bool:
        """Whether a value's integers are a tensor by now."""
        return any(self._key(value, layout, True) in self._tensors for layout in (PLAIN, LAST))

    def integer(self, node: ir.Node) -> bool:
        """Whether an operation's computed operands and result are all stored as integers."""
        operands = [v for v in node.inputs if v is not None and self.constant(v) is None]
        read = all(self.read_scale(value) for value in operands)
        return bool(operands) and read and all(self.made_scale(v) for v in node.outputs)

    def operand(self, value: ir.Value | None, layout: str, integer: bool) -> int:
        """The tensor of a value in a layout, as integers or as float."""
        assert value is not None
        numbers = self.constant(value)
        if numbers is not None and not integer:
            turned = numbers.transpose(TO_LAST) if layout == LAST and numbers.ndim == 4 else numbers
            return self.add_constant(turned, str(value.name))
        key = self._key(value, layout, integer)
        if key in self._tensors:
            return self._tensors[key]
        other = LAST if layout == PLAIN else PLAIN
        if self._key(value, other, integer) in self._tensors:
            made = self._transposed(value, other, integer)
        elif not integer and self.read_scale(value):
            stored = self.operand(value, layout, True)
            made = self.op("DEQUANTIZE", [stored], value, layout, False, version=2)
        else:
            raise GraphError(f"{value.name!r} is read before it is made; export the model anew")
        self._tensors[key] = made
        return made

    def real(self, value: ir.Value) -> int:
        """The tensor of a value as ONNX has it: float, in its own order."""
        integer = self._is_integer(value)
        return self.operand(value, PLAIN, integer)

    # ---- making

    def op(
        self, kind: str, inputs: list[int], value: ir.Value, layout: str, integer: bool,
        *, options: str = "", version: int = 1, scale: Scale | None = None, **fields: Any,
    ) -> int:  # fmt: skip
        """Add an operation whose result is a value's tensor; it is not remembered yet."""
        found = scale or (self.made_scale(value) or self.read_scale(value) if integer else None)
        index = self.out.add_tensor(
            f"{value.name}",
            self.shape(value, layout),
            "int8" if integer else tensor(value).dtype.name,
            scales=found.scale if found else None,
            zero_points=found.zero if found else None,
        )
        self.add(kind, inputs, [index], version, options, fields)
        return index

    def put(
        self, kind: str, inputs: list[int], value: ir.Value, layout: str, integer: bool,
        *, options: str = "", version: int = 1, **fields: Any,
    ) -> None:  # fmt: skip
        """The same, remembered as the value's tensor."""
        made = self.op(
            kind, inputs, value, layout, integer, options=options, version=version, **fields
        )
        self.remember(value, layout, integer, made)

    def put_like_input(
        self, node: ir.Node, kind: str, inputs: list[int], layout: str, integer: bool,
        *, options: str = "", version: int = 1, **fields: Any,
    ) -> None:  # fmt: skip
        """An operation whose integers are read after it as before it; another scale comes after."""
        made = node.outputs[0]
        read, wanted = self.read_scale(node.inputs[0]), self.made_scale(made)
        how: dict[str, Any] = {"options": options, "version": version, **fields}
        if not integer or read is None or wanted is None or read.same(wanted):
            self.put(kind, inputs, made, layout, integer, **how)
            return
        index = self.op(kind, inputs, made, layout, True, scale=read, **how)
        self.remember(made, layout, True, self.requantized(index, made, layout, wanted))

    def put_fixed(self, node: ir.Node, kind: str, layout: str, needed: Scale, **more: Any) -> None:
        """An operation whose kernel demands a scale of its result."""
        integer, made = self.integer(node), node.outputs[0]
        source = self.operand(node.inputs[0], layout, integer)
        if not integer:
            self.put(kind, [source], made, layout, False, **more)
            return
        index = self.op(kind, [source], made, layout, True, scale=needed, **{**more, "version": 2})
        wanted = self.made_scale(made)
        if wanted is not None and not needed.same(wanted):
            index = self.requantized(index, made, layout, wanted)
        self.remember(made, layout, True, index)

    def moves_integers(self, node: ir.Node) -> bool:
        """Whether an operation hands on integers that come in as such and leave as such."""
        return bool(self.read_scale(node.inputs[0]) and self.made_scale(node.outputs[0]))

    def remember(self, value: ir.Value, layout: str, integer: bool, index: int) -> None:
        """Say which tensor a value is."""
        self._tensors[self._key(value, layout, integer)] = index

    def add_constant(self, values: NDArray[Any], name: str, scale: Scale | None = None) -> int:
        """A constant tensor; equal ones are one."""
        values = np.asarray(values, order="C")
        reading = scale.scale.tobytes() + bytes([(scale.axis or 0) & 255]) if scale else b""
        key = (values.tobytes(), values.dtype.str, values.shape, reading)
        if key not in self._constants:
            self._constants[key] = self.out.add_tensor(
                name,
                values.shape,
                values.dtype.name,
                values=values,
                scales=scale.scale if scale else None,
                zero_points=scale.zero if scale else None,
                axis=(scale.axis or 0) if scale else 0,
            )
        return self._constants[key]

    def requantized(self, index: int, value: ir.Value, layout: str, to: Scale) -> int:
        """A tensor of integers that is read by another scale."""
        return self.op("QUANTIZE", [index], value, layout, True, version=2, scale=to)

    def _transposed(self, value: ir.Value, layout: str, integer: bool) -> int:
        perm = TO_FIRST if layout == LAST else TO_LAST
        source = self._tensors[self._key(value, layout, integer)]
        order = self.add_constant(np.asarray(perm, np.int32), "perm")
        to = PLAIN if layout == LAST else LAST
        return self.op(
            "TRANSPOSE", [source, order], value, to, integer,
            options="TransposeOptions", version=2 if integer else 1,
        )  # fmt: skip

    def add(
        self, kind: str, inputs: list[int], outputs: list[int], version: int,
        options: str, fields: dict[str, Any],
    ) -> None:  # fmt: skip
        """Add an operation over tensors that exist."""
        op = self.out.operator(kind, version, inputs, outputs)
        if options:
            op.builtinOptionsType = getattr(editing.schema.BuiltinOptions, options)
            op.builtinOptions = getattr(editing.schema, f"{options}T")()
            for name, field in fields.items():
                setattr(op.builtinOptions, name, field)
        self.out.operators.append(op)

    # ---- scales

    def _read_scales(self) -> None:
        """Learn which values are stored as integers: those next to Q and DQ nodes.

        One tensor of integers stands for what QuantizeLinear reads, what it makes, and what
        DequantizeLinear makes of that.
        """
        for node in self.graph.nodes:
            source, made = node.inputs[0] if node.inputs else None, node.outputs[0]
            if source is None or source.const_value is not None:
                continue
            if node.op_type in (QUANTIZE, DEQUANTIZE):
                scale = self._scale_of(node)
                if scale is None or scale.axis is not None:
                    continue
                if node.op_type == QUANTIZE:
                    self._read[str(made.name)] = scale
                    readers = source.uses()
                    alone = all(user.op_type == QUANTIZE for user, _ in readers)
                    if len(readers) == 1 and alone and id(source) not in self._results:
                        self._made[str(source.name)] = scale
                        self._same[str(made.name)] = str(source.name)
                else:
                    self._read[str(made.name)] = scale
                    self._same[str(made.name)] = self._same.get(str(source.name), str(source.name))
            elif self._is_integer(made) and (found := self.read_scale(source)):
                # Integers that are handed on are read as those that they were.
                for value in node.outputs:
                    self._read[str(value.name)] = self._made[str(value.name)] = found

    def _key(self, value: ir.Value, layout: str, integer: bool) -> tuple[str, str, bool]:
        name = str(value.name)
        return (self._same.get(name, name) if integer else name, layout, integer)

    def _scale_of(self, node: ir.Node) -> Scale | None:
        scale = self.constant(node.inputs[1])
        zeros = self.constant(node.inputs[2]) if len(node.inputs) > 2 else None
        if scale is None:
            return None
        if (product := product_before(node)) is not None:
            factor = self.constant(product.inputs[1])
            assert factor is not None
            scale = np.asarray(scale_of_product(node, np.float32(factor)))
        if zeros is None:
            zeros = np.zeros(scale.shape, np.int32 if node.op_type == DEQUANTIZE else np.uint8)
        moved = np.atleast_1d(zeros.astype(np.int64) + _shift(zeros.dtype))
        attribute = node.attributes.get("axis")
        axis = attribute.as_int() if attribute is not None else 1
        return Scale(np.atleast_1d(scale).astype(np.float32), moved, axis if scale.ndim else None)

    def _is_integer(self, value: ir.Value | None) -> bool:
        return value is not None and value.dtype in (ir.DataType.INT8, ir.DataType.UINT8)

    @staticmethod
    def _dequantized(stored: NDArray[Any], scale: Scale, shift: int) -> NDArray[np.float32]:
        shape = [1] * stored.ndim
        if scale.axis is not None:
            shape[scale.axis] = -1
        numbers = stored.astype(np.float64) + shift - scale.zero.reshape(shape)
        real: NDArray[np.float32] = (numbers * scale.scale.reshape(shape)).astype(np.float32)
        return real


def _shift(dtype: np.dtype[Any]) -> int:
    """What turns unsigned bytes into TFLite's signed ones."""
    return -128 if dtype == np.uint8 else 0
