"""What would make a model quicker on this processor or a tensor core, naming the nodes.

Advice is worked out from the graph's shapes and what engines say; nothing of it is measured, so
try it and compile again. Tensor cores compute in tiles whose sides are multiples of 8 in half
precision and of 16 in int8 (NVIDIA, *Matrix Multiplication Background*); AMX tiles are 16 rows of
64 bytes and AVX-512 vectors hold 16 floats (Intel 64 and IA-32 manual), so other sizes are padded
by the engine at each call, or run in slower remainder loops.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec
import numpy as np
import onnx_ir as ir

from homebody.engines.choose import Choice
from homebody.engines.compiled import Settings
from homebody.engines.engine import Engine, Reason
from homebody.engines.graph import DEQUANTIZE, QUANTIZE, Graph
from homebody.engines.plan import Plan, plan
from homebody.engines.processor import BF16, INT8, Processor
from homebody.engines.values import maker

Code: TypeAlias = Literal[
    "pad-channels",  # a dimension is no multiple of what tiles and vectors hold
    "use-int8",  # the processor has int8 instructions and the model is float
    "use-bf16",  # it has bf16 instructions and computes in fp32
    "no-int8-instructions",  # the model is int8 and the processor has none
    "float-among-int8",  # operations of an int8 model that compute in float
    "unfused-bound",  # a Relu or Clip that engines cannot fuse
    "lost-segments",  # one kind of operation that cuts an engine's segments
]
"""What advice is about."""

KINDS_TRIED = 12
"""As many kinds of operation are tried for what replacing them would give."""
_MOVING = (QUANTIZE, DEQUANTIZE, "Transpose", "Reshape", "Cast", "Identity", "Pad")
_LINEAR = ("Conv", "ConvTranspose", "Gemm", "MatMul")


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node that advice is about, by name, and what about it."""

    node: str
    detail: str


