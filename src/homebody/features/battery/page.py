"""The demo as one HTML page: self-contained, without scripts, light or dark as the reader's
screen.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from homebody.errors import AdaptError
from homebody.features.battery.demo import FLEET, Demo, FormResult, Score, Summary
from homebody.features.battery.figures import figures
from homebody.features.battery.plot import Figure
from homebody.features.battery.style import STYLE
from homebody.files import replacing
from homebody.pages import as_text, document, facts

WAYS = {
    "as published": ("Article's filter, as published", "500 particles, P0 = Q = 10⁻²"),
    "tuned": ("Article's filter, tuned", "500 particles, P0 = Q = 10⁻⁵"),
    "fleet": ("Twin", "exact filter, the fleet's prior, shadow gate"),
    "robust": ("Twin, robust", "the same with Student-t noise"),
}
FORM_NAMES = {
    "network": "The article's data: the pristine net at (1 + δ) I and (1 + 2δ) Q",
    "formula": "The formula: a and b with (1 + δ) I and (1 + 2δ) I",
}


def demo_page(demo: Demo) -> str:
    """The demo's page; equal demos give equal pages.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    summary = demo.summary
    return framed("A battery's model of one", [
        _header(summary),
        figure_grid(figures(demo)),
        _table(summary),
        _notes(),
    ])  # fmt: skip


def write(path: str | os.PathLike[str], text: str) -> None:
    """Write a page, whole or not at all.

    Raises:
        AdaptError: the file cannot be written; what was there is unchanged.
    """
    with replacing(path, AdaptError) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


def framed(title: str, parts: Iterable[str]) -> str:
    """A page of the battery twin's look."""
    return document(title, parts, footer="battery twin", style=STYLE)


def figure_grid(found: Iterable[Figure]) -> str:
    """Figures with their captions, two side by side where there is room."""
    cells = "".join(
        f'<figure aria-labelledby="{f.id}"><figcaption><h2 id="{f.id}">{as_text(f.title)}</h2>'
        f"<p>{as_text(f.text, 1000)}</p></figcaption>{f.svg}</figure>"
        for f in found
    )
    return f'<div class="figures">{cells}</div>'


def percent(share: float, digits: int = 0) -> str:
    """A fraction in percent."""
    return f"{100 * share:.{digits}f} %"


def _header(summary: Summary) -> str:
    low, high = summary.coverage_95_interval
    n = summary.forms[0].measurements
    return (
        '<header><p class="over">Battery twin</p><h1>A battery that ages as nobody modelled</h1>'
        "<p>A net learned the pristine battery, V = a − 0.0005 Q + log(b − Q) with "
        "a = 4 − 0.25 I and b = 6000 − 250 I. The battery in use has degraded, δ = 0.163, and "
        "its voltage sensor is off by 0.1 V. The net stays frozen; its last layer follows the "
        "battery, and knows how sure it is.</p>"
        + facts([
            ("Error at the end", percent(summary.updated_end_error, 1),
             f"{percent(summary.pristine_end_error, 1)} without updates"),
            ("Updates", f"{summary.updates}", f"on {n} measurements"),
            ("Inside the 95 % interval", percent(summary.coverage_95),
             f"{100 * low:.0f} to {100 * high:.0f} % with n = {n}"),
            ("Next cycle, unseen current", f"{summary.next_cycle_rmse:.2f} V",
             f"RMSE; {summary.next_cycle_rmse_pristine:.2f} V without updates"),
        ])
        + "</header>"
    )  # fmt: skip


def _table(summary: Summary) -> str:
    bodies = "".join(_body(form) for form in summary.forms)
    return (
        '<section aria-labelledby="table"><h2 id="table">Every way, both forms</h2>'
        "<p>Errors are against the voltage without noise; coverage is of the measurements. One "
        f"run with seed {summary.seed}: the spread over seeds is in the documentation.</p>"
        '<div class="wide" role="region" aria-label="every way" tabindex="0"><table><thead><tr>'
        '<th scope="col">Followed by</th><th scope="col">Updates</th>'
        '<th scope="col">Error at<br>the end</th><th scope="col">RMSE one<br>step ahead, V</th>'
        '<th scope="col">Inside<br>95 %</th><th scope="col">RMSE next<br>cycle, V</th>'
        f"</tr></thead>{bodies}</table></div></section>"
    )


def _body(form: FormResult) -> str:
    rows = "".join(_row(score) for score in form.scores)
    return (
        f'<tbody><tr><th scope="rowgroup" colspan="6">{FORM_NAMES[form.form]}; '
        f"{form.measurements} measurements, pristine net {percent(form.pristine_end_error, 1)} off "
        f"at the end</th></tr>{rows}</tbody>"
    )


def _row(score: Score) -> str:
    name, more = WAYS[score.way]
    kind = ' class="twin"' if score.way == "fleet" else ""
    return (
        f'<tr{kind}><th scope="row">{name}<small>{more}</small></th><td>{score.updates}</td>'
        f"<td>{percent(score.end_error, 1)}</td><td>{score.rmse:.3f}</td>"
        f"<td>{percent(score.coverage_95)}</td><td>{score.next_cycle_rmse:.3f}</td></tr>"
    )


def _notes() -> str:
    return (
        '<section aria-labelledby="how"><h2 id="how">How</h2>'
        "<p>The net was trained here, written as a .tflite model with two outputs (voltage, and "
        "the last hidden layer), packed into a bundle, checked against what training gave, and "
        "run by LiteRT. A model of one holds the last layer as the state of a state-space model. "
        f"The fleet's prior is learned by EM from {FLEET} other batteries, aged by 0 to 0.4, one "
        "noisy discharge of each at 2 to 3.5 A. A discharge ends at "
        "5 V.</p></section>"
    )
