"""One battery's twin as an HTML page."""

from __future__ import annotations

from typing import Any

import numpy as np

from homebody.adapt import ModelOfOne
from homebody.features.battery.follow import outlook
from homebody.features.battery.measurements import Measurements
from homebody.features.battery.page import figure_grid, framed, percent
from homebody.features.battery.plot import COLOURS, Figure, band, dots, legend, line, svg
from homebody.features.battery.scores import coverage, rmse
from homebody.pages import as_text, facts

DRAWN = 1500
"""At most so many points of a line: more than a screen shows."""
UNITS = ((2 * 86400.0, "days", 86400.0), (2 * 3600.0, "hours", 3600.0), (0.0, "minutes", 60.0))


def twin_page(twin: ModelOfOne, measurements: Measurements) -> str:
    """A page on what a twin has learned, and what it makes of measurements.

    Args:
        twin: is not changed.
        measurements: drawn beside what the twin, as it is now, and the pristine model expect.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    points, volts = measurements.inputs, measurements.voltage
    mean, low, high = outlook(twin, points)
    pristine = twin.base.rows(points)[:, 0] @ twin.base.state
    there = ~np.isnan(volts)
    now, before = rmse(mean[there], volts[there]), rmse(pristine[there], volts[there])
    inside = coverage(volts[there], low[there], high[there])
    head = (
        f'<header><p class="over">Battery twin</p><h1><bdi>{as_text(twin.asset, 200)}</bdi></h1>'
        f"<p>Learned on the base model {twin.base.sha256[:16]}…</p>"
        + facts([
            ("Error on these measurements", f"{now:.3g} V",
             f"RMSE; the pristine model's is {before:.3g} V"),
            ("Inside the 95 % interval", percent(inside), f"of {int(there.sum()):,}"),
            ("Learned from", f"{twin.updates:,}", "measurements"),
            ("Updates", f"{twin.pushes:,}", "of the model that answers"),
        ])
        + "</header>"
    )  # fmt: skip
    figures = [
        _now(measurements, mean, low, high, pristine),
        _errors(measurements, mean, pristine),
        *_history(twin),
        _states(twin),
    ]
    return framed(f"{twin.asset}: battery twin", [
        head, figure_grid(figures), _notes(measurements), _statuses(twin),
    ])  # fmt: skip


def _clock(time: Any) -> tuple[Any, str]:
    """Times from the first one on, in a unit that suits them."""
    since = time - time[0]
    _, name, seconds = next(unit for unit in UNITS if since[-1] >= unit[0])
    return since / seconds, name


def _thin(count: int) -> Any:
    return np.unique(np.linspace(0, count - 1, min(DRAWN, count)).round().astype(int))


def _now(m: Measurements, mean: Any, low: Any, high: Any, pristine: Any) -> Figure:
    clock, unit = _clock(m.time)
    some = _thin(len(clock))

    def draw(axes: Any) -> None:
        band(axes, clock[some], low[some], high[some], "twin")
        line(axes, clock[some], pristine[some], "pristine", "pristine model", dashed=True)
        line(axes, clock[some], mean[some], "twin", "twin now, 95 % interval")
        dots(axes, clock[some], m.voltage[some], "true", "measured", size=5)
        axes.set(xlabel=unit, ylabel="volts")
        legend(axes)

    text = "These measurements, and what the twin as it is now would have expected of each."
    return Figure("now", "The twin now", text, svg(draw, "now"))


def _errors(m: Measurements, mean: Any, pristine: Any) -> Figure:
    clock, unit = _clock(m.time)
    some = _thin(len(clock))

    def draw(axes: Any) -> None:
        axes.axhline(0, color=COLOURS["line"], linewidth=1.2)
        line(axes, clock[some], (pristine - m.voltage)[some], "pristine", "pristine model", True)
        line(axes, clock[some], (mean - m.voltage)[some], "twin", "twin now")
        axes.set(xlabel=unit, ylabel="expected − measured, volts")
        legend(axes)

    text = "Noise of the sensor included."
    return Figure("errors", "Errors, pristine and twin", text, svg(draw, "errors"))


def _history(twin: ModelOfOne) -> list[Figure]:
    used = [o for o in twin.history if o.status in ("learned", "inside")]
    if len(used) < 2:
        return []
    clock, unit = _clock(np.array([o.at for o in used]))
    some = _thin(len(used))
    mean, low, high, volts = (
        np.array([getattr(o, name)[0] for o in used])
        for name in ("mean", "low", "high", "measured")
    )
    pushed = np.array([o.pushed for o in used], np.bool_)
    chances = [(o.drift.chance if o.drift else 1.0, o.anomaly.chance if o.anomaly else 1.0)
               for o in used]  # fmt: skip
    drift = -np.log10(np.maximum(np.array(chances), 1e-12))

    def draw_steps(axes: Any) -> None:
        for at in clock[pushed][-200:]:
            axes.axvline(at, color=COLOURS["twin"], linewidth=0.8, alpha=0.6)
        band(axes, clock[some], low[some], high[some], "twin")
        line(axes, clock[some], mean[some], "twin", "expected, 95 % interval")
        dots(axes, clock[some], volts[some], "true", "measured", size=5)
        axes.set(xlabel=unit, ylabel="volts")
        legend(axes)

    def draw_drift(axes: Any) -> None:
        line(axes, clock[some], drift[some, 0], "twin", "drift of the state")
        dots(axes, clock[some], drift[some, 1], "pristine", "measurement", size=7)
        axes.axhline(-np.log10(twin.gate.false_alarm), color=COLOURS["text"], linewidth=1)
        axes.set(xlabel=unit, ylabel="−log₁₀ of its chance", ylim=(0, None))
        legend(axes)

    share = coverage(volts, low, high)
    return [
        Figure(
            "steps", "One step ahead",
            f"The last {len(used):,} measurements that were used, each with what was expected just "
            f"before it; {share:.0%} lie inside. Upright lines are updates.",
            svg(draw_steps, "steps"),
        ),
        Figure(
            "drift", "Drift and anomalies",
            "How unlikely it is that chance alone moved the state so far, or put a measurement "
            f"where it was. Above the line ({twin.gate.false_alarm:g}) is an alarm.",
            svg(draw_drift, "drift"),
        ),
    ]  # fmt: skip


def _states(twin: ModelOfOne) -> Figure:
    place = np.arange(len(twin.base.state))
    spread = np.sqrt(np.diag(twin.filter.covariance))

    def draw(axes: Any) -> None:
        axes.scatter(place - 0.12, twin.base.state, s=26, facecolors="none",
                     edgecolors=COLOURS["pristine"], linewidth=1.5, label="as trained")  # fmt: skip
        axes.errorbar(place + 0.12, twin.shadow, 1.96 * spread, color=COLOURS["twin"], fmt="o",
                      markersize=5, linewidth=1.5, capsize=3,
                      label="now, 95 % interval")  # fmt: skip
        labels = [f"w{index + 1}" for index in place[:-1]] + ["bias"]
        axes.set(ylabel="volts per unit of feature")
        if len(place) <= 12:
            axes.set(xticks=place, xticklabels=labels)
        axes.grid(visible=False, axis="x")
        legend(axes)

    text = "The last layer's weights and bias, as trained and as this battery has made them."
    return Figure("states", "The last layer", text, svg(draw, "states"))


def _notes(measurements: Measurements) -> str:
    items = "".join(f"<p>{as_text(note, 400)}</p>" for note in measurements.notes)
    return f"<section><h2>Units</h2>{items}</section>" if items else ""


def _statuses(twin: ModelOfOne) -> str:
    from collections import Counter

    counts = Counter(o.status for o in twin.history)
    rows = "".join(
        f'<tr><th scope="row">{as_text(status)}</th><td>{count:,}</td></tr>'
        for status, count in counts.most_common()
    )
    if not rows:
        return ""
    return (
        '<section aria-labelledby="became"><h2 id="became">What became of measurements</h2>'
        f'<p>The last {len(twin.history):,} that owner state remembers.</p><div class="wide">'
        '<table class="short"><thead><tr><th scope="col">Status</th>'
        f'<th scope="col">Measurements</th></tr></thead><tbody>{rows}</tbody></table></div>'
        "</section>"
    )
