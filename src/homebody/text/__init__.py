"""Text: strings to numbers, split and mapped the same way everywhere.

Every operation takes a str or bytes, a list of them, a numpy or Arrow array of strings,
:class:`Strings`, or :class:`Ragged` strings, and gives arrays, Strings or Ragged. What is computed
is computed in C (``kernels/text*.c``), and the browser runs the same sources.
"""

from __future__ import annotations

from homebody.text._ragged import Ragged
from homebody.text._strings import Malformed, Strings

__all__ = [
    "Malformed",
    "Ragged",
    "Strings",
]
