"""Normal forms: against Python's, and what has to hold of them and of their maps."""

from __future__ import annotations

import threading
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from homebody import text
from homebody.errors import MalformedTextError, TextError
from homebody.kernels import normalizing
from homebody.text import Ragged, Strings, _unicode
from tests.text.corpus import hostile
from tests.text.normal_twin import (
    ASSIGNED,
    FORMS,
    case_fold,
    clean_tf,
    in_order,
    known,
    source_offsets,
    strip_accents,
)

HARD = sorted(
    c
    for c in ASSIGNED
    if unicodedata.combining(chr(c)) or unicodedata.decomposition(chr(c)) or 0x1100 <= c < 0x1200
)
LETTERS = st.sampled_from([chr(c) for c in HARD]) | st.sampled_from("aeÅﬁ가각각゙か\u0301\u0323 A")
TEXTS = st.lists(LETTERS | st.sampled_from([chr(c) for c in ASSIGNED]), max_size=12).map("".join)
SETTINGS = settings(deadline=None, max_examples=400)
FUNCTIONS = {
    "case_fold": (text.case_fold_utf8, text.case_fold_utf8_with_offsets_map),
    "strip_accents": (text.strip_accents_utf8, text.strip_accents_utf8_with_offsets_map),
    "clean_tf": (text.clean_controls_utf8, text.clean_controls_utf8_with_offsets_map),
    "clean_hf": (
        lambda given: text.clean_controls_utf8(given, "hf"),
        lambda given: text.clean_controls_utf8_with_offsets_map(given, "hf"),
    ),
    "valid": (
        text.coerce_to_structurally_valid_utf8,
        text.coerce_to_structurally_valid_utf8_with_offsets_map,
    ),
    **{
        form: (
            lambda given, form=form: text.normalize_utf8(given, form),
            lambda given, form=form: text.normalize_utf8_with_offsets_map(given, form),
        )
        for form in FORMS
    },
}


@given(st.lists(TEXTS, max_size=5))
@example(["ﾡￃᆵ", "𖵨𖵧", "a\u0323\u0301", "é\u0323", "\u0344", "", "각ᆨ", "ｶﾞ"])
@SETTINGS
def test_forms_are_pythons(docs):
    for form in FORMS:
        expected = [unicodedata.normalize(form, doc) for doc in docs]
        if all(map(known, docs)):
            assert text.normalize_utf8(docs, form).to_list() == expected


def test_every_character_in_every_form():
    alone = [chr(c) for c in ASSIGNED]
    marked = [f"{c}\u0301\u0323" for c in alone]
    for docs in (alone, marked):
        for form in FORMS:
            expected = [unicodedata.normalize(form, doc) for doc in docs]
            assert text.normalize_utf8(docs, form).to_list() == expected
        assert text.strip_accents_utf8(docs).to_list() == list(map(strip_accents, docs))


@given(TEXTS)
@SETTINGS
def test_folding_stripping_and_cleaning(doc):
    assert text.case_fold_utf8(doc) == case_fold(doc)
    assert text.strip_accents_utf8(doc) == strip_accents(doc)
    assert text.clean_controls_utf8(doc) == clean_tf(doc)


@given(st.text(max_size=20) | TEXTS)
@SETTINGS
def test_what_has_to_hold(doc):
    nfc, nfd, nfkc, nfkd = (text.normalize_utf8(doc, form) for form in FORMS)
    assert text.normalize_utf8(nfd, "NFC") == nfc
    assert text.normalize_utf8(nfc, "NFD") == nfd
    assert text.normalize_utf8(nfkd, "NFKC") == nfkc == text.normalize_utf8(nfd, "NFKC")
    assert text.normalize_utf8(nfkc, "NFD") == nfkd
    for function, mapped in FUNCTIONS.values():
        once = function(doc)
        assert function(once) == once
        assert mapped(doc).output == once


