"""Make the golden vectors of tokenizers, normalization, shapes, and bundles' text pipelines.

    python -m conformance.text.make_tokens

writes tokens.json beside this script, always the same bytes: what every implementation must give.
Each case has a ``call``, its ``arguments``, and for each text of the file's ``texts`` a result.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from homebody import text
from homebody.bundle.manifest import convert
from homebody.bundle.operations import Operation
from homebody.bundle.samples import tensor_sha256
from homebody.pipeline.texts import TextPipeline

PATH = Path(__file__).with_name("tokens.json")

TEXTS = (
    "",
    " ",
    "Guten Tag, wie geht's?",
    "The greatest they're 12.5% of NATO (U.S.). Really?! Yes... :-)",
    "Ünïcödé crème brûlée STRASSE straße İstanbul ﬁn ﷺ",
    "東京タワーへ行く。累計 7239人",
    "한국어 조선글 각",
    "العربية ١٢٣ עברית ไทย हिन्दी",
    "a\u3000b\u00a0c\u2028d\u1680e\x85f",
    "😀 👩\u200d👩\u200d👧 🏴\U000e0067\U000e0062\U000e007f x\ufe0f",
    "e\u0301\u0323 q\u0307\u0323 \u0301alone",
    "nul\x00bell\x07esc\x1b[0m del\x7f tab\there\r\nnew",
    "\u202eright\u202c soft\u00adhyphen zero\u200bwidth \ufeffbom \ufffd",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐐷 \U0010fffd \ue000 \u0378",
    "x" * 130 + " " + "é" * 60,
    "they're##est [UNK] [CLS] ##re",
    "$5 €10 −3 1e-9 10,000.5 :) ^_^ #tag @name",
    "\u0d30\u0d4d\u200d \u09b0\u09cd\u200d\u09af ß\u0345 ΌΣΟΣ",
)

VOCABULARY = (
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "they", "great", "##est", "##'", "##re", "'", "re",
    "guten", "tag", "wie", "geht", "s", "?", ",", ".", "!", "(", ")", "u", "##n", "##i", "##c",
    "creme", "bru", "##lee", "strasse", "fin", "東", "京", "タワー", "##へ", "a", "b", "c", "x",
    "##x", "nat", "##o", "12", "5", "%", "e", "é", "##é", "Ü", "ᄒ", "##ᅡ", "한", "हिन", "##्दी", "[",
    "]", "un", "##k",
)  # fmt: skip

PIECES = {"op": "wordpiece.v1", "entry": "vocab.txt", "rules": "tf", "lower_case": True}
PAD = {"op": "pad.v1", "length": 12, "value": 0, "dtype": "int32", "ids": "ids"}
PIPELINES: tuple[list[dict[str, Any]], ...] = (
    [PIECES, PAD],
    [PIECES | {"rules": "hf", "lower_case": False, "max_bytes_per_word": 20}, PAD],
    [
        PIECES,
        {"op": "trim.v1", "strategy": "round_robin", "max_length": 9},
        {"op": "combine_segments.v1", "start": 2, "end": 3},
        PAD | {"mask": "mask", "segment_ids": "of"},
    ],
    [
        {"op": "sentences.v1"},
        {"op": "normalize_text.v1", "steps": ["nfkc", "case_fold", "strip_accents", "clean_tf"]},
        {"op": "whitespace.v1"},
        PIECES,
        {"op": "trim.v1", "strategy": "shrink_longest", "max_length": 9},
        {"op": "combine_segments.v1", "start": 2, "end": 3},
        PAD | {"dtype": "int64", "mask": "mask", "segment_ids": "of"},
    ],
    [
        {"op": "normalize_text.v1", "steps": ["clean_hf", "nfd", "nfc", "nfkd"]},
        {"op": "unicode_script.v1", "keep_whitespace": True},
        {"op": "ngrams.v1", "width": 2, "separator": "+"},
        {"op": "wordshape.v1", "pattern": "HAS_SOME_PUNCT_OR_SYMBOL"},
        {"op": "trim.v1", "strategy": "last", "max_length": 5},
        PAD,
    ],
    [
        {"op": "characters.v1"},
        {"op": "lookup.v1", "entry": "vocab.txt"},
        {"op": "sliding_window.v1", "width": 3},
        {"op": "trim.v1", "strategy": "first", "max_length": 20},
        PAD,
    ],
    [
        {"op": "bytes.v1"},
        {"op": "lookup.v1", "entry": "vocab.txt"},
        {"op": "trim.v1", "strategy": "waterfall", "max_length": 7},
        PAD,
    ],
)


class Entries:
    """The vocabulary where a bundle would have it."""

    def text(self, name: str) -> str:
        """What the vocabulary's entry holds."""
        assert name == "vocab.txt"
        return "\n".join(VOCABULARY)


