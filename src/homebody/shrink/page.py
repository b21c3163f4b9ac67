"""A report as one HTML page: self-contained, without scripts, light or dark as the reader's screen.

Charts are inline SVG whose x positions are percentages, so that a page from 360 pixels up needs
no second drawing and no text is ever scaled. Everything that a model or a caller brings is text,
never markup, and the page's own policy forbids it to load or run anything.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import msgspec

from homebody.errors import ShrinkError
from homebody.files import replacing
from homebody.shrink._measure import NOISELESS_DB
from homebody.shrink._page_style import STYLE
from homebody.shrink._page_text import (
    FULL_NAME,
    NAME,
    NONE,
    as_bytes,
    as_count,
    as_db,
    as_format,
    as_number,
    as_percent,
    as_ratio,
    as_scale,
    as_text,
    as_unit,
)
from homebody.shrink.compare import Comparison
from homebody.shrink.report import OperationReport, Report, Sensitivity

SHOWN = 12
"""As many rows of a ranking are open at first; the rest unfold."""

_PLOT = 240
"""Height of the SQNR chart's plot, in pixels."""
_TOP_DB = 100.0
"""The chart's axis ends here at the latest: beyond, differences mean nothing to anyone."""

_Place = Callable[[float], str]
"""From a value to a place in a chart, as an SVG attribute."""


def page(report: Report, *, title: str, comparison: Comparison | None = None) -> str:
    """Draw a report.

    Equal arguments give equal pages.

    Args:
        report: what :func:`homebody.shrink.shrink` reported.
        title: the heading, such as the model's file name.
        comparison: the two models on other samples, from :func:`homebody.shrink.compare`.

    Returns:
        An HTML document that refers to nothing outside itself.

    Example:
        >>> from homebody.shrink import Settings
        >>> report = Report(settings=Settings(), size_before=400, size_after=100, operations=(),
        ...                 calibration_samples=100, measured_samples=8, output_sqnr_db={})
        >>> "4.0× smaller" in page(report, title="<net>.tflite")
        True
    """
    names = _Names(report.operations)
    body = (
        _headline(report, title),
        _sqnr(report, names),
        _compared(comparison) if comparison else "",
        '<div class="pair">',
        _weights(report.operations, names),
        _sensitivity(report.sensitivity, names),
        "</div>",
        _floats(report.float_operations),
        _notes(report.notes),
        _operations(report, names),
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{as_text(title)}: shrunk</title>\n<style>{STYLE}</style>\n</head>\n"
        "<body>\n<main>\n" + "\n".join(part for part in body if part) + "\n</main>\n"
        f"<footer>Homebody · {as_text(report.format)}</footer>\n</body>\n</html>\n"
    )


def write_page(
    report: Report,
    path: str | os.PathLike[str],
    *,
    title: str,
    comparison: Comparison | None = None,
) -> None:
    """Write :func:`page` to a file, whole or not at all.

    Raises:
        ShrinkError: the file cannot be written; what was there is unchanged.

    Example:
        >>> write_page(shrunk.report, "report.html", title="net.tflite")     # doctest: +SKIP
    """
    text = page(report, title=title, comparison=comparison)
    with replacing(path, ShrinkError) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


class _Names:
    """Short names: of fused operations the first, without the path that most of them share."""

    def __init__(self, operations: Sequence[OperationReport]) -> None:
        paths = [op.name.partition(";")[0].split("/")[:-1] for op in operations]
        self.prefix, depth = "", 0
        while True:
            steps = Counter(path[depth] for path in paths if len(path) > depth)
            step, count = max(steps.items(), key=lambda item: item[1], default=("", 0))
            if count < 2 or 2 * count <= len(operations):
                return
            paths = [path for path in paths if len(path) > depth and path[depth] == step]
            self.prefix, depth = f"{self.prefix}{step}/", depth + 1

    def short(self, name: str) -> str:
        """The name's telling part, as HTML."""
        first = name.partition(";")[0].removeprefix(self.prefix) or name
        return as_text(first, NAME)

    def tag(self, name: str) -> str:
        """The short name, as HTML that reveals the whole one."""
        short = self.short(name).replace("/", "/<wbr>").replace("_", "_<wbr>")
        return f'<bdi title="{as_text(name, FULL_NAME)}">{short}</bdi>'


