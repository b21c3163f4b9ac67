"""The studio for everyone: names for screen readers, contrast, small screens, still screens."""

from __future__ import annotations

import re

import pytest

from homebody.server.studio import web_folder
from tests.web.studio import CARDS, COAST, add, presets, settle, shows, until, visit

CONTROLS = {
    *("button", "slider", "combobox", "checkbox", "searchbox", "textbox", "link", "image", "img"),
    *("dialog", "toolbar", "progressbar", "radio", "complementary"),
}


def unnamed(page) -> list[str]:
    """Controls of the accessibility tree that have no name."""
    devtools = page.context.new_cdp_session(page)
    nodes = devtools.send("Accessibility.getFullAXTree")["nodes"]
    devtools.detach()
    return [
        node["role"]["value"]
        for node in nodes
        if not node.get("ignored")
        and node["role"]["value"] in CONTROLS
        and not node.get("name", {}).get("value", "").strip()
    ]


def test_every_control_has_a_name(page, site):
    visit(page, site)
    assert unnamed(page) == []
    add(page, COAST, COAST)
    page.keyboard.press("1")
    page.keyboard.press("f")
    page.keyboard.press("s")
    assert unnamed(page) == []
    for key, title in (("e", "Export"), ("?", "Shortcuts"), ("a", "Apply to all 2 photos")):
        page.keyboard.press(key)
        page.get_by_role("dialog", name=title).wait_for()
        assert unnamed(page) == []
        page.keyboard.press("Escape")
    page.keyboard.press("Control+,")
    page.wait_for_selector("dialog[open]")
    assert unnamed(page) == []


def test_the_page_has_landmarks_and_says_what_happens(page, site):
    visit(page, site, COAST)
    for role in ("main", "toolbar", "complementary"):
        assert page.get_by_role(role).count() == 1
    voice = page.locator("hb-toasts .sr")
    assert voice.inner_text() == "6 presets suggested for Coastal"
    page.keyboard.press("1")
    name = page.locator(f"{CARDS} .card-name").first.inner_text()
    assert voice.inner_text() == f"{name} applied at 100 percent"
    shows(page, presets(page)[0])
    picture = page.locator(".view")
    assert picture.get_attribute("role") == "img"
    assert picture.get_attribute("aria-label") == f"coast.jpg with {name} at 100 percent"
    first = page.locator(CARDS).first
    assert first.get_attribute("aria-pressed") == "true"
    assert first.get_attribute("aria-keyshortcuts") == "1"
    reason = first.locator(".card-reason").inner_text()
    assert page.get_by_role("button", name=f"{name} {reason}", exact=True).count() == 1


def test_a_dialog_keeps_the_focus_and_gives_it_back(page, site):
    visit(page, site, COAST)
    button = page.locator(".export-button")
    button.click()
    page.wait_for_selector("dialog[open]")
    for _ in range(12):
        # Between its last and its first control the browser itself has the focus.
        focused = page.evaluate(
            "[document.activeElement.tagName, document.activeElement.closest('dialog') !== null]"
        )
        assert focused[1] or focused[0] == "BODY"
        page.keyboard.press("Tab")
    # Keys of the page are silent meanwhile.
    page.keyboard.press("1")
    assert page.locator(f"{CARDS}[aria-pressed=true]").count() == 0
    page.keyboard.press("Escape")
    assert button.evaluate("one => one === document.activeElement")


def test_the_focus_is_always_seen(page, site):
    visit(page, site, COAST)
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        name, marked = page.evaluate(
            """() => {
                const one = document.activeElement;
                const marks = [one, ...one.querySelectorAll("*")].map(
                    (part) => getComputedStyle(part).outlineStyle);
                return [one.className || one.tagName, marks.some((style) => style !== "none")];
            }"""
        )
        if name != "BODY":
            assert marked, name
            seen.add(name)
    assert len(seen) > 8


