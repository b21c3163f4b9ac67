"""Cutting graphs for two engines: is it right, are the pieces few, and what does a border cost?

    python benchmarks/engines_partition.py cuts [--graphs 10000]      # three partitioners
    python benchmarks/engines_partition.py calls                      # what a call costs
    python benchmarks/engines_partition.py transformer [--threads 2]  # Softmax forced native
    python benchmarks/engines_partition.py faults [--nodes 64]        # builds to find one

``cuts`` runs each graph twice: through homebody's plan and program over an engine in numpy that
refuses random nodes, and node after node in numpy. Beside our partitioner stand two written here:
contraction of edges, as TensorFlow-TensorRT forms its segments, and Kahn's algorithm in waves, as
ONNX Runtime's execution providers share it. No partitioner can have fewer segments than a path has
stretches of one colour; that is the bound.
"""

from __future__ import annotations

import argparse
import functools
import math
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from homebody.engines import measure, qdq
from homebody.engines.build import build
from homebody.engines.choose import nearness, noise
from homebody.engines.engine import Buffer, Engine, Options, Reason
from homebody.engines.faults import find_faulty
from homebody.engines.graph import Graph, Segment
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.openvino import OpenVino
from homebody.engines.partition import partition
from homebody.engines.plan import plan
from homebody.engines.program import Program
from homebody.engines.reading import read_graph

sys.path.insert(0, str(Path(__file__).parent))
from in_turn import report

Predecessors = Sequence[Sequence[int]]
COMPUTE: dict[str, Callable[..., NDArray[Any]]] = {
    "Relu": lambda a: np.maximum(a, 0),
    "Neg": np.negative,
    "Tanh": np.tanh,
    "Abs": np.abs,
    "Add": np.add,
    "Sub": np.subtract,
    "Max": np.maximum,
    "Min": np.minimum,
}
SHAPE = (2, 5)


# ---- fuzzed graphs


def fuzzed(seed: int) -> bytes:
    """A random graph of 2 to 60 nodes; each reads from the last `reach` values."""
    dice = random.Random(seed)
    reach, count = dice.choice((2, 4, 8, 60)), dice.randint(2, 60)
    values, nodes = ["x0", "x1"], []
    for number in range(count):
        kind = dice.choice(list(COMPUTE))
        operands = 2 if kind in ("Add", "Sub", "Max", "Min") else 1
        read = [dice.choice(values[-reach:]) for _ in range(operands)]
        nodes.append(helper.make_node(kind, read, [f"v{number}"], f"n{number}"))
        values.append(f"v{number}")
    used = {name for node in nodes for name in node.input}
    return _model(
        nodes,
        [_value(name, SHAPE) for name in ("x0", "x1") if name in used],
        [_value(name, SHAPE) for name in values[2:] if name not in used],
    )


class Numpy:
    """An engine in numpy that refuses nodes at random."""

    varies = False

    def __init__(self, name: str, refused: float = 0.0, seed: int = 0) -> None:
        self.name, self._refused, self._seed = name, refused, seed

    def probe(self) -> str | Reason:
        """Always here."""
        return np.__version__

    def supports(self, graph: Graph) -> tuple[Reason | None, ...]:
        """A share of the nodes, drawn by lot."""
        dice = random.Random(self._seed)
        refusal = Reason("unknown-operation", "drawn by lot")
        return tuple(refusal if dice.random() < self._refused else None for _ in graph.nodes)

    def build(self, segment: Segment, options: Options) -> Numpy._Segment:
        """Nothing is compiled."""
        return self._Segment(segment)

    def load(self, saved: bytes, segment: Segment, options: Options) -> Numpy._Segment:
        """Nothing is kept."""
        raise NotImplementedError

    class _Segment:
        def __init__(self, segment: Segment) -> None:
            self.segment = segment

        def bind(self, inputs: Sequence[Buffer], outputs: Sequence[Buffer]) -> Numpy._Bound:
            return Numpy._Bound(self.segment, inputs, outputs)

        def save(self) -> bytes | None:
            return None

        def profile(self, inputs: Sequence[Buffer], outputs: Sequence[Buffer]) -> tuple[()]:
            return ()

    class _Bound:
        def __init__(
            self, segment: Segment, inputs: Sequence[Buffer], outputs: Sequence[Buffer]
        ) -> None:
            self.segment = segment
            self.inputs, self.outputs = list(inputs), outputs

        def __call__(self) -> None:
            read = zip(self.segment.inputs, self.inputs, strict=True)
            values = {tensor.name: buffer for tensor, buffer in read}
            for node in self.segment.nodes:  # what a wrong cut left out is a KeyError here
                operands = [values[str(value.name)] for value in node.inputs if value]
                values[str(node.outputs[0].name)] = COMPUTE[node.op_type](*operands)
            for tensor, buffer in zip(self.segment.outputs, self.outputs, strict=True):
                buffer[...] = values[tensor.name]

        def point(self, index: int, buffer: Buffer) -> None:
            self.inputs[index] = buffer


