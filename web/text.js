/**
 * Text: strings to numbers, split and mapped the same way everywhere.
 *
 * The twin of Python's `homebody.text`, over the same C as WebAssembly.
 *
 * @example
 * const kernels = await loadText({ wasm: await fetch("/native/text.wasm"), unicode: await fetch("/unicode.bin") });
 * const { tokens, starts, ends } = new WhitespaceTokenizer(kernels).tokenizeWithOffsets("Guten Tag");
 * @module
 */

export { TextKernels, loadText } from "./text/kernels.js";
export { ByteSplitter, UnicodeCharTokenizer, UnicodeScriptTokenizer, WhitespaceTokenizer } from "./text/words.js";
export {
  BertTokenizer, FastBertTokenizer, FastWordpieceTokenizer, Vocabulary, WordpieceTokenizer,
} from "./text/wordpiece.js";
export { MaskValuesChooser, RandomItemSelector } from "./text/masking.js";
export {
  RoundRobinTrimmer, ShrinkLongestTrimmer, WaterfallTrimmer, concatenateSegments,
} from "./text/segments.js";
