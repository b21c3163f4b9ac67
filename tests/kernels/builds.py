"""The kernels built otherwise, and a test's functions run with what was built.

A function runs in a process of its own, with the instrumented library in place of the installed
one, and what it gives comes back as JSON::

    @sanitized
    def test_no_stray_byte_and_no_undefined_behaviour(build):
        assert build().answer(exercise) > 1000

Each build is made once a session.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "kernels"
FLAGS = ("-std=c11", "-g", "-fPIC", "-shared", "-ffp-contract=off", "-fno-math-errno")
CALL = """
import importlib, json, sys
from pathlib import Path
from homebody.kernels import _library
folder, module, function = sys.argv[1:]
_library.NATIVE = Path(folder)
print(json.dumps(getattr(importlib.import_module(module), function)()))
"""

linux = pytest.mark.skipif(platform.system() != "Linux", reason="written for Linux's loader")


def module_of(path: Path) -> Any:
    """A Python file that is in no package, as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Build:
    """A folder with a native library, and what a process that loads it needs in its environment."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def answer(self, function: Callable[[], Any]) -> Any:
        """What a test module's ``function`` gives with this library; the test fails if it dies."""
        where = [str(self.folder), function.__module__, function.__name__]
        run = subprocess.run(
            [sys.executable, "-c", CALL, *where],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, **self.environment},
        )
        assert run.returncode == 0, f"stopped with {run.returncode}\n{run.stderr[-4000:]}"
        return json.loads(run.stdout)


@functools.cache
def _rooms() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="homebody-builds-")  # gone when Python ends


@functools.cache
def _compiled(*command: str) -> Path:
    folder = Path(tempfile.mkdtemp(dir=_rooms().name))
    sources = [str(path) for path in sorted(SOURCES.glob("*.c"))]
    line = [*command, *FLAGS, "-o", str(folder / "libhomebody.so"), *sources]
    run = subprocess.run(line, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder


@functools.cache
def _shipped(compiler: str | None, *extra: str) -> Path:
    """What kernels/build.py builds with this compiler; None: its own choice."""
    folder = Path(tempfile.mkdtemp(dir=_rooms().name))
    build = module_of(SOURCES / "build.py")
    with pytest.MonkeyPatch.context() as patch:
        if compiler is not None:
            patch.setattr(build, "_zig", lambda: None)
            patch.setenv("CC", compiler)
        build.build_native(folder, extra=extra)
    return folder


def plain() -> Build:
    """As it ships, without the processor's own paths."""
    pytest.importorskip("ziglang")
    return Build(_shipped(None, "-DHB_PLAIN"))


def gcc() -> Build:
    """As it ships where gcc is the only compiler."""
    return Build(_shipped(_gcc()))


def undefined(*flags: str) -> Build:
    """Stops at undefined behaviour."""
    pytest.importorskip("ziglang")
    trap = ("-fsanitize=undefined", "-fsanitize-trap=undefined", "-O1")
    return Build(_compiled(sys.executable, "-m", "ziglang", "cc", *trap, *flags))


def bounds(*flags: str) -> Build:
    """Stops at a byte out of bounds."""
    line = [_gcc(), "-print-file-name=libasan.so"]
    runtime = subprocess.run(line, capture_output=True, text=True).stdout.strip()
    if not Path(runtime).is_absolute():
        pytest.skip("gcc has no address sanitizer")
    options = "detect_leaks=0:abort_on_error=1"
    return Build(
        _compiled(_gcc(), "-fsanitize=address", "-O1", "-Wno-psabi", *flags),
        {"LD_PRELOAD": runtime, "ASAN_OPTIONS": options, "PYTHONMALLOC": "malloc"},
    )


def _gcc() -> str:
    found = shutil.which("gcc")
    if found is None:
        pytest.skip("gcc is not installed")
    return found


def sanitized(test: Callable[..., None]) -> Callable[..., None]:
    """Run a test of ``build`` with each sanitizer."""
    marked: Callable[..., None] = linux(pytest.mark.parametrize("build", [undefined, bounds])(test))
    return marked
