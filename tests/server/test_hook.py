"""The wheel's build hook: an installation without npm succeeds and says what it lacks."""

from __future__ import annotations

import importlib.util
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from homebody.server import join, vendor

ROOT = Path(__file__).resolve().parents[2]
HOOK = ROOT / "kernels" / "hatch_build.py"

pytest.importorskip("hatchling", reason="needs pip install hatchling")


@pytest.fixture
def hook(monkeypatch):
    """The hook, with its own view of the vendoring module and a record of warnings."""
    spec = importlib.util.spec_from_file_location("hook_under_test", HOOK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    warnings: list[str] = []
    made = module.HomebodyBuildHook.__new__(module.HomebodyBuildHook)
    monkeypatch.setattr(
        type(made), "app", SimpleNamespace(display_warning=warnings.append), raising=False
    )
    load = module._module
    faked = SimpleNamespace(
        VendorError=vendor.VendorError,
        missing=lambda: ["a"],
        vendor=None,
        tools=lambda: nullcontext({"esbuild-wasm": Path("esbuild")}),
        DEST=Path("dest"),
    )
    joining = SimpleNamespace(
        JoinError=join.JoinError,
        joined=lambda *_: {},
        join=lambda *arguments: asked.append(arguments),
    )
    asked: list[tuple] = []
    fakes = {"vendor.py": faked, "join.py": joining}
    monkeypatch.setattr(module, "_module", lambda path: fakes.get(path.name) or load(path))
    return SimpleNamespace(
        add=made._add_studio, warnings=warnings, vendor=faked, join=joining, asked=asked
    )


def refuse():
    raise vendor.VendorError("npm was not found; install Node.js with npm and run this again")


def test_installation_goes_on_without_npm(hook):
    hook.vendor.vendor = refuse
    data = {"force_include": {}}
    hook.add(ROOT, "standard", data)
    assert len(hook.warnings) == 1
    assert "npm was not found" in hook.warnings[0]
    assert "python -m homebody.server.vendor" in hook.warnings[0]
    assert "homebody/_web/sw.js" in data["force_include"].values()


def test_nothing_is_fetched_that_is_there(hook):
    hook.vendor.missing = list
    hook.vendor.vendor = refuse
    hook.add(ROOT, "standard", {"force_include": {}})
    assert hook.warnings == []


def test_the_pages_are_joined_where_that_was_not_done_to_them(hook):
    hook.vendor.missing = list
    hook.add(ROOT, "editable", {"force_include": {}})
    assert hook.asked == []
    hook.join.joined = lambda *_: None
    hook.add(ROOT, "editable", {"force_include": {}})
    [(web, pages, tools, site)] = hook.asked
    assert (web, site) == (ROOT / "web", Path("dest/site"))
    assert tools == {"esbuild-wasm": Path("esbuild")}
    assert web / "studio" / "main.js" in pages
    assert hook.warnings == []


def test_installation_goes_on_where_the_pages_cannot_be_joined(hook):
    def fail(*_):
        raise join.JoinError("the studio's modules cannot be joined")

    hook.vendor.missing = list
    hook.join.joined = lambda *_: None
    hook.join.join = fail
    data = {"force_include": {}}
    hook.add(ROOT, "standard", data)
    assert len(hook.warnings) == 1
    assert "cannot be joined" in hook.warnings[0]
    assert "homebody/_web/sw.js" in data["force_include"].values()


def test_editable_installations_read_the_checkout(hook):
    hook.vendor.missing = list
    data = {"force_include": {}}
    hook.add(ROOT, "editable", data)
    assert data == {"force_include": {}}


def test_the_wheel_gets_pages_and_no_developers_files(hook):
    hook.vendor.missing = list
    data = {"force_include": {}}
    hook.add(ROOT, "standard", data)
    inside = set(data["force_include"].values())
    assert {"homebody/_web/update.js", "homebody/_web/update/release.js"} <= inside
    assert not any("node_modules" in name or name.endswith(".ts") for name in inside)
    assert "homebody/_web/package.json" not in inside
    assert "homebody/_web/tsconfig.json" not in inside
