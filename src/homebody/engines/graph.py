"""An ONNX network as a graph that can be given shapes and cut.

The intermediate form of everything in :mod:`homebody.engines` is ONNX, int8 as QDQ
(QuantizeLinear and DequantizeLinear around float operations), held by ``onnx-ir``.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.convenience import extract

from homebody.engines.folding import fold
from homebody.errors import GraphError

IR_VERSION = 10
"""The newest ONNX file format that every engine here reads."""
_LARGE = 1 << 10
"""No tensor of shapes, axes or sizes has more bytes."""
QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Tensor:
    """A value that crosses a segment's border, or the graph's.

    Attributes:
        name: its name, unique in the graph.
        dtype: its element type.
        shape: its dimensions; -1 where one may vary.
        ranked: whether it is known how many dimensions there are.
    """

    name: str
    dtype: np.dtype[Any]
    shape: Shape
    ranked: bool = True

    @property
    def static(self) -> bool:
        """Whether every dimension is known."""
        return self.ranked and -1 not in self.shape


class Graph:
    """A canonical ONNX graph: constants are initializers, nodes are named and in order.

    Attributes:
        model: the graph as ``onnx-ir`` holds it; not to be changed.
        nodes: its nodes, each after those that it reads from.
        predecessors: for each node, the numbers of the nodes that it reads from.
        inputs, outputs: what goes in and comes out.
    """

    def __init__(self, model: ir.Model) -> None:
        self.model = model
        self.nodes: tuple[ir.Node, ...] = tuple(model.graph)
        maker = {id(value): n for n, node in enumerate(self.nodes) for value in node.outputs}
        reads = [{id(value) for value in _read(node)} for node in self.nodes]
        self.predecessors: tuple[tuple[int, ...], ...] = tuple(
            tuple(sorted({maker[value] for value in read if value in maker})) for read in reads
        )
        self._readers: dict[int, set[int]] = {}
        for reader, read in enumerate(reads):
            for value in read:
                self._readers.setdefault(value, set()).add(reader)
        self.inputs = tuple(tensor(value) for value in model.graph.inputs)
        self.outputs = tuple(tensor(value, computed=True) for value in model.graph.outputs)

    def __repr__(self) -> str:
        return f"Graph({self.model.graph.name!r}, {len(self.nodes)} nodes)"

    def at(self, shapes: Mapping[str, Shape]) -> Graph:
        """The same graph for inputs of these shapes, with every shape that follows from them.

        What is constant then is computed (:func:`~homebody.engines.folding.fold`).

        Args:
            shapes: by input's name; -1 leaves a dimension open, and inputs that are not named keep
                theirs.

        Raises:
            GraphError: an input is unknown, or a shape contradicts what the graph states.
        """
        proto = _without_weights(self.model)
        known = {value.name: value for value in proto.graph.input}
        for name, shape in shapes.items():
            if name not in known:
                raise GraphError(
                    f"the model has no input {name!r}; it has {', '.join(sorted(known))}"
                )
            stated = next(t for t in self.inputs if t.name == name).shape
            if len(stated) != len(shape) or any(
                s not in (-1, given) for s, given in zip(stated, shape, strict=True)
            ):
                raise GraphError(
                    f"the input {name!r} is {_dimensions(stated)} and was asked for as "
                    f"{_dimensions(shape)}; give a shape that fits"
                )
            dimensions = known[name].type.tensor_type.shape.dim
            for dimension, length in zip(dimensions, shape, strict=True):
                if length != -1:
                    dimension.dim_value = length
        # What was inferred for other shapes would contradict these.
        del proto.graph.value_info[:]
        for value in proto.graph.output:
            value.type.tensor_type.ClearField("shape")
        model = _with_weights(inferred(proto), self.model)
        while fold(model):  # shapes that were computed may be known by now
            model = _with_weights(inferred(_without_weights(model)), model)
        return Graph(model)

    @functools.cached_property
    def batched(self) -> bool:
        """Whether every input and output has an open first dimension, the same for all."""
        borders = (*self.inputs, *self.outputs)
        if any(not tensor.shape or tensor.shape[0] != -1 for tensor in borders):
            return False
        values = (*self.model.graph.inputs, *self.model.graph.outputs)
        names = {getattr(value.shape[0], "value", None) for value in values if value.shape}
        if len(names) == 1 and names != {None}:
            return True
        # How many rows come out may depend on data instead.
        two = self.at({t.name: (2, *t.shape[1:]) for t in self.inputs})
        return all(tensor.shape[:1] == (2,) for tensor in two.outputs)

    def segment(self, members: Sequence[int]) -> Segment:
        """Cut nodes out as a model of their own.

        Args:
            members: the nodes' numbers; together convex: no path leaves them and comes back.
        """
        inside = set(members)
        made = {id(value) for index in members for value in self.nodes[index].outputs}
        results = {id(value) for value in self.model.graph.outputs}
        entering: dict[str, ir.Value] = {}
        leaving: dict[str, ir.Value] = {}
        for index in members:
            node = self.nodes[index]
            for value in _read(node):
                if not value.is_initializer() and id(value) not in made:
                    entering.setdefault(str(value.name), value)
            for value in node.outputs:
                if id(value) in results or self._readers.get(id(value), set()) - inside:
                    leaving[str(value.name)] = value
        return Segment(
            self,
            tuple(members),
            tuple(tensor(value, computed=True) for value in entering.values()),
            tuple(tensor(value, computed=True) for value in leaving.values()),
        )

    def whole(self) -> Segment:
        """All of the graph as one segment, with the graph's own inputs and outputs."""
        return Segment(self, tuple(range(len(self.nodes))), self.inputs, self.outputs)

    def to_bytes(self) -> bytes:
        """The graph as an ``.onnx`` file's bytes; equal graphs give equal bytes."""
        return bytes(ir.to_proto(self.model).SerializeToString(deterministic=True))