@given(st.lists(TEXTS | st.text(max_size=20), max_size=4))
@SETTINGS
def test_maps_are_total_ascending_and_split_no_character(docs):
    for _, mapped in FUNCTIONS.values():
        output, offsets_map = mapped(docs)
        lengths = np.diff(output.offsets)
        every = Ragged.from_row_lengths(
            np.concatenate([np.arange(n + 1) for n in [*lengths, 0]])[:-1], lengths + 1
        )
        found = text.find_source_offsets(offsets_map, every)
        for doc, out, places in zip(docs, output.to_list(), found, strict=True):
            source = doc.encode("utf-8", "replace")
            assert places[0] >= 0
            assert places[-1] == len(source)
            assert (np.diff(places) >= 0).all()
            starts = np.cumsum([0, *(len(c.encode()) for c in out)])
            edges = {0, *np.cumsum([len(c.encode()) for c in doc]).tolist()}
            assert set(places[starts].tolist()) <= edges


@given(TEXTS)
@SETTINGS
def test_maps_cut_where_text_can_be_cut(doc):
    for form in FORMS:
        output, offsets_map = text.normalize_utf8_with_offsets_map(doc, form)
        starts = np.cumsum([0, *(len(c.encode()) for c in output)]).tolist()
        found = text.find_source_offsets(offsets_map, starts).tolist()
        cuts = source_offsets(doc, output, form, starts)
        # A change's inside has no place of its own; what has one is either that or a change's end.
        for place, cut in zip(found, cuts, strict=True):
            assert cut == -1 or place >= cut or place in cuts


def test_known_maps():
    for doc, form, expected in (
        ("ﬁne", "NFKC", [0, 3, 3, 4, 5]),
        ("ＫＡ", "NFKC", [0, 3, 6]),
        ("e\u0301x", "NFC", [0, 3, 3, 4]),
        ("éx", "NFD", [0, 2, 2, 2, 3]),
        ("xe\u0301\u0323", "NFC", [0, 1, 6, 6, 6, 6, 6]),
        ("語", "NFC", [0, 1, 2, 3]),
        ("각", "NFD", [0, *[3] * 9]),
    ):
        output, offsets_map = text.normalize_utf8_with_offsets_map(doc, form)
        places = range(len(output.encode()) + 1)
        assert text.find_source_offsets(offsets_map, places).tolist() == expected
    _, offsets_map = text.case_fold_utf8_with_offsets_map("a\u00adb")
    assert text.find_source_offsets(offsets_map, [-5, -1, 0, 1, 2, 99]).tolist() == [
        0,
        0,
        0,
        3,
        4,
        4,
    ]


def test_a_map_is_compact():
    _, offsets_map = text.normalize_utf8_with_offsets_map("Ｋ" * 100_000)
    assert len(offsets_map.rows) == 2
    _, offsets_map = text.normalize_utf8_with_offsets_map("語" * 100_000)
    assert len(offsets_map.rows) == 2


@pytest.mark.parametrize("count", [63, 64, 65, 130, 30_000])
def test_runs_of_marks_of_any_length(count):
    rng = np.random.default_rng(count)
    marks = [c for c in ASSIGNED if unicodedata.combining(chr(c))]
    run = "".join(chr(c) for c in rng.choice(marks, count))
    docs = [run, f"e{run}x", f"x{run}가", "\u0301" * count + "a", "e" + "\u0323\u0301" * count]
    docs += ["ᅡ" * count, "각" * count, "\u09c7\u09be" * count, "\u0dd9" + "\u0dcf" * count]
    for form in FORMS:
        apart = "NFD" if form in ("NFC", "NFD") else "NFKD"
        expected = [unicodedata.normalize(form, in_order(doc, apart)) for doc in docs]
        assert text.normalize_utf8(docs, form).to_list() == expected
    if count < 1000:
        assert text.case_fold_utf8(docs).to_list() == list(map(case_fold, docs))


