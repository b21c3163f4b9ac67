"""Normal forms of text, each with a map back into the original.

What the forms are is Unicode Standard Annex #15 and, for case folding, NFKC_Casefold of chapter 3;
names and arguments are TF.Text's.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from homebody.errors import TextError
from homebody.kernels import normalizing, texts
from homebody.text._ragged import Ragged
from homebody.text._source import Source
from homebody.text._strings import Malformed, Strings
from homebody.text._unicode import tables

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
Rules = Literal["tf", "hf"]
OffsetUnit = Literal["byte", "char", "utf16"]


class OffsetsMap:
    """Where each byte of normalized strings came from, for :func:`find_source_offsets`.

    Compact: a row for each run of changes alike, not an entry for each byte. It can be indexed and
    sliced as the strings are.

    Attributes:
        rows: the kernel's rows (``hb_map_row`` in ``kernels/text_normalize.h``).
        row_splits: int64 [n + 1]: string i has rows[row_splits[i]:row_splits[i + 1]].
        source: the original strings, where they lie: what offsets in other units are counted in.
        nesting: row splits of the nested strings, outermost first; () for a list of strings.
        single: whether it is the map of one string.
    """

    __slots__ = ("nesting", "row_splits", "rows", "single", "source")

    def __init__(
        self,
        rows: NDArray[np.void],
        row_splits: NDArray[np.int64],
        source: tuple[texts.Spans, object],
        nesting: tuple[NDArray[np.int64], ...] = (),
        *,
        single: bool = False,
    ) -> None:
        self.rows, self.row_splits, self.source = rows, row_splits, source
        self.nesting, self.single = nesting, single

    def __len__(self) -> int:
        return len((*self.nesting, self.row_splits)[0]) - 1

    def __getitem__(self, index: int | slice) -> OffsetsMap:
        """The map of one string or row, or of a slice's."""
        if self.single:
            raise TextError("the map of a single string has no parts; use it as it is")
        if isinstance(index, slice):
            first, last, step = index.indices(len(self))
            if step != 1:
                raise TextError(f"a slice's step is {step}; maps are sliced with a step of 1")
            last = max(first, last)
        else:
            first = range(len(self))[index]
            last = first + 1
        nesting = []
        for level, splits in enumerate(self.nesting):
            part = splits[first : last + 1]
            if level or isinstance(index, slice):
                nesting.append(part - part[0])
            first, last = int(part[0]), int(part[-1])
        single = not self.nesting and not isinstance(index, slice)
        spans, keep = self.source
        return OffsetsMap(
            self.rows, self.row_splits[first : last + 1], (spans[first:last], keep),
            tuple(nesting), single=single,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"OffsetsMap({len(self)} strings)" if not self.single else "OffsetsMap(1 string)"


class Mapped(NamedTuple):
    """Normalized strings and the map back into the originals."""

    output: Any
    offsets_map: OffsetsMap


def case_fold_utf8(input: Any, *, malformed: Malformed = "replace") -> Any:
    """Fold case, for comparing without regard to it: NFKC_Casefold.

    NFKC is part of it, and characters that are ignored by default (soft hyphens, joiners) go.

    Args:
        input: a str or bytes, a list of them, Strings, Ragged, or an array of strings.
        malformed: what becomes of bytes that are not UTF-8.

    Returns:
        A str for a str, bytes for bytes; Strings for a list or array, Ragged for nested ones.

    Raises:
        MalformedTextError: with ``malformed="error"``.

    Example:
        >>> case_fold_utf8(["The Quick-Brown", "STRASSE straße", "Ⅷ"])
        Strings(['the quick-brown', 'strasse strasse', 'viii'])
    """
    return _normalized(input, "casefold", malformed)


def case_fold_utf8_with_offsets_map(input: Any, *, malformed: Malformed = "replace") -> Mapped:
    """The same with the map back: see :func:`normalize_utf8_with_offsets_map`."""
    return _mapped(input, "casefold", malformed)


def normalize_utf8(
    input: Any, normalization_form: Form = "NFKC", *, malformed: Malformed = "replace"
) -> Any:
    """Put text into a normal form, in which equal text has equal bytes.

    Args:
        input: a str or bytes, a list of them, Strings, Ragged, or an array of strings.
        normalization_form: "NFC" composes (é is one character), "NFD" decomposes (e and ´); "NFKC"
            and "NFKD" also replace characters that are only another's form (ﬁ, Ｋ, ²).
        malformed: what becomes of bytes that are not UTF-8.

    Returns:
        A str for a str, bytes for bytes; Strings for a list or array, Ragged for nested ones.

    Raises:
        TextError: the form is none of these.
        MalformedTextError: with ``malformed="error"``.

    Example:
        >>> normalize_utf8(["株式会社", "ＫＡＤＯＫＡＷＡ"])
        Strings(['株式会社', 'KADOKAWA'])
        >>> len(normalize_utf8("é", "NFD")), normalize_utf8(b"e\\xcc\\x81", "NFC")
        (2, b'\\xc3\\xa9')
    """
    return _normalized(input, _form(normalization_form), malformed)


def normalize_utf8_with_offsets_map(
    input: Any, normalization_form: Form = "NFKC", *, malformed: Malformed = "replace"
) -> Mapped:
    """The same with a map, by which offsets into the result become offsets into the input.

    Returns:
        ``output`` as of :func:`normalize_utf8`, and ``offsets_map`` for
        :func:`find_source_offsets`.

    Example:
        >>> output, offsets_map = normalize_utf8_with_offsets_map(["株式会社", "ＫＡＤＯＫＡＷＡ"])
        >>> find_source_offsets(offsets_map, [[0, 1, 2], [0, 1, 2]])
        Ragged([[0, 1, 2], [0, 3, 6]])
        >>> find_source_offsets(offsets_map[1], [0, 1, 2])
        array([0, 3, 6])
    """
    return _mapped(input, _form(normalization_form), malformed)


def strip_accents_utf8(input: Any, *, malformed: Malformed = "replace") -> Any:
    """Decompose and leave the nonspacing marks (category Mn) out, as BERT's normalizers do.

    Args and what comes out are those of :func:`case_fold_utf8`. What is left is in NFD: Hangul
    syllables come apart, as they do there.

    Example:
        >>> strip_accents_utf8("Crème brûlée, Ωμέγα")
        'Creme brulee, Ωμεγα'
    """
    return _normalized(input, "accents", malformed)


def strip_accents_utf8_with_offsets_map(input: Any, *, malformed: Malformed = "replace") -> Mapped:
    """The same with the map back: see :func:`normalize_utf8_with_offsets_map`."""
    return _mapped(input, "accents", malformed)


def clean_controls_utf8(
    input: Any, rules: Rules = "tf", *, malformed: Malformed = "replace"
) -> Any:
    """Take control characters away, as BERT's normalizers do.

    Args:
        input: a str or bytes, a list of them, Strings, Ragged, or an array of strings.
        rules: "tf" puts a space for each character of the categories Cc and Cf (TF.Text's
            BertTokenizer); "hf" leaves controls, U+0000 and U+FFFD out, and puts a space for each
            white space (``clean_text`` of Hugging Face's BertNormalizer, whose categories are
            Unicode 8's).
        malformed: what becomes of bytes that are not UTF-8.

    Raises:
        TextError: there are no such rules.
        MalformedTextError: with ``malformed="error"``.

    Example:
        >>> clean_controls_utf8("a\\tb\\u200bc"), clean_controls_utf8("a\\tb\\u200bc", "hf")
        ('a b c', 'a bc')
    """
    return _normalized(input, _rules(rules), malformed)


def clean_controls_utf8_with_offsets_map(
    input: Any, rules: Rules = "tf", *, malformed: Malformed = "replace"
) -> Mapped:
    """The same with the map back: see :func:`normalize_utf8_with_offsets_map`."""
    return _mapped(input, _rules(rules), malformed)


def coerce_to_structurally_valid_utf8(input: Any, replacement_char: str = "\ufffd") -> Any:
    """Make text UTF-8: each maximal subpart that is not becomes a replacement character.

    Which bytes belong to one such subpart is as the WHATWG's Encoding Standard has it, so that a
    browser reads the same.

    Args:
        input: a str or bytes, a list of them, Strings, Ragged, or an array of strings.
        replacement_char: one character, or "" to leave malformed bytes out.

    Raises:
        TextError: it is more than one character, or no character that UTF-8 can hold.

    Example:
        >>> coerce_to_structurally_valid_utf8([b"A", b"\\xdeB2", b"C"])
        Strings(['A', '�B2', 'C'])
    """
    return _normalized(input, "valid", "replace", _replacement(replacement_char))


def coerce_to_structurally_valid_utf8_with_offsets_map(
    input: Any, replacement_char: str = "\ufffd"
) -> Mapped:
    """The same with the map back: see :func:`normalize_utf8_with_offsets_map`."""
    return _mapped(input, "valid", "replace", _replacement(replacement_char))


def find_source_offsets(
    offsets_map: OffsetsMap, input_offsets: Any, *, offset_unit: OffsetUnit = "byte"
) -> Any:
    """Turn byte offsets into normalized text into offsets into the original.

    An offset where a change begins came from where its source begins, one within a change from the
    source's end; elsewhere byte for byte (ICU's Edits have it so, and TF.Text). One below 0 becomes
    0, one past the end the source's end. Ascending offsets stay so, and what is a character's
    beginning comes from one.

    Args:
        offsets_map: of n strings.
        input_offsets: for each string its offsets: Ragged, nested lists or an array [n, m]. For
            nested strings, nested so. For the map of a single string, a list or array of any shape.
        offset_unit: what is given back counts "byte", "char" or "utf16" of the original; one within
            a character counts that character's beginning.

    Returns:
        Offsets of the same shape, int64: Ragged, or an array for a single string's.

    Raises:
        TextError: they are nested otherwise than the map, or not of its length.

    Example:
        >>> output, offsets_map = normalize_utf8_with_offsets_map("ﬁne", "NFKC")
        >>> output, find_source_offsets(offsets_map, [0, 1, 2, 3])
        ('fine', array([0, 3, 3, 4]))
        >>> find_source_offsets(offsets_map, [0, 1, 2, 3], offset_unit="char")
        array([0, 1, 1, 2])
    """
    if offset_unit not in get_args(OffsetUnit):
        raise TextError(f"offset_unit is {offset_unit!r}; give one of byte, char, utf16")
    if offsets_map.single:
        array = np.asarray(input_offsets, np.int64)
        splits = np.array([0, array.size], np.int64)
        return _found(offsets_map, splits, array.reshape(-1), offset_unit).reshape(array.shape)
    ragged = _offsets(input_offsets)
    *nesting, splits = ragged.nested_row_splits
    fits = len(nesting) == len(offsets_map.nesting) and all(
        map(np.array_equal, nesting, offsets_map.nesting)
    )
    if not fits or len(splits) != len(offsets_map.row_splits):
        raise TextError(
            f"offsets of {len(ragged)} rows do not fit a map of {len(offsets_map)}; "
            "give each string's offsets, nested as the strings are"
        )
    values = np.ascontiguousarray(ragged.flat_values, np.int64)
    return ragged.with_flat_values(_found(offsets_map, splits, values, offset_unit))


def _found(
    offsets_map: OffsetsMap,
    splits: NDArray[np.int64],
    values: NDArray[np.int64],
    unit: OffsetUnit,
) -> NDArray[np.int64]:
    found = normalizing.source_offsets(offsets_map.rows, offsets_map.row_splits, splits, values)
    if unit == "byte":
        return found
    counted = found.astype(np.int32)
    spans = np.ascontiguousarray(offsets_map.source[0])
    texts.convert_units(spans, splits, unit, counted)
    return counted.astype(np.int64)


def _offsets(offsets: Any) -> Ragged:
    source = offsets
    if not isinstance(source, (Ragged, np.ndarray)):
        source = Ragged.from_lists([list(row) for row in source])
    if isinstance(source, np.ndarray):
        if source.ndim != 2:
            raise TextError(f"offsets are of shape {list(source.shape)}; give [strings, offsets]")
        splits = np.arange(len(source) + 1, dtype=np.int64) * source.shape[1]
        source = Ragged(source.reshape(-1), splits)
    assert isinstance(source, Ragged)
    values = source.flat_values
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iu" or values.ndim != 1:
        raise TextError("offsets are no whole numbers; give those of each string")
    return source


def _form(name: str) -> str:
    if not isinstance(name, str) or name.upper() not in get_args(Form):
        raise TextError(f"the normal form is {name!r}; give one of {', '.join(get_args(Form))}")
    return name.upper()


def _rules(name: str) -> str:
    if name not in get_args(Rules):
        raise TextError(f"the rules are {name!r}; give 'tf' or 'hf'")
    return name


def _replacement(text: str) -> int:
    if not isinstance(text, str) or len(text) > 1 or (text and 0xD800 <= ord(text) < 0xE000):
        raise TextError(f"replacement_char is {text!r}; give one character, or '' for none")
    return ord(text) if text else 0


def _normalized(input: Any, form: str, malformed: Malformed, replacement: int | None = None) -> Any:
    source = checked_source(input, malformed)
    block = tables().address
    spans = source._original
    normal = normalizing.first_changed(block, form, spans)
    if normal == len(spans):
        return _unchanged(source, input)
    replacement = _substitute(malformed) if replacement is None else replacement
    made = normalizing.normalize(block, form, spans, replacement, normal=normal)
    return _like(source, input, Strings._made(made.data, made.offsets))


def _mapped(input: Any, form: str, malformed: Malformed, replacement: int | None = None) -> Mapped:
    source = checked_source(input, malformed)
    replacement = _substitute(malformed) if replacement is None else replacement
    made = normalizing.normalize(tables().address, form, source._original, replacement, mapped=True)
    offsets_map = OffsetsMap(
        made.rows, made.row_splits, (source._original, source._keep), source.rows,
        single=source.single,
    )  # fmt: skip
    return Mapped(_like(source, input, Strings._made(made.data, made.offsets)), offsets_map)


def checked_source(input: Any, malformed: Malformed) -> Source:
    """What is given, with a policy that there is."""
    if malformed not in get_args(Malformed):
        raise TextError(f"malformed is {malformed!r}; give one of {', '.join(get_args(Malformed))}")
    return Source(input, malformed)


def _substitute(malformed: Malformed) -> int:
    return 0 if malformed == "ignore" else 0xFFFD


def _unchanged(source: Source, input: Any) -> Any:
    """The strings as they are; the very same where that is an answer."""
    if source.single:
        return input
    strings = input.flat_values if isinstance(input, Ragged) else input
    return source.each(
        strings if isinstance(strings, Strings) else Strings._made(*texts.join(source._original))
    )


def _like(source: Source, input: Any, strings: Strings) -> Any:
    if source.single and isinstance(input, bytes):
        return strings.to_bytes_list()[0]
    return source.each(strings)
