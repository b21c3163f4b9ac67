"""Build hook: compiles the C kernels when the package is built or installed."""

from __future__ import annotations

import importlib.util
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _build_module(root: Path) -> ModuleType:
    """``kernels/build.py``, loaded by path: the folder is not a package."""
    spec = importlib.util.spec_from_file_location(
        "homebody_kernels_build", root / "kernels/build.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class KernelBuildHook(BuildHookInterface[Any]):
    """Compiles ``kernels/*.c`` into ``src/homebody/_native/``."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Run before a wheel is assembled, an editable one too.

        The native library has to build. Only the browser needs the WebAssembly module, so where
        that fails the installation goes on, with a warning.
        """
        build = _build_module(Path(self.root))
        try:
            build.build_native()
        except build.BuildFailedError as error:
            raise SystemExit(f"homebody: {error}") from None
        try:
            build.build_wasm()
        except build.BuildFailedError as error:
            self.app.display_warning(f"homebody: no browser module: {error}")
        # The library has no Python in it: one wheel serves every Python on this kind of machine.
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag(sysconfig.get_platform())}"


def platform_tag(platform: str) -> str:
    """The wheel's platform: the library links no C library, so the oldest of each kind will do.

    >>> platform_tag("linux-x86_64"), platform_tag("win-amd64")
    ('manylinux_2_17_x86_64', 'win_amd64')
    """
    tag = platform.replace("-", "_").replace(".", "_")
    system, _, machine = tag.partition("_")
    return f"manylinux_2_17_{machine}" if system == "linux" and machine in _GLIBC else tag


_GLIBC = ("x86_64", "aarch64")
