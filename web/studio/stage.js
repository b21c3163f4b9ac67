/**
 * The photo itself: before and after, the split between them, zoom and pan.
 *
 * The edited picture lies below, the original above it, clipped to the left of the split, shown
 * whole while "before" is held, or hidden. A third canvas fades the last preset out.
 */

import { h, icon, paint, Part } from "./element.js";
import { number, t } from "./words.js";

/** Longest side of a picture on the screen, in device pixels. */
const MOST = 2560;
const DEEPEST = 8;
const HOLD = 180;

export class Stage extends Part {
  zoom = 1;
  /** Where the photo's middle lies, from the view's middle, in CSS pixels. */
  at = { x: 0, y: 0 };
  split = 50;
  splitting = false;
  held = false;
  /** What the edited canvas shows: photo, preset. */
  painted = "";
  #drawing = false;
  #again = false;
  #sized = "";

  /** @param {import("./studio.js").Studio} studio */
  constructor(studio) {
    super();
    this.studio = studio;
  }

  /** @override */
  build() {
    const canvas = (/** @type {string} */ name) =>
      h("canvas", { class: name, "aria-hidden": "true" });
    this.edited = canvas("edited");
    this.ghost = canvas("ghost");
    this.original = canvas("original");
    this.frame = h("div", { class: "frame" }, this.edited, this.ghost, this.original);
    this.divider = h("div", {
      class: "divider",
      role: "slider",
      tabindex: 0,
      "aria-label": t("stage.divider"),
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-orientation": "horizontal",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.moveDivider(event),
    });
    this.divider.append(icon("divider"));
    this.tags = h(
      "div",
      { class: "tags", "aria-hidden": "true" },
      h("span", { class: "tag tag-before" }, t("stage.before")),
      h("span", { class: "tag tag-after" }, t("stage.after")),
    );
    this.view = h("div", { class: "view", role: "img", tabindex: 0 }, this.frame);
    this.problem = h("p", { class: "problem", role: "alert" });
    this.append(this.view, this.divider, this.tags, this.problem);
    this.handle(this.view);
    this.listen(this.divider, "pointerdown", (event) => this.dragDivider(event));
    const sizes = new ResizeObserver(() => this.layout());
    sizes.observe(this.view);
    this.listen(this.gone, "abort", () => sizes.disconnect());
    this.listen(this.studio, "photo", () => this.changePhoto());
    this.listen(this.studio, "edit preview suggested", () => this.draw());
    this.changePhoto();
  }

  /** @type {import("./photo.js").OpenPhoto | null} */
  #last = null;

  changePhoto() {
    const { photo } = this.studio;
    if (photo !== this.#last) {
      this.#last = photo;
      this.painted = "";
      this.#sized = "";
      this.fit();
      for (const one of [this.edited, this.original, this.ghost])
        if (one) one.width = one.height = 0;
    }
    this.dataset["state"] = !photo
      ? "none"
      : photo.failure
        ? "failed"
        : photo.info
          ? "ready"
          : "waiting";
    if (!this.painted && photo?.preview && this.edited && this.original) {
      paint(this.edited, photo.preview);
      paint(this.original, photo.preview);
    }
    this.layout();
  }

  /** Say why the photo cannot be shown. @param {string} sentence */
  fail(sentence) {
    if (this.problem) this.problem.textContent = sentence;
  }

  /** The frame's size at zoom 1, in CSS pixels. */
  get fitted() {
    const { photo } = this.studio;
    const shape = photo?.info ?? photo?.preview;
    const [width, height] = [this.view?.clientWidth ?? 0, this.view?.clientHeight ?? 0];
    if (!shape || !width || !height) return { width: 0, height: 0 };
    const scale = Math.min(width / shape.width, height / shape.height);
    return { width: shape.width * scale, height: shape.height * scale };
  }

  /** Put the frame where zoom and pan say. */
  layout() {
    const { frame, view } = this;
    if (!frame || !view) return;
    const { width, height } = this.fitted;
    const size = { x: width * this.zoom, y: height * this.zoom };
    // No farther than its edges reach the view's edges.
    const room = {
      x: Math.max(0, (size.x - view.clientWidth) / 2),
      y: Math.max(0, (size.y - view.clientHeight) / 2),
    };
    this.at = {
      x: Math.min(room.x, Math.max(-room.x, this.at.x)),
      y: Math.min(room.y, Math.max(-room.y, this.at.y)),
    };
    frame.style.width = `${size.x}px`;
    frame.style.height = `${size.y}px`;
    frame.style.translate = `${this.at.x}px ${this.at.y}px`;
    view.toggleAttribute("data-zoomed", this.zoom > 1);
    this.layoutSplit();
    this.draw();
  }

