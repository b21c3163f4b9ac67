"""Updates in the browser under attack: the device keeps what it has, and says why."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest

from homebody.server.site import Slice
from tests.web.sites import (
    KEY,
    OTHER_KEY,
    RELEASE,
    Origin,
    cut,
    listed,
    public,
    release,
    signed,
    small_site,
    status,
    text,
)

START = """async ({ patience }) => {
  const { Updates } = await import("/update.js");
  window.notices = [];
  window.used = [];
  const use = (what) => async (bytes) => {
    const words = bytes && new TextDecoder().decode(bytes);
    if (words?.startsWith("bad")) throw new Error("strays from its samples");
    used.push([what, words]);
  };
  const engine = { useBundle: use("bundle"), useCatalog: use("catalog") };
  const onNotice = (notice) => notices.push(notice);
  window.updates = await Updates.start({ engine, onNotice, interval: 0, patience });
}"""
CHECK = "() => updates.check()"
STUDIO = "async () => (await fetch('/studio.json')).json()"


class Device:
    """A browser that has seen a site whose bundle and catalog are updated."""

    def __init__(self, page, url: str, origin: Origin) -> None:
        self.page, self.url, self.origin = page, url, origin

    def load(self, patience: int = 20_000) -> None:
        """Load the page, anew if it was loaded before."""
        self.page.goto(f"{self.url}blank.html")
        self.page.evaluate(START, {"patience": patience})
        self.page.evaluate("async () => { await navigator.serviceWorker.ready; }")
        self.page.wait_for_function("() => navigator.serviceWorker.controller !== null")

    def check(self) -> tuple[str, str | None]:
        said = self.page.evaluate(CHECK)
        return said["kind"], said.get("reason")

    @property
    def used(self) -> list:
        """What the engine was given since the page was loaded."""
        return self.page.evaluate("() => used")

    @property
    def bundle(self) -> dict:
        """The bundle that the next load of the studio starts with."""
        return self.page.evaluate(STUDIO)["bundle"]


@pytest.fixture
def device(page, serve, site_files) -> Device:
    updates = {"url": RELEASE, "key": public(KEY)}
    origin = Origin(small_site(site_files, updates))
    made = Device(page, serve(origin).url, origin)
    made.load()
    return made


def test_a_signed_newer_bundle_is_used_now_and_next_time(device):
    device.origin.put(release(b"better bundle"))
    assert device.check() == ("updated", None)
    assert device.used == [["bundle", "better bundle"]]
    bundle = device.bundle
    assert bundle["version"] == "1.1.0"
    assert device.page.evaluate(f"async () => (await fetch('{bundle['url']}')).text()") == (
        "better bundle"
    )
    assert device.check() == ("current", None)
    device.load()
    assert device.bundle == bundle


def test_only_what_changed_is_fetched(device):
    device.origin.put(release(b"better bundle"))
    device.check()
    device.origin.asked.clear()
    device.check()
    assert set(device.origin.asked) - {"/sw.js"} == {RELEASE, f"{RELEASE}.sig"}


def test_the_sites_own_bundle_is_no_update(device):
    device.origin.put(release(b"own bundle"))
    assert device.check() == ("current", None)
    assert device.used == []


def test_a_catalog_is_used_and_put_back_at_the_next_start(device):
    device.origin.put(release(None, catalog=b"a catalog"))
    assert device.check() == ("updated", None)
    assert device.used == [["catalog", "a catalog"]]
    device.load()
    assert device.used == [["catalog", "a catalog"]]


def kept(device: Device, reason: str) -> None:
    """An update is refused for this reason, and nothing has changed."""
    before = device.bundle
    assert device.check() == ("kept", reason)
    assert device.used == []
    assert device.bundle == before


def test_another_publishers_release_is_refused(device):
    device.origin.put(release(b"evil bundle", key=OTHER_KEY))
    kept(device, "signature")


def test_a_tampered_release_is_refused(device):
    files = release(b"better bundle")
    body = files[RELEASE].read().replace(b'"version": 1', b'"version": 9')
    device.origin.put({**files, RELEASE: text(body.decode())})
    kept(device, "signature")


@pytest.mark.parametrize(
    "signatures",
    ["", "AAAA", "A" * 86 + "==", "\n".join(["A" * 86 + "=="] * 17), "<html>", "A" * 2000],
    ids=["empty", "short", "wrong", "many", "html", "long"],
)
def test_signatures_that_are_none_are_refused(device, signatures):
    device.origin.put({**release(b"better bundle"), f"{RELEASE}.sig": text(signatures)})
    kept(device, "size" if len(signatures) > 1440 else "signature")


def test_one_of_several_signatures_is_enough(device):
    files = release(b"better bundle")
    both = signed(files[RELEASE].read(), OTHER_KEY, KEY)
    device.origin.put({**files, **both})
    assert device.check() == ("updated", None)


def renewed(origin: Origin, more: dict, updates: dict) -> None:
    """Make the origin's site a newer one, with more files; its repository stays."""
    site = {url: file for url, file in origin.files.items() if not url.startswith("/repo/")}
    repo = {url: file for url, file in origin.files.items() if url.startswith("/repo/")}
    Origin.__init__(origin, {**listed(site, {**site, **more}, updates), **repo})


