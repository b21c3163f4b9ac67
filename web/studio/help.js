/** The page of shortcuts, read from the table of commands. */

import { COMMANDS, keyCaps } from "./commands.js";
import { openDialog } from "./dialog.js";
import { h } from "./element.js";
import { t } from "./words.js";

/** Open it. */
export function openHelp() {
  const caps = (/** @type {string} */ key) =>
    h("span", { class: "keys" }, ...keyCaps(key).map((cap) => h("kbd", {}, cap)));
  const rows = Object.values(COMMANDS).map(({ name, keys }) =>
    h(
      "div",
      { class: "shortcut" },
      h("dt", {}, t(name)),
      h("dd", {}, ...(keys.length > 3 ? [h("kbd", {}, "1 – 6")] : keys.slice(0, 2).map(caps))),
    ),
  );
  const dialog = openDialog(
    t("help.title"),
    h("dl", { class: "shortcuts" }, ...rows),
    h("p", { class: "note" }, t("help.note")),
  );
  dialog.classList.add("wide");
}