class Advice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One piece of advice: a code for machines, a sentence for people, and the nodes."""

    code: Code
    detail: str
    items: tuple[Item, ...] = ()


def advise(
    choice: Choice,
    engines: Mapping[str, Engine],
    native: Engine,
    settings: Settings,
    chip: Processor,
) -> tuple[Advice, ...]:
    """What would make a compiled graph quicker.

    Args:
        choice: what was built for one set of shapes.
        engines: those that were asked for, by name.
        native: what runs the rest.
        settings: how it was compiled.
        chip: the processor.
    """
    graph = choice.best.plan.graph
    quantized = any(node.op_type == QUANTIZE for node in graph.nodes)
    return (
        *_instructions(quantized, settings.options.precision, chip),
        *_padding(graph, 16 if quantized else 8),
        *(_floats(graph) if quantized else ()),
        *_bounds(graph, quantized),
        *_lost(choice, engines, native, settings.min_segment_size),
    )


def _instructions(quantized: bool, precision: str, chip: Processor) -> Iterator[Advice]:
    have = [f.name for f in chip.features if f.present]
    if quantized and not chip.has(*INT8):
        yield Advice(
            "no-int8-instructions",
            f"the processor has none of {', '.join(INT8)}: int8 saves memory here, little time",
        )
    if not quantized and chip.has(*INT8):
        found = ", ".join(name for name in INT8 if name in have)
        yield Advice(
            "use-int8",
            f"the processor multiplies int8 quicker ({found}) and the model is float: compile "
            "with --precision int8 --samples SAMPLES. Neither what that gains nor what it costs in "
            "accuracy was measured",
        )
    if not quantized and precision == "fp32" and chip.has(*BF16):
        found = ", ".join(name for name in BF16 if name in have)
        yield Advice(
            "use-bf16",
            f"the processor multiplies bf16 quicker ({found}) and this computes in fp32: where "
            "three digits are enough, compile with --precision bf16. Neither what that gains nor "
            "what it costs in accuracy was measured",
        )


def _padding(graph: Graph, multiple: int) -> Iterator[Advice]:
    work = {n: _products(node) for n, node in enumerate(graph.nodes)}
    total = sum(work.values())
    entering = {t.name for t in graph.inputs}
    items = []
    for number, node in enumerate(graph.nodes):
        sides = _channels(node)
        if sides is None:
            continue
        wide, more = [], 1.0
        for word, length in zip(("inputs", "outputs"), sides, strict=True):
            first = word == "inputs" and _source(node.inputs[0]) in entering
            if length % multiple and not first:
                padded = -(-length // multiple) * multiple
                wide.append(f"{length} to {padded} {word}")
                more *= padded / length
        if wide:
            share = f" in a layer with {100 * work[number] / total:.2g} % of all" if total else ""
            detail = f"{node.op_type}: {' and '.join(wide)}: {100 * (more - 1):.1f} % more products"
            items.append((work[number], Item(str(node.name), detail + share)))
    if items:
        kind = "int8" if multiple == 16 else "half precision"
        yield Advice(
            "pad-channels",
            f"{_layers(len(items))} channels that are no multiple of {multiple}, the side of a "
            f"tensor core's tile in {kind}, and leave a rest in a CPU's vectors: export the model "
            "with more channels, their weights zero; the layers with most of the work first",
            tuple(item for _, item in sorted(items, key=lambda found: -found[0])),
        )


def _layers(count: int) -> str:
    return "1 layer has" if count == 1 else f"{count} layers have"


def _floats(graph: Graph) -> Iterator[Advice]:
    items = []
    for node in graph.nodes:
        if node.op_type in (QUANTIZE, DEQUANTIZE) or not _is_float(node.outputs[0]):
            continue
        given = [v for v in node.inputs if v is not None and not v.is_initializer()]
        from_int8 = all(_made_by(v) == DEQUANTIZE for v in given if _is_float(v))
        to_int8 = all(
            user.op_type == QUANTIZE or user.op_type in ("Relu", "Clip")
            for user, _ in node.outputs[0].uses()
        )
        if node.op_type in ("Relu", "Clip"):
            from_int8 = True
        if not (from_int8 and to_int8):
            items.append(Item(str(node.name), f"{node.op_type} computes in float"))
    if items:
        yield Advice(
            "float-among-int8",
            f"{len(items)} operation{'' if len(items) == 1 else 's'} of this int8 model "
            f"{'computes' if len(items) == 1 else 'compute'} in float, between conversions: what "
            "has an int8 form instead would spare both",
            tuple(items),
        )


def _bounds(graph: Graph, quantized: bool) -> Iterator[Advice]:
    items = []
    results = {t.name for t in graph.outputs}
    for node in graph.nodes:
        if node.op_type not in ("Relu", "Clip") or not node.inputs[0]:
            continue
        source = node.inputs[0]
        maker = _made_by(source)
        if maker not in (*_LINEAR, "Add", "BatchNormalization"):
            continue
        uses = list(source.uses())
        if len(uses) > 1 or source.name in results:
            items.append(Item(str(node.name), f"what {maker} gives it is read elsewhere too"))
        elif quantized and all(user.op_type == QUANTIZE for user, _ in node.outputs[0].uses()):
            detail = "the quantization after it reaches beyond its bounds"
            items.append(Item(str(node.name), detail))
    if items:
        yield Advice(
            "unfused-bound",
            "activations that engines cannot fuse with the operation before them",
            tuple(items),
        )


class _Granting:
    """An engine's answers, some of them changed."""

    varies = False

    def __init__(self, name: str, reasons: Sequence[Reason | None]) -> None:
        self.name = name
        self._reasons = tuple(reasons)

    def supports(self, graph: Graph) -> tuple[Reason | None, ...]:
        return self._reasons


