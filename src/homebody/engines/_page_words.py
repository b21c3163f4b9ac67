"""How a compiled model's page puts engines, times and ratios into words."""

from __future__ import annotations

from homebody.engines.report import Decibels
from homebody.pages import NAME, NONE, as_text

_COLOURED = ("onnxruntime", "openvino", "litert", "tensorrt")


def engine_class(name: str) -> str:
    """The style of an engine's colour."""
    return f"engine-{name}" if name in _COLOURED else "engine-other"


def engine(name: str) -> str:
    """An engine's name beside its colour."""
    return (
        f'<span class="engine {engine_class(name)}"><i class="swatch"></i>'
        f"{as_text(name, NAME)}</span>"
    )


def ms(seconds: float) -> str:
    """Milliseconds, so that a column of them compares."""
    value = 1e3 * seconds
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:.{digits}f}\u00a0ms"


def db(value: Decibels) -> str:
    """A ratio of signal to noise."""
    if value is None:
        return NONE
    if isinstance(value, str):
        return as_text(value)
    return f"{value:.0f}\u00a0dB".replace("-", "−")


def quicker(seconds: float, rival: float) -> str:
    """How much sooner one is done than another, which takes as long or longer.

    Example:
        >>> quicker(1.0, 1.01), quicker(1.0, 1.2), quicker(1.0, 3.25)
        ('as quick as', '20 % quicker than', '3.3 times as quick as')
    """
    ratio = rival / seconds
    if ratio < 1.015:
        return "as quick as"
    return f"{100 * (ratio - 1):.0f} % quicker than" if ratio < 1.5 else (
        f"{ratio:.1f} times as quick as"
    )  # fmt: skip


def shapes_text(shapes: dict[str, tuple[int, ...]]) -> str:
    """Inputs with their shapes, as HTML; a dimension that is open is any."""
    return ", ".join(
        f"<bdi>{as_text(name, NAME)}</bdi> "
        + "×".join("any" if length == -1 else str(length) for length in lengths)
        for name, lengths in shapes.items()
    )
