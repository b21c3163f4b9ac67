/**
 * PNG (ISO/IEC 15948), read and written here: a browser's own way to its pixels goes through a
 * canvas, which keeps neither what is transparent nor 16 bits. 16-bit grey is rounded to 8 bits; of
 * 16-bit colour the upper eight are read, as Pillow does.
 * @module
 */

import { crc32 } from "../crc32.js";
import { BrokenImageError } from "../errors.js";
import { fromLatin1, latin1 } from "./bytes.js";

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGBA = 6;
/** Samples a pixel of each colour type. */
const SAMPLES = [1, 0, 3, 1, 2, 0, 4];
/** Adam7: left, top, step across, step down. */
const PASSES = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];

/**
 * The chunks of a file, until one does not fit.
 *
 * @param {Uint8Array} bytes
 * @returns {Generator<{kind: string, data: Uint8Array, valid: boolean}>} valid: its checksum is right;
 *   of the pixels' it is not looked at
 */
export function* chunksOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at), end = at + 8 + length;
    if (end + 4 > bytes.length) return;
    const kind = latin1(bytes.subarray(at + 4, at + 8));
    const valid = kind === "IDAT" || crc32(bytes.subarray(at + 4, end)) === view.getUint32(end);
    yield { kind, data: bytes.subarray(at + 8, end), valid };
    if (kind === "IEND") return;
    at = end + 4;
  }
}

/**
 * Width and height in the header.
 *
 * @param {Uint8Array} bytes
 * @returns {[width: number, height: number]}
 * @throws {BrokenImageError} there is none, or its checksum is wrong
 */
export function pngSize(bytes) {
  const { kind, data, valid } = chunksOf(bytes).next().value ?? {};
  if (kind !== "IHDR" || data === undefined || data.length < 13 || !valid) throw broken("its header is damaged");
  const view = new DataView(data.buffer, data.byteOffset);
  return [view.getUint32(0), view.getUint32(4)];
}

/**
 * Decode a file.
 *
 * @param {Uint8Array} bytes
 * @returns {Promise<{picture: import("../kernels.js").Picture, alpha: Uint8Array | null}>}
 * @throws {BrokenImageError}
 */
export async function readPng(bytes) {
  /** @type {Map<string, Uint8Array>} */
  const found = new Map();
  const data = [];
  for (const { kind, data: content, valid } of chunksOf(bytes)) {
    if (!valid && data.length === 0) throw broken("a checksum is wrong");
    if (kind === "IDAT") data.push(content);
    else if (data.length === 0) found.set(kind, content);
  }
  const [width, height] = pngSize(bytes), head = found.get("IHDR") ?? new Uint8Array(13);
  const depth = head[8], type = head[9];
  const allowed = type === GREY ? [1, 2, 4, 8, 16] : type === PALETTE ? [1, 2, 4, 8] : [8, 16];
  if (!SAMPLES[type] || !allowed.includes(depth) || head[10] || head[11] || head[12] > 1) {
    throw broken("its header is not valid");
  }
  const transparency = found.get("tRNS");
  if (transparency && type !== PALETTE && transparency.length < (type === RGB ? 6 : 2)) {
    throw broken("its transparency is cut short");
  }
  const out = new Pixels(width, height, depth, type, found.get("PLTE") ?? new Uint8Array(), transparency);
  const passes = head[12] ? PASSES : [[0, 0, 1, 1]];
  await unfilter(data, depth * SAMPLES[type], passes, width, height, (row, y, pass) => {
    const [left, top, across, down] = passes[pass];
    out.put(row, top + y * down, left, across);
  });
  return out.done();
}

/** Rows as they are stored become RGB and alpha. */
class Pixels {
  /**
   * @param {number} width
   * @param {number} height
   * @param {number} depth
   * @param {number} type
   * @param {Uint8Array} palette
   * @param {Uint8Array | undefined} transparency
   */
  constructor(width, height, depth, type, palette, transparency) {
    this.picture = { data: new Uint8Array(width * height * 3), width, height };
    this.depth = depth;
    this.type = type;
    const word = (/** @type {number} */ at) => transparency && transparency[at] << 8 | /** @type {any} */ (transparency)[at + 1];
    /** @type {(number | undefined)[]} the colour that is transparent, as Pillow compares it */
    this.hole = type === GREY && depth < 16 ? [word(0)] : type === RGB ? [0, 2, 4].map(word) : [];
    if (type === GREY && depth === 1 && transparency) this.hole = [word(0) ? 255 : 0];
    if (type === RGB) this.hole = this.hole.map((value) => value && value & 255);
    const holed = this.hole[0] !== undefined || (type === PALETTE && transparency);
    this.alpha = holed || type === GREY_ALPHA || type === RGBA ? new Uint8Array(width * height) : null;
    this.palette = new Uint8Array(1024).fill(255);
    for (let i = 0; i < 256; i++) {
      for (let c = 0; c < 3; c++) this.palette[4 * i + c] = palette[3 * i + c] ?? 0;
      if (transparency && i < transparency.length) this.palette[4 * i + 3] = transparency[i];
    }
  }

