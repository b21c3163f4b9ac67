"""A report as one HTML page: self-contained, without scripts, light or dark as the reader's screen.

Everything that a model brings is text, never markup, and the page's own policy forbids it to load
or run anything.
"""

from __future__ import annotations

from collections.abc import Sequence

from homebody.engines._page_graph import engine_class, picture
from homebody.engines.advice import Advice
from homebody.engines.folder import Why
from homebody.engines.report import (
    CandidateReport,
    Decibels,
    NodeReport,
    Report,
    SegmentReport,
    ShapeReport,
)
from homebody.pages import (
    NAME,
    NONE,
    SHOWN,
    as_bytes,
    as_count,
    as_percent,
    as_text,
    document,
    facts,
    table,
)

_STYLE = """
:root{--onnxruntime:#7b7b84;--openvino:#2f6db5;--litert:#b06a12;--tensorrt:#4f8a1f;--other:#9a4fa3}
@media(prefers-color-scheme:dark){:root{--onnxruntime:#8f8f99;--openvino:#6ea8e6;--litert:#e0a04f;
--tensorrt:#8cc657;--other:#cf8fd6}}
.engine-onnxruntime{--engine:var(--onnxruntime)}.engine-openvino{--engine:var(--openvino)}
.engine-litert{--engine:var(--litert)}.engine-tensorrt{--engine:var(--tensorrt)}
.engine-other{--engine:var(--other)}
.field{fill:var(--engine);opacity:.14}.node circle{fill:var(--engine);stroke:var(--back);
stroke-width:1.5}.node:hover circle{stroke:var(--text)}
.edge{fill:none;stroke:var(--mark);stroke-width:1.2;opacity:.75}.far{stroke-dasharray:2 2}
.label{font-size:11.5px;fill:var(--quiet)}
.graph{margin:20px 0 0}.graph svg{min-width:760px;width:100%}
.swatch{display:inline-block;width:11px;height:11px;border-radius:3px;background:var(--engine);
margin-right:7px;flex:none}
.keys{display:flex;flex-wrap:wrap;gap:4px 20px;margin:10px 0 0;font-size:13px;color:var(--quiet);
max-width:none}.keys span{display:flex;align-items:center}
.time{width:100%;height:26px;margin:6px 0 0;overflow:hidden;border-radius:4px}
.time rect{fill:var(--engine,var(--mark));stroke:var(--back)}
.time .copy{fill:var(--text);stroke:none}
h3{font-size:15px;font-weight:600;margin:36px 0 6px}
code{font:13px ui-monospace,Menlo,Consolas,monospace}
li code{margin-right:8px}
.has b{font-weight:600}.lacks{color:var(--quiet)}
.grid td,.grid th{white-space:nowrap}.grid .left{text-align:left;white-space:normal}
.grid th[scope=row]{min-width:9em}.segments thead th:nth-child(2),.kernels thead th:nth-child(2),
.reasons thead th:nth-child(n+3),.nodes thead th:nth-child(2),.nodes thead th:nth-child(3),
.nodes thead th:nth-child(n+5){text-align:left}
.features{display:grid;grid-template-columns:repeat(auto-fit,minmax(260px,1fr));gap:0 32px}
.segments th small{white-space:normal;max-width:24em}.reasons code{white-space:nowrap}
details details{margin-left:18px}
"""


def page(report: Report) -> str:
    """Draw a report; equal reports give equal pages.

    Returns:
        An HTML document that refers to nothing outside itself.
    """
    body = [_headline(report)]
    for number, shape in enumerate(report.shapes):
        body.append(_shape(shape, number))
    body.append(_machine(report))
    return document(f"{report.source}: compiled", body, footer=report.format, style=_STYLE)


def _headline(report: Report) -> str:
    first = report.shapes[0]
    best = first.candidates[0]
    rivals = first.candidates[1:]
    ratio = ""
    if rivals:
        times = rivals[0].seconds / best.seconds
        ratio = f'<span class="ratio">{times:.1f}× as fast as {as_text(rivals[0].engine)}</span>'
        if times < 1.0:
            ratio = ""
    told = [
        ("Nodes", f"{len(first.nodes):,}", f"in {as_count(len(best.segments), 'segment')}"),
        ("Weights", as_bytes(sum(s.weight_bytes for s in best.segments)), "of all segments"),
        ("SQNR", _db(best.sqnr_db), "of the outputs, against the native engine"),
        ("Precision", as_text(report.precision), as_count(report.threads, "thread")),
        ("Shapes", f"{len(report.shapes)}", "built and measured"),
    ]
    return (
        '<header><p class="over">Compiled model</p>'
        f"<h1><bdi>{as_text(report.source, 200)}</bdi></h1>"
        f'<p class="sizes"><strong>{as_text(best.engine)}</strong> {_ms(best.seconds)} a call'
        f"{ratio}</p>{facts(told)}</header>"
    )


