"""How the report page puts names and numbers into words, escaped."""

from __future__ import annotations

import html
import math

from homebody.shrink._measure import NOISELESS_DB

NAME, FULL_NAME = 80, 1000
"""Characters of a name in sight, and of the one that a pointer reveals."""
NONE = '<span aria-hidden="true">–</span><span class="hidden">none</span>'


def as_text(text: str, length: int = FULL_NAME) -> str:
    """Any text as HTML: escaped, visible, and shortened in its middle."""
    if len(text) > length:
        text = f"{text[: length * 2 // 3]}…{text[len(text) - length // 3 + 1 :]}"
    # Control characters, halves of surrogates and changes of direction could lie to a reader.
    return html.escape("".join(c if c.isprintable() else "\ufffd" for c in text))


def as_format(name: str) -> str:
    return "without floats" if name == "none" else as_text(name, NAME)


def as_number(value: float, digits: int, *, sign: bool = False) -> str:
    text = f"{value:{'+' if sign else ''}.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def as_scale(value: float) -> str:
    return f"{value:#.4g}".rstrip(".").replace("e-0", "e-").replace("-", "−")


def as_db(value: float | None) -> str:
    if value is None or math.isnan(value):
        return NONE
    if value >= NOISELESS_DB:
        return "exact"
    return as_number(value, 1) if math.isfinite(value) else "−∞"


def as_unit(value: float | None) -> str:
    measured = value is not None and -math.inf < value < NOISELESS_DB
    return "\u00a0dB" if measured else ""


def as_bytes(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        value = count / size
        if value >= 0.9995:
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{digits}f}\u00a0{unit}"
    return f"{count}\u00a0B"


def as_ratio(before: int, after: int) -> str:
    if not before or not after or before == after:
        return "the same size" if before == after else ""
    if after < before:
        return f"{before / after:.1f}× smaller"
    return f"{after / before:.1f}× larger"


def as_count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def as_percent(share: float) -> str:
    return f"{100 * share:.3f}".rstrip("0").rstrip(".") + "%"
