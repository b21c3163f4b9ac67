/** All presets: by family, by search, favourites and recents, each shown on the current photo. */

import { mark, picture, presetCard } from "./card.js";
import { h, icon, Part } from "./element.js";
import { rove, tabStop } from "./roving.js";
import { said, t } from "./words.js";

const SIDE = 256;

export class PresetBrowser extends Part {
  filter = "all";
  /** @type {Set<string>} cards in sight that wait for their picture */
  #wanted = new Set();
  #working = false;

  /** @param {import("./studio.js").Studio} studio */
  constructor(studio) {
    super();
    this.studio = studio;
  }

  /** @override */
  build() {
    const { studio } = this;
    this.search = h("input", {
      type: "search",
      class: "search",
      placeholder: t("presets.search"),
      "aria-label": t("presets.search"),
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => this.show(),
    });
    this.filters = h("div", {
      class: "filters",
      role: "group",
      "aria-label": t("presets.filters"),
    });
    this.list = h("div", { class: "preset-list" });
    this.count = h("p", { class: "sr", role: "status" });
    this.append(
      h(
        "div",
        { class: "presets-head" },
        h("div", { class: "search-box" }, icon("search"), this.search),
        h(
          "button",
          {
            class: "tool close-presets",
            type: "button",
            "aria-label": t("close"),
            onclick: () => this.dispatchEvent(new Event("close")),
          },
          icon("close"),
        ),
      ),
      this.filters,
      this.list,
      this.count,
    );
    rove(this.list, ".card", this.gone);
    rove(this.filters, "button", this.gone);
    this.sight = new IntersectionObserver((entries) => this.seen(entries), {
      root: this.list,
      rootMargin: "240px",
    });
    this.listen(this.gone, "abort", () => this.sight?.disconnect());
    this.listen(studio, "photo", () => this.changePhoto());
    this.listen(studio, "catalog", () => this.show());
    this.listen(studio, "edit", () => this.remark());
    this.listen(studio.owner, "change", ({ detail }) => {
      if (detail === this.filter) this.show();
      this.remark();
    });
    this.show();
  }

  /** @type {unknown} */
  #shown = null;

