/**
 * How the studio makes its page: nodes without HTML strings, icons, and the one class that every
 * element of ours extends. Everything lives in the light DOM, styled by the sheets beside this file.
 */

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * A node with its attributes, listeners (`onclick`, ...) and children. An attribute that is
 * undefined, null or false is left out; true is written as an empty one.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 *
 * @example
 * h("button", { class: "quiet", onclick: () => undo() }, "Undo")
 */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      node.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else if (value !== undefined && value !== null && value !== false) {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  node.append(.../** @type {(Node | string)[]} */ (children.filter(Boolean)));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * An icon of `icons/ui.svg`, hidden from screen readers: the control around it has the name.
 *
 * @param {string} name the symbol's id
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/icons/ui.svg#${name}`);
  svg.append(use);
  return svg;
}

/**
 * Draw a bitmap into a canvas at the bitmap's own size, or at a smaller height.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasImageSource & {width: number, height: number}} bitmap
 * @param {number} [height] in pixels
 */
export function paint(canvas, bitmap, height = bitmap.height) {
  canvas.height = Math.min(height, bitmap.height);
  canvas.width = Math.max(1, Math.round((bitmap.width * canvas.height) / bitmap.height));
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
}

/** An element of the studio: `build` fills it, its listeners go when it goes. */
export class Part extends HTMLElement {
  /** @type {AbortController} */
  #gone = new AbortController();

  connectedCallback() {
    this.#gone = new AbortController();
    this.build();
  }

  disconnectedCallback() {
    this.#gone.abort();
    this.replaceChildren();
  }

  /** Fill the element; called each time that it enters the page. */
  build() {}

  /** Aborted when the element leaves the page. */
  get gone() {
    return this.#gone.signal;
  }

  /**
   * Listen for as long as the element is in the page.
   *
   * @param {EventTarget} target
   * @param {string} types one or more, with spaces between
   * @param {(event: any) => void} listener
   * @param {AddEventListenerOptions} [options]
   */
  listen(target, types, listener, options = {}) {
    for (const type of types.split(" ")) {
      target.addEventListener(type, listener, { ...options, signal: this.gone });
    }
  }
}
