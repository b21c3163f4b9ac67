"""Compile the C kernels: a native library for Python and WebAssembly modules for the browser.

    python kernels/build.py [--out src/homebody/_native] [--target TRIPLE]

The compiler is Zig's clang, from the ``ziglang`` package (a build requirement), so that nobody
needs one installed; where that package does not exist, ``$CC``, ``cc``, ``gcc`` or ``clang`` builds
the native library alone. No output links a C library.

Python gets all kernels in one library. A page loads what it uses, so the browser gets a module a
purpose, by the sources' names: ``homebody.wasm`` for pictures, ``filters.wasm``, ``text.wasm``.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
OUT = SOURCES.parent / "src" / "homebody" / "_native"

# -ffp-contract=off: a fused multiply-add rounds once where the others round twice.
FLAGS = [
    "-std=c11",
    "-O3",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-ffreestanding",
    "-fvisibility=hidden",
    "-g0",
]
# For the browser: no entry point, no imports, and 128-bit SIMD, which every current engine has.
WASM_FLAGS = ["-nostdlib", "-msimd128", "-Wl,--no-entry", "-Wl,--export-dynamic", "-Wl,--strip-all"]
# Which sources go into which module, by how their names begin; all others are homebody.wasm's.
WASM_PREFIXES = {"filters.wasm": ("filter_", "fleet_"), "text.wasm": ("text",)}
WASM_SHARED = ("abi.c", "memory.c")


class BuildFailedError(Exception):
    """A compiler is missing or refused the sources; the message is one sentence."""


def library_name(system: str) -> str:
    """File name of the native library on ``system``, as :func:`platform.system` names it."""
    return {"Windows": "homebody.dll", "Darwin": "libhomebody.dylib"}.get(system, "libhomebody.so")


def zig_target() -> str | None:
    """Zig's name of this machine, with the oldest system that is served; None: Zig's own choice.

    ``sysconfig`` rather than ``platform`` knows a 32-bit Python on a 64-bit machine, and a macOS
    cross build (``ARCHFLAGS``).
    """
    name = sysconfig.get_platform()
    system, _, machine = name.partition("-")
    machine = machine.rpartition("-")[2]
    machine = {"amd64": "x86_64", "arm64": "aarch64", "i686": "x86", "win32": "x86"}.get(
        machine.lower(), machine
    )
    if system == "macosx":
        if machine == "universal2":
            machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
        return f"{machine}-macos.11.0"
    if system == "linux" and machine in ("x86_64", "aarch64"):
        return f"{machine}-linux-gnu.2.17"
    if system == "win":
        return f"{machine}-windows-gnu"
    if name == "win32":
        return "x86-windows-gnu"
    return None


def _zig() -> list[str] | None:
    return [sys.executable, "-m", "ziglang", "cc"] if importlib.util.find_spec("ziglang") else None


def _system_compiler() -> list[str] | None:
    named = os.environ.get("CC", "").split()
    if named:
        return named
    found = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    return [found] if found else None


def wasm_modules() -> dict[str, list[Path]]:
    """Sources of each WebAssembly module, by its file name; a purpose without sources has none."""
    apart = tuple(prefix for prefixes in WASM_PREFIXES.values() for prefix in prefixes)
    sources = sorted(SOURCES.glob("*.c"))
    shared = [path for path in sources if path.name in WASM_SHARED]
    modules = {"homebody.wasm": [path for path in sources if not path.name.startswith(apart)]}
    for name, prefixes in WASM_PREFIXES.items():
        own = [path for path in sources if path.name.startswith(prefixes)]
        if own:
            modules[name] = shared + own
    return modules


def _compile(command: list[str], sources: list[Path], out: Path) -> Path:
    """Run a compiler that writes beside ``out``; put the result into place when it succeeded."""
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".build-") as folder:
        built = Path(folder) / out.name
        line = [*command, "-o", str(built), *map(str, sources)]
        environment = dict(os.environ)
        if not os.access(Path.home(), os.W_OK):  # Zig keeps a cache and does not ask where
            environment.setdefault("ZIG_GLOBAL_CACHE_DIR", str(Path(folder) / "zig"))
        try:
            run = subprocess.run(line, capture_output=True, text=True, env=environment)
        except OSError as error:
            raise BuildFailedError(
                f"the compiler {command[0]} does not start ({error.strerror}); "
                "set CC to one that does, or pip install ziglang"
            ) from None
        if run.returncode != 0 or not built.exists():
            sys.stderr.write(run.stderr)
            raise BuildFailedError(
                f"compiling {out.name} failed, and the compiler's own words are above; "
                "python kernels/build.py repeats it alone"
            )
        os.replace(built, out)
    return out


def build_native(
    out_dir: Path = OUT, target: str | None = None, extra: tuple[str, ...] = ()
) -> Path:
    """Compile the library that :mod:`homebody.kernels` loads.

    Args:
        out_dir: folder to put it into; made if absent.
        target: Zig's triple to build for, instead of this machine.
        extra: more compiler arguments, e.g. a sanitizer's.

    Raises:
        BuildFailedError: there is no compiler, or it refuses the sources.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    zig = _zig()
    compiler = zig or _system_compiler()
    if compiler is None:
        raise BuildFailedError(
            "no C compiler was found to build Homebody's kernels; pip install ziglang, or set CC"
        )
    flags = [*FLAGS, "-shared"]
    target = target or zig_target()
    system = platform.system()
    if zig and target:
        flags += ["-target", target]
        system = "Windows" if "windows" in target else "Darwin" if "macos" in target else "Linux"
    if system != "Windows":
        flags += ["-fPIC"]
    if system == "Linux" and zig and not extra:
        flags += ["-nostdlib"]
    sources = sorted(SOURCES.glob("*.c"))
    return _compile([*compiler, *flags, *extra], sources, out_dir / library_name(system))


def build_wasm(out_dir: Path = OUT) -> list[Path]:
    """Compile the WebAssembly modules, which export the functions of their sources.

    Raises:
        BuildFailedError: Zig is not installed, or it refuses the sources.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    zig = _zig()
    if zig is None:
        raise BuildFailedError("WebAssembly needs the ziglang package; pip install ziglang")
    command = [*zig, "-target", "wasm32-freestanding", *FLAGS, *WASM_FLAGS]
    return [_compile(command, sources, out_dir / name) for name, sources in wasm_modules().items()]


def main(arguments: list[str] | None = None) -> int:
    """Build all; return the process's exit code."""
    parser = argparse.ArgumentParser(description="Compile Homebody's C kernels.")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the outputs")
    parser.add_argument("--target", help="build the native library for this Zig triple")
    options = parser.parse_args(arguments)
    try:
        for built in [build_native(options.out, options.target), *build_wasm(options.out)]:
            print(f"{built}  {built.stat().st_size:,} bytes")
    except BuildFailedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
