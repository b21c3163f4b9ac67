"""What goes wrong around the studio, and the one sentence that its owner hears of it."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web.studio import CARDS, COAST, add, kept, presets, pressed, settle, shows, until, visit


def give(page, *files) -> None:
    """Choose files, each (name, type, bytes), without waiting for suggestions."""
    with page.expect_file_chooser() as chooser:
        page.locator(".welcome-ways .primary:visible, .tool-open:visible").first.click()
    chooser.value.set_files(
        [{"name": name, "mimeType": kind, "buffer": data} for name, kind, data in files]
    )


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400)
UNREADABLE = [
    ("notes.jpg", b"This is no photo at all.", "is not a photo"),
    ("empty.jpg", b"", "is not a photo"),
    ("page.jpg", b"<!doctype html><script>alert(1)</script>", "is not a photo"),
    ("cut.jpg", COAST.read_bytes()[:300], "damaged"),
    ("phone.heic", HEIC, "HEIC"),
    ("phone.jpg", HEIC, "HEIC"),
]


@pytest.mark.parametrize(("name", "data", "said"), UNREADABLE, ids=[one[0] for one in UNREADABLE])
def test_a_file_that_is_no_photo_is_refused_in_a_sentence(page, site, name, data, said):
    visit(page, site)
    give(page, (name, "image/jpeg", data))
    page.wait_for_selector(".toast[data-kind=error]")
    sentence = page.locator(".toast[data-kind=error] p").inner_text()
    assert said in sentence
    assert "Error" not in sentence
    assert " at " not in sentence.replace(" at all", "")
    # The studio is as it was.
    assert page.locator("hb-studio[data-state=empty]").count() == 1
    add(page, COAST)
    assert len(presets(page)) == 6


def test_one_broken_photo_of_many_does_not_hold_the_others_up(page, site):
    visit(page, site)
    photo = COAST.read_bytes()
    give(
        page,
        ("one.jpg", "image/jpeg", photo),
        ("two.jpg", "image/jpeg", photo[:200]),
        ("three.jpg", "image/jpeg", photo + b"\0"),
    )
    settle(page)
    page.wait_for_selector(".film-frame[data-failed]")
    assert page.locator(".film-frame").count() == 3
    page.keyboard.press("1")
    page.keyboard.press("]")
    page.wait_for_selector(".problem:has-text('damaged')")
    assert not page.locator("hb-strip").is_visible()
    page.keyboard.press("[")
    settle(page)
    page.keyboard.press("e")
    page.wait_for_selector("dialog[open]")
    page.get_by_label("All 2 open photos").check()
    with page.expect_download() as download:
        page.locator(".export-dialog .primary").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert len(archive.namelist()) == 2


def test_a_browser_without_simd_is_told_so(page, site, watch):
    page.add_init_script("WebAssembly.validate = () => false")
    page.goto(f"{site}/")
    page.wait_for_selector(".stopped")
    assert "too old" in page.locator(".stopped p").inner_text()
    assert page.get_by_role("button", name="Start again").is_visible()
    watch.require_clean()


def test_a_browser_that_cannot_read_the_modules_is_told_so(page, site, watch):
    page.route(
        "**/studio/main.js",
        lambda route: route.fulfill(content_type="text/javascript", body="class { # }"),
    )
    page.goto(f"{site}/")
    page.wait_for_selector(".stopped:has-text('too old')")
    page.wait_for_selector(".stopped:has-text('demasiado antiguo')")
    watch.errors.clear()


def test_a_missing_bundle_is_said_plainly(page, site, watch):
    page.route("**/bundles/*.hb", lambda route: route.fulfill(status=404, body="no"))
    page.goto(f"{site}/")
    page.wait_for_selector(".stopped")
    sentence = page.locator(".stopped p").inner_text()
    assert len(sentence.split()) > 4
    assert "Error:" not in sentence
    watch.errors.clear()


def test_an_engine_that_dies_is_started_anew(page, site):
    page.add_init_script(
        """const Real = Worker;
        window.workers = [];
        window.Worker = class extends Real {
            constructor(...all) { super(...all); window.workers.push(this); }
        };"""
    )
    visit(page, site, COAST)
    first, second = presets(page)[:2]
    page.keyboard.press("1")
    shows(page, first)
    page.evaluate("workers[0].terminate(); workers[0].dispatchEvent(new Event('error'))")
    page.keyboard.press("2")
    page.wait_for_selector(".toast:has-text('The studio is back')")
    settle(page)
    shows(page, second)
    assert pressed(page) == [second]
    page.keyboard.press("Control+z")
    shows(page, first)


def test_without_suggestions_all_presets_are_still_there(page, site):
    page.add_init_script(
        """const { postMessage } = Worker.prototype;
        Worker.prototype.postMessage = function (sent, ...rest) {
            if (sent.method !== "suggest") return postMessage.call(this, sent, ...rest);
            const error = { name: "ModelError", message: "no model", code: "ModelError" };
            this.dispatchEvent(new MessageEvent("message", { data: { id: sent.id, error } }));
        };"""
    )
    visit(page, site)
    page.locator(".print").first.click()
    page.wait_for_selector(".toast[data-kind=error]:has-text('could not be recognised')")
    assert not page.locator("hb-category").is_visible()
    card = page.locator(".preset-list .card[data-painted]").first
    card.click()
    shows(page, card.get_attribute("data-preset"))


def test_a_browser_that_keeps_nothing_still_edits(page, site):
    page.add_init_script("Object.defineProperty(window, 'indexedDB', {value: undefined})")
    visit(page, site, COAST)
    page.keyboard.press("1")
    page.keyboard.press("f")
    assert page.locator(f"{CARDS} .card-heart:visible").count() == 1
    page.wait_for_selector(".toast:has-text('lets nothing be kept')")
    page.keyboard.press("Control+,")
    page.wait_for_selector("dialog[open]")
    assert "lets nothing be kept" in page.get_by_role("dialog").inner_text()


def test_a_full_device_is_said_once_and_nothing_is_lost_meanwhile(page, site):
    page.add_init_script(
        """IDBObjectStore.prototype.put = () => {
            throw new DOMException("full", "QuotaExceededError");
        };"""
    )
    visit(page, site, COAST)
    for key in ("1", "f", "2", "f"):
        page.keyboard.press(key)
    page.wait_for_selector(".toast:has-text('no room left')")
    assert page.locator(".toast").filter(has_text="no room left").count() == 1
    page.get_by_role("button", name="Favourites").click()
    assert page.locator(".preset-list .card").count() == 2


def owner(page, site) -> None:
    """A blank page with the owner's store open as ``owner``."""
    page.goto(f"{site}/blank.html")
    page.evaluate(
        "async () => { window.owner = await (await import('/studio/owner.js')).Owner.open() }"
    )


