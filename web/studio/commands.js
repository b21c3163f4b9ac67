/**
 * Everything that can be done by a key or a button of the toolbar, in one table: the keyboard, the
 * toolbar and the page of shortcuts all read it.
 */

/** @typedef {import("./words.js").Key} Key */

/**
 * @typedef {object} Command
 * @property {Key} name what it does
 * @property {string[]} keys each as `event.key` gives it, with "Mod+" for Ctrl or Command
 * @property {(desk: Desk) => void} run
 * @property {(desk: Desk) => boolean} [can] whether it can be done now; without it, always
 */

/**
 * What commands act on: the parts of the page.
 *
 * @typedef {object} Desk
 * @property {import("./studio.js").Studio} studio
 * @property {import("./stage.js").Stage} stage
 * @property {import("./strip.js").Strip} strip
 * @property {import("./toasts.js").Toasts} toasts
 * @property {(from: "photos" | "folder" | "camera") => void} open
 * @property {(open?: boolean) => void} showPresets
 * @property {() => void} close
 * @property {() => void} export
 * @property {() => void} batch
 * @property {() => void} settings
 * @property {() => void} help
 */

/** @param {Desk} desk */
const opened = ({ studio }) => Boolean(studio.photo?.info);

/** @param {number} step */
const turn =
  (step) =>
  (/** @type {Desk} */ { studio }) => {
    const next = studio.photo && studio.photos[studio.photos.indexOf(studio.photo) + step];
    if (next) void studio.select(next);
  };

/** @param {Desk} desk */
const several = ({ studio }) => studio.photos.length > 1;

/** @satisfies {Record<string, Command>} */
export const COMMANDS = {
  open: { name: "open.photos", keys: ["Mod+o"], run: (desk) => desk.open("photos") },
  suggestion: {
    name: "command.suggestion",
    keys: ["1", "2", "3", "4", "5", "6"],
    run: () => {},
    can: opened,
  },
  next: {
    name: "command.next",
    keys: ["ArrowRight"],
    run: ({ strip }) => strip.move(1),
    can: opened,
  },
  previous: {
    name: "command.previous",
    keys: ["ArrowLeft"],
    run: ({ strip }) => strip.move(-1),
    can: opened,
  },
  reset: {
    name: "command.reset",
    keys: ["0"],
    run: ({ studio }) => studio.set({ preset: null, strength: 100 }),
    can: ({ studio }) => Boolean(studio.photo?.edit.preset),
  },
  before: {
    name: "command.before",
    keys: ["\\"],
    run: ({ stage }) => stage.hold(true),
    can: opened,
  },
  split: {
    name: "command.split",
    keys: ["s", "|"],
    run: ({ stage }) => stage.toggleSplit(),
    can: opened,
  },
  favourite: {
    name: "command.favourite",
    keys: ["f"],
    run: ({ studio }) => void studio.owner.toggleFavourite(studio.shown.preset ?? ""),
    can: ({ studio }) => Boolean(studio.photo && studio.shown.preset),
  },
  undo: {
    name: "undo",
    keys: ["Mod+z"],
    run: ({ studio }) => void studio.undo(),
    can: ({ studio }) => Boolean(studio.photo?.past.length),
  },
  redo: {
    name: "redo",
    keys: ["Mod+Z", "Mod+y"],
    run: ({ studio }) => void studio.redo(),
    can: ({ studio }) => Boolean(studio.photo?.future.length),
  },
  zoomIn: {
    name: "command.zoomIn",
    keys: ["+", "="],
    run: ({ stage }) => stage.zoomTo(stage.zoom * 1.5),
    can: opened,
  },
  zoomOut: {
    name: "command.zoomOut",
    keys: ["-"],
    run: ({ stage }) => stage.zoomTo(stage.zoom / 1.5),
    can: opened,
  },
  fit: {
    name: "command.fit",
    keys: ["z"],
    run: ({ stage }) => stage.zoomTo(stage.zoom > 1 ? 1 : 2.5),
    can: opened,
  },
  presets: { name: "command.presets", keys: ["p"], run: (desk) => desk.showPresets(), can: opened },
  search: {
    name: "command.search",
    keys: ["/"],
    run: (desk) => desk.showPresets(true),
    can: opened,
  },
  nextPhoto: { name: "command.nextPhoto", keys: ["]", "PageDown"], run: turn(1), can: several },
  previousPhoto: {
    name: "command.previousPhoto",
    keys: ["[", "PageUp"],
    run: turn(-1),
    can: several,
  },
  close: {
    name: "command.closePhoto",
    keys: ["Delete"],
    run: (desk) => desk.close(),
    can: ({ studio }) => Boolean(studio.photo),
  },
  batch: { name: "command.batch", keys: ["a"], run: (desk) => desk.batch(), can: several },
  export: { name: "export", keys: ["e", "Mod+s"], run: (desk) => desk.export(), can: opened },
  settings: { name: "settings", keys: ["Mod+,"], run: (desk) => desk.settings() },
  help: { name: "command.help", keys: ["?"], run: (desk) => desk.help() },
};

