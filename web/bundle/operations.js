/**
 * What each operation of a pipeline takes; docs/bundle-format.md says what it computes.
 *
 * The twin of Python's `homebody.bundle.operations` and `.text_operations`.
 * @module
 */

import { boolean, choice, integer, list, nullable, number, optional, record, text } from "../schema.js";

const pixels = integer(1, 16384);
const level = list(number(-1e6, 1e6), { least: 3, most: 3 });
const spread = list(number(1e-6, 1e6), { least: 3, most: 3 });
const entryName = text({ least: 1 });

const length = integer(1, 65536);
const id = integer(0, 2 ** 31 - 1);
const token = text({ least: 1, most: 100 });
const inputName = text({ least: 1, most: 200 });
const noInput = optional(nullable(inputName), () => null);
const mark = text({ most: 16 });
const unknownToken = optional(token, () => "[UNK]");

/** What `normalize_text.v1` can do to a text's characters. */
export const NORMAL_STEPS = /** @type {const} */ (
  ["nfc", "nfd", "nfkc", "nfkd", "case_fold", "strip_accents", "clean_tf", "clean_hf"]);

/** What `wordshape.v1` can look for. */
export const SHAPES = /** @type {const} */ ([
  "HAS_PUNCTUATION_DASH", "HAS_NO_DIGITS", "HAS_SOME_DIGITS", "HAS_ONLY_DIGITS", "IS_NUMERIC_VALUE",
  "HAS_NO_PUNCT_OR_SYMBOL", "HAS_SOME_PUNCT_OR_SYMBOL", "IS_PUNCT_OR_SYMBOL", "BEGINS_WITH_PUNCT_OR_SYMBOL",
  "ENDS_WITH_PUNCT_OR_SYMBOL", "ENDS_WITH_ELLIPSIS", "IS_EMOTICON", "ENDS_WITH_EMOTICON", "HAS_EMOJI",
  "IS_ACRONYM_WITH_PERIODS", "IS_UPPERCASE", "IS_LOWERCASE", "HAS_MIXED_CASE", "IS_MIXED_CASE_LETTERS",
  "HAS_TITLE_CASE", "BEGINS_WITH_OPEN_QUOTE", "ENDS_WITH_CLOSE_QUOTE", "HAS_MATH_SYMBOL",
  "HAS_CURRENCY_SYMBOL", "HAS_NON_LETTER",
]);

/** Every operation, by the name that `op` holds. */
export const OPERATIONS = {
  "resize.v1": record({ op: choice(["resize.v1"]), short_side: pixels }),
  "center_crop.v1": record({ op: choice(["center_crop.v1"]), width: pixels, height: pixels }),
  "normalize.v1": record({
    op: choice(["normalize.v1"]), order: choice(/** @type {const} */ (["rgb", "bgr"])), mean: level, std: spread,
  }),
  "softmax.v1": record({ op: choice(["softmax.v1"]) }),
  "class_map.v1": record({ op: choice(["class_map.v1"]), entry: entryName }),
  "labels.v1": record({ op: choice(["labels.v1"]), entry: entryName }),
  "photometry.v1": record({ op: choice(["photometry.v1"]) }),

  "normalize_text.v1": record({
    op: choice(["normalize_text.v1"]), steps: list(choice(NORMAL_STEPS), { least: 1, most: 8 }),
  }),
  "sentences.v1": record({ op: choice(["sentences.v1"]) }),
  "whitespace.v1": record({ op: choice(["whitespace.v1"]) }),
  "unicode_script.v1": record({ op: choice(["unicode_script.v1"]), keep_whitespace: boolean }),
  "characters.v1": record({ op: choice(["characters.v1"]) }),
  "bytes.v1": record({ op: choice(["bytes.v1"]) }),
  "ngrams.v1": record({ op: choice(["ngrams.v1"]), width: integer(1, 64), separator: mark }),
  "wordpiece.v1": record({
    op: choice(["wordpiece.v1"]),
    entry: entryName,
    rules: choice(/** @type {const} */ (["tf", "hf"])),
    lower_case: boolean,
    unknown_token: unknownToken,
    suffix_indicator: optional(mark, () => "##"),
    max_bytes_per_word: optional(integer(1, 65536), () => 100),
  }),
  "lookup.v1": record({ op: choice(["lookup.v1"]), entry: entryName, unknown_token: unknownToken }),
  "wordshape.v1": record({ op: choice(["wordshape.v1"]), pattern: choice(SHAPES) }),
  "sliding_window.v1": record({ op: choice(["sliding_window.v1"]), width: integer(1, 4096) }),
  "trim.v1": record({
    op: choice(["trim.v1"]),
    strategy: choice(/** @type {const} */ (["first", "last", "round_robin", "shrink_longest", "waterfall"])),
    max_length: length,
  }),
  "combine_segments.v1": record({ op: choice(["combine_segments.v1"]), start: id, end: id }),
  "pad.v1": record({
    op: choice(["pad.v1"]),
    length,
    value: id,
    dtype: choice(/** @type {const} */ (["int32", "int64"])),
    ids: inputName,
    mask: noInput,
    segment_ids: noInput,
  }),
  "viterbi.v1": record({ op: choice(["viterbi.v1"]), entry: entryName }),
  "greedy.v1": record({ op: choice(["greedy.v1"]), entry: entryName }),
  "boise_tags.v1": record({ op: choice(["boise_tags.v1"]) }),
};

/**
 * @template F
 * @typedef {F extends import("../schema.js").Form<infer T> ? T : never} Of
 */
/**
 * @typedef {{[K in keyof typeof OPERATIONS]: Of<(typeof OPERATIONS)[K]> & {op: K}}[keyof typeof
 *   OPERATIONS]} Operation
 */
