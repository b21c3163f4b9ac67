/**
 * The page's beginning: the owner's settings, the engine, then the studio.
 *
 * An application around the studio may say that its owner is a member:
 * `homebodyStudio.setMembership(true)`. See docs/studio.md.
 */

import { Engine } from "../engine.js";
import { App } from "./app.js";
import { h } from "./element.js";
import { sentence } from "./errors.js";
import { Owner } from "./owner.js";
import { Studio } from "./studio.js";
import { keepTheme } from "./theme.js";
import { keepUpdated } from "./updates.js";
import { preferredLanguage, speak, t } from "./words.js";

const place = /** @type {HTMLElement} */ (document.getElementById("studio"));

/** @type {HTMLElement} */
let shown = place;

const start = () => Engine.start({ base: new URL("/", location.href) });

/** Begin. The engine is the one large thing, so it starts first. */
async function begin() {
  // All else is made ready meanwhile, and photos are taken before the engine is there.
  const starting = start();
  starting.catch(() => {});
  const owner = await Owner.open();
  keepTheme(owner);
  const asked = new URL(location.href).searchParams.get("lang");
  await speak(asked ?? (owner.get("language") || preferredLanguage(navigator.languages)));
  const studio = new Studio(starting, owner, start);
  const app = new App(studio);
  shown.replaceWith(app);
  shown = app;

  Object.assign(globalThis, {
    homebodyStudio: Object.freeze({
      /** @param {boolean} member */
      async setMembership(member) {
        await owner.update("membership", () => Boolean(member));
        studio.suggestAnew();
      },
    }),
  });
  await studio.begun;
  app.updates = await keepUpdated(studio, app.toasts);
}

begin().catch((error) => {
  shown.replaceWith(place);
  place.replaceChildren(
    h(
      "div",
      { class: "stopped", role: "alert" },
      h("h1", {}, t("app.name")),
      h("p", {}, sentence(error)),
      h(
        "button",
        { type: "button", class: "primary", onclick: () => location.reload() },
        t("reload"),
      ),
    ),
  );
});
