"""A compiled model out of its folder, as quickly as it goes: a server's start waits for it.

What only compiling needs is not imported here, an engine that is not chosen is not either, and the
graph is read once something asks for more of it than its borders.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from homebody.engines import folder as folders
from homebody.engines.cache import DiskCache, processor
from homebody.engines.compiled import CompiledModel, Key, Known, Settings
from homebody.engines.engine import Engine, Options, Reason
from homebody.engines.graph import Graph
from homebody.engines.isolation.engine import Isolated
from homebody.engines.litert import LiteRt
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.openvino import OpenVino
from homebody.engines.openvino_rows import OpenVinoRows
from homebody.engines.recorded import Recorded
from homebody.engines.tensorrt import TensorRt
from homebody.errors import EngineError

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


def load(
    folder: str | os.PathLike[str],
    *,
    threads: int | None = None,
    isolated: bool = True,
    told: Callable[[str], None] = lambda engine: None,
) -> CompiledModel:
    """Load what ``compile`` wrote; engines come from its cache, or are built again.

    Args:
        folder: what was given to :func:`~homebody.engines.compiling.compile`.
        threads: of one call; as it was compiled if None.
        isolated: as for :func:`~homebody.engines.compiling.compile`.
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
    graph = Recorded(record, model)
    # Another processor, version or number of threads may have another winner.
    engines = {name: version_of(ENGINES[name]()) for name in record.engines if name in ENGINES}
    same = record.processor == processor() and record.versions == engines
    same = same and settings.options.threads == record.threads
    chosen = {
        tuple(shape.shapes[tensor.name] for tensor in graph.inputs): _known(shape)
        for shape in (*record.shapes, *record.opened)
        if same and shape.shapes.keys() == {tensor.name for tensor in graph.inputs}
    }
    return model_of(graph, record.engines, settings, Path(folder), told, chosen, isolated=isolated)


def model_of(
    graph: Graph,
    names: Sequence[str],
    settings: Settings,
    folder: Path,
    told: Callable[[str], None],
    chosen: Mapping[Key, Known] | None = None,
    *,
    isolated: bool,
) -> CompiledModel:
    """A model with these engines, whose cache is in this folder.

    Raises:
        EngineError: there is no engine of a name.
    """
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


def _known(shape: folders.ShapeRecord) -> Known:
    best = shape.candidates[0]
    whole = [segment.engine for segment in best.segments] == [best.engine]
    build = sum(segment.build_seconds for segment in best.segments)
    return Known(best.engine, whole, best.seconds, shape.rows, build)


def version_of(engine: Engine) -> str:
    """An engine's version, or why it is not here."""
    found = engine.probe()
    return found.detail if isinstance(found, Reason) else found
