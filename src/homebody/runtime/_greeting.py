"""LiteRT's greeting, which its first model writes to standard error."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from homebody.stderr import without_lines

_GREETING = re.compile(rb"INFO: Created TensorFlow Lite XNNPACK delegate for CPU\.")
_lock = threading.Lock()
_greeted = False


@contextmanager
def without_greeting() -> Iterator[None]:
    """Drop the greeting while the first model of this process is made; later ones are silent."""
    global _greeted
    with _lock:
        if _greeted:
            yield
            return
        _greeted = True
        with without_lines(_GREETING):
            yield
