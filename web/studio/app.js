/** The whole studio: it makes the parts, puts them in their places and lets them speak. */

import { CategoryChip } from "./category.js";
import { listenToKeys } from "./commands.js";
import { h, icon, Part } from "./element.js";
import { sentence, unwanted } from "./errors.js";
import { choose, hasCamera, transferred } from "./files.js";
import { Filmstrip } from "./filmstrip.js";
import { PresetBrowser } from "./presets.js";
import { Stage } from "./stage.js";
import { Strength } from "./strength.js";
import { Strip } from "./strip.js";
import { forget } from "./taste.js";
import { Toasts } from "./toasts.js";
import { Toolbar } from "./toolbar.js";
import { Welcome } from "./welcome.js";
import { said, speak, t } from "./words.js";

/** Where the list of presets stands beside the photo; below it covers the strip when it is open. */
const BESIDE = "(min-width: 1100px)";

export class App extends Part {
  /** @param {import("./studio.js").Studio} studio */
  constructor(studio) {
    super();
    this.studio = studio;
    this.toasts = new Toasts();
    /** Set once they have begun. @type {import("../update.js").Updates | null} */
    this.updates = null;
  }

  /** @override */
  build() {
    const { studio, toasts } = this;
    this.stage = new Stage(studio);
    this.strip = new Strip(studio);
    this.presets = new PresetBrowser(studio);
    /** @type {import("./commands.js").Desk} */
    const desk = {
      studio,
      toasts,
      stage: this.stage,
      strip: this.strip,
      open: (from) => void this.open(from),
      showPresets: (open) => this.showPresets(open),
      close: () => this.close(),
      export: () => this.dialog(({ openExport }) => openExport(studio, toasts)),
      batch: () => this.dialog(({ openBatch }) => openBatch(studio, toasts)),
      settings: () =>
        this.dialog(async ({ openSettings }) => {
          await studio.begun;
          const speak = (/** @type {string} */ language) => void this.speakAnew(language);
          openSettings(studio, this.updates, speak);
        }),
      help: () => this.dialog(({ openHelp }) => openHelp()),
    };
    this.notes = h("p", { class: "answer-notes", role: "note" });
    const all = h(
      "button",
      {
        type: "button",
        class: "quiet all-presets",
        "aria-expanded": "false",
        onclick: () => this.showPresets(),
      },
      icon("grid"),
      t("command.presets"),
    );
    this.all = all;
    const aside = h("aside", { class: "presets", "aria-label": t("presets.label") }, this.presets);
    this.aside = aside;
    this.append(
      new Toolbar(desk),
      h(
        "main",
        {},
        h("section", { class: "welcome" }, new Welcome((from) => void this.open(from))),
        h(
          "section",
          { class: "work", "aria-label": t("work.label") },
          this.stage,
          h(
            "div",
            { class: "tray" },
            h("div", { class: "tray-head" }, new CategoryChip(studio), all, new Strength(studio)),
            this.notes,
            this.strip,
            new Filmstrip(studio),
          ),
        ),
        aside,
      ),
      h(
        "div",
        { class: "drop-veil", "aria-hidden": "true" },
        h("span", {}, icon("photos"), t("drop.here")),
      ),
      toasts,
    );
    listenToKeys(desk, this.gone);
    this.receive();
    this.listen(this.presets, "close", () => this.showPresets(false));
    this.listen(this, "keydown", (event) => {
      if (event.key === "Escape" && !matchMedia(BESIDE).matches && this.sheet)
        this.showPresets(false);
    });
    this.listen(studio, "photo photos", () => this.show());
    this.listen(studio, "answer", () => this.answered());
    this.listen(studio, "edit", () => this.applied());
    this.listen(studio, "taste", ({ detail }) => this.learned(detail));
    this.listen(studio, "restart", () => toasts.show(t("trouble.restarted")));
    this.listen(studio, "trouble", ({ detail }) => this.trouble(detail));
    this.listen(studio.owner, "trouble", ({ detail }) =>
      toasts.show(t(`trouble.${/** @type {"quota"} */ (detail)}`)),
    );
    this.listen(matchMedia(BESIDE), "change", () => this.place());
    this.place();
    this.show();
  }

  /** One dialog at a time, however fast the keys. */
  #fetching = false;