  /** The divider stands in view coordinates; the clip is a share of the frame. */
  layoutSplit() {
    const { frame, divider, view } = this;
    if (!frame || !divider || !view) return;
    const width = frame.offsetWidth;
    const left = (view.clientWidth - width) / 2 + this.at.x;
    frame.style.setProperty("--split", `${this.split}%`);
    this.style.setProperty("--divider", `${left + (width * this.split) / 100}px`);
    this.style.setProperty("--left", `${Math.max(0, left)}px`);
    this.style.setProperty(
      "--top",
      `${Math.max(0, (view.clientHeight - frame.offsetHeight) / 2)}px`,
    );
    divider.ariaValueNow = String(Math.round(this.split));
    divider.ariaValueText = t("stage.split", { n: Math.round(this.split) });
    this.toggleAttribute("data-split", this.splitting);
    this.toggleAttribute("data-held", this.held);
    divider.hidden = !this.splitting;
  }

  /** Ask for the picture that is to be seen; while one is made, only the newest wish waits. */
  async draw() {
    if (this.#drawing) {
      this.#again = true;
      return;
    }
    this.#drawing = true;
    try {
      do {
        this.#again = false;
        await this.#render();
      } while (this.#again && !this.gone.aborted);
    } catch (error) {
      this.studio.fail(error);
    } finally {
      this.#drawing = false;
    }
  }

  async #render() {
    const { studio, edited, original } = this;
    const { photo } = studio;
    if (!photo?.info || !edited || !original || photo.failure) return;
    const { width, height } = this.fitted;
    const wanted = Math.max(width, height) * this.zoom * devicePixelRatio;
    const full = Math.max(photo.info.width, photo.info.height);
    const maxSide = Math.min(MOST, full, Math.max(256, Math.ceil(wanted / 256) * 256));
    const { preset, strength } = studio.shown;
    // The preview is there already; the suggestions come first.
    if (!preset && !studio.suggested) return;
    const { id } = await studio.open(photo);
    const what = `${preset}`;
    const bitmap = await studio.engine.render(id, preset, strength, { maxSide });
    if (studio.photo !== photo) return;
    if (this.painted && this.painted !== what) this.fade();
    paint(edited, bitmap);
    bitmap.close();
    this.painted = what;
    this.describe();
    const size = `${photo.key}:${maxSide}`;
    if (this.#sized !== size) {
      const plain = await studio.engine.render(id, null, 0, { maxSide });
      if (studio.photo !== photo) return;
      paint(original, plain);
      plain.close();
      this.#sized = size;
    }
    this.dataset["painted"] = what;
    this.dataset["strength"] = String(strength);
  }

