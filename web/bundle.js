/**
 * The bundle: a feature's one file, read strictly.
 *
 * The twin of Python's `homebody.bundle`: the same files are accepted and the same refused, by the
 * same names. docs/bundle-format.md describes the file; attacks/bundle holds one for each refusal.
 *
 * @example
 * const bundle = await readBundle(new Uint8Array(await response.arrayBuffer()));
 * bundle.manifest.task;
 * @module
 */

import { MANIFEST, SIGNATURE, parseArchive } from "./bundle/archive.js";
import { LIMITS } from "./bundle/limits.js";
import { readManifest } from "./bundle/manifest.js";
import { decodeJson, decodeText, plain, quoted } from "./bundle/text.js";
import { crc32 } from "./crc32.js";
import {
  ChecksumError, EntryHashError, EntrySizeError, JsonTooLargeError, ManifestTooLargeError,
  MissingEntryError, UnlistedEntryError,
} from "./errors.js";
import { sha256 } from "./sha256.js";

/** @import {Span} from "./bundle/archive.js" */
/** @import {Limits} from "./bundle/limits.js" */
/** @import {Manifest} from "./bundle/manifest.js" */

/** An open, verified bundle; `readBundle` makes it. */
export class Bundle {
  #bytes;
  #spans;
  #limits;

  /**
   * @param {Uint8Array} bytes
   * @param {Map<string, Span>} spans
   * @param {Manifest} manifest
   * @param {string} sha256
   * @param {Limits} limits
   */
  constructor(bytes, spans, manifest, sha256, limits) {
    this.#bytes = bytes;
    this.#spans = spans;
    this.#limits = limits;
    /** What the bundle says about itself. */
    this.manifest = manifest;
    /** The SHA-256 of the whole file, in lower-case hexadecimal. */
    this.sha256 = sha256;
  }

  /** Every entry's name, manifest.json first. */
  get names() {
    return [...this.#spans.keys()];
  }

  /** An entry's bytes, without a copy. @param {string} name @returns {Uint8Array} */
  entry(name) {
    const span = this.#spans.get(name);
    if (!span) {
      throw new MissingEntryError(`the bundle has no entry ${quoted(name)}; it has ${this.names.join(", ")}`);
    }
    return at(this.#bytes, span);
  }

  /** An entry's UTF-8 text. @param {string} name */
  text(name) {
    return decodeText(this.entry(name), name);
  }

  /** An entry's JSON, as `decodeJson` gives it: whole numbers written as reals are `Real`. @param {string} name */
  parsed(name) {
    const bytes = this.entry(name);
    if (bytes.length > this.#limits.jsonBytes) {
      throw new JsonTooLargeError(
        `${name} has ${bytes.length} bytes; at most ${this.#limits.jsonBytes} are read as JSON`);
    }
    return decodeJson(bytes, name, { depth: this.#limits.jsonDepth });
  }

  /** An entry's JSON: strict, without duplicate keys, bounded in size and depth. @param {string} name */
  json(name) {
    return plain(this.parsed(name));
  }
}

/**
 * Open a bundle and verify all of it.
 *
 * @param {Uint8Array} bytes the whole file; it must not change while the bundle is in use
 * @param {{publicKey?: Uint8Array, limits?: Partial<Limits>}} [options] publicKey: 32 raw bytes of the
 *   publisher's Ed25519 key; the bundle must then be signed with exactly that key
 * @returns {Promise<Bundle>}
 * @throws {import("./errors.js").BundleError} one of its subclasses, by what is wrong
 * @throws {import("./errors.js").UnsupportedBrowserError} without the WebCrypto that this needs
 */
export async function readBundle(bytes, { publicKey, limits: given } = {}) {
  const limits = { ...LIMITS, ...given };
  const spans = parseArchive(bytes, limits);
  const manifestAt = /** @type {Span} */ (spans.get(MANIFEST));
  if (manifestAt.size > limits.manifestBytes) {
    throw new ManifestTooLargeError(
      `manifest.json has ${manifestAt.size} bytes; at most ${limits.manifestBytes} are accepted`);
  }
  checkCrc(bytes, spans, MANIFEST);
  let signature = null;
  const signatureAt = spans.get(SIGNATURE);
  if (signatureAt) {
    checkCrc(bytes, spans, SIGNATURE);
    signature = (await signatures()).readSignature(at(bytes, signatureAt));
  }
  const stated = at(bytes, manifestAt);
  if (publicKey !== undefined) await (await signatures()).verifyManifest(stated, signature, publicKey);
  const manifest = readManifest(stated, limits);
  await checkEntries(bytes, spans, manifest);
  return new Bundle(bytes, spans, manifest, await sha256(bytes), limits);
}

/** What reads signatures; most pages never meet one. */
const signatures = () => import("./bundle/signature.js");

/**
 * Every listed entry is there with its size and hash, and nothing else is.
 *
 * @param {Uint8Array} bytes
 * @param {Map<string, Span>} spans
 * @param {Manifest} manifest
 */
async function checkEntries(bytes, spans, manifest) {
  const { entries } = manifest;
  const missing = [...entries.keys()].filter((name) => !spans.has(name) || name === MANIFEST || name === SIGNATURE);
  if (missing.length) {
    throw new MissingEntryError(`the manifest lists ${quoted(missing.sort()[0])}, which is not in the file`);
  }
  for (const name of spans.keys()) {
    if (name !== MANIFEST && name !== SIGNATURE && !entries.has(name)) {
      throw new UnlistedEntryError(`${quoted(name)} is in the file and not in the manifest`);
    }
  }
  for (const [name, { size }] of entries) {
    const held = /** @type {Span} */ (spans.get(name)).size;
    if (held !== size) {
      throw new EntrySizeError(
        `${name} has ${held} bytes and the manifest states ${size}; fetch the bundle again`);
    }
  }
  const hashes = await Promise.all(
    Array.from(entries.keys(), (name) => sha256(at(bytes, /** @type {Span} */ (spans.get(name))))));
  let index = 0;
  for (const [name, entry] of entries) {
    if (hashes[index++] !== entry.sha256) {
      throw new EntryHashError(
        `${name} does not have the SHA-256 that the manifest states; fetch the bundle again`);
    }
    checkCrc(bytes, spans, name);
  }
}

/** @param {Uint8Array} bytes @param {Map<string, Span>} spans @param {string} name */
function checkCrc(bytes, spans, name) {
  const span = /** @type {Span} */ (spans.get(name));
  if (crc32(at(bytes, span)) !== span.crc) {
    throw new ChecksumError(`${name} does not have its CRC-32; the file is damaged`);
  }
}

/** @param {Uint8Array} bytes @param {Span} span */
function at(bytes, { start, size }) {
  return bytes.subarray(start, start + size);
}
