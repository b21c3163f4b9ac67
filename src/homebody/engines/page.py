"""A report as one HTML page: self-contained, without scripts, light or dark as the reader's screen.

Everything that a model brings is text, never markup, and the page's own policy forbids it to load
or run anything.
"""

from __future__ import annotations

from collections.abc import Sequence

from homebody.engines import _page_tables as tables
from homebody.engines._page_call import call_picture
from homebody.engines._page_graph import picture
from homebody.engines._page_style import STYLE
from homebody.engines._page_words import db, engine, engine_class, ms, quicker, shapes_text
from homebody.engines.advice import Advice
from homebody.engines.report import Report, ShapeReport
from homebody.pages import (
    NAME,
    as_bytes,
    as_count,
    as_text,
    document,
    facts,
    folded,
    table,
)


def page(report: Report) -> str:
    """Draw a report; equal reports give equal pages.

    Returns:
        An HTML document that refers to nothing outside itself.
    """
    body = [
        _headline(report),
        _shapes(report.shapes),
        *(_shape(report, shape, number) for number, shape in enumerate(report.shapes)),
        _machine(report),
    ]
    return document(f"{report.source}: compiled", body, footer=report.format, style=STYLE)


def _headline(report: Report) -> str:
    first = report.shapes[0]
    best = first.candidates[0]
    rivals = first.candidates[1:]
    ratio = ""
    if rivals and rivals[0].seconds >= best.seconds:
        said = quicker(best.seconds, rivals[0].seconds)
        ratio = f'<span class="ratio">{said} {as_text(rivals[0].engine)}</span>'
    if report.inputs is None:
        given = ("Measured with", "noise", "seeded; --inputs gives real ones")
    elif not any(shape.rows for shape in report.shapes):
        name = as_text(report.inputs.name, NAME)
        given = ("Measured with", "noise", f"<bdi>{name}</bdi> has other shapes or types")
    else:
        rows = as_count(report.inputs.rows, "row")
        given = ("Measured with", f"<bdi>{as_text(report.inputs.name, 40)}</bdi>", rows)
    told = [
        ("Nodes", f"{len(first.nodes):,}", f"in {as_count(len(best.segments), 'segment')}"),
        ("Weights", as_bytes(sum(s.weight_bytes for s in best.segments)), "of all segments"),
        ("SQNR", db(best.sqnr_db), "of the outputs, against the native engine"),
        ("Precision", as_text(report.precision), as_count(report.threads, "thread")),
        given,
    ]
    return (
        '<header><p class="over">Compiled model</p>'
        f"<h1><bdi>{as_text(report.source, 200)}</bdi></h1>"
        f'<p class="sizes"><strong>{as_text(best.engine)}</strong> {ms(best.seconds)} a call'
        f"{ratio}</p>{facts(told)}</header>"
    )


def _shapes(shapes: Sequence[ShapeReport]) -> str:
    """All shapes side by side, where there are several."""
    if len(shapes) < 2:
        return ""
    rows = []
    for number, shape in enumerate(shapes):
        best = shape.candidates[0]
        length = next(iter(shape.shapes.values()))[:1] or (1,)
        a_row = ms(best.seconds / length[0]) if length[0] > 0 else ""
        rows.append(
            f'<tr><th scope="row"><a href="#shape-{number}">{shapes_text(shape.shapes)}</a></th>'
            f'<td class="left">{engine(best.engine)}</td><td>{ms(best.seconds)}</td>'
            f"<td>{a_row}</td><td>{len(best.segments)}</td><td>{db(best.sqnr_db)}</td></tr>"
        )
    columns = ("Shape", "Engine", "A call", "A row", "Segments", "SQNR")
    return (
        '<section aria-labelledby="shapes"><h2 id="shapes">Shapes</h2>'
        "<p>Each was built and measured; the first is the one above.</p>"
        + table(columns, rows, "shapes", "grid shapes")
        + "</section>"
    )


def _shape(report: Report, shape: ShapeReport, number: int) -> str:
    best = shape.candidates[0]
    return (
        f'<section aria-labelledby="shape-{number}"><h2 id="shape-{number}">'
        f"{shapes_text(shape.shapes)}</h2>"
        + _keys(shape)
        + picture(shape.nodes, best)
        + call_picture(shape, report.inputs)
        + tables.candidates(shape)
        + tables.segments(best)
        + tables.kernels(best)
        + _advice(shape.advice)
        + tables.reasons(shape)
        + tables.nodes(shape.nodes)
        + "</section>"
    )


def _keys(shape: ShapeReport) -> str:
    used = dict.fromkeys(segment.engine for segment in shape.candidates[0].segments)
    spans = "".join(
        f'<span class="{engine_class(name)}"><i class="swatch"></i>{as_text(name, NAME)}</span>'
        for name in used
    )
    return (
        f'<p class="keys">{spans}<span>large: sums products; a pointer on a node tells why it '
        "runs where it runs</span></p>"
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
            more = folded(f"{len(named) - 3} more", "".join(named[3:]))
            named = named[:3]
        items.append(
            f"<li><code>{as_text(one.code)}</code>{as_text(one.detail, 600)}"
            f"{''.join(named)}{more}</li>"
        )
    return (
        "<h3>Advice</h3><p>From the graph's shapes, what engines say they take, and this "
        "processor's instructions. None of it was measured: try it, and compile again.</p>"
        f"<ul>{''.join(items)}</ul>"
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
