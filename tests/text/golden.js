// The golden vectors of conformance/text/tokens.json through the browser's own modules; runs in node and
// in browsers. `text` is the module web/text.js, `shapes` the list of bundle/operations.js.

const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const camelled = (object) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [camel(key), value]));
const list = (values) => Array.from(values, (one) => (Array.isArray(one) ? one : one));
// What a manifest's defaults would have filled in.
const DEFAULTS = {
  "wordpiece.v1": { unknown_token: "[UNK]", suffix_indicator: "##", max_bytes_per_word: 100 },
  "lookup.v1": { unknown_token: "[UNK]" },
  "pad.v1": { mask: null, segment_ids: null },
};

async function sha256(tensor) {
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(tensor.buffer));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function normalized(text, kernels, step, value) {
  const run = {
    case_fold: text.caseFoldUtf8WithOffsetsMap,
    strip_accents: text.stripAccentsUtf8WithOffsetsMap,
    clean_tf: (k, one) => text.cleanControlsUtf8WithOffsetsMap(k, one, "tf"),
    clean_hf: (k, one) => text.cleanControlsUtf8WithOffsetsMap(k, one, "hf"),
  }[step] ?? ((k, one) => text.normalizeUtf8WithOffsetsMap(k, one, step.toUpperCase()));
  const { output, offsetsMap } = run(kernels, value);
  const bytes = new TextEncoder().encode(output).length;
  const every = Array.from({ length: bytes + 1 }, (_, i) => i);
  return [output, text.findSourceOffsets(kernels, offsetsMap, every)];
}

/** A text's tensors and tokens by a pipeline. */
export async function pipelined(text, kernels, vocabulary, steps, value) {
  const operations = steps.map((step) => ({ ...DEFAULTS[step.op], ...step }));
  const pipeline = new text.TextPipeline(kernels, operations, { text: () => vocabulary.join("\n") });
  const given = steps.some(({ op }) => op === "combine_segments.v1") ? value.split(", ") : value;
  const tensors = {};
  for (const [name, tensor] of pipeline.prepare(given)) {
    tensors[name] = [await sha256(tensor), Array.from(tensor, Number)];
  }
  const tokens = pipeline.tokens(given).map(({ text: said, id, start, end, segment }) => [said, id, start, end, segment]);
  return { tensors, tokens };
}

function answer(text, kernels, vocabulary, { call, arguments: given }) {
  const options = camelled(given);
  const needs = /piece|Bert/.test(call);
  const tokenizer = needs ? new text[call](kernels, vocabulary, options) : new text[call](kernels, options);
  return (value) => {
    const { tokens, starts, ends } = tokenizer.tokenizeWithOffsets(value);
    return [list(tokens), list(starts), list(ends)];
  };
}

/** What each case gives for each text. */
export async function golden(text, shapes, kernels, { vocabulary, texts, cases }) {
  const results = [];
  for (const one of cases) {
    const { call, arguments: given } = one;
    const run = {
      normalize: (value) => normalized(text, kernels, given.step, value),
      wordshape: (value) => shapes.map((_, shape) => Number(text.wordshape(kernels, value, shape))).join(""),
      pipeline: (value) => pipelined(text, kernels, vocabulary, given.operations, value),
    }[call] ?? answer(text, kernels, vocabulary, one);
    results.push(await Promise.all(texts.map(run)));
  }
  return results;
}
