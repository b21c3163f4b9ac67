"""The engine in Chromium: newest call wins, bundles are exchanged safely, errors have names."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

import homebody.bundle
from homebody import kernels
from homebody.features.photo.catalog import catalog_json, default_catalog
from homebody.features.photo.feature import default_bundle
from homebody.features.photo.look import render
from homebody.image import decode
from homebody.server.site import Site, file_of
from tests.web.conftest import serving

ROOT = Path(__file__).parents[2]
COAST = (ROOT / "examples" / "coast.jpg").read_bytes()

START = """async () => {
  const { Engine } = await import("/engine.js");
  window.bytes = (base64) => Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
  window.outcome = (promise) => promise.then((value) => ({ value: value ?? null }),
    ({ name, code, message }) => ({ name, code, message }));
  window.hash = async (bitmap) => {
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const rgb = data.filter((_, i) => i % 4 !== 3);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", rgb));
    return Array.from(digest, (one) => one.toString(16).padStart(2, "0")).join("");
  };
  return outcome(Engine.start({ base: location.origin }).then((engine) => {
    window.engine = engine;
    return engine.ready.bundle;
  }));
}"""


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture
def started(page, site):
    """A page with the engine started."""
    page.goto(f"{site}/blank.html")
    assert "value" in page.evaluate(START)
    return page


@pytest.fixture
def photo(started):
    """The id of an open photo."""
    return started.evaluate(
        "async (data) => (await engine.open(new File([bytes(data)], 'coast.jpg'))).id", text(COAST)
    )


# ---------------------------------------------------------------------------- photos


def test_the_newest_rendering_wins(started, photo):
    found = started.evaluate(
        """(id) => Promise.all([100, 80, 60, 40, 20].map((strength) =>
             outcome(engine.render(id, "lnd-11", strength, { maxSide: 200 }).then(hash))))""",
        photo,
    )
    assert [one.get("code") for one in found] == [*["superseded"] * 4, None]
    small = kernels.resize(decode(COAST, at_least=600).pixels, 200, 133)
    wanted = render(small, default_catalog().preset("lnd-11"), 20)
    assert found[4]["value"] == hashlib.sha256(wanted.tobytes()).hexdigest()


def test_suggestions_go_before_a_large_rendering(started, photo):
    found = started.evaluate(
        """async (id) => {
          const order = [];
          const screen = engine.render(id, null, 0, { maxSide: 1200 })
            .then(() => order.push("screen"));
          const answer = await engine.suggest(id);
          for await (const { bitmap } of answer.thumbnails) order.push("thumbnail");
          await screen;
          return order;
        }""",
        photo,
    )
    assert found == ["thumbnail"] * 6 + ["screen"]


@pytest.mark.parametrize(
    "meanwhile",
    [
        "engine.suggest(id)",
        "engine.suggest(99).catch(() => {})",
        "engine.suggest(id).then(({ thumbnails }) => thumbnails.next())",
        "engine.suggest(id).then(({ thumbnails }) => thumbnails.return())",
        "engine.suggest(id, { ahead: true })",
        "engine.suggest(99, { ahead: true }).catch(() => {})",
        "engine.suggest(id, { ahead: true }).then(({ thumbnails }) => thumbnails.return())",
    ],
    ids=[
        *("nobody asks", "it fails", "one is taken", "none is taken"),
        *("nobody takes those made ahead", "it fails ahead", "none made ahead is taken"),
    ],
)
def test_the_screen_never_waits_for_thumbnails_that_nobody_takes(started, photo, meanwhile):
    found = started.evaluate(
        f"""async (id) => {{
          const other = {meanwhile};
          const bitmap = await engine.render(id, "lnd-11", 50, {{ maxSide: 100 }});
          await other;
          return bitmap.width;
        }}""",
        photo,
    )
    assert found == 100


def test_the_screen_gets_more_pixels_where_it_has_them(started):
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(decode(COAST).pixels).resize((4001, 2667)).save(file, "JPEG", quality=90)
    data = file.getvalue()
    found = started.evaluate(
        """async (data) => {
          const opened = await engine.open(new Blob([bytes(data)]));
          const sizes = [];
          for (const maxSide of [1440, 900, 1440, 9999]) {
            const bitmap = await engine.render(opened.id, "mon-14", 100, { maxSide });
            sizes.push([bitmap.width, bitmap.height, await hash(bitmap)]);
          }
          const { width, height, preview } = opened;
          return { size: [width, height], preview: [preview.width, preview.height], sizes };
        }""",
        text(data),
    )
    assert found["size"] == [4001, 2667]
    assert max(found["preview"]) <= 1280
    preset = default_catalog().preset("mon-14")
    expected = []
    for width, height in ((1440, 960), (900, 600), (1440, 960), (4001, 2667)):
        at_least = 600 if width == 900 else height
        pixels = kernels.resize(decode(data, at_least=at_least).pixels, width, height)
        digest = hashlib.sha256(render(pixels, preset).tobytes()).hexdigest()
        expected.append([width, height, digest])
    assert found["sizes"] == expected


def test_the_owners_correction_leads(started, photo):
    found = started.evaluate(
        "async (id) => { const { thumbnails, ...answer } = "
        'await engine.suggest(id, { category: "food", member: true }); return answer; }',
        photo,
    )
    assert found["category"]["id"] == "food"
    assert found["categories"][0]["id"] == "coastal"
    assert found["presets"][0]["reason"].startswith("Food: ")


def test_thumbnails_made_ahead_are_those_of_the_answer(started, photo):
    at_once, presets, made, after = started.evaluate(
        """async (id) => {
          const posted = [], post = Worker.prototype.postMessage;
          Worker.prototype.postMessage = function (message, ...rest) {
            posted.push(message.method);
            return post.call(this, message, ...rest);
          };
          const asking = engine.suggest(id, { ahead: true, side: 90 });
          const atOnce = [...posted];
          Worker.prototype.postMessage = post;
          const answer = await asking, made = [];
          for await (const { preset, bitmap } of answer.thumbnails) {
            made.push([preset, Math.max(bitmap.width, bitmap.height)]);
          }
          const dropped = await engine.suggest(id, { ahead: true, category: "food" });
          await dropped.thumbnails.return();
          const after = await dropped.thumbnails.next();
          return [atOnce, answer.presets.map(({ id }) => id), made, after.done];
        }""",
        photo,
    )
    assert at_once == ["suggest", "thumbnails"]
    assert made == [[preset, 90] for preset in presets]
    assert after is True


def test_thumbnails_stop_when_nobody_asks_for_more(started, photo):
    found = started.evaluate(
        """async (id) => {
          const presets = engine.ready.catalog.presets.map((preset) => preset.id);
          for await (const { bitmap } of engine.thumbnails(id, presets, { side: 900 })) {
            bitmap.close();
            break;
          }
          const start = performance.now();
          const few = [];
          for await (const { preset, bitmap } of engine.thumbnails(id, presets.slice(0, 3))) {
            few.push([preset, Math.max(bitmap.width, bitmap.height)]);
          }
          return few;
        }""",
        photo,
    )
    ids = [preset.id for preset in default_catalog().presets[:3]]
    assert found == [[id, 320] for id in ids]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("engine.open(new Blob([]))", "NotAnImageError"),
        ("engine.open(new Blob(['a sentence, not a picture']))", "NotAnImageError"),
        ("engine.open(new Blob([bytes(coast).slice(0, 900)]))", "BrokenImageError"),
        ("engine.open('coast.jpg')", None),
        ("engine.render(id, 'none-01', 100, { maxSide: 100 })", "UnknownPresetError"),
        ("engine.render(id, 'lnd-11', 101, { maxSide: 100 })", "KernelError"),
        ("engine.render(99, 'lnd-11', 100, { maxSide: 100 })", "EngineError"),
        ("engine.suggest(99)", "EngineError"),
        ("engine.suggest(id, { category: 'sunset' })", "CatalogError"),
        ("engine.suggest(id, { count: 0 })", "UsageError"),
        ("engine.thumbnails(id, ['none-01']).next()", "UnknownPresetError"),
        ("engine.export(id, 'none-01', 100)", "UnknownPresetError"),
        ("engine.close(id).then(() => engine.suggest(id))", "EngineError"),
    ],
)
def test_what_goes_wrong_has_a_name(started, photo, call, name):
    found = started.evaluate(f"([id, coast]) => outcome({call})", [photo, text(COAST)])
    assert "value" not in found, found
    if name:
        assert found["name"] == name
    assert found["message"].isprintable()
    assert "value" in started.evaluate("() => outcome(engine.check().then(({ passed }) => passed))")


def test_the_samples_pass_here_and_say_how_far_they_are(started):
    found = started.evaluate(
        """async () => {
          const heard = [];
          const report = await engine.check((progress) => heard.push(progress));
          return { report, heard };
        }"""
    )
    report = found["report"]
    assert report["passed"]
    assert all(sample["inputEqual"] for sample in report["samples"])
    assert found["heard"] == [{"done": n + 1, "total": 14} for n in range(14)]


def test_an_export_is_the_photo_at_full_size(started, photo):
    found = started.evaluate(
        """async (id) => {
          const heard = [];
          const options = { type: "image/png" };
          const file = await engine.export(id, "mon-14", 70, options, (share) => heard.push(share));
          const ended = new AbortController();
          const late = engine.export(id, "mon-14", 70, { signal: ended.signal });
          ended.abort();
          const cancelled = await outcome(late);
          const data = new Uint8Array(await file.arrayBuffer());
          return { heard, cancelled: cancelled.name, file: btoa(data.reduce((text, one) =>
            text + String.fromCharCode(one), "")) };
        }""",
        photo,
    )
    pixels = decode(base64.b64decode(found["file"])).pixels
    wanted = render(decode(COAST).pixels, default_catalog().preset("mon-14"), 70)
    assert (pixels == wanted).all()
    assert found["heard"] == sorted(found["heard"])
    assert found["heard"][-1] == 1
    assert found["cancelled"] == "AbortError"


# ---------------------------------------------------------------------------- bundles


def another(change: Any) -> bytes:
    """The shipped bundle with a change: ``change(manifest, entries)`` gives a new manifest."""
    with homebody.bundle.open(default_bundle()) as bundle:
        manifest = bundle.manifest
        entries = {name: bundle.read(name) for name in manifest.entries}
    manifest = change(manifest, entries)
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "other.hb"
        homebody.bundle.write(path, manifest, entries)
        return path.read_bytes()


def newer(manifest, entries):
    from msgspec.structs import replace

    catalog = json.loads(entries["catalog.json"])
    for preset in catalog["presets"]:
        if preset["id"] == "lnd-11":
            preset["name"], preset["adjust"] = "Another", {"exposure": 1}
    entries["catalog.json"] = json.dumps(catalog).encode()
    return replace(manifest, version="1.1.0")


def astray(manifest, entries):
    """Every sample answers what it does not."""
    samples = json.loads(entries["samples/samples.json"])
    for sample in samples:
        sample["answer"] = "food" if sample["answer"] == "night" else "night"
    entries["samples/samples.json"] = json.dumps(samples).encode()
    return manifest


def without_samples(manifest, entries):
    from msgspec.structs import replace

    return replace(manifest, samples=None)


def test_a_photo_is_edited_with_the_bundle_that_it_was_opened_with(started, photo):
    found = started.evaluate(
        """async ([id, coast, bundle]) => {
          const shown = async (id) =>
            hash(await engine.render(id, "lnd-11", 100, { maxSide: 200 }));
          const before = await shown(id);
          await engine.useBundle(bytes(bundle));
          const after = await shown(id);
          const { id: other } = await engine.open(new Blob([bytes(coast)]));
          const fresh = await shown(other);
          await engine.close(id);
          const { bundle: used } = await engine.suggest(other);
          const { catalog, bundle: now } = engine.ready;
          const { name } = catalog.presets.find((preset) => preset.id === "lnd-11");
          return { kept: before === after, changed: fresh !== before, name, used, now };
        }""",
        [photo, text(COAST), text(another(newer))],
    )
    assert found["kept"]
    assert found["changed"]
    assert found["name"] == "Another"
    assert found["now"]["version"] == "1.1.0"
    assert found["used"] == found["now"]


@pytest.mark.parametrize(
    ("bundle", "name", "code"),
    [
        (b"", "NotABundleError", "NotABundleError"),
        ((ROOT / "attacks" / "bundle" / "junk-before.hb").read_bytes(), "LeadingDataError", None),
        ((ROOT / "conformance" / "bundle" / "minimal.hb").read_bytes(), "FeatureError", None),
        (astray, "EngineError", "check"),
        (without_samples, "CheckError", None),
    ],
    ids=["empty", "hostile", "another task", "astray", "without samples"],
)
def test_a_bundle_that_is_refused_leaves_the_one_before(started, photo, bundle, name, code):
    data = bundle if isinstance(bundle, bytes) else another(bundle)
    before = started.evaluate("() => engine.ready.bundle")
    found = started.evaluate("(data) => outcome(engine.useBundle(bytes(data)))", text(data))
    assert found["name"] == name
    assert found["code"] == (code or name)
    assert started.evaluate("() => engine.ready.bundle") == before
    again = started.evaluate(
        "(id) => outcome(engine.suggest(id).then(({ bundle }) => bundle))", photo
    )
    assert again == {"value": before}


def test_a_catalog_is_exchanged_and_taken_back(started, photo):
    catalog = json.loads(catalog_json())
    catalog["version"] = "9.0.0"
    lacking = {**catalog, "categories": catalog["categories"][1:]}
    found = started.evaluate(
        """async ([id, good, lacking]) => {
          const versions = [];
          const names = [];
          for (const data of [good, lacking, btoa("[]"), null]) {
            const { name } = await outcome(engine.useCatalog(data === null ? null : bytes(data)));
            names.push(name ?? null);
            versions.push(engine.ready.catalog.version);
          }
          return { versions, names, kept: (await engine.suggest(id)).catalog_version };
        }""",
        [photo, text(json.dumps(catalog).encode()), text(json.dumps(lacking).encode())],
    )
    shipped = default_catalog().version
    assert found["names"] == [None, "CatalogError", "CatalogError", None]
    assert found["versions"] == ["9.0.0", "9.0.0", "9.0.0", shipped]
    assert found["kept"] == shipped


# ---------------------------------------------------------------------------- starting


@pytest.fixture
def broken(page, watch, site_files):
    """Starts the engine on a site that is not as it should be; what `Engine.start` gave."""
    servers = []

    def start(changes=(), script="") -> dict[str, Any]:
        files = {**site_files}
        for url, body in dict(changes).items():
            if body is None:
                del files[url]
            else:
                files[url] = file_of(body, "text/javascript")
        servers.append(serving(Site(files)))
        page.add_init_script(script)
        page.goto(f"{servers[-1].url}blank.html")
        found = page.evaluate(START)
        watch.errors.clear()
        return found

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_browser_without_simd_is_told_so(broken):
    found = broken(script="WebAssembly.validate = () => false")
    assert found["name"] == "UnsupportedBrowserError"
    assert "SIMD" in found["message"]


def test_a_page_without_webcrypto_is_told_so(broken):
    found = broken(script="Object.defineProperty(crypto, 'subtle', { value: undefined })")
    assert found["name"] == "UnsupportedBrowserError"
    assert "HTTPS" in found["message"]


def test_a_worker_that_does_not_load_is_an_error_and_no_silence(broken):
    assert broken({"/engine/session.js": b"throw new Error('no')"})["code"] == "stopped"
    assert broken({"/engine.worker.js": None})["code"] == "stopped"


@pytest.mark.parametrize("url", ["/native/homebody.wasm", "/studio.json"])
def test_a_file_that_is_missing_is_named(broken, url):
    found = broken({url: None})
    assert found["name"] == "EngineError"
    assert url.rpartition("/")[2] in found["message"]


def test_another_bundle_than_the_page_names_is_refused(broken, site_files):
    url = json.loads(site_files["/studio.json"].body)["bundle"]["url"]
    assert broken({url: another(newer)})["name"] == "BundleError"


def test_a_runtime_that_is_missing_is_told_with_the_first_photo(page, broken):
    assert "value" in broken({"/vendor/litert/index.js": None})
    found = page.evaluate(
        "async (data) => outcome(engine.open(new Blob([bytes(data)]))"
        ".then(({ id }) => engine.suggest(id)))",
        text(COAST),
    )
    assert found["name"] == "ModelError"
    assert "LiteRT.js" in found["message"]


def test_a_worker_that_dies_rejects_every_call(started, photo, watch):
    found = started.evaluate(
        """(id) => {
          const calls = [engine.check(), engine.suggest(id)].map(outcome);
          engine.terminate();
          return Promise.all([...calls, outcome(engine.suggest(id))]);
        }""",
        photo,
    )
    assert [one["code"] for one in found] == ["stopped"] * 3
