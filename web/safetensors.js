/**
 * Named arrays in one file: the safetensors format, read strictly.
 *
 * The twin of Python's `homebody.adapt.safetensors`, for the types that owner state has: the same
 * bytes for the same arrays.
 * @module
 */

import { decodeJson } from "./bundle/text.js";
import { HomebodyError, SafetensorsError } from "./errors.js";

/** @typedef {Float64Array | Uint8Array} Values */
/** @typedef {{shape: number[], values: Values}} Tensor */
/** @typedef {{tensors: Map<string, Tensor>, metadata: Map<string, string>}} Safetensors */

const HEADER_BYTES = 1 << 20;
const TENSORS = 10_000;
const DEPTH = 8;

/**
 * The bytes of a file.
 *
 * @param {Map<string, Tensor>} tensors
 * @param {Record<string, string>} metadata
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function dumps(tensors, metadata) {
  const sorted = (/** @type {string} */ a, /** @type {string} */ b) => (a < b ? -1 : 1);
  /** @type {Record<string, unknown>} */
  const header = {
    __metadata__: Object.fromEntries(Object.keys(metadata).toSorted(sorted).map((key) => [key, metadata[key]])),
  };
  // Wide types first, so that every array begins at a multiple of its item's size.
  const names = [...tensors.keys()].toSorted((a, b) => widthOf(tensors, b) - widthOf(tensors, a) || sorted(a, b));
  let place = 0;
  for (const name of names) {
    const { shape, values } = /** @type {Tensor} */ (tensors.get(name));
    const dtype = values instanceof Float64Array ? "F64" : "U8";
    header[name] = { dtype, shape, data_offsets: [place, place + values.byteLength] };
    place += values.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + length + place).fill(32, 8, 8 + length);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.set(text, 8);
  place = 8 + length;
  for (const name of names) {
    const { values } = /** @type {Tensor} */ (tensors.get(name));
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), place);
    place += values.byteLength;
  }
  return file;
}

/** @param {Map<string, Tensor>} tensors @param {string} name */
function widthOf(tensors, name) {
  return /** @type {Tensor} */ (tensors.get(name)).values.BYTES_PER_ELEMENT;
}

/**
 * What a file's bytes hold; the arrays are copies.
 *
 * @param {Uint8Array} data
 * @returns {Safetensors}
 * @throws {SafetensorsError} the bytes are not of the format, or have types other than F64 and U8
 */
export function loads(data) {
  if (data.length < 8) throw new SafetensorsError(`${data.length} bytes are no safetensors file, which begins with 8`);
  const length = Number(new DataView(data.buffer, data.byteOffset).getBigUint64(0, true));
  if (length > Math.min(HEADER_BYTES, data.length - 8)) {
    throw new SafetensorsError(`a header of ${length} bytes does not fit ${data.length}; the file is cut off`);
  }
  const text = data.subarray(8, 8 + length), body = data.subarray(8 + length);
  let header;
  try {
    // The format's own rule: no space before the brace.
    if (text[0] !== 0x7b) throw new SafetensorsError("it does not begin with a brace");
    header = /** @type {Record<string, any>} */ (decodeJson(text, "the header", { depth: DEPTH }));
  } catch (error) {
    if (!(error instanceof HomebodyError)) throw error;
    throw new SafetensorsError(`the header is not JSON (${error.message}); the file is damaged`);
  }
  const { __metadata__: stated = {}, ...fields } = header;
  if (!isObject(stated) || Object.values(stated).some((value) => typeof value !== "string")) {
    throw new SafetensorsError("the metadata are not strings by name; write the file anew");
  }
  const names = Object.keys(fields);
  if (names.length > TENSORS) throw new SafetensorsError(`${names.length} tensors are too many`);
  const spans = names.map((name) => spanOf(name, fields[name], body.length))
    .toSorted((a, b) => a.begin - b.begin || a.end - b.end);
  let place = 0;
  for (const { begin, end } of spans) {
    if (begin !== place) throw new SafetensorsError("a byte of the data belongs to no tensor or to two");
    place = end;
  }
  if (place !== body.length) throw new SafetensorsError(`the tensors take ${place} bytes of ${body.length}`);
  const tensors = new Map(spans.map(({ name, begin, end, dtype, shape }) => {
    const bytes = body.slice(begin, end);
    return [name, { shape, values: dtype === "F64" ? new Float64Array(bytes.buffer) : bytes }];
  }));
  return { tensors, metadata: new Map(Object.entries(stated)) };
}

/**
 * @param {string} name
 * @param {any} fields
 * @param {number} available
 */
function spanOf(name, fields, available) {
  const wrong = (/** @type {string} */ what) =>
    new SafetensorsError(`the tensor '${name.slice(0, 80)}' has ${what}; the file is damaged`);
  if (!isObject(fields) || Object.keys(fields).toSorted().join() !== "data_offsets,dtype,shape") {
    throw wrong("other fields than dtype, shape and data_offsets");
  }
  const { dtype, shape, data_offsets: offsets } = fields;
  if (dtype !== "F64" && dtype !== "U8") throw wrong("a type that is not read here");
  if (!counts(shape) || shape.length > 16) throw wrong("no shape");
  if (!counts(offsets) || offsets.length !== 2) throw wrong("no data_offsets");
  const [begin, end] = offsets;
  const bytes = shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, dtype === "F64" ? 8 : 1);
  if (begin > end || end > available || end - begin !== bytes) throw wrong("data_offsets that do not fit");
  return { name, begin, end, dtype, shape };
}

/** @param {unknown} value @returns {value is number[]} */
function counts(value) {
  return Array.isArray(value) && value.every((one) => Number.isSafeInteger(one) && one >= 0);
}

/** @param {unknown} value @returns {value is Record<string, any>} */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
