"""The report page's charts: inline SVG whose x positions are percentages.

So a page from 360 pixels up needs no second drawing, and no text is ever scaled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from homebody.pages import (
    NAME,
    NONE,
    as_bytes,
    as_count,
    as_number,
    as_percent,
    as_text,
    gauge,
    places,
    ranking,
)
from homebody.shrink._measure import NOISELESS_DB
from homebody.shrink._page_words import Names, as_db, as_format, as_unit
from homebody.shrink.report import OperationReport, Report, Sensitivity

_PLOT = 240
"""Height of the SQNR chart's plot, in pixels."""
_TOP_DB = 100.0
"""The chart's axis ends here at the latest: beyond, differences mean nothing to anyone."""

_Place = Callable[[float], str]
"""From a value to a place in a chart, as an SVG attribute."""


def error_chart(report: Report, names: Names) -> str:
    """The chart of SQNR by operation, in the order of execution."""
    operations = report.operations
    values = [None if op.sqnr_db is None or math.isnan(op.sqnr_db) else op.sqnr_db
              for op in operations]  # fmt: skip
    finite = [v for v in values if v is not None and abs(v) < NOISELESS_DB]
    heading = '<section aria-labelledby="sqnr"><h2 id="sqnr">Error, operation by operation</h2>'
    if all(v is None for v in values):
        return heading + "<p>SQNR was not measured: that takes samples.</p></section>"
    least, most = min(finite, default=0.0), max(finite, default=0.0)
    step = 10 if most - min(least, 0.0) <= 60 else 20
    low = min(0, math.floor(max(least, -_TOP_DB) / step) * step)
    high = max(0, low + 40, math.ceil(min(most, _TOP_DB) / step) * step)
    over = any(v is not None and v > high for v in values)

    def y(db: float) -> str:
        return f"{_PLOT * (high - min(max(db, low), high)) / (high - low):.1f}"

    def x(place: float) -> str:
        return as_percent(place / len(operations))

    parts = [_grid(range(low, high + 1, step), over, y), _ticks(len(operations), x)]
    jump = next((i for i, op in enumerate(operations) if op.index == report.error_jumps_at), None)
    if jump is not None:
        side = "start" if jump < len(operations) / 2 else "end"
        parts.append(
            f'<line class="jump" x1="{x(jump + 0.5)}" x2="{x(jump + 0.5)}" y1="-8" y2="{_PLOT}"/>'
            f'<text class="jump" x="{x(jump + 0.5)}" y="-14" text-anchor="{side}">'
            f"first jump: #{operations[jump].index}</text>"
        )
    for i, (a, b) in enumerate(pairwise(values)):
        if a is not None and b is not None:
            parts.append(
                f'<line class="way" x1="{x(i + 0.5)}" y1="{y(a)}" x2="{x(i + 1.5)}" y2="{y(b)}"/>'
            )
    radius = 4 if len(operations) <= 120 else 2
    for i, (op, value) in enumerate(zip(operations, values, strict=True)):
        mark = ""
        if value is not None:
            kind = "float" if op.format == "float32" else "jumped" if i == jump else "dot"
            size = 4 if i == jump else radius
            mark = f'<circle class="{kind}" cx="{x(i + 0.5)}" cy="{y(value)}" r="{size}"/>'
        parts.append(
            f'<g><rect class="hit" x="{x(i)}" width="{x(1)}" height="{_PLOT}"/>{mark}'
            f"<title>#{op.index} {as_text(op.kind, NAME)} {names.short(op.name)}: "
            f"{as_db(value)}{as_unit(value)}, {as_format(op.format)}</title></g>"
        )
    measured = [(v, op) for v, op in zip(values, operations, strict=True) if v is not None]
    worst = min(measured, key=lambda pair: pair[0])
    said = f"Lowest at #{worst[1].index} {as_text(worst[1].kind, NAME)}: {as_db(worst[0])}"
    said += f"{as_unit(worst[0])}."
    if jump is not None:
        said += f" First jump at #{operations[jump].index} {as_text(operations[jump].kind, NAME)}."
    legend = [
        ("dot", "shrunk", any(op.format not in ("float32", "none") for _, op in measured)),
        ("float", "float32", any(op.format == "float32" for _, op in measured)),
    ]
    return (
        f"{heading}<p>Signal to quantization noise (SQNR) at each operation's output, the float "
        "model alongside: 20 dB is an error of a tenth of the signal, 6 dB more halves it. "
        f"{said}</p>"
        f'<figure><svg class="chart" height="{_PLOT}" role="img" '
        'aria-labelledby="sqnr-title sqnr-text">'
        '<title id="sqnr-title">SQNR by operation, in the order of execution</title>'
        f'<desc id="sqnr-text">{len(measured)} of {len(operations)} operations measured; '
        f"{said} The table of operations has every value.</desc>"
        + "".join(parts)
        + '</svg><figcaption><span class="end">operation, in the order of execution</span>'
        + "".join(
            f'<span class="key"><svg aria-hidden="true" width="10" height="10">'
            f'<circle class="{kind}" cx="5" cy="5" r="4"/></svg>{label}</span>'
            for kind, label, present in legend
            if present
        )
        + "</figcaption></figure></section>"
    )


