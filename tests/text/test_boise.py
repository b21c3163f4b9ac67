"""Tags of tokens against definitions that look at one token and at one row of letters."""

from __future__ import annotations

import itertools
import random
import re

import numpy as np
import pytest

from homebody.errors import KernelError
from homebody.kernels import labels
from homebody.text import Strings

BEGIN, INSIDE, END, SINGLE, OUTSIDE = 0, 1, 2, 3, -1
Spans = list[tuple[int, int]]


def tag_of(token: tuple[int, int], spans: Spans, strict: bool) -> int:
    """A token's tag, by the spans that it shares something with."""
    start, end = token
    tag = OUTSIDE
    for number, (first, limit) in enumerate(spans):
        if end <= first or limit <= start:
            continue
        if token == (first, limit):
            return 4 * number + SINGLE
        if first <= start and end < limit and start != first:
            return 4 * number + INSIDE
        if end <= limit and start <= first:  # it begins the span, or before it
            return tag if strict and start != first else 4 * number + BEGIN
        if start >= first:  # it ends the span, or after it
            if strict and end != limit:
                return tag
            tag = 4 * number + END
        else:
            tag = 4 * number + BEGIN
    return tag


def parts(rows: list[Spans]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts, ends and splits of rows."""
    flat = [span for row in rows for span in row]
    starts, ends = (np.array([span[i] for span in flat], np.int32) for i in (0, 1))
    return starts, ends, np.cumsum([0, *map(len, rows)], dtype=np.int64)


def ascending(most: int, count: int) -> list[Spans]:
    """All rows of up to `count` spans, in order and apart, from 0 to `most`."""
    edges = itertools.combinations_with_replacement(range(most + 1), 2 * count)
    pairs = ({(e[i], e[i + 1]) for i in range(0, len(e), 2) if e[i] < e[i + 1]} for e in edges)
    return sorted({tuple(sorted(row)) for row in pairs})


@pytest.mark.parametrize("strict", [False, True])
def test_every_token_beside_every_two_spans(strict):
    single = [(a, b) for a in range(7) for b in range(a + 1, 7)]
    cases = [([token], list(spans)) for token in single for spans in ascending(6, 2)]
    chance = random.Random(4)
    for spans in ascending(6, 2) * 2:  # several tokens: the spans are read on from where they were
        cuts = sorted(chance.sample(range(9), 6))
        cases.append((list(zip(cuts[::2], cuts[1::2], strict=True)), list(spans)))
    tokens, spans = parts([c[0] for c in cases]), parts([c[1] for c in cases])
    expected = []
    for i, (row, beside) in enumerate(cases):
        tags = (tag_of(token, beside, strict) for token in row)
        expected += [tag if tag < 0 else tag + 4 * int(spans[2][i]) for tag in tags]
    assert labels.boise_tags(tokens, spans, strict=strict).tolist() == expected
    kinds = {tag & 3 for tag in expected if tag >= 0}
    assert len(expected) > 2000
    assert kinds == {BEGIN, INSIDE, END, SINGLE}


def test_a_span_that_is_a_token_is_told_once():
    tokens, spans = parts([[(0, 2), (0, 2), (2, 3)]]), parts([[(0, 2), (2, 4)]])
    told = labels.boise_tags(tokens, spans, strict=False)
    assert told.tolist() == [SINGLE, OUTSIDE, 4 + BEGIN]


LETTERS = {
    "B-a": "B", "I-b": "I", "E-c": "E", "S-": "S", "O": "O", "Ox": "O",
    "": "x", "B": "x", "-": "x", "BB-a": "x", "Z-a": "x",
}  # fmt: skip


def test_every_row_of_four_tags():
    """A span is what a regular expression says of the row's letters."""
    rows = [row for n in range(4) for row in itertools.product(LETTERS, repeat=n)]
    rows += random.Random(5).choices(list(itertools.product(LETTERS, repeat=4)), k=3000)
    tags = Strings.of([tag for row in rows for tag in row])
    splits = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    expected, counts = [], [0]
    for row, begin in zip(rows, splits[:-1].tolist(), strict=True):
        letters = "".join(LETTERS[tag] for tag in row)
        for span in re.finditer("[BI][BIx]*[ES]?|[ES]", letters):
            typed = max(i for i in range(*span.span()) if letters[i] != "x")
            expected.append((begin + span.start(), begin + span.end() - 1, begin + typed))
        counts.append(len(expected))
    first, last, typed, out = labels.boise_spans(tags.spans(), splits)
    assert list(zip(first.tolist(), last.tolist(), typed.tolist(), strict=True)) == expected
    assert out.tolist() == counts


@pytest.mark.parametrize("bad", [[1, 2, 2], [0, -1, 2], [0, 2, 1]])
def test_rows_that_are_none_are_refused(bad):
    good, broken = parts([[(0, 1)], [(1, 2)]]), np.array(bad, np.int64)
    for tokens, spans in (((*good[:2], broken), good), (good, (*good[:2], broken))):
        with pytest.raises(KernelError, match="status -1"):
            labels.boise_tags(tokens, spans, strict=False)
    with pytest.raises(KernelError, match="status -1"):
        labels.boise_spans(Strings.of(["O", "O"]).spans(), broken)
