"""From ``homebody publish`` to the browser's engine: what is signed, whole and right comes in."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from homebody import bundle, deliver
from homebody.server.local import LocalServer
from homebody.server.repository import Repository
from homebody.server.serving import Serving
from homebody.server.site import Site
from homebody.server.studio import default_bundle, studio_files
from tests.web.sites import KEY, RELEASE, Origin, public, release

ATTACKS = Path(__file__).resolve().parents[2] / "attacks" / "bundle"
START = """async () => {
  const { Engine } = await import("/engine.js");
  const { Updates } = await import("/update.js");
  window.engine = await Engine.start({ base: new URL("/", location.href) });
  window.notices = [];
  const onNotice = (notice) => notices.push(notice);
  window.updates = await Updates.start({ engine, onNotice, interval: 0 });
  await navigator.serviceWorker.ready;
}"""
CHECK = "() => updates.check()"
VERSION = "() => engine.ready.bundle.version"


def variant(path: Path, version: str, *, stray: bool = False) -> Path:
    """The default bundle as another version; ``stray`` exchanges what two samples should give."""
    with bundle.open(default_bundle()) as opened:
        manifest = replace(opened.manifest, version=version)
        entries = {name: opened.read(name) for name in opened.manifest.entries}
    if stray:
        one, other = "samples/food/output-0.raw", "samples/night/output-0.raw"
        entries[one], entries[other] = entries[other], entries[one]
    bundle.write(path, manifest, entries)
    return path


@pytest.fixture
def published(tmp_path, site_files):
    """Publish a bundle's file; the studio's site, and each single module, then offers it."""
    repository, keys = tmp_path / "repository", tmp_path / "keys"

    def publish(path: Path) -> Site:
        deliver.publish(repository, [path], keys=[keys])
        files = Serving(Repository(repository), compress=False).site().files
        return Site({**site_files, **files})

    return publish


def visit(page, server: LocalServer) -> None:
    page.goto(f"{server.url}blank.html")
    page.evaluate(START)


def test_a_published_bundle_reaches_the_engine_and_can_be_taken_back(
    page, serve, published, tmp_path
):
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    own = page.context  # one profile throughout
    server = serve(published(variant(tmp_path / "1" / "for-this-photo.hb", "1.1.0")))
    visit(page, server)
    before = page.evaluate(VERSION)
    assert page.evaluate(CHECK)["kind"] == "updated"
    assert page.evaluate(VERSION) == "1.1.0" != before
    visit(page, server)
    assert page.evaluate(VERSION) == "1.1.0", "the next start begins with it"

    server.site = published(variant(tmp_path / "2" / "for-this-photo.hb", "1.2.0"))
    assert page.evaluate(CHECK)["version"] == "1.2.0"
    assert page.evaluate("() => updates.rollback()")["kind"] == "rolled-back"
    assert page.evaluate(VERSION) == "1.1.0"
    assert len(own.pages) == 1


HOSTILE = (
    "bomb",
    "cut-in-data",
    "deflated",
    "model-elsewhere",
    "overlap",
    "traversal",
    "wrong-hash",
)


def test_hostile_bundles_are_refused_though_signed(page, serve, site_files, tmp_path):
    files = studio_files(updates={"url": RELEASE, "key": public(KEY)})
    origin = Origin({**site_files, **files})
    server = serve(origin)
    visit(page, server)
    before = page.evaluate("() => JSON.stringify(engine.ready.bundle)")
    attacks = {name: (ATTACKS / f"{name}.hb").read_bytes() for name in HOSTILE}
    attacks["strays"] = variant(tmp_path / "strays.hb", "1.1.0", stray=True).read_bytes()
    attacks["nothing"] = b"\0"
    for number, (name, body) in enumerate(attacks.items(), 1):
        origin.put(release(body, version=number))
        said = page.evaluate(CHECK)
        assert (said["kind"], said["reason"]) == ("kept", "check"), name
        assert page.evaluate("() => JSON.stringify(engine.ready.bundle)") == before, name
    origin.put(release(variant(tmp_path / "good.hb", "1.1.0").read_bytes(), version=99))
    assert page.evaluate(CHECK)["kind"] == "updated"
