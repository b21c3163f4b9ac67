"""The report page's tables: what was compared, segments, kernels, reasons, nodes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from homebody.engines._page_words import db, engine, ms
from homebody.engines.folder import Why
from homebody.engines.report import (
    CandidateReport,
    FaultReport,
    NodeReport,
    SegmentReport,
    ShapeReport,
)
from homebody.pages import NAME, NONE, SHOWN, as_bytes, as_count, as_text, folded, table

_ALIKE = 3
"""As many lines of one kind are open at first."""


def candidates(shape: ShapeReport) -> str:
    """Every way that was measured, and why others were not."""
    best = shape.candidates[0]
    rows = [
        f'<tr><th scope="row">{engine(c.engine)}</th><td>{ms(c.seconds)}</td>'
        f"<td>{c.seconds / best.seconds:.2f}×</td><td>{db(c.sqnr_db)}</td>"
        f"<td>{len(c.segments)}</td><td>{ms(c.boundary_seconds)}</td>"
        f"<td>{ms(sum(s.build_seconds for s in c.segments))}</td></tr>"
        for c in shape.candidates
    ]
    columns = ("Engine", "A call", "Relative", "SQNR", "Segments", "Borders", "Built in")
    refused = "".join(
        f"<li>{engine(name)} <code>{as_text(why.code)}</code> {as_text(why.detail, 400)}"
        f"{_fault(name, why, shape.faults.get(name))}</li>"
        for name, why in shape.refused.items()
    )
    return (
        "<h3>Compared</h3><p>Medians of calls, taken in turns; the first was chosen. "
        f"{_with(shape)}</p>"
        + table(columns, rows, "candidates", "grid")
        + (f"<ul>{refused}</ul>" if refused else "")
    )


def _with(shape: ShapeReport) -> str:
    if not shape.rows:
        return (
            "SQNR is with seeded noise, which a network may answer otherwise than what it is for; "
            "--inputs measures with real ones."
        )
    return f"SQNR is with {as_count(shape.rows, 'row')} of real inputs."


def _fault(name: str, why: Why, fault: FaultReport | None) -> str:
    if fault is not None:
        far = "no finite answer" if fault.sqnr_db is None else db(fault.sqnr_db)
        nodes = ", ".join(f"<bdi>{as_text(node, NAME)}</bdi>" for node in fault.nodes)
        return (
            f"<small>It first strays at {nodes}: {far} once it runs that too, found with "
            f"{as_count(fault.builds, 'build')}.</small>"
        )
    if why.code == "wrong-answer":
        return (
            f"<small>homebody profile --find-fault {as_text(name, NAME)} names the first node "
            "where it strays.</small>"
        )
    return ""


def segments(best: CandidateReport) -> str:
    """Every segment of the chosen candidate."""
    total = sum(s.seconds for s in best.segments) + best.boundary_seconds or 1.0
    rows = [_segment(segment, total) for segment in best.segments]
    columns = (
        "#", "Engine", "Nodes", "A run", "Share", "SQNR", "Own error", "Weights", "Border",
        "Built in",
    )  # fmt: skip
    shown = table(columns, rows[:SHOWN], "segments", "grid segments")
    if len(rows) > SHOWN:
        rest = table(columns, rows[SHOWN:], "more segments", "grid segments")
        shown += folded(f"{len(rows) - SHOWN} more", rest)
    return (
        "<h3>Segments</h3><p>SQNR is of what a segment leaves at its border, against the native "
        "engine's values there. Its own error is the same with the native engine's values coming "
        f"in.</p>{shown}"
    )


def _segment(segment: SegmentReport, total: float) -> str:
    failure = ""
    if segment.failure:
        failure = (
            f"<small>instead: <code>{as_text(segment.failure.code)}</code> "
            f"{as_text(segment.failure.detail, 300)}</small>"
        )
    cached = "<small>from the cache</small>" if segment.cached else ""
    return (
        f'<tr><td>{segment.number}</td><th scope="row">{engine(segment.engine)}{failure}</th>'
        f"<td>{segment.nodes:,}</td><td>{ms(segment.seconds)}</td>"
        f"<td>{100 * segment.seconds / total:.1f} %</td><td>{db(segment.sqnr_db)}</td>"
        f"<td>{db(segment.own_sqnr_db)}</td><td>{as_bytes(segment.weight_bytes)}</td>"
        f"<td>{as_bytes(segment.border_bytes)}</td>"
        f"<td>{ms(segment.build_seconds)}{cached}</td></tr>"
    )


def kernels(best: CandidateReport) -> str:
    """The engines' own slowest kernels; an engine that tells its whole call alone has none."""
    every = [k for segment in best.segments for k in segment.kernels if k.kind != "LiteRT"]
    slowest = sorted(every, key=lambda kernel: -kernel.seconds)[:SHOWN]
    silent = any(k.kind == "LiteRT" for segment in best.segments for k in segment.kernels)
    if not slowest:
        return ""
    rows = [
        f'<tr><th scope="row"><bdi title="{as_text(k.name)}">{as_text(k.name, NAME)}</bdi></th>'
        f'<td class="left">{as_text(k.kind, NAME)}</td><td>{k.segment}</td>'
        f"<td>{ms(k.seconds)}</td></tr>"
        for k in slowest
    ]
    return (
        "<h3>Slowest kernels</h3><p>The engines' own, of one run with their counters on, which "
        f"slows them down.{' LiteRT tells none.' if silent else ''}</p>"
        + table(("Kernel", "Kind", "Segment", "Time"), rows, "kernels", "grid kernels")
    )