def restart(device: Device) -> None:
    """Start the newer site."""
    device.page.evaluate("() => { updates.check(); }")
    device.page.wait_for_function("() => notices.some(({ kind }) => kind === 'restart')")
    with device.page.expect_navigation():
        device.page.evaluate("() => { updates.activate(); }")
    device.load()


def test_a_later_site_cannot_put_its_own_key_in(device):
    device.origin.put(release(b"first bundle"))
    device.check()
    device.origin.put(release(b"evil bundle", version=2, key=OTHER_KEY))
    renewed(device.origin, {"/new.txt": text("")}, {"url": RELEASE, "key": public(OTHER_KEY)})
    restart(device)
    assert device.page.evaluate(STUDIO)["updates"]["key"] == public(OTHER_KEY)
    kept(device, "signature")


def test_an_older_release_is_refused(device):
    device.origin.put(release(b"new bundle", version=7))
    device.check()
    device.load()
    device.origin.put(release(b"old bundle", version=6))
    kept(device, "rollback")


def test_another_release_of_the_same_number_is_refused(device):
    device.origin.put(release(b"new bundle", version=7))
    device.check()
    device.load()
    device.origin.put(release(b"other bundle", version=7))
    kept(device, "changed")


def test_an_expired_release_is_not_used_and_says_so(device):
    device.origin.put(release(b"stale bundle", expires=timedelta(seconds=-1)))
    kept(device, "expired")
    assert "expired" in device.page.evaluate("() => notices.at(-1).message")


def test_a_release_that_expired_still_bars_older_ones(device):
    device.origin.put(release(b"stale bundle", version=7, expires=timedelta(seconds=-1)))
    device.check()
    device.origin.put(release(b"old bundle", version=6))
    kept(device, "rollback")


def test_a_file_of_other_bytes_is_refused(device):
    files = release(b"better bundle")
    path = next(url for url in files if url.endswith(".hb"))
    device.origin.put({**files, path: text("bitter bundle"[:13])})
    kept(device, "hash")


@pytest.mark.parametrize("served", [b"better bundle, and more", b"bet"])
def test_a_file_of_another_length_is_refused(device, served):
    files = release(b"better bundle")
    path = next(url for url in files if url.endswith(".hb"))
    device.origin.put({**files, path: text(served.decode())})
    kept(device, "size")


def test_a_bundle_that_fails_here_is_refused_once(device):
    device.origin.put(release(b"bad bundle"))
    kept(device, "check")
    device.origin.asked.clear()
    assert device.check() == ("current", None)
    assert not any(path.endswith(".hb") for path in device.origin.asked)
    device.origin.put(release(b"mended bundle", version=2))
    assert device.check() == ("updated", None)


MALFORMED = [
    b"",
    b"no json",
    b"null",
    b"[]",
    b'{"format": "homebody-release/2"}',
    b"\xff\xfe",
    b"[" * 50_000,
]


