/** Settings, what is kept, and whether this browser gives the answers that it should. */

import { openDialog } from "./dialog.js";
import { h } from "./element.js";
import { sentence } from "./errors.js";
import { save } from "./files.js";
import { forget, use } from "./taste.js";
import { noticeSaid } from "./updates.js";
import { LANGUAGES, spoken, t } from "./words.js";

/** @typedef {import("../update.js").Updates} Updates */

/**
 * Open the settings.
 *
 * @param {import("./studio.js").Studio} studio
 * @param {Updates | null} updates
 * @param {(language: string) => void} speakAnew
 */
export function openSettings(studio, updates, speakAnew) {
  const { owner, engine } = studio;
  const { bundle, catalog } = engine.ready;
  const field = (/** @type {string} */ label, /** @type {HTMLElement} */ control) =>
    h("div", { class: "field" }, h("label", { for: control.id }, label), control);
  const options = (/** @type {Record<string, string>} */ names, /** @type {string} */ chosen) =>
    Object.entries(names).map(([value, name]) =>
      h("option", { value, selected: value === chosen }, name),
    );

  const theme = h(
    "select",
    {
      id: "settings-theme",
      onchange: () => void owner.update("theme", () => /** @type {"system"} */ (theme.value)),
    },
    ...options(
      { system: t("theme.system"), dark: t("theme.dark"), light: t("theme.light") },
      owner.get("theme"),
    ),
  );
  const language = h(
    "select",
    {
      id: "settings-language",
      onchange: () => {
        dialog.close();
        speakAnew(language.value);
      },
    },
    ...options(LANGUAGES, spoken()),
  );
  const keys = h("input", {
    type: "checkbox",
    id: "settings-keys",
    checked: owner.get("keys"),
    onchange: () => void owner.update("keys", () => keys.checked),
  });
  const kept = h("p", { class: "note" });
  const count = () => {
    kept.textContent = t("kept.what", {
      favourites: owner.get("favourites").length,
      corrections: Object.keys(owner.get("corrections")).length,
      picks: owner.get("picks").length,
    });
  };
  count();
  const forget = h(
    "button",
    { type: "button", class: "secondary", onclick: () => void owner.forget().then(count) },
    t("kept.forget"),
  );
  const dialog = openDialog(
    t("settings"),
    field(t("settings.theme"), theme),
    field(t("settings.language"), language),
    h("div", { class: "check" }, keys, h("label", { for: keys.id }, t("settings.keys"))),
    h("h3", {}, t("kept.title")),
    kept,
    owner.lasting ? null : h("p", { class: "note" }, t("trouble.memory")),
    forget,
    h("h3", {}, t("taste.title")),
    tasteOf(studio),
    h("h3", {}, t("about.title")),
    h("p", { class: "note" }, t("welcome.promise")),
    h("p", { class: "note" }, t(owner.get("membership") ? "about.member" : "about.free")),
    h(
      "p",
      { class: "note" },
      t("about.bundle", {
        name: bundle.name,
        version: bundle.version,
        catalog: catalog.version ?? "",
      }),
    ),
    h("p", { class: "note hash", title: bundle.sha256 }, `SHA-256 ${bundle.sha256.slice(0, 16)}…`),
    deviceCheck(engine),
    ...(updates ? [h("h3", {}, t("update.title")), updateCheck(updates)] : []),
  );
}

/**
 * What was learned of the owner: how much, and the ways to keep it, bring it and forget it.
 *
 * @param {import("./studio.js").Studio} studio
 */
function tasteOf(studio) {
  const { owner } = studio;
  const note = h("p", { class: "note", role: "status" });
  const button = (
    /** @type {"taste.forget" | "taste.save" | "taste.load"} */ name,
    /** @type {() => void} */ run,
  ) => h("button", { type: "button", class: "secondary", onclick: run }, t(name));
  const file = h("input", {
    type: "file",
    accept: ".safetensors",
    hidden: true,
    onchange: async () => {
      const [chosen] = file.files ?? [];
      file.value = "";
      if (!chosen) return;
      try {
        await use(studio, new Uint8Array(await chosen.arrayBuffer()));
        studio.suggestAnew();
        show();
      } catch (error) {
        note.textContent = sentence(error);
      }
    },
  });
  const none = button("taste.forget", () => void forget(studio).then(show));
  const keep = button("taste.save", () => {
    const taste = owner.get("taste");
    if (taste) save(new Blob([taste.bytes]), "for-this-photo-owner.safetensors");
  });
  const show = () => {
    const n = owner.get("taste")?.learned ?? 0;
    note.textContent = n ? t("taste.learned", { n }) : t("taste.none");
    none.hidden = keep.hidden = !n;
  };
  show();
  return h(
    "div",
    { class: "taste" },
    note,
    h("div", { class: "row" }, keep, button("taste.load", () => file.click()), none),
    file,
  );
}

/** @param {Updates} updates */
function updateCheck(updates) {
  const result = h("p", { class: "note", role: "status" });
  const button = (
    /** @type {"update.check" | "update.rollback"} */ name,
    /** @type {() => Promise<any>} */ ask,
  ) => {
    const run = h(
      "button",
      {
        type: "button",
        class: "secondary",
        onclick: async () => {
          run.disabled = true;
          result.textContent = noticeSaid(await ask());
          run.disabled = false;
        },
      },
      t(name),
    );
    return run;
  };
  const back = button("update.rollback", () => updates.rollback());
  back.hidden = true;
  const kept = updates.status().then(({ bundle, catalog }) => (back.hidden = !bundle && !catalog));
  kept.catch(() => {});
  return h(
    "div",
    { class: "update-check" },
    h(
      "div",
      { class: "row" },
      button("update.check", () => updates.check()),
      back,
    ),
    result,
  );
}

/** @param {import("./studio.js").Engine} engine */
function deviceCheck(engine) {
  const result = h("p", { class: "note check-result", role: "status" });
  const progress = h("progress", { max: 1, value: 0, hidden: true, "aria-label": t("check.run") });
  const run = h(
    "button",
    {
      type: "button",
      class: "secondary",
      onclick: async () => {
        run.disabled = true;
        progress.hidden = false;
        try {
          const report = await engine.check((/** @type {any} */ at) => {
            progress.value = typeof at === "number" ? at : at.done / at.total;
          });
          const n = report.samples.length;
          result.dataset["passed"] = String(report.passed);
          result.textContent = t(report.passed ? "check.passed" : "check.failed", { n });
        } catch (error) {
          result.dataset["passed"] = "false";
          result.textContent = sentence(error);
        } finally {
          run.disabled = false;
          progress.hidden = true;
        }
      },
    },
    t("check.run"),
  );
  return h("div", { class: "device-check" }, run, progress, result);
}
