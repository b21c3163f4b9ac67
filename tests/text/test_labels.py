"""Constrained sequences, tags, spans and trees against exhaustive search and the definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody import text
from homebody.errors import RaggedError, TextError
from homebody.text import Ragged


def value(scores, path, allowed, weights, ends, logarithms) -> float:
    """What a path comes to, in float64; -inf or 0 where it is not allowed."""
    if not path:
        return 0.0
    states = scores.shape[1]
    route = [*([states] if ends else []), *path, *([states] if ends else [])]
    if any(not allowed[pair] for pair in itertools.pairwise(route)):
        return -np.inf
    parts = [float(scores[step, state]) for step, state in enumerate(path)]
    parts += [float(weights[pair]) for pair in itertools.pairwise(route)]
    return sum(parts) if logarithms else float(np.prod(parts))


@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("logarithms", [False, True])
def test_viterbi_finds_the_best_of_all_paths(ends, logarithms):
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(60):
        steps, states = rng.integers(1, 5, 2)
        side = states + ends
        scores, weights = rng.random((steps, states)), rng.random((side, side))
        allowed = rng.random((side, side)) < 0.7
        best = max(
            value(scores, path, allowed, weights, ends, logarithms)
            for path in itertools.product(range(states), repeat=int(steps))
        )
        (path,) = text.viterbi_constrained_sequence(
            scores, None, allowed, weights, logarithms, ends
        ).to_list()
        if best == -np.inf:
            assert path == [-1] * steps
        else:
            found += 1
            reached = value(scores, path, allowed, weights, ends, logarithms)
            assert reached == pytest.approx(best, rel=1e-5)
    assert found > 20


def test_greedy_takes_each_steps_best():
    scores = [[0.1, 0.9, 0.3], [0.5, 0.8, 0.4], [0.2, 0.1, 0.7]]
    allowed = np.ones((4, 4), bool)
    allowed[1, 1] = allowed[2, 3] = False  # no 1 after 1, no end at 2
    plain = text.greedy_constrained_sequence(scores)
    bound = text.greedy_constrained_sequence(scores, None, allowed, None, False, True)
    assert plain.to_list() == [[1, 1, 2]]
    assert bound.to_list() == [[1, 0, 0]]


def test_sequences_that_are_not_allowed():
    scores = np.ones((2, 3, 2), np.float32)
    nothing = np.zeros((3, 3), bool)
    assert text.viterbi_constrained_sequence(scores, None, nothing).to_list() == [[-1] * 3] * 2
    after = np.array([[True, True], [True, True]])
    scores[0, 1] = np.nan  # nothing is at least that
    for decode in (text.viterbi_constrained_sequence, text.greedy_constrained_sequence):
        got = decode(scores, [3, 2], after, use_start_and_end_states=False).to_list()
        assert got[1] == [1, 1]
        assert got[0][1:] == [-1, -1]


def test_the_later_of_two_equal_states_is_taken():
    """As TF.Text takes it; these are its answers, as of version 2.21.1."""
    nan, inf = np.nan, np.inf
    for scores, best, greedy in (
        ([[1, 1, 1], [1, 1, 1]], [2, 2], [2, 2]),
        ([[nan, 1, 2], [1, 1, 1]], [2, 2], [2, 2]),
        ([[1, nan, 2], [3, 3, 1]], [2, 1], [2, 1]),
        ([[inf, 1, 2], [1, 2, 1]], [2, 2], [0, 1]),
        ([[-inf, -inf], [1, 1]], [-1, -1], [-1, -1]),
    ):
        plain = {"use_start_and_end_states": False}
        assert text.viterbi_constrained_sequence([scores], **plain).to_list() == [best]
        assert text.greedy_constrained_sequence([scores], **plain).to_list() == [greedy]


def test_trees_of_equal_scores_are_tf_texts():
    for forest in (False, True):
        assert text.max_spanning_tree([4], np.zeros((1, 4, 4)), forest)[1].tolist() == [[3] * 4]
    scores = np.array([[[0, 3, 3, 3], [3, 0, 3, 3], [3, 3, 0, 3], [1, 1, 3, 0]]], np.float64)
    assert text.max_spanning_tree([4], scores)[1].tolist() == [[3, 3, 3, 3]]


def test_sequences_of_different_lengths_alike():
    rng = np.random.default_rng(2)
    scores = rng.random((3, 4, 5), np.float32)
    expected = text.viterbi_constrained_sequence(scores, [2, 0, 4])
    rows = [scores[0, :2], scores[1, :0], scores[2]]
    nested = [row.tolist() for row in rows]
    ragged = Ragged.from_row_lengths(np.concatenate(rows), [2, 0, 4])
    for form in (rows, nested, ragged):
        assert text.viterbi_constrained_sequence(form) == expected
    assert expected.row_lengths().tolist() == [2, 0, 4]
    empty = text.viterbi_constrained_sequence(np.empty((0, 3, 4), np.float32))
    assert (len(empty), empty.values.dtype) == (0, np.int32)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"scores": [1.0, 2.0]}, "give \\[sequences, steps, states\\]"),
        ({"scores": np.zeros((1, 2, 0))}, "0 states"),
        ({"scores": ["a"]}, "text"),
        ({"scores": np.zeros((1, 2, 2), complex)}, "complex128; give float32"),
        ({"sequence_length": [1]}, "give whole numbers \\[2\\]"),
        ({"sequence_length": [1, 4]}, "the scores have 3 steps"),
        ({"sequence_length": [-1, 1]}, "-1 to 1"),
        ({"transition_weights": np.ones((2, 2))}, "give \\[3, 3\\]"),
        ({"allowed_transitions": [[True], [True, False]]}, "different lengths"),
        ({"transition_weights": -np.ones((3, 3))}, "negative"),
        ({"transition_weights": np.full((3, 3), np.nan)}, "negative or NaN"),
    ],
)
def test_sequences_refuse(arguments, said):
    with pytest.raises(TextError, match=said):
        text.viterbi_constrained_sequence(**{"scores": np.ones((2, 3, 2), np.float32), **arguments})


def test_ragged_states_are_refused():
    with pytest.raises(RaggedError, match="last axis is ragged"):
        text.viterbi_constrained_sequence([[[1.0, 2.0], [1.0]]])


def test_boise_tags_of_the_ways_to_overlap():
    tokens = ([0, 4, 8, 12, 17], [3, 7, 11, 16, 20])
    tags = text.offsets_to_boise_tags(*tokens, [4, 17], [16, 20], ["x", "y"])
    assert tags == ["O", "B-x", "I-x", "E-x", "S-y"]
    for strict, tag in ((False, "B-x"), (True, "O")):  # the span begins within a token
        tags = text.offsets_to_boise_tags(*tokens, [5], [16], ["x"], strict)
        assert tags == ["O", tag, "I-x", "E-x", "O"]
    assert text.offsets_to_boise_tags([0], [12], [0, 6], [5, 12], ["p", "l"]) == ["B-l"]
    assert text.offsets_to_boise_tags([], [], [], [], []) == []


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_tags_tell_spans_that_are_whole_tokens(data):
    """Spans made of whole tokens come back from their tags."""
    edges = np.cumsum(data.draw(st.lists(st.integers(1, 5), min_size=0, max_size=24)))
    starts, ends = edges[:-1:2].tolist(), edges[1::2].tolist()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(ends)), max_size=6)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    spans = ([starts[a] for a, _ in pairs], [ends[b - 1] for _, b in pairs])
    types = [data.draw(st.sampled_from(["a", "b-c", "語", ""])) for _ in pairs]
    tags = text.offsets_to_boise_tags(starts, ends, *spans, types)
    got = text.boise_tags_to_offsets(starts, ends, tags)
    assert (got[0].tolist(), got[1].tolist(), got[2].to_list()) == (*spans, types)


def test_spans_of_tags_that_break_off():
    tags = [["I-a", "I-b", "O", "E-c", "B-d", "X", "S-e", "B-f"]]
    starts, ends = [list(range(0, 80, 10))], [list(range(5, 85, 10))]
    begins, limits, types = text.boise_tags_to_offsets(starts, ends, tags)
    assert begins.to_list() == [[0, 30, 40, 70]]
    assert limits.to_list() == [[15, 35, 65, 75]]
    assert types.to_list() == [["b", "c", "e", "f"]]
    deep = Ragged(Ragged.from_lists(starts, np.int32), [0, 0, 1])
    rows = text.boise_tags_to_offsets(deep, deep, Ragged(Ragged.from_lists(tags), [0, 0, 1]))
    assert rows[2].to_list() == [[], [["b", "c", "e", "f"]]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([0], [1, 2], [], [], []), "token_begin_offsets and token_end_offsets"),
        (([0], [1], [0], [1], []), "span_begin_offsets and span_type"),
        (([[0]], [[1]], [[0], [1]], [[1], [2]], [["a"], ["b"]]), "1 rows of tokens and 2 of spans"),
        (([0.5], [1], [], [], []), "give whole numbers"),
        (([2**31], [1], [], [], []), "32 bits"),
        (([0], [1], [0], [1], [3]), "give text"),
    ],
)
def test_boise_refuses(arguments, said):
    with pytest.raises(TextError, match=said):
        text.offsets_to_boise_tags(*arguments)


spans = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)).map(sorted), max_size=6)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(spans, spans), max_size=4), st.tuples(*[st.booleans()] * 3))
def test_overlaps_are_as_defined(rows, choice):
    contains, contained_by, partial = choice

    def overlap(a, b):
        return (
            a == b
            or (contains and a[0] <= b[0] and b[1] <= a[1])
            or (contained_by and b[0] <= a[0] and a[1] <= b[1])
        )

    def common(a, b):
        return (a[0] <= b[0] < a[1]) or (b[0] <= a[0] < b[1])

    decide = common if partial else overlap
    expected = [[[decide(a, b) for b in target] for a in source] for source, target in rows]
    parts = [
        Ragged.from_row_lengths(
            np.array([span[end] for row in rows for span in row[side]], np.int64),
            [len(row[side]) for row in rows],
        )
        for side, end in itertools.product((0, 1), (0, 1))
    ]
    assert text.span_overlaps(*parts, *choice).to_list() == expected
    several = text.span_alignment(*parts, *choice, multivalent_result=True).to_list()
    assert several == [[list(np.flatnonzero(one)) for one in row] for row in expected]
    last = text.span_alignment(*parts, *choice).to_list()
    assert last == [[one[-1] if one else -1 for one in row] for row in several]
    for i, row in enumerate(expected):  # a row as arrays
        alone = [part[i] for part in parts]
        assert text.span_overlaps(*alone, *choice).tolist() == row
        assert text.span_alignment(*alone, *choice).tolist() == last[i]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([0], [1, 2], [0], [1]), "source_start and source_limit"),
        (([[0]], [[1]], [[0], [1]], [[1], [2]]), "sources and targets"),
        (([0], [1], [[0]], [[1]]), "1, 1, 2, 2 axes"),
        (([0.5], [1.0], [0], [1]), "give whole numbers"),
        ((["a"], ["b"], [0], [1]), "source_start is text"),
    ],
)
def test_spans_refuse(arguments, said):
    with pytest.raises(TextError, match=said):
        text.span_overlaps(*arguments)


def tree_scores(scores, forest):
    """Every tree's total, by trying all sources of all nodes."""
    n = len(scores)
    for sources in itertools.product(range(n), repeat=n):
        roots = sum(source == node for node, source in enumerate(sources))
        if (roots == 0) if forest else (roots != 1):
            continue
        total = sum(scores[node, source] for node, source in enumerate(sources))
        reached = [node for node, source in enumerate(sources) if source == node]
        for node in reached:
            reached += [k for k, s in enumerate(sources) if s == node and k != node]
        if len(reached) == n and np.isfinite(total):
            yield total


