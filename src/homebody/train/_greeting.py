"""Keep TensorFlow's greetings off standard error.

TensorFlow writes lines about its own build from C++ when it is imported, before it looks at any
switch for them.
"""

from __future__ import annotations

import os
import re
import sys

from homebody.stderr import without_lines

_GREETING = re.compile(rb"WARNING: All log messages before absl::|I0000 .*oneDNN custom operations")


def import_tensorflow() -> None:
    """Import TensorFlow, and pass on all that it writes but its greetings.

    Raises:
        ImportError: it is not installed.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with without_lines(_GREETING):
        import tensorflow  # noqa: F401