def evaluated(proto: onnx.ModelProto, inputs: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """The file's outputs, node after node in numpy: no code of ours."""
    values = dict(inputs)
    for node in proto.graph.node:
        values[node.output[0]] = COMPUTE[node.op_type](*(values[name] for name in node.input))
    return {output.name: values[output.name] for output in proto.graph.output}


def bound(predecessors: Predecessors, colours: Sequence[bool]) -> int:
    """The most stretches of one colour along any path: as many segments are needed at least."""
    readers: list[list[int]] = [[] for _ in predecessors]
    for node, before in enumerate(predecessors):
        for read in before:
            readers[read].append(node)

    @functools.cache
    def stretches(node: int) -> int:
        ahead = (stretches(r) + (colours[r] != colours[node]) for r in readers[node])
        return max(ahead, default=1)

    return max(stretches(node) for node in reversed(range(len(predecessors))))


def cyclic(predecessors: Predecessors, segments: Sequence[Sequence[int]]) -> bool:
    """Whether the segments, each as one node, depend on each other in a circle."""
    home = {node: number for number, segment in enumerate(segments) for node in segment}
    waits = [
        {home[p] for node in segment for p in predecessors[node]} - {number}
        for number, segment in enumerate(segments)
    ]
    done: set[int] = set()
    while ready := {n for n, w in enumerate(waits) if n not in done and w <= done}:
        done |= ready
    return len(done) != len(segments) or sum(map(len, segments)) != len(predecessors)


def contracted(predecessors: Predecessors, colours: Sequence[bool]) -> list[list[int]]:
    """Merge along edges between nodes of one colour, where no other path connects the two."""
    cluster = list(range(len(predecessors)))
    members = {node: [node] for node in cluster}
    ahead: dict[int, set[int]] = {node: set() for node in cluster}
    behind = {node: set(before) for node, before in enumerate(predecessors)}
    for node, before in behind.items():
        for read in before:
            ahead[read].add(node)

    def around(start: int, end: int) -> bool:
        seen: set[int] = set()
        waiting = [node for node in ahead[start] if node != end]
        while waiting:
            node = waiting.pop()
            if node == end:
                return True
            if node not in seen:
                seen.add(node)
                waiting += ahead[node]
        return False

    merged = True
    while merged:
        merged = False
        for start in sorted(members):
            for end in sorted(ahead.get(start, ())):
                if colours[start] != colours[end] or around(start, end):
                    continue
                members[start] += members.pop(end)
                for node in ahead.pop(end):
                    behind[node].discard(end)
                    behind[node].add(start)
                    ahead[start].add(node)
                for node in behind.pop(end) - {start}:
                    ahead[node].discard(end)
                    ahead[node].add(start)
                    behind[start].add(node)
                ahead[start].discard(end)
                merged = True
    return [sorted(nodes) for nodes in members.values()]


def waves(predecessors: Predecessors, colours: Sequence[bool]) -> list[list[int]]:
    """Kahn's algorithm: all native nodes that are ready, then all of the engine's, in turns."""
    left, segments = set(range(len(predecessors))), []
    done: set[int] = set()
    colour = False
    while left:
        segment: list[int] = []
        while ready := [
            n for n in sorted(left) if colours[n] == colour and done.issuperset(predecessors[n])
        ]:
            segment += ready
            done |= set(ready)
            left -= set(ready)
        if segment:
            segments.append(segment)
        colour = not colour
    return segments


PARTITIONERS = {
    "homebody": partition,
    "edges contracted (TF-TRT)": contracted,
    "Kahn's waves (ONNX Runtime)": waves,
}


def cuts(arguments: argparse.Namespace) -> None:
    """Three partitioners on the same graphs; ours also run."""
    native = Numpy("native")
    totals = dict.fromkeys(PARTITIONERS, 0)
    engine_totals = dict.fromkeys(PARTITIONERS, 0)
    above, cycles = dict.fromkeys(PARTITIONERS, 0), dict.fromkeys(PARTITIONERS, 0)
    seconds = dict.fromkeys(PARTITIONERS, 0.0)
    least = wrong = silent = nodes = ran = 0
    for seed in range(arguments.graphs):
        data = fuzzed(seed)
        graph = read_graph(data)
        nodes += len(graph.nodes)
        engine = Numpy("engine", random.Random(seed).choice((0.1, 0.3, 0.5, 0.9)), seed)
        colours = [reason is None for reason in engine.supports(graph)]
        fewest = bound(graph.predecessors, colours)
        least += fewest
        for name, cut in PARTITIONERS.items():
            started = time.perf_counter()
            segments = cut(graph.predecessors, colours)
            seconds[name] += time.perf_counter() - started
            totals[name] += len(segments)
            engine_totals[name] += sum(colours[segment[0]] for segment in segments)
            above[name] = max(above[name], len(segments) - fewest)
            cycles[name] += cyclic(graph.predecessors, segments)
        inputs = noise(graph)
        wanted = evaluated(onnx.load_model_from_string(data), inputs)
        engines: dict[str, Engine] = {"engine": engine, "native": native}
        planned = plan(graph, engine, native, min_segment_size=1 + seed % 3)
        program, _ = build(planned, engines, native, Options(), None)
        found = program(inputs)
        wrong += not all(np.array_equal(found[name], wanted[name]) for name in wanted)
        ran += len(planned.segments)
        for segment, name in zip(planned.segments, planned.engines, strict=True):
            silent += sum(planned.reasons[n] is None for n in segment.members if name == "native")
    rows = [
        [name, f"{totals[name]:,}", f"{engine_totals[name]:,}",
         f"{totals[name] / least:.3f}", str(above[name]), str(cycles[name]),
         f"{1e6 * seconds[name] / arguments.graphs:.0f}"]
        for name in PARTITIONERS
    ]  # fmt: skip
    report(
        f"{arguments.graphs:,} random graphs of 2 to 60 nodes, some refused by the engine",
        ["partitioner", "segments", "of them the engine's", "segments / lower bound",
         "most above the bound", "cyclic", "µs a graph"],
        rows,
        {"nodes": f"{nodes:,}", "lower bound": f"{least:,} segments", "segments run": f"{ran:,}",
         "wrong outputs": wrong, "native nodes without a reason": silent},
        as_json=arguments.json,
    )  # fmt: skip


# ---- calls


def calls(arguments: argparse.Namespace) -> None:
    """A graph of one addition, called again and again."""
    nodes = [helper.make_node("Add", ["x", "x"], ["y"], "n")]
    graph = read_graph(_model(nodes, [_value("x", (1, 8))], [_value("y", (1, 8))]))
    x = np.ones((1, 8), np.float32)
    options, rows = Options(threads=1), []
    for engine, plain in ((OnnxRuntime(), _plain_onnxruntime), (OpenVino(), _plain_openvino)):
        executable = engine.build(graph.whole(), options)
        inputs, outputs = [x], [np.empty_like(x)]
        run = executable.bind(inputs, outputs)
        made, _ = build(plan(graph, engine, engine), {engine.name: engine}, engine, options, None)
        timed = {
            "bound": run,
            "program": _times(made, {"x": x}),
            "plain": plain(graph.to_bytes(), x),
        }
        taken = {n: 1e6 * s for n, s in measure.medians(timed, seconds=0.2, rounds=9).items()}
        rows.append(
            [engine.name, *(f"{taken[name]:.1f}" for name in ("bound", "program", "plain"))]
        )
    report(
        "One call of a graph of one addition of 8 numbers, in microseconds, the addition included",
        ["engine", "pre-bound call", "program: check, copy in, call, copy out",
         "the engine's own Python call"],
        rows, {"threads": 1, "rounds": 9}, as_json=arguments.json,
    )  # fmt: skip


def _times(program: Program, inputs: dict[str, NDArray[Any]]) -> Callable[[], object]:
    return lambda: program(inputs)


def _plain_onnxruntime(model: bytes, x: NDArray[Any]) -> Callable[[], object]:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x})