def test_malformed_is_replaced_left_out_or_refused():
    docs = [
        b"e\xff\xcc\x81",
        b"\xe3\x80",
        b"a\xed\xa0\x80b",
        b"\xf0\x9f\x98",
        b"ok",
        b"\xcc\x81\xc3",
    ]
    for form in FORMS:
        for policy, errors in (("replace", "replace"), ("ignore", "ignore")):
            expected = [unicodedata.normalize(form, doc.decode(errors=errors)) for doc in docs]
            output, offsets_map = text.normalize_utf8_with_offsets_map(docs, form, malformed=policy)
            assert output.to_list() == expected
            assert text.normalize_utf8(docs, form, malformed=policy).to_list() == expected
            ends = [[len(out.encode())] for out in expected]
            found = text.find_source_offsets(offsets_map, ends).to_list()
            assert found == [[len(doc)] for doc in docs]
        with pytest.raises(MalformedTextError, match="string 0"):
            text.normalize_utf8(docs, form, malformed="error")
    assert text.case_fold_utf8(b"A\xffB", malformed="ignore") == b"ab"
    assert text.normalize_utf8("e\ud800\u0301", "NFC", malformed="ignore") == "é"


def test_coercion_is_the_decoders():
    docs = [bytes(doc) for doc in hostile(2000)]
    for char, errors in (("\ufffd", "replace"), ("", "ignore")):
        expected = [doc.decode(errors=errors) for doc in docs]
        assert text.coerce_to_structurally_valid_utf8(docs, char).to_list() == expected
    assert text.coerce_to_structurally_valid_utf8([b"\xdeB2"], "?").to_list() == ["?B2"]
    assert text.coerce_to_structurally_valid_utf8(b"\xdeB2", "語") == "語B2".encode()


def test_hostile_strings_in_small_rooms():
    block, docs = _unicode.tables().address, hostile(300)
    strings = Strings.of(docs, malformed="keep")
    for form in normalizing.FORMS:
        whole = normalizing.normalize(block, form, strings.spans(), mapped=True)
        apart = [
            normalizing.normalize(block, form, strings[i : i + 1].spans(), mapped=True)
            for i in range(len(strings))
        ]
        assert whole.data.tobytes() == b"".join(one.data.tobytes() for one in apart)
        assert whole.rows.tobytes() == b"".join(one.rows.tobytes() for one in apart)


def test_what_is_normal_is_the_very_same():
    strings = Strings.of(["plain", "Grüße", "語", "한국어"])
    assert text.normalize_utf8(strings, "NFC") is strings
    nested = Ragged(strings, [0, 3, 4])
    assert text.normalize_utf8(nested, "NFC").flat_values is strings
    one = "Grüße"
    assert text.normalize_utf8(one, "NFC") is one
    assert text.strip_accents_utf8(strings) is not strings
    assert text.case_fold_utf8(["plain"]).to_list() == ["plain"]


def test_every_kind_of_input():
    expected = [["é", "ﬁ".replace("ﬁ", "fi")], ["A"]]
    nested = [["e\u0301", "ﬁ"], ["Ａ"]]
    ragged = Ragged.from_lists(nested)
    for given_ in (nested, ragged):
        assert text.normalize_utf8(given_).to_list() == expected
    deep = Ragged(ragged, [0, 1, 2])
    assert text.normalize_utf8(deep).to_list() == [[expected[0]], [expected[1]]]
    array = np.array([["e\u0301", "ﬁ"], ["Ａ", ""]])
    assert text.normalize_utf8(array).to_list() == [["é", "fi"], ["A", ""]]
    assert text.normalize_utf8([b"e\xcc\x81"]).to_list() == ["é"]
    assert text.normalize_utf8(b"e\xcc\x81") == "é".encode()
    assert text.normalize_utf8([]).to_list() == []
    assert text.normalize_utf8("ﬁ", "nfkc") == "fi"


