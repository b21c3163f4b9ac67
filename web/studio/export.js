/** Export: one photo or all of them, at full size, with progress, cancelled at any time. */

import { openDialog } from "./dialog.js";
import { h, icon } from "./element.js";
import { sentence, unwanted } from "./errors.js";
import { exported } from "./exporting.js";
import { save } from "./files.js";
import { fileSize, number, percent, t } from "./words.js";
import { zip } from "./zip.js";

/** @typedef {import("./photo.js").OpenPhoto} OpenPhoto */

const TYPES = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp" };
/** Archives are cut here, so that a folder of photos never has to fit in memory. */
const MOST_BYTES = 1 << 29;

/**
 * The name of an exported file.
 *
 * @param {OpenPhoto} photo
 * @param {string | undefined} preset its name
 * @param {string} type
 * @returns {string} such as "coast-seaside-linen.jpg"
 */
export function exportName(photo, preset, type) {
  const stem = photo.file.name.replace(/\.[^.]*$/, "") || "photo";
  const slug = (preset ?? "").normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const words = slug.match(/[a-z0-9]+/g) ?? ["copy"];
  return `${stem}-${words.join("-")}.${TYPES[/** @type {"image/jpeg"} */ (type)] ?? "jpg"}`;
}

/**
 * Ask how, and export.
 *
 * @param {import("./studio.js").Studio} studio
 * @param {import("./toasts.js").Toasts} toasts
 */
export function openExport(studio, toasts) {
  const current = studio.photo;
  if (!current?.info) return;
  const { info } = current;
  const kept = studio.owner.get("output");
  const open = studio.photos.filter((photo) => !photo.failure);
  const member = studio.presets.get(current.edit.preset ?? "");
  const gated = !studio.allowed(current.edit.preset);

  const type = h(
    "select",
    { id: "export-type", onchange: () => show() },
    ...Object.entries({ "image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WebP" }).map(
      ([value, name]) => h("option", { value, selected: value === kept.type }, name),
    ),
  );
  const quality = h("input", {
    type: "range",
    id: "export-quality",
    min: 50,
    max: 100,
    value: kept.quality,
    oninput: () => show(),
  });
  const qualityValue = h("output", { for: "export-quality" });
  const qualityRow = h(
    "div",
    { class: "field" },
    h("label", { for: "export-quality" }, t("export.quality")),
    h("span", { class: "field-range" }, quality, qualityValue),
  );
  const gps = h("input", { type: "checkbox", id: "export-gps", checked: !kept.gps });
  const all = h("input", { type: "checkbox", id: "export-all", onchange: () => show() });
  const progress = h("progress", { max: 1, value: 0, "aria-label": t("export.progress") });
  const state = h("p", { class: "export-state", role: "status" });
  const refusal = h(
    "div",
    { class: "refusal", role: "note" },
    icon("lock"),
    h("p", {}, t("export.member", { preset: member?.name ?? "" })),
  );
  const go = h("button", { class: "primary", type: "submit" }, t("export.save"));
  const stop = h("button", { class: "secondary", type: "button" }, t("cancel"));
  const work = h("div", { class: "export-work", hidden: true }, progress, state);
  const check = (
    /** @type {HTMLInputElement} */ box,
    /** @type {string} */ label,
    /** @type {string} */ note,
  ) => h("div", { class: "check" }, box, h("label", { for: box.id }, label, h("small", {}, note)));

  const form = h(
    "form",
    { method: "dialog", class: "export" },
    h(
      "p",
      { class: "export-about" },
      t("export.about", { name: current.file.name, width: info.width, height: info.height }),
    ),
    refusal,
    h("div", { class: "field" }, h("label", { for: "export-type" }, t("export.type")), type),
    qualityRow,
    open.length > 1 ? check(all, t("export.all", { n: open.length }), t("export.allNote")) : null,
    info.hasGps || open.length > 1 ? check(gps, t("export.gps"), t("export.gpsNote")) : null,
    work,
    h("div", { class: "dialog-foot" }, stop, go),
  );
  const dialog = openDialog(t("export.title"), form);
  dialog.classList.add("export-dialog");
  const running = new AbortController();
  stop.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => running.abort());

  const show = () => {
    qualityRow.hidden = type.value === "image/png";
    qualityValue.textContent = number(Number(quality.value));
    quality.style.setProperty("--filled", `${(Number(quality.value) - 50) * 2}%`);
    refusal.hidden = !gated || all.checked;
    go.disabled = gated && !all.checked;
  };
  show();
  (go.disabled ? stop : go).focus();

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const output = { type: type.value, quality: Number(quality.value), gps: !gps.checked };
    void studio.owner.update("output", () => output);
    const photos = all.checked ? open : [current];
    dialog.dataset["busy"] = "true";
    for (const field of form.querySelectorAll("input, select")) field.setAttribute("disabled", "");
    go.hidden = true;
    work.hidden = false;
    stop.focus();
    try {
      const report = (/** @type {number} */ share, /** @type {number} */ done) => {
        progress.value = share;
        state.textContent =
          photos.length > 1 ? t("export.many", { n: done + 1, of: photos.length }) : percent(share);
      };
      const done = await exportPhotos(studio, photos, output, report, running.signal);
      dialog.close();
      tell(toasts, done);
    } catch (error) {
      dialog.close();
      if (!unwanted(error) && !running.signal.aborted)
        toasts.show(sentence(error), { kind: "error" });
      else toasts.show(t("export.cancelled"));
    }
  });
}

