/**
 * Reading a signed release: what a publisher says is current, believed only as far as it is proven.
 *
 * Pure functions of bytes, a key and a time; nothing here fetches or stores.
 * @module
 */
import { HomebodyError } from "../errors.js";

/** The largest release.json that is read, in bytes. */
export const RELEASE_LIMIT = 64 * 1024;
const SIGNATURES_LIMIT = 16;
/** The largest release.json.sig, in bytes. */
export const SIGNATURES_BYTES = SIGNATURES_LIMIT * 90;
/** The largest bundle or catalog that is fetched, in bytes. */
export const FILE_LIMIT = 64 * 1024 * 1024;
const FORMAT = "homebody-release/1";

/**
 * An update is refused; what was there goes on working.
 *
 * `code` says why in a word: `signature`, `malformed`, `rollback`, `changed`, `expired`, `size`,
 * `hash`, `offline`, `stalled`, `server`, `storage`, `check`.
 */
export class UpdateError extends HomebodyError {}

/** @typedef {{path: string, sha256: string, size: number, version: string}} Item */
/** @typedef {{version: number, expires: Date, bundles: Record<string, Item>, catalogs: Record<string, Item>, sha256: string}} Release */

/**
 * Whether this browser's WebCrypto knows Ed25519; without it nothing can be proven, so nothing is
 * updated.
 * @returns {Promise<boolean>}
 */
export async function canVerify() {
  const zeros = new Uint8Array(32);
  zeros[0] = 1; // the neutral element: a point that every implementation can read
  return importKey(zeros).then(
    () => true,
    () => false,
  );
}

/**
 * Verify and read a release.
 *
 * There may be several signatures, newest first: the two files cannot be exchanged in one step, and
 * a key may be on its way out, so the publisher signs what is there and what comes.
 * @param {Uint8Array<ArrayBuffer>} bytes release.json, exactly as served
 * @param {string} signatures lines, each the base64 of an Ed25519 signature's 64 bytes (RFC 8032)
 * @param {string} key base64 of the publisher's 32-byte public key
 * @returns {Promise<Release>}
 * @throws {UpdateError} no signature is by that key, or the text is no release
 */
export async function readRelease(bytes, signatures, key) {
  if (!(await isSigned(bytes, signatures, key))) {
    throw new UpdateError("the release is not signed by the publisher's key; what is here is kept", "signature");
  }
  return { ...parse(bytes), sha256: await sha256(bytes) };
}

/** @param {Uint8Array<ArrayBuffer>} bytes @param {string} signatures @param {string} key */
async function isSigned(bytes, signatures, key) {
  const lines = signatures.trim().split("\n");
  if (lines.length > SIGNATURES_LIMIT || !lines.every((line) => /^[A-Za-z0-9+/]{86}==$/.test(line))) return false;
  try {
    const imported = await importKey(fromBase64(key));
    for (const line of lines) {
      if (await crypto.subtle.verify("Ed25519", imported, fromBase64(line), bytes)) return true;
    }
  } catch {
    // A key that is none has signed nothing.
  }
  return false;
}

/**
 * Hold a release against the newest one seen before.
 * @param {Release} release
 * @param {{version: number, sha256: string}|null} seen
 * @throws {UpdateError} it is older, or another one of the same number
 */
export function requireNotOlder(release, seen) {
  if (seen && release.version < seen.version) {
    throw new UpdateError(
      `the server offers release ${release.version} after ${seen.version}; what is here is kept`,
      "rollback",
    );
  }
  if (seen && release.version === seen.version && release.sha256 !== seen.sha256) {
    throw new UpdateError(`release ${release.version} is not the one seen before; what is here is kept`, "changed");
  }
}

/**
 * Hold a release against the clock, so that a server cannot hide newer ones for ever.
 * @param {Release} release
 * @param {Date} now
 * @throws {UpdateError} it has expired
 */
export function requireFresh(release, now) {
  if (release.expires > now) return;
  throw new UpdateError(
    `the newest release expired on ${release.expires.toISOString().slice(0, 10)}; ` +
      "the server may hide newer ones, or this device's clock is wrong; what is here is kept",
    "expired",
  );
}

/**
 * Hold a file against what the release says of it.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {Item} item
 * @throws {UpdateError}
 */
export async function requireItem(bytes, item) {
  if (bytes.length !== item.size) {
    throw new UpdateError(
      `the update has ${bytes.length} bytes where ${item.size} are signed for; what is here is kept`,
      "size",
    );
  }
  if ((await sha256(bytes)) !== item.sha256) {
    throw new UpdateError("the update is not the file that was signed for; what is here is kept", "hash");
  }
}

/** @param {Uint8Array<ArrayBuffer>} bytes @returns {Promise<string>} hex */
export async function sha256(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {Uint8Array} bytes
 * @returns {Omit<Release, "sha256">}
 */
function parse(bytes) {
  /** @param {string} what @returns {never} */
  const refuse = (what) => {
    throw new UpdateError(`the release is malformed: ${what}; what is here is kept`, "malformed");
  };
  let read;
  try {
    read = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    refuse("it is not JSON");
  }
  if (read === null || typeof read !== "object" || read.format !== FORMAT) refuse(`its format is not ${FORMAT}`);
  const { version, expires } = read;
  if (!Number.isSafeInteger(version) || version < 1) refuse("version must be a positive integer");
  if (typeof expires !== "string" || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$/.test(expires)) {
    refuse("expires must be a time in UTC");
  }
  const until = new Date(expires);
  if (Number.isNaN(until.getTime())) refuse("expires is no time");
  /** @param {unknown} value @param {string} name */
  const items = (value, name) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) refuse(`${name} must be an object`);
    const found = Object.entries(/** @type {object} */ (value));
    for (const [id, item] of found) {
      const good =
        item !== null &&
        typeof item === "object" &&
        /^[0-9a-f]{64}$/.test(item.sha256) &&
        // No other path than the one that the hash names: nothing to traverse, nothing to confuse.
        typeof item.path === "string" &&
        /^web\/files\/[0-9a-f]{64}\.(hb|json)$/.test(item.path) &&
        item.path.includes(item.sha256) &&
        Number.isSafeInteger(item.size) &&
        item.size > 0 &&
        item.size <= FILE_LIMIT &&
        typeof item.version === "string" &&
        item.version.length <= 64;
      if (!good) refuse(`${name}.${id.slice(0, 40)} does not name a file`);
    }
    return /** @type {Record<string, Item>} */ (Object.fromEntries(found));
  };
  return {
    version,
    expires: until,
    bundles: items(read.bundles, "bundles"),
    catalogs: items(read.catalogs ?? {}, "catalogs"),
  };
}

/** @param {Uint8Array<ArrayBuffer>} raw */
function importKey(raw) {
  return crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