def _headline(report: Report, title: str) -> str:
    before, after = report.size_before, report.size_after
    share = min(1.0, after / before) if before else 1.0
    counts = Counter(op.format for op in report.operations)
    facts = [
        ("Scheme", as_text(report.settings.scheme), _settings(report)),
        ("Operations", as_text(f"{len(report.operations)}"),
         ", ".join(f"{n} {as_format(f)}" for f, n in counts.most_common()) or "none"),
        ("Samples", f"{report.calibration_samples:,}",
         f"for the ranges; SQNR measured on {report.measured_samples:,}"),
    ]  # fmt: skip
    if report.equalized:
        facts.append(("Equalized", f"{report.equalized:,}", "channels rescaled beforehand"))
    facts += [
        ("SQNR at the output", f"{as_db(db)}{as_unit(db)}", f"<bdi>{as_text(name, NAME)}</bdi>")
        for name, db in list(report.output_sqnr_db.items())[:4]
    ]
    hidden = len(report.output_sqnr_db) - 4
    cells = "".join(
        f"<div><dt>{term}</dt><dd>{figure}<small>{more}</small></dd></div>"
        for term, figure, more in facts
    )
    return (
        f'<header><p class="over">Shrunk model</p><h1><bdi>{as_text(title, 200)}</bdi></h1>'
        f'<p class="sizes"><span title="{before:,} bytes">{as_bytes(before)}</span>'
        '<span class="to" aria-hidden="true"> → </span><span class="hidden"> to </span>'
        f'<strong title="{after:,} bytes">{as_bytes(after)}</strong>'
        f'<span class="ratio">{as_ratio(before, after)}</span></p>'
        f'<svg class="size" aria-hidden="true"><rect class="track" width="100%" height="100%"/>'
        f'<rect class="accent" width="{as_percent(share)}" height="100%"/></svg>'
        f'<dl class="facts">{cells}</dl>'
        + (f"<p>SQNR at {hidden} more outputs is in the table.</p>" if hidden > 0 else "")
        + "</header>"
    )


def _settings(report: Report) -> str:
    """All settings but the scheme, whichever there are."""
    parts = []
    for key, value in msgspec.structs.asdict(report.settings).items():
        if key == "scheme" or value in ((), None):
            continue
        if isinstance(value, bool):
            value = "on" if value else "off"
        elif isinstance(value, (tuple, list)):
            value = " ".join(map(str, value))
        parts.append(f"{as_text(key.replace('_', ' '))} {as_text(str(value), 120)}")
    return ", ".join(parts)


def _sqnr(report: Report, names: _Names) -> str:
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
    powers = (m * 10**n for n in range(10) for m in (1, 2, 5))
    step = next(s for s in powers if count <= 8 * s)
    return "".join(
        f'<text class="axis" x="{x(i + 0.5)}" y="{_PLOT + 18}" text-anchor="middle">{i}</text>'
        for i in range(0, count, step)
    )


def _compared(comparison: Comparison) -> str:
    rows = []
    for output in comparison.outputs:
        agreement = NONE
        if output.top1_agreement is not None:
            agreement = f"{100 * output.top1_agreement:.1f} %"
            if output.top1_interval is not None:
                ends = (f"{100 * end:.1f}" for end in output.top1_interval)
                agreement += f" <small>({' to '.join(ends)})</small>"
        rows.append(
            f'<tr><th scope="row"><bdi>{as_text(output.name, NAME)}</bdi></th>'
            f"<td>{as_db(output.sqnr_db)}</td><td>{output.largest_difference:.3g}</td>"
            f"<td>{agreement}</td></tr>"
        )
    return (
        '<section aria-labelledby="compared"><h2 id="compared">Compared</h2>'
        f"<p>Both models on {as_count(comparison.samples, 'sample')}; intervals are of 95 %.</p>"
        + _table(
            ("Output", "SQNR, dB", "Largest difference", "Same first answer"),
            rows,
            "outputs",
            "outputs",
        )
        + "</section>"
    )


def _weights(operations: Sequence[OperationReport], names: _Names) -> str:
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
        f"first{hollow}.</p>" + _ranked(rows, ("Operation", "Size")) + "</section>"
    )


def _sensitivity(ranking: Sequence[Sensitivity], names: _Names) -> str:
    if not ranking:
        return ""
    gains = [s.gain_db for s in ranking if math.isfinite(s.gain_db)]
    low, high = min([0.0, *gains]), max([0.0, *gains])
    span = (high - low) or 1.0
    zero = -low / span
    rows = []
    for s in ranking:
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
        + _ranked(rows, ("Operation", "Gain, dB"))
        + "</section>"
    )