def reasons(shape: ShapeReport) -> str:
    """Why nodes do not run elsewhere, by engine and reason; what differs in names only is one."""
    groups: dict[tuple[str, str], dict[str, list[tuple[str, NodeReport]]]] = {}
    for node in shape.nodes:
        for name, why in node.why.items():
            alike = re.sub(r"'[^']*'", "''", why.detail)
            group = groups.setdefault((name, why.code), {})
            group.setdefault(alike, []).append((why.detail, node))
    rows = []
    for (name, code), details in sorted(groups.items()):
        told = sorted(details.values(), key=lambda found: (-len(found), found[0][0]))
        lines = [_reason(found) for found in told]
        more = ""
        if len(lines) > _ALIKE + 1:
            rest = "".join(f"<div>{line}</div>" for line in lines[_ALIKE:])
            more = folded(f"{len(lines) - _ALIKE} more", rest)
            lines = lines[:_ALIKE]
        rows.append(
            f'<tr><th scope="row">{engine(name)}</th>'
            f"<td>{sum(map(len, details.values())):,}</td>"
            f'<td class="left"><code>{as_text(code)}</code></td>'
            f'<td class="left">{"".join(f"<div>{line}</div>" for line in lines)}{more}</td></tr>'
        )
    if not rows:
        return ""
    return (
        "<h3>Why not another engine</h3><p>Every node has a reason for each engine that does not "
        "run it.</p>"
        + table(("Engine", "Nodes", "Code", "Reason"), rows, "reasons", "grid reasons")
    )


def _reason(found: Sequence[tuple[str, NodeReport]]) -> str:
    """One reason, the nodes it is given for, and how often with other names."""
    details = dict.fromkeys(detail for detail, _ in found)
    others = f"; and {len(details) - 1} alike" if len(details) > 1 else ""
    kinds = sorted({node.kind for _, node in found})
    first = next(iter(details))
    return (
        f"{as_text(first, 300)}{others}"
        f"<small>{len(found):,}: {as_text(', '.join(kinds), 160)}</small>"
    )


def nodes(found: Sequence[NodeReport]) -> str:
    """Every node with its segment, its engine and its reasons."""
    rows = [
        f'<tr><td>{n.number}</td><td class="left">{as_text(n.kind, NAME)}</td>'
        f'<th scope="row"><bdi title="{as_text(n.name)}">{as_text(n.name, NAME)}</bdi></th>'
        f'<td>{n.segment}</td><td class="left">{engine(n.engine)}</td>'
        f'<td class="left">{_why(n.why)}</td></tr>'
        for n in found
    ]
    columns = ("#", "Kind", "Name", "Segment", "Engine", "Not on")
    return folded(
        f"All {as_count(len(found), 'node')}", table(columns, rows, "all nodes", "grid nodes")
    )


def _why(why: dict[str, Why]) -> str:
    if not why:
        return NONE
    return ", ".join(
        f'<span title="{as_text(reason.detail, 300)}">{as_text(name)}: '
        f"<code>{as_text(reason.code)}</code></span>"
        for name, reason in why.items()
    )
