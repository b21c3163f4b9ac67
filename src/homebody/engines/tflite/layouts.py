"""Where a value has its channels: TFLite's order, ONNX's, and between them."""

from __future__ import annotations

LAST = "last"
"""Channels last, as TFLite's pictures have them; of an ONNX value its second dimension is last."""
FIRST = "first"
"""Channels first: what TFLite has last is second."""
PLAIN = "plain"
"""As ONNX orders a value, whatever its dimensions mean."""


def to_last(rank: int) -> tuple[int, ...]:
    """The order of axes that puts the second one last.

    Example:
        >>> to_last(4)
        (0, 2, 3, 1)
    """
    return (0, *range(2, rank), 1)


def to_first(rank: int) -> tuple[int, ...]:
    """The order of axes that puts the last one second.

    Example:
        >>> to_first(4)
        (0, 3, 1, 2)
    """
    return (0, rank - 1, *range(1, rank - 1))


TO_LAST, TO_FIRST = to_last(4), to_first(4)
