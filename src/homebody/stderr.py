"""Keep other libraries' greetings off standard error.

LiteRT and TensorFlow write a line or two from C++ when they start and offer no switch for it in
Python. A command line whose standard error means trouble cannot have that.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_lines(greeting: re.Pattern[bytes]) -> Iterator[None]:
    """Hold standard error back during the block, then pass on all lines but the greeting's.

    Works on the file descriptor, since the lines come from C++; one thread at a time may use it.

    Args:
        greeting: matched at the beginning of a line.
    """
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
                if not greeting.match(line):
                    os.write(2, line)
