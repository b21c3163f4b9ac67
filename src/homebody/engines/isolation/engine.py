"""An engine whose builds are made in another process."""

from __future__ import annotations

from functools import cache
from typing import Any

from homebody.engines.engine import Engine, Executable, Options, Reason
from homebody.engines.graph import Graph, Segment
from homebody.engines.isolation.builder import Builder


class Isolated:
    """An engine that builds apart and loads here what was built.

    Args:
        engine: the engine; its class can be made without arguments by its module and name.
        builder: who builds; one for all engines of this process if None.
    """

    def __init__(self, engine: Engine, builder: Builder | None = None) -> None:
        self.engine = engine
        self.name = engine.name
        self.varies = engine.varies
        self._builder = builder or _shared()

    def __getattr__(self, name: str) -> Any:
        if name == "engine":  # not there yet
            raise AttributeError(name)
        return getattr(self.engine, name)

    def probe(self) -> str | Reason:
        """As the engine's own."""
        return self.engine.probe()

    def supports(self, graph: Graph) -> tuple[Reason | None, ...]:
        """As the engine's own."""
        return self.engine.supports(graph)

    def made(self, segment: Segment, options: Options) -> tuple[Executable, bytes | None]:
        """Build apart; returns what runs here and what it was loaded from, None if nothing saves.

        Raises:
            EngineBuildError: the engine does not build it.
            EngineCrashError: building it ended the process that builds, or hung.
        """
        if not all(tensor.ranked for tensor in (*segment.inputs, *segment.outputs)):
            # An ONNX file has no word for that, so it cannot be handed over.
            built = self.engine.build(segment, options)
            return built, built.save()
        saved = self._builder.build(self.engine, segment, options)
        if saved is None:  # it has been built and run there all the same
            return self.engine.build(segment, options), None
        return self.engine.load(saved, segment, options), saved

    def build(self, segment: Segment, options: Options) -> Executable:
        """As :meth:`made`, for those who do not keep what was saved."""
        return self.made(segment, options)[0]

    def load(self, saved: bytes, segment: Segment, options: Options) -> Executable:
        """As the engine's own; what was saved has been loaded and run where it was built."""
        return self.engine.load(saved, segment, options)


@cache
def _shared() -> Builder:
    return Builder()
