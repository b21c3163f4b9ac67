"""Tables, rankings, facts, and what is folded away at first."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 12
"""As many rows of a ranking are open at first; the rest unfold."""


def table(columns: Sequence[str], rows: Sequence[str], label: str, kind: str = "") -> str:
    """A table that may be wider than a phone.

    Args:
        columns: their headings, as HTML.
        rows: whole ``<tr>`` elements.
        label: what it holds, for those who cannot see it; where empty it does not scroll.
        kind: its class.
    """
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    whole = (
        f'<table class="{kind}"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{chr(10).join(rows)}</tbody></table>"
    )
    if not label:
        return whole
    # The keyboard must reach what scrolls.
    return f'<div class="wide" role="region" aria-label="{label}" tabindex="0">{whole}</div>'


def ranking(rows: Sequence[str], columns: Sequence[str]) -> str:
    """A ranking whose tail is folded away."""
    tail = ""
    if len(rows) > SHOWN + 1:
        rows, rest = rows[:SHOWN], rows[SHOWN:]
        tail = folded(f"{len(rest)} more", table(columns, rest, "", "ranking"))
    return table(columns, rows, "", "ranking") + tail


def folded(summary: str, inside: str) -> str:
    """HTML that a reader unfolds."""
    return f"<details><summary>{summary}</summary>{inside}</details>"


def facts(found: Sequence[tuple[str, str, str]]) -> str:
    """Terms, their figures, and a line on each; all HTML."""
    cells = "".join(
        f"<div><dt>{term}</dt><dd>{figure}<small>{more}</small></dd></div>"
        for term, figure, more in found
    )
    return f'<dl class="facts">{cells}</dl>'
