/** The empty studio: a place to drop a photo, a few of ours to try, and where photos stay. */

import { h, icon, Part } from "./element.js";
import { hasCamera, hasFolders } from "./files.js";
import { t } from "./words.js";

/** Samples with their shape; what they are comes from the locale. */
const SAMPLES = /** @type {const} */ ([
  ["dandelions", 16 / 9],
  ["coast", 3 / 2],
  ["dog", 1],
  ["coffee", 3 / 2],
]);

export class Welcome extends Part {
  /** @param {(from: "photos" | "folder" | "camera" | File[]) => void} open */
  constructor(open) {
    super();
    this.open = open;
  }

  /** @override */
  build() {
    const way = (/** @type {"photos" | "folder" | "camera"} */ from, /** @type {string} */ name) =>
      h(
        "button",
        {
          type: "button",
          class: from === "photos" ? "primary" : "secondary",
          onclick: () => this.open(from),
        },
        icon(from),
        name,
      );
    this.append(
      h(
        "div",
        { class: "welcome-words" },
        h("h1", {}, t("welcome.title")),
        h("p", { class: "welcome-lead" }, t("welcome.lead")),
        h(
          "div",
          { class: "welcome-ways" },
          way("photos", t("open.photos")),
          hasFolders() && !hasCamera() ? way("folder", t("open.folder")) : null,
          hasCamera() ? way("camera", t("open.camera")) : null,
        ),
        h("p", { class: "welcome-hint" }, t(hasCamera() ? "welcome.hintTouch" : "welcome.hint")),
      ),
      h(
        "div",
        { class: "welcome-samples" },
        h("h2", {}, t("welcome.samples")),
        h(
          "div",
          { class: "prints" },
          ...SAMPLES.map(([name, shape]) => this.print(name, shape, t(`sample.${name}`))),
        ),
      ),
      h("p", { class: "promise" }, icon("home"), h("span", {}, t("welcome.promise"))),
    );
  }

  /** @param {string} name @param {number} shape @param {string} about */
  print(name, shape, about) {
    const url = `/studio/samples/${name}.jpg`;
    const image = h("img", { src: url, alt: "", width: Math.round(400 * shape), height: 400 });
    const button = h(
      "button",
      {
        type: "button",
        class: "print",
        "aria-label": t("welcome.try", { name: about }),
        onclick: async () => {
          const answer = await fetch(url).catch(() => null);
          if (!answer?.ok) return;
          this.open([new File([await answer.blob()], `${name}.jpg`, { type: "image/jpeg" })]);
        },
      },
      image,
    );
    button.style.setProperty("--shape", String(shape));
    return button;
  }
}

customElements.define("hb-welcome", Welcome);
