/** What was learned of the owner's taste, in use: it follows a new bundle where it can. */

/** @typedef {import("./owner.js").Taste} Taste */
/** @typedef {import("./studio.js").Studio} Studio */

/**
 * What was learned, for the bundle in use: said where it is taken along to that.
 *
 * @param {Studio} studio
 * @returns {Promise<Uint8Array | null>}
 */
export async function known(studio) {
  const { owner, engine } = studio;
  const taste = owner.get("taste");
  if (!taste) return null;
  if (taste.base === engine.ready.bundle.sha256) return taste.bytes;
  return use(studio, taste.bytes).then(
    ({ bytes }) => {
      studio.tell("taste", "carried");
      return bytes;
    },
    async () => {
      await owner.update("taste", () => null);
      studio.tell("taste", "lost");
      return null;
    },
  );
}

/**
 * Suggest from now on what the owner likes as this file says.
 *
 * @param {Studio} studio
 * @param {Uint8Array} bytes
 * @returns {Promise<Taste>}
 * @throws {import("../errors.js").OwnerStateError} it is no such file
 */
export async function use({ engine, owner }, bytes) {
  const taste = await engine.carryOver(bytes);
  await owner.update("taste", () => taste);
  return taste;
}

/** Forget what was learned; the next six are everyone's again. @param {Studio} studio */
export async function forget(studio) {
  await studio.owner.update("taste", () => null);
  studio.suggestAnew();
}
