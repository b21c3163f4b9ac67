"""The report page's picture of one call: a lane for copies, one for each engine and its kernels."""

from __future__ import annotations

from collections.abc import Sequence

from homebody.engines._page_words import engine_class, ms
from homebody.engines.report import CandidateReport, Event, InputsReport, ShapeReport
from homebody.pages import NAME, as_count, as_percent, as_seconds, as_text, places

_BAR, _THIN, _WORDS, _GAP = 26, 18, 19, 12
"""Heights of a segment, of a kernel or copy, of a lane's words, and between lanes, in pixels."""
_TOLD = 0.07
"""A bar of at least this share of the call has room for words on a wide screen."""
_SEEN = 0.0012
"""No bar is narrower than this share, or it could not be seen."""


def call_picture(shape: ShapeReport, inputs: InputsReport | None) -> str:
    """Draw one call, and say where its time goes."""
    best = shape.candidates[0]
    total = max((e.start + e.seconds for e in shape.call), default=0.0)
    if not total:
        return ""
    marks = [mark / (1e3 * total) for mark in places(1e3 * total, 8)]
    ticks = "".join(
        f'<line class="tick" x1="{as_percent(x)}" x2="{as_percent(x)}" y2="100%"/>'
        for x in marks[1:]
    )
    lanes: list[str] = []
    y = 0.0
    for words, height, bars in _lanes(shape, best, total):
        lanes.append(
            f'<text y="{y + 13:.0f}">{words}</text>'
            f'<rect class="room" y="{y + _WORDS:.0f}" width="100%" height="{height}" rx="3"/>'
            f'<svg y="{y + _WORDS:.0f}" width="100%" height="{height}">{ticks}{"".join(bars)}</svg>'
        )
        y += _WORDS + height + _GAP
    count = len(best.segments)
    said = f"one call of {ms(total)}: {as_count(count, 'segment')} in the order in which they run"
    return (
        f"<h3>One call</h3><p>{ms(total)}, the median of those that were timed step by step. "
        f"{_borders(shape, total)}{_reading(shape, inputs)}</p>"
        f'<svg class="call" height="{y + 12:.0f}" role="img" aria-label="{said}">'
        f"{_axis(total, marks, y)}{''.join(lanes)}</svg>{_told(shape)}"
    )


def _lanes(
    shape: ShapeReport, best: CandidateReport, total: float
) -> list[tuple[str, int, list[str]]]:
    """For each lane its words, its height and its bars."""
    used = {number: segment.engine for number, segment in enumerate(best.segments)}
    outside = [e for e in shape.call if e.kind in ("copy", "gap")]
    spent = sum(e.seconds for e in outside)
    found = [(f"copies and gaps, {as_seconds(spent)}", _THIN, [_bar(e, "", total, _THIN)
             for e in outside if e.seconds])]  # fmt: skip
    for name in dict.fromkeys(used.values()):
        mine = [e for e in shape.call if e.segment is not None and used.get(e.segment) == name]
        segments = [e for e in mine if e.kind == "segment"]
        inner = [e for e in mine if e.kind == "kernel"]
        spent = sum(e.seconds for e in segments)
        share = f"{100 * spent / total:.0f} %"
        words = f"{as_text(name)}: {as_count(len(segments), 'segment')}, {ms(spent)}, {share}"
        kind = engine_class(name)
        found.append((words, _BAR, [_bar(e, kind, total, _BAR) for e in segments]))
        if len(inner) > len(segments):
            bars = [_bar(e, f"kernel {kind}", total, _THIN) for e in inner]
            found.append((f"its {as_count(len(inner), 'kernel')}", _THIN, bars))
    return found


def _bar(event: Event, kind: str, total: float, height: int) -> str:
    start, share = event.start / total, event.seconds / total
    words = ""
    if share >= _TOLD:  # a picture within the picture cuts off what has no room
        middle = height / 2 + 4
        words = (
            f'<svg x="{as_percent(start)}" width="{as_percent(share)}" height="{height}" '
            f'overflow="hidden"><text x="6" y="{middle:.0f}">{as_text(_short(event), 40)}</text>'
            "</svg>"
        )
    hint = f"{as_text(event.name, 200)}: {as_seconds(event.seconds)}, "
    hint += f"{as_seconds(event.start)} after the start"
    if event.kind == "copy":
        hint = f"copying {hint}"
    elif event.kind == "kernel":
        hint += f", in segment {event.segment}, {as_text(event.operation or '', NAME)}"
    return (
        f'<g class="part {kind}"><rect x="{as_percent(min(start, 1 - _SEEN))}" '
        f'width="{as_percent(max(share, _SEEN))}" height="{height}"/>{words}'
        f"<title>{hint}</title></g>"
    )


def _short(event: Event) -> str:
    """The telling part of a name."""
    if event.kind == "segment":
        return f"segment {event.segment}"
    name = event.name.removesuffix("/WithoutBiases").rstrip("/")  # as OpenVINO says of most
    return name.rpartition("/")[2] or event.name


def _axis(total: float, marks: Sequence[float], y: float) -> str:
    """Milliseconds under all lanes."""
    parts = []
    for number, x in enumerate(marks):
        side = "start" if not number else "end" if x > 0.96 else "middle"
        unit = "\u00a0ms" if number == len(marks) - 1 else ""
        parts.append(
            f'<text x="{as_percent(x)}" y="{y + 8:.0f}" text-anchor="{side}">'
            f"{1e3 * total * x:.6g}{unit}</text>"
        )
    return "".join(parts)


def _borders(shape: ShapeReport, total: float) -> str:
    spent = sum(e.seconds for e in shape.call if e.kind in ("copy", "gap"))
    cut = len(shape.candidates[0].segments) > 1
    what = "Copies, and gaps between segments," if cut else "Copying in and out"
    return f"{what} took {as_seconds(spent)} ({100 * spent / total:.1f} %)."


def _reading(shape: ShapeReport, inputs: InputsReport | None) -> str:
    """Whether reading the inputs takes longer than computing."""
    if inputs is None or inputs.row_seconds is None or not shape.rows:
        return ""
    rows = max(1, next(iter(shape.shapes.values()))[0])
    computing = shape.candidates[0].seconds / rows
    reading = inputs.row_seconds
    said = (
        f" Decoding and preparing a photo took {as_seconds(reading)}, computing it "
        f"{as_seconds(computing)}: "
    )
    if reading > computing:
        gain = 100 * computing / (reading + computing)
        return said + (
            f"<strong>reading is the bottleneck</strong>; one after the other, a quicker engine "
            f"could save {gain:.0f} % at most."
        )
    return said + "<strong>computing is the bottleneck</strong>, not reading."


def _told(shape: ShapeReport) -> str:
    """What kernels' times are, where there are any."""
    inner: Sequence[Event] = [e for e in shape.call if e.kind == "kernel"]
    segments = sum(e.kind == "segment" for e in shape.call)
    if len(inner) <= segments:
        return ""
    return (
        "<p>Kernels are the engine's own, of a run with its counters on, in their order from the "
        "segment's start, and shortened alike where they would not fit.</p>"
    )
