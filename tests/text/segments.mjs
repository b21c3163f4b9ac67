// Runs the golden vectors of model inputs: node segments.mjs FILE. Prints what each case gives, as JSON.
import { readFileSync } from "node:fs";

import * as masking from "../../web/text/masking.js";
import * as segments from "../../web/text/segments.js";

const list = (array) => Array.from(array);
const answers = {
  trimmer(kind, { max_seq_length }, given) {
    const trimmer = new segments[kind](max_seq_length);
    return { trimmed: trimmer.trim(given).map(list), masks: trimmer.generateMask(given) };
  },
  combine_segments(given, { start_of_sequence_id, end_of_segment_id }) {
    const { ids, segmentIds } = segments.combineSegments(given, start_of_sequence_id, end_of_segment_id);
    return { ids: list(ids), segment_ids: list(segmentIds) };
  },
  concatenate_segments(given) {
    const { ids, segmentIds } = segments.concatenateSegments(given);
    return { ids: list(ids), segment_ids: list(segmentIds) };
  },
  pad_model_inputs([ids], { max_seq_length, pad_value }) {
    const { padded, mask } = segments.padModelInputs(Int32Array.from(ids), max_seq_length, pad_value);
    return { padded: list(padded), mask: list(mask) };
  },
  RandomItemSelector(rows, a, tick) {
    const selector = new masking.RandomItemSelector(
      a.max_selections_per_batch, a.selection_rate, { unselectableIds: a.unselectable_ids, seed: a.seed });
    selector.tick = tick;
    return { mask: selector.getSelectionMask(rows) };
  },
  MaskValuesChooser(rows, a, tick) {
    const chooser = new masking.MaskValuesChooser(
      a.vocab_size, a.mask_token,
      { maskTokenRate: a.mask_token_rate, randomTokenRate: a.random_token_rate, seed: BigInt(a.seed) });
    chooser.tick = tick;
    return { values: chooser.getMaskValues(rows).map(list) };
  },
};

const cases = JSON.parse(readFileSync(process.argv[2], "utf8"));
console.log(JSON.stringify(cases.map(({ call, arguments: given, segments: parts, rows, tick }) =>
  call.endsWith("Trimmer") ? answers.trimmer(call, given, parts) : answers[call](parts ?? rows, given, tick))));

const refused = [
  () => new segments.WaterfallTrimmer(-1),
  () => new segments.WaterfallTrimmer(1.5),
  () => new segments.RoundRobinTrimmer(3).trim([]),
  () => segments.combineSegments([], 1, 2),
  () => segments.combineSegments([[1]], 1, 2 ** 31),
  () => segments.padModelInputs([1], -1),
  () => segments.padModelInputs([0.5], 3),
  () => segments.padModelInputs([1], 3, 0.5),
  () => new masking.RandomItemSelector(1, NaN),
  () => new masking.RandomItemSelector(1, 0.5, { seed: -1 }),
  () => new masking.MaskValuesChooser(0, 1),
  () => new masking.MaskValuesChooser(9, 1, { maskTokenRate: 0.8, randomTokenRate: 0.3 }),
];
console.log(JSON.stringify(refused.map((make) => {
  try {
    make();
    return null;
  } catch (error) {
    return error.name;
  }
})));
