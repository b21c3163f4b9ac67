/** What the photo is, and the owner's word on it. */

import { h, icon, Part } from "./element.js";
import { percent, said, t } from "./words.js";

export class CategoryChip extends Part {
  /** @param {import("./studio.js").Studio} studio */
  constructor(studio) {
    super();
    this.studio = studio;
  }

  /** @override */
  build() {
    this.listen(this.studio, "photo answer edit", () => this.show());
    this.select = h("select", {
      class: "chip-select",
      "aria-label": t("category.label"),
      onchange: () => this.correct(),
    });
    this.lead = h("span", { class: "chip-lead" });
    this.clear = h(
      "button",
      { class: "quiet small", type: "button", onclick: () => this.studio.set({ category: null }) },
      t("category.clear"),
    );
    const chip = h("span", { class: "chip" }, this.select, icon("chevron"));
    this.append(this.lead, chip, this.clear);
    this.show();
  }

  correct() {
    const category = /** @type {HTMLSelectElement} */ (this.select).value;
    const guessed = this.studio.photo?.answer?.categories?.[0]?.id;
    this.studio.set({ category: category === guessed ? null : category });
  }

  show() {
    const { photo, categories } = this.studio;
    const { select, lead, clear } = this;
    if (!select || !lead || !clear) return;
    const answer = photo?.answer;
    this.toggleAttribute("data-waiting", !answer);
    const corrected = photo?.edit.category ?? null;
    lead.textContent = t(corrected ? "category.corrected" : "category.guessed");
    clear.hidden = !corrected;
    if (!answer) {
      this.hidden = Boolean(photo?.unsuggested);
      select.disabled = true;
      select.replaceChildren(h("option", {}, t("category.waiting")));
      return;
    }
    select.disabled = false;
    this.hidden = false;
    const scores = new Map(answer.categories?.map((one) => [one.id, one.confidence]) ?? []);
    const ranked = [...categories].sort(
      (one, other) => (scores.get(other.id) ?? 0) - (scores.get(one.id) ?? 0),
    );
    const chosen = corrected ?? answer.category.id;
    select.replaceChildren(
      ...ranked.map((category) => {
        const score = scores.get(category.id) ?? 0;
        const share = score >= 0.01 && category.id !== corrected ? ` · ${percent(score)}` : "";
        return h(
          "option",
          { value: category.id, selected: category.id === chosen },
          said(category.name) + share,
        );
      }),
    );
    select.value = chosen;
  }
}

customElements.define("hb-category", CategoryChip);
