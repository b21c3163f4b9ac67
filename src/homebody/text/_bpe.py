"""Byte-level BPE (GPT-2, RoBERTa, Llama 3, Qwen), run by the ``tokenizers`` library."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import MissingExtraError, TextError, VocabularyError
from homebody.kernels import texts
from homebody.text._ids import checked, texts_of
from homebody.text._items import as_ragged
from homebody.text._ragged import Ragged
from homebody.text._source import Source
from homebody.text._strings import Malformed, Strings
from homebody.text._tokenizer import Tokenizer
from homebody.text._wordpiece import out_type as checked_out_type

MOST_BYTES = 1 << 26
MOST_TOKENS = 1 << 20

_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
PATTERNS = {
    "llama3": rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}{_REST}",
    "qwen2": rf"{_CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{_REST}",
}
"""How text is cut before it is merged, besides GPT-2's own way. A file cannot bring a pattern of
its own: one can be made that takes the library a lifetime."""


def _alphabet() -> dict[str, int]:
    """The character that stands for each byte: itself where it is seen, else one from 256 on."""
    seen = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    unseen = (byte for byte in range(256) if byte not in seen)
    return {chr(byte): byte for byte in seen} | {
        chr(256 + i): byte for i, byte in enumerate(unseen)
    }


class ByteLevelBpeTokenizer(Tokenizer):
    """Splits text into the byte pairs of a vocabulary, learned by merging.

    The work is the ``tokenizers`` library's; ``pip install 'homebody[text]'`` brings it. It is
    given the vocabulary and merges alone, after they were checked, and no program or pattern.

    Args:
        vocab: tokens and their numbers, each 0 or more and once; at most 2**20. Bytes are written
            as GPT-2 writes them: a space is ``Ġ``.
        merges: pairs of tokens to be joined, the first first.
        out_type: ``"int32"`` or ``"int64"`` for numbers, ``"string"`` for tokens as they are
            written in the vocabulary.
        add_prefix_space: put a space before a text that does not begin with one.
        pattern: how text is cut before: ``"gpt2"``, ``"llama3"`` or ``"qwen2"``.
        special_tokens: tokens that are found in text as they are, and never cut.
        ignore_merges: take a piece that is in the vocabulary whole, whatever the merges.
        normalization_form: ``"NFC"`` or None.
        offset_unit, malformed: see :class:`Splitter`. A token that is part of a character has the
            whole character's offsets.

    Raises:
        MissingExtraError: ``tokenizers`` is not installed.
        VocabularyError: the vocabulary or the merges contradict themselves or each other.
        TextError: an argument is out of range.
    """

    def __init__(
        self,
        vocab: Mapping[str, int],
        merges: Sequence[tuple[str, str]],
        out_type: Any = "int32",
        *,
        add_prefix_space: bool = False,
        pattern: str = "gpt2",
        special_tokens: Sequence[str] = (),
        ignore_merges: bool = False,
        normalization_form: str | None = None,
        offset_unit: str = "byte",
        malformed: Malformed = "replace",
    ) -> None:
        super().__init__(offset_unit=offset_unit, malformed=malformed)
        self._out = checked_out_type(out_type)
        if pattern not in ("gpt2", *PATTERNS):
            raise TextError(f"pattern is {pattern!r}; give gpt2, {' or '.join(PATTERNS)}")
        if normalization_form not in (None, "NFC"):
            raise TextError(f"normalization_form is {normalization_form!r}; give 'NFC' or None")
        _check(vocab, merges, special_tokens)
        self._strings_of = {number: token for token, number in vocab.items()}
        self._numbers = dict(vocab)
        self._size = max(self._strings_of) + 1
        alphabet, special = _alphabet(), set(special_tokens)
        self._bytes_of = {
            number: token.encode() if token in special
            else bytes(alphabet[c] for c in token)
            for token, number in vocab.items()
        }  # fmt: skip
        library = _library()
        model = library.models.BPE(
            vocab=dict(vocab), merges=[tuple(pair) for pair in merges], ignore_merges=ignore_merges
        )
        self._tokenizer = library.Tokenizer(model)
        if normalization_form:
            self._tokenizer.normalizer = library.normalizers.NFC()
        split = library.pre_tokenizers
        bytes_of = split.ByteLevel(
            add_prefix_space=add_prefix_space, trim_offsets=False, use_regex=pattern == "gpt2"
        )
        if pattern != "gpt2":
            cut = split.Split(library.Regex(PATTERNS[pattern]), "isolated")
            bytes_of = split.Sequence([cut, bytes_of])
        self._tokenizer.pre_tokenizer = bytes_of
        self._tokenizer.add_special_tokens(
            [library.AddedToken(token, special=True, normalized=False) for token in special_tokens]
        )

    @classmethod
    def from_tokenizer_json(cls, data: str | bytes, **how: Any) -> ByteLevelBpeTokenizer:
        """From what a ``tokenizer.json`` says.

        Args:
            data: the file's text, at most 64 MiB.
            how: ``out_type``, ``offset_unit``, ``malformed``.

        Raises:
            VocabularyError: it is no such file, or says what is not run here.
        """
        if len(data) > MOST_BYTES:
            raise VocabularyError(f"the file has {len(data)} bytes, more than {MOST_BYTES}")
        try:
            parsed = json.loads(data)
            return cls(**_read(parsed), **how)
        except (ValueError, RecursionError, UnicodeDecodeError):
            raise _refused("is no JSON") from None
        except (KeyError, TypeError, AttributeError):
            raise _refused("is not laid out as such files are") from None

    def vocab_size(self) -> int:
        """The largest number, and one."""
        return self._size

    def tokenize_with_offsets(self, input: Any) -> tuple[Any, Any, Any]:
        source = Source(input, self._malformed)
        strings = Strings._made(*texts.join(source.spans)).to_list("replace")
        # An error of the library's own code is no Exception of Python's.
        found = self._tokenizer.encode_batch(strings, add_special_tokens=False)
        lengths = [len(one.ids) for one in found]
        splits = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
        numbers = np.array([number for one in found for number in one.ids], np.int32)
        places = np.array([place for one in found for place in one.offsets], np.int64)
        starts, ends = self._in_bytes(source, splits, places.reshape(-1, 2))
        source.place(splits, starts, ends, self._unit)
        tokens: Any = numbers.astype(np.int64) if self._out == "int64" else numbers
        if self._out == "string":
            tokens = self._written(numbers)
        tokens, begins, stops = (source.shaped(v, splits) for v in (tokens, starts, ends))
        return tokens, begins, stops

    def _in_bytes(
        self, source: Source, splits: NDArray[np.int64], places: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Offsets in characters as offsets in bytes."""
        rows, _, starts, ends = texts.characters(source.spans)
        counts = np.diff(rows)
        first = np.repeat(rows[:-1], np.diff(splits))
        last = np.repeat(counts, np.diff(splits))
        sizes = source.spans[:, 1].astype(np.int64)
        whole = np.repeat(sizes, np.diff(splits))
        padded = np.append(starts, 0)
        begin = np.where(places[:, 0] < last, padded[first + np.minimum(places[:, 0], last)], whole)
        stop = np.append(0, ends)[np.where(places[:, 1] > 0, first + places[:, 1], 0)]
        return begin.astype(np.int32), stop.astype(np.int32)

    def _written(self, numbers: NDArray[np.int32]) -> Strings:
        return Strings.of([self._strings_of[number] for number in numbers.tolist()])

    def tokenize(self, input: Any) -> Any:
        return self.tokenize_with_offsets(input)[0]

    def detokenize(self, input: Any) -> Any:
        """Text from numbers: their bytes one after another; what is not UTF-8 becomes U+FFFD.

        Args:
            input: numbers: one text's, or rows of them, nested as deep as wanted.

        Returns:
            A str of one text, Strings of several, Ragged where rows are nested.

        Raises:
            TextError: a number is not in the vocabulary.
        """
        return texts_of(input, self._size, self._joined)

    def _joined(self, numbers: NDArray[np.int64]) -> bytes:
        try:
            return b"".join(self._bytes_of[number] for number in numbers.tolist())
        except KeyError as error:
            raise TextError(f"{error} is no token's number; give a vocabulary's") from None

    def id_to_string(self, input: Any) -> Any:
        """The tokens of numbers: a str of one, Strings of several, Ragged of rows.

        Raises:
            TextError: a number is not in the vocabulary.
        """
        alone = isinstance(input, (int, np.integer))
        rows = input if isinstance(input, Ragged) else None
        if not alone and rows is None and any(isinstance(row, (list, tuple)) for row in input):
            rows = as_ragged(input, "input")
        numbers = checked([input] if alone else input if rows is None else rows.flat_values,
                          self._size)  # fmt: skip
        try:
            written = self._written(numbers.astype(np.int32))
        except KeyError as error:
            raise TextError(f"{error} is no token's number; give a vocabulary's") from None
        if alone:
            return written[0]
        return written if rows is None else rows.with_flat_values(written)

    def string_to_id(self, token: str) -> int | None:
        """A token's number; None when it is none."""
        return self._numbers.get(token)