def _bar(
    index: int, name: str, figure: str, ends: tuple[float, float], kind: str, zero: float = 0.0
) -> str:
    """A row of a ranking; ``ends`` and ``zero`` are shares of the bar's room."""
    start, end = ends
    x = as_percent(zero)
    axis = f'<line class="zero" x1="{x}" x2="{x}" y1="-2" y2="7"/>' if zero else ""
    return (
        f'<tr><th scope="row"><a href="#op-{index}">#{index}</a> {name}'
        f'<svg class="gauge" aria-hidden="true"><rect class="{kind}" x="{as_percent(start)}" '
        f'width="{as_percent(max(end - start, 0.002))}" height="100%"/>{axis}</svg></th>'
        f"<td>{figure}</td></tr>"
    )


def _ranked(rows: Sequence[str], columns: Sequence[str]) -> str:
    """A ranking whose tail is folded away."""
    tail = ""
    if len(rows) > SHOWN + 1:
        rows, rest = rows[:SHOWN], rows[SHOWN:]
        tail = (
            f"<details><summary>{len(rest)} more</summary>"
            f"{_table(columns, rest, '', 'ranking')}</details>"
        )
    return _table(columns, rows, "", "ranking") + tail


def _floats(operations: Sequence[OperationReport]) -> str:
    """Which operations stay float, by reason."""
    reasons: dict[str, list[OperationReport]] = {}
    for op in operations:
        reasons.setdefault(op.reason or "", []).append(op)
    items = []
    for reason, those in sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0])):
        listed = ", ".join(
            f'<a href="#op-{op.index}">#{op.index}</a> {as_text(op.kind, NAME)}'
            for op in those[:SHOWN]
        )
        more = f" and {len(those) - SHOWN} more" if len(those) > SHOWN else ""
        items.append(f"<li>{as_text(reason, 400)}<small>{listed}{more}</small></li>")
    if not items:
        return ""
    return (
        '<section aria-labelledby="floats"><h2 id="floats">Still float</h2>'
        f"<p>{as_count(len(operations), 'operation')}, and why.</p>"
        f"<ul>{''.join(items)}</ul></section>"
    )


def _notes(notes: Iterable[str]) -> str:
    items = "".join(f"<li>{as_text(note, 1000)}</li>" for note in notes)
    if not items:
        return ""
    return f'<section aria-labelledby="notes"><h2 id="notes">Notes</h2><ul>{items}</ul></section>'


def _operations(report: Report, names: _Names) -> str:
    reasons = any(op.reason for op in report.operations)
    columns = ["#", "Kind", "Output", "Format", "Scale", "Zero point", "Weights, bytes", "SQNR, dB"]
    rows = []
    for op in report.operations:
        jumped = op.index == report.error_jumps_at
        cells = [
            f'<td class="left">{as_text(op.kind, NAME)}</td>',
            f'<th scope="row">{names.tag(op.name)}</th>',
            f'<td class="left">{as_format(op.format)}</td>',
            f"<td>{NONE if op.scale is None else as_scale(op.scale)}</td>",
            f"<td>{NONE if op.zero_point is None else as_number(op.zero_point, 0)}</td>",
            f"<td>{op.weight_bytes:,}</td>" if op.weight_bytes else f"<td>{NONE}</td>",
            f"<td>{as_db(op.sqnr_db)}{'<small>first jump</small>' if jumped else ''}</td>",
        ]
        if reasons:
            cells.append(f'<td class="left why">{as_text(op.reason or "", 400)}</td>')
        kind = ' class="jumped"' if jumped else ""
        rows.append(f'<tr id="op-{op.index}"{kind}><td>{op.index}</td>{"".join(cells)}</tr>')
    if reasons:
        columns.append("Why float")
    left_out = (
        f" Where names start with <bdi>{as_text(names.prefix, 200)}</bdi>, that is left out."
        if names.prefix
        else ""
    )
    return (
        '<section aria-labelledby="operations"><h2 id="operations">Operations</h2>'
        f"<p>Numbers, kinds and names are those of the float model.{left_out}</p>"
        + _table(columns, rows, "all operations", "all")
        + "</section>"
    )


def _table(columns: Sequence[str], rows: Sequence[str], label: str, kind: str = "") -> str:
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    table = (
        f'<table class="{kind}"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{chr(10).join(rows)}</tbody></table>"
    )
    if not label:
        return table
    # A table may be wider than a phone; the keyboard must reach what scrolls.
    return f'<div class="wide" role="region" aria-label="{label}" tabindex="0">{table}</div>'