def _plain_openvino(model: bytes, x: NDArray[Any]) -> Callable[[], object]:
    import openvino

    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 1}
    compiled = openvino.Core().compile_model(openvino.Core().read_model(model), "CPU", settings)
    return lambda: compiled([x])


# ---- a transformer


def transformer(layers: int, wide: int, heads: int, length: int) -> bytes:
    """An encoder's layers with random weights: attention, LayerNorm, a GELU of twice two layers."""
    dice = np.random.default_rng(0)
    nodes: list[onnx.NodeProto] = []
    initializers: list[onnx.TensorProto] = []

    def constant(values: NDArray[Any]) -> str:
        name = f"c{len(initializers)}"
        initializers.append(numpy_helper.from_array(values, name))
        return name

    def node(kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}{len(nodes)}"
        nodes.append(helper.make_node(kind, list(inputs), [name], name, **attributes))
        return name

    def dense(value: str, rows: int, columns: int) -> str:
        weights = dice.normal(size=(rows, columns)) / math.sqrt(rows)
        product = node("MatMul", value, constant(weights.astype(np.float32)))
        return node("Add", product, constant(np.zeros(columns, np.float32)))

    def norm(value: str) -> str:
        ones = constant(np.ones(wide, np.float32))
        zeros = constant(np.zeros(wide, np.float32))
        return node("LayerNormalization", value, ones, zeros, axis=-1)

    split = constant(np.array([0, length, heads, wide // heads]))
    join = constant(np.array([0, length, wide]))
    scale = constant(np.float32(math.sqrt(wide / heads)))
    half, one, root = (constant(np.float32(v)) for v in (0.5, 1, math.sqrt(2)))
    value = "x"
    for _ in range(layers):
        q, k, v = (
            node("Transpose", node("Reshape", dense(value, wide, wide), split), perm=perm)
            for perm in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
        )
        weights = node("Softmax", node("Div", node("MatMul", q, k), scale), axis=-1)
        mixed = node("Transpose", node("MatMul", weights, v), perm=[0, 2, 1, 3])
        value = norm(node("Add", value, dense(node("Reshape", mixed, join), wide, wide)))
        inner = dense(value, wide, 4 * wide)
        bent = node("Add", node("Erf", node("Div", inner, root)), one)
        bent = node("Mul", node("Mul", inner, bent), half)
        value = norm(node("Add", value, dense(bent, 4 * wide, wide)))
    nodes[-1].output[0] = "y"
    shape = (1, length, wide)
    return _model(nodes, [_value("x", shape)], [_value("y", shape)], initializers)


def cut_transformer(arguments: argparse.Namespace) -> None:
    """Six layers whole in each engine, and cut at every Softmax."""
    rows = []
    native, openvino = OnnxRuntime(), OpenVino()
    engines: dict[str, Engine] = {native.name: native, openvino.name: openvino}
    options = Options(threads=arguments.threads)
    refusal = Reason("unknown-operation", "Softmax is forced native")
    for wide, heads, length in ((256, 4, 128), (512, 8, 128), (768, 12, 128)):
        data = transformer(6, wide, heads, length)
        graph = Graph(qdq.prepare(read_graph(data).model)).at({})
        inputs = noise(graph)
        softmax = [(n, refusal) for n, node in enumerate(graph.nodes) if node.op_type == "Softmax"]
        plans = {
            "onnxruntime": plan(graph, native, native),
            "openvino": plan(graph, openvino, native),
            "cut": plan(graph, openvino, native, faulty=softmax),
        }
        programs = {n: build(p, engines, native, options, None)[0] for n, p in plans.items()}
        wanted = programs["onnxruntime"](inputs)
        near = nearness(programs["cut"](inputs), wanted)
        taken = measure.medians(
            {n: _times(p, inputs) for n, p in programs.items()}, seconds=0.3, rounds=9
        )
        best = min(taken["onnxruntime"], taken["openvino"])
        rows.append(
            [f"{wide}, {heads} heads", str(len(graph.nodes)), str(len(plans["cut"].segments)),
             *(f"{1e3 * taken[n]:.2f}" for n in ("onnxruntime", "openvino", "cut")),
             f"{best / taken['cut']:.2f}", f"{near:.0f}"]
        )  # fmt: skip
    report(
        "Six layers of a transformer, 128 tokens, cut at every Softmax",
        ["width", "nodes", "segments", "ONNX Runtime whole, ms", "OpenVINO whole, ms", "cut, ms",
         "speed / the best whole", "dB"],
        rows, {"threads": arguments.threads, "precision": "fp32", "rounds": 9},
        as_json=arguments.json,
    )  # fmt: skip


# ---- faults


class Faulty(Numpy):
    """Adds one to what one node makes."""

    def __init__(self, node: str) -> None:
        super().__init__("engine")
        self._node = node

    def build(self, segment: Segment, options: Options) -> Numpy._Segment:
        """As asked, but for the one node."""
        built = super().build(segment, options)
        if self._node in [node.name for node in segment.nodes]:
            bind = built.bind

            def wrong(inputs: Sequence[Buffer], outputs: Sequence[Buffer]) -> Any:
                run = bind(inputs, outputs)

                def astray() -> None:
                    run()
                    for output in outputs:
                        output += 1

                return astray

            built.bind = wrong  # type: ignore[method-assign]
        return built


def faults(arguments: argparse.Namespace) -> None:
    """A fault planted at every place of chains of several lengths."""
    rows = []
    for count in (2, 10, arguments.nodes, 4 * arguments.nodes):
        graph, builds, found = read_graph(_chain(count)), [], 0
        native = Numpy("native")
        for place in range(count):
            fault = find_faulty(
                graph, Faulty(f"n{place}"), native, Options(), noise(graph), least_sqnr=60
            )
            assert fault is not None
            found += fault.nodes == (f"n{place}",)
            builds.append(fault.builds)
        limit = math.floor(math.log2(count)) + 1
        rows.append([str(count), f"{found} of {count}", f"{np.mean(builds):.2f}",
                     str(max(builds)), str(limit)])  # fmt: skip
    report(
        "A fault planted at each node in turn; builds after the whole was known to be wrong",
        ["nodes", "found", "builds, mean", "builds, most", "log2(n) + 1, rounded down"],
        rows, {}, as_json=arguments.json,
    )  # fmt: skip


def _chain(count: int) -> bytes:
    nodes = [
        helper.make_node("Neg", [f"v{n}" if n else "x"], [f"v{n + 1}"], f"n{n}")
        for n in range(count)
    ]
    return _model(nodes, [_value("x", SHAPE)], [_value(f"v{count}", SHAPE)])


def _value(name: str, shape: Sequence[int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def _model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    initializers: Sequence[onnx.TensorProto] = (),
) -> bytes:
    graph = helper.make_graph(nodes, "g", inputs, outputs, initializers)
    opset = helper.make_opsetid("", 17)
    made = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    return bytes(made.SerializeToString())


def _verbs() -> Iterator[tuple[str, Callable[[argparse.Namespace], None]]]:
    yield from (("cuts", cuts), ("calls", calls), ("transformer", cut_transformer))
    yield "faults", faults


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=[name for name, _ in _verbs()])
    parser.add_argument("--graphs", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--nodes", type=int, default=64)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    dict(_verbs())[arguments.what](arguments)


if __name__ == "__main__":
    main()
