from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from homebody.errors import ServeError
from homebody.server import studio, vendor
from homebody.server.pages import pages
from homebody.server.studio import studio_files

needs_vendored = pytest.mark.skipif(
    bool(vendor.missing()), reason="needs python -m homebody.server.vendor"
)


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    (folder / "studio").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "studio" / "a.js").write_text("export {};")
    (folder / "sw.js").write_text('const VERSION = "development";\n')
    return folder


@pytest.fixture
def vendored(tmp_path: Path, monkeypatch) -> Path:
    folder = tmp_path / "vendored"
    for name in vendor.names():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    (folder / "pins.json").write_text(json.dumps({**vendor.pins(), "tools": []}, sort_keys=True))
    return folder


def facts(files) -> dict:
    return json.loads(files["/studio.json"].read())


def test_developers_files_stay_away(web):
    for name in (
        "package.json",
        "tsconfig.json",
        "worker.d.ts",
        ".secret.js",
        "notes.md",
        "id.pem",
    ):
        (web / name).write_text("x")
    (web / "node_modules").mkdir()
    (web / "node_modules" / "x.js").write_text("x")
    (web / ".git").mkdir()
    (web / ".git" / "x.js").write_text("x")
    found = [path.relative_to(web).as_posix() for path in pages(web)]
    assert found == ["index.html", "studio/a.js", "sw.js"]


def test_studio_json_lists_every_file(web, vendored):
    files = studio_files(web=web, vendored=vendored)
    listed = {one["url"]: one for one in facts(files)["files"]}
    assert set(files) - set(listed) <= {"/studio.json", "/sw.js", "/native/text.wasm"}
    for url, one in listed.items():
        body = files[url].read()
        assert (hashlib.sha256(body).hexdigest(), len(body)) == (one["sha256"], one["size"])
    assert "/" in listed
    assert "/index.html" not in files


def test_what_the_studio_does_not_use_is_served_and_not_kept(web, vendored, tmp_path, monkeypatch):
    native = tmp_path / "package" / "_native"
    native.mkdir(parents=True)
    for name in ("homebody.wasm", "filters.wasm", "text.wasm", "libhomebody.so"):
        (native / name).write_bytes(b"x")
    bundle = studio.default_bundle()
    monkeypatch.setattr(studio, "PACKAGE", native.parent)
    files = studio_files(web=web, vendored=vendored, bundle=bundle)
    listed = {one["url"] for one in facts(files)["files"]}
    assert {url for url in files if url.startswith("/native/")} == {
        "/native/homebody.wasm", "/native/filters.wasm", "/native/text.wasm",
    }  # fmt: skip
    assert {url for url in listed if url.startswith("/native/")} == {
        "/native/homebody.wasm", "/native/filters.wasm",
    }  # fmt: skip


def test_version_follows_every_byte(web, vendored):
    first = facts(studio_files(web=web, vendored=vendored))
    again = facts(studio_files(web=web, vendored=vendored))
    assert first == again
    (web / "studio" / "a.js").write_text("export { };")
    second = studio_files(web=web, vendored=vendored)
    assert facts(second)["version"] != first["version"]
    assert facts(second)["version"] in second["/sw.js"].read().decode()


def test_a_changed_service_worker_is_another_version(web, vendored):
    first = facts(studio_files(web=web, vendored=vendored))["version"]
    (web / "sw.js").write_text('const VERSION = "development";\n// other\n')
    assert facts(studio_files(web=web, vendored=vendored))["version"] != first


def test_bundle_and_updates_are_named(web, vendored):
    updates = {"url": "/repo/web/release.json", "key": "k"}
    files = studio_files(web=web, vendored=vendored, updates=updates)
    said = facts(files)
    assert said["updates"] == updates
    assert said["bundle"]["sha256"] == files[said["bundle"]["url"]].sha256
    assert said["bundle"]["version"].count(".") == 2
    assert facts(studio_files(web=web, vendored=vendored))["updates"] is None


def test_without_vendored_files_one_line_says_how_to_add_them(web, tmp_path):
    with pytest.raises(ServeError, match=r"python -m homebody\.server\.vendor") as caught:
        studio_files(web=web, vendored=tmp_path / "none")
    assert "\n" not in str(caught.value)


def test_without_the_kernels_module_one_line_says_how_to_build_it(
    web, vendored, monkeypatch, tmp_path
):
    monkeypatch.setattr(studio, "PACKAGE", tmp_path)
    with pytest.raises(ServeError, match=r"python kernels/build\.py"):
        studio_files(web=web, vendored=vendored, bundle=tmp_path / "b.hb")


def test_a_missing_bundle_is_one_line(web, vendored, tmp_path):
    with pytest.raises(ServeError, match="absent.hb cannot be read"):
        studio_files(web=web, vendored=vendored, bundle=tmp_path / "absent.hb")


def test_a_bundle_that_is_none_is_one_line(web, vendored, tmp_path):
    (tmp_path / "bad.hb").write_bytes(b"no bundle")
    with pytest.raises(ServeError, match="bad.hb"):
        studio_files(web=web, vendored=vendored, bundle=tmp_path / "bad.hb")


def test_the_pages_are_found():
    assert (studio.web_folder() / "sw.js").is_file()
