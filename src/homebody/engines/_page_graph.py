"""The report page's picture of a graph: inline SVG, nodes in the order in which they run.

Each segment is a field of its own; within it a node stands to the right of what it reads from.
Rows wrap as lines of text do. Conversions of int8 are left out: they belong to their operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from homebody.engines._page_words import engine_class
from homebody.engines.graph import DEQUANTIZE, QUANTIZE
from homebody.engines.report import CandidateReport, NodeReport
from homebody.pages import as_text

COLUMNS = 44
"""In a row."""
LANES = 14
"""As many nodes stand above one another; more move to the right."""
DRAWN = 3000
"""Nodes beyond these are in the table only."""
_CELL, _LANE, _TOP, _GAP = 24, 22, 30, 14
_WIDTH = COLUMNS * _CELL + 16
_WORD = 6.6
"""About the width of a letter of a label."""
LINEAR = ("Conv", "ConvTranspose", "Gemm", "MatMul")


@dataclass(frozen=True)
class _Place:
    column: int
    lane: int

    @property
    def row(self) -> int:
        return self.column // COLUMNS

    @property
    def x(self) -> float:
        return 8 + (self.column % COLUMNS + 0.5) * _CELL


def picture(nodes: Sequence[NodeReport], candidate: CandidateReport) -> str:
    """Draw a graph's nodes as a candidate's segments."""
    shown = [n for n in nodes if n.kind not in (QUANTIZE, DEQUANTIZE)][:DRAWN]
    reads = _reads(nodes)
    places, spans = _layout(shown, reads, len(candidate.segments))
    rows = 1 + max((place.row for place in places.values()), default=0)
    lanes = [1] * rows
    for place in places.values():
        lanes[place.row] = max(lanes[place.row], place.lane + 1)
    tops, y = [], 0.0
    for count in lanes:
        tops.append(y)
        y += _TOP + count * _LANE + _GAP

    def height(place: _Place) -> float:
        return tops[place.row] + _TOP + (place.lane + 0.5) * _LANE

    parts = []
    for number, (first, last) in sorted(spans.items()):
        parts.append(_field(candidate, number, first, last, tops, lanes))
    for node in shown:
        here = places[node.number]
        for other in reads[node.number]:
            if other in places:
                there = places[other]
                parts.append(_edge(there, here, height(there), height(here)))
    for node in shown:
        parts.append(_node(node, places[node.number].x, height(places[node.number])))
    said = (
        f"{len(shown)} nodes in {len(candidate.segments)} segments, in the order in which they run"
    )
    return (
        f'<div class="wide graph" role="region" aria-label="the graph" tabindex="0">'
        f'<svg viewBox="0 0 {_WIDTH} {y:.0f}" role="img" aria-label="{said}">'
        + "\n".join(parts)
        + "</svg></div>"
        + (
            f"<p>The first {DRAWN:,} nodes are drawn; the table has all.</p>"
            if len(shown) == DRAWN
            else ""
        )
    )


def _reads(nodes: Sequence[NodeReport]) -> dict[int, tuple[int, ...]]:
    """What each node reads from, conversions of int8 stepped over."""
    through: dict[int, tuple[int, ...]] = {}
    found: dict[int, tuple[int, ...]] = {}
    for node in nodes:
        real = tuple(dict.fromkeys(m for n in node.reads for m in through.get(n, ())))
        found[node.number] = real
        converts = node.kind in (QUANTIZE, DEQUANTIZE)
        through[node.number] = real if converts else (node.number,)
    return found


def _layout(
    shown: Sequence[NodeReport], reads: dict[int, tuple[int, ...]], count: int
) -> tuple[dict[int, _Place], dict[int, tuple[int, int]]]:
    places: dict[int, _Place] = {}
    spans: dict[int, tuple[int, int]] = {}
    begin = 0
    members: dict[int, list[NodeReport]] = {n: [] for n in range(count)}
    for node in shown:
        members.setdefault(node.segment, []).append(node)
    for number, nodes in sorted(members.items()):
        columns = _columns(nodes, reads)
        taken: set[tuple[int, int]] = set()
        last = begin - 1
        for node in sorted(nodes, key=lambda one: (columns[one.number], one.number)):
            inside = [places[r] for r in reads[node.number] if r in columns and r in places]
            column = max([begin + columns[node.number], *(p.column + 1 for p in inside)])
            wanted = min((place.lane for place in inside), default=0)
            while True:
                free = [lane for lane in range(LANES) if (column, lane) not in taken]
                if free:
                    break
                column += 1
            lane = min(free, key=lambda one: abs(one - wanted))
            taken.add((column, lane))
            places[node.number] = _Place(column, lane)
            last = max(last, column)
        if nodes:
            spans[number] = (begin, last)
            begin = last + 1
    return places, spans


def _columns(nodes: Sequence[NodeReport], reads: dict[int, tuple[int, ...]]) -> dict[int, int]:
    """How far right each node of a segment stands: after what it reads; what reads nothing of the
    segment stands just before its first reader.
    """
    columns: dict[int, int] = {}
    readers: dict[int, list[int]] = {}
    for node in nodes:
        inside = [r for r in reads[node.number] if r in columns]
        columns[node.number] = max((columns[r] + 1 for r in inside), default=0)
        for read in inside:
            readers.setdefault(read, []).append(node.number)
    for node in nodes:
        if columns[node.number] == 0 and node.number in readers:
            columns[node.number] = min(columns[r] for r in readers[node.number]) - 1
    return columns


def _field(
    candidate: CandidateReport,
    number: int,
    first: int,
    last: int,
    tops: Sequence[float],
    lanes: Sequence[int],
) -> str:
    segment = candidate.segments[number]
    kind = engine_class(segment.engine)
    parts = []
    for row in range(first // COLUMNS, last // COLUMNS + 1):
        left = max(first, row * COLUMNS) - row * COLUMNS
        right = min(last, (row + 1) * COLUMNS - 1) - row * COLUMNS
        x, width = 8 + left * _CELL + 1.5, (right - left + 1) * _CELL - 3
        parts.append(
            f'<rect class="field {kind}" x="{x:.1f}" y="{tops[row] + _TOP - 4:.1f}" '
            f'width="{width:.1f}" height="{lanes[row] * _LANE + 8:.1f}" rx="9"/>'
        )
        label = f"{number}" if row == first // COLUMNS else ""
        full = f"{number} {segment.engine}, {1e3 * segment.seconds:.2f} ms"
        if label and len(full) * _WORD < width:
            label = full
        if label:
            parts.append(
                f'<text class="label" x="{x + 3:.1f}" y="{tops[row] + _TOP - 10:.1f}">'
                f"{as_text(label)}</text>"
            )
    hint = f"segment {number}: {segment.engine}, {segment.nodes} nodes"
    return f"<g>{''.join(parts)}<title>{as_text(hint)}</title></g>"


def _edge(start: _Place, end: _Place, y1: float, y2: float) -> str:
    if start.row != end.row:  # only its ends: a line across rows would tell nothing
        return f'<path class="edge far" d="M{start.x:.1f} {y1:.1f}h13M{end.x:.1f} {y2:.1f}h-13"/>'
    away = end.column - start.column
    if y1 == y2 and away > 1:
        rise = y1 - min(18, 8 + 2 * away)
        return (
            f'<path class="edge" d="M{start.x:.1f} {y1:.1f}C{start.x + 9:.1f} {rise:.1f} '
            f'{end.x - 9:.1f} {rise:.1f} {end.x:.1f} {y2:.1f}"/>'
        )
    bend = (end.x - start.x) / 2
    return (
        f'<path class="edge" d="M{start.x:.1f} {y1:.1f}C{start.x + bend:.1f} {y1:.1f} '
        f'{end.x - bend:.1f} {y2:.1f} {end.x:.1f} {y2:.1f}"/>'
    )


def _node(node: NodeReport, x: float, y: float) -> str:
    why = "; ".join(f"not {name}: {reason.code}, {reason.detail}" for name, reason in
                    node.why.items())  # fmt: skip
    hint = f"#{node.number} {node.kind} {node.name}: segment {node.segment}, {node.engine}"
    radius = 7 if node.kind in LINEAR else 4.5
    return (
        f'<g class="node {engine_class(node.engine)}"><circle cx="{x:.1f}" cy="{y:.1f}" '
        f'r="{radius}"/><title>{as_text(hint, 200)}{". " + as_text(why, 400) if why else ""}'
        "</title></g>"
    )
