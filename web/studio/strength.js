/** How strongly the preset acts, 0 to 100. */

import { h, icon, Part } from "./element.js";
import { number, t } from "./words.js";

export class Strength extends Part {
  /** @param {import("./studio.js").Studio} studio */
  constructor(studio) {
    super();
    this.studio = studio;
  }

  /** @override */
  build() {
    this.slider = h("input", {
      type: "range",
      id: "strength",
      min: 0,
      max: 100,
      step: 1,
      oninput: () => this.change(true),
      onchange: () => this.change(false),
      ondblclick: () => this.studio.set({ strength: 100 }),
    });
    this.value = h("output", { for: "strength" });
    this.clear = h(
      "button",
      {
        type: "button",
        class: "tool small",
        "aria-label": t("command.reset"),
        title: t("command.reset"),
        onclick: () => this.studio.set({ preset: null, strength: 100 }),
      },
      icon("close"),
    );
    const label = h("label", { for: "strength" }, t("strength"));
    this.append(label, this.slider, this.value, this.clear);
    this.listen(this.studio, "photo answer edit", () => this.show());
    this.show();
  }

  /** @param {boolean} going */
  change(going) {
    this.studio.set({ strength: Number(this.slider?.value) }, going);
  }

  show() {
    const edit = this.studio.photo?.edit;
    const { slider, value, clear } = this;
    if (!slider || !value || !clear) return;
    const strength = edit?.preset ? edit.strength : 100;
    slider.disabled = clear.disabled = !edit?.preset;
    if (Number(slider.value) !== strength) slider.value = String(strength);
    slider.style.setProperty("--filled", `${strength}%`);
    value.textContent = number(strength);
  }
}

customElements.define("hb-strength", Strength);