  /**
   * @param {Uint8Array} row
   * @param {number} y
   * @param {number} left
   * @param {number} step
   */
  put(row, y, left, step) {
    const { depth, type, palette, alpha, hole, picture: { data, width } } = this;
    const samples = SAMPLES[type], bytes = depth === 16 ? 2 : 1, mask = (1 << depth) - 1;
    const scale = type === PALETTE || depth > 8 ? 1 : 255 / mask;
    for (let x = left, i = 0; x < width; x += step, i++) {
      const at = y * width + x, o = 3 * at, from = i * samples * bytes;
      const value = depth < 8 ? (row[i * depth >> 3] >> (8 - depth - (i * depth & 7)) & mask) * scale : row[from];
      if (type === PALETTE) {
        data[o] = palette[4 * value], data[o + 1] = palette[4 * value + 1], data[o + 2] = palette[4 * value + 2];
        if (alpha) alpha[at] = palette[4 * value + 3];
      } else if (type === RGB || type === RGBA) {
        data[o] = value, data[o + 1] = row[from + bytes], data[o + 2] = row[from + 2 * bytes];
        if (alpha) {
          alpha[at] = type === RGBA ? row[from + 3 * bytes]
            : value === hole[0] && data[o + 1] === hole[1] && data[o + 2] === hole[2] ? 0 : 255;
        }
      } else {
        const wide = type === GREY && depth === 16;
        const grey = wide ? Math.floor(((value << 8 | row[from + 1]) * 255 + 32767) / 65535) : value;
        data[o] = data[o + 1] = data[o + 2] = grey;
        if (alpha) alpha[at] = type === GREY_ALPHA ? row[from + bytes] : grey === hole[0] ? 0 : 255;
      }
    }
  }

  done() {
    return { picture: this.picture, alpha: this.alpha?.some((value) => value !== 255) ? this.alpha : null };
  }
}

/**
 * Inflate the pixels' data and undo the rows' filters (clause 9).
 *
 * @param {Uint8Array[]} data
 * @param {number} bits a pixel
 * @param {number[][]} passes
 * @param {number} width
 * @param {number} height
 * @param {(row: Uint8Array, y: number, pass: number) => void} put
 */
async function unfilter(data, bits, passes, width, height, put) {
  const sizes = passes.map(([left, top, across, down]) =>
    [Math.max(0, Math.ceil((width - left) / across)), Math.max(0, Math.ceil((height - top) / down))]);
  const step = Math.max(1, bits >> 3);
  let pass = 0, y = 0, filled = 0;
  const whole = 1 + Math.ceil(width * bits / 8);
  let row = new Uint8Array(whole), before = new Uint8Array(whole);
  const skip = () => { while (pass < passes.length && (!sizes[pass][0] || !sizes[pass][1])) pass++; };
  skip();
  const stream = new Blob(/** @type {BlobPart[]} */ (data)).stream().pipeThrough(new DecompressionStream("deflate"));
  try {
    for await (const value of partsOf(stream)) {
      if (pass === passes.length) break;
      for (let from = 0; from < value.length && pass < passes.length;) {
        const length = 1 + Math.ceil(sizes[pass][0] * bits / 8), part = value.subarray(from, from + length - filled);
        row.set(part, filled);
        filled += part.length;
        from += part.length;
        if (filled < length) break;
        undo(row, before, length, step);
        put(row.subarray(1, length), y, pass);
        [row, before] = [before, row];
        filled = 0;
        if (++y === sizes[pass][1]) {
          y = 0;
          pass++;
          before.fill(0);
          skip();
        }
      }
    }
  } catch (error) {
    if (error instanceof BrokenImageError) throw error;
  }
  if (pass < passes.length) throw broken("its pixels end early");
}

/**
 * @param {Uint8Array} row its filter's number, then its bytes
 * @param {Uint8Array} above
 * @param {number} length
 * @param {number} step bytes a pixel
 */
