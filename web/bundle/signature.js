/**
 * Ed25519 signatures (RFC 8032) over the bytes of manifest.json, verified by WebCrypto.
 *
 * The manifest holds every entry's hash, so its signature covers the whole bundle.
 * @module
 */

import {
  BadSignatureError, BundleError, MalformedSignatureError, SigningKeyError, UnsignedBundleError,
  UnsupportedBrowserError, WrongKeyError,
} from "../errors.js";
import { choice, record, text } from "../schema.js";
import { hex, subtle } from "../sha256.js";
import { fit } from "./manifest.js";
import { decodeJson } from "./text.js";

const ENTRY_BYTES = 1024;

const form = record({
  algorithm: choice(["ed25519"]),
  public_key: text({ pattern: /^[0-9a-f]{64}$/ }),
  signature: text({ pattern: /^[0-9a-f]{128}$/ }),
});
/** @typedef {ReturnType<typeof form>} Signature */

/** Decode a signature entry; verifies nothing. @param {Uint8Array} bytes @returns {Signature} */
export function readSignature(bytes) {
  if (bytes.length > ENTRY_BYTES) {
    throw new MalformedSignatureError(
      `the signature entry has ${bytes.length} bytes; at most ${ENTRY_BYTES} make sense`);
  }
  try {
    return fit(form, decodeJson(bytes, "signature", { depth: 1 }), "signature");
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    throw new MalformedSignatureError(`the signature entry is malformed: ${error.message}`);
  }
}

/**
 * Refuse, by name, a manifest that is not signed with exactly the pinned key.
 *
 * @param {Uint8Array} manifest its bytes as they stand in the file
 * @param {Signature | null} signature
 * @param {Uint8Array} publicKey 32 raw bytes
 */
export async function verifyManifest(manifest, signature, publicKey) {
  if (!(publicKey instanceof Uint8Array) || publicKey.length !== 32) {
    throw new SigningKeyError("a pinned key is the 32 raw bytes of an Ed25519 public key");
  }
  const pinned = hex(publicKey);
  if (signature === null) {
    throw new UnsignedBundleError(
      `the bundle is not signed and the key ${pinned.slice(0, 16)}... is pinned; get the publisher's signed bundle`);
  }
  if (signature.public_key !== pinned) {
    throw new WrongKeyError(
      `the bundle is signed with the key ${signature.public_key.slice(0, 16)}... and ` +
        `${pinned.slice(0, 16)}... is pinned; get the publisher's own bundle`);
  }
  if (!(await verifyEd25519(publicKey, fromHex(signature.signature), manifest))) {
    throw new BadSignatureError(
      "the signature does not match the manifest; the bundle was altered, fetch it again");
  }
}

/**
 * @param {Uint8Array} publicKey 32 raw bytes
 * @param {Uint8Array} signature 64 raw bytes
 * @param {Uint8Array} message
 * @returns {Promise<boolean>}
 * @throws {UnsupportedBrowserError} where WebCrypto does not know Ed25519
 */
export async function verifyEd25519(publicKey, signature, message) {
  const crypto = subtle();
  let key;
  try {
    key = await crypto.importKey("raw", source(publicKey), "Ed25519", false, ["verify"]);
  } catch (error) {
    if (error instanceof Error && error.name === "NotSupportedError") {
      throw new UnsupportedBrowserError(
        "this browser cannot verify Ed25519 signatures; " +
          "use Chrome or Edge 137, Firefox 129, Safari 17, or a later one");
    }
    throw new SigningKeyError(`the pinned key is unusable (${error}); check that it was copied whole`);
  }
  try {
    return await crypto.verify("Ed25519", key, source(signature), source(message));
  } catch {
    return false; // a signature that is no point on the curve
  }
}

/** @param {string} digits */
function fromHex(digits) {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** WebCrypto's types want memory that no other thread has. @param {Uint8Array} bytes */
function source(bytes) {
  return /** @type {Uint8Array<ArrayBuffer>} */ (bytes);
}
