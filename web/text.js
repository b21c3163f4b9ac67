/**
 * Text: strings to numbers, split and mapped the same way everywhere.
 *
 * The twin of Python's `homebody.text`, over the same C as WebAssembly. Each tokenizer takes one
 * string at a time, and offsets count UTF-16 units unless asked otherwise.
 *
 * @example
 * const kernels = await loadText({ wasm: await fetch("/native/text.wasm"), unicode: await fetch("/unicode.bin") });
 * const { tokens, starts, ends } = new WhitespaceTokenizer(kernels).tokenizeWithOffsets("Guten Tag");
 * @module
 */

export { TextKernels, loadText } from "./text/kernels.js";
export {
  caseFoldUtf8, caseFoldUtf8WithOffsetsMap, cleanControlsUtf8, cleanControlsUtf8WithOffsetsMap,
  findSourceOffsets, normalizeUtf8, normalizeUtf8WithOffsetsMap, stripAccentsUtf8,
  stripAccentsUtf8WithOffsetsMap, utf8Binarize, wordshape,
} from "./text/normalize.js";
export { TextTagger, loadTextTagger } from "./text/tagger.js";
export {
  boiseTagsToOffsets, greedyConstrainedSequence, ngrams, slidingWindow, viterbiConstrainedSequence,
} from "./text/sequences.js";
export { TextClassifier, loadTextClassifier } from "./text/classifier.js";
export { TextPipeline } from "./text/pipeline.js";
export {
  BertTokenizer, FastBertTokenizer, FastWordpieceTokenizer, Vocabulary, WordpieceTokenizer,
} from "./text/wordpiece.js";
export {
  ByteSplitter, StateBasedSentenceBreaker, UnicodeCharTokenizer, UnicodeScriptTokenizer, WhitespaceTokenizer,
} from "./text/words.js";
export { MaskValuesChooser, RandomItemSelector } from "./text/masking.js";
export {
  RoundRobinTrimmer, ShrinkLongestTrimmer, WaterfallTrimmer, concatenateSegments,
} from "./text/segments.js";
