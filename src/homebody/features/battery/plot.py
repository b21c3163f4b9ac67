"""Matplotlib figures as inline SVG whose colours are the page's, light or dark."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from homebody.errors import MissingExtraError

COLOURS = {
    "text": "#010203", "quiet": "#010204", "line": "#010205", "back": "#010206",
    "true": "#010207", "pristine": "#010208", "twin": "#010209", "other": "#01020a",
}  # fmt: skip
"""Stand-ins: each becomes the page's variable of that name, such as ``var(--text)``."""
WIDTH, HEIGHT = 4.9, 3.1
"""Inches of a figure. A page scales it, from a phone's width to half a desk's."""


class Figure(NamedTuple):
    """One figure of a page: what it is called, says, and shows."""

    id: str
    title: str
    text: str
    svg: str


Draw = Callable[[Any], None]
"""Draws on a matplotlib Axes."""


def svg(draw: Draw, name: str, *, height: float = HEIGHT, columns: int = 1) -> str:
    """Draw a figure.

    Args:
        draw: given the Axes, or an array of them where ``columns`` is above 1.
        name: letters and hyphens that are the figure's own on its page.
        height: inches.
        columns: how many Axes side by side, with one y axis.

    Returns:
        An ``<svg>`` element with text as text, decorative to a screen reader.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require_matplotlib()
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {
        "svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif",
        "font.size": 10.5, "text.color": COLOURS["text"], "axes.labelcolor": COLOURS["quiet"],
        "axes.edgecolor": COLOURS["line"], "axes.facecolor": "none", "axes.grid": True,
        "axes.axisbelow": True, "grid.color": COLOURS["line"], "grid.linewidth": 0.8,
        "xtick.color": COLOURS["line"], "ytick.color": COLOURS["line"],
        "xtick.labelcolor": COLOURS["quiet"], "ytick.labelcolor": COLOURS["quiet"],
        "axes.spines.top": False, "axes.spines.right": False, "lines.linewidth": 1.8,
        "legend.frameon": False, "legend.fontsize": 10, "svg.image_inline": True,
        "axes.titlesize": 10.5, "axes.titlelocation": "left", "path.simplify": True,
        "lines.solid_capstyle": "round",
    }  # fmt: skip
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots(1, columns, sharey=True)
        draw(axes)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return _inline(out.getvalue(), name)


def require_matplotlib() -> None:
    """Find out before long work whether figures can be drawn.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise MissingExtraError("battery", "drawing the report") from None


def band(axes: Any, x: Any, low: Any, high: Any, colour: str) -> None:
    """A 95 % interval as a pale area."""
    axes.fill_between(x, low, high, color=COLOURS[colour], alpha=0.18, linewidth=0)


def line(axes: Any, x: Any, y: Any, colour: str, label: str = "", dashed: bool = False) -> None:
    """A line; with ``label`` it is in the legend."""
    style = (0, (4, 2.5)) if dashed else "-"
    axes.plot(x, y, color=COLOURS[colour], linestyle=style, label=label or "_")


def dots(axes: Any, x: Any, y: Any, colour: str, label: str = "", size: float = 10) -> None:
    """Measurements."""
    axes.scatter(x, y, s=size, color=COLOURS[colour], linewidth=0, label=label or "_", zorder=3)


def legend(axes: Any) -> None:
    """The legend above the plot, where no line can be under it."""
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, borderaxespad=0,
        columnspacing=1.4, handlelength=1.8,
    )  # fmt: skip


def _inline(text: str, name: str) -> str:
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text).groups()  # type: ignore[union-attr]
    text = re.sub(
        r"<svg[^>]*>",
        f'<svg class="plot" viewBox="0 0 {width} {height}" aria-hidden="true" focusable="false" '
        'xmlns:xlink="http://www.w3.org/1999/xlink">',
        text,
        count=1,
    )
    # One figure's ids must not be another's.
    text = re.sub(r'id="', f'id="{name}-', text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    for variable, colour in COLOURS.items():
        text = text.replace(colour, f"var(--{variable})")
    return re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text).strip()
