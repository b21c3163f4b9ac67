"""A report as one HTML page: self-contained, without scripts, light or dark as the reader's screen.

Charts are inline SVG whose x positions are percentages, so that a page from 360 pixels up needs
no second drawing and no text is ever scaled. Everything that a model or a caller brings is text,
never markup, and the page's own policy forbids it to load or run anything.
"""

from __future__ import annotations

import html
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import msgspec

from homebody.errors import ShrinkError
from homebody.files import replacing
from homebody.shrink._measure import NOISELESS_DB
from homebody.shrink.compare import Comparison
from homebody.shrink.report import OperationReport, Report, Sensitivity

SHOWN = 12
"""As many rows of a ranking are open at first; the rest unfold."""

_PLOT = 240
"""Height of the SQNR chart's plot, in pixels."""
_TOP_DB = 100.0
"""The chart's axis ends here at the latest: beyond, differences mean nothing to anyone."""
_NAME, _FULL_NAME = 80, 1000
"""Characters of a name in sight, and of the one that a pointer reveals."""
_NONE = '<span aria-hidden="true">–</span><span class="hidden">none</span>'

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
        f"<title>{_text(title)}: shrunk</title>\n<style>{_STYLE}</style>\n</head>\n"
        "<body>\n<main>\n" + "\n".join(part for part in body if part) + "\n</main>\n"
        f"<footer>Homebody · {_text(report.format)}</footer>\n</body>\n</html>\n"
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
        return _text(first, _NAME)

    def tag(self, name: str) -> str:
        """The short name, as HTML that reveals the whole one."""
        short = self.short(name).replace("/", "/<wbr>").replace("_", "_<wbr>")
        return f'<bdi title="{_text(name, _FULL_NAME)}">{short}</bdi>'


