/** The open photos in a row, when there are more than one. */

import { h, icon, paint, Part } from "./element.js";
import { rove, tabStop } from "./roving.js";
import { t } from "./words.js";

/** Height of a frame, in CSS pixels, as styles/filmstrip.css has it. */
const FRAME = 44;

export class Filmstrip extends Part {
  /** @type {Map<import("./photo.js").OpenPhoto, HTMLElement>} */
  #frames = new Map();

  /** @param {import("./studio.js").Studio} studio */
  constructor(studio) {
    super();
    this.studio = studio;
  }

  /** @override */
  build() {
    this.row = h("div", { class: "film", role: "group", "aria-label": t("film.label") });
    this.append(this.row);
    rove(this.row, ".film-frame", this.gone);
    this.sight = new IntersectionObserver((entries) => this.seen(entries), {
      root: this.row,
      rootMargin: "200px",
    });
    this.listen(this.gone, "abort", () => this.sight?.disconnect());
    this.#frames.clear();
    this.listen(this.studio, "photos", () => this.show());
    this.listen(this.studio, "photo edit", () => this.mark());
    this.show();
  }

  show() {
    const { photos } = this.studio;
    this.hidden = photos.length < 2;
    for (const [photo, frame] of this.#frames) {
      if (photos.includes(photo)) continue;
      frame.remove();
      this.#frames.delete(photo);
    }
    for (const photo of photos) {
      const frame = this.#frames.get(photo) ?? this.add(photo);
      const canvas = frame.querySelector("canvas");
      if (photo.preview && canvas && frame.dataset["painted"] === undefined) {
        paint(canvas, photo.preview, 2 * FRAME);
        frame.dataset["painted"] = "";
      }
      frame.toggleAttribute("data-failed", Boolean(photo.failure));
    }
    this.mark();
  }

  /** @param {import("./photo.js").OpenPhoto} photo */
  add(photo) {
    const { name } = photo.file;
    const frame = h(
      "button",
      {
        type: "button",
        class: "film-frame",
        "aria-label": name,
        title: name,
        onclick: () => void this.studio.select(photo),
      },
      h("canvas", { width: 1, height: 1, "aria-hidden": "true" }),
      h("span", { class: "film-mark" }, icon("check")),
    );
    this.#frames.set(photo, frame);
    this.row?.append(frame);
    this.sight?.observe(frame);
    return frame;
  }

  mark() {
    for (const [photo, frame] of this.#frames) {
      const current = photo === this.studio.photo;
      if (current && frame.ariaCurrent !== "true") {
        frame.scrollIntoView({ block: "nearest", inline: "nearest" });
      }
      frame.ariaCurrent = current ? "true" : null;
      frame.toggleAttribute("data-edited", photo.edit.preset !== null);
      frame.ariaLabel = photo.edit.preset
        ? t("film.edited", {
            name: photo.file.name,
            preset: this.studio.presets.get(photo.edit.preset)?.name ?? "",
          })
        : photo.file.name;
    }
    if (this.row) tabStop(this.row, ".film-frame");
  }

  /** Photos come into sight: open them one after the other, the engine lets go of them later. */
  async seen(/** @type {IntersectionObserverEntry[]} */ entries) {
    for (const { target, isIntersecting } of entries) {
      const found = [...this.#frames].find(([, frame]) => frame === target);
      if (!found) continue;
      if (isIntersecting) this.#waiting.add(found[0]);
      else this.#waiting.delete(found[0]);
    }
    if (this.#opening) return;
    this.#opening = true;
    for (const photo of this.#waiting) {
      this.#waiting.delete(photo);
      if (photo.info || photo.failure || !this.studio.photos.includes(photo)) continue;
      // What went wrong is told when the photo is chosen.
      await this.studio.open(photo).catch(() => this.show());
    }
    this.#opening = false;
  }

  /** @type {Set<import("./photo.js").OpenPhoto>} */
  #waiting = new Set();
  #opening = false;
}

customElements.define("hb-filmstrip", Filmstrip);
