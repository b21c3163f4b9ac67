"""The demo's figures: the article's, with intervals."""

from __future__ import annotations

from typing import Any

import numpy as np

from homebody.features.battery.demo import Demo, Follower, FormRun, Way
from homebody.features.battery.plot import COLOURS, Figure, band, dots, legend, line, svg

FOLLOWED: tuple[tuple[Way, str, str], ...] = (
    ("tuned", "other", "article's filter"),
    ("fleet", "twin", "twin"),
)
"""The ways that figures compare: which, its colour, and what the legend says."""
MINUTES = "minutes since full"
VOLTS = "volts"


def figures(demo: Demo) -> tuple[Figure, ...]:
    """All of them, in the order of the story."""
    net, formula = demo.by("network"), demo.by("formula")
    return (
        _training(demo),
        _fit(demo),
        _degraded(net, "The degraded battery, the article's data", "degraded-network"),
        _degraded(formula, "The degraded battery, by the formula", "degraded-formula"),
        _first(net),
        _on_demand(net),
        _combined(net, "fleet", "Over the whole cycle: the twin", "combined-fleet"),
        _combined(net, "tuned", "Over the whole cycle: the article's filter", "combined-tuned"),
        _errors(net),
        _states(net),
        _next(net),
        _next_errors(net, formula),
    )


def _training(demo: Demo) -> Figure:
    fitted = demo.fitted
    epochs = np.arange(1, len(fitted.training) + 1)

    def draw(axes: Any) -> None:
        line(axes, epochs, np.sqrt(fitted.training), "pristine", "trained on")
        line(axes, epochs, np.sqrt(fitted.validation), "twin", "held out")
        axes.set(yscale="log", xlabel="epoch", ylabel="RMSE, volts")
        for axis in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            axis(lambda value, _: f"{value:g}" if f"{value:.0e}"[0] in "125" else "")
        legend(axes)

    best = np.sqrt(fitted.validation[fitted.best - 1])
    text = (
        f"Hidden layers of 4, 16, 64, 16 and 4 units, {len(epochs)} epochs; kept is epoch "
        f"{fitted.best}, off by {best:.2f} V on the tenth held out, most of it where the voltage "
        f"falls off its cliff. The last layer can move along {demo.rank} of its 5 directions."
    )
    return Figure("training", "Training on pristine batteries", text, svg(draw, "training"))


