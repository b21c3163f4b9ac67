"""A ``.tflite`` model as an ONNX graph; what is int8 there stays int8, as QDQ.

TFLite keeps pictures as [batch, height, width, channels], ONNX as [batch, channels, height, width].
Each value is made in the layout that its operation computes in, and turned only when another reads
it the other way: between two convolutions nothing is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from homebody.engines.graph import DEQUANTIZE, IR_VERSION, QUANTIZE
from homebody.engines.rounding import Reading, inverse, settled
from homebody.engines.tflite.layouts import FIRST, LAST, TO_FIRST, TO_LAST
from homebody.engines.tflite.registry import IMPORTERS
from homebody.errors import GraphError
from homebody.runtime import editing

OPSET = 17
"""The newest version of ONNX's operations that every engine here fuses well."""

_TURN = {FIRST: TO_FIRST, LAST: TO_LAST}
"""What turns a value into a layout from the other one."""


def import_tflite(data: bytes) -> onnx.ModelProto:
    """Read a ``.tflite`` model into ONNX.

    Args:
        data: the file's bytes.

    Returns:
        The model, its inputs and outputs in TFLite's own layout, types and names.

    Raises:
        ModelError: the file is damaged.
        GraphError: it holds an operation or a type that is not imported.

    Example:
        >>> import_tflite(Path("model.tflite").read_bytes()).graph.input[0].name   # doctest: +SKIP
        'image'
    """
    return Import(editing.Graph(data)).model()


