"""How report pages put names and numbers into words, escaped."""

from __future__ import annotations

import html

NAME, FULL_NAME = 80, 1000
"""Characters of a name in sight, and of the one that a pointer reveals."""
NONE = '<span aria-hidden="true">–</span><span class="hidden">none</span>'
"""What stands in a cell without a value."""


def as_text(text: str, length: int = FULL_NAME) -> str:
    """Any text as HTML: escaped, visible, and shortened in its middle.

    Example:
        >>> as_text("<b>"), as_text("abcdefghij", 6)
        ('&lt;b&gt;', 'abcd…j')
    """
    if len(text) > length:
        text = f"{text[: length * 2 // 3]}…{text[len(text) - length // 3 + 1 :]}"
    # Control characters, halves of surrogates and changes of direction could lie to a reader.
    return html.escape("".join(c if c.isprintable() else "\ufffd" for c in text))


def as_number(value: float, digits: int, *, sign: bool = False) -> str:
    """A number with as many decimals and a true minus.

    Example:
        >>> as_number(-1.25, 1), as_number(-0.01, 1), as_number(2, 0, sign=True)
        ('−1.2', '0.0', '+2')
    """
    text = f"{value:{'+' if sign else ''}.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")


def as_bytes(count: int) -> str:
    """Bytes in decimal units, three digits of them.

    Example:
        >>> as_bytes(1_284_000).replace("\\u00a0", " ")
        '1.28 MB'
    """
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        value = count / size
        if value >= 0.9995:
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{digits}f}\u00a0{unit}"
    return f"{count}\u00a0B"


def as_seconds(seconds: float) -> str:
    """A duration in the unit that gives it three digits.

    Example:
        >>> [as_seconds(s).replace("\\u00a0", " ") for s in (0, 4.2e-6, 1.234e-3, 0.5, 75)]
        ['0 µs', '4.2 µs', '1.23 ms', '500 ms', '75.0 s']
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        value = seconds / size
        if value >= 0.9995:
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{digits}f}\u00a0{unit}"
    value = 1e6 * seconds
    return f"{value:.{1 if 0 < value < 9.95 else 0}f}\u00a0µs"


def as_count(number: int, what: str) -> str:
    """So many of something.

    Example:
        >>> as_count(1, "node"), as_count(2000, "node")
        ('1 node', '2,000 nodes')
    """
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def as_percent(share: float) -> str:
    """A share as CSS and SVG read it.

    Example:
        >>> as_percent(0.5), as_percent(1 / 3)
        ('50%', '33.333%')
    """
    return f"{100 * share:.3f}".rstrip("0").rstrip(".") + "%"
