/**
 * Samples: real inputs with what the trained float model gave for them.
 *
 * The twin of Python's `homebody.bundle.samples`.
 * @module
 */

import { DanglingReferenceError, SamplesError } from "../errors.js";
import { integer, list, map, optional, record } from "../schema.js";
import { dtype, fit, sha256, short, slug } from "./manifest.js";
import { plain, quoted } from "./text.js";

/** @import {Bundle} from "../bundle.js" */
/**
 * @typedef {{data: Uint8Array, shape: number[], dtype: string}} Tensor its numbers, little-endian, in C
 *   order
 */
/**
 * What a runtime made of one sample.
 * @typedef {{name: string, inputSha256: Map<string, string>, outputs: Map<string, Float32Array>,
 *   answer: unknown}} Outcome
 */
/**
 * A real input, and what is expected of it.
 *
 * @typedef {Outcome & {input: Tensor, shapes: Map<string, number[]>}} Sample
 */

const ITEM_BYTES = { uint8: 1, int8: 1, int16: 2, int32: 4, int64: 8, float16: 2, float32: 4, float64: 8 };

const tensorEntry = record({ entry: short, shape: list(integer(1, 2 ** 31), { most: 8 }), dtype });
const samplesForm = list(record({
  name: slug,
  input: tensorEntry,
  input_sha256: map(short, sha256, { least: 1 }),
  outputs: map(short, tensorEntry, { least: 1 }),
  answer: optional((value) => plain(value), () => null),
}));

/**
 * Every sample of a bundle; none if it has none.
 *
 * @param {Bundle} bundle
 * @returns {Sample[]}
 * @throws {SamplesError} samples.json or a tensor does not fit the manifest
 */
export function readSamples(bundle) {
  const listing = bundle.manifest.samples?.entry;
  if (listing === undefined) return [];
  const records = fit(samplesForm, bundle.parsed(listing), listing);
  if (new Set(records.map(({ name }) => name)).size !== records.length) {
    throw new SamplesError(`two samples in ${listing} have one name; rename one`);
  }
  return records.map((found) => readSample(bundle, found));
}

/** @param {Bundle} bundle @param {ReturnType<typeof samplesForm>[number]} found @returns {Sample} */
function readSample(bundle, found) {
  const { inputs, outputs } = bundle.manifest.model;
  const { name } = found;
  if (!sameNames(found.input_sha256, inputs)) {
    throw new SamplesError(`the sample '${name}' hashes inputs that are not the model's`);
  }
  if (!sameNames(found.outputs, outputs)) {
    throw new SamplesError(`the sample '${name}' has outputs that are not the model's`);
  }
  for (const tensor of outputs) {
    const held = /** @type {ReturnType<typeof tensorEntry>} */ (found.outputs.get(tensor.name));
    const fits = held.shape.length === tensor.shape.length &&
      tensor.shape.every((stated, axis) => stated === -1 || stated === held.shape[axis]);
    if (!fits || held.dtype !== "float32") {
      throw new SamplesError(
        `the sample '${name}' has ${quoted(tensor.name)} as ${held.dtype}[${held.shape}]; ` +
          `it must be float32[${tensor.shape}]`);
    }
  }
  const input = readTensor(bundle, found.input);
  const tensors = Array.from(found.outputs, ([name, one]) => /** @type {const} */ ([name, readTensor(bundle, one)]));
  return {
    name,
    input,
    inputSha256: found.input_sha256,
    outputs: new Map(tensors.map(([name, { data }]) => [name, new Float32Array(data.slice().buffer)])),
    shapes: new Map(tensors.map(([name, { shape }]) => [name, shape])),
    answer: found.answer,
  };
}

/** @param {Map<string, unknown>} held @param {{name: string}[]} tensors */
function sameNames(held, tensors) {
  return held.size === tensors.length && tensors.every(({ name }) => held.has(name));
}

/** @param {Bundle} bundle @param {ReturnType<typeof tensorEntry>} tensor @returns {Tensor} */
function readTensor(bundle, { entry, shape, dtype }) {
  if (!bundle.manifest.entries.has(entry)) {
    throw new DanglingReferenceError(
      `the samples refer to ${quoted(entry)}, which the manifest does not list as an entry`);
  }
  const data = bundle.entry(entry);
  if (data.length !== shape.reduce((a, b) => a * b, ITEM_BYTES[dtype])) {
    throw new SamplesError(
      `${entry} has ${data.length} bytes, which is not a ${dtype} tensor of shape [${shape}]`);
  }
  return { data, shape, dtype };
}
