/** Dialogs: the browser's own `<dialog>`, which holds the focus and closes on Escape. */

import { h, icon } from "./element.js";
import { t } from "./words.js";

/**
 * Open a dialog; it leaves the page when it closes, and the browser puts the focus back.
 *
 * @param {string} title
 * @param {...import("./element.js").Child} content
 * @returns {HTMLDialogElement}
 */
export function openDialog(title, ...content) {
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": "dialog-title" },
    h(
      "header",
      { class: "dialog-head" },
      h("h2", { id: "dialog-title", tabindex: -1 }, title),
      h(
        "button",
        { class: "tool", type: "button", "aria-label": t("close"), onclick: () => dialog.close() },
        icon("close"),
      ),
    ),
    h("div", { class: "dialog-body" }, ...content),
  );
  dialog.addEventListener("close", () => dialog.remove());
  // A press on the backdrop is a press on the dialog outside of its box.
  dialog.addEventListener("pointerdown", (event) => {
    const box = dialog.getBoundingClientRect();
    const { clientX: x, clientY: y } = event;
    const inside = x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
    if (event.target === dialog && !inside && !dialog.dataset["busy"]) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