def test_signed_nonsense_is_refused(device):
    for body in MALFORMED:
        device.origin.put(signed(body, KEY))
        kept(device, "malformed")


WRONG_VALUES = [
    ("version", 0),
    ("version", -1),
    ("version", 1.5),
    ("version", "1"),
    ("version", 2**53),
    ("expires", "tomorrow"),
    ("expires", "2099-13-01T00:00:00Z"),
    ("expires", None),
    ("bundles", None),
    ("bundles", []),
    ("bundles", {"for-this-photo": None}),
    ("catalogs", 3),
]
WRONG_ENTRIES = [
    {"path": "../../secret.hb"},
    {"path": "web/files/" + "0" * 64 + ".hb"},
    {"path": "https://elsewhere.example/x.hb"},
    {"path": "//elsewhere.example/x.hb"},
    {"sha256": "0"},
    {"size": -1},
    {"size": 2**40},
    {"number": 1},
]


def test_signed_releases_with_wrong_values_are_refused(device):
    said = json.loads(release(b"better bundle")[RELEASE].read())
    for key, value in WRONG_VALUES:
        device.origin.put(signed(json.dumps({**said, key: value}).encode(), KEY))
        kept(device, "malformed")
    for change in WRONG_ENTRIES:
        device.origin.put(release(b"better bundle", **change))
        kept(device, "malformed")


@pytest.mark.parametrize("code", [500, 503, 404])
def test_a_failing_server_is_survived(device, watch, code):
    device.origin.put(release(b"better bundle"))
    for path in (RELEASE, f"{RELEASE}.sig", next(p for p in device.origin.files if "files/" in p)):
        device.origin.instead = {path: status(code)}
        kept(device, "server")
    device.origin.instead = {}
    assert device.check() == ("updated", None)
    watch.errors.clear()


def test_a_truncating_server_is_survived(device, watch):
    device.origin.put(release(b"better bundle"))
    for path in (RELEASE, next(p for p in device.origin.files if "files/" in p)):
        device.origin.instead = {path: cut}
        kept(device, "offline")
    watch.errors.clear()


def test_a_stalling_server_is_given_up(device, watch):
    gone = threading.Event()

    class Stalled(Slice):
        def chunks(self, size: int = 0):
            yield b"{"
            gone.wait(60)

    device.origin.put(release(b"better bundle"))
    device.load(patience=300)
    device.origin.instead = {
        RELEASE: lambda right: type(right)(200, right.headers, Stalled(None, 0, 0))
    }
    kept(device, "stalled")
    gone.set()
    watch.errors.clear()


def test_a_repository_that_is_down_at_the_first_run(device, watch):
    kept(device, "server")
    device.origin.put(release(b"better bundle"))
    assert device.check() == ("updated", None)
    watch.errors.clear()


def test_nothing_is_exchanged_while_a_photo_is_edited(device):
    device.origin.put(release(b"better bundle"))
    device.page.evaluate("() => { updates.editing = true; }")
    assert device.check() == ("pending", None)
    assert device.used == []
    assert "version" in device.bundle
    own = device.bundle
    device.page.evaluate("() => { updates.editing = false; }")
    device.page.wait_for_function("() => used.length === 1")
    device.page.wait_for_function("() => notices.at(-1).kind === 'updated'")
    assert device.bundle != own


def test_what_waited_is_used_at_the_next_start_without_the_network(device):
    device.origin.put(release(b"better bundle"))
    device.page.evaluate("() => { updates.editing = true; }")
    device.check()
    device.origin.put({})
    device.load()
    assert device.used == [["bundle", "better bundle"]]


