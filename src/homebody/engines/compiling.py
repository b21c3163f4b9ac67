"""From a model's file to a compiled model, and back from its folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from homebody import bundle as bundles
from homebody.engines import folder as folders
from homebody.engines import qdq
from homebody.engines.cache import DiskCache, processor
from homebody.engines.compiled import Arrays, CompiledModel, Key, Known, Settings
from homebody.engines.engine import Engine, Options, Precision, Reason
from homebody.engines.graph import QUANTIZE, Graph, Shape, Tensor, read_bytes, read_graph
from homebody.engines.isolation.engine import Isolated
from homebody.engines.litert import LiteRt
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.openvino import OpenVino
from homebody.engines.openvino_rows import OpenVinoRows
from homebody.engines.plan import MIN_SEGMENT_SIZE
from homebody.engines.policy import Policy
from homebody.engines.quantize import quantize
from homebody.engines.rows import Rows
from homebody.engines.saved_model import is_saved_model, to_tflite
from homebody.engines.tensorrt import TensorRt
from homebody.engines.tflite import import_tflite
from homebody.errors import EngineError, GraphError
from homebody.shrink import Source

NATIVE = OnnxRuntime.name
ENGINES: dict[str, Callable[[], Engine]] = {
    OnnxRuntime.name: OnnxRuntime,
    OpenVino.name: OpenVino,
    LiteRt.name: LiteRt,
    TensorRt.name: TensorRt,
}
"""Every engine, by name, in the order in which they are tried."""
BY_ROWS: dict[str, Callable[[], Engine]] = {OpenVino.name: OpenVinoRows}
"""Those that also take any batch a row at a time, and how."""


def compile(
    model: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    engines: Sequence[str] = tuple(ENGINES),
    precision: Precision = "fp32",
    samples: Source | None = None,
    inputs: Rows | None = None,
    shapes: Sequence[Mapping[str, Shape] | Shape] = (),
    policy: Policy = "cost",
    min_segment_size: int = MIN_SEGMENT_SIZE,
    max_cached_engines: int = 16,
    threads: int | None = None,
    isolated: bool = True,
    told: Callable[[str], None] = lambda engine: None,
) -> CompiledModel:
    """Compile a model: measure each engine on it here, and keep the quickest.

    Args:
        model: an ``.onnx`` or ``.tflite`` file, or a bundle (``.hb``), whose model is taken; with
            TensorFlow installed also a SavedModel's folder or a ``.keras`` file.
        folder: where to write what :func:`load` reads.
        engines: those to choose from.
        precision: what floating-point operations may compute in; an int8 model stays int8.
        samples: about 100 real inputs, which make a float model int8.
        inputs: real inputs to measure and compare engines with, where they fit; else seeded noise.
        shapes: inputs' shapes to build now, by input's name or of the first; dimensions that are
            open elsewhere are 1.
        policy: how engines are reused across batch sizes.
        min_segment_size: nodes in an engine's segment, at least.
        max_cached_engines: shapes whose engines stay in memory.
        threads: of one call; all processors if None.
        isolated: build in another process, so that an engine that crashes ends that one alone.
        told: called with an engine's name before it builds.

    Raises:
        EngineError: the model cannot be read, no engine builds it, or the folder is not writable.

    Example:
        >>> compiled = compile("model.onnx", "compiled/")                   # doctest: +SKIP
        >>> compiled({"image": pixels})                                     # doctest: +SKIP
        {'scores': array(...)}
    """
    options = Options(threads or os.cpu_count() or 1, precision)
    graph, bundle = _source(model)
    if samples is not None:
        graph = quantize(graph, samples, threads=options.threads)
    if precision == "fp32" and any(node.op_type == QUANTIZE for node in graph.nodes):
        # Engines round integers differently: the answers of an int8 model are that near.
        options = replace(options, precision="int8")
    settings = Settings(options, policy, min_segment_size, max_cached_engines)
    compiled = _model(graph, engines, settings, Path(folder), told, isolated=isolated)
    built = [
        {**_unit(graph), **(s if isinstance(s, Mapping) else {graph.inputs[0].name: s})}
        for s in shapes or [_unit(graph)]
    ]
    given = [_given(graph, inputs, full) for full in built]
    if inputs is not None and not any(given):
        takes = ", ".join(f"{t.name!r} {t.dtype} {list(t.shape)}" for t in graph.inputs)
        raise EngineError(
            f"the rows of {inputs.name} are {_described(inputs)}, and the model takes {takes}; "
            "give rows of its shapes and types"
        )
    for full, real in zip(built, given, strict=True):
        compiled.at(full, measured=True, inputs=real)
    record = folders.record_of(compiled, Path(model).name, _versions(compiled), processor(), bundle)
    folders.write(folder, compiled, record)
    return compiled


def load(
    folder: str | os.PathLike[str],
    *,
    threads: int | None = None,
    isolated: bool = True,
    told: Callable[[str], None] = lambda engine: None,
) -> CompiledModel:
    """Load what :func:`compile` wrote; engines come from its cache, or are built again.

    Args:
        folder: what was given to :func:`compile`.
        threads: of one call; as it was compiled if None.
        isolated: as for :func:`compile`.
        told: called with an engine's name before it builds.

    Raises:
        CompiledError: the folder holds no compiled model, or another than it says.
    """
    record, model = folders.read(folder)
    settings = Settings(
        Options(threads or record.threads, record.precision),
        record.policy,
        record.min_segment_size,
        record.max_cached_engines,
    )
    graph = read_graph(model)
    # Another processor, version or number of threads may have another winner.
    engines = {name: _version(ENGINES[name]()) for name in record.engines if name in ENGINES}
    same = record.processor == processor() and record.versions == engines
    same = same and settings.options.threads == record.threads
    chosen = {
        tuple(shape.shapes[tensor.name] for tensor in graph.inputs): _known(shape)
        for shape in (*record.shapes, *record.opened)
        if same and shape.shapes.keys() == {tensor.name for tensor in graph.inputs}
    }
    return _model(graph, record.engines, settings, Path(folder), told, chosen, isolated=isolated)


def read_model(path: str | os.PathLike[str]) -> Graph:
    """Read an ``.onnx`` or ``.tflite`` file into a graph that engines fuse well.

    Raises:
        GraphError: the file cannot be read, or holds what is not supported.
        ModelError: a ``.tflite`` file is damaged.
    """
    place = Path(path)
    if is_saved_model(place):
        graph = read_graph(import_tflite(to_tflite(place)).SerializeToString())
    elif place.suffix == ".tflite":
        graph = read_graph(import_tflite(read_bytes(place)).SerializeToString())
    else:
        graph = read_graph(place)
    return _prepared(graph)


def _source(path: str | os.PathLike[str]) -> tuple[Graph, str | None]:
    """A model's graph, and the SHA-256 of the bundle that it came out of."""
    if Path(path).suffix != ".hb":
        return read_model(path), None
    with bundles.open(path) as bundle:
        model = bundle.manifest.model
        if model.format != "tflite":
            raise GraphError(
                f"the model of {os.fspath(path)} is {model.format}; give a bundle of tflite"
            )
        imported = import_tflite(bundle.read(model.entry))
        return _prepared(read_graph(imported.SerializeToString())), bundle.sha256


