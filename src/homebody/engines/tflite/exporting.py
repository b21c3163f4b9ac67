"""An ONNX graph as a ``.tflite`` model; what is QDQ there is int8 here, and nothing else is.

The inverse of :mod:`homebody.engines.tflite.importing`. A float value between DequantizeLinear and
QuantizeLinear is never stored: the operation between them is written with integer operands, as
TFLite's own kernels take it. Pictures are kept with their channels last from one convolution to the
next, whatever ONNX's own order of a value is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from homebody.engines.engine import Reason
from homebody.engines.graph import DEQUANTIZE, Graph, tensor
from homebody.engines.rounding import product_before
from homebody.engines.tflite.fusing import fuse
from homebody.engines.tflite.kernels import KERNELS
from homebody.engines.tflite.layouts import LAST, PLAIN, to_first, to_last
from homebody.engines.tflite.registry import EXPORTERS
from homebody.engines.tflite.scales import Scale, Scales, is_byte, shift
from homebody.errors import FormError
from homebody.runtime import editing


def export_tflite(graph: Graph, *, batched: bool = False) -> bytes:
    """Write a graph as a ``.tflite`` model.

    Args:
        graph: of static shapes.
        batched: state that a first dimension of 1 may vary.

    Raises:
        FormError: it holds an operation that has no TFLite form here.

    Example:
        >>> from homebody.engines.reading import read_graph
        >>> data = export_tflite(read_graph("model.onnx"))                  # doctest: +SKIP
    """
    return Export(fuse(graph), batched).model()


def refusals(graph: Graph) -> tuple[Reason | None, ...]:
    """For each operation None, or why it has no TFLite form.

    Each is written as :func:`export_tflite` would, but without weights; where one cannot be,
    what it makes is taken as given.

    Example:
        >>> from homebody.engines.reading import read_graph
        >>> refusals(read_graph("model.onnx").at({}))                       # doctest: +SKIP
        (None, None, Reason(code='unsupported-shape', detail="..."))
    """
    return Export(graph, trial=True).refusals()


class Export:
    """The TFLite graph while it is made.

    Args:
        graph: what is exported, of static shapes.
        batched: state that a first dimension of 1 may vary.
        trial: leave the constants' values out.

    Attributes:
        graph: what is exported.
        out: the model that is made.
        scales: which values are integers.
        opset: the version of ONNX's operations.
    """

    def __init__(self, graph: Graph, batched: bool = False, trial: bool = False) -> None:
        self.graph = graph
        self._batched, self._trial = batched, trial
        self.out = editing.empty()
        self.scales = Scales(graph)
        self.opset = graph.model.graph.opset_imports.get("", 17)
        self._tensors: dict[tuple[str, str, bool], int] = {}
        self._constants: dict[tuple[bytes, str, tuple[int, ...], bytes], int] = {}
        self._node = ""

    def model(self) -> bytes:
        """Export every operation."""
        for value in self.graph.model.graph.inputs:
            self.out.inputs.append(self._given(value))
        for node in self.graph.nodes:
            self._say(node)
        for value in self.graph.model.graph.outputs:
            self.out.outputs.append(self._result(value))
        if self._batched:
            self._open_batch()
        return self.out.save()

    def refusals(self) -> tuple[Reason | None, ...]:
        """Try to export every operation."""
        for value in self.graph.model.graph.inputs:
            if _fits(value):
                self._given(value)
        found: list[Reason | None] = []
        for node in self.graph.nodes:
            touched = [value for value in (*node.inputs, *node.outputs) if value is not None]
            varying = [v.name for v in touched if not tensor(v, computed=True).static]
            try:
                if varying:
                    detail = f"the shape of {varying[0]!r} is known only when it is there"
                    raise FormError(detail, "varying-shape")
                self._say(node)
            except FormError as error:
                found.append(Reason(error.code, str(error)))
                for value in node.outputs:
                    if _fits(value):
                        self._given(value)
            else:
                found.append(None)
        return tuple(found)

    def _say(self, node: ir.Node) -> None:
        if node.op_type == DEQUANTIZE and is_byte(node.inputs[0]):
            return
        if any(product_before(user) is node for user, _ in node.outputs[0].uses()):
            return  # a part of QUANTIZE
        self._node = str(node.name)
        if node.op_type not in EXPORTERS or node.domain not in ("", "ai.onnx"):
            raise FormError(
                f"{node.op_type} {node.name!r} has no TFLite form here; leave it to another engine",
                "unknown-operation",
            )
        try:
            EXPORTERS[node.op_type](self, node)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise FormError(
                f"{node.op_type} {node.name!r} is not made as ONNX says ({error}); export the "
                "model anew"
            ) from None

    def _given(self, value: ir.Value) -> int:
        """The tensor of what comes in; unsigned bytes are counted as LiteRT does after it."""
        if not _fits(value):
            raise FormError(
                f"{value.name!r} has a dimension that is open or that TFLite cannot count"
            )
        found, scale = tensor(value), self.read_scale(value) if is_byte(value) else None
        zeros = None if scale is None else scale.zero - shift(found.dtype)
        index = self.out.add_tensor(
            found.name,
            found.shape,
            found.dtype.name,
            scales=scale.scale if scale else None,
            zero_points=zeros,
        )
        if scale is None:
            self.remember(value, PLAIN, False, index)
            return index
        inside = index
        if found.dtype == np.uint8:
            inside = self.op("QUANTIZE", [index], value, PLAIN, True, scale=scale)
        self.remember(value, PLAIN, True, inside)
        return index

    def _result(self, value: ir.Value) -> int:
        """The tensor of a value as ONNX has it: of its own type, in its own order."""
        scale = self.read_scale(value) or self.made_scale(value)
        if not is_byte(value) or scale is None:
            return self.operand(value, PLAIN, False)
        index = self.operand(value, PLAIN, True)
        if value.dtype == ir.DataType.INT8:
            return index
        made = self.out.add_tensor(
            str(value.name),
            self.shape(value),
            "uint8",
            scales=scale.scale,
            zero_points=scale.zero - shift(np.dtype(np.uint8)),
        )
        self.add("QUANTIZE", [index], [made])
        return made

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
        return tuple(shape[i] for i in to_last(len(shape))) if layout == LAST else shape

    def layout(self, values: Sequence[ir.Value | None]) -> str:
        """Channels last where every computed operand is there already."""
        computed = [v for v in values if v is not None and self.constant(v) is None]
        wide = {len(self.shape(v)) for v in values if v is not None}
        last = all(
            len(self.shape(v)) == max(wide)
            and any(self._key(v, LAST, integer) in self._tensors for integer in (True, False))
            for v in computed
        )
        return LAST if computed and last else PLAIN

    def constant(self, value: ir.Value | None) -> NDArray[Any] | None:
        """A value's numbers if they are known: an initializer, dequantized if it comes so."""
        return self.scales.constant(value)

    def stored(self, value: ir.Value | None) -> tuple[NDArray[Any], Scale] | None:
        """A dequantized constant's own int8 or int32 numbers."""
        return self.scales.stored(value)

    def read_scale(self, value: ir.Value | None) -> Scale | None:
        """How a value that an operation reads is stored as integers; None where it is float."""
        return None if value is None else self.scales.read.get(str(value.name))

    def made_scale(self, value: ir.Value) -> Scale | None:
        """How a value that an operation makes is stored, if nothing reads it but as integers."""
        return self.scales.made.get(str(value.name))

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
            turned = numbers.transpose(to_last(numbers.ndim)) if layout == LAST else numbers
            return self.add_constant(turned, str(value.name))
        key = self._key(value, layout, integer)
        if key in self._tensors:
            return self._tensors[key]
        other = LAST if layout == PLAIN else PLAIN
        if self._key(value, other, integer) in self._tensors:
            made = self._transposed(value, other, integer)
        elif not integer and self.read_scale(value):
            stored = self.operand(value, layout, True)
            made = self.op("DEQUANTIZE", [stored], value, layout, False)
        else:
            raise FormError(f"{value.name!r} is read before it is made; export the model anew")
        self._tensors[key] = made
        return made

    # ---- making

    def op(
        self, kind: str, inputs: list[int], value: ir.Value, layout: str, integer: bool,
        *, scale: Scale | None = None, **fields: Any,
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
        self.add(kind, inputs, [index], **fields)
        return index

    def put(
        self, kind: str, inputs: list[int], value: ir.Value, layout: str, integer: bool,
        **fields: Any,
    ) -> None:  # fmt: skip
        """The same, remembered as the value's tensor."""
        self.remember(
            value, layout, integer, self.op(kind, inputs, value, layout, integer, **fields)
        )

    def step(
        self, kind: str, inputs: list[int], shape: Sequence[int] | None = None,
        dtype: str = "", scale: Scale | None = None, **fields: Any,
    ) -> int:  # fmt: skip
        """Add an operation that only others of the same form read.

        Args:
            kind: TFLite's name.
            inputs: tensors.
            shape: of what it makes; the first input's, if it is the same.
            dtype: of what it makes; the first input's, if it is the same.
            scale: how what it makes is stored as int8.
            fields: its options.
        """
        index = self.out.add_tensor(
            f"{self._node}/{kind.lower()}",
            self.out.shape(inputs[0]) if shape is None else shape,
            dtype or np.dtype(self.out.numpy_type(inputs[0])).name,
            scales=scale.scale if scale else None,
            zero_points=scale.zero if scale else None,
        )
        self.add(kind, inputs, [index], **fields)
        return index

    def moved(self, kind: str, inputs: list[int], shape: Sequence[int], **fields: Any) -> int:
        """The same, for an operation that hands its first input's numbers on as they are stored."""
        index = self.step(kind, inputs, shape, **fields)
        self.out.tensors[index].quantization = self.out.tensors[inputs[0]].quantization
        return index

    def turned(self, index: int, perm: Sequence[int] | NDArray[Any]) -> int:
        """A tensor with its axes in another order."""
        if list(perm) == sorted(perm):
            return index
        made = [self.out.shape(index)[axis] for axis in perm]
        return self.moved("TRANSPOSE", [index, self.integers(perm)], made)

    def reshaped(self, index: int, shape: Sequence[int]) -> int:
        """A tensor's numbers in another shape."""
        if tuple(shape) == self.out.shape(index):
            return index
        return self.moved("RESHAPE", [index, self.integers(shape)], shape)

    def put_like_input(
        self, node: ir.Node, kind: str, inputs: list[int], layout: str, integer: bool,
        **fields: Any,
    ) -> None:  # fmt: skip
        """An operation whose integers are read after it as before it; another scale comes after."""
        made = node.outputs[0]
        read, wanted = self.read_scale(node.inputs[0]), self.made_scale(made)
        if not integer or read is None or wanted is None or read.same(wanted):
            self.put(kind, inputs, made, layout, integer, **fields)
            return
        index = self.op(kind, inputs, made, layout, True, scale=read, **fields)
        self.remember(made, layout, True, self.requantized(index, made, layout, wanted))

    def put_fixed(self, node: ir.Node, kind: str, layout: str, needed: Scale, **more: Any) -> None:
        """An operation whose kernel demands a scale of its result."""
        integer, made = self.integer(node), node.outputs[0]
        source = self.operand(node.inputs[0], layout, integer)
        if not integer:
            self.put(kind, [source], made, layout, False, **more)
            return
        index = self.op(kind, [source], made, layout, True, scale=needed, **more)
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
        if self._trial:
            return self.out.add_tensor(name, values.shape, values.dtype.name)
        values = np.asarray(values, order="C")
        reading = b"" if scale is None else scale.scale.tobytes() + scale.zero.tobytes()
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

    def number(self, value: float, dtype: str = "float32") -> int:
        """A constant tensor of one number."""
        return self.add_constant(np.asarray(value, dtype), "number")

    def integers(self, values: Sequence[int] | NDArray[Any]) -> int:
        """A constant tensor of int32, as kernels want shapes and axes."""
        return self.add_constant(np.asarray(values, np.int32), "integers")

    def requantized(self, index: int, value: ir.Value, layout: str, to: Scale) -> int:
        """A tensor of integers that is read by another scale.

        As a product with 1: XNNPACK's kernel for that rounds once, where its kernel for QUANTIZE
        of integers knows scales to 8 bits and errs by a step for 4 in 100 numbers.
        """
        scale = Scale(np.ones(1, np.float32), np.zeros(1, np.int64))
        one = self.add_constant(np.ones(1, np.int8), "one", scale)
        return self.op("MUL", [index, one], value, layout, True, scale=to)

    def _transposed(self, value: ir.Value, layout: str, integer: bool) -> int:
        rank = len(self.shape(value))
        perm = to_first(rank) if layout == LAST else to_last(rank)
        source = self._tensors[self._key(value, layout, integer)]
        to = PLAIN if layout == LAST else LAST
        return self.op("TRANSPOSE", [source, self.integers(perm)], value, to, integer)

    def add(
        self, kind: str, inputs: list[int], outputs: list[int], *, version: int = 0, **fields: Any
    ) -> None:
        """Add an operation over tensors that exist.

        Raises:
            FormError: LiteRT has no kernel for the type or number of dimensions.
        """
        kernel = KERNELS[kind]
        data = inputs[kernel.data]
        integer = self.out.tensors[data].quantization is not None
        dtype = np.dtype(self.out.numpy_type(data)).name
        if dtype not in kernel.types and not integer:
            raise FormError(
                f"{self._node!r} is {dtype}, for which LiteRT has no {kind}", "unsupported-type"
            )
        if len(self.out.shape(data)) > kernel.rank:
            raise FormError(f"{self._node!r} has more than {kernel.rank} dimensions")
        op = self.out.operator(kind, version or kernel.versions[integer], inputs, outputs)
        if kernel.options:
            op.builtinOptionsType = getattr(editing.schema.BuiltinOptions, kernel.options)
            op.builtinOptions = getattr(editing.schema, f"{kernel.options}T")()
            for name, field in fields.items():
                setattr(op.builtinOptions, name, field)
        self.out.operators.append(op)

    def _key(self, value: ir.Value, layout: str, integer: bool) -> tuple[str, str, bool]:
        name = str(value.name)
        return (self.scales.same.get(name, name) if integer else name, layout, integer)


def _fits(value: ir.Value) -> bool:
    """Whether a value's dimensions are known, and counted in 32 bits."""
    found = tensor(value, computed=True)
    return found.static and all(0 <= length < 1 << 31 for length in found.shape)
