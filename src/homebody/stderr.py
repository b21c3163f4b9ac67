"""Keep other libraries' greetings and complaints off standard error.

LiteRT and TensorFlow write a line or two from C++ when they start, libtiff one for each flaw that
it finds, and none offers a switch for it in Python. A command line whose standard error means
trouble, and tells it in one line, cannot have that.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.RLock()


@contextmanager
def without_lines(unwanted: re.Pattern[bytes]) -> Iterator[None]:
    """Hold standard error back during the block, then pass on all but the unwanted lines.

    Works on the file descriptor, since the lines come from C and C++; threads take turns.

    Args:
        unwanted: matched at the beginning of a line.
    """
    with _lock, _held_back(unwanted):
        yield


@contextmanager
def _held_back(unwanted: re.Pattern[bytes]) -> Iterator[None]:
    try:
        kept = os.dup(2)
    except OSError:  # standard error is closed, so nobody hears them
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
                if not unwanted.match(line):
                    os.write(2, line)