def cases() -> list[dict[str, Any]]:
    """Every call with its arguments."""
    found: list[dict[str, Any]] = []
    for unit in ("byte", "char", "utf16"):
        how = {"offset_unit": unit}
        found += [
            {"call": name, "arguments": how}
            for name in ("WhitespaceTokenizer", "UnicodeCharTokenizer", "StateBasedSentenceBreaker")
        ]
        found.append({"call": "UnicodeScriptTokenizer", "arguments": how})
    keeping = {"keep_whitespace": True, "offset_unit": "utf16"}
    found.append({"call": "UnicodeScriptTokenizer", "arguments": keeping})
    found += [
        {"call": "FastBertTokenizer", "arguments": {
            "lower_case_nfd_strip_accents": lower, "rules": rules, "offset_unit": "utf16"}}
        for lower in (True, False) for rules in ("tf", "hf")
    ]  # fmt: skip
    found += [
        {"call": "FastWordpieceTokenizer", "arguments": {"offset_unit": "char"}},
        {"call": "BertTokenizer", "arguments": {"lower_case": True, "offset_unit": "utf16"}},
        {"call": "WordpieceTokenizer", "arguments": {
            "split_unknown_characters": True, "max_bytes_per_word": 40, "offset_unit": "utf16"}},
    ]  # fmt: skip
    found += [
        {"call": "normalize", "arguments": {"step": step}}
        for step in ("nfc", "nfd", "nfkc", "nfkd", "case_fold", "strip_accents", "clean_tf",
                     "clean_hf")
    ]  # fmt: skip
    found.append({"call": "wordshape", "arguments": {}})
    found += [{"call": "pipeline", "arguments": {"operations": steps}} for steps in PIPELINES]
    return found


def run(case: dict[str, Any], value: str) -> Any:
    """What a case gives for a text."""
    call, arguments = case["call"], case["arguments"]
    if call == "normalize":
        return _normalized(arguments["step"], value)
    if call == "wordshape":
        found = text.wordshape(value, list(text.WordShape))
        return "".join(str(int(one)) for one in found)
    if call == "pipeline":
        return _pipeline(arguments["operations"], value)
    kind = getattr(text, call)
    with_vocabulary = "piece" in call or "Bert" in call
    tokenizer = kind(list(VOCABULARY), **arguments) if with_vocabulary else kind(**arguments)
    split = getattr(tokenizer, "split_with_offsets", None) or tokenizer.tokenize_with_offsets
    tokens, starts, ends = split(value)
    listed = tokens.to_list() if hasattr(tokens, "to_list") else tokens.tolist()
    places = [one.to_list() if hasattr(one, "to_list") else one.tolist() for one in (starts, ends)]
    return [listed, *places]


_NORMALIZERS: dict[str, Any] = {
    "case_fold": text.case_fold_utf8_with_offsets_map,
    "strip_accents": text.strip_accents_utf8_with_offsets_map,
    "clean_tf": text.clean_controls_utf8_with_offsets_map,
    "clean_hf": lambda value: text.clean_controls_utf8_with_offsets_map(value, "hf"),
}


def _normalized(step: str, value: str) -> Any:
    if step in _NORMALIZERS:
        output, offsets_map = _NORMALIZERS[step](value)
    else:
        output, offsets_map = text.normalize_utf8_with_offsets_map(value, step.upper())
    every = range(len(output.encode()) + 1)
    return [output, text.find_source_offsets(offsets_map, list(every)).tolist()]


def _pipeline(steps: list[dict[str, Any]], value: str) -> Any:
    operations = convert(steps, tuple[Operation, ...], "the pipeline")
    pipeline = TextPipeline(operations, Entries())
    combined = any(step["op"] == "combine_segments.v1" for step in steps)
    given = value.split(", ") if combined else value
    tokens = pipeline.tokens(given, offsets="utf16")
    return {
        "tensors": {
            name: [tensor_sha256(tensor), tensor.reshape(-1).tolist()]
            for name, tensor in pipeline.prepare(given).tensors.items()
        },
        "tokens": [[one.text, one.id, one.start, one.end, one.segment] for one in tokens],
    }


def document() -> dict[str, Any]:
    """The whole file."""
    return {
        "unicode": "16.0.0",
        "vocabulary": VOCABULARY,
        "texts": TEXTS,
        "cases": [case | {"results": [run(case, value) for value in TEXTS]} for case in cases()],
    }


def main() -> None:
    """Write the file."""
    made = document()
    lines = [json.dumps(made | {"cases": None}, ensure_ascii=True)[: -len("null}")] + "["]
    lines.append(",\n".join(json.dumps(case, ensure_ascii=True) for case in made["cases"]))
    PATH.write_text("\n".join([*lines, "]}"]) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
