"""Which values of an ONNX graph are stored as integers, and how these are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from homebody.engines.graph import DEQUANTIZE, QUANTIZE, Graph
from homebody.engines.rounding import product_before, scale_of_product
from homebody.engines.values import constant, maker


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


class Scales:
    """What is known of a graph's integers and constants.

    One tensor of integers stands for what QuantizeLinear reads, what it makes, and what
    DequantizeLinear makes of that.

    Attributes:
        read: by value's name, how what an operation reads is stored.
        made: the same of what an operation makes, if nothing reads it but as integers.
        same: by value's name, the name of the value whose integers it shares.
    """

    def __init__(self, graph: Graph) -> None:
        self.read: dict[str, Scale] = {}
        self.made: dict[str, Scale] = {}
        self.same: dict[str, str] = {}
        self._constants: dict[int, NDArray[Any] | None] = {}
        results = {id(value) for value in graph.model.graph.outputs}
        for node in graph.nodes:
            source, made = node.inputs[0] if node.inputs else None, node.outputs[0]
            if source is None or source.const_value is not None:
                continue
            if node.op_type in (QUANTIZE, DEQUANTIZE):
                self._learn(node, source, made, id(source) in results)
            elif is_byte(made) and (found := self.read.get(str(source.name))):
                # Integers that are handed on are read as those that they were.
                for value in node.outputs:
                    self.read[str(value.name)] = self.made[str(value.name)] = found

    def _learn(self, node: ir.Node, source: ir.Value, made: ir.Value, is_result: bool) -> None:
        scale = self.of(node)
        if scale is None or scale.axis is not None:
            return
        name, before = str(made.name), str(source.name)
        self.read[name] = scale
        if node.op_type == DEQUANTIZE:
            self.same[name] = self.same.get(before, before)
            self.read.setdefault(before, scale)
            return
        readers = source.uses()
        if len(readers) == 1 and not is_result:
            self.made[before] = scale
            self.same[name] = before

    def of(self, node: ir.Node) -> Scale | None:
        """How a QuantizeLinear or DequantizeLinear counts; None if that is computed."""
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
        moved = np.atleast_1d(zeros.astype(np.int64) + shift(zeros.dtype))
        axis = node.attributes.get_int("axis", 1)
        return Scale(np.atleast_1d(scale).astype(np.float32), moved, axis if scale.ndim else None)

    def constant(self, value: ir.Value | None) -> NDArray[Any] | None:
        """A value's numbers if they are known: an initializer, dequantized if it comes so."""
        if value is None:
            return None
        if id(value) not in self._constants:
            self._constants[id(value)] = self._known(value)
        return self._constants[id(value)]

    def _known(self, value: ir.Value) -> NDArray[Any] | None:
        if (known := constant(value)) is not None:
            return known
        producer = maker(value, DEQUANTIZE)
        if producer is None:
            return None
        numbers, scale = self.constant(producer.inputs[0]), self.of(producer)
        if numbers is None or scale is None:
            return None
        shape = [1] * numbers.ndim
        if scale.axis is not None:
            shape[scale.axis] = -1
        moved = numbers.astype(np.float64) + shift(numbers.dtype) - scale.zero.reshape(shape)
        return np.asarray(moved * scale.scale.reshape(shape), np.float32)

    def stored(self, value: ir.Value | None) -> tuple[NDArray[Any], Scale] | None:
        """A dequantized constant's own int8 or int32 numbers."""
        producer = maker(value, DEQUANTIZE)
        if producer is None:
            return None
        numbers, scale = self.constant(producer.inputs[0]), self.of(producer)
        if numbers is None or scale is None or numbers.dtype not in (np.int8, np.uint8, np.int32):
            return None
        by = shift(numbers.dtype)
        return numbers if not by else (numbers.astype(np.int16) + by).astype(np.int8), scale


def is_byte(value: ir.Value | None) -> bool:
    """Whether a value is made of int8 or uint8."""
    return value is not None and value.dtype in (ir.DataType.INT8, ir.DataType.UINT8)


def shift(dtype: np.dtype[Any]) -> int:
    """What turns unsigned bytes into TFLite's signed ones."""
    return -128 if dtype == np.uint8 else 0