  /** @param {(dialogs: typeof import("./dialogs.js")) => void | Promise<void>} open */
  async dialog(open) {
    if (this.#fetching) return;
    this.#fetching = true;
    await import("./dialogs.js").then(open).catch((error) => this.trouble(error));
    this.#fetching = false;
  }

  /** Whether the list of presets is open over the strip, where it has no place beside the photo. */
  sheet = false;

  /** @param {boolean} [open] true also puts the focus on the search; left out, it toggles */
  showPresets(open) {
    const beside = matchMedia(BESIDE).matches;
    const shown = beside ? this.studio.owner.get("panel") : this.sheet;
    const next = open ?? !shown;
    if (beside) void this.studio.owner.update("panel", () => next);
    else this.sheet = next;
    this.place();
    // On a phone the focus would bring up its keyboard, over what is to be seen.
    const way = hasCamera() ? ".close-presets" : ".search";
    if (next && (open || !beside)) {
      /** @type {HTMLElement | null} */ (this.querySelector(way))?.focus({ preventScroll: true });
    }
    if (!next && shown) this.all?.focus({ preventScroll: true });
  }

  place() {
    const beside = matchMedia(BESIDE).matches;
    const open = beside ? this.studio.owner.get("panel") : this.sheet;
    this.dataset["presets"] = open ? "open" : "closed";
    if (this.aside) this.aside.inert = !open;
    if (this.all) this.all.ariaExpanded = String(open);
  }

  show() {
    const { photo, photos } = this.studio;
    this.dataset["state"] = photos.length ? "open" : "empty";
    document.title = photo ? `${photo.file.name} · ${t("app.name")}` : t("app.name");
    this.dataset["photo"] = photo?.failure ? "failed" : "good";
    this.stage?.fail(photo?.failure ? sentence(photo.failure) : "");
  }

  answered() {
    const { photo } = this.studio;
    if (!photo?.answer) return;
    const { category, presets, notes } = photo.answer;
    if (this.notes) {
      this.notes.textContent = notes.length ? t("answer.short") : "";
      this.notes.hidden = !notes.length;
    }
    this.toasts.say(t("answer.said", { n: presets.length, category: said(category.name) }));
  }

  applied() {
    const { photo, presets } = this.studio;
    const preset = presets.get(photo?.edit.preset ?? "");
    if (!photo || photo.before) return;
    this.toasts.say(
      preset
        ? t("stage.applied", { preset: preset.name, n: photo.edit.strength })
        : t("stage.plain"),
    );
  }

  /** @param {"first" | "carried" | "lost"} what */
  learned(what) {
    const { studio, toasts } = this;
    if (what === "carried") toasts.show(t("taste.carried"));
    else if (what === "lost") toasts.show(t("taste.lost"));
    else {
      const run = () => void forget(studio);
      toasts.show(t("taste.first"), { action: t("taste.forget"), run });
    }
  }

  /** @param {unknown} error */
  trouble(error) {
    if (unwanted(error)) return;
    this.toasts.show(sentence(error), { kind: "error" });
  }

  /** @param {"photos" | "folder" | "camera" | File[]} from */
  async open(from) {
    const files = typeof from === "string" ? await choose(from) : from;
    if (!files.length) {
      if (from === "folder") this.toasts.show(t("open.noPhotos"));
      return;
    }
    const left = this.studio.add(files);
    if (left) this.toasts.show(t("open.tooMany", { n: left }), { kind: "error" });
    if (document.activeElement === document.body) this.stage?.view?.focus({ preventScroll: true });
  }

  /** Close the current photo; it can be had back with its edit. */
  close() {
    const { studio, toasts } = this;
    const { photo } = studio;
    if (!photo) return;
    const back = studio.close(photo);
    toasts.show(t("film.closed", { name: photo.file.name }), { action: t("undo"), run: back });
    if (studio.photos.length) this.stage?.view?.focus({ preventScroll: true });
    else /** @type {HTMLElement | null} */ (this.querySelector("hb-welcome .primary"))?.focus();
  }

  /** Drops and pastes, anywhere on the page. */
  receive() {
    let depth = 0;
    const veil = (/** @type {number} */ to) => {
      depth = Math.max(0, to);
      this.toggleAttribute("data-dropping", depth > 0);
    };
    const files = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
    this.listen(document, "dragenter", (event) => files(event) && veil(depth + 1));
    this.listen(document, "dragleave", (event) => files(event) && veil(depth - 1));
    this.listen(document, "dragover", (event) => files(event) && event.preventDefault());
    this.listen(document, "drop", async (event) => {
      if (!files(event)) return;
      event.preventDefault();
      veil(0);
      await this.open(await transferred(event.dataTransfer));
    });
    this.listen(document, "paste", async (event) => {
      const pasted = await transferred(event.clipboardData);
      if (pasted.length) await this.open(pasted);
    });
    // Photos that the system opens with the installed app.
    /** @type {any} */ (globalThis).launchQueue?.setConsumer(
      async (/** @type {any} */ { files }) => {
        if (files?.length) {
          await this.open(await Promise.all(files.map((/** @type {any} */ one) => one.getFile())));
        }
      },
    );
  }

  /** @param {string} language */
  async speakAnew(language) {
    void this.studio.owner.update("language", () => language);
    await speak(language);
    this.disconnectedCallback();
    this.connectedCallback();
    this.querySelector(/** @type {"button"} */ (".tool-settings"))?.focus();
  }
}

customElements.define("hb-studio", App);
