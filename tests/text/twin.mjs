// Answers questions about web/text.js, under node: a line of JSON in, a line of JSON out. twin.py asks.
import { readFileSync } from "node:fs";

import { SHAPES } from "../../web/bundle/operations.js";
import { loadTextClassifier } from "../../web/text/classifier.js";
import * as text from "../../web/text.js";
import { answer } from "../node.mjs";
import { golden, pipelined } from "./golden.js";
import { loadModelInNode } from "./litert.mjs";

const [, , wasm, unicode, vendor] = process.argv;
const kernels = await text.loadText({ wasm: readFileSync(wasm), unicode: readFileSync(unicode) });

const answers = {
  golden: ({ file }) => golden(text, SHAPES, kernels, JSON.parse(readFileSync(file, "utf8"))),
  // Tokens and places by a tokenizer of texts that are base64 of UTF-16, lone surrogates and all.
  tokens({ call, options, vocabulary, texts }) {
    const tokenizer = vocabulary ? new text[call](kernels, vocabulary, options) : new text[call](kernels, options);
    return texts.map((one) => {
      const { tokens, starts, ends } = tokenizer.tokenizeWithOffsets(Buffer.from(one, "base64").toString("utf16le"));
      return [Array.from(tokens), Array.from(starts), Array.from(ends)];
    });
  },
  pipeline: ({ operations, vocabulary, texts }) =>
    Promise.all(texts.map((one) => pipelined(
      text, kernels, vocabulary, operations, Buffer.from(one, "base64").toString("utf16le")))),
  boise({ cases }) {
    return cases.map(({ tokens, tags }) => text.boiseTagsToOffsets(tokens, tags));
  },
  sequences({ cases }) {
    return cases.map(({ scores, labels, allowed, method }) =>
      text[method](kernels, Float32Array.from(scores), labels, {
        allowedTransitions: allowed, useLogSpace: true, useStartAndEndStates: true,
      }));
  },
  async tag({ bundle, texts }) {
    const feature = await text.loadTextTagger(
      new Uint8Array(readFileSync(bundle)), { kernels, vendor, model: loadModelInNode });
    const found = [];
    for (const one of texts) found.push(await feature.tag(one, { offsets: "char" }));
    const report = await feature.check();
    feature.close();
    return { found, report };
  },
  async classify({ bundle, texts }) {
    const feature = await loadTextClassifier(
      new Uint8Array(readFileSync(bundle)), { kernels, vendor, model: loadModelInNode });
    const found = [];
    for (const one of texts) {
      const tensors = [...feature.prepare(one)].map(([name, tensor]) => [name, Array.from(tensor)]);
      found.push({ ...await feature.classify(one), tensors: Object.fromEntries(tensors) });
    }
    const report = await feature.check();
    feature.close();
    return { found, report };
  },
};

await answer(answers);
