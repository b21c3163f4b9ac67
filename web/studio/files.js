/** Photos come in: chosen, dropped, pasted, from a folder, from the camera. */

import { h } from "./element.js";

const PHOTO = /\.(jpe?g|png|webp|heic|heif|avif|gif|bmp|tiff?)$/i;

/** @param {File} file */
const isPhoto = (file) => file.type.startsWith("image/") || PHOTO.test(file.name);

/** Whether the device has a camera app that a page can ask: phones and tablets. */
export const hasCamera = () => matchMedia("(pointer: coarse)").matches;

/** Whether a whole folder can be chosen. */
export const hasFolders = () => "webkitdirectory" in HTMLInputElement.prototype;

/**
 * Let the owner choose. Rejects never; no choice is an empty list.
 *
 * @param {"photos" | "folder" | "camera"} from
 * @returns {Promise<File[]>} all files for "photos", only photos for a folder, sorted by name
 */
export async function choose(from) {
  const pick = /** @type {any} */ (globalThis).showDirectoryPicker;
  if (from === "folder" && pick) {
    try {
      return sorted(await inFolder(await pick.call(globalThis, { mode: "read" })));
    } catch {
      return [];
    }
  }
  return new Promise((resolve) => {
    const input = h("input", {
      type: "file",
      accept: "image/*,.heic,.heif",
      multiple: from === "photos",
      webkitdirectory: from === "folder",
      capture: from === "camera" ? "environment" : undefined,
      hidden: true,
    });
    const done = () => {
      const files = [...(input.files ?? [])];
      input.remove();
      resolve(from === "folder" ? sorted(files.filter(isPhoto)) : files);
    };
    input.addEventListener("change", done);
    input.addEventListener("cancel", done);
    // In the page, because some browsers forget an input that nothing holds.
    document.body.append(input);
    input.click();
  });
}

/**
 * @param {any} folder a FileSystemDirectoryHandle
 * @returns {Promise<File[]>}
 */
async function inFolder(folder) {
  const files = [];
  for await (const entry of folder.values()) {
    if (entry.kind === "directory") files.push(...(await inFolder(entry)));
    else if (PHOTO.test(entry.name)) files.push(await entry.getFile());
  }
  return files;
}

/**
 * The photos of a drop or a paste, those of dropped folders included. A single file is taken
 * whatever it is, so that the owner hears why it cannot be opened.
 *
 * @param {DataTransfer | null} data
 * @returns {Promise<File[]>}
 */
export async function transferred(data) {
  if (!data) return [];
  // The items are only readable now, before anything is awaited.
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [...data.files];
  if (!entries.some((entry) => entry?.isDirectory)) {
    return files.length > 1 ? files.filter(isPhoto) : files;
  }
  const found = await Promise.all(entries.map((entry) => inEntry(/** @type {any} */ (entry))));
  return sorted(found.flat().filter(isPhoto));
}

/**
 * @param {any} entry a FileSystemEntry
 * @returns {Promise<File[]>}
 */
async function inEntry(entry) {
  if (entry.isFile) {
    return new Promise((resolve) =>
      entry.file(
        (/** @type {File} */ file) => resolve([file]),
        () => resolve([]),
      ),
    );
  }
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    // A reader gives a hundred at a time, then none.
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!some.length) return files;
    for (const one of some) files.push(...(await inEntry(one)));
  }
}

/** @param {File[]} files */
function sorted(files) {
  const { compare } = new Intl.Collator(undefined, { numeric: true });
  const path = (/** @type {File} */ file) => file.webkitRelativePath || file.name;
  return files.sort((one, other) => compare(path(one), path(other)));
}

/**
 * Give the owner a file.
 *
 * @param {Blob} blob
 * @param {string} name
 */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  // The browser reads the blob after the click; a minute is plenty.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