/** @typedef {{saved: string[], bytes: number, gated: number, failed: string[]}} Done */

/**
 * Export photos one after the other. One is saved as a file, more as a ZIP.
 *
 * @param {import("./studio.js").Studio} studio
 * @param {OpenPhoto[]} photos
 * @param {{type: string, quality: number, gps: boolean}} output
 * @param {(share: number, done: number) => void} report
 * @param {AbortSignal} signal
 * @returns {Promise<Done>}
 */
export async function exportPhotos(studio, photos, output, report, signal) {
  /** @type {Done} */
  const done = { saved: [], bytes: 0, gated: 0, failed: [] };
  /** @type {{name: string, blob: Blob}[]} */
  let packed = [];
  let size = 0;
  let archives = 0;
  const pack = async () => {
    if (!packed.length) return;
    archives++;
    save(await zip(packed), archives > 1 ? `for-this-photo-${archives}.zip` : "for-this-photo.zip");
    [packed, size] = [[], 0];
  };
  for (const [i, photo] of photos.entries()) {
    if (!studio.allowed(photo.edit.preset)) {
      done.gated++;
      continue;
    }
    report(i / photos.length, i);
    try {
      const part = (/** @type {number} */ share) => report((i + share) / photos.length, i);
      const blob = await exported(studio, photo, output, part, signal);
      // A browser that cannot write the type asked for writes another one.
      const preset = studio.presets.get(photo.edit.preset ?? "")?.name;
      const name = unused(exportName(photo, preset, blob.type || output.type), done.saved);
      done.saved.push(name);
      done.bytes += blob.size;
      size += blob.size;
      if (photos.length === 1) save(blob, name);
      else packed.push({ name, blob });
      if (size > MOST_BYTES) await pack();
    } catch (error) {
      if (photos.length === 1 || signal.aborted) throw error;
      done.failed.push(photo.file.name);
    }
  }
  report(1, photos.length - 1);
  await pack();
  return done;
}

/**
 * @param {string} name
 * @param {string[]} used
 * @returns {string} the name, or with a number where it is used already
 */
function unused(name, used) {
  let free = name;
  for (let n = 2; used.includes(free); n++) free = name.replace(/(\.[^.]*)$/, `-${n}$1`);
  return free;
}

/** @param {import("./toasts.js").Toasts} toasts @param {Done} done */
function tell(toasts, { saved, bytes, gated, failed }) {
  const size = fileSize(bytes);
  if (saved.length === 1) toasts.show(t("export.done", { name: saved[0] ?? "", size }));
  else if (saved.length) toasts.show(t("export.doneMany", { n: saved.length, size }));
  if (gated) toasts.show(t("export.gated", { n: gated }), { kind: "error" });
  if (failed.length) {
    toasts.show(t("export.failed", { n: failed.length, names: failed.slice(0, 3).join(", ") }), {
      kind: "error",
    });
  }
}
