"""How a shrink's page puts its names and numbers into words, escaped."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from homebody.pages import FULL_NAME, NAME, NONE, as_number, as_text
from homebody.shrink._measure import NOISELESS_DB
from homebody.shrink.report import OperationReport


def as_format(name: str) -> str:
    return "without floats" if name == "none" else as_text(name, NAME)


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


def as_ratio(before: int, after: int) -> str:
    if not before or not after or before == after:
        return "the same size" if before == after else ""
    if after < before:
        return f"{before / after:.1f}× smaller"
    return f"{after / before:.1f}× larger"


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
