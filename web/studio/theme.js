/** Dark or light: the owner's choice, else the system's. */

/**
 * Keep the page in the wanted theme from now on.
 *
 * @param {import("./owner.js").Owner} owner
 */
export function keepTheme(owner) {
  const system = matchMedia("(prefers-color-scheme: light)");
  const show = () => {
    const wanted = owner.get("theme");
    const theme = wanted === "system" ? (system.matches ? "light" : "dark") : wanted;
    document.documentElement.dataset["theme"] = theme;
  };
  system.addEventListener("change", show);
  owner.addEventListener("change", show);
  show();
}
