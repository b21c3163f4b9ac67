/** Short notes at the edge of the page, and the voice for screen readers. */

import { h, icon, Part } from "./element.js";
import { t } from "./words.js";

const SHOWN = 6000;

/** @typedef {{action?: string, run?: () => void, kind?: "error", lasting?: boolean}} ToastOptions */

export class Toasts extends Part {
  /** @override */
  build() {
    // Two regions that are there from the start, or screen readers miss the first words.
    this.polite = h("div", { class: "toast-list", role: "status", "aria-live": "polite" });
    this.urgent = h("div", { class: "toast-list", role: "alert" });
    this.voice = h("p", { class: "sr", role: "status", "aria-live": "polite" });
    this.append(this.urgent, this.polite, this.voice);
  }

  /**
   * Say something to screen readers only.
   *
   * @param {string} sentence
   */
  say(sentence) {
    if (this.voice) this.voice.textContent = sentence;
  }

  /**
   * Show a note; it leaves by itself unless it is lasting, waits for a pointer or the focus on it.
   *
   * @param {string} sentence
   * @param {ToastOptions} [options]
   */
  show(sentence, { action, run, kind, lasting } = {}) {
    const list = kind === "error" ? this.urgent : this.polite;
    const same = [...(list?.children ?? [])].find(
      (one) => one.firstChild?.textContent === sentence,
    );
    same?.remove();
    const toast = h(
      "div",
      { class: "toast", "data-kind": kind },
      h("p", {}, sentence),
      action
        ? h(
            "button",
            {
              class: "toast-action",
              type: "button",
              onclick: () => {
                toast.remove();
                run?.();
              },
            },
            action,
          )
        : null,
      h(
        "button",
        { class: "tool", type: "button", "aria-label": t("close"), onclick: () => toast.remove() },
        icon("close"),
      ),
    );
    list?.append(toast);
    while (list && list.children.length > 3) list.firstElementChild?.remove();
    if (lasting) return;
    const leave = () => {
      if (toast.matches(":hover, :focus-within")) setTimeout(leave, SHOWN);
      else toast.remove();
    };
    setTimeout(leave, kind === "error" ? 2 * SHOWN : SHOWN);
  }
}

customElements.define("hb-toasts", Toasts);
