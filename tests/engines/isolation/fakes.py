"""Engines that end, hang or talk as engines do when they go wrong, in whatever process builds."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import threading

import numpy as np

from homebody.engines.onnxruntime import OnnxRuntime
from tests.engines.astray import astray

BUILDER = "HOMEBODY_TEST_PARENT"
"""The environment names the process that tests: a fake that ends that one instead has failed."""


class _Fake(OnnxRuntime):
    name = "fake"

    def build(self, segment, options):
        assert str(os.getpid()) != os.environ.get(BUILDER), "built where the tests run"
        self.go_wrong(segment)
        return super().build(segment, options)

    def go_wrong(self, segment) -> None:
        """Whatever it does before it builds."""


class Sound(_Fake):
    """Builds."""


class Segfault(_Fake):
    """Reads what is not there."""

    def go_wrong(self, segment):
        ctypes.string_at(0)


class Abort(_Fake):
    """Gives up with its reason on standard error, as C++ does."""

    def go_wrong(self, segment):
        os.write(2, b"a line before\nCheck failed: shapes.size() == 2 (1 vs. 2)\n")
        os.abort()


class Exit(_Fake):
    """Ends the process as if it were its own."""

    def go_wrong(self, segment):
        os._exit(3)


class Killed(_Fake):
    """Is ended from outside while it builds, as by the system when memory runs out."""

    def go_wrong(self, segment):
        os.kill(os.getpid(), signal.SIGKILL)


class Hang(_Fake):
    """Never comes back."""

    def go_wrong(self, segment):
        threading.Event().wait()


class Hungry(_Fake):
    """Takes more memory than it is given."""

    def go_wrong(self, segment):
        np.ones(1 << 31, np.uint8)


class Noisy(_Fake):
    """Writes what looks like a reply, and much more, to standard output, from Python and from C."""

    def go_wrong(self, segment):
        print("\0" * 100_000, flush=True)
        os.write(1, b"\1" + bytes(15) + b"\x82" * 100_000)


class Nonsense(_Fake):
    """Writes into every open file, the replies' own among them."""

    def go_wrong(self, segment):
        for number in range(3, 64):
            try:
                os.write(number, b"\xff" * 64)
            except OSError:
                continue


class Raises(_Fake):
    """Raises what no engine should."""

    def go_wrong(self, segment):
        raise ZeroDivisionError("by zero")


class Unsaved(_Fake):
    """Builds, and cannot save; built where the tests run too, once it has been built apart."""

    def build(self, segment, options):
        made = OnnxRuntime.build(self, segment, options)
        made.save = lambda: None
        return made


class Forgetful(_Fake):
    """Saves another network than it built."""

    def build(self, segment, options):
        made = super().build(segment, options)
        self.built = True
        return made

    def load(self, saved, segment, options):
        return astray(super().load(saved, segment, options))


class LoadCrashes(_Fake):
    """Builds and saves what crashes when it is loaded."""

    def load(self, saved, segment, options):
        os.abort()


class RunCrashes(_Fake):
    """Builds what crashes when it first runs."""

    def build(self, segment, options):
        made = super().build(segment, options)
        made.bind = lambda inputs, outputs: os.abort
        return made


class Gated(_Fake):
    """Crashes at rows of three, first once somebody has closed the pipe that ``GATE`` names."""

    def go_wrong(self, segment):
        if segment.inputs[0].shape[1] == 3:
            with contextlib.suppress(FileNotFoundError), open(os.environ["GATE"], "rb") as gate:
                gate.read()
            os.abort()
