// The golden vectors of conformance/text/normalize.json by web/text.js: node normalize.mjs WASM UNICODE FILE.
// Prints what each text gives, as JSON.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import { SHAPES } from "../../web/bundle/operations.js";
import * as text from "../../web/text.js";

const [, , wasm, unicode, file] = process.argv;
const kernels = await text.loadText({ wasm: readFileSync(wasm), unicode: readFileSync(unicode) });
const { steps, texts } = JSON.parse(readFileSync(file, "utf8"));

const run = {
  case_fold: (one) => text.caseFoldUtf8WithOffsetsMap(kernels, one),
  strip_accents: (one) => text.stripAccentsUtf8WithOffsetsMap(kernels, one),
  clean_tf: (one) => text.cleanControlsUtf8WithOffsetsMap(kernels, one, "tf"),
  clean_hf: (one) => text.cleanControlsUtf8WithOffsetsMap(kernels, one, "hf"),
};

function digest(step, value) {
  const { output, offsetsMap } = run[step]?.(value) ??
    text.normalizeUtf8WithOffsetsMap(kernels, value, step.toUpperCase());
  const bytes = Buffer.from(output);
  const every = Array.from({ length: bytes.length + 1 }, (_, i) => i);
  const places = Int32Array.from(text.findSourceOffsets(kernels, offsetsMap, every));
  return createHash("sha256").update(bytes).update(Buffer.from(places.buffer)).digest("hex").slice(0, 12);
}

console.log(JSON.stringify(texts.map((value) => [
  ...steps.map((step) => digest(step, value)),
  SHAPES.map((_, shape) => Number(text.wordshape(kernels, value, shape))).join(""),
  Array.from(text.utf8Binarize(kernels, value, 5, 21).entries()).filter(([, bit]) => bit).map(([place]) => place),
])));
for (const wrong of [[0, 1], [1, 0], [65537, 1], [1.5, 1]]) {
  try {
    text.utf8Binarize(kernels, "a", ...wrong);
    process.exitCode = 1;
  } catch (error) {
    if (error.name !== "TextError") throw error;
  }
}