def _fit(demo: Demo) -> Figure:
    shown = (demo.training[0], demo.training[len(demo.training) // 2], demo.training[-1])

    def draw(axes: Any) -> None:
        for index, trace in enumerate(shown):
            minutes = trace.time / 60
            line(axes, minutes, trace.voltage, "true", "" if index else "pristine battery")
            expected = demo.fitted.net(trace.inputs)
            line(axes, minutes, expected, "twin", "" if index else "net", dashed=True)
            axes.annotate(
                f"{trace.current[0]:.2g} A", (minutes[-1], 0), xytext=(0, 6 + 14 * index),
                textcoords="offset points", ha="left", color=COLOURS["quiet"], fontsize=10,
            )  # fmt: skip
        axes.set(xlabel=MINUTES, ylabel=VOLTS, ylim=(0, None))
        legend(axes)

    text = (
        f"{len(demo.training)} discharges at {demo.training[0].current[0]:g} to "
        f"{demo.training[-1].current[0]:g} A; three of them, and what the net says."
    )
    return Figure("fit", "Pristine discharges, and the net", text, svg(draw, "fit"))


def _degraded(run: FormRun, title: str, name: str) -> Figure:
    minutes = run.true.time / 60

    def draw(axes: Any) -> None:
        line(axes, minutes, run.true.voltage, "true", "degraded battery")
        dots(axes, minutes, run.seen.voltage, "true", "measured")
        line(axes, minutes, run.pristine, "pristine", "pristine net", dashed=True)
        axes.set(xlabel=MINUTES, ylabel=VOLTS)
        legend(axes)

    error = abs(run.pristine[-1] / run.true.voltage[-1] - 1)
    how = (
        "Its voltage is what the pristine net says at (1 + δ) I and (1 + 2δ) Q."
        if run.form == "network"
        else "Its voltage is the formula with (1 + δ) I in a and (1 + 2δ) I in b."
    )
    text = f"δ = 0.163 at 2 A, a measurement a minute. {how} The net is {error:.0%} off at the end."
    return Figure(name, title, text, svg(draw, name))


def _first(run: FormRun) -> Figure:
    found = run.by("fleet").followed
    minutes = run.true.time / 60
    first = found.first

    def draw(axes: Any) -> None:
        line(axes, minutes, run.true.voltage, "true", "degraded battery")
        line(axes, minutes, run.pristine, "pristine", "pristine net", dashed=True)
        if first is not None:
            seen = slice(0, first.at + 1)
            dots(axes, minutes[seen], run.seen.voltage[seen], "true", "measured so far")
            band(axes, minutes, first.low, first.high, "twin")
            line(axes, minutes, first.mean, "twin", "after the first update")
            axes.axvline(minutes[first.at], color=COLOURS["twin"], linewidth=1)
        axes.set(xlabel=MINUTES, ylabel=VOLTS)
        legend(axes)

    if first is None:
        text = "The measurements gave no reason to update."
    else:
        text = (
            f"After {minutes[first.at]:.0f} minutes deployed and shadow predictions differ by more "
            "than 2 sigmas. What the updated model then expects of the whole cycle, with its "
            "95 % interval."
        )
    return Figure("first", "The first update", text, svg(draw, "first"))


def _marks(axes: Any, minutes: Any, follower: Follower, colour: str) -> None:
    for at in minutes[follower.followed.pushed]:
        axes.axvline(at, color=COLOURS[colour], linewidth=0.8, alpha=0.6)


def _on_demand(run: FormRun) -> Figure:
    minutes = run.true.time / 60
    off = np.abs(run.seen.voltage - run.pristine)

    def draw(axes: Any) -> None:
        for way, colour, label in FOLLOWED:
            follower = run.by(way)
            line(axes, minutes, np.cumsum(follower.followed.pushed), colour, label)
        axes.set(xlabel=MINUTES, ylabel="updates so far")
        upper = axes.twinx()
        upper.grid(visible=False)
        upper.spines["right"].set_visible(False)
        line(upper, minutes, off, "pristine", dashed=True)
        upper.set_ylabel("pristine net's error, volts")
        axes.plot([], [], color=COLOURS["pristine"], linestyle=(0, (4, 2.5)),
                  label="pristine net's error")  # fmt: skip
        legend(axes)

    tuned, fleet = run.by("tuned").followed.updates, run.by("fleet").followed.updates
    text = (
        f"The article's rule (a measurement outside the interval) updates {tuned} times; the "
        f"shadow gate pushes {fleet} times, each because the answers differ enough to matter."
    )
    return Figure("on-demand", "Updates on demand", text, svg(draw, "on-demand"))


def _combined(run: FormRun, way: Way, title: str, name: str) -> Figure:
    follower = run.by(way)
    found, minutes = follower.followed, run.true.time / 60

    def draw(axes: Any) -> None:
        _marks(axes, minutes, follower, "twin" if way == "fleet" else "other")
        colour = "twin" if way == "fleet" else "other"
        band(axes, minutes, found.low, found.high, colour)
        line(axes, minutes, run.pristine, "pristine", "pristine net", dashed=True)
        line(axes, minutes, found.mean, colour, "expected, 95 % interval")
        dots(axes, minutes, run.seen.voltage, "true", "measured")
        axes.set(xlabel=MINUTES, ylabel=VOLTS)
        legend(axes)

    inside = found.coverage(run.seen.voltage)
    text = (
        f"Each measurement, and what was expected just before it; {inside:.0%} of "
        f"{len(minutes)} lie inside their intervals. Upright lines are updates."
    )
    return Figure(name, title, text, svg(draw, name))


def _errors(run: FormRun) -> Figure:
    minutes, true = run.true.time / 60, run.true.voltage

    def draw(axes: Any) -> None:
        line(axes, minutes, 100 * np.abs(run.pristine / true - 1), "pristine", "pristine net", True)
        for way, colour, label in FOLLOWED:
            found = run.by(way).followed
            line(axes, minutes, 100 * np.abs(found.mean / true - 1), colour, label)
        axes.set(xlabel=MINUTES, ylabel="error, %", ylim=(0, None))
        legend(axes)

    error = abs(run.pristine[-1] / true[-1] - 1)
    text = (
        f"Of predictions one step ahead, against the voltage without noise. At the end the "
        f"pristine net is {error:.0%} off, the article's filter "
        f"{run.by('tuned').followed.end_error(true):.0%}, the twin "
        f"{run.by('fleet').followed.end_error(true):.0%}."
    )
    return Figure("errors", "Errors, pristine and updated", text, svg(draw, "errors"))


def _states(run: FormRun) -> Figure:
    found = run.by("fleet").followed
    place = np.arange(len(found.initial))

    def draw(axes: Any) -> None:
        for offset, values, colour, label in (
            (-0.24, run.base, "pristine", "as trained"),
            (0, found.initial, "other", "fleet's mean"),
        ):  # fmt: skip
            axes.scatter(place + offset, values, s=26, facecolors="none",
                         edgecolors=COLOURS[colour], linewidth=1.5, label=label)  # fmt: skip
        axes.errorbar(
            place + 0.24, found.final, 1.96 * found.spread, color=COLOURS["twin"], fmt="o",
            markersize=5, linewidth=1.5, capsize=3, label="final, 95 % interval",
        )  # fmt: skip
        labels = [f"w{index + 1}" for index in place[:-1]] + ["bias"]
        axes.set(xticks=place, xticklabels=labels, ylabel="volts per unit of feature")
        axes.grid(visible=False, axis="x")
        legend(axes)

    text = (
        "Four weights and the bias: as trained, the fleet's mean that the twin starts from, and "
        "what this battery has made of them. Intervals are wide where the features cannot tell "
        "weights apart; predictions are surer than single weights."
    )
    return Figure("states", "The last layer, initial and final", text, svg(draw, "states"))


def _next(run: FormRun) -> Figure:
    minutes, true = run.next_true.time / 60, run.next_true.voltage
    fleet, tuned = run.by("fleet").next, run.by("tuned").next

    def draw(axes: Any) -> None:
        line(axes, minutes, true, "true", "degraded battery")
        line(axes, minutes, run.next_pristine, "pristine", "pristine net", dashed=True)
        line(axes, minutes, tuned.mean, "other", "article's filter")
        band(axes, minutes, fleet.low, fleet.high, "twin")
        line(axes, minutes, fleet.mean, "twin", "twin, 95 % interval")
        axes.set(xlabel=MINUTES, ylabel=VOLTS)
        legend(axes)

    text = (
        f"The next discharge, at {run.next_true.current[0]:g} A, a current this battery has not "
        "been seen at, predicted whole before it begins. Following closely is not yet having a "
        "better model: this is the test."
    )
    return Figure("next", "The next cycle, at an unseen current", text, svg(draw, "next"))


def _next_errors(*runs: FormRun) -> Figure:
    from homebody.features.battery.scores import rmse

    labels = ("pristine net", "article's, as published", "article's, tuned", "twin", "twin, t")
    colours = ("pristine", "other", "other", "twin", "twin")
    names = {"network": "article's data", "formula": "formula"}

    def draw(axes: Any) -> None:
        for one, run in zip(axes, runs, strict=True):
            true = run.next_true.voltage
            values = [rmse(run.next_pristine, true)]
            values += [rmse(found.next.mean, true) for found in run.followers]
            place = np.arange(len(values))[::-1]
            one.barh(place, values, 0.62, color=[COLOURS[c] for c in colours])
            for at, value in zip(place, values, strict=True):
                one.annotate(f"{value:.2f}", (value, at), xytext=(4, 0), va="center",
                             textcoords="offset points", fontsize=10)  # fmt: skip
            one.set(yticks=place, yticklabels=labels, xlim=(0, 1.25 * max(values)))
            one.set_title(names[run.form])
            one.set_xlabel("RMSE, volts")
            one.grid(visible=False, axis="y")

    text = "The same for every way of following, on both forms of the battery."
    return Figure(
        "next-errors", "The next cycle's errors", text, svg(draw, "next-errors", columns=2)
    )
