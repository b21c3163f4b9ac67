/** Previews on hover and focus: shown after a moment, gone when the pointer or the focus leaves. */

const SOON = 90;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let waiting;

/**
 * Preview a preset while the button is hovered with a mouse or focused with the keyboard.
 *
 * @param {import("./studio.js").Studio} studio
 * @param {HTMLElement} button
 * @param {string} preset
 */
export function peek(studio, button, preset) {
  const soon = (/** @type {string | null} */ what) => {
    clearTimeout(waiting);
    // Leaving waits too, so that going from one card to the next shows nothing in between.
    waiting = setTimeout(() => studio.preview(what), SOON);
  };
  button.addEventListener("pointerenter", (event) => {
    if (event.pointerType === "mouse") soon(preset);
  });
  button.addEventListener("pointerleave", () => soon(null));
  button.addEventListener("focus", () => {
    if (button.matches(":focus-visible")) soon(preset);
  });
  button.addEventListener("blur", () => soon(null));
  button.addEventListener("click", () => clearTimeout(waiting));
}
