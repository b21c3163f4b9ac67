"""Text: strings to numbers, split and mapped the same way everywhere.

Every operation takes a str or bytes, a list of them, a numpy or Arrow array of strings,
:class:`Strings`, or :class:`Ragged` strings, and gives arrays, Strings or Ragged. What is computed
is computed in C (``kernels/text*.c``), and the browser runs the same sources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from homebody.text import metrics
    from homebody.text._bert import BertTokenizer, BertWordPieceTokenizer, FastBertTokenizer
    from homebody.text._boise import boise_tags_to_offsets, offsets_to_boise_tags
    from homebody.text._bpe import ByteLevelBpeTokenizer
    from homebody.text._gather import gather_with_default
    from homebody.text._learn import count_words, learn_vocabulary, learn_vocabulary_from_counts
    from homebody.text._masking import MaskValuesChooser, mask_language_model
    from homebody.text._merge import SplitMergeFromLogitsTokenizer, SplitMergeTokenizer
    from homebody.text._normalize import (
        OffsetsMap,
        case_fold_utf8,
        case_fold_utf8_with_offsets_map,
        clean_controls_utf8,
        clean_controls_utf8_with_offsets_map,
        coerce_to_structurally_valid_utf8,
        coerce_to_structurally_valid_utf8_with_offsets_map,
        find_source_offsets,
        normalize_utf8,
        normalize_utf8_with_offsets_map,
        strip_accents_utf8,
        strip_accents_utf8_with_offsets_map,
    )
    from homebody.text._phrases import PhraseTokenizer
    from homebody.text._ragged import Ragged
    from homebody.text._regex import RegexSplitter, regex_split, regex_split_with_offsets
    from homebody.text._segments import combine_segments, concatenate_segments, pad_model_inputs
    from homebody.text._select import (
        FirstNItemSelector,
        ItemSelector,
        LastNItemSelector,
        NothingSelector,
        RandomItemSelector,
    )
    from homebody.text._sentencepiece import SentencepieceTokenizer
    from homebody.text._sentences import StateBasedSentenceBreaker
    from homebody.text._sequences import greedy_constrained_sequence, viterbi_constrained_sequence
    from homebody.text._spans import span_alignment, span_overlaps
    from homebody.text._strings import Malformed, Strings
    from homebody.text._tokenizer import Splitter, Tokenizer
    from homebody.text._tree import max_spanning_tree, max_spanning_tree_gradient
    from homebody.text._trim import (
        RoundRobinTrimmer,
        ShrinkLongestTrimmer,
        Trimmer,
        WaterfallTrimmer,
    )
    from homebody.text._unicode import (
        UNICODE_VERSION,
    )
    from homebody.text._vocabulary import Vocabulary
    from homebody.text._windows import Reduction, ngrams, pad_along_dimension, sliding_window
    from homebody.text._wordpiece import FastWordpieceTokenizer, WordpieceTokenizer
    from homebody.text._words import (
        ByteSplitter,
        UnicodeCharTokenizer,
        UnicodeScriptTokenizer,
        WhitespaceTokenizer,
    )
    from homebody.text._wordshape import (
        WordShape,
        utf8_binarize,
        wordshape,
    )

__all__ = [
    "UNICODE_VERSION",
    "BertTokenizer",
    "BertWordPieceTokenizer",
    "ByteLevelBpeTokenizer",
    "ByteSplitter",
    "FastBertTokenizer",
    "FastWordpieceTokenizer",
    "FirstNItemSelector",
    "ItemSelector",
    "LastNItemSelector",
    "Malformed",
    "MaskValuesChooser",
    "NothingSelector",
    "OffsetsMap",
    "PhraseTokenizer",
    "Ragged",
    "RandomItemSelector",
    "Reduction",
    "RegexSplitter",
    "RoundRobinTrimmer",
    "SentencepieceTokenizer",
    "ShrinkLongestTrimmer",
    "SplitMergeFromLogitsTokenizer",
    "SplitMergeTokenizer",
    "Splitter",
    "StateBasedSentenceBreaker",
    "Strings",
    "Tokenizer",
    "Trimmer",
    "UnicodeCharTokenizer",
    "UnicodeScriptTokenizer",
    "Vocabulary",
    "WaterfallTrimmer",
    "WhitespaceTokenizer",
    "WordShape",
    "WordpieceTokenizer",
    "boise_tags_to_offsets",
    "case_fold_utf8",
    "case_fold_utf8_with_offsets_map",
    "clean_controls_utf8",
    "clean_controls_utf8_with_offsets_map",
    "coerce_to_structurally_valid_utf8",
    "coerce_to_structurally_valid_utf8_with_offsets_map",
    "combine_segments",
    "concatenate_segments",
    "count_words",
    "find_source_offsets",
    "gather_with_default",
    "greedy_constrained_sequence",
    "learn_vocabulary",
    "learn_vocabulary_from_counts",
    "mask_language_model",
    "max_spanning_tree",
    "max_spanning_tree_gradient",
    "metrics",
    "ngrams",
    "normalize_utf8",
    "normalize_utf8_with_offsets_map",
    "offsets_to_boise_tags",
    "pad_along_dimension",
    "pad_model_inputs",
    "regex_split",
    "regex_split_with_offsets",
    "sliding_window",
    "span_alignment",
    "span_overlaps",
    "strip_accents_utf8",
    "strip_accents_utf8_with_offsets_map",
    "utf8_binarize",
    "viterbi_constrained_sequence",
    "wordshape",
]

# Fetched at first use, so that who splits at white space waits for nothing else.
_HOMES = {
    name: home
    for home, names in {
        "_bert": "BertTokenizer BertWordPieceTokenizer FastBertTokenizer",
        "_boise": "boise_tags_to_offsets offsets_to_boise_tags",
        "_bpe": "ByteLevelBpeTokenizer",
        "_gather": "gather_with_default",
        "_learn": "count_words learn_vocabulary learn_vocabulary_from_counts",
        "_masking": "MaskValuesChooser mask_language_model",
        "_merge": "SplitMergeFromLogitsTokenizer SplitMergeTokenizer",
        "_normalize": (
            "OffsetsMap case_fold_utf8 case_fold_utf8_with_offsets_map clean_controls_utf8 "
            "clean_controls_utf8_with_offsets_map coerce_to_structurally_valid_utf8 "
            "coerce_to_structurally_valid_utf8_with_offsets_map find_source_offsets "
            "normalize_utf8 normalize_utf8_with_offsets_map strip_accents_utf8 "
            "strip_accents_utf8_with_offsets_map"
        ),
        "_phrases": "PhraseTokenizer",
        "_ragged": "Ragged",
        "_regex": "RegexSplitter regex_split regex_split_with_offsets",
        "_segments": "combine_segments concatenate_segments pad_model_inputs",
        "_select": (
            "FirstNItemSelector ItemSelector LastNItemSelector NothingSelector RandomItemSelector"
        ),
        "_sentencepiece": "SentencepieceTokenizer",
        "_sentences": "StateBasedSentenceBreaker",
        "_sequences": "greedy_constrained_sequence viterbi_constrained_sequence",
        "_spans": "span_alignment span_overlaps",
        "_strings": "Malformed Strings",
        "_tokenizer": "Splitter Tokenizer",
        "_tree": "max_spanning_tree max_spanning_tree_gradient",
        "_trim": "RoundRobinTrimmer ShrinkLongestTrimmer Trimmer WaterfallTrimmer",
        "_unicode": "UNICODE_VERSION",
        "_vocabulary": "Vocabulary",
        "_windows": "Reduction ngrams pad_along_dimension sliding_window",
        "_wordpiece": "FastWordpieceTokenizer WordpieceTokenizer",
        "_words": "ByteSplitter UnicodeCharTokenizer UnicodeScriptTokenizer WhitespaceTokenizer",
        "_wordshape": "WordShape utf8_binarize wordshape",
    }.items()
    for name in names.split()
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "metrics":
        return import_module("homebody.text.metrics")
    if name not in _HOMES:
        raise AttributeError(f"module 'homebody.text' has no attribute {name!r}")
    value = getattr(import_module(f"homebody.text.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