/** @typedef {keyof typeof COMMANDS} CommandId */

/** How keys are shown; others as they are, in capitals. @type {Record<string, string>} */
const CAPS = { ArrowRight: "→", ArrowLeft: "←", PageDown: "PgDn", PageUp: "PgUp", Delete: "Del" };
const APPLE = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? "");

/**
 * A key as it is printed on the keyboard.
 *
 * @param {string} key
 * @returns {string[]} one name a key that is pressed
 */
export function keyCaps(key) {
  const [modifier, name] = key.startsWith("Mod+")
    ? [APPLE ? "⌘" : "Ctrl", key.slice(4)]
    : ["", key];
  const shift = modifier && name !== name.toLowerCase() ? ["⇧"] : [];
  return [...(modifier ? [modifier] : []), ...shift, CAPS[name] ?? name.toUpperCase()];
}

/** Where letters and arrows have a meaning of their own. */
const TYPING = "input:not([type=range], [type=checkbox]), select, textarea, [contenteditable]";
const MOVING = "input[type=range], [role=slider], select";

/**
 * Listen to the keyboard.
 *
 * @param {Desk} desk
 * @param {AbortSignal} signal when to stop
 */
export function listenToKeys(desk, signal) {
  const keep = { signal };
  document.addEventListener(
    "keydown",
    (event) => {
      const target = /** @type {Element} */ (event.target);
      if (event.defaultPrevented || event.altKey || document.querySelector("dialog[open]")) return;
      const modified = event.ctrlKey || event.metaKey;
      if (!modified && (target.matches?.(TYPING) || !desk.studio.owner.get("keys"))) return;
      if (event.key.startsWith("Arrow") && target.matches?.(MOVING)) return;
      const key =
        (modified ? "Mod+" : "") +
        (event.shiftKey || modified ? event.key : event.key.toLowerCase());
      const pressed = event.key.length > 1 ? (modified ? "Mod+" : "") + event.key : key;
      const command = Object.values(COMMANDS).find(({ keys }) =>
        /** @type {string[]} */ (keys).some((one) => one === pressed),
      );
      if (!command) return;
      if ("can" in command && !command.can(desk)) {
        // Still ours: the browser's own "save page" is no answer to "export".
        if (modified) event.preventDefault();
        return;
      }
      event.preventDefault();
      if (command === COMMANDS.suggestion) desk.strip.choose(desk.strip.cards()[Number(key) - 1]);
      else if (!event.repeat || command !== COMMANDS.before) command.run(desk);
    },
    keep,
  );
  const release = () => desk.stage.hold(false);
  document.addEventListener("keyup", ({ key }) => key === "\\" && release(), keep);
  window.addEventListener("blur", release, keep);
}
