/** The six presets that suit the photo, best first, each with its reason. */

import { mark, picture, presetCard } from "./card.js";
import { h, Part } from "./element.js";
import { rove, tabStop } from "./roving.js";
import { reasonSaid, t } from "./words.js";

export class Strip extends Part {
  /** @param {import("./studio.js").Studio} studio */
  constructor(studio) {
    super();
    this.studio = studio;
  }

  /** @override */
  build() {
    const { studio } = this;
    this.row = h("div", { class: "strip", role: "group", "aria-label": t("strip.label") });
    this.append(this.row);
    // Among the six, an arrow key chooses: there is nothing to lose, undo takes it back.
    rove(this.row, ".card", this.gone, (card) => this.choose(card));
    this.listen(studio, "photo answer", () => this.show());
    this.listen(studio, "thumbnail", ({ detail }) => this.paint(detail));
    this.listen(studio, "edit", () => this.remark());
    this.listen(studio.owner, "change", () => this.remark());
    this.show();
  }

  /** Show the current photo's six, or six places that wait for them. */
  show() {
    const { photo } = this.studio;
    const row = /** @type {HTMLElement} */ (this.row);
    const shape = photo?.info ?? photo?.preview;
    if (shape) row.style.setProperty("--shape", String(shape.width / shape.height));
    row.ariaBusy = String(Boolean(photo && !photo.answer && !photo.failure && !photo.unsuggested));
    if (!photo?.answer) {
      const waiting = () => h("span", { class: "card waiting", "aria-hidden": "true" });
      row.replaceChildren(...(row.ariaBusy === "true" ? Array.from({ length: 6 }, waiting) : []));
      return;
    }
    const held = row.contains(document.activeElement);
    // Where all come from one list, its name stands above already.
    const mixed = new Set(photo.answer.presets.map(({ category }) => category)).size > 1;
    row.replaceChildren(
      ...photo.answer.presets.map((preset, i) =>
        presetCard(this.studio, preset, i + 1, reasonSaid(preset.reason, !mixed)),
      ),
    );
    row.scrollLeft = 0;
    for (const id of photo.thumbnails.keys()) this.paint(id);
    tabStop(row, ".card");
    if (held) /** @type {HTMLElement | null} */ (row.querySelector("[tabindex='0']"))?.focus();
  }

  /** @param {string} preset */
  paint(preset) {
    const bitmap = this.studio.photo?.thumbnails.get(preset);
    const card = this.cards().find((one) => one.dataset["preset"] === preset);
    if (bitmap && card) picture(card, bitmap);
  }

  remark() {
    for (const card of this.cards()) mark(this.studio, card);
  }

  /** @returns {HTMLElement[]} */
  cards() {
    return [...this.querySelectorAll(/** @type {"button"} */ ("button.card"))];
  }

  /** @param {HTMLElement | undefined} card */
  choose(card) {
    const preset = card?.dataset["preset"];
    if (!card || !preset) return;
    card.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (this.studio.photo?.edit.preset !== preset) this.studio.set({ preset, strength: 100 });
  }

  /**
   * Choose the suggestion that stands so many places from the chosen one.
   *
   * @param {number} step 1 or -1
   */
  move(step) {
    const cards = this.cards();
    const at = cards.findIndex((card) => card.ariaPressed === "true");
    const start = step > 0 ? -1 : cards.length;
    this.choose(cards[(at < 0 ? start : at) + step]);
  }
}

customElements.define("hb-strip", Strip);