def _headline(report: Report, title: str) -> str:
    before, after = report.size_before, report.size_after
    share = min(1.0, after / before) if before else 1.0
    counts = Counter(op.format for op in report.operations)
    facts = [
        ("Scheme", _text(report.settings.scheme), _settings(report)),
        ("Operations", _text(f"{len(report.operations)}"),
         ", ".join(f"{n} {_format(f)}" for f, n in counts.most_common()) or "none"),
        ("Samples", f"{report.calibration_samples:,}",
         f"for the ranges; SQNR measured on {report.measured_samples:,}"),
    ]  # fmt: skip
    if report.equalized:
        facts.append(("Equalized", f"{report.equalized:,}", "channels rescaled beforehand"))
    facts += [
        ("SQNR at the output", f"{_db(db)}{_unit(db)}", f"<bdi>{_text(name, _NAME)}</bdi>")
        for name, db in list(report.output_sqnr_db.items())[:4]
    ]
    hidden = len(report.output_sqnr_db) - 4
    cells = "".join(
        f"<div><dt>{term}</dt><dd>{figure}<small>{more}</small></dd></div>"
        for term, figure, more in facts
    )
    return (
        f'<header><p class="over">Shrunk model</p><h1><bdi>{_text(title, 200)}</bdi></h1>'
        f'<p class="sizes"><span title="{before:,} bytes">{_bytes(before)}</span>'
        '<span class="to" aria-hidden="true"> → </span><span class="hidden"> to </span>'
        f'<strong title="{after:,} bytes">{_bytes(after)}</strong>'
        f'<span class="ratio">{_ratio(before, after)}</span></p>'
        f'<svg class="size" aria-hidden="true"><rect class="track" width="100%" height="100%"/>'
        f'<rect class="accent" width="{_percent(share)}" height="100%"/></svg>'
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
        parts.append(f"{_text(key.replace('_', ' '))} {_text(str(value), 120)}")
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
        return _percent(place / len(operations))

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
            f"<title>#{op.index} {_text(op.kind, _NAME)} {names.short(op.name)}: "
            f"{_db(value)}{_unit(value)}, {_format(op.format)}</title></g>"
        )
    measured = [(v, op) for v, op in zip(values, operations, strict=True) if v is not None]
    worst = min(measured, key=lambda pair: pair[0])
    said = f"Lowest at #{worst[1].index} {_text(worst[1].kind, _NAME)}: {_db(worst[0])}"
    said += f"{_unit(worst[0])}."
    if jump is not None:
        said += f" First jump at #{operations[jump].index} {_text(operations[jump].kind, _NAME)}."
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
            f"{_number(db, 0)}{more}</text>"
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
        agreement = _NONE
        if output.top1_agreement is not None:
            agreement = f"{100 * output.top1_agreement:.1f} %"
            if output.top1_interval is not None:
                ends = (f"{100 * end:.1f}" for end in output.top1_interval)
                agreement += f" <small>({' to '.join(ends)})</small>"
        rows.append(
            f'<tr><th scope="row"><bdi>{_text(output.name, _NAME)}</bdi></th>'
            f"<td>{_db(output.sqnr_db)}</td><td>{output.largest_difference:.3g}</td>"
            f"<td>{agreement}</td></tr>"
        )
    return (
        '<section aria-labelledby="compared"><h2 id="compared">Compared</h2>'
        f"<p>Both models on {_count(comparison.samples, 'sample')}; intervals are of 95 %.</p>"
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
        _bar(op.index, names.tag(op.name), _bytes(op.weight_bytes),
             (0.0, op.weight_bytes / heavy[0].weight_bytes),
             "hollow" if op.format == "float32" else "bar")
        for op in heavy
    ]  # fmt: skip
    return (
        '<section aria-labelledby="weights"><h2 id="weights">Weights</h2>'
        f"<p>{_bytes(total)} of constants in {_count(len(heavy), 'operation')}, the largest "
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
        figure = _number(s.gain_db, 2, sign=True) if math.isfinite(s.gain_db) else _NONE
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
    x = _percent(zero)
    axis = f'<line class="zero" x1="{x}" x2="{x}" y1="-2" y2="7"/>' if zero else ""
    return (
        f'<tr><th scope="row"><a href="#op-{index}">#{index}</a> {name}'
        f'<svg class="gauge" aria-hidden="true"><rect class="{kind}" x="{_percent(start)}" '
        f'width="{_percent(max(end - start, 0.002))}" height="100%"/>{axis}</svg></th>'
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
            f'<a href="#op-{op.index}">#{op.index}</a> {_text(op.kind, _NAME)}'
            for op in those[:SHOWN]
        )
        more = f" and {len(those) - SHOWN} more" if len(those) > SHOWN else ""
        items.append(f"<li>{_text(reason, 400)}<small>{listed}{more}</small></li>")
    if not items:
        return ""
    return (
        '<section aria-labelledby="floats"><h2 id="floats">Still float</h2>'
        f"<p>{_count(len(operations), 'operation')}, and why.</p>"
        f"<ul>{''.join(items)}</ul></section>"
    )


def _notes(notes: Iterable[str]) -> str:
    items = "".join(f"<li>{_text(note, 1000)}</li>" for note in notes)
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
            f'<td class="left">{_text(op.kind, _NAME)}</td>',
            f'<th scope="row">{names.tag(op.name)}</th>',
            f'<td class="left">{_format(op.format)}</td>',
            f"<td>{_NONE if op.scale is None else _scale(op.scale)}</td>",
            f"<td>{_NONE if op.zero_point is None else _number(op.zero_point, 0)}</td>",
            f"<td>{op.weight_bytes:,}</td>" if op.weight_bytes else f"<td>{_NONE}</td>",
            f"<td>{_db(op.sqnr_db)}{'<small>first jump</small>' if jumped else ''}</td>",
        ]
        if reasons:
            cells.append(f'<td class="left why">{_text(op.reason or "", 400)}</td>')
        kind = ' class="jumped"' if jumped else ""
        rows.append(f'<tr id="op-{op.index}"{kind}><td>{op.index}</td>{"".join(cells)}</tr>')
    if reasons:
        columns.append("Why float")
    left_out = (
        f" Where names start with <bdi>{_text(names.prefix, 200)}</bdi>, that is left out."
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


def _text(text: str, length: int = _FULL_NAME) -> str:
    """Any text as HTML: escaped, visible, and shortened in its middle."""
    if len(text) > length:
        text = f"{text[: length * 2 // 3]}…{text[len(text) - length // 3 + 1 :]}"
    # Control characters, halves of surrogates and changes of direction could lie to a reader.
    return html.escape("".join(c if c.isprintable() else "\ufffd" for c in text))


def _format(name: str) -> str:
    return "without floats" if name == "none" else _text(name, _NAME)


def _number(value: float, digits: int, *, sign: bool = False) -> str:
    text = f"{value:{'+' if sign else ''}.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def _scale(value: float) -> str:
    return f"{value:#.4g}".rstrip(".").replace("e-0", "e-").replace("-", "−")


def _db(value: float | None) -> str:
    if value is None or math.isnan(value):
        return _NONE
    if value >= NOISELESS_DB:
        return "exact"
    return _number(value, 1) if math.isfinite(value) else "−∞"


def _unit(value: float | None) -> str:
    measured = value is not None and -math.inf < value < NOISELESS_DB
    return "\u00a0dB" if measured else ""


def _bytes(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        value = count / size
        if value >= 0.9995:
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{digits}f}\u00a0{unit}"
    return f"{count}\u00a0B"


def _ratio(before: int, after: int) -> str:
    if not before or not after or before == after:
        return "the same size" if before == after else ""
    if after < before:
        return f"{before / after:.1f}× smaller"
    return f"{after / before:.1f}× larger"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _percent(share: float) -> str:
    return f"{100 * share:.3f}".rstrip("0").rstrip(".") + "%"


_STYLE = """
:root{--back:#fafaf8;--line:#e2e1dc;--text:#1f1f22;--quiet:#65656c;--mark:#8d8d94;--accent:#8c6515;
color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--back:#1b1b1d;--line:#36363a;--text:#ececee;
--quiet:#a0a0a8;--mark:#8a8a92;--accent:#d0ac68}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:15px/1.5 system-ui,-apple-system,
"Segoe UI",Roboto,"Helvetica Neue",sans-serif;font-variant-numeric:tabular-nums}
main,footer{max-width:1120px;margin:0 auto;padding:0 20px}
main{padding-top:40px}
footer{padding-top:32px;padding-bottom:40px;color:var(--quiet);font-size:13px}
h1{font-size:26px;line-height:1.25;font-weight:600;margin:0 0 20px;overflow-wrap:anywhere}
h2{font-size:18px;font-weight:600;margin:56px 0 4px}
p{margin:0 0 16px;color:var(--quiet);max-width:44em}
small{display:block;font-size:13px;font-weight:400;color:var(--quiet);overflow-wrap:anywhere}
a{color:inherit;text-decoration-color:var(--mark);text-underline-offset:3px}
:focus-visible{outline:2px solid var(--accent);outline-offset:3px}
.over{margin:0;font-size:13px}
.sizes{margin:0 0 10px;font-size:34px;line-height:1.2;color:var(--quiet);max-width:none}
.sizes strong{font-weight:600;color:var(--text)}
.sizes .ratio{font-size:18px;font-weight:400;color:var(--accent);margin-left:14px;
white-space:nowrap}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);
white-space:nowrap}
svg{display:block;overflow:visible}
.size{width:100%;height:6px;overflow:hidden;border-radius:3px}
.track{fill:var(--line)}.accent{fill:var(--accent)}
.facts+p{margin-top:20px}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:22px 32px;
margin:26px 0 0}
dt{font-size:13px;color:var(--quiet)}
dd{margin:0;font-size:22px;line-height:1.35;overflow-wrap:anywhere}
dd small{line-height:1.45}
figure{margin:44px 8px 0 34px}
.chart{width:100%}
.chart text{font-size:12px}
.axis{fill:var(--quiet)}.grid,.zero{stroke:var(--line)}.zero{stroke:var(--mark)}
.way{stroke:var(--mark);stroke-width:1.5;opacity:.7}
.dot{fill:var(--text)}
.float{fill:var(--back);stroke:var(--text);stroke-width:1.5}
circle.jumped{fill:var(--accent)}
line.jump{stroke:var(--accent);stroke-dasharray:3 3}text.jump{fill:var(--accent)}
.hit{fill:transparent}g:hover>.hit{fill:var(--mark);opacity:.22}
figcaption{display:flex;flex-wrap:wrap;gap:4px 20px;margin-top:28px;font-size:13px;
color:var(--quiet)}
.end{margin-right:auto}.key{display:flex;align-items:center;gap:7px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:0 56px;
align-items:start}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{padding:7px 0 7px 18px;border-bottom:1px solid var(--line);text-align:right;
vertical-align:top;font-weight:400}
th:first-child,td:first-child{padding-left:0}
thead th{color:var(--quiet);font-size:13px;vertical-align:bottom}
tbody th,.left,thead th:first-child{text-align:left}
tbody th{overflow-wrap:anywhere}
.ranking td{white-space:nowrap;width:5.5em}.ranking a{color:var(--quiet)}
.gauge{width:100%;height:5px;margin-top:5px}.bar{fill:var(--mark)}
.hollow{fill:none;stroke:var(--mark)}
.all th:nth-child(-n+4){text-align:left}.all thead th:nth-child(9){text-align:left}
.all td:first-child,.all thead th:first-child{text-align:right}
.all td,.all thead th{white-space:nowrap}.all th,.all td{padding-left:15px}
.all .left{white-space:normal}.all th[scope=row]{min-width:12em}
.all .why{min-width:11em}
.jumped>td:last-of-type small,.jumped small{color:var(--accent)}
:target{background:var(--line)}
.wide{overflow-x:auto;position:relative}.outputs td{white-space:nowrap}
.outputs th[scope=row]{min-width:9em}
ul{margin:0;padding:0;list-style:none}
li{padding:9px 0;border-bottom:1px solid var(--line)}
summary{padding:9px 0;color:var(--quiet);cursor:pointer;font-size:14px}
@media(min-width:1160px){.wide{overflow:visible}
.all thead th{position:sticky;top:0;background:var(--back)}}
@media(max-width:480px){main{padding-top:24px}h2{margin-top:44px}.sizes{font-size:28px}
.sizes .ratio{display:block;margin:4px 0 0}}
"""
