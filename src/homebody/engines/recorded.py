"""A compiled graph as its folder tells it: read once more is asked for than its borders.

A server that starts from a folder's cache takes compiled segments by their key. All that a key says
of a graph is in ``compiled.json``, written with the graph whose SHA-256 stands beside it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from homebody.engines.folder import GraphRecord, Record
from homebody.engines.graph import Graph, Segment, Shape
from homebody.engines.reading import reread
from homebody.errors import CompiledError


class Recorded(Graph):
    """A graph that is read when needed.

    Args:
        record: what its folder says.
        model: ``model.onnx``, which has the record's SHA-256.
    """

    _reader: Callable[[], Graph]
    _known: dict[tuple[Shape, ...], GraphRecord]

    def __init__(self, record: Record, model: bytes) -> None:
        _set(self, record.graph, lambda: reread(model))
        self.batched = record.batched
        self._known = {
            tuple(shape.shapes.get(t.name, ()) for t in self.inputs): shape.graph
            for shape in (*record.shapes, *record.opened)
        }

    def at(self, shapes: Mapping[str, Shape]) -> Graph:
        """As :meth:`Graph.at`; without reading for shapes that were compiled."""
        key = tuple(tuple(shapes.get(t.name, t.shape)) for t in self.inputs)
        if shapes.keys() == {t.name for t in self.inputs} and key in self._known:
            return _Shaped(self._known[key], lambda: self._read.at(shapes))
        return self._read.at(shapes)

    def whole(self) -> Segment:
        """As :meth:`Graph.whole`."""
        return self._read.whole()

    @functools.cached_property
    def _read(self) -> Graph:
        read: Graph = self._reader()
        return read

    def __getattr__(self, name: str) -> Any:
        if name in ("model", "nodes", "predecessors", "_readers"):
            return getattr(self._read, name)
        raise AttributeError(name)


class _Shaped(Recorded):
    """The same with shapes that were compiled."""

    def __init__(self, record: GraphRecord, read: Callable[[], Graph]) -> None:
        _set(self, record, read)
        self._known = {}
        self._record = record

    def whole(self) -> Segment:
        """All of it, whose SHA-256 is known."""
        members = tuple(range(self._record.nodes))
        return _Whole(self, members, self.inputs, self.outputs, self._record.sha256)


@dataclass(frozen=True)
class _Whole(Segment):
    """A whole graph as one segment.

    Attributes:
        known: the SHA-256 of its bytes.
    """

    known: str

    @functools.cached_property
    def sha256(self) -> str:
        """As :attr:`Segment.sha256`."""
        return self.known


def _set(graph: Recorded, record: GraphRecord, reader: Callable[[], Graph]) -> None:
    try:
        graph.inputs = tuple(tensor.tensor() for tensor in record.inputs)
        graph.outputs = tuple(tensor.tensor() for tensor in record.outputs)
    except TypeError as error:
        raise CompiledError(
            f"compiled.json names an unknown type: {error}; compile again"
        ) from None
    graph._reader = reader
