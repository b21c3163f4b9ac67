/** A ZIP of photos: entries stored as they are, because photos do not shrink. */

import { crc32 } from "../crc32.js";

/**
 * Pack files into one archive (APPNOTE 6.3, method 0, UTF-8 names, no ZIP64: below 4 GiB in all).
 *
 * @param {{name: string, blob: Blob}[]} files names differ
 * @returns {Promise<Blob>}
 */
export async function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, blob } of files) {
    const encoded = new TextEncoder().encode(name);
    const crc = crc32(new Uint8Array(await blob.arrayBuffer()));
    // Version 2.0, UTF-8 flag, stored, 1 January 1980 at midnight.
    const common = [
      [2, 20],
      [2, 0x800],
      [2, 0],
      [2, 0],
      [2, 33],
      [4, crc],
      [4, blob.size],
      [4, blob.size],
      [2, encoded.length],
      [2, 0],
    ];
    const head = fields([[4, 0x04034b50], ...common]);
    directory.push(
      fields([[4, 0x02014b50], [2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]),
      encoded,
    );
    parts.push(head, encoded, blob);
    offset += head.length + encoded.length + blob.size;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const n = files.length;
  const end = fields([
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, n],
    [2, n],
    [4, size],
    [4, offset],
    [2, 0],
  ]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/**
 * @param {number[][]} list [bytes, value] each, little-endian
 * @returns {Uint8Array<ArrayBuffer>}
 */
function fields(list) {
  const bytes = new Uint8Array(list.reduce((sum, [width = 0]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [width = 0, value = 0] of list) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += width;
  }
  return bytes;
}
