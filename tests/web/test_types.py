"""The browser's modules are typed, and what Homebody sends a browser stays small."""

from __future__ import annotations

import json
import posixpath
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from homebody.server import join, vendor
from homebody.server.pages import pages

WEB = Path(__file__).parents[2] / "web"
TSC = WEB / "node_modules" / "typescript" / "bin" / "tsc"


@pytest.mark.skipif(not TSC.exists(), reason="needs npm install in web/")
def test_types_are_clean():
    run = subprocess.run(["node", str(TSC), "-p", str(WEB)], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def modules() -> list[Path]:
    return [path for path in sorted(WEB.rglob("*.js")) if "node_modules" not in path.parts]


def test_modules_import_only_what_the_site_serves():
    for path in modules():
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r'^(?:import|export) .*?from "([^"]+)";$', text, re.MULTILINE):
            assert name.startswith("."), (path, name)
            assert (path.parent / name).is_file(), (path, name)


def test_no_module_is_imported_in_a_circle_by_the_core():
    """A reader may start anywhere: the core's modules form a tree of layers."""
    imports = {
        path: {
            (path.parent / name).resolve()
            for name in re.findall(
                r'^(?:import|\}) .*?from "(\.[^"]+)";$',
                path.read_text(encoding="utf-8"),
                re.MULTILINE,
            )
        }
        for path in modules()
        if "studio" not in path.parts
    }
    left = dict(imports)
    while left:
        free = [path for path, needed in left.items() if not (needed & left.keys()) - {path}]
        assert free, f"a circle among {[path.name for path in left]}"
        for path in free:
            del left[path]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_every_module_of_the_core_parses_in_node():
    for path in [WEB / "bundle.js", WEB / "feature.js", WEB / "engine.js", WEB / "image.js"]:
        command = ["node", "--input-type=module", "-e", f"await import({str(path)!r})"]
        run = subprocess.run(command, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr


def test_a_browser_that_is_too_old_can_still_parse_what_tells_it_so():
    """No syntax that came with WebAssembly SIMD or later, as lookbehind did in Safari 16.4."""
    for path in modules():
        assert not re.search(r"\(\?<[!=]", path.read_text(encoding="utf-8")), path


def used(entry: Path, found: set[Path]) -> set[Path]:
    """The module and all that it imports, at once or later."""
    if entry not in found:
        found.add(entry)
        for name in re.findall(r'(?:from|import)[ (]"(\.[^"]+\.js)"', entry.read_text("utf-8")):
            used((entry.parent / name).resolve(), found)
    return found


def test_what_the_studios_modules_weigh():
    """All that the studio may load of ours, plain and packed; comments are a third of it."""
    brotli = pytest.importorskip("brotli")
    names = ["studio/main.js", "engine/session.js", "export.worker.js", "export/bands.worker.js"]
    found: set[Path] = set()
    for name in [*names, "engine.worker.js", "sw.js", "studio/old.js"]:
        used(WEB / name, found)
    assert {WEB / "image.js", WEB / "filters.js", WEB / "studio/settings.js"} <= found
    assert WEB / "text.js" not in found
    sizes = {str(path): len(brotli.compress(path.read_bytes())) for path in found}
    assert sum(sizes.values()) < 160_000, json.dumps(sizes, indent=1)


def test_what_the_studio_begins_with():
    """The page's and the engine's first modules, as the wheel has them: 40 kB at most."""
    brotli = pytest.importorskip("brotli")
    made = join.joined(WEB, pages(WEB), vendor.DEST / "site")
    if made is None:
        pytest.skip("needs python -m homebody.server.vendor, after the last change to web/")
    found: set[str] = set()
    waiting = ["studio/main.js", "engine.worker.js", "engine/session.js"]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for other in re.findall(r'(?:from|import)"(\.[^"]+)"', made[name].read_text("utf-8")):
            waiting.append(posixpath.normpath(posixpath.join(posixpath.dirname(name), other)))
    sizes = {name: len(brotli.compress(made[name].read_bytes())) for name in sorted(found)}
    assert sum(sizes.values()) <= 40_000, json.dumps(sizes, indent=1)
