"""Write the integer model: the plan, the parameters and the weights become a file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from homebody.runtime.editing import Graph
from homebody.shrink._plan import Plan
from homebody.shrink._ranges import Parameters, parameters
from homebody.shrink._rules import SHAPE_ONLY
from homebody.shrink._weights import Weighted, bias_codes, finite

Ends = Literal["float32", "int8", "int16"]


class Rewritten(NamedTuple):
    """An integer model.

    ``places`` gives, for each activation of the float model, the tensor that stands for it in the
    file: the integer one where there is one.
    """

    data: bytes
    places: dict[int, int]


def rewrite(
    data: bytes,
    plan: Plan,
    chosen: Mapping[int, Parameters],
    weighted: Mapping[int, Weighted],
    *,
    ends: Ends = "float32",
) -> Rewritten:
    """The model as an integer one.

    Args:
        data: the float model's bytes.
        plan: what becomes integer; its indices are those of ``data``.
        chosen: parameters for each activation.
        weighted: weights for each operation that has some.
        ends: the type of the model's inputs and outputs; those that stay float inside are
            converted at the border either way.
    """
    return _Writer(Graph(data), plan, chosen, weighted).write(ends)


class _Writer:
    def __init__(
        self,
        graph: Graph,
        plan: Plan,
        chosen: Mapping[int, Parameters],
        weighted: Mapping[int, Weighted],
    ) -> None:
        self.graph, self.plan, self.chosen, self.weighted = graph, plan, chosen, weighted
        self.activations = set(graph.activations())
        self.twins: dict[int, int] = {}  # activation -> its integer tensor
        self.has_float: set[int] = set()
        self.has_integer: set[int] = set()
        self.operators: list[Any] = []
        self.constants: dict[tuple[Any, ...], int] = {}

    def write(self, ends: Ends) -> Rewritten:
        graph = self.graph
        inputs = [t for t in graph.inputs if t in self.activations]
        self.has_float.update(inputs)
        if ends != "float32":
            self.has_float -= set(inputs)
            for tensor in inputs:
                self.twin(tensor)
                self.has_integer.add(tensor)
        for index, op in enumerate(graph.operators):
            if index in self.plan.rules:
                self.integer(index, op)
            else:
                self.untouched(op)
        for place, tensor in enumerate(graph.outputs):
            if tensor in self.activations and ends != "float32":
                graph.outputs[place] = self.as_integer(tensor)
                graph.replace_in_signatures(tensor, graph.outputs[place])
            elif tensor in self.activations:
                self.as_float(tensor)
        if ends != "float32":
            for place, tensor in enumerate(graph.inputs):
                if tensor in self.activations:
                    graph.inputs[place] = self.twins[tensor]
                    graph.replace_in_signatures(tensor, self.twins[tensor])
        graph.operators = self.operators
        return self.save()

    def save(self) -> Rewritten:
        graph = self.graph
        for tensor, twin in self.twins.items():
            suffix = f"_{self.chosen[tensor].dtype}" if tensor in self.has_float else ""
            graph.tensors[twin].name = graph.name(tensor) + suffix
        stands = {
            t: graph.tensors[self.twins[t] if t in self.has_integer else t]
            for t in self.has_integer | self.has_float
        }
        data = graph.save()
        index = {id(tensor): i for i, tensor in enumerate(graph.tensors)}
        places = {t: index[id(s)] for t, s in stands.items() if id(s) in index}
        return Rewritten(data, places)

    def twin(self, tensor: int) -> int:
        """The integer tensor of an activation."""
        if tensor not in self.twins:
            p = self.chosen[tensor]
            self.twins[tensor] = self.graph.add_tensor(
                self.graph.name(tensor), self.graph.shape(tensor), p.dtype,
                scales=np.array([p.scale]), zero_points=np.array([p.zero_point]), like=tensor,
            )  # fmt: skip
        return self.twins[tensor]

    def as_integer(self, tensor: int) -> int:
        """The integer tensor, quantized from the float one if nothing has made it yet."""
        twin = self.twin(tensor)
        if tensor not in self.has_integer:
            version = 2 if self.chosen[tensor].bits == 16 else 1
            self.operators.append(self.graph.operator("QUANTIZE", version, [tensor], [twin]))
            self.has_integer.add(tensor)
        return twin

    def as_float(self, tensor: int) -> int:
        """The float tensor, dequantized from the integer one if nothing has made it yet."""
        if tensor not in self.has_float:
            version = 3 if self.chosen[tensor].bits == 16 else 2
            twin = self.twin(tensor)
            self.operators.append(self.graph.operator("DEQUANTIZE", version, [twin], [tensor]))
            self.has_float.add(tensor)
        return tensor

    def untouched(self, op: Any) -> None:
        """A float operation, or one that sees no float value."""
        shape_only = self.graph.kind(op) in SHAPE_ONLY
        for place, tensor in enumerate(op.inputs):
            if tensor not in self.activations:
                continue
            if shape_only and tensor not in self.has_float:
                op.inputs[place] = self.as_integer(tensor)
            else:
                self.as_float(tensor)
        self.has_float.update(t for t in op.outputs if t in self.activations)
        self.operators.append(op)

    def integer(self, index: int, op: Any) -> None:
        """An operation on integers."""
        graph, rule = self.graph, self.plan.rules[index]
        outputs = list(op.outputs)
        shared = outputs[0] if rule.output == "same" else None
        if index in self.weighted:
            self.weights(index, op)
        for place, tensor in enumerate(op.inputs):
            if tensor in self.activations:
                op.inputs[place] = self.operand(tensor, shared)
            elif graph.is_float(tensor) and graph.constant(tensor) is not None:
                op.inputs[place] = self.constant(index, tensor, shared, outputs)
        for place, tensor in enumerate(outputs):
            if tensor in self.activations:
                op.outputs[place] = self.twin(tensor)
                self.has_integer.add(tensor)
        kind = graph.kind(op)
        bits = next(iter(self.chosen.values())).bits
        version = rule.int16 if bits == 16 and rule.int16 is not None else rule.int8
        if kind in ("ADD", "SUB") and bits == 16 and op.builtinOptions is not None:
            op.builtinOptions.potScaleInt16 = False
        graph.set_kind(op, kind, max(version, graph.version(op)))
        self.operators.append(op)

    def operand(self, tensor: int, shared: int | None) -> int:
        """An activation for an integer operation, rescaled where it must share parameters."""
        twin = self.as_integer(tensor)
        if shared is None or shared not in self.activations:
            return twin
        wanted = self.chosen[shared]
        if self.chosen[tensor] == wanted:
            return twin
        rescaled = self.graph.add_tensor(
            f"{self.graph.name(tensor)}_rescaled", self.graph.shape(tensor), wanted.dtype,
            scales=np.array([wanted.scale]), zero_points=np.array([wanted.zero_point]),
            like=tensor,
        )  # fmt: skip
        version = 2 if wanted.bits == 16 else 1
        self.operators.append(self.graph.operator("QUANTIZE", version, [twin], [rescaled]))
        return rescaled

    def constant(self, index: int, tensor: int, shared: int | None, outputs: list[int]) -> int:
        """A constant operand as integers: with its own range, or with what it shares."""
        raw = self.graph.constant(tensor)
        assert raw is not None
        bits = next(iter(self.chosen.values())).bits
        if shared is not None and shared in self.activations:
            p = self.chosen[shared]
            values = np.nan_to_num(raw.astype(np.float64), nan=0.0)
        else:
            values = finite(self.graph, index, raw, "constant operands")
            low, high = float(values.min(initial=0)), float(values.max(initial=0))
            p = parameters(low, high, bits=bits)
        key = (tensor, p)
        if key not in self.constants:
            self.constants[key] = self.graph.add_tensor(
                self.graph.name(tensor), self.graph.shape(tensor), p.dtype,
                values=p.codes(values),
                scales=np.array([p.scale]), zero_points=np.array([p.zero_point]),
            )  # fmt: skip
        return self.constants[key]

    def weights(self, index: int, op: Any) -> None:
        """Replace weights and bias by integers; add a bias where correction made one."""
        graph, weighted = self.graph, self.weighted[index]
        place = self.plan.rules[index].weights
        assert place is not None
        data = self.chosen[op.inputs[place.data]]
        source = op.inputs[place.input]
        shown = weighted.scales if place.per_axis else weighted.scales[:1]
        codes = weighted.codes
        key = (source, hashlib.sha256(codes.tobytes()).digest(), shown.tobytes())
        if key not in self.constants:
            self.constants[key] = graph.add_tensor(
                graph.name(source), codes.shape, "int8", values=codes, scales=shown,
                axis=place.axis if place.per_axis else 0,
            )  # fmt: skip
        op.inputs[place.input] = self.constants[key]
        if weighted.bias is None:
            return
        old = op.inputs[place.bias] if len(op.inputs) > place.bias else -1
        name = graph.name(old) if old >= 0 else f"{graph.name(op.outputs[0])}_bias"
        values = bias_codes(weighted, data)
        steps = shown.astype(np.float64) * data.scale
        op.inputs += [-1] * (place.bias + 1 - len(op.inputs))
        op.inputs[place.bias] = graph.add_tensor(
            name, values.shape, values.dtype.name, values=values, scales=steps
        )
