"""The report page's tables."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 12
"""As many rows of a ranking are open at first; the rest unfold."""


def table(columns: Sequence[str], rows: Sequence[str], label: str, kind: str = "") -> str:
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    whole = (
        f'<table class="{kind}"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{chr(10).join(rows)}</tbody></table>"
    )
    if not label:
        return whole
    # A table may be wider than a phone; the keyboard must reach what scrolls.
    return f'<div class="wide" role="region" aria-label="{label}" tabindex="0">{whole}</div>'


def ranking(rows: Sequence[str], columns: Sequence[str]) -> str:
    """A ranking whose tail is folded away."""
    tail = ""
    if len(rows) > SHOWN + 1:
        rows, rest = rows[:SHOWN], rows[SHOWN:]
        tail = (
            f"<details><summary>{len(rest)} more</summary>"
            f"{table(columns, rest, '', 'ranking')}</details>"
        )
    return table(columns, rows, "", "ranking") + tail
