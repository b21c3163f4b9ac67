/**
 * manifest.json: what a bundle says about itself. Every unknown key is refused.
 *
 * The twin of Python's `homebody.bundle.manifest`; docs/bundle-format.md lists keys.
 * @module
 */

import {
  DanglingReferenceError, ManifestTooLargeError, ManifestValueError, NewerFormatError, NewerRuntimeError,
  UnknownFormatError, UnknownKeyError, UnknownOperationError,
} from "../errors.js";
import { Misfit, choice, integer, list, map, nullable, number, optional, record, text } from "../schema.js";
import { OPERATIONS } from "./operations.js";
import { decodeJson, quoted } from "./text.js";

/** @import {Limits} from "./limits.js" */
/**
 * @template T
 * @typedef {import("../schema.js").Form<T>} Form
 */

export const FORMAT = "homebody/1";
/** The version of Homebody that this page is of. */
export const VERSION = "0.1.0";

const CORE = /(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})/.source;
const IDENTIFIER = /(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)/.source;
const TAIL = `(-${IDENTIFIER}(\\.${IDENTIFIER})*)?(\\+[0-9a-zA-Z-]+(\\.[0-9a-zA-Z-]+)*)?`;

export const slug = text({ pattern: /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, most: 64 });
export const short = text({ least: 1, most: 200 });
export const sha256 = text({ pattern: /^[0-9a-f]{64}$/ });
export const dtype = choice(/** @type {const} */ (
  ["uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]));

const version = text({ pattern: new RegExp(`^${CORE}${TAIL}$`), most: 64 });

/** @import {Operation} from "./operations.js" */
/**
 * @template F
 * @typedef {import("./operations.js").Of<F>} Of
 */

/** @type {Form<Operation>} */
const operation = (value, path) => {
  const op = /** @type {any} */ (value)?.op;
  if (typeof op !== "string" || !Object.hasOwn(OPERATIONS, op)) {
    throw new Misfit(`${path} is not an operation; name one in its key op`);
  }
  return /** @type {Operation} */ (OPERATIONS[/** @type {keyof typeof OPERATIONS} */ (op)](value, path));
};

const tensor = record(
  { name: short, shape: list(integer(-1, 2 ** 31), { most: 8 }), dtype },
  ({ shape }, path) => {
    if (shape.includes(0)) throw new Misfit(`${path}'s shape has an axis of length 0`);
  },
);

const model = record(
  {
    entry: choice(/** @type {const} */ (["model.tflite", "model.onnx"])),
    format: choice(/** @type {const} */ (["tflite", "onnx"])),
    inputs: list(tensor, { least: 1, most: 64 }),
    outputs: list(tensor, { least: 1, most: 64 }),
  },
  ({ entry, format, inputs, outputs }, path) => {
    if (entry !== `model.${format}`) throw new Misfit(`${path}: the entry of a ${format} model is model.${format}`);
    for (const tensors of [inputs, outputs]) {
      if (new Set(tensors.map(({ name }) => name)).size !== tensors.length) {
        throw new Misfit(`${path}: two of the model's tensors have one name`);
      }
    }
  },
);

const none = () => null;
const outputTolerance = record(
  {
    sqnr_db: optional(nullable(number(0, 1000)), none),
    max_abs: optional(nullable(number(0)), none),
    top1: optional(nullable(number(0, 1)), none),
  },
  ({ sqnr_db, max_abs, top1 }, path) => {
    if (sqnr_db === null && max_abs === null && top1 === null) {
      throw new Misfit(`${path} states none of sqnr_db, max_abs and top1`);
    }
  },
);
/** @typedef {Of<typeof outputTolerance>} OutputTolerance */

const tolerances = record({
  input: optional(choice(/** @type {const} */ (["exact"])), () => "exact"),
  outputs: optional(map(short, outputTolerance), () => new Map()),
  answers: optional(number(0, 1), () => 1),
});
/** @typedef {Of<typeof tolerances>} Tolerances */

const manifest = record({
  format: choice([FORMAT]),
  name: slug,
  version,
  task: slug,
  minimum_runtime: optional(text({ pattern: new RegExp(`^${CORE}$`) }), () => "0.1.0"),
  entries: map(text(), record({ sha256, size: integer(0, 0xffffffff) })),
  input: list(operation),
  model,
  output: list(operation),
  assets: optional(map(slug, short), () => new Map()),
  samples: optional(nullable(record({ entry: short })), none),
  tolerances: optional(tolerances, () => tolerances(Object.create(null), "tolerances")),
  licence: short,
  provenance: optional(map(text(), text()), () => new Map()),
});
/** @typedef {Of<typeof manifest>} Manifest */

/**
 * Decode and validate manifest.json.
 *
 * The format and the minimum runtime come before the rest, so that a bundle from the future is called
 * that, and not malformed.
 *
 * @param {Uint8Array} bytes
 * @param {Limits} limits
 * @returns {Manifest}
 */
export function readManifest(bytes, limits) {
  if (bytes.length > limits.manifestBytes) {
    throw new ManifestTooLargeError(
      `manifest.json has ${bytes.length} bytes; at most ${limits.manifestBytes} are accepted`);
  }
  const document = /** @type {any} */ (decodeJson(bytes, "manifest.json", { depth: limits.jsonDepth }));
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new ManifestValueError("manifest.json is not a JSON object; make it one");
  }
  checkFormat(document.format);
  checkRuntime(document.minimum_runtime);
  for (const pipeline of ["input", "output"]) checkOperations(document[pipeline], pipeline);
  const found = fit(manifest, document, "manifest.json");
  checkReferences(found);
  checkTolerances(found);
  return found;
}

/**
 * Fit parsed JSON of a bundle to a form; UnknownKeyError and ManifestValueError name the place.
 *
 * @template T
 * @param {Form<T>} form
 * @param {unknown} document
 * @param {string} name the entry's
 * @returns {T}
 */
export function fit(form, document, name) {
  try {
    return form(document, "");
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    const Problem = error.unknownKey ? UnknownKeyError : ManifestValueError;
    throw new Problem(
      `${name} does not fit the format ${FORMAT}: ${error.message}; see docs/bundle-format.md`);
  }
}

/** @param {unknown} stated */
function checkFormat(stated) {
  if (stated === FORMAT) return;
  const match = typeof stated === "string" ? /^homebody\/([1-9][0-9]{0,5})$/.exec(stated) : null;
  if (match && Number(match[1]) > 1) {
    throw new NewerFormatError(`the bundle's format is ${stated} and this page reads ${FORMAT}; load the page again`);
  }
  throw new UnknownFormatError(
    `the manifest's format is ${quoted(stated)} and must be "${FORMAT}"; is it a Homebody bundle?`);
}

/** @param {unknown} stated */
function checkRuntime(stated) {
  if (typeof stated !== "string" || !new RegExp(`^${CORE}$`).test(stated)) return; // the form says so better
  const needed = stated.split(".").map(Number), here = VERSION.split(".").map(Number);
  const place = needed.findIndex((part, i) => part !== here[i]);
  if (place >= 0 && needed[place] > here[place]) {
    throw new NewerRuntimeError(`the bundle needs homebody ${stated} and this is ${VERSION}; load the page again`);
  }
}

/** @param {unknown} steps @param {string} pipeline */
function checkOperations(steps, pipeline) {
  for (const step of Array.isArray(steps) ? steps : []) {
    const op = step?.op;
    if (typeof op === "string" && !Object.hasOwn(OPERATIONS, op)) {
      throw new UnknownOperationError(
        `the ${pipeline} pipeline asks for ${quoted(op)}, which homebody does not have; ` +
          "load the page again or correct the name");
    }
  }
}

/** @param {Manifest} manifest */
function checkReferences(manifest) {
  /** @type {[string, string][]} */
  const references = [["model", manifest.model.entry]];
  for (const [name, entry] of manifest.assets) references.push([`asset ${name}`, entry]);
  for (const operation of [...manifest.input, ...manifest.output]) {
    if ("entry" in operation) references.push([operation.op, operation.entry]);
  }
  if (manifest.samples) references.push(["samples", manifest.samples.entry]);
  for (const [user, entry] of references) {
    if (!manifest.entries.has(entry)) {
      throw new DanglingReferenceError(
        `the manifest's ${user} refers to ${quoted(entry)}, which it does not list as an entry`);
    }
  }
}

/** @param {Manifest} manifest */
function checkTolerances(manifest) {
  const outputs = new Set(manifest.model.outputs.map(({ name }) => name));
  const stated = manifest.tolerances.outputs;
  for (const name of stated.keys()) {
    if (!outputs.has(name)) {
      throw new ManifestValueError(`the tolerances name ${quoted(name)}, which the model does not put out`);
    }
  }
  for (const name of manifest.samples ? outputs : []) {
    if (!stated.has(name)) {
      throw new ManifestValueError(`there are samples, yet no tolerance for the output ${quoted(name)}`);
    }
  }
}
