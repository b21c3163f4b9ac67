"""How the report page puts names and numbers into words, escaped."""

from __future__ import annotations

import html
import math
from collections import Counter
from collections.abc import Sequence

from homebody.shrink._measure import NOISELESS_DB
from homebody.shrink.report import OperationReport

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


class Names:
    """Short names: of fused operations the first, without the path that most of them share."""

    def __init__(self, operations: Sequence[OperationReport]) -> None:
        paths = [op.name.partition(";")[0].split("/")[:-1] for op in operations]
        self.prefix, depth = "", 0
        while True:
            steps = Counter(path[depth] for path in paths if len(path) > depth)
            step, count = max(steps.items(), key=lambda item: item[1], default=("", 0))
            if count < 2 or 2 * count <= len(operations):
                return
            paths = [path for path in paths if len(path) > depth and path[depth] == step]
            self.prefix, depth = f"{self.prefix}{step}/", depth + 1

    def short(self, name: str) -> str:
        """The name's telling part, as HTML."""
        first = name.partition(";")[0].removeprefix(self.prefix) or name
        return as_text(first, NAME)

    def tag(self, name: str) -> str:
        """The short name, as HTML that reveals the whole one."""
        short = self.short(name).replace("/", "/<wbr>").replace("_", "_<wbr>")
        return f'<bdi title="{as_text(name, FULL_NAME)}">{short}</bdi>'