@dataclass(frozen=True)
class Segment:
    """A part of a graph that one engine runs.

    Attributes:
        graph: where it was cut from.
        members: its nodes' numbers there.
        inputs, outputs: what crosses its border.
    """

    graph: Graph
    members: tuple[int, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @property
    def static(self) -> bool:
        """Whether all that crosses its border has a known shape, so that it can be bound."""
        return all(tensor.static for tensor in (*self.inputs, *self.outputs))

    @property
    def nodes(self) -> tuple[ir.Node, ...]:
        """Its nodes."""
        return tuple(self.graph.nodes[index] for index in self.members)

    @property
    def size(self) -> int:
        """How many of its nodes compute: all but QuantizeLinear and DequantizeLinear."""
        return sum(node.op_type not in (QUANTIZE, DEQUANTIZE) for node in self.nodes)

    @functools.cached_property
    def sha256(self) -> str:
        """The SHA-256 of :meth:`to_bytes`, in hexadecimal; large weights are hashed once."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """The segment as an ``.onnx`` model of its own; equal segments give equal bytes."""
        model = self.graph.model
        if len(self.members) == len(self.graph.nodes):
            part = model.graph.clone()
        else:
            part = extract(
                model.graph, [t.name for t in self.inputs], [t.name for t in self.outputs]
            )
        part.name = "segment"
        part.opset_imports.update(model.graph.opset_imports)
        cut = ir.Model(part, ir_version=min(model.ir_version or IR_VERSION, IR_VERSION))
        return bytes(ir.to_proto(cut).SerializeToString(deterministic=True))


def sha256(graph: Graph) -> str:
    """The SHA-256 of a graph's canonical bytes, weights included, in hexadecimal."""
    return hashlib.sha256(graph.to_bytes()).hexdigest()


def tensor(value: ir.Value, *, computed: bool = False) -> Tensor:
    """What is known of a value.

    Args:
        value: one of a graph.
        computed: its rank may depend on data.

    Raises:
        GraphError: its rank or element type is unknown.
    """
    if value.dtype is None or (value.shape is None and not computed):
        raise GraphError(
            f"nothing states the rank and type of {value.name!r}; give the model's inputs shapes "
            "that fix them"
        )
    if value.shape is None:
        return Tensor(str(value.name), np.dtype(value.dtype.numpy()), (), ranked=False)
    dimensions = tuple(d if isinstance(d, int) else -1 for d in value.shape)
    return Tensor(str(value.name), np.dtype(value.dtype.numpy()), dimensions)


def inferred(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The same with the shapes that follow from its inputs'.

    Raises:
        GraphError: they contradict each other.
    """
    try:
        return onnx.shape_inference.infer_shapes(proto, strict_mode=False, data_prop=True)
    except Exception as error:
        raise GraphError(f"the model's shapes contradict each other: {line(error)}") from None


def _without_weights(model: ir.Model) -> onnx.ModelProto:
    """A model whose large initializers have shapes and types alone: shapes follow from those."""
    graph = model.graph.clone()
    for value in graph.initializers.values():
        held = value.const_value
        if held is not None and held.nbytes > _LARGE:
            kind = onnx.TensorProto(name=value.name, dims=held.shape.numpy(), data_type=held.dtype)
            value.const_value = ir.serde.TensorProtoTensor(kind)
    return ir.to_proto(ir.Model(graph, ir_version=model.ir_version))


def _with_weights(proto: onnx.ModelProto, model: ir.Model) -> ir.Model:
    """The same with the initializers of another model, which both then share."""
    made = ir.from_proto(proto)
    for name, value in made.graph.initializers.items():
        if (held := model.graph.initializers[name].const_value) is not None:
            value.const_value = held
    return made


def _read(node: ir.Node) -> list[ir.Value]:
    """The values that a node reads, those of its branches and loop bodies included."""
    found = [value for value in node.inputs if value is not None]
    for attribute in node.attributes.values():
        for inner in _bodies(attribute):
            own = {id(value) for value in inner.inputs}
            for nested in inner:
                own |= {id(value) for value in nested.outputs}
                found += [value for value in _read(nested) if id(value) not in own]
            found += [value for value in inner.outputs if id(value) not in own]
            found = [v for v in found if not (v.is_initializer() and v.graph is inner)]
    return found


def _bodies(attribute: Any) -> list[ir.Graph]:
    if attribute.type == ir.AttributeType.GRAPH:
        return [attribute.as_graph()]
    if attribute.type == ir.AttributeType.GRAPHS:
        return list(attribute.as_graphs())
    return []


def _dimensions(shape: Shape) -> str:
    return "×".join("?" if length == -1 else str(length) for length in shape) or "a scalar"


def line(error: Exception) -> str:
    """What another library says, in one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__