  changePhoto() {
    const { photo } = this.studio;
    const ready = photo?.info ? photo : null;
    if (ready === this.#shown) return;
    this.#shown = ready;
    if (!ready?.info) return;
    this.style.setProperty("--shape", String(ready.info.width / ready.info.height));
    for (const card of this.cards()) {
      delete card.dataset["painted"];
      // Observed anew, so that those in sight are told of again.
      this.sight?.unobserve(card);
      this.sight?.observe(card);
    }
    this.remark();
  }

  /** @returns {HTMLElement[]} */
  cards() {
    return [...this.querySelectorAll(/** @type {"button"} */ ("button.card"))];
  }

  /** @param {string} filter "all", "favourites", "recents" or a family's id */
  choose(filter) {
    this.filter = filter;
    if (this.search) this.search.value = "";
    this.show();
    if (this.list) this.list.scrollTop = 0;
  }

  show() {
    const { list, search, filters, studio } = this;
    if (!list || !search || !filters) return;
    const words = plain(search.value).split(/\s+/).filter(Boolean);
    const chosen = words.length ? "all" : this.filter;
    this.#wanted.clear();
    this.sight?.disconnect();
    this.showFilters(filters, chosen);
    const sections = this.groups(chosen).map(({ family, presets }) => {
      const found = presets.filter((preset) => {
        const { name, description } = preset;
        const about = studio.families.find((one) => one.id === preset.family);
        const text = plain(
          [name, description, said(description), said(about?.name ?? ""), preset.id].join(" "),
        );
        return words.every((word) => text.includes(word));
      });
      if (!found.length) return null;
      return h(
        "section",
        { class: "family" },
        family
          ? h(
              "header",
              { class: "family-head" },
              h("h3", {}, said(family.name)),
              h("p", {}, said(family.description)),
            )
          : null,
        h("div", { class: "family-grid" }, ...found.map((preset) => presetCard(studio, preset))),
      );
    });
    const shown = sections.filter((section) => section !== null);
    const empty = h(
      "p",
      { class: "presets-empty" },
      words.length
        ? t("presets.none")
        : chosen === "favourites"
          ? t("presets.noFavourites")
          : t("presets.noRecents"),
    );
    list.replaceChildren(...(shown.length ? shown : [empty]));
    tabStop(list, ".card");
    const cards = list.querySelectorAll(".card");
    if (this.count && words.length)
      this.count.textContent = t("presets.found", { n: cards.length });
    for (const card of cards) this.sight?.observe(card);
  }

  /** @param {HTMLElement} filters @param {string} chosen */
  showFilters(filters, chosen) {
    const held = filters.contains(document.activeElement);
    const choice = (/** @type {string} */ id, /** @type {string} */ name) =>
      h(
        "button",
        {
          type: "button",
          class: "filter",
          "aria-pressed": String(id === chosen),
          onclick: () => this.choose(id),
        },
        name,
      );
    const { scrollLeft } = filters;
    filters.replaceChildren(
      choice("all", t("presets.all")),
      choice("favourites", t("presets.favourites")),
      choice("recents", t("presets.recents")),
      ...this.studio.families.map((family) => choice(family.id, said(family.name))),
    );
    filters.scrollLeft = scrollLeft;
    tabStop(filters, "button");
    if (held) /** @type {HTMLElement | null} */ (filters.querySelector("[tabindex='0']"))?.focus();
  }

  /**
   * @param {string} filter
   * @returns {{family: import("./studio.js").Family | null, presets: import("./studio.js").Preset[]}[]}
   */
  groups(filter) {
    const { studio } = this;
    if (filter === "favourites" || filter === "recents") {
      const presets = studio.owner.get(filter).map((id) => studio.presets.get(id));
      return [{ family: null, presets: presets.filter((preset) => preset !== undefined) }];
    }
    const all = [...studio.presets.values()];
    return studio.families
      .filter((family) => filter === "all" || family.id === filter)
      .map((family) => ({ family, presets: all.filter((one) => one.family === family.id) }));
  }

  remark() {
    for (const card of this.cards()) mark(this.studio, card);
  }

  /** @param {IntersectionObserverEntry[]} entries */
  seen(entries) {
    for (const { target, isIntersecting } of entries) {
      const { dataset } = /** @type {HTMLElement} */ (target);
      const preset = dataset["preset"] ?? "";
      if (isIntersecting && dataset["painted"] === undefined) this.#wanted.add(preset);
      else this.#wanted.delete(preset);
    }
    void this.work();
  }

  /** Paint the cards in sight, a few at a time, so that what is asked for meanwhile comes soon. */
  async work() {
    if (this.#working) return;
    this.#working = true;
    try {
      while (this.#wanted.size && !this.gone.aborted) {
        const { photo, engine } = this.studio;
        if (!photo?.info) break;
        // The six come first.
        if (!this.studio.suggested) {
          await new Promise((resolve) => {
            this.studio.addEventListener("suggested", resolve, { once: true });
            this.studio.addEventListener("photo", resolve, { once: true });
            this.gone.addEventListener("abort", resolve, { once: true });
          });
          continue;
        }
        const ids = [...this.#wanted].slice(0, 4);
        for (const id of ids) this.#wanted.delete(id);
        const { id } = await this.studio.open(photo);
        for await (const { preset, bitmap } of engine.thumbnails(id, ids, { side: SIDE })) {
          if (this.studio.photo === photo) this.paint(preset, bitmap);
          bitmap.close();
        }
      }
    } catch (error) {
      this.studio.fail(error);
    } finally {
      this.#working = false;
    }
  }

  /** @param {string} preset @param {ImageBitmap} bitmap */
  paint(preset, bitmap) {
    const card = this.list?.querySelector(`[data-preset="${CSS.escape(preset)}"]`);
    if (card) picture(/** @type {HTMLElement} */ (card), bitmap);
  }
}

/** @param {string} text @returns {string} without case and accents, for searching */
function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

customElements.define("hb-presets", PresetBrowser);
