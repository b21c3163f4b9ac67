"""Time functions in one process, in turn, so that a slow moment of the machine falls on all."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody import kernels
from homebody.image import decode

PHOTO = Path(__file__).resolve().parents[1] / "examples" / "dandelions.jpg"


def twelve_megapixels(photo: Path) -> NDArray[np.uint8]:
    """The photo's colours at 4000 x 3000, with some grain: a flat upscaling is no photo."""
    large = kernels.resize(decode(photo).pixels, 4000, 3000)
    return kernels.grain(large, 15, 0, seed=1)


def seconds(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """The median wall time of each call over ``rounds`` rounds, after one to warm up."""
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in times.items()}


def processor() -> str:
    """The processor's name, as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def report(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], facts: dict[str, Any], *,
    as_json: bool,
) -> None:  # fmt: skip
    """Print a Markdown table with what it was measured on, or the same as JSON."""
    facts = {"processor": processor(), "cores": os.cpu_count(), "system": platform.platform(),
             "python": platform.python_version(), **facts}  # fmt: skip
    if as_json:
        table = [dict(zip(columns, row, strict=True)) for row in rows]
        print(json.dumps({"title": title, "rows": table, **facts}))
        return
    print(f"### {title}\n")
    print("| " + " | ".join(columns) + " |")
    print("|---" * len(columns) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print("\n" + "; ".join(f"{name} {value}" for name, value in facts.items()))