def _check(
    vocab: Mapping[str, int], merges: Sequence[tuple[str, str]], special: Sequence[str]
) -> None:
    if not 0 < len(vocab) <= MOST_TOKENS or len(merges) > MOST_TOKENS:
        raise VocabularyError(
            f"there are {len(vocab)} tokens and {len(merges)} merges; give 1 to {MOST_TOKENS}"
        )
    alphabet, own = _alphabet().keys(), set(special)
    for token, number in vocab.items():
        if not isinstance(token, str) or type(number) is not int or not 0 <= number < 2**31:
            raise VocabularyError(f"the token {token!r} has the number {number!r}; give 0 or more")
        if token not in own and not (token and alphabet >= set(token)):
            raise VocabularyError(f"the token {token[:40]!r} is not written in bytes' characters")
    if len(set(vocab.values())) != len(vocab):
        raise VocabularyError("two tokens have one number; give each its own")
    for pair in merges:
        if len(pair) != 2 or not (pair[0] in vocab and pair[1] in vocab):
            raise VocabularyError(f"the merge {pair!r} is not of two tokens of the vocabulary")
        if pair[0] + pair[1] not in vocab:
            raise VocabularyError(f"the merge {pair!r} makes no token of the vocabulary")
    missing = next((token for token in special if token not in vocab or not token), None)
    if missing is not None:
        raise VocabularyError(f"the special token {missing!r} is not in the vocabulary; add it")


