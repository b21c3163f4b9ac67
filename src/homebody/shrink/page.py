"""A report as one HTML page: self-contained, without scripts, light or dark as the reader's screen.

Everything that a model or a caller brings is text, never markup, and the page's own policy
forbids it to load or run anything.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from homebody.errors import ShrinkError
from homebody.files import replacing
from homebody.pages import (
    NAME,
    NONE,
    SHOWN,
    as_bytes,
    as_count,
    as_number,
    as_percent,
    as_text,
    document,
    facts,
    table,
)
from homebody.shrink._page_charts import error_chart, sensitivity_chart, weights_chart
from homebody.shrink._page_style import STYLE
from homebody.shrink._page_words import Names, as_db, as_format, as_ratio, as_scale, as_unit
from homebody.shrink.compare import Comparison
from homebody.shrink.report import OperationReport, Report


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
    names = Names(report.operations)
    body = (
        _headline(report, title),
        error_chart(report, names),
        _compared(comparison) if comparison else "",
        '<div class="pair">',
        weights_chart(report.operations, names),
        sensitivity_chart(report.sensitivity, names),
        "</div>",
        _floats(report.float_operations),
        _notes(report.notes),
        _operations(report, names),
    )
    return document(f"{title}: shrunk", body, footer=report.format, style=STYLE)


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


def _headline(report: Report, title: str) -> str:
    before, after = report.size_before, report.size_after
    share = min(1.0, after / before) if before else 1.0
    counts = Counter(op.format for op in report.operations)
    told = [
        ("Scheme", as_text(report.settings.scheme), _settings(report)),
        ("Operations", as_text(f"{len(report.operations)}"),
         ", ".join(f"{n} {as_format(f)}" for f, n in counts.most_common()) or "none"),
    ]  # fmt: skip
    if report.calibration_samples:
        measured = f"for the ranges; SQNR measured on {report.measured_samples:,}"
        told.append(("Samples", f"{report.calibration_samples:,}", measured))
    elif report.measured_samples:
        told.append(("Samples", f"{report.measured_samples:,}", "that SQNR was measured on"))
    if report.equalized:
        told.append(("Equalized", f"{report.equalized:,}", "channels rescaled beforehand"))
    told += [
        ("SQNR at the output", f"{as_db(db)}{as_unit(db)}", f"<bdi>{as_text(name, NAME)}</bdi>")
        for name, db in list(report.output_sqnr_db.items())[:4]
    ]
    hidden = len(report.output_sqnr_db) - 4
    return (
        f'<header><p class="over">Shrunk model</p><h1><bdi>{as_text(title, 200)}</bdi></h1>'
        f'<p class="sizes"><span title="{before:,} bytes">{as_bytes(before)}</span>'
        '<span class="to" aria-hidden="true"> → </span><span class="hidden"> to </span>'
        f'<strong title="{after:,} bytes">{as_bytes(after)}</strong>'
        f'<span class="ratio">{as_ratio(before, after)}</span></p>'
        f'<svg class="size" aria-hidden="true"><rect class="track" width="100%" height="100%"/>'
        f'<rect class="accent" width="{as_percent(share)}" height="100%"/></svg>'
        + facts(told)
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
        + table(
            ("Output", "SQNR, dB", "Largest difference", "Same first answer"),
            rows,
            "outputs",
            "outputs",
        )
        + "</section>"
    )


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


def _operations(report: Report, names: Names) -> str:
    # Columns that a scheme leaves empty are left out.
    grids = any(op.scale is not None for op in report.operations)
    reasons = any(op.reason for op in report.operations)
    measured = any(op.sqnr_db is not None for op in report.operations)
    columns = [
        *("#", "Kind", "Output", "Format"),
        *(("Scale", "Zero point") if grids else ()),
        "Weights, bytes",
        *(("SQNR, dB",) if measured else ()),
        *(("Why float",) if reasons else ()),
    ]
    rows = []
    for op in report.operations:
        jumped = op.index == report.error_jumps_at
        cells = [
            f'<td class="left">{as_text(op.kind, NAME)}</td>',
            f'<th scope="row">{names.tag(op.name)}</th>',
            f'<td class="left">{as_format(op.format)}</td>',
        ]
        if grids:
            zero = NONE if op.zero_point is None else as_number(op.zero_point, 0)
            cells.append(f"<td>{NONE if op.scale is None else as_scale(op.scale)}</td>")
            cells.append(f"<td>{zero}</td>")
        cells.append(f"<td>{op.weight_bytes:,}</td>" if op.weight_bytes else f"<td>{NONE}</td>")
        if measured:
            jump = "<small>first jump</small>" if jumped else ""
            cells.append(f"<td>{as_db(op.sqnr_db)}{jump}</td>")
        if reasons:
            cells.append(f'<td class="left why">{as_text(op.reason or "", 400)}</td>')
        kind = ' class="jumped"' if jumped else ""
        rows.append(f'<tr id="op-{op.index}"{kind}><td>{op.index}</td>{"".join(cells)}</tr>')
    left_out = (
        f" Where names start with <bdi>{as_text(names.prefix, 200)}</bdi>, that is left out."
        if names.prefix
        else ""
    )
    return (
        '<section aria-labelledby="operations"><h2 id="operations">Operations</h2>'
        f"<p>Numbers, kinds and names are those of the float model.{left_out}</p>"
        + table(columns, rows, "all operations", "all")
        + "</section>"
    )