def test_rollback_goes_one_step_back_and_stays(device):
    device.origin.put(release(b"first bundle", version=1, number="1.1.0"))
    device.check()
    first = device.bundle
    device.origin.put(release(b"second bundle", version=2, number="1.2.0"))
    device.check()
    assert device.bundle["version"] == "1.2.0"
    assert device.page.evaluate("() => updates.rollback()")["kind"] == "rolled-back"
    assert device.used[-1] == ["bundle", "first bundle"]
    assert device.bundle == first
    assert device.check() == ("current", None)
    assert device.bundle == first
    assert device.page.evaluate("() => updates.rollback()")["kind"] == "rolled-back"
    assert device.used[-1] == ["bundle", "own bundle"]
    assert device.bundle["url"] == "/bundles/for-this-photo.hb"
    assert device.page.evaluate("() => updates.rollback()")["kind"] == "current"


def test_rollback_needs_no_network(device):
    device.origin.put(release(b"first bundle"))
    device.check()
    device.origin.instead = dict.fromkeys(device.origin.files, status(500))
    assert device.page.evaluate("() => updates.rollback()")["kind"] == "rolled-back"
    assert device.used[-1] == ["bundle", "own bundle"]


def test_an_update_that_the_browser_took_away_comes_again(device):
    device.origin.put(release(b"better bundle"))
    device.check()
    path = device.bundle["url"]
    device.page.evaluate(f"async () => (await caches.open('homebody-updates')).delete('{path}')")
    assert device.bundle["url"] == "/bundles/for-this-photo.hb"
    assert device.check() == ("updated", None)
    assert device.bundle["url"] == path


def test_a_damaged_copy_is_not_used(device):
    device.origin.put(release(b"better bundle"))
    device.page.evaluate("() => { updates.editing = true; }")
    device.check()
    device.page.evaluate(
        """async () => {
          const cache = await caches.open("homebody-updates");
          for (const request of await cache.keys()) {
            if (request.url.endsWith(".json")) continue;
            await cache.put(request, new Response("evil bundle!!"));
          }
        }"""
    )
    device.page.evaluate("() => { updates.editing = false; }")
    device.page.wait_for_function("() => notices.at(-1).kind === 'kept'")
    assert device.page.evaluate("() => notices.at(-1).reason") == "hash"
    assert device.used == []


def test_without_room_the_update_is_left(device, watch):
    device.origin.put(release(b"x" * 3_000_000))
    devtools = device.page.context.new_cdp_session(device.page)
    url = device.url.rstrip("/")
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": url, "quotaSize": 1_000_000})
    kept(device, "storage")


def test_without_ed25519_nothing_is_updated_and_it_is_said_once(device):
    device.origin.put(release(b"better bundle"))
    device.page.evaluate(
        """() => {
          const refuse = async () => { throw new DOMException("", "NotSupportedError"); };
          crypto.subtle.importKey = refuse;
        }"""
    )
    for _ in range(2):
        assert device.check() == ("unsupported", "ed25519")
    kinds = device.page.evaluate("() => notices.map(({ kind }) => kind)")
    assert kinds.count("unsupported") == 1
    assert device.used == []


def test_two_pages_update_one_after_the_other(device):
    device.origin.put(release(b"better bundle"))
    other = Device(device.page.context.new_page(), device.url, device.origin)
    other.load()
    for one in (device, other):
        one.page.evaluate("() => { window.checking = updates.check(); }")
    kinds = {
        one.page.evaluate("async () => (await window.checking).kind") for one in (device, other)
    }
    assert kinds == {"updated", "current"}
    assert device.bundle == other.bundle


def test_a_newer_sites_newer_bundle_wins_over_an_older_update(device):
    device.origin.put(release(b"better bundle", number="0.9.0"))
    device.check()
    assert device.bundle["version"] == "0.9.0"
    updates = {"url": RELEASE, "key": public(KEY)}
    renewed(device.origin, {"/bundles/for-this-photo.hb": text("newest bundle")}, updates)
    restart(device)
    assert device.bundle["url"] == "/bundles/for-this-photo.hb"


def test_a_newer_site_with_the_same_bundle_keeps_the_update(device):
    device.origin.put(release(b"better bundle", number="0.9.0"))
    device.check()
    updated = device.bundle
    renewed(device.origin, {"/new.txt": text("")}, {"url": RELEASE, "key": public(KEY)})
    restart(device)
    assert device.bundle == updated