def _shape(shape: ShapeReport, number: int) -> str:
    best = shape.candidates[0]
    named = ", ".join(
        f"<bdi>{as_text(name, NAME)}</bdi> {'×'.join(map(str, lengths))}"
        for name, lengths in shape.shapes.items()
    )
    return (
        f'<section aria-labelledby="shape-{number}"><h2 id="shape-{number}">{named}</h2>'
        + _keys(shape)
        + picture(shape.nodes, best)
        + _timeline(best)
        + _candidates(shape)
        + _segments(best)
        + _kernels(best)
        + _advice(shape.advice)
        + _reasons(shape)
        + _nodes(shape.nodes)
        + "</section>"
    )


def _keys(shape: ShapeReport) -> str:
    used = dict.fromkeys(segment.engine for segment in shape.candidates[0].segments)
    spans = "".join(
        f'<span class="{engine_class(name)}"><i class="swatch"></i>{as_text(name)}</span>'
        for name in used
    )
    return (
        f'<p class="keys">{spans}<span>large: sums products; a pointer on a node tells why it '
        "runs where it runs</span></p>"
    )


def _timeline(best: CandidateReport) -> str:
    total = sum(s.seconds for s in best.segments) + best.boundary_seconds
    if not total:
        return ""
    parts, at = [], 0.0
    for segment in best.segments:
        share = segment.seconds / total
        hint = f"segment {segment.number}, {segment.engine}: {1e3 * segment.seconds:.3f} ms"
        parts.append(
            f'<g class="{engine_class(segment.engine)}"><rect x="{as_percent(at)}" '
            f'width="{as_percent(share)}" height="100%"/><title>{as_text(hint)}</title></g>'
        )
        at += share
    parts.append(
        f'<g><rect class="copy" x="{as_percent(at)}" width="{as_percent(max(0.0, 1 - at))}" '
        f'height="100%"/><title>borders: {1e3 * best.boundary_seconds:.3f} ms</title></g>'
    )
    return (
        "<h3>One call</h3>"
        f"<p>{_ms(total)}: the segments in their order, and last what borders cost, "
        f"{_ms(best.boundary_seconds)} ({as_percent(round(best.boundary_seconds / total, 4))}).</p>"
        f'<svg class="time" role="img" aria-label="one call\'s time by segment">'
        f"{''.join(parts)}</svg>"
    )


def _candidates(shape: ShapeReport) -> str:
    best = shape.candidates[0]
    rows = [
        f'<tr><th scope="row">{_engine(c.engine)}</th><td>{_ms(c.seconds)}</td>'
        f"<td>{c.seconds / best.seconds:.2f}×</td><td>{_db(c.sqnr_db)}</td>"
        f"<td>{len(c.segments)}</td><td>{_ms(c.boundary_seconds)}</td>"
        f"<td>{_ms(sum(s.build_seconds for s in c.segments))}</td></tr>"
        for c in shape.candidates
    ]
    columns = ("Engine", "A call", "Relative", "SQNR", "Segments", "Borders", "Built in")
    refused = "".join(
        f"<li>{_engine(name)} <code>{as_text(why.code)}</code> {as_text(why.detail, 300)}</li>"
        for name, why in shape.refused.items()
    )
    return (
        "<h3>Compared</h3><p>Medians of calls, taken in turns; the first was chosen.</p>"
        + table(columns, rows, "candidates", "grid")
        + (f"<ul>{refused}</ul>" if refused else "")
    )


def _segments(best: CandidateReport) -> str:
    total = sum(s.seconds for s in best.segments) + best.boundary_seconds or 1.0
    rows = [_segment(segment, total) for segment in best.segments]
    columns = (
        "#", "Engine", "Nodes", "A run", "Share", "SQNR", "Own error", "Weights", "Border",
        "Built in",
    )  # fmt: skip
    shown = table(columns, rows[:SHOWN], "segments", "grid segments")
    if len(rows) > SHOWN:
        rest = table(columns, rows[SHOWN:], "more segments", "grid segments")
        shown += f"<details><summary>{len(rows) - SHOWN} more</summary>{rest}</details>"
    return (
        "<h3>Segments</h3><p>SQNR is of what a segment leaves at its border, against the native "
        "engine's values there. Its own error is the same with the native engine's values coming "
        f"in.</p>{shown}"
    )


def _segment(segment: SegmentReport, total: float) -> str:
    failure = ""
    if segment.failure:
        failure = (
            f"<small><code>{as_text(segment.failure.code)}</code> "
            f"{as_text(segment.failure.detail, 200)}</small>"
        )
    cached = "<small>from the cache</small>" if segment.cached else ""
    return (
        f'<tr><td>{segment.number}</td><th scope="row">{_engine(segment.engine)}{failure}</th>'
        f"<td>{segment.nodes:,}</td><td>{_ms(segment.seconds)}</td>"
        f"<td>{100 * segment.seconds / total:.1f} %</td><td>{_db(segment.sqnr_db)}</td>"
        f"<td>{_db(segment.own_sqnr_db)}</td><td>{as_bytes(segment.weight_bytes)}</td>"
        f"<td>{as_bytes(segment.border_bytes)}</td>"
        f"<td>{_ms(segment.build_seconds)}{cached}</td></tr>"
    )


