"""From a model's file to a compiled model."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from homebody import bundle as bundles
from homebody.engines import folder as folders
from homebody.engines import qdq
from homebody.engines.cache import processor
from homebody.engines.compiled import Arrays, CompiledModel, Settings
from homebody.engines.engine import Options, Precision
from homebody.engines.graph import QUANTIZE, Graph, Shape, Tensor
from homebody.engines.independence import rows_independent
from homebody.engines.loading import ENGINES, model_of, version_of
from homebody.engines.plan import MIN_SEGMENT_SIZE
from homebody.engines.policy import Policy
from homebody.engines.quantize import quantize
from homebody.engines.reading import read_bytes, read_graph
from homebody.engines.rows import Rows
from homebody.engines.saved_model import is_saved_model, to_tflite
from homebody.engines.tflite import import_tflite
from homebody.errors import EngineError, GraphError
from homebody.shrink import Source


def compile(
    model: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    engines: Sequence[str] = tuple(ENGINES),
    precision: Precision = "fp32",
    samples: Source | None = None,
    inputs: Rows | None = None,
    external_sha256: str | None = None,
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
        folder: where to write what :func:`~homebody.engines.loading.load` reads.
        engines: those to choose from.
        precision: what floating-point operations may compute in; an int8 model stays int8.
        samples: about 100 real inputs, which make a float model int8.
        inputs: real inputs to measure and compare engines with, where they fit; else seeded noise.
        external_sha256: of the file beside an ``.onnx`` model that holds its weights, in
            hexadecimal; without it such a file is refused.
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
    graph, bundle = _source(model, external_sha256)
    if samples is not None:
        graph = quantize(graph, samples, threads=options.threads)
    if precision == "fp32" and any(node.op_type == QUANTIZE for node in graph.nodes):
        # Engines round integers differently: the answers of an int8 model are that near.
        options = replace(options, precision="int8")
    settings = Settings(options, policy, min_segment_size, max_cached_engines)
    compiled = model_of(graph, engines, settings, Path(folder), told, isolated=isolated)
    if compiled.batched:
        compiled.batched = rows_independent(graph, compiled.native, options, store=compiled.store)
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


def read_model(path: str | os.PathLike[str], *, external_sha256: str | None = None) -> Graph:
    """Read an ``.onnx`` or ``.tflite`` file into a graph that engines fuse well.

    Args:
        path: the file, or a SavedModel's folder.
        external_sha256: as for :func:`compile`.

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
        graph = read_graph(place, external_sha256=external_sha256)
    return _prepared(graph)


def _source(path: str | os.PathLike[str], external_sha256: str | None) -> tuple[Graph, str | None]:
    """A model's graph, and the SHA-256 of the bundle that it came out of."""
    if Path(path).suffix != ".hb":
        return read_model(path, external_sha256=external_sha256), None
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


def _given(graph: Graph, inputs: Rows | None, shapes: Mapping[str, Shape]) -> Arrays | None:
    """Real inputs of these shapes, where there are."""
    if inputs is None:
        return None
    return inputs.call([Tensor(t.name, t.dtype, tuple(shapes[t.name])) for t in graph.inputs])


def _described(inputs: Rows) -> str:
    return ", ".join(f"{n!r} {a.dtype} {list(a.shape[1:])}" for n, a in inputs.arrays.items())


def _unit(graph: Graph) -> dict[str, Shape]:
    """Every input's shape with 1 where it is open."""
    return {t.name: tuple(1 if d == -1 else d for d in t.shape) for t in graph.inputs}


def _versions(model: CompiledModel) -> dict[str, str]:
    return {name: version_of(engine) for name, engine in model.engines.items()}
