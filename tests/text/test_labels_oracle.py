"""Constrained sequences, tags, spans and trees against TF.Text's."""

from __future__ import annotations

import numpy as np
import pytest

from homebody import text
from homebody.errors import TextError

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
tf = pytest.importorskip("tensorflow")
tf_text = pytest.importorskip("tensorflow_text")

# No numbers so small or large that products are subnormal: TensorFlow takes those for 0.
HARD = [0.0, 1.0, 0.5, -0.0, np.inf, -np.inf, np.nan, -1e10, 1e10, -1.0]


def scores_of(rng: np.random.Generator, shape: tuple[int, ...], kind: int) -> np.ndarray:
    if kind == 0:
        return rng.random(shape, np.float32)
    if kind == 1:  # ties
        return rng.integers(0, 3, shape).astype(np.float32)
    if kind == 2:
        return rng.standard_normal(shape, np.float32) * 30
    scores = rng.random(shape, np.float32)
    hard = rng.random(shape) < 0.2
    scores[hard] = rng.choice(np.array(HARD, np.float32), int(hard.sum()))
    return scores


@pytest.mark.parametrize("name", ["viterbi_constrained_sequence", "greedy_constrained_sequence"])
@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("logarithms", [False, True])
@pytest.mark.parametrize("constraints", ["none", "allowed", "weights", "both"])
def test_sequences(name, ends, logarithms, constraints):
    rng = np.random.default_rng([ends, logarithms, len(constraints)])
    mine, theirs = getattr(text, name), getattr(tf_text, name)
    compared = 0
    for case in range(120):
        batch, steps, states = rng.integers(1, [5, 9, 20])
        scores = scores_of(rng, (batch, steps, states), case % 4)
        side = states + ends
        options = {"use_log_space": logarithms, "use_start_and_end_states": ends}
        if constraints in ("allowed", "both"):
            options["allowed_transitions"] = rng.random((side, side)) < rng.choice([0.3, 0.8])
        if constraints in ("weights", "both"):
            weights = scores_of(rng, (side, side), case // 4 % 4)
            weights = weights if logarithms else np.abs(np.where(np.isnan(weights), 0, weights))
            options["transition_weights"] = weights
        lengths = rng.integers(0, steps + 1, batch) if case % 3 else None
        expected = theirs(scores, sequence_length=lengths, **options)
        got = mine(scores, lengths, **options)
        assert got.values.dtype == np.int32
        assert got.to_list() == expected.to_list(), (scores, lengths, options)
        if lengths is not None:  # the same as rows of different lengths
            rows = [row[:length] for row, length in zip(scores, lengths, strict=True)]
            assert mine(rows, **options) == got
        compared += int(got.row_splits[-1])
    assert compared > 800


def test_sequences_with_many_states_and_steps():
    rng = np.random.default_rng(1)
    for states, steps in ((64, 300), (257, 20), (1, 5)):
        scores = rng.standard_normal((3, steps, states), np.float32)
        weights = rng.random((states, states), np.float32)
        for logarithms in (False, True):
            options = {
                "transition_weights": weights, "use_log_space": logarithms,
                "use_start_and_end_states": False,
            }  # fmt: skip
            expected = tf_text.viterbi_constrained_sequence(scores, **options)
            got = text.viterbi_constrained_sequence(scores, **options)
            assert got.to_list() == expected.to_list()


def ragged_offsets(rng: np.random.Generator, rows: int) -> tuple[list, list]:
    starts, ends = [], []
    for _ in range(rows):
        edges = np.sort(rng.integers(0, 25, 2 * rng.integers(0, 7)))
        starts.append(edges[::2].tolist())
        ends.append(edges[1::2].tolist())
    return starts, ends


@pytest.mark.parametrize("strict", [False, True])
def test_offsets_to_boise_tags(strict):
    rng = np.random.default_rng(2 + strict)
    seen = set()
    for _ in range(400):
        rows = int(rng.integers(1, 5))
        tokens, spans = ragged_offsets(rng, rows), ragged_offsets(rng, rows)
        types = [[f"type{rng.integers(3)}" for _ in row] for row in spans[0]]
        given = [text.Ragged.from_lists(part, np.int32) for part in (*tokens, *spans)]
        peers = [tf.ragged.constant(part, tf.int32, ragged_rank=1) for part in (*tokens, *spans)]
        kinds = tf.ragged.constant(types, tf.string, ragged_rank=1)
        expected = tf_text.offsets_to_boise_tags(*peers, kinds, use_strict_boundary_mode=strict)
        got = text.offsets_to_boise_tags(*given, types, use_strict_boundary_mode=strict)
        decoded = [[tag.decode() for tag in row] for row in expected.to_list()]
        assert got.to_list() == decoded, (tokens, spans)
        seen.update(tag[0] for row in decoded for tag in row)
    assert seen == set("BOISE")


def test_boise_tags_to_offsets():
    rng = np.random.default_rng(4)
    tags = [f"{letter}-{kind}" for letter in "BIESbO" for kind in ("a", "b", "a-b", "ä", "")]
    tags += ["O", "O", "Other", "X", "B", ""]
    for _ in range(500):
        rows = int(rng.integers(1, 5))
        starts, ends = ragged_offsets(rng, rows)
        given = [[tags[rng.integers(len(tags))] for _ in row] for row in starts]
        peers = [tf.ragged.constant(part, tf.int32, ragged_rank=1) for part in (starts, ends)]
        expected = tf_text.boise_tags_to_offsets(
            *peers, tf.ragged.constant(given, tf.string, ragged_rank=1)
        )
        got = text.boise_tags_to_offsets(starts, ends, given)
        assert got[0].to_list() == expected[0].to_list(), given
        assert got[1].to_list() == expected[1].to_list()
        assert got[2].to_list() == [[k.decode() for k in row] for row in expected[2].to_list()]


@pytest.mark.parametrize("contains", [False, True])
@pytest.mark.parametrize("contained_by", [False, True])
@pytest.mark.parametrize("partial", [False, True])
def test_spans(contains, contained_by, partial):
    rng = np.random.default_rng(5)
    options = {"contains": contains, "contained_by": contained_by, "partial_overlap": partial}
    for case in range(60):
        rows = int(rng.integers(1, 4))
        source, target = ragged_offsets(rng, rows), ragged_offsets(rng, rows)
        if not source[0][-1]:  # where the last row has no sources TF.Text raises
            source[0][-1], source[1][-1] = [3], [8]
        given = [text.Ragged.from_lists(part, np.int64) for part in (*source, *target)]
        peers = [part.to_tf() for part in given]
        peers[1::2] = [peers[i].with_values(given[i + 1].values) for i in (0, 2)]
        if case % 3 == 1:  # one row
            given = [part[0] for part in given]
            peers = [part[0] for part in peers]
        if case % 3 == 2:  # an axis more
            splits = tf.constant([0, 0, rows], tf.int64)
            given = [text.Ragged(part, [0, 0, rows]) for part in given]
            peers = [tf.RaggedTensor.from_row_splits(part, splits) for part in peers]
        expected = tf_text.span_overlaps(*peers, **options)
        got = text.span_overlaps(*given, **options)
        listed = expected.to_list() if hasattr(expected, "to_list") else expected.numpy().tolist()
        assert (got.to_list() if isinstance(got, text.Ragged) else got.tolist()) == listed
        for several in (False, True):
            expected = tf_text.span_alignment(*peers, **options, multivalent_result=several)
            got = text.span_alignment(*given, **options, multivalent_result=several)
            listed = (
                expected.to_list() if hasattr(expected, "to_list") else expected.numpy().tolist()
            )
            assert (got.to_list() if isinstance(got, text.Ragged) else got.tolist()) == listed


def test_spans_of_dense_batches():
    rng = np.random.default_rng(6)
    edges = np.sort(rng.integers(0, 30, (2, 3, 4, 2)))
    source, target = (edges[..., 0], edges[..., 1]), (edges[..., 0] // 2, edges[..., 1])
    got = text.span_alignment(*source, *target, partial_overlap=True, multivalent_result=True)
    expected = tf_text.span_alignment(
        *source, *target, partial_overlap=True, multivalent_result=True
    )
    assert got.to_list() == expected.to_list()
    got = text.span_overlaps(*source, *target, contained_by=True)
    assert (got == tf_text.span_overlaps(*source, *target, contained_by=True).numpy()).all()
    single = text.span_alignment(*source, *target, contained_by=True)
    expected = tf_text.span_alignment(*source, *target, contained_by=True)
    assert single.tolist() == expected.to_list()


@pytest.mark.parametrize("forest", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_spanning_trees(forest, dtype):
    rng = np.random.default_rng(7)
    for case in range(150):
        batch, most = rng.integers(1, [4, 12])
        if case % 2 or dtype == np.int32:
            scores = rng.integers(-5, 6, (batch, most, most)).astype(dtype)  # ties
        else:
            scores = (rng.standard_normal((batch, most, most)) * 10).astype(dtype)
        if case % 3 == 0 and dtype != np.int32:
            scores[rng.random(scores.shape) < 0.3] = rng.choice([np.nan, np.inf, -np.inf])
        nodes = rng.integers(1, most + 1, batch).astype(np.int32)
        try:
            total, sources = tf_text.max_spanning_tree(nodes, scores, forest=forest)
        except tf.errors.FailedPreconditionError:
            with pytest.raises(TextError, match="has no spanning"):
                text.max_spanning_tree(nodes, scores, forest)
            continue
        mine, my_sources = text.max_spanning_tree(nodes, scores, forest)
        assert mine.dtype == dtype
        assert np.array_equal(my_sources, sources.numpy()), scores
        assert np.array_equal(mine, total.numpy())


def test_spanning_trees_of_many_nodes():
    rng = np.random.default_rng(8)
    for dtype in (np.float32, np.float64):
        scores = rng.standard_normal((2, 120, 120)).astype(dtype)
        total, sources = tf_text.max_spanning_tree(np.array([120, 97]), scores)
        mine, my_sources = text.max_spanning_tree([120, 97], scores)
        assert np.array_equal(my_sources, sources.numpy())
        assert np.array_equal(mine, total.numpy())


def test_spanning_trees_gradient():
    rng = np.random.default_rng(9)
    scores, nodes = tf.constant(rng.standard_normal((3, 5, 5))), tf.constant([5, 3, 1])
    upstream = np.array([1.5, -2.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(scores)
        total, sources = tf_text.max_spanning_tree(nodes, scores)
    expected = tape.gradient(total, scores, upstream)
    got = text.max_spanning_tree_gradient(sources.numpy(), upstream)
    assert np.array_equal(got, expected.numpy())
