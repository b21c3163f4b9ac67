"""Report pages: one HTML document each, self-contained, without scripts, light or dark.

Everything that a model or a caller brings becomes text by :func:`as_text`, never markup, and a
page's own policy forbids it to load or run anything. What a report adds of its own (pictures,
their style) lies beside that report.
"""

from homebody.pages.document import document
from homebody.pages.plots import gauge, places, step
from homebody.pages.tables import SHOWN, facts, folded, ranking, table
from homebody.pages.words import (
    FULL_NAME,
    NAME,
    NONE,
    as_bytes,
    as_count,
    as_number,
    as_percent,
    as_seconds,
    as_text,
)

__all__ = [
    "FULL_NAME",
    "NAME",
    "NONE",
    "SHOWN",
    "as_bytes",
    "as_count",
    "as_number",
    "as_percent",
    "as_seconds",
    "as_text",
    "document",
    "facts",
    "folded",
    "gauge",
    "places",
    "ranking",
    "step",
    "table",
]
