/** Edits that can be taken back: each photo remembers its own. */

/** @typedef {import("./photo.js").Edit} Edit */
/** @typedef {import("./photo.js").OpenPhoto} OpenPhoto */

const MOST_STEPS = 200;

/**
 * Change a photo's edit.
 *
 * @param {OpenPhoto} photo
 * @param {Partial<Edit>} part
 * @param {boolean} going more of the same gesture will follow; undo takes it back as one
 * @returns {Edit} where the gesture began
 */
export function change(photo, part, going) {
  const began = (photo.before ??= photo.edit);
  photo.edit = { ...photo.edit, ...part };
  if (going) return began;
  photo.before = null;
  if (JSON.stringify(began) !== JSON.stringify(photo.edit)) {
    photo.past = [...photo.past, began].slice(-MOST_STEPS);
    photo.future = [];
  }
  return began;
}

/**
 * Undo or redo.
 *
 * @param {OpenPhoto} photo
 * @param {"past" | "future"} from
 * @param {"past" | "future"} to
 * @returns {Edit | null} the edit that was left; null where there is no step to take
 */
export function step(photo, from, to) {
  const edit = photo[from].at(-1);
  if (!edit) return null;
  const left = photo.edit;
  photo[from] = photo[from].slice(0, -1);
  photo[to] = [...photo[to], left];
  photo.edit = edit;
  return left;
}

/**
 * Change the edits of several photos at once.
 *
 * @param {Map<OpenPhoto, Partial<Edit>>} edits
 * @returns {() => void} takes it back
 */
export function changeAll(edits) {
  const before = [...edits.keys()].map(({ edit, past, future }) => ({ edit, past, future }));
  for (const [photo, edit] of edits) {
    photo.past = [...photo.past, photo.edit];
    photo.future = [];
    photo.edit = { ...photo.edit, ...edit };
  }
  return () => {
    for (const [i, photo] of [...edits.keys()].entries()) Object.assign(photo, before[i]);
  };
}