def _prepared(graph: Graph) -> Graph:
    return Graph(qdq.prepare(graph.model))


def _model(
    graph: Graph,
    names: Sequence[str],
    settings: Settings,
    folder: Path,
    told: Callable[[str], None],
    chosen: Mapping[Key, Known] | None = None,
    *,
    isolated: bool,
) -> CompiledModel:
    unknown = [name for name in names if name not in ENGINES]
    if unknown:
        raise EngineError(f"there is no engine {unknown[0]!r}; choose from {', '.join(ENGINES)}")

    def made(engine: Callable[[], Engine]) -> Engine:
        return Isolated(engine()) if isolated else engine()

    by_rows = [made(BY_ROWS[name]) for name in names if name in BY_ROWS]
    return CompiledModel(
        graph,
        {name: made(ENGINES[name]) for name in names},
        made(ENGINES[NATIVE]),
        settings,
        by_rows={engine.name: engine for engine in by_rows},
        chosen=chosen,
        store=DiskCache(folder / folders.CACHE),
        told=told,
    )


def _given(graph: Graph, inputs: Rows | None, shapes: Mapping[str, Shape]) -> Arrays | None:
    """Real inputs of these shapes, where there are."""
    if inputs is None:
        return None
    return inputs.call([Tensor(t.name, t.dtype, tuple(shapes[t.name])) for t in graph.inputs])


def _described(inputs: Rows) -> str:
    return ", ".join(f"{n!r} {a.dtype} {list(a.shape[1:])}" for n, a in inputs.arrays.items())


def _known(shape: folders.ShapeRecord) -> Known:
    best = shape.candidates[0]
    whole = [segment.engine for segment in best.segments] == [best.engine]
    return Known(best.engine, whole, best.seconds, shape.rows)


def _unit(graph: Graph) -> dict[str, Shape]:
    """Every input's shape with 1 where it is open."""
    return {t.name: tuple(1 if d == -1 else d for d in t.shape) for t in graph.inputs}


def _versions(model: CompiledModel) -> dict[str, str]:
    return {name: _version(engine) for name, engine in model.engines.items()}


def _version(engine: Engine) -> str:
    found = engine.probe()
    return found.detail if isinstance(found, Reason) else found