function undo(row, above, length, step) {
  const filter = row[0];
  if (filter > 4) throw broken("a filter is unknown");
  above[0] = 0;
  if (filter === 1) {
    for (let i = 1 + step; i < length; i++) row[i] += row[i - step];
  } else if (filter === 2) {
    for (let i = 1; i < length; i++) row[i] += above[i];
  } else if (filter === 3) {
    for (let i = 1; i < length; i++) row[i] += (i > step ? row[i - step] : 0) + above[i] >> 1;
  } else if (filter === 4) {
    for (let i = 1; i < length; i++) {
      row[i] += i > step ? paeth(row[i - step], above[i], above[i - step]) : above[i];
    }
  }
}

/**
 * @param {number} left
 * @param {number} above
 * @param {number} corner
 */
function paeth(left, above, corner) {
  const a = Math.abs(above - corner), b = Math.abs(left - corner), c = Math.abs(left + above - 2 * corner);
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

/**
 * Encode rows as they come.
 *
 * @param {{width: number, height: number, channels: 3 | 4, chunks: Uint8Array[]}} head chunks: what
 *   stands before the pixels
 * @param {AsyncIterable<Uint8Array> | Iterable<Uint8Array>} bands whole rows
 * @returns {Promise<Blob>}
 */
export async function writePng({ width, height, channels, chunks }, bands) {
  const head = new Uint8Array(13), view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head.set([8, channels === 4 ? RGBA : RGB], 8);
  const stream = new CompressionStream("deflate");
  const parts = [SIGNATURE, chunk("IHDR", head), ...chunks];
  const collecting = (async () => {
    for await (const data of partsOf(stream.readable)) parts.push(chunk("IDAT", data));
  })();
  const writer = stream.writable.getWriter();
  const length = width * channels;
  /** @type {Uint8Array} */
  let above = new Uint8Array(length);
  try {
    for await (const band of bands) {
      const rows = band.length / length, filtered = new Uint8Array(band.length + rows);
      for (let y = 0; y < rows; y++) {
        const row = band.subarray(y * length, (y + 1) * length);
        filter(row, above, channels, filtered.subarray(y * (length + 1), (y + 1) * (length + 1)));
        above = row;
      }
      above = above.slice();
      await writer.write(filtered);
    }
    await writer.close();
  } catch (error) {
    writer.abort(error).catch(() => {});
    await collecting.catch(() => {});
    throw error;
  }
  await collecting;
  return new Blob(/** @type {BlobPart[]} */ ([...parts, chunk("IEND", new Uint8Array())]), { type: "image/png" });
}

/**
 * The Paeth filter, which suits photographs.
 *
 * @param {Uint8Array} row
 * @param {Uint8Array} above
 * @param {number} step
 * @param {Uint8Array} out
 */
function filter(row, above, step, out) {
  out[0] = 4;
  for (let i = 0; i < step; i++) out[i + 1] = row[i] - above[i];
  for (let i = step; i < row.length; i++) out[i + 1] = row[i] - paeth(row[i - step], above[i], above[i - step]);
}

/**
 * @param {string} kind
 * @param {Uint8Array} data
 */
export function chunk(kind, data) {
  const whole = new Uint8Array(12 + data.length), view = new DataView(whole.buffer);
  view.setUint32(0, data.length);
  whole.set(fromLatin1(kind), 4);
  whole.set(data, 8);
  view.setUint32(8 + data.length, crc32(whole.subarray(4, 8 + data.length)));
  return whole;
}

/** @param {Uint8Array} bytes */
export async function deflate(bytes) {
  const stream = new Blob([/** @type {BlobPart} */ (bytes)]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * @param {Uint8Array} bytes
 * @param {number} most bytes that come out; more are an error
 */
export async function inflate(bytes, most) {
  const stream = new Blob([/** @type {BlobPart} */ (bytes)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const parts = [];
  let length = 0;
  for await (const part of partsOf(stream)) {
    parts.push(/** @type {BlobPart} */ (part));
    length += part.length;
    if (length > most) throw new RangeError("too much data");
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/**
 * What a stream gives; not every browser's streams can be iterated by themselves.
 *
 * @param {ReadableStream<Uint8Array>} stream
 */
async function* partsOf(stream) {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** @param {string} reason */
function broken(reason) {
  return new BrokenImageError(`the picture is a broken PNG (${reason}); export or copy it again`);
}
