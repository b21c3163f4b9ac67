"""Model input: selectors, trimmers, segments, masks; against rules in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.errors import RaggedError, TextError
from homebody.text import (
    FirstNItemSelector,
    ItemSelector,
    LastNItemSelector,
    MaskValuesChooser,
    NothingSelector,
    Ragged,
    RandomItemSelector,
    RoundRobinTrimmer,
    ShrinkLongestTrimmer,
    Strings,
    Trimmer,
    WaterfallTrimmer,
    combine_segments,
    concatenate_segments,
    gather_with_default,
    mask_language_model,
    pad_model_inputs,
)

ROW = st.lists(st.integers(0, 9), max_size=7)
ROWS = st.lists(ROW, min_size=1, max_size=5)
WORDS = st.lists(st.lists(ROW, max_size=4), min_size=1, max_size=4)
TRIMMERS = (WaterfallTrimmer, RoundRobinTrimmer, ShrinkLongestTrimmer)


@st.composite
def alike(draw, rows=ROW, most=4):
    """Segments with equally many rows."""
    count = draw(st.integers(1, 5))
    return [[draw(rows) for _ in range(count)] for _ in range(draw(st.integers(1, most)))]


def ragged(rows, *, levels=1):
    values = rows
    splits = []
    for _ in range(levels):
        splits.append(np.cumsum([0, *map(len, values)]))
        values = [value for row in values for value in row]
    return Ragged(np.array(values, np.int64), *splits)


def waterfall(lengths, most):
    kept = []
    for length in lengths:
        kept.append(min(length, most))
        most -= kept[-1]
    return kept


def round_robin(lengths, most):
    kept = [0] * len(lengths)
    while sum(kept) < min(most, sum(lengths)):
        for i, length in enumerate(lengths):
            if kept[i] < length and sum(kept) < most:
                kept[i] += 1
    return kept


def shrink_longest(lengths, most):
    kept = list(lengths)
    while sum(kept) > most:
        kept[kept.index(max(kept))] -= 1
    return kept


RULES = dict(zip(TRIMMERS, (waterfall, round_robin, shrink_longest), strict=True))


@pytest.mark.parametrize("kind", TRIMMERS)
@settings(deadline=None)
@given(segments=alike(), most=st.integers(0, 20))
def test_a_trimmer_keeps_what_its_rule_says(kind, segments, most):
    trimmed = [part.to_list() for part in kind(most).trim([ragged(s) for s in segments])]
    for i in range(len(segments[0])):
        kept = RULES[kind]([len(segment[i]) for segment in segments], most)
        assert [part[i] for part in trimmed] == [
            segment[i][:n] for segment, n in zip(segments, kept, strict=True)
        ]
        assert sum(kept) == min(most, sum(len(segment[i]) for segment in segments))


@pytest.mark.parametrize("kind", TRIMMERS)
@pytest.mark.parametrize("axis", [1, 2, -1, -2])
@settings(deadline=None)
@given(segments=alike(st.lists(ROW, max_size=4)), most=st.integers(0, 20))
def test_words_are_trimmed_whole_and_masks_agree(kind, axis, segments, most):
    trimmer = kind(most, axis)
    parts = [ragged(segment, levels=2) for segment in segments]
    trimmed, masks = trimmer.trim(parts), trimmer.generate_mask(parts)
    for i in range(len(segments[0])):
        rows = [segment[i] for segment in segments]
        whole = axis in (1, -2)
        lengths = [len(row) if whole else sum(map(len, row)) for row in rows]
        kept = RULES[kind](lengths, most)
        for part, mask, row, n in zip(trimmed, masks, rows, kept, strict=True):
            if whole:
                assert mask.to_list()[i] == [j < n for j in range(len(row))]
                assert part.to_list()[i] == row[:n]
            else:
                left, expected = n, []
                for word in row:
                    expected.append(word[: max(left, 0)])
                    left -= len(word)
                assert part.to_list()[i] == expected
                assert [sum(word) for word in mask.to_list()[i]] == [len(w) for w in expected]


def test_a_waterfall_may_have_a_length_a_row():
    a, b = [[1, 2, 3], [4]], [[5], [6, 7, 8]]
    trimmed = WaterfallTrimmer([2, 3]).trim([a, b])
    assert [part.to_list() for part in trimmed] == [[[1, 2], [4]], [[], [6, 7]]]


def test_strings_are_trimmed_too():
    trimmed = RoundRobinTrimmer(3).trim([[["a", "b"]], [["ç", "d"]]])
    assert [part.to_list() for part in trimmed] == [[["a", "b"]], [["ç"]]]


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: WaterfallTrimmer(-1), TextError),
        (lambda: RoundRobinTrimmer([3, 4]), TextError),
        (lambda: ShrinkLongestTrimmer(2.5), TextError),
        (lambda: WaterfallTrimmer(3).trim([]), RaggedError),
        (lambda: WaterfallTrimmer(3).trim([[[1]], [[1], [2]]]), RaggedError),
        (lambda: WaterfallTrimmer([3, 4]).trim([[[1]]]), RaggedError),
        (lambda: WaterfallTrimmer(3, axis=2).trim([[[1]]]), RaggedError),
        (lambda: WaterfallTrimmer(3, axis=0).trim([[[1]]]), RaggedError),
        (lambda: WaterfallTrimmer(3).trim([[1, 2]]), RaggedError),
        (lambda: WaterfallTrimmer(3).trim([7]), RaggedError),
        (lambda: FirstNItemSelector(-1), TextError),
        (lambda: FirstNItemSelector([1, 2]).get_selection_mask([[1]]), RaggedError),
        (lambda: ItemSelector([[1]]), TextError),
        (lambda: ItemSelector(["a"]), TextError),
        (lambda: ItemSelector([1]).get_selectable([["a"]]), RaggedError),
        (lambda: RandomItemSelector(-1, 0.5), TextError),
        (lambda: RandomItemSelector(1, 1.5), TextError),
        (lambda: RandomItemSelector(1, math.nan), TextError),
        (lambda: RandomItemSelector(1, 0.5, seed=-1), TextError),
        (lambda: RandomItemSelector(1, 0.5, seed=True), TextError),
        (lambda: MaskValuesChooser(0, 1), TextError),
        (lambda: MaskValuesChooser(5, "x"), TextError),
        (lambda: MaskValuesChooser(5, 1, 0.8, 0.3), TextError),
        (lambda: MaskValuesChooser(5, 1, -0.1), TextError),
        (lambda: MaskValuesChooser(5, 1).get_mask_values([["a"]]), RaggedError),
        (lambda: mask_language_model([[1]], 3, MaskValuesChooser(5, 1)), TextError),
        (lambda: mask_language_model([[1]], NothingSelector(), 3), TextError),
        (lambda: combine_segments([], 1, 2), RaggedError),
        (lambda: combine_segments([[[1]], [[1], [2]]], 1, 2), RaggedError),
        (lambda: combine_segments([[[1]], [[[1]]]], 1, 2), RaggedError),
        (lambda: combine_segments([[["a"]]], 1, 2), RaggedError),
        (lambda: combine_segments([np.zeros((1, 1), np.float32)], 1, 2), RaggedError),
        (lambda: combine_segments([np.zeros((1, 1), np.int32)], 2**31, 2), TextError),
        (lambda: combine_segments([[[1]]], 1, 2.5), TextError),
        (lambda: concatenate_segments([]), RaggedError),
        (
            lambda: concatenate_segments([np.zeros((1, 1), np.int32), np.zeros((1, 1), np.int64)]),
            RaggedError,
        ),
        (lambda: pad_model_inputs([[1]], -1), TextError),
        (lambda: pad_model_inputs([[1]], 2, 0.5), TextError),
        (lambda: pad_model_inputs(np.zeros((1, 1), np.int32), 2, 2**40), TextError),
        (lambda: pad_model_inputs([["a"]], 2), RaggedError),
        (lambda: pad_model_inputs("a", 2), RaggedError),
        (lambda: gather_with_default([1, 2], [2], 0), TextError),
        (lambda: gather_with_default([1, 2], [-2], 0), TextError),
        (lambda: gather_with_default([1, 2], [0.5], 0), TextError),
        (lambda: gather_with_default([1, 2], [0], [0]), TextError),
        (lambda: gather_with_default([1, 2], [0], 0.5), TextError),
        (lambda: gather_with_default([1, 2], [0], 0, axis=1), TextError),
        (lambda: gather_with_default(["a"], [0], 5), TextError),
        (lambda: gather_with_default(["a"], [[0]], "b"), TextError),
        (lambda: gather_with_default(["a"], [1], "b"), TextError),
    ],
)
def test_what_makes_no_sense_is_refused(make, error):
    with pytest.raises(error):
        make()


@settings(deadline=None)
@given(rows=ROWS, number=st.integers(0, 9), barred=st.lists(st.integers(0, 9), max_size=3))
def test_the_first_and_the_last_selectable_are_selected(rows, number, barred):
    first = FirstNItemSelector(number, barred).get_selection_mask(ragged(rows)).to_list()
    last = LastNItemSelector(number, barred).get_selection_mask(ragged(rows)).to_list()
    for row, leading, trailing in zip(rows, first, last, strict=True):
        places = [i for i, value in enumerate(row) if value not in barred]
        assert [i for i, chosen in enumerate(leading) if chosen] == places[:number]
        expected = places[-number:] if number else []
        assert [i for i, chosen in enumerate(trailing) if chosen] == expected


@settings(deadline=None)
@given(words=WORDS, number=st.integers(0, 4))
def test_a_word_is_selectable_when_all_its_pieces_are(words, number):
    selector = FirstNItemSelector(number, [0, 1])
    found = selector.get_selection_mask(ragged(words, levels=2), axis=1).to_list()
    for row, mask in zip(words, found, strict=True):
        places = [i for i, word in enumerate(row) if not {0, 1} & set(word)]
        assert [i for i, chosen in enumerate(mask) if chosen] == places[:number]


def test_nothing_is_selected_by_the_selector_of_nothing():
    assert NothingSelector().get_selection_mask([[[1], []], []], axis=1).to_list() == [
        [False, False],
        [],
    ]


@settings(deadline=None)
@given(
    rows=ROWS,
    most=st.integers(0, 5),
    rate=st.floats(0, 1, width=32),
    seed=st.integers(0, 2**64 - 1),
)
def test_random_selection_takes_its_share_of_the_selectable(rows, most, rate, seed):
    selector = RandomItemSelector(most, rate, [0, 1], seed=seed)
    mask = selector.get_selection_mask(ragged(rows))
    for row, chosen in zip(rows, mask.to_list(), strict=True):
        selectable = [value > 1 for value in row]
        share = math.ceil(np.float32(sum(selectable)) * np.float32(rate))
        assert sum(chosen) == min(share, most)
        assert not any(c and not s for c, s in zip(chosen, selectable, strict=True))
    assert selector.tick == 1
    selector.tick = 0
    assert selector.get_selection_mask(ragged(rows)) == mask


def test_random_selection_is_fair_and_differs_between_calls():
    rows = [[5] * 6] * 4000
    selector = RandomItemSelector(2, 1.0, seed=11)
    first, second = (selector.get_selection_mask(rows).to_list() for _ in range(2))
    assert first != second
    pairs = {}
    for row in first:
        pair = tuple(i for i, chosen in enumerate(row) if chosen)
        pairs[pair] = pairs.get(pair, 0) + 1
    # 15 pairs, each expected 4000 / 15 = 267 times; 5 standard deviations are 79.
    assert len(pairs) == 15
    assert all(188 < count < 346 for count in pairs.values())


def test_the_random_stream_is_the_documented_one():
    # Philox4x32 with 7 rounds, by hand, in Python's whole numbers.
    def word(place, tick, purpose, seed):
        a, b, c, d = place, 0, tick, purpose
        low, high = seed & 0xFFFFFFFF, seed >> 32
        for _ in range(7):
            p, q = a * 0xD2511F53, c * 0xCD9E8D57
            a, b, c, d = (
                q >> 32 ^ b ^ low, q & 0xFFFFFFFF, p >> 32 ^ d ^ high, p & 0xFFFFFFFF,
            )  # fmt: skip
            low, high = (low + 0x9E3779B9) % 2**32, (high + 0xBB67AE85) % 2**32
        return a, b

    seed = 0x0123456789ABCDEF
    selector = RandomItemSelector(2, 1.0, seed=seed)
    selector.tick = 7
    mask = selector.get_selection_mask([[1, 2, 3], [4, 5, 6, 7]]).to_list()
    for row, places in zip(mask, ([0, 1, 2], [3, 4, 5, 6]), strict=True):
        ordered = sorted(range(len(places)), key=lambda j, p=places: word(p[j], 7, 16, seed)[0])
        assert [i for i, chosen in enumerate(row) if chosen] == sorted(ordered[:2])
    chooser = MaskValuesChooser(1000, 103, 0.4, 0.4, seed=seed)
    chooser.tick = 3
    values = chooser.get_mask_values([list(range(5000, 5050))]).to_list()[0]
    for place, value in enumerate(values):
        decision, random = word(place, 3, 17, seed)
        share = decision / 2**32
        expected = 103 if share < 0.4 else random * 1000 >> 32 if share < 0.8 else 5000 + place
        assert value == expected
    assert len(set(values)) > 10


def test_a_shuffling_function_decides_instead():
    selector = RandomItemSelector(2, 1.0, shuffle_fn=lambda places: places[::-1])
    assert selector.get_selection_mask([[1, 2, 3], [4]]).to_list() == [[False, True, True], [True]]


@settings(deadline=None)
@given(words=WORDS, most=st.integers(0, 4), seed=st.integers(0, 9))
def test_masking_changes_selected_places_alone(words, most, seed):
    rows = ragged(words, levels=2)
    masked, places, originals = mask_language_model(
        rows, RandomItemSelector(most, 0.7, [0], seed=seed), MaskValuesChooser(9, 77, seed=seed), 1
    )
    for row, new, at, old in zip(
        words, masked.to_list(), places.to_list(), originals.to_list(), strict=True
    ):
        flat = [value for word in row for value in word]
        assert [flat[i] for i in at] == old
        assert at == sorted(at)
        for i, (before, after) in enumerate(zip(flat, new, strict=True)):
            assert before == after or i in at
            assert i not in at or after == 77 or after < 10
        ends = np.cumsum([0, *map(len, row)])
        spans = [set(range(ends[i], ends[i + 1])) for i in range(len(row))]
        assert all(span <= set(at) or not span & set(at) for span in spans)
    assert masked.flat_values.dtype == np.int64


def test_masking_keeps_its_rates():
    ids = np.full((1, 40_000), 500)
    masked, _, _ = mask_language_model(ids, ItemSelector(), MaskValuesChooser(400, 999, seed=5))
    values = masked.flat_values
    shares = [(values == 999).mean(), (values < 400).mean(), (values == 500).mean()]
    # 5 standard deviations of a share of 0.8 over 40,000 are 0.01.
    assert np.allclose(shares, [0.8, 0.1, 0.1], atol=0.01)
    random = values[values < 400]
    assert random.min() < 8
    assert random.max() > 391
    assert abs(random.mean() - 199.5) < 10


@settings(deadline=None)
@given(segments=alike())
def test_segments_are_combined_row_by_row(segments):
    parts = [ragged(segment) for segment in segments]
    ids, kinds = combine_segments(parts, 101, 102)
    plain, numbers = concatenate_segments(parts)
    for i in range(len(segments[0])):
        expected, kind = [101], [0]
        for j, segment in enumerate(segments):
            expected += [*segment[i], 102]
            kind += [j] * (len(segment[i]) + 1)
        assert ids[i].tolist() == expected
        assert kinds[i].tolist() == kind
        assert plain[i].tolist() == [value for segment in segments for value in segment[i]]
        assert numbers[i].tolist() == [j for j, s in enumerate(segments) for _ in s[i]]


def test_words_are_combined_as_words():
    ids, kinds = combine_segments([[[[1, 2], []], []], [[[3]], [[4]]]], 101, 102)
    assert ids.to_list() == [[[101], [1, 2], [], [102], [3], [102]], [[101], [102], [4], [102]]]
    assert kinds.to_list() == [[[0], [0, 0], [], [0], [1], [1]], [[0], [0], [1], [1]]]


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_the_dtype_stays(dtype):
    rows = np.arange(6, dtype=dtype).reshape(2, 3)
    ids, kinds = combine_segments([rows, rows], 7, 8)
    data, mask = pad_model_inputs(ids, 9, -1)
    assert {a.dtype for a in (ids.values, kinds.values, data, mask)} == {np.dtype(dtype)}
    assert data.tolist() == [[7, 0, 1, 2, 8, 0, 1, 2, 8], [7, 3, 4, 5, 8, 3, 4, 5, 8]]


@settings(deadline=None)
@given(rows=ROWS, width=st.integers(0, 9))
def test_padding_fills_and_cuts(rows, width):
    data, mask = pad_model_inputs(ragged(rows), width, 44)
    assert data.shape == mask.shape == (len(rows), width)
    for row, values, real in zip(rows, data.tolist(), mask.tolist(), strict=True):
        assert values == (row + [44] * width)[:width]
        assert real == ([1] * len(row) + [0] * width)[:width]


def test_padding_joins_deeper_levels_and_takes_a_single_row():
    data, _ = pad_model_inputs([[[1, 2], [3]], [[4]]], 3)
    assert data.tolist() == [[1, 2, 3], [4, 0, 0]]
    data, mask = pad_model_inputs([1, 2], 3)
    assert (data.tolist(), mask.tolist()) == ([1, 2, 0], [1, 1, 0])
    data, mask = pad_model_inputs(np.arange(8).reshape(2, 2, 2), 3)
    assert data.tolist() == [[0, 1, 2], [4, 5, 6]]


def test_a_trimmer_of_ones_own():
    class Last(Trimmer):
        def _allocate(self, lengths, most):
            return np.minimum(lengths, 1)

    assert Last(9).trim([[[1, 2], []]])[0].to_list() == [[1], []]


def test_gathering_puts_the_default_where_nothing_is():
    params = np.arange(12).reshape(2, 3, 2)
    found = gather_with_default(params, [[0, -1], [2, 1]], [-7, -8], axis=1)
    assert found.shape == (2, 2, 2, 2)
    assert found[1].tolist() == [[[6, 7], [-7, -8]], [[10, 11], [8, 9]]]
    assert gather_with_default(params, [-1], -1, axis=-1).tolist() == [[[-1]] * 3] * 2
    found = gather_with_default(Strings.of(["ä", "b"]), [-1, 0], "—")
    assert found.to_list() == ["—", "ä"]
    assert gather_with_default([1.5], [], 0).tolist() == []