def test_two_pages_do_not_undo_each_others_changes(context, page, site):
    other = context.new_page()
    owner(page, site)
    owner(other, site)
    page.evaluate("owner.update('favourites', (ids) => ['a', ...ids])")
    other.evaluate("owner.update('favourites', (ids) => ['b', ...ids])")
    page.evaluate("owner.update('favourites', (ids) => ['c', ...ids])")
    assert kept(page, "favourites") == ["c", "b", "a"]
    other.close()


def test_evicted_storage_is_written_anew(page, site):
    owner(page, site)
    page.evaluate("owner.update('favourites', () => ['a'])")
    page.evaluate("owner.update('membership', () => true)")
    # What a browser does when space is short: the database goes, the connection closes.
    page.evaluate(
        """() => new Promise((resolve, reject) => {
            const gone = indexedDB.deleteDatabase("homebody");
            gone.onsuccess = () => resolve();
            gone.onerror = () => reject(gone.error);
        })"""
    )
    page.evaluate("owner.update('favourites', (ids) => ['b', ...ids])")
    assert page.evaluate("owner.lasting") is True
    assert kept(page, "favourites") == ["b", "a"]
    assert kept(page, "membership") is True


def test_a_full_store_spares_the_picks_first(page, site):
    owner(page, site)
    page.evaluate("owner.update('picks', () => [{preset: 'a'}])")
    page.evaluate(
        """async () => {
            const put = IDBObjectStore.prototype.put;
            let full = true;
            IDBObjectStore.prototype.put = function (value, key) {
                if (key === "picks") full = false;
                if (full) throw new DOMException("full", "QuotaExceededError");
                return put.call(this, value, key);
            };
            await owner.update("favourites", () => ["a"]);
        }"""
    )
    assert kept(page, "picks") == []
    assert kept(page, "favourites") == ["a"]
    assert page.evaluate("owner.lasting") is True