def _kernels(best: CandidateReport) -> str:
    every = [kernel for segment in best.segments for kernel in segment.kernels]
    slowest = sorted(every, key=lambda kernel: -kernel.seconds)[:SHOWN]
    if not slowest:
        return ""
    rows = [
        f'<tr><th scope="row"><bdi>{as_text(k.name, NAME)}</bdi></th>'
        f'<td class="left">{as_text(k.kind, NAME)}</td><td>{k.segment}</td>'
        f"<td>{_ms(k.seconds)}</td></tr>"
        for k in slowest
    ]
    return (
        "<h3>Slowest kernels</h3><p>The engines' own, of one run with their counters on, which "
        "slows them down. LiteRT tells none, so its whole call stands here.</p>"
        + table(("Kernel", "Kind", "Segment", "Time"), rows, "kernels", "grid kernels")
    )


def _advice(advice: Sequence[Advice]) -> str:
    if not advice:
        return ""
    items = []
    for one in advice:
        named = [
            f"<small><bdi>{as_text(item.node, NAME)}</bdi>: {as_text(item.detail, 200)}</small>"
            for item in one.items
        ]
        more = ""
        if len(named) > 4:
            more = (
                f"<details><summary>{len(named) - 3} more</summary>{''.join(named[3:])}</details>"
            )
            named = named[:3]
        items.append(
            f"<li><code>{as_text(one.code)}</code>{as_text(one.detail, 600)}"
            f"{''.join(named)}{more}</li>"
        )
    return (
        "<h3>Advice</h3><p>From the graph's shapes and this processor's instructions; not "
        f"measured.</p><ul>{''.join(items)}</ul>"
    )


def _reasons(shape: ShapeReport) -> str:
    """Why nodes do not run elsewhere, by engine and reason."""
    groups: dict[tuple[str, str], dict[str, list[NodeReport]]] = {}
    for node in shape.nodes:
        for name, why in node.why.items():
            groups.setdefault((name, why.code), {}).setdefault(why.detail, []).append(node)
    rows = []
    for (name, code), details in sorted(groups.items()):
        told = sorted(details.items(), key=lambda item: (-len(item[1]), item[0]))
        lines = [
            f"{as_text(detail, 300)}"
            f"<small>{as_text(', '.join(sorted({node.kind for node in nodes})), 160)}</small>"
            for detail, nodes in told
        ]
        more = ""
        if len(lines) > 4:
            folded = "".join(f"<div>{line}</div>" for line in lines[3:])
            more = f"<details><summary>{len(lines) - 3} more</summary>{folded}</details>"
            lines = lines[:3]
        rows.append(
            f'<tr><th scope="row">{_engine(name)}</th>'
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


def _nodes(nodes: Sequence[NodeReport]) -> str:
    rows = [
        f'<tr><td>{n.number}</td><td class="left">{as_text(n.kind, NAME)}</td>'
        f'<th scope="row"><bdi title="{as_text(n.name)}">{as_text(n.name, NAME)}</bdi></th>'
        f'<td>{n.segment}</td><td class="left">{_engine(n.engine)}</td>'
        f'<td class="left">{_why(n.why)}</td></tr>'
        for n in nodes
    ]
    columns = ("#", "Kind", "Name", "Segment", "Engine", "Not on")
    return (
        f"<details><summary>All {as_count(len(nodes), 'node')}</summary>"
        + table(columns, rows, "all nodes", "grid nodes")
        + "</details>"
    )


def _why(why: dict[str, Why]) -> str:
    if not why:
        return NONE
    return ", ".join(
        f'<span title="{as_text(reason.detail, 300)}">{as_text(name)}: '
        f"<code>{as_text(reason.code)}</code></span>"
        for name, reason in why.items()
    )


def _machine(report: Report) -> str:
    chip = report.processor
    items = "".join(
        f'<li class="{"has" if f.present else "lacks"}"><b>{as_text(f.name)}</b> '
        f"{'yes' if f.present else 'no'}: {as_text(f.use)}</li>"
        for f in chip.features
    )
    # OpenVINO's version goes on after a dash with its commit.
    versions = ", ".join(
        f"{as_text(n)} {as_text(v.partition('-')[0], 40)}"
        for n, v in report.versions.items()
        if v[:1].isdigit()
    )
    return (
        '<section aria-labelledby="machine"><h2 id="machine">This machine</h2>'
        f"<p>{as_text(chip.name, 120)}, {as_count(chip.count, 'processor')}. {versions}.</p>"
        f'<ul class="features">{items}</ul></section>'
    )


def _engine(name: str) -> str:
    return f'<span class="{engine_class(name)}"><i class="swatch"></i>{as_text(name, NAME)}</span>'


def _ms(seconds: float) -> str:
    value = 1e3 * seconds
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:.{digits}f}\u00a0ms"


def _db(value: Decibels) -> str:
    if value is None:
        return NONE
    if isinstance(value, str):
        return as_text(value)
    return f"{value:.0f}\u00a0dB".replace("-", "−")
