// Answers questions about the browser's modules, under node: a line of JSON in, a line of JSON out.
// Bytes are base64. twin.py asks.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import { readBundle } from "../../web/bundle.js";
import { measure } from "../../web/bundle/comparison.js";
import { readSamples } from "../../web/bundle/samples.js";
import { readVocabularies } from "../../web/bundle/vocabulary.js";
import { readCatalog } from "../../web/catalog.js";
import { Feature, rounded } from "../../web/feature.js";
import { loadKernels } from "../../web/kernels.js";
import { compileLut, parameters, render, seedOf } from "../../web/look.js";
import { combine, measures, strengths } from "../../web/photometry.js";
import { finish, prepare } from "../../web/pipeline.js";
import { suggest } from "../../web/suggest.js";
import { answer } from "../node.mjs";
import { golden } from "./golden.js";

const [, , wasm] = process.argv;
const kernels = wasm ? await loadKernels(readFileSync(wasm)) : null;
const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
const hash = (view) =>
  createHash("sha256").update(new Uint8Array(view.buffer, view.byteOffset, view.byteLength)).digest("hex");
const camel = (object) =>
  Object.fromEntries(Object.entries(object ?? {}).map(([key, value]) =>
    [key.replace(/_(.)/g, (_, letter) => letter.toUpperCase()), value]));
const picture = ({ data, width, height }) => ({ data: bytes(data), width, height });
const shown = ({ data, width, height }) => ({ width, height, sha256: hash(data) });
// JSON has no infinities.
const plain = (value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value);

let catalog = null, bundle = null;

const answers = {
  async bundle({ file, public_key, limits, samples }) {
    const opened = await readBundle(bytes(file), {
      publicKey: public_key ? new Uint8Array(Buffer.from(public_key, "hex")) : undefined,
      limits: camel(limits),
    });
    if (samples) readVocabularies(opened);
    return {
      sha256: opened.sha256,
      entries: Object.fromEntries(opened.names.map((name) => [name, hash(opened.entry(name))])),
      manifest: opened.json("manifest.json"),
      samples: samples ? readSamples(opened).map(({ name, input, inputSha256, outputs, shapes, answer }) => ({
        name, answer,
        input: { ...input, data: [...input.data] },
        inputSha256: Object.fromEntries(inputSha256),
        outputs: Object.fromEntries([...outputs].map(([name, values]) => [name, [...values]])),
        shapes: Object.fromEntries(shapes),
      })) : null,
    };
  },
  golden: ({ text }) => golden(kernels, JSON.parse(text)),
  catalog({ file }) {
    catalog = readCatalog(bytes(file));
    return catalog.presets.map((preset) => ({
      id: preset.id,
      seed: seedOf(preset),
      parameters: [...parameters(preset.adjust)],
      lut: hash(compileLut(kernels, preset).table),
    }));
  },
  suggest: ({ scores, count, tier_mix, member, lead }) =>
    suggest(catalog, new Map(scores), { count, tierMix: tier_mix, member, lead }),
  photometry({ picture: given, content }) {
    const found = kernels.statistics(picture(given));
    return { measures: measures(found), strengths: strengths(found), combined: combine(content, strengths(found)) };
  },
  async pipeline({ file, pictures }) {
    bundle = await readBundle(bytes(file));
    return pictures.map((one) => {
      const { picture: small, tensor } = prepare(kernels, picture(one), bundle.manifest.input);
      return { picture: shown(small), tensor: hash(tensor) };
    });
  },
  finish({ logits }) {
    const content = bundle.manifest.output.filter(({ op }) => op !== "photometry.v1");
    return finish(Float32Array.from(logits), content, bundle);
  },
  render: ({ picture: given, preset, strength, place }) =>
    shown(render(kernels, picture(given), catalog.preset(preset), strength, place)),
  rounded: ({ values }) => values.map(rounded),
  // A feature whose model gives, for the n-th sample, what is expected and `more`.
  async check({ file, more }) {
    const opened = await readBundle(bytes(file));
    const expected = readSamples(opened).map(({ outputs }) => [...outputs.values()][0]);
    const { inputs, outputs } = opened.manifest.model;
    const run = async () => [expected.shift().map((value, i) => value + more[i % more.length])];
    const model = { inputs, outputs, run, close() {} };
    const report = await new Feature(opened, kernels, Promise.resolve(model)).check();
    return { ...report, measurements: report.measurements.map((one) => ({ ...one, measured: plain(one.measured) })) };
  },
  measure({ expected, actual, tolerances }) {
    const outcome = ({ name, input_sha256, outputs, shapes, answer }) => ({
      name, answer,
      inputSha256: new Map(Object.entries(input_sha256)),
      outputs: new Map(Object.entries(outputs).map(([key, values]) => [key, Float32Array.from(values, Number)])),
      shapes: new Map(Object.entries(shapes ?? {})),
    });
    const none = { sqnr_db: null, max_abs: null, top1: null };
    const given = new Map(Object.entries(tolerances.outputs).map(([key, one]) => [key, { ...none, ...one }]));
    return measure(expected.map(outcome), actual.map(outcome), { ...tolerances, outputs: given })
      .map((one) => ({ ...one, measured: plain(one.measured) }));
  },
};

await answer(answers);
