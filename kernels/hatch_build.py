"""Build hook: what the package holds beside its Python, made when it is built or installed.

The compiled kernels, the studio's pages, and the pinned npm files that it runs models with.
"""

from __future__ import annotations

import importlib.util
import platform
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _module(path: Path) -> ModuleType:
    """A module of the standard library alone, loaded by its path: nothing is installed yet."""
    spec = importlib.util.spec_from_file_location(f"homebody_build_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class HomebodyBuildHook(BuildHookInterface[Any]):
    """Compiles ``kernels/*.c``, vendors npm files, and adds ``web/``."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Run before a wheel is assembled, an editable one too.

        The native library has to build. Only the browser needs the WebAssembly modules, so
        where they fail the installation goes on, with a warning.
        """
        root = Path(self.root)
        build = _module(root / "kernels/build.py")
        try:
            build.build_native()
        except build.BuildFailedError as error:
            raise SystemExit(f"homebody: {error}") from None
        try:
            build.build_wasm()
        except build.BuildFailedError as error:
            self.app.display_warning(f"homebody: no browser modules: {error}")
        self._add_studio(root, version, build_data)
        # The library has no Python in it: one wheel serves every Python on this kind of machine.
        build_data["pure_python"] = False
        glibc = platform.libc_ver()[0] == "glibc"
        tag = platform_tag(sysconfig.get_platform(), build.zig_target(), glibc=glibc)
        build_data["tag"] = f"py3-none-{tag}"

    def _add_studio(self, root: Path, version: str, build_data: dict[str, Any]) -> None:
        """Pages into the wheel (an editable one reads ``web/`` itself); LiteRT.js where npm can."""
        server = root / "src/homebody/server"
        vendor = _module(server / "vendor.py")
        if vendor.missing():
            try:
                vendor.vendor()
            except vendor.VendorError as error:
                self.app.display_warning(
                    f"homebody: the studio will lack LiteRT.js: {error}; "
                    "add it later with: python -m homebody.server.vendor"
                )
        web = root / "web"
        pages = _module(server / "pages.py").pages(web)
        join, site = _module(server / "join.py"), vendor.DEST / "site"
        if not vendor.missing() and join.joined(web, pages, site) is None:
            try:
                with vendor.tools() as tools:
                    join.join(web, pages, tools, site)
            except (vendor.VendorError, join.JoinError) as error:
                self.app.display_warning(f"homebody: the studio will load more slowly: {error}")
        if version != "editable":
            for page in pages:
                inside = f"homebody/_web/{page.relative_to(web).as_posix()}"
                build_data["force_include"][str(page)] = inside


def platform_tag(name: str, target: str | None, *, glibc: bool) -> str:
    """The wheel's platform, as old as what was built for it.

    Args:
        name: :func:`sysconfig.get_platform`'s.
        target: what was built for, as Zig names it.
        glibc: whether this Linux has it; others do not take its wheels.

    Example:
        >>> platform_tag("linux-x86_64", "x86_64-linux-gnu.2.17", glibc=True)
        'manylinux_2_17_x86_64'
        >>> platform_tag("macosx-10.9-universal2", "aarch64-macos.11.0", glibc=False)
        'macosx_11_0_arm64'
    """
    machine = (target or "").partition("-")[0]
    if name.startswith("macosx"):
        return f"macosx_11_0_{'arm64' if machine == 'aarch64' else machine}"
    if name.startswith("linux") and target and glibc:
        return f"manylinux_2_17_{machine}"
    return name.replace("-", "_").replace(".", "_")