def tokens(theme: str) -> dict[str, str]:
    """Colours of a theme as tokens.css states them; light overrides dark."""
    text = (web_folder() / "studio" / "styles" / "tokens.css").read_text()
    dark, light = re.findall(r":root(?:\[data-theme=\"light\"\])? \{(.*?)\n\}", text, re.S)[:2]
    found = {}
    for block in (dark, light) if theme == "light" else (dark,):
        found.update(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    return found


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two #rrggbb colours, 1 to 21 (WCAG 2.2, 1.4.3)."""

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_formula_has_its_known_ends():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_text_stands_out(theme):
    colour = tokens(theme)
    grounds = [colour[name] for name in ("page", "panel", "raised", "stage")]
    for name in ("text", "quiet", "gold", "danger", "good"):
        for ground in grounds:
            assert contrast(colour[name], ground) >= 4.5, (name, ground)
    assert contrast(colour["text"], colour["pressed"]) >= 4.5
    assert contrast(colour["on-solid"], colour["solid"]) >= 4.5
    for name in ("edge", "focus"):
        for ground in grounds:
            assert contrast(colour[name], ground) >= 3, (name, ground)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_what_is_painted_is_what_the_tokens_say(page, site, theme):
    page.emulate_media(color_scheme=theme)
    visit(page, site, COAST)
    wanted = tokens(theme)["quiet"]
    painted = page.locator(".card-reason").first.evaluate("one => getComputedStyle(one).color")
    rgb = [int(part) for part in re.findall(r"\d+", painted)]
    assert "#{:02x}{:02x}{:02x}".format(*rgb) == wanted


def test_the_owner_chooses_dark_or_light(page, site):
    page.emulate_media(color_scheme="dark")
    visit(page, site)
    root = page.locator("html")
    assert root.get_attribute("data-theme") == "dark"
    page.keyboard.press("Control+,")
    page.wait_for_selector("dialog[open]")
    page.get_by_label("Appearance").select_option("light")
    assert root.get_attribute("data-theme") == "light"
    page.get_by_label("Appearance").select_option("system")
    page.emulate_media(color_scheme="light")
    until(page, "() => document.documentElement.dataset.theme === 'light'")


@pytest.mark.parametrize("width", [320, 360, 768, 1100, 1440])
def test_nothing_is_cut_off_at_the_side(page, site, width):
    page.set_viewport_size({"width": width, "height": 640})

    def wide():
        return page.evaluate(
            """() => {
                const scrolls = (one) => {
                    for (let part = one.parentElement; part; part = part.parentElement) {
                        if (["auto", "scroll"].includes(getComputedStyle(part).overflowX)) {
                            return true;
                        }
                    }
                };
                const all = [...document.querySelectorAll("body *")];
                return [
                    document.documentElement.scrollWidth > innerWidth && "the page",
                    ...all.filter((one) => {
                        const box = one.getBoundingClientRect();
                        return box.width > 1 && getComputedStyle(one).visibility === "visible"
                            && (box.right > innerWidth + 1 || box.left < -1) && !scrolls(one);
                    }).map((one) => one.outerHTML.slice(0, 90)),
                ].filter(Boolean);
            }"""
        )

    visit(page, site)
    assert wide() == []
    add(page, COAST, COAST)
    page.keyboard.press("1")
    assert wide() == []
    page.keyboard.press("e")
    page.wait_for_selector("dialog[open]")
    assert wide() == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    assert wide() == []
    page.keyboard.press("Escape")
    if width < 1100:
        page.locator(".all-presets").click()
        page.wait_for_selector("[data-presets=open] .preset-list .card[data-painted]")
        assert page.locator(".search").evaluate("one => one === document.activeElement")
        assert wide() == []
        page.keyboard.press("Escape")
        page.wait_for_selector("[data-presets=closed]")


def test_the_photo_leads_on_a_phone(page, site):
    page.set_viewport_size({"width": 320, "height": 568})
    visit(page, site, COAST)
    stage = page.locator("hb-stage").bounding_box()
    assert stage["height"] >= 150
    # The bar at the bottom covers no card.
    card = page.locator(CARDS).first.bounding_box()
    bar = page.locator(".tools").bounding_box()
    assert card["y"] + card["height"] <= bar["y"] + 1
    for tool in page.locator(".tools .tool:visible").all():
        box = tool.bounding_box()
        assert min(box["width"], box["height"]) >= 24


def test_nothing_moves_for_who_wants_it_still(page, site):
    page.emulate_media(reduced_motion="reduce")
    visit(page, site, COAST)
    page.evaluate(
        """() => {
            window.moved = 0;
            const begin = Element.prototype.animate;
            Element.prototype.animate = function (...all) {
                window.moved += 1;
                return begin.apply(this, all);
            };
        }"""
    )
    page.keyboard.press("1")
    shows(page, presets(page)[0])
    page.keyboard.press("2")
    shows(page, presets(page)[1])
    page.keyboard.press("e")
    page.wait_for_selector("dialog[open]")
    long = page.evaluate(
        "document.getAnimations().filter((one) => one.effect.getTiming().duration > 1).length"
    )
    assert page.evaluate("moved") == 0
    assert long == 0


def test_presets_fade_into_each_other_otherwise(page, site):
    page.emulate_media(reduced_motion="no-preference")
    visit(page, site, COAST)
    page.keyboard.press("1")
    shows(page, presets(page)[0])
    page.evaluate(
        """() => {
            window.moved = 0;
            const begin = Element.prototype.animate;
            Element.prototype.animate = function (...all) {
                window.moved += 1;
                return begin.apply(this, all);
            };
        }"""
    )
    page.keyboard.press("2")
    shows(page, presets(page)[1])
    assert page.evaluate("moved") == 1


def test_single_keys_can_be_turned_off(page, site):
    visit(page, site, COAST)
    page.keyboard.press("Control+,")
    page.wait_for_selector("dialog[open]")
    page.get_by_label("Single keys are shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("e")
    assert page.locator("dialog").count() == 0
    assert page.locator(f"{CARDS}[aria-pressed=true]").count() == 0
    page.keyboard.press("Control+s")
    page.wait_for_selector("dialog[open]")
    assert page.get_by_role("dialog", name="Export").is_visible()


def test_letters_in_the_search_are_letters(page, site):
    visit(page, site, COAST)
    page.locator(".search").click()
    page.keyboard.type("fes 1")
    assert page.locator(".search").input_value() == "fes 1"
    assert page.locator("dialog").count() == 0
    assert page.locator(f"{CARDS}[aria-pressed=true]").count() == 0


def test_the_app_can_be_installed(page, site):
    visit(page, site)
    manifest = page.evaluate(
        """async () => {
            const link = document.querySelector("link[rel=manifest]");
            const told = await (await fetch(link.href)).json();
            told.sizes = [];
            for (const one of told.icons.filter(({ type }) => type === "image/png")) {
                const bitmap = await createImageBitmap(await (await fetch(one.src)).blob());
                told.sizes.push([one.sizes, `${bitmap.width}x${bitmap.height}`]);
            }
            return told;
        }"""
    )
    assert manifest["display"] == "standalone"
    assert manifest["start_url"] == "/"
    assert {"192x192", "512x512"} <= {said for said, _ in manifest["sizes"]}
    assert all(said == found for said, found in manifest["sizes"])
    assert any(one.get("purpose") == "maskable" for one in manifest["icons"])
    devtools = page.context.new_cdp_session(page)
    devtools.send("Page.enable")
    assert devtools.send("Page.getAppManifest")["errors"] == []
    assert devtools.send("Page.getInstallabilityErrors")["installabilityErrors"] in (
        [],
        [{"errorId": "in-incognito", "errorArguments": []}],
    )


def test_touching_the_photo_shows_it_before(browser, site):
    context = browser.new_context(
        viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    try:
        visit(page, site)
        # A phone is offered its camera, not a folder.
        assert page.get_by_role("button", name="Take a photo").is_visible()
        assert page.get_by_role("button", name="Open a folder").count() == 0
        page.locator(".print").first.click()
        settle(page)
        page.locator(CARDS).first.tap()
        shows(page, presets(page)[0])
    finally:
        context.close()
