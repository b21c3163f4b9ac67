"""What browsers make of the site's headers."""

from __future__ import annotations

import urllib.request


def test_every_file_comes_guarded_and_typed(site, site_files):
    for url in site_files:
        with urllib.request.urlopen(site + url, timeout=30) as response:
            assert "default-src 'self'" in response.headers["content-security-policy"], url
            assert response.headers["x-content-type-options"] == "nosniff", url
            assert response.headers["cross-origin-opener-policy"] == "same-origin", url
            assert response.headers["etag"], url
            expected = site_files[url].type
            assert response.headers["content-type"] == expected, url
            assert expected != "application/octet-stream" or url.endswith(".hb"), url


def test_webassembly_compiles_while_it_streams(page, site):
    page.goto(f"{site}/blank.html")
    script = """async () => {
      const module = await WebAssembly.compileStreaming(fetch("/native/homebody.wasm"));
      return WebAssembly.Module.exports(module).length;
    }"""
    assert page.evaluate(script) > 5


def test_the_studio_is_installable(page, site):
    page.goto(site)
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    devtools = page.context.new_cdp_session(page)
    manifest = devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"].endswith("/manifest.webmanifest")
    errors = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A fresh test profile counts as private, where nothing can be installed.
    assert {error["errorId"] for error in errors} <= {"in-incognito"}


def test_a_second_load_revalidates_and_downloads_nothing(page, site):
    page.goto(f"{site}/blank.html")
    page.evaluate("async () => { await (await fetch('/native/homebody.wasm')).arrayBuffer(); }")
    sizes = page.evaluate(
        """async () => {
          performance.clearResourceTimings();
          await (await fetch("/native/homebody.wasm")).arrayBuffer();
          const [entry] = performance.getEntriesByName(location.origin + "/native/homebody.wasm");
          return [entry.transferSize, entry.encodedBodySize];
        }"""
    )
    assert sizes[0] < sizes[1] / 10
