/** The bar on top: what is open, what can be done with it. */

import { COMMANDS, keyCaps } from "./commands.js";
import { h, icon, Part } from "./element.js";
import { number, t } from "./words.js";

/** @typedef {import("./commands.js").CommandId} CommandId */

export class Toolbar extends Part {
  /** @type {Partial<Record<CommandId, HTMLButtonElement>>} */
  buttons = {};

  /** @param {import("./commands.js").Desk} desk */
  constructor(desk) {
    super();
    this.desk = desk;
  }

  /** @override */
  build() {
    const { studio, stage } = this.desk;
    this.name = h("span", { class: "photo-name" });
    this.size = h("span", { class: "photo-size" });
    this.append(
      h(
        "span",
        { class: "brand" },
        h("img", { src: "/icons/icon.svg", alt: "", width: 24, height: 24 }),
        h("span", { class: "brand-name" }, t("app.name")),
      ),
      h("div", { class: "photo-about" }, this.name, this.size),
      h(
        "div",
        { class: "tools", role: "toolbar", "aria-label": t("toolbar") },
        this.tool("undo", "undo"),
        this.tool("redo", "redo"),
        h("span", { class: "gap" }),
        this.tool("before", "compare"),
        this.tool("split", "split"),
        this.tool("fit", "zoom"),
        h("span", { class: "gap" }),
        this.tool("favourite", "heart"),
        this.tool("batch", "stack"),
        this.tool("presets", "grid"),
        h("span", { class: "gap" }),
        this.tool("open", "plus"),
        this.tool("help", "keyboard"),
        this.tool("settings", "settings"),
      ),
      this.exportButton(),
    );
    const hold = /** @type {HTMLButtonElement} */ (this.buttons.before);
    this.listen(hold, "pointerdown", () => stage.hold(true));
    this.listen(hold, "pointerup pointerleave pointercancel blur", () => stage.hold(false));
    this.listen(hold, "keydown", ({ key }) => (key === " " || key === "Enter") && stage.hold(true));
    this.listen(hold, "keyup", () => stage.hold(false));
    this.listen(studio, "photo photos edit preview answer", () => this.show());
    this.listen(studio.owner, "change", () => this.show());
    this.listen(stage, "held zoom", () => this.show());
    this.show();
  }

  /** @param {CommandId} id @param {string} picture */
  tool(id, picture) {
    const { name, keys, run } = COMMANDS[id];
    const key = keyCaps(keys[0] ?? "").join("+");
    const button = h(
      "button",
      {
        type: "button",
        class: `tool tool-${id}`,
        "aria-label": t(name),
        title: `${t(name)} (${key})`,
        onclick: () => id !== "before" && run(this.desk),
      },
      icon(picture),
    );
    this.buttons[id] = button;
    return button;
  }

  exportButton() {
    const button = h(
      "button",
      { type: "button", class: "primary export-button", onclick: () => this.desk.export() },
      icon("export"),
      h("span", {}, t("export")),
    );
    this.buttons.export = button;
    return button;
  }

  show() {
    const { desk, buttons } = this;
    const { studio, stage } = desk;
    const info = studio.photo?.info;
    if (this.name) this.name.textContent = studio.photo?.file.name ?? "";
    if (this.size)
      this.size.textContent = info ? `${number(info.width)} × ${number(info.height)}` : "";
    for (const [id, button] of Object.entries(buttons)) {
      const command = COMMANDS[/** @type {CommandId} */ (id)];
      button.disabled = "can" in command && !command.can(desk);
    }
    const pressed = (/** @type {CommandId} */ id, /** @type {boolean} */ on) => {
      const button = buttons[id];
      if (button) button.ariaPressed = String(on);
    };
    pressed("before", stage.held);
    pressed("split", stage.splitting);
    pressed("fit", stage.zoom > 1);
    pressed("favourite", studio.owner.get("favourites").includes(studio.shown.preset ?? ""));
    pressed("presets", studio.owner.get("panel"));
    const { batch } = buttons;
    if (batch) batch.hidden = studio.photos.length < 2;
  }
}

customElements.define("hb-toolbar", Toolbar);