class Import:
    """The ONNX graph while it is made.

    Attributes:
        source: the model that is read.
        readers: for each tensor, the operations that read it.
    """

    def __init__(self, source: editing.Graph) -> None:
        self.source = source
        self.readers: dict[int, list[Any]] = {}
        for op in source.operators:
            for tensor in op.inputs:
                self.readers.setdefault(tensor, []).append(op)
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._values: dict[tuple[int, str], str] = {}
        self._constants: dict[tuple[bytes, str, tuple[int, ...]], str] = {}
        self._taken: set[str] = set()
        self._names: dict[int, str] = {}
        self._padded: dict[int, tuple[int, list[int]]] = {}

    def model(self) -> onnx.ModelProto:
        """Import every operation and name inputs and outputs."""
        inputs = [self._border(tensor) for tensor in self.source.inputs]
        for tensor in self.source.inputs:
            self._values[tensor, LAST] = self.name(tensor)
        for index, op in enumerate(self.source.operators):
            kind = self.source.kind(op)
            if kind not in IMPORTERS:
                raise GraphError(
                    f"{self.source.label(index)} is not imported from TFLite; convert the model "
                    "without it, or export it as ONNX"
                )
            try:
                IMPORTERS[kind](self, op)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                raise GraphError(
                    f"{self.source.label(index)} is not made as TFLite says ({error}); convert the "
                    "model anew"
                ) from None
        outputs = []
        for tensor in self.source.outputs:
            made = self.stored(tensor, LAST)
            if made != self.name(tensor):
                self._nodes.append(helper.make_node("Identity", [made], [self.name(tensor)]))
            outputs.append(self._border(tensor))
        graph = helper.make_graph(self._nodes, "tflite", inputs, outputs, self._initializers)
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)

    # ---- reading values

    def rank(self, tensor: int) -> int:
        """How many dimensions a tensor has."""
        return len(self.source.shape(tensor))

    def shape(self, tensor: int) -> tuple[int, ...]:
        """A tensor's dimensions, -1 where one may vary."""
        stated = self.source.tensors[tensor].shapeSignature
        if stated is None or len(stated) == 0:
            return self.source.shape(tensor)
        return tuple(int(length) for length in stated)

    def layout(self, tensors: Sequence[int]) -> str:
        """The layout in which an operation that needs none had better compute.

        Channels first if every computed operand of four dimensions is there already.
        """
        computed = [t for t in tensors if t >= 0 and not self.source.is_constant(t)]
        if computed and all(self.rank(t) == 4 and (t, FIRST) in self._values for t in computed):
            return FIRST
        return LAST

    def stored(self, tensor: int, layout: str) -> str:
        """A value as it is stored: int8 where TFLite has int8."""
        values = self.source.constant(tensor)
        if values is not None:
            return self.constant(_turned(values, layout), self.source.name(tensor))
        if (tensor, layout) not in self._values:
            other = LAST if layout == FIRST else FIRST
            if (tensor, other) not in self._values:
                raise GraphError(
                    f"{self.source.name(tensor)!r} is read before it is made; export the model anew"
                )
            perm = list(_TURN[layout])
            self._values[tensor, layout] = self.node(
                "Transpose", [self._values[tensor, other]], perm=perm
            )
        return self._values[tensor, layout]

    def real(self, tensor: int, layout: str = LAST, scale: np.float32 | None = None) -> str:
        """A value as real numbers: dequantized where it is stored as integers.

        With `scale` it is read by that instead of its own, where it has one for all.
        """
        name = self.stored(tensor, layout)
        found = self._quantization(tensor)
        if found is None:
            return name
        scales, zeros, axis = found
        if scale is not None and axis is None:
            scales = np.asarray(scale, np.float32)
        options = {}
        if axis is not None:
            options["axis"] = _TURN[FIRST].index(axis) if layout == FIRST else axis
        inputs = [name, self.constant(scales, "scale")]
        if zeros.any() or zeros.dtype != np.int32:  # ONNX has no zero point for int32
            inputs.append(self.constant(zeros, "zero_point"))
        return str(self.node(DEQUANTIZE, inputs, **options))

    def real_filters(self, weights: int, axes: tuple[int, ...]) -> tuple[str, int | None]:
        """Constant weights as real numbers with their axes in another order."""
        found = self._quantization(weights)
        values = self.constant(self.values(weights).transpose(axes), self.source.name(weights))
        if found is None:
            return values, None
        scales, zeros, axis = found
        inputs = [values, self.constant(scales, "scale"), self.constant(zeros, "zero_point")]
        options = {} if axis is None else {"axis": axes.index(axis)}
        return str(self.node(DEQUANTIZE, inputs, **options)), options.get("axis")

    def operands(self, op: Any) -> tuple[str, list[str]]:
        """Two operands that broadcast in one layout, which is told first."""
        layout = self.layout(op.inputs)
        found = []
        for tensor, scale in zip(op.inputs, self._scales_to_add(op), strict=True):
            values = self.source.constant(tensor)
            if layout == FIRST and values is not None and 0 < values.ndim < 4:
                # What ends in channels there is to end in height and width of 1 here.
                wide = values.reshape((1,) * (4 - values.ndim) + values.shape)
                found.append(self._constant_real(tensor, wide.transpose(_TURN[FIRST])))
            else:
                found.append(self.real(tensor, layout, scale))
        return layout, found

    def _scales_to_add(self, op: Any) -> tuple[np.float32 | None, np.float32 | None]:
        """By what to read two summands so that every engine rounds their sum as LiteRT does."""
        readings = []
        for tensor in (*op.inputs, op.outputs[0]):
            found = self._quantization(tensor)
            if found is None or found[2] is not None or found[1].dtype != np.int8:
                return None, None
            readings.append(Reading(np.float32(found[0]), int(found[1])))
        computed = not any(self.source.is_constant(tensor) for tensor in op.inputs)
        if self.source.kind(op) != "ADD" or len(readings) != 3 or not computed:
            return None, None
        return settled(*readings)

    def _constant_real(self, tensor: int, values: NDArray[Any]) -> str:
        name = self.constant(values, self.source.name(tensor))
        found = self._quantization(tensor)
        if found is None:
            return name
        scales, zeros, _ = found
        inputs = [name, self.constant(scales, "scale"), self.constant(zeros, "zero_point")]
        return str(self.node(DEQUANTIZE, inputs))

    def folds_padding(self, op: Any, amounts: NDArray[np.int64], fill: float) -> bool:
        """Leave a PAD to the convolutions that read it, where they can take all of it."""
        spatial = len(amounts) == 4 and not amounts[[0, 3]].any() and (amounts >= 0).all()
        readers = self.readers.get(op.outputs[0], [])
        if not spatial or fill != 0 or not readers or op.outputs[0] in self.source.outputs:
            return False
        for reader in readers:
            valid = getattr(reader.builtinOptions, "padding", None) == editing.schema.Padding.VALID
            if self.source.kind(reader) not in ("CONV_2D", "DEPTHWISE_CONV_2D") or not valid:
                return False
        (top, bottom), (left, right) = amounts[1:3].tolist()
        self._padded[op.outputs[0]] = (op.inputs[0], [top, left, bottom, right])
        return True

    def unpadded(self, tensor: int) -> tuple[int, dict[str, Any] | None]:
        """What a convolution is to read, and the padding that was left to it."""
        if tensor not in self._padded:
            return tensor, None
        source, pads = self._padded[tensor]
        return source, {"pads": pads}

    def quantized(self, value: str, tensor: int) -> str:
        """A real value as a tensor stores it."""
        found = self._quantization(tensor)
        if found is None:
            return value
        scales, zeros, axis = found
        options = {} if axis is None else {"axis": axis}
        inputs = [value, self.constant(scales, "scale"), self.constant(zeros, "zero_point")]
        return str(self.node(QUANTIZE, inputs, **options))

    def quantized_by_product(self, value: str, tensor: int) -> str:
        """The same in the way of LiteRT's QUANTIZE: times one over the scale, then rounded."""
        found = self._quantization(tensor)
        if found is None or found[2] is not None:
            return self.quantized(value, tensor)
        scale, zero, _ = found
        product = self.node("Mul", [value, self.constant(inverse(scale), "inverse")])
        one = self.constant(np.ones((), np.float32), "one")
        return str(self.node(QUANTIZE, [product, one, self.constant(zero, "zero_point")]))

    def values(self, tensor: int) -> NDArray[Any]:
        """A constant's values.

        Raises:
            GraphError: it is computed.
        """
        found = self.source.constant(tensor)
        if found is None:
            raise GraphError(
                f"{self.source.name(tensor)!r} is computed where only a constant is imported; "
                "convert the model with fixed shapes"
            )
        return found

    def real_values(self, tensor: int) -> NDArray[Any]:
        """A constant's values as real numbers, of one scale."""
        values, found = self.values(tensor), self._quantization(tensor)
        if found is None:
            return values
        scales, zeros, _ = found
        real: NDArray[Any] = (values.astype(np.float64) - zeros) * scales
        return real

    # ---- making values

    def node(self, kind: str, inputs: Sequence[str], outputs: int = 1, **options: Any) -> Any:
        """Add an operation; returns its output's name, or their list."""
        made = [self._unique(f"{kind}") for _ in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), made, name=made[0], **options))
        return made[0] if outputs == 1 else made

    def constant(self, values: NDArray[Any], name: str) -> str:
        """An initializer; equal ones are one."""
        values = np.asarray(values, order="C")  # ascontiguousarray makes scalars vectors
        key = (values.tobytes(), values.dtype.str, values.shape)
        if key not in self._constants:
            self._constants[key] = self._unique(name or "constant")
            self._initializers.append(numpy_helper.from_array(values, self._constants[key]))
        return self._constants[key]

    def put(self, tensor: int, value: str, layout: str = LAST) -> None:
        """Say which real value a tensor is; it is quantized if TFLite stores integers."""
        self.put_stored(tensor, self.quantized(value, tensor), layout)

    def put_stored(self, tensor: int, value: str, layout: str = LAST) -> None:
        """Say which value a tensor is, as it is stored."""
        if layout == LAST:  # names that TFLite knows stay
            value = self._renamed(value, self.name(tensor))
        self._values[tensor, layout] = value

    def name(self, tensor: int) -> str:
        """A tensor's name, made unique."""
        if tensor not in self._names:
            self._names[tensor] = self._unique(self.source.name(tensor) or "tensor")
        return self._names[tensor]

    def activate(self, value: str, activation: int, tensor: int) -> str:
        """Apply an operation's fused activation, unless the output's own range does it."""
        kinds = editing.schema.ActivationFunctionType
        bounds = {
            kinds.RELU: (0.0, np.inf),
            kinds.RELU6: (0.0, 6.0),
            kinds.RELU_N1_TO_1: (-1.0, 1.0),
        }
        if activation == kinds.NONE:
            return value
        if activation == kinds.TANH:
            return str(self.node("Tanh", [value]))
        if activation not in bounds:
            raise GraphError(f"the fused activation {activation} is not imported from TFLite")
        low, high = bounds[activation]
        if self._clamps(tensor, low, high):
            return value
        if np.isinf(high):
            return str(self.node("Relu", [value]))
        limits = [self.constant(np.asarray(limit, np.float32), "limit") for limit in (low, high)]
        return str(self.node("Clip", [value, *limits]))

    def _clamps(self, tensor: int, low: float, high: float) -> bool:
        """Whether storing as integers cuts off what an activation would."""
        found = self._quantization(tensor)
        if found is None:
            return False
        scales, zeros, _ = found
        info = np.iinfo(zeros.dtype)
        least = (info.min - zeros.astype(np.float64)) * scales
        most = (info.max - zeros.astype(np.float64)) * scales
        half = scales / 2
        return bool((least >= low - half).all() and (most <= high + half).all())

    def _quantization(
        self, tensor: int
    ) -> tuple[NDArray[np.float32], NDArray[Any], int | None] | None:
        found = self.source.tensors[tensor].quantization
        dtype = self.source.numpy_type(tensor)
        if found is None or found.scale is None or len(found.scale) == 0 or dtype is None:
            return None
        if np.dtype(dtype).kind not in "iu":
            return None
        if dtype not in (np.int8, np.uint8, np.int32):
            raise GraphError(
                f"{self.source.name(tensor)!r} is stored as {np.dtype(dtype).name}; int8 models "
                "are imported, so shrink it with --scheme int8"
            )
        scales = np.asarray(found.scale, np.float32)
        zeros = np.zeros(len(scales), dtype)
        if found.zeroPoint is not None and len(found.zeroPoint):
            zeros[:] = found.zeroPoint
        if len(scales) == 1:
            return scales.reshape(()), zeros.reshape(()), None
        return scales, zeros, int(found.quantizedDimension)

    def _border(self, tensor: int) -> onnx.ValueInfoProto:
        dtype = self.source.numpy_type(tensor)
        if dtype is None:
            raise GraphError(f"{self.source.name(tensor)!r} is of a type that is not imported")
        batch = "batch" if self.rank(tensor) else None
        dimensions = [batch if length == -1 else length for length in self.shape(tensor)]
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return helper.make_tensor_value_info(self.name(tensor), kind, dimensions)

    def _unique(self, name: str) -> str:
        found, count = name, 1
        while found in self._taken:
            found, count = f"{name}_{count}", count + 1
        self._taken.add(found)
        return found

    def _renamed(self, value: str, name: str) -> str:
        """Give the newest node's output a tensor's own name, if nothing else read it yet."""
        if self._nodes and list(self._nodes[-1].output) == [value]:
            self._nodes[-1].output[0] = name
            self._nodes[-1].name = name
            return name
        return value


def _turned(values: NDArray[Any], layout: str) -> NDArray[Any]:
    return values.transpose(_TURN[FIRST]) if layout == FIRST and values.ndim == 4 else values
