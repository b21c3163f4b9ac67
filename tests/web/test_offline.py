"""The studio without its server: what a service worker keeps, it keeps whole."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from homebody.server.site import Site, file_of
from tests.web.sites import Origin, listed, small_site
from tests.web.studio import COAST, add, export, presets, visit

# Keeps an empty page up to date, as the studio does with its own.
START = """async () => {
  const { Updates } = await import("/update.js");
  window.notices = [];
  const engine = { useBundle: async () => {} };
  window.updates = await Updates.start({ engine, onNotice: (n) => notices.push(n), interval: 0 });
}"""
SHELLS = "async () => (await caches.keys()).filter((name) => name.startsWith('homebody-shell'))"
KEPT = f"""async () => {{
  const cache = await caches.open((await ({SHELLS})())[0]);
  return (await cache.keys()).map((request) => new URL(request.url).pathname);
}}"""


def said(page, *kinds: str) -> dict:
    """The first notice of one of these kinds, waited for."""
    found = f"() => notices.find(({{ kind }}) => {json.dumps(kinds)}.includes(kind))"
    return page.wait_for_function(found).json_value()


def start(page, url: str) -> dict:
    """Open an empty page that keeps the site; say how keeping it ended."""
    page.goto(f"{url}/blank.html")
    page.evaluate(START)
    return said(page, "offline-ready", "kept", "unsupported")


@pytest.fixture
def small_files(site_files) -> dict:
    return small_site(site_files)


def test_everything_works_after_the_server_is_gone(context, watch, studio_process):
    page = context.new_page()
    page.goto(studio_process.url)
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    studio_process.kill()
    page.reload()
    add(page, COAST)
    six = presets(page)
    assert len(six) == 6
    page.keyboard.press("e")
    assert Path(export(page).path()).stat().st_size > 10_000
    second = context.new_page()
    visit(second, studio_process.url.rstrip("/"), COAST)
    assert presets(second) == six
    watch.require_clean()


def test_the_whole_site_is_kept(page, site, site_files):
    assert start(page, site)["kind"] == "offline-ready"
    kept = set(page.evaluate(KEPT))
    whole = {one["url"] for one in json.loads(site_files["/studio.json"].read())["files"]}
    variants = {url for url in whole if "/litert_wasm_" in url}
    assert kept - variants == whole - variants | {"/studio.json"}
    assert len(kept & variants) == 2, "the one variant of LiteRT that this browser loads"


def test_what_the_browser_took_away_is_put_back(page, serve, small_files):
    start(page, serve(Site(small_files)).url.rstrip("/"))
    name = page.evaluate(SHELLS)[0]
    page.evaluate(f"async () => (await caches.open('{name}')).delete('/errors.js')")
    assert "/errors.js" not in page.evaluate(KEPT)
    assert page.evaluate("async () => (await fetch('/errors.js')).status") == 200
    assert "/errors.js" in page.evaluate(KEPT)


def test_after_all_is_taken_away_the_network_serves(page, site):
    start(page, site)
    page.evaluate(
        "async () => { for (const name of await caches.keys()) await caches.delete(name); }"
    )
    visit(page, site, COAST)
    assert len(presets(page)) == 6


def changed(files) -> dict:
    """A newer version of the site: it has one more file."""
    return listed(files, {**files, "/news.txt": file_of(b"news", "text/plain")})


def test_a_site_that_contradicts_itself_is_not_kept(page, watch, serve, small_files):
    files = changed(small_files)
    server = serve(Site({**files, "/news.txt": file_of(b"n3ws", "text/plain")}))
    notice = start(page, server.url.rstrip("/"))
    assert (notice["kind"], notice["reason"]) == ("kept", "install")
    assert "/news.txt" in notice["message"]
    assert page.evaluate(SHELLS) == []
    watch.errors.clear()


def test_a_newer_site_waits_while_a_photo_is_edited(page, watch, serve, small_files):
    server = serve(Site(small_files))
    url = server.url.rstrip("/")
    start(page, url)
    page.evaluate("() => { updates.editing = true; }")
    first = page.evaluate(SHELLS)
    server.site = newer = Origin(changed(small_files))
    page.evaluate("() => { updates.check(); }")
    said(page, "restart")
    # Only what changed was fetched.
    assert sorted(set(newer.asked)) == ["/news.txt", "/studio.json", "/sw.js"]
    assert page.evaluate("() => updates.activate()") is False
    assert page.evaluate("async () => (await fetch('/news.txt', {method: 'HEAD'})).status") == 200
    assert len(page.evaluate(SHELLS)) == 2

    other = page.context.new_page()
    other.goto(f"{url}/blank.html")
    assert other.evaluate(SHELLS) == page.evaluate(SHELLS)
    page.evaluate("() => { updates.editing = false; }")
    page.wait_for_function("async () => (await navigator.locks.query()).held.length === 0")
    with page.expect_navigation():
        page.evaluate("() => { updates.activate(); }")
    page.wait_for_function(f"async () => (await ({SHELLS})()).length === 1")
    assert page.evaluate(SHELLS) != first
    assert page.evaluate("async () => (await fetch('/news.txt')).text()") == "news"


def test_another_page_that_edits_keeps_the_old_site(page, serve, small_files):
    server = serve(Site(small_files))
    url = server.url.rstrip("/")
    start(page, url)
    other = page.context.new_page()
    other.goto(f"{url}/blank.html")
    other.evaluate(START)
    other.evaluate("() => { updates.editing = true; }")
    other.wait_for_function("async () => (await navigator.locks.query()).held.length === 1")
    server.site = Site(changed(small_files))
    page.evaluate("() => { updates.check(); }")
    said(page, "restart")
    assert page.evaluate("() => updates.activate()") is False
    other.close()
    page.wait_for_function("async () => (await navigator.locks.query()).held.length === 0")
    with page.expect_navigation():
        page.evaluate("() => { updates.activate(); }")  # its answer may not outlive the page


def test_a_newer_site_that_does_not_come_whole_changes_nothing(page, watch, serve, small_files):
    server = serve(Site(small_files))
    start(page, server.url.rstrip("/"))
    before = page.evaluate(SHELLS)
    files = changed(small_files)
    del files["/news.txt"]
    server.site = Site(files)
    page.evaluate("() => { updates.check(); }")
    assert "404" in said(page, "kept")["message"]
    page.wait_for_function(f"async () => (await ({SHELLS})()).length === 1")
    assert page.evaluate(SHELLS) == before
    page.reload()
    assert page.evaluate(SHELLS) == before
    watch.errors.clear()


def test_without_room_the_studio_works_online(page, watch, site):
    page.goto(f"{site}/blank.html")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": site, "quotaSize": 2_000_000})
    page.evaluate(START)
    notice = said(page, "offline-ready", "kept")
    assert (notice["kind"], notice["reason"]) == ("kept", "storage")
    assert page.evaluate(SHELLS) == []
    visit(page, site, COAST)
    assert len(presets(page)) == 6
    watch.errors.clear()


@pytest.mark.parametrize("status", [500, 404])
def test_without_a_listing_nothing_is_kept(page, watch, serve, small_files, status):
    failing = Origin(small_files)
    server = serve(failing)
    page.goto(f"{server.url}blank.html")
    failing.instead["/studio.json"] = lambda right: replace(right, status=status)
    page.evaluate(START)
    notice = said(page, "offline-ready", "kept")
    assert (notice["kind"], notice["reason"]) == ("kept", "install")
    assert str(status) in notice["message"]
    assert page.evaluate(SHELLS) == []
    watch.errors.clear()
