/** One tab stop for a group of buttons, with the arrow keys inside (the roving tabindex of ARIA). */

/**
 * Arrow keys move the focus among the group's buttons: left and right by one, up and down to the
 * nearest in the next row, Home and End to the ends.
 *
 * @param {HTMLElement} group
 * @param {string} selector of the buttons
 * @param {AbortSignal} signal when to stop
 * @param {(button: HTMLElement) => void} [reached] told where an arrow key went
 */
export function rove(group, selector, signal, reached) {
  const buttons = () => /** @type {HTMLElement[]} */ ([...group.querySelectorAll(selector)]);
  group.addEventListener(
    "focusin",
    ({ target }) => {
      const button = /** @type {HTMLElement} */ (target).closest(selector);
      if (!button) return;
      for (const other of buttons()) other.tabIndex = other === button ? 0 : -1;
    },
    { signal },
  );
  group.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const all = buttons().filter((one) => one.offsetParent !== null);
      const from = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
      const to = from < 0 ? undefined : destination(all, from, event.key);
      if (!to) return;
      event.preventDefault();
      event.stopPropagation();
      to.focus();
      reached?.(to);
    },
    { signal },
  );
}

/**
 * Make the first button, or the chosen one, the group's tab stop.
 *
 * @param {HTMLElement} group
 * @param {string} selector
 */
export function tabStop(group, selector) {
  const buttons = /** @type {HTMLElement[]} */ ([...group.querySelectorAll(selector)]);
  const stop = buttons.find((one) => one.ariaPressed === "true" || one.ariaCurrent) ?? buttons[0];
  for (const button of buttons) button.tabIndex = button === stop ? 0 : -1;
}

/**
 * @param {HTMLElement[]} all
 * @param {number} from
 * @param {string} key
 */
function destination(all, from, key) {
  if (key === "ArrowRight") return all[from + 1];
  if (key === "ArrowLeft") return all[from - 1];
  if (key === "Home") return all[0];
  if (key === "End") return all.at(-1);
  if (key !== "ArrowUp" && key !== "ArrowDown") return undefined;
  const here = /** @type {HTMLElement} */ (all[from]).getBoundingClientRect();
  const way = key === "ArrowDown" ? 1 : -1;
  let best;
  let least = Infinity;
  for (const one of all) {
    const box = one.getBoundingClientRect();
    const down = way * (box.top - here.top);
    if (down < 4) continue;
    const far = down * 8 + Math.abs(box.left - here.left);
    if (far < least) [best, least] = [one, far];
  }
  return best;
}