def _lost(
    choice: Choice, engines: Mapping[str, Engine], native: Engine, smallest: int
) -> Iterator[Advice]:
    """What one kind of operation less would give each engine."""
    graph = choice.best.plan.graph
    whole = {c.engine for c in (choice.best, *choice.others) if not any(c.plan.reasons)} | {
        name for name, r in choice.refused.items() if r.code in ("unavailable", "wrong-answer")
    }
    for name, engine in engines.items():
        if name == native.name or name in whole:
            continue
        reasons = engine.supports(graph)
        kinds = Counter(node.op_type for node, why in zip(graph.nodes, reasons, strict=True) if why)
        now = plan(graph, _Granting(name, reasons), native, min_segment_size=smallest)  # type: ignore[arg-type]
        for kind, count in kinds.most_common(KINDS_TRIED):
            granted = [
                None if node.op_type == kind else why
                for node, why in zip(graph.nodes, reasons, strict=True)
            ]
            then = plan(graph, _Granting(name, granted), native, min_segment_size=smallest)  # type: ignore[arg-type]
            more = _taken(then, name) - _taken(now, name)
            if more <= 0:
                continue
            lost = [
                Item(str(node.name), str(why))
                for node, why in zip(graph.nodes, reasons, strict=True)
                if why and node.op_type == kind
            ]
            yield Advice(
                "lost-segments",
                f"{name} does not take {kind} ({count} of {len(graph.nodes)} nodes): were it "
                f"replaced, {name} would run {_taken(then, name)} nodes rather than "
                f"{_taken(now, name)}, in {_cut(then, now, name)}",
                tuple(lost),
            )


def _taken(cut: Plan, name: str) -> int:
    pairs = zip(cut.segments, cut.engines, strict=True)
    return sum(len(segment.members) for segment, engine in pairs if engine == name)


def _cut(then: Plan, now: Plan, name: str) -> str:
    after, before = (sum(engine == name for engine in cut.engines) for cut in (then, now))
    told = f"{after} segment{'' if after == 1 else 's'}"
    return f"{told} as now" if after == before else f"{told} rather than {before}"


def _channels(node: ir.Node) -> tuple[int, int] | None:
    """How many inputs and outputs a linear operation with constant weights sums over and gives."""
    if node.op_type not in _LINEAR or len(node.inputs) < 2:
        return None
    shape = _constant_shape(node.inputs[1])
    if shape is None or len(shape) < 2:
        return None
    if node.op_type == "MatMul":
        return shape[-2], shape[-1]
    if node.op_type == "Gemm":
        turned = node.attributes.get_int("transB", 0)
        return (shape[1], shape[0]) if turned else (shape[0], shape[1])
    if node.attributes.get_int("group", 1) != 1:
        return None  # depthwise: engines vectorise over channels, not over a product
    return (shape[0], shape[1]) if node.op_type == "ConvTranspose" else (shape[1], shape[0])


def _constant_shape(value: ir.Value | None) -> tuple[int, ...] | None:
    """A weight's shape, also where a DequantizeLinear makes it."""
    if (producer := maker(value, DEQUANTIZE)) is not None:
        value = producer.inputs[0]
    if value is None or not value.is_initializer() or value.shape is None:
        return None
    lengths = tuple(d for d in value.shape if isinstance(d, int))
    return lengths if len(lengths) == len(value.shape) else None


def _products(node: ir.Node) -> int:
    """How many products a linear operation sums; 0 for others."""
    shape = _constant_shape(node.inputs[1]) if len(node.inputs) > 1 else None
    given = node.outputs[0].shape if node.outputs else None
    if node.op_type not in _LINEAR or shape is None or given is None:
        return 0
    lengths = [d for d in given if isinstance(d, int)]
    each = int(np.prod(shape[1:])) if node.op_type == "Conv" else (_channels(node) or (0, 0))[0]
    return int(np.prod(lengths, dtype=np.int64)) * each


def _source(value: ir.Value | None) -> str:
    """The name of what a value comes from; what only converts or moves values is left out."""
    while value is not None:
        producer = value.producer()
        if producer is None or producer.op_type not in _MOVING:
            return str(value.name)
        value = producer.inputs[0]
    return ""


def _made_by(value: ir.Value) -> str:
    producer = value.producer()
    return producer.op_type if producer is not None else ""


def _is_float(value: ir.Value) -> bool:
    return value.dtype in (ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.BFLOAT16)