def test_values_of_another_kind_are_not_taken(page, site):
    owner(page, site)
    page.evaluate("owner.update('favourites', () => 'not a list')")
    page.evaluate("owner.update('membership', () => 'yes')")
    page.evaluate("owner.update('output', () => null)")
    page.reload()
    owner(page, site)
    told = page.evaluate("['favourites', 'membership', 'output'].map((name) => owner.get(name))")
    assert told == [[], False, {"type": "image/jpeg", "quality": 92, "gps": False}]


def test_what_is_kept_stays_bounded_and_is_forgotten_on_demand(page, site):
    owner(page, site)
    counts = page.evaluate(
        """async () => {
            for (let i = 0; i < 40; i++) owner.used(`p-${i}`);
            for (let i = 0; i < 1010; i++) owner.picked({preset: `p-${i}`});
            await owner.update("membership", () => true);
            const counts = [owner.get("recents").length, owner.get("picks").length];
            await owner.forget();
            return [...counts, owner.get("picks").length, owner.get("membership")];
        }"""
    )
    assert counts == [24, 1000, 0, True]
    assert kept(page, "recents") == []


NAMES = st.lists(
    st.text(st.characters(exclude_characters="/\\\0", exclude_categories=["Cs"]), min_size=1),
    unique=True,
    max_size=6,
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(names=NAMES, data=st.data())
def test_archives_are_what_zipfile_reads(page, site, names, data):
    files = [[name, list(data.draw(st.binary(max_size=200)))] for name in names]
    if page.url != f"{site}/blank.html":
        page.goto(f"{site}/blank.html")
    packed = page.evaluate(
        """async (files) => {
            const { zip } = await import("/studio/zip.js");
            const blobs = files.map(([name, data]) =>
                ({name, blob: new Blob([new Uint8Array(data)])}));
            return [...new Uint8Array(await (await zip(blobs)).arrayBuffer())];
        }""",
        files,
    )
    with zipfile.ZipFile(io.BytesIO(bytes(packed))) as archive:
        assert archive.testzip() is None
        assert [one.filename for one in archive.infolist()] == names
        assert [list(archive.read(one)) for one in archive.infolist()] == [one[1] for one in files]


def test_an_exports_name_is_plain(page, site):
    page.goto(f"{site}/blank.html")
    named = page.evaluate(
        """async () => {
            const { exportName } = await import("/studio/export.js");
            const name = (file, preset, type) => exportName({file: {name: file}}, preset, type);
            return [
                name("a.b.JPG", "Seaside Linen", "image/webp"),
                name("x", "Été à Noël", "image/png"),
                name(".jpg", undefined, "image/jpeg"),
            ];
        }"""
    )
    assert named == ["a.b-seaside-linen.webp", "x-ete-a-noel.png", "photo-copy.jpg"]


def test_a_late_answer_for_another_photo_is_not_shown(page, site):
    """Turning quickly through photos ends at the last one, with its own six."""
    visit(page, site)
    photo = COAST.read_bytes()
    give(page, *((f"{i}.jpg", "image/jpeg", photo) for i in range(4)))
    for _ in range(3):
        page.keyboard.press("]")
    until(page, "() => document.querySelector('.photo-name').textContent === '3.jpg'")
    settle(page)
    page.keyboard.press("1")
    shows(page, presets(page)[0])
    assert page.locator(".film-frame[aria-current=true]").get_attribute("title") == "3.jpg"