def test_maps_of_nested_strings():
    nested = [["ﬁa", "b"], [], ["Ｋ"]]
    output, offsets_map = text.normalize_utf8_with_offsets_map(nested)
    offsets = Ragged.from_lists([[[0, 2, 3], [1]], [], [[1]]])
    assert text.find_source_offsets(offsets_map, offsets).to_list() == [[[0, 3, 4], [1]], [], [[3]]]
    assert len(offsets_map) == 3
    assert text.find_source_offsets(offsets_map[0], [[2], [1]]).to_list() == [[3], [1]]
    assert text.find_source_offsets(offsets_map[0][0], 2) == 3
    assert text.find_source_offsets(offsets_map[2:], Ragged.from_lists([[[1]]])).to_list() == [
        [[3]]
    ]
    assert len(offsets_map[1]) == 0
    flat = text.normalize_utf8_with_offsets_map(["ﬁa", "b", "Ｋ"]).offsets_map
    assert text.find_source_offsets(flat[-1], np.array([[0, 1]])).tolist() == [[0, 3]]
    assert text.find_source_offsets(flat, [[2], [], [1]]).to_list() == [[3], [], [3]]
    assert text.find_source_offsets(flat, np.ones((3, 2), np.int32)).to_list() == [
        [3, 3],
        [1, 1],
        [3, 3],
    ]
    assert repr(flat), repr(flat[0]) == ("OffsetsMap(3 strings)", "OffsetsMap(1 string)")
    with pytest.raises(TextError, match="no parts"):
        flat[0][0]
    with pytest.raises(TextError, match="step of 1"):
        flat[::2]
    for wrong in ([[1]], [[1], [2]], np.ones(3, int), np.ones((2, 2), int), [["a"], ["b"], ["c"]]):
        with pytest.raises(TextError, match="offsets"):
            text.find_source_offsets(flat, wrong)
    assert output.to_list() == [["fia", "b"], [], ["K"]]


@given(st.lists(TEXTS | st.text(max_size=12), max_size=4))
@SETTINGS
def test_units_count_the_original(docs):
    output, offsets_map = text.case_fold_utf8_with_offsets_map(docs)
    offsets = Ragged.from_lists(
        [[*range(len(out.encode()) + 1)] for out in output.to_list()] or [[]]
    )
    if not docs:
        return
    places = text.find_source_offsets(offsets_map, offsets).to_list()
    for unit, encoding, size in (("char", "utf-32-le", 4), ("utf16", "utf-16-le", 2)):
        found = text.find_source_offsets(offsets_map, offsets, offset_unit=unit).to_list()
        for doc, row, given_ in zip(docs, found, places, strict=True):
            heads = [doc.encode()[:place].decode(errors="ignore") for place in given_]
            assert row == [len(head.encode(encoding)) // size for head in heads]
        one = text.find_source_offsets(offsets_map[-1], [10**6], offset_unit=unit)
        assert one.tolist() == [len(docs[-1].encode(encoding)) // size]


def test_refusals():
    with pytest.raises(TextError, match="offset_unit"):
        mapped = text.normalize_utf8_with_offsets_map("a")
        text.find_source_offsets(mapped.offsets_map, [0], offset_unit="utf8")
    with pytest.raises(TextError, match="NFX"):
        text.normalize_utf8("a", "NFX")
    with pytest.raises(TextError, match="rules"):
        text.clean_controls_utf8("a", "bert")
    for char in ("ab", "\ud800", 0xFFFD):
        with pytest.raises(TextError, match="replacement_char"):
            text.coerce_to_structurally_valid_utf8("a", char)
    with pytest.raises(TextError, match="text is"):
        text.normalize_utf8(5)
    with pytest.raises(TextError, match="malformed"):
        text.normalize_utf8(["a"], malformed="keep")


def test_clean_up_by_the_rules_hf():
    doc = "a\0b\ufffdc\td\u3000e\u200bf\x85g\ue000h\u0378i"
    assert text.clean_controls_utf8(doc, "hf") == "abc d efgh\u0378i"


def test_threads_get_what_one_gets():
    docs = ["Ａé\u0323가" * 50] * 200
    expected = text.normalize_utf8(docs, "NFKC").to_list()
    got: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: got.append(text.normalize_utf8(docs, "NFKC").to_list()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [expected] * 4


def test_a_map_of_many_rows_takes_no_more_room_than_it_needs(monkeypatch):
    """Each joiner is a row, so rows run out long before bytes do."""
    taken = []
    grown = normalizing._grown

    def counted(array, used):
        taken.append(2 * array.nbytes)
        return grown(array, used)

    monkeypatch.setattr(normalizing, "_grown", counted)
    family = "👩\u200d" * 20_000
    cleaned, offsets_map = text.clean_controls_utf8_with_offsets_map(family)
    assert cleaned == "👩 " * 20_000
    assert text.find_source_offsets(offsets_map, [5 * 19_999])[0] == 7 * 19_999
    assert max(taken) < 100 * len(family.encode())
