from __future__ import annotations


def test_blank_page_is_clean(page, site):
    page.goto(f"{site}/blank.html")
    assert page.title() == "blank"


def test_studio_lists_what_it_serves(page, site):
    page.goto(f"{site}/blank.html")
    facts = page.evaluate("async () => (await fetch('/studio.json')).json()")
    urls = {file["url"] for file in facts["files"]}
    assert {"/native/homebody.wasm", "/vendor/litert/index.js", facts["bundle"]["url"]} <= urls