def _grid(levels: range, over: bool, y: _Place) -> str:
    parts = ['<text class="axis" x="-8" y="-14" text-anchor="end">dB</text>']
    for db in levels:
        more = "+" if over and db == levels[-1] else ""
        parts.append(
            f'<line class="{"grid" if db else "zero"}" x2="100%" y1="{y(db)}" y2="{y(db)}"/>'
            f'<text class="axis" x="-8" y="{y(db)}" dy="4" text-anchor="end">'
            f"{as_number(db, 0)}{more}</text>"
        )
    return "".join(parts)


def _ticks(count: int, x: _Place) -> str:
    return "".join(
        f'<text class="axis" x="{x(i + 0.5)}" y="{_PLOT + 18}" text-anchor="middle">{i:.0f}</text>'
        for i in places(count, 8)
        if i < count and i == round(i)
    )


def weights_chart(operations: Sequence[OperationReport], names: Names) -> str:
    heavy = sorted((op for op in operations if op.weight_bytes > 0),
                   key=lambda op: (-op.weight_bytes, op.index))  # fmt: skip
    if not heavy:
        return ""
    total = sum(op.weight_bytes for op in heavy)
    hollow = "; hollow bars stay float32" if any(op.format == "float32" for op in heavy) else ""
    rows = [
        _bar(op.index, names.tag(op.name), as_bytes(op.weight_bytes),
             (0.0, op.weight_bytes / heavy[0].weight_bytes),
             "hollow" if op.format == "float32" else "bar")
        for op in heavy
    ]  # fmt: skip
    return (
        '<section aria-labelledby="weights"><h2 id="weights">Weights</h2>'
        f"<p>{as_bytes(total)} of constants in {as_count(len(heavy), 'operation')}, the largest "
        f"first{hollow}.</p>" + ranking(rows, ("Operation", "Size")) + "</section>"
    )


def sensitivity_chart(ranked: Sequence[Sensitivity], names: Names) -> str:
    if not ranked:
        return ""
    gains = [s.gain_db for s in ranked if math.isfinite(s.gain_db)]
    low, high = min([0.0, *gains]), max([0.0, *gains])
    span = (high - low) or 1.0
    zero = -low / span
    rows = []
    for s in ranked:
        gain = s.gain_db if math.isfinite(s.gain_db) else 0.0
        place = (gain - low) / span
        figure = as_number(s.gain_db, 2, sign=True) if math.isfinite(s.gain_db) else NONE
        rows.append(
            _bar(s.index, names.tag(s.name), figure, (min(zero, place), max(zero, place)),
                 "bar" if gain > 0 else "hollow", zero)
        )  # fmt: skip
    return (
        '<section aria-labelledby="sensitivity"><h2 id="sensitivity">Sensitivity</h2>'
        "<p>SQNR gained at the outputs if this operation alone stays float.</p>"
        + ranking(rows, ("Operation", "Gain, dB"))
        + "</section>"
    )


def _bar(
    index: int, name: str, figure: str, ends: tuple[float, float], kind: str, zero: float = 0.0
) -> str:
    """A row of a ranking; ``ends`` and ``zero`` are shares of the bar's room."""
    return (
        f'<tr><th scope="row"><a href="#op-{index}">#{index}</a> {name}'
        f"{gauge(*ends, kind, zero)}</th><td>{figure}</td></tr>"
    )
