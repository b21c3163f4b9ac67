"""Keep the runtime's greeting off standard error.

LiteRT writes ``INFO: Created TensorFlow Lite XNNPACK delegate for CPU.`` from C++ when its first
model is made, and its Python package has no switch for it. A command line whose standard error
means trouble cannot have that.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_GREETING = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."
_lock = threading.Lock()
_greeted = False


@contextmanager
def without_greeting() -> Iterator[None]:
    """Hold standard error back while the first model is made, and pass on all but the greeting."""
    global _greeted
    with _lock:
        if _greeted:
            yield
            return
        _greeted = True
        try:
            kept = os.dup(2)
        except OSError:  # standard error is closed, so nobody hears the greeting
            yield
            return
        with tempfile.TemporaryFile() as held:
            os.dup2(held.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(kept, 2)
                os.close(kept)
                held.seek(0)
                for line in held:
                    if line.strip() != _GREETING:
                        os.write(2, line)