@pytest.mark.parametrize("forest", [False, True])
def test_trees_are_the_best_of_all(forest):
    rng = np.random.default_rng(3)
    refused = 0
    for case in range(80):
        n = int(rng.integers(1, 6))
        scores = rng.integers(-9, 10, (n, n)).astype(float)
        if case % 2:
            scores[rng.random((n, n)) < 0.4] = -np.inf
        best = max(tree_scores(scores, forest), default=None)
        padded = np.full((1, n + 2, n + 2), 99.0)
        padded[0, :n, :n] = scores
        if best is None:
            refused += 1
            with pytest.raises(TextError, match="graph 0 has no spanning"):
                text.max_spanning_tree([n], padded, forest)
            continue
        total, sources = text.max_spanning_tree([n], padded, forest)
        assert total[0] == best
        assert sources[0, n:].tolist() == [-1, -1]
        assert scores[np.arange(n), sources[0, :n]].sum() == best
        gradient = text.max_spanning_tree_gradient(sources, [2.0])
        assert (gradient * np.where(np.isfinite(padded), padded, 0)).sum() == 2 * best
    assert refused > 3


def test_trees_keep_the_scores_type():
    for dtype in (np.float32, np.float64, np.int32):
        scores = np.array([[[0, 5], [9, 0]]], dtype)
        total, sources = text.max_spanning_tree([2], scores)
        assert (total.dtype, sources.dtype) == (dtype, np.int32)
        assert (total.tolist(), sources.tolist()) == ([9], [[0, 0]])


@pytest.mark.parametrize(
    ("nodes", "scores", "said"),
    [
        ([2], np.zeros((1, 2, 3)), "give \\[graphs, nodes, nodes\\]"),
        ([1, 1], np.zeros((1, 2, 2)), "give whole numbers \\[1\\]"),
        ([0], np.zeros((1, 2, 2)), "give 1 to 2"),
        ([3], np.zeros((1, 2, 2)), "give 1 to 2"),
        ([2], np.zeros((1, 2, 2), complex), "give float32"),
    ],
)
def test_trees_refuse(nodes, scores, said):
    with pytest.raises(TextError, match=said):
        text.max_spanning_tree(nodes, scores)
    with pytest.raises(TextError, match="argmax_sources"):
        text.max_spanning_tree_gradient([[0]], [1.0, 2.0])