  /** Leave the last picture behind for a moment. */
  fade() {
    const { ghost, edited } = this;
    if (!ghost || !edited?.width || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    paint(ghost, edited);
    for (const animation of ghost.getAnimations()) animation.cancel();
    ghost.animate([{ opacity: 1 }, { opacity: 0 }], { duration: 180, easing: "ease-out" });
  }

  /** What a screen reader says of the photo. */
  describe() {
    const { photo, presets, shown } = this.studio;
    if (!photo || !this.view) return;
    const preset = presets.get(shown.preset ?? "")?.name;
    const name = photo.file.name;
    this.view.ariaLabel = preset
      ? t("stage.edited", { name, preset, n: shown.strength })
      : t("stage.original", { name });
  }

  // Before and after

  /** @param {boolean} held */
  hold(held) {
    if (this.held === held) return;
    this.held = held;
    this.layoutSplit();
    this.dispatchEvent(new Event("held"));
  }

  toggleSplit() {
    this.splitting = !this.splitting;
    this.split = 50;
    this.layoutSplit();
    this.dispatchEvent(new Event("held"));
    if (this.splitting) this.divider?.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  moveDivider(event) {
    const step = event.shiftKey ? 10 : 2;
    /** @type {Record<string, number>} */
    const to = {
      ArrowLeft: this.split - step,
      ArrowDown: this.split - step,
      ArrowRight: this.split + step,
      ArrowUp: this.split + step,
      PageDown: this.split - 20,
      PageUp: this.split + 20,
      Home: 0,
      End: 100,
    };
    const split = to[event.key];
    if (split === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.split = Math.min(100, Math.max(0, split));
    this.layoutSplit();
  }

  /** @param {PointerEvent} event */
  dragDivider(event) {
    const { divider, frame } = this;
    if (!divider || !frame) return;
    divider.setPointerCapture(event.pointerId);
    const moved = (/** @type {PointerEvent} */ { clientX }) => {
      const box = frame.getBoundingClientRect();
      this.split = Math.min(100, Math.max(0, ((clientX - box.left) / box.width) * 100));
      this.layoutSplit();
    };
    divider.addEventListener("pointermove", moved, { signal: this.gone });
    divider.addEventListener(
      "lostpointercapture",
      () => divider.removeEventListener("pointermove", moved),
      { once: true },
    );
  }

  // Zoom and pan

  fit() {
    this.zoomTo(1);
  }

  /**
   * Zoom so that the point under the pointer stays where it is.
   *
   * @param {number} zoom 1 fits the view
   * @param {{x: number, y: number}} [point] from the view's middle
   */
  zoomTo(zoom, point = { x: 0, y: 0 }) {
    const next = Math.min(DEEPEST, Math.max(1, zoom));
    const ratio = next / this.zoom;
    this.at = {
      x: point.x - (point.x - this.at.x) * ratio,
      y: point.y - (point.y - this.at.y) * ratio,
    };
    this.zoom = next;
    this.layout();
    this.dispatchEvent(
      new CustomEvent("zoom", { detail: t("stage.zoom", { n: number(Math.round(next * 100)) }) }),
    );
  }

  /** @param {HTMLElement} view */
  handle(view) {
    /** @type {Map<number, PointerEvent>} */
    const down = new Map();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let holding;
    let spread = 0;
    const middle = (/** @type {{clientX: number, clientY: number}} */ { clientX, clientY }) => {
      const box = view.getBoundingClientRect();
      return { x: clientX - box.left - box.width / 2, y: clientY - box.top - box.height / 2 };
    };
    const distance = () => {
      const [one, other] = [...down.values()];
      return one && other
        ? Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY)
        : 0;
    };
    this.listen(
      view,
      "wheel",
      (event) => {
        event.preventDefault();
        this.zoomTo(
          this.zoom * Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)),
          middle(event),
        );
      },
      { passive: false },
    );
    this.listen(view, "dblclick", (event) => this.zoomTo(this.zoom > 1 ? 1 : 2.5, middle(event)));
    this.listen(view, "pointerdown", (event) => {
      if (event.button !== 0) return;
      down.set(event.pointerId, event);
      view.setPointerCapture(event.pointerId);
      spread = distance();
      clearTimeout(holding);
      if (down.size === 1 && this.studio.photo?.info) {
        holding = setTimeout(() => this.hold(true), HOLD);
      }
    });
    this.listen(view, "pointermove", (event) => {
      const last = down.get(event.pointerId);
      if (!last) return;
      const [dx, dy] = [event.clientX - last.clientX, event.clientY - last.clientY];
      if (down.size === 1 && this.zoom === 1 && Math.hypot(dx, dy) < 8) return;
      clearTimeout(holding);
      down.set(event.pointerId, event);
      if (down.size === 2) {
        const now = distance();
        if (spread) this.zoomTo((this.zoom * now) / spread, middle(event));
        spread = now;
      } else if (this.zoom > 1 && !this.held) {
        this.at = { x: this.at.x + dx, y: this.at.y + dy };
        this.layout();
      }
    });
    this.listen(view, "pointerup pointercancel", (event) => {
      down.delete(event.pointerId);
      spread = distance();
      clearTimeout(holding);
      this.hold(false);
    });
    this.listen(view, "contextmenu", (event) => event.preventDefault());
    this.listen(view, "keydown", (event) => {
      if (this.zoom === 1 || !event.key.startsWith("Arrow")) return;
      event.preventDefault();
      event.stopPropagation();
      const step = 60;
      if (event.key === "ArrowLeft") this.at.x += step;
      if (event.key === "ArrowRight") this.at.x -= step;
      if (event.key === "ArrowUp") this.at.y += step;
      if (event.key === "ArrowDown") this.at.y -= step;
      this.layout();
    });
  }
}

customElements.define("hb-stage", Stage);
