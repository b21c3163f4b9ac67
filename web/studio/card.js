/** A preset's card: its picture on this photo, its name, why, and what marks it. */

import { h, icon, paint } from "./element.js";
import { peek } from "./peek.js";
import { said, t } from "./words.js";

/** @typedef {import("./studio.js").Preset | import("./studio.js").Suggested} Shown */

/**
 * A button that shows a preset and applies it; pressed, it takes the preset off again.
 *
 * @param {import("./studio.js").Studio} studio
 * @param {Shown} preset
 * @param {number} [digit] the key that chooses it
 * @param {string} [reason] why it suits the photo
 * @returns {HTMLButtonElement}
 */
export function presetCard(studio, preset, digit, reason) {
  const about = "description" in preset ? said(preset.description) : "";
  const card = h(
    "button",
    {
      class: "card",
      type: "button",
      "data-preset": preset.id,
      title: about || undefined,
      "aria-keyshortcuts": digit,
      onclick: () => {
        const off = studio.photo?.edit.preset === preset.id;
        studio.set(off ? { preset: null } : { preset: preset.id, strength: 100 });
      },
    },
    h(
      "span",
      { class: "card-picture" },
      h("canvas", { width: 3, height: 2, "aria-hidden": "true" }),
      digit ? h("kbd", { class: "card-digit", "aria-hidden": "true" }, String(digit)) : null,
      h("span", { class: "card-heart" }, icon("heart-full")),
    ),
    h(
      "span",
      { class: "card-title" },
      h("span", { class: "card-name" }, preset.name),
      preset.tier === "member" ? h("span", { class: "pill" }, t("member")) : null,
    ),
    reason ? h("span", { class: "card-reason" }, reason) : null,
  );
  peek(studio, card, preset.id);
  mark(studio, card);
  return card;
}

/**
 * Show whether the card's preset is chosen, and a favourite.
 *
 * @param {import("./studio.js").Studio} studio
 * @param {HTMLElement} card
 */
export function mark(studio, card) {
  const preset = card.dataset["preset"] ?? "";
  const favourite = studio.owner.get("favourites").includes(preset);
  card.ariaPressed = String(studio.photo?.edit.preset === preset);
  const heart = /** @type {HTMLElement} */ (card.querySelector(".card-heart"));
  heart.hidden = !favourite;
  heart.role = "img";
  heart.ariaLabel = t("favourite");
}

/**
 * Put a picture into the card.
 *
 * @param {HTMLElement} card
 * @param {ImageBitmap} bitmap
 */
export function picture(card, bitmap) {
  const canvas = card.querySelector("canvas");
  if (!canvas) return;
  paint(canvas, bitmap);
  card.dataset["painted"] = "";
}
