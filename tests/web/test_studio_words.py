"""What the studio says: the same sentences in every language, each one there and each one used."""

from __future__ import annotations

import json
import posixpath
import re

import pytest

from homebody.features.photo.catalog import default_catalog
from homebody.features.photo.suggest import CLOSE, PICKED
from homebody.server.studio import web_folder
from tests.web.studio import CARDS, COAST, settle, until, visit

STUDIO = web_folder() / "studio"
# Keys that are put together: the part before what varies, and what may stand for it.
COMPOSED = {
    "error.": None,
    "update.": None,
    "sample.": ("dandelions", "coast", "dog", "coffee"),
    "trouble.": ("memory", "quota"),
}


@pytest.fixture
def sentences(page, site):
    """The sentences of each language, read by a browser as the studio reads them."""
    page.goto(f"{site}/blank.html")
    ask = "async (name) => ({...(await import(`/studio/locales/${name}.js`)).default})"
    return {
        language: page.evaluate(ask, language) | page.evaluate(ask, f"{language}.dialogs")
        for language in ("en", "es")
    }


def forms(sentence) -> dict[str, str]:
    return sentence if isinstance(sentence, dict) else {"other": sentence}


def test_the_languages_have_the_same_keys_and_the_same_blanks(sentences):
    assert list(sentences["en"]) == list(sentences["es"])
    for key, sentence in sentences["en"].items():
        english, spanish = forms(sentence), forms(sentences["es"][key])
        assert set(english) == set(spanish), key
        for form, text in english.items():
            assert text.strip(), key
            assert set(re.findall(r"\{(\w+)\}", text)) == set(
                re.findall(r"\{(\w+)\}", spanish[form])
            ), key
        if len(english) > 1:
            assert all("{n}" in text for text in english.values()) or key == "export.all", key


def test_every_key_that_is_used_exists_and_every_key_is_used(sentences):
    keys = set(sentences["en"])
    source = "\n".join(path.read_text() for path in STUDIO.glob("*.js"))
    quoted = set(re.findall(r"[\"']([\w.-]+)[\"']", source))
    asked = set(re.findall(r"\bt\(\s*\"([^\"]+)\"", source))
    assert asked
    assert asked <= keys
    composed = {key for key in keys for start in COMPOSED if key.startswith(start)}
    assert keys - quoted - composed == set()
    for start, ends in COMPOSED.items():
        for end in ends or ():
            assert start + end in keys


def test_the_catalog_is_said_in_spanish():
    dictionary = json.loads((STUDIO / "locales" / "catalog.es.json").read_text())
    catalog = default_catalog()
    texts = [text for one in catalog.families for text in (one.name, one.description)]
    texts += [preset.description for preset in catalog.presets]
    for category in catalog.categories:
        texts += [category.name, *(entry.reason for entry in category.presets)]
    texts += [part for reason in (PICKED, CLOSE) for part in reason.split(": ")]
    assert [text for text in texts if not dictionary.get(text, "").strip()] == []
    assert set(dictionary) == set(texts)


def test_a_spanish_browser_is_spoken_to_in_spanish(browser, site, watch):
    context = browser.new_context(locale="es-MX")
    context.on("console", watch.said)
    page = context.new_page()
    try:
        visit(page, site, COAST)
        assert page.locator("html").get_attribute("lang") == "es"
        assert page.locator(".chip-lead").inner_text() == "Parece"
        chosen = page.locator("hb-category option:checked").inner_text()
        assert re.fullmatch(r"Costa · 80\s?%", chosen)
        reason = page.locator(f"{CARDS} .card-reason").first.inner_text()
        assert reason == "Agua azul pálido y arena limpia"
        assert page.locator(".family-head h3").first.inner_text() == "Limpio"
        page.keyboard.press("?")
        page.wait_for_selector("dialog[open]")
        assert page.get_by_role("dialog", name="Atajos").is_visible()
        page.keyboard.press("Escape")
        page.locator(".search").fill("cálido")
        until(page, "() => document.querySelectorAll('.preset-list .card').length > 5")
        watch.require_clean()
    finally:
        context.close()


def test_the_language_is_changed_without_losing_the_photo(page, site):
    visit(page, site, COAST)
    page.keyboard.press("2")
    page.keyboard.press("Control+,")
    page.wait_for_selector("dialog[open]")
    page.get_by_label("Language").select_option("es")
    until(page, "() => document.documentElement.lang === 'es'")
    settle(page)
    assert page.get_by_role("button", name="Exportar").is_visible()
    assert page.locator(f"{CARDS}[aria-pressed=true]").count() == 1
    page.keyboard.press("Control+z")
    assert page.locator(f"{CARDS}[aria-pressed=true]").count() == 0
    page.reload()
    page.wait_for_selector("hb-studio")
    assert page.get_by_role("button", name="Abrir fotos").is_visible()


def test_plurals_numbers_and_languages(page, site):
    page.goto(f"{site}/blank.html")
    said = page.evaluate(
        """async () => {
            const words = await import("/studio/words.js");
            await import("/studio/dialogs.js");
            const all = [];
            for (const language of ["en", "es"]) {
                await words.speak(language);
                all.push(words.t("batch.done", {n: 1}), words.t("batch.done", {n: 1234}),
                         words.t("presets.found", {n: 0}), words.fileSize(2_100_000));
            }
            all.push(words.preferredLanguage(["fr-CH", "es-419", "en"]),
                     words.preferredLanguage(["de"]), words.preferredLanguage([]));
            return all.map((text) => text.replace(/\\s/g, " "));
        }"""
    )
    assert said == [
        *("1 photo edited.", "1,234 photos edited.", "0 presets found", "2.1 MB"),
        *("1 foto editada.", "1234 fotos editadas.", "0 ajustes encontrados", "2,1 MB"),
        *("es", "en", "en"),
    ]


def test_the_page_names_the_modules_that_it_begins_with():
    """So that none is found only when the one before it has come; index.html lists them."""
    page = (web_folder() / "index.html").read_text()
    named = re.findall(r'<link rel="modulepreload" href="([^"]+)"', page)
    needed = imports("/studio/main.js")
    assert {path for path in needed if path.startswith("/studio/")} <= set(named)
    assert set(named) <= needed


def imports(url: str, known: frozenset[str] = frozenset()) -> set[str]:
    """The modules that a module imports, and those that they import."""
    text = (web_folder() / url.lstrip("/")).read_text()
    found: set[str] = set()
    for name in re.findall(r'^import (?:[^;]*? from )?"(\.[^"]+)"', text, re.MULTILINE):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(url), name))
        if path not in known | found:
            found |= {path} | imports(path, known | frozenset(found) | {path})
    return found
