/**
 * EXIF, ICC profile and XMP that a picture's file carries. A JPEG's are read here; `others.js` has
 * those of other formats.
 * @module
 */

import { concat, latin1, starts } from "./bytes.js";
import { withoutGps, xmpWithoutGps } from "./exif.js";

/** @typedef {{exif: Uint8Array | null, icc: Uint8Array | null, xmp: Uint8Array | null}} Metadata */

/** What stands before each in a JPEG's segments. */
export const EXIF = "Exif\0\0", XMP = "http://ns.adobe.com/xap/1.0/\0", ICC = "ICC_PROFILE\0";

/**
 * Only what can be used: null for what is empty, or no profile of RGB.
 *
 * @param {Metadata} found
 * @returns {Metadata}
 */
export function usable({ exif, icc, xmp }) {
  const isRgb = icc !== null && icc.length >= 128 && latin1(icc.subarray(16, 20)) === "RGB ";
  return { exif: exif?.length ? exif : null, icc: isRgb ? icc : null, xmp: xmp?.length ? xmp : null };
}

/**
 * What a JPEG carries beside its pixels; null for what is absent or damaged.
 *
 * @param {Uint8Array} bytes the file
 * @returns {Metadata}
 */
export function fromJpeg(bytes) {
  const exif = [], profile = [];
  let icc = null, xmp = null;
  for (let at = 2; at + 3 < bytes.length;) {
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff || marker === 0xff || marker === 0) {
      at++;
      continue;
    }
    if (marker === 0xda) break;
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd9)) {
      at += 2;
      continue;
    }
    const end = at + 2 + (bytes[at + 2] << 8 | bytes[at + 3]);
    if (end < at + 4 || end > bytes.length) break;
    const data = bytes.subarray(at + 4, end);
    at = end;
    if (marker === 0xe1 && starts(data, EXIF)) exif.push(exif.length ? data.subarray(6) : data);
    if (marker === 0xe1 && starts(data, XMP)) xmp = data.slice(XMP.length);
    if (marker === 0xe2 && starts(data, ICC)) profile.push(data);
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker) && profile.length) {
      const parts = profile.splice(0).sort((a, b) => a[12] - b[12]);
      icc = parts[0][13] === parts.length ? concat(...parts.map((part) => part.subarray(14))) : null;
    }
  }
  return { exif: exif.length ? concat(...exif) : null, icc, xmp };
}

/**
 * Whether a file says where it was taken.
 *
 * @param {Metadata} photo
 */
export function hasGps({ exif, xmp }) {
  const without = withoutGps(exif);
  const inExif = exif !== null && without !== null && latin1(without) !== latin1(exif.subarray(-without.length));
  return inExif || (xmp !== null && latin1(xmpWithoutGps(xmp) ?? new Uint8Array()) !== latin1(xmp));
}
