"""Where a value of four dimensions has its channels: TFLite's order, ONNX's, and between them."""

from __future__ import annotations

LAST = "last"
"""Channels last, as TFLite's pictures have them; of an ONNX value its second dimension is last."""
FIRST = "first"
"""Channels first: what TFLite has last is second."""
PLAIN = "plain"
"""As ONNX orders a value, whatever its dimensions mean."""

TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
"""The axes' order that turns one into the other."""