def _read(parsed: Any) -> dict[str, Any]:
    """The constructor's arguments from a tokenizer.json."""
    model = parsed["model"]
    if model.get("type", "BPE") != "BPE":
        raise _refused(f"holds a {model['type']} model, not BPE")
    for setting in ("dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"):
        if model.get(setting):
            raise _refused(f"sets {setting}, which byte-level BPE does not")
    if model.get("byte_fallback"):
        raise _refused("sets byte_fallback, which byte-level BPE does not")
    normalizer = parsed.get("normalizer")
    if normalizer not in (None, {"type": "NFC"}):
        raise _refused(f"normalizes by {normalizer.get('type')!r}; NFC or nothing is run here")
    pattern, level = "gpt2", parsed["pre_tokenizer"]
    if level["type"] == "Sequence":
        cut, level = level["pretokenizers"]
        known = {text: name for name, text in PATTERNS.items()}
        regex = cut["pattern"].get("Regex") if cut["type"] == "Split" else None
        if regex not in known or cut["behavior"] != "Isolated" or cut["invert"]:
            raise _refused("cuts text by a pattern that is not run here")
        pattern = known[regex]
    if level["type"] != "ByteLevel" or level.get("use_regex", True) != (pattern == "gpt2"):
        raise _refused("does not cut text as byte-level BPE does")
    vocab, special = dict(model["vocab"]), []
    for token in parsed.get("added_tokens") or ():
        if vocab.setdefault(token["content"], token["id"]) != token["id"]:
            raise _refused(f"gives {token['content']!r} two numbers")
        if any(token.get(flag) for flag in ("lstrip", "rstrip", "single_word")):
            raise _refused(
                f"has {token['content']!r} take white space along, which is not run here"
            )
        special.append(token["content"])
    merges = [tuple(m.split(" ", 1)) if isinstance(m, str) else tuple(m) for m in model["merges"]]
    return {
        "vocab": vocab,
        "merges": merges,
        "add_prefix_space": bool(level.get("add_prefix_space")),
        "pattern": pattern,
        "special_tokens": special,
        "ignore_merges": bool(model.get("ignore_merges")),
        "normalization_form": normalizer and "NFC",
    }


def _refused(what: str) -> VocabularyError:
    return VocabularyError(f"the tokenizer.json {what}; give one of byte-level BPE")


def _library() -> Any:
    try:
        import tokenizers
    except ImportError:
        raise MissingExtraError("text", "byte-level BPE") from None
    return tokenizers
