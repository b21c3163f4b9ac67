"""Labels of tokens: the kernels of ``kernels/text_labels.h``.

Every array is contiguous; what the kernels would refuse is refused by whoever calls these. The
interpreter's lock is released while a kernel runs.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels._library import INT, POINTER, bind, check
from homebody.kernels.texts import Spans

MAX_STATES, MAX_NODES = 32767, 32766
"""Most states of a sequence, and nodes of a graph."""

Offsets = NDArray[np.int32]
Splits = NDArray[np.int64]

_BROKEN = -3
_SIZE = ctypes.c_size_t


class _Sequences(ctypes.Structure):
    """``hb_sequences``."""

    _fields_ = (
        ("scores", POINTER), ("first", POINTER), ("splits", POINTER), ("weights", POINTER),
        ("allowed", POINTER), ("count", _SIZE), ("steps", ctypes.c_int64), ("states", INT),
        ("ends", INT), ("logarithms", INT), ("reserved", INT),
    )  # fmt: skip


class _Offsets(ctypes.Structure):
    """``hb_offsets``."""

    _fields_ = (("starts", POINTER), ("ends", POINTER), ("splits", POINTER))


_load = bind(
    {
        "hb_sequences_scratch": [POINTER],
        "hb_viterbi": [POINTER, POINTER, POINTER, _SIZE],
        "hb_greedy": [POINTER, POINTER, POINTER, _SIZE],
        "hb_boise_tags": [POINTER, POINTER, _SIZE, INT, POINTER],
        "hb_boise_spans": [POINTER, POINTER, _SIZE, *[POINTER] * 4],
        "hb_spanning_tree_scratch": [INT],
        "hb_spanning_tree": [POINTER, _SIZE, INT, INT, INT, *[POINTER] * 3, _SIZE],
    },
    {"hb_sequences_scratch": _SIZE, "hb_spanning_tree_scratch": _SIZE},
)


def _pointer(array: NDArray[Any] | None) -> int | None:
    return None if array is None else array.ctypes.data


def best_sequences(
    scores: NDArray[np.float32],
    first: Splits,
    splits: Splits,
    *,
    weights: NDArray[np.float32] | None = None,
    allowed: NDArray[np.bool_] | None = None,
    ends: bool = False,
    logarithms: bool = False,
    greedily: bool = False,
) -> NDArray[np.int32]:
    """The best sequence of states for each run of steps: ``hb_viterbi``, or ``hb_greedy``.

    Args:
        scores: float32 [steps, states], of all sequences.
        first: int64 [n]: the step at which each one begins.
        splits: int64 [n + 1], from 0: each one's length, and where its labels go.
        weights: float32 [k, k] of going from one state to another; k is ``states``, with ``ends``
            one more: the last is start and end.
        allowed: bool [k, k], likewise.
        ends: whether starting and ending are weighed.
        logarithms: scores add up, else they are multiplied.
        greedily: each step's best state rather than the sequence's.

    Returns:
        int32 [splits[-1]]: states, -1 where none is allowed.
    """
    library = _load()
    steps, states = scores.shape
    given = _Sequences(
        _pointer(scores), _pointer(first), _pointer(splits), _pointer(weights), _pointer(allowed),
        len(first), steps, states, ends, logarithms, 0,
    )  # fmt: skip
    length = library.hb_sequences_scratch(ctypes.byref(given))
    if length == 0:
        raise KernelError("the sequences' lengths or states are out of range; report this")
    scratch = np.empty((length + 1) // 2, np.uint64)
    labels = np.empty(int(splits[-1]), np.int32)
    run = library.hb_greedy if greedily else library.hb_viterbi
    status = run(ctypes.byref(given), labels.ctypes.data, scratch.ctypes.data, 2 * scratch.size)
    check(status, "sequences'")
    return labels


def boise_tags(
    tokens: tuple[Offsets, Offsets, Splits], spans: tuple[Offsets, Offsets, Splits], *, strict: bool
) -> NDArray[np.int64]:
    """Each token's tag: 4 x span + (0 begin, 1 inside, 2 end, 3 singleton), or -1.

    Args:
        tokens: starts, ends, and the splits of their rows.
        spans: likewise, in as many rows.
        strict: a token that only partly lies in a span is outside of it.
    """
    given = [_Offsets(*(array.ctypes.data for array in part)) for part in (tokens, spans)]
    tags = np.empty(len(tokens[0]), np.int64)
    status = _load().hb_boise_tags(
        *map(ctypes.byref, given), len(tokens[2]) - 1, strict, tags.ctypes.data
    )
    check(status, "tags'")
    return tags


def boise_spans(
    tags: Spans, splits: Splits
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Splits]:
    """What spans tags tell.

    Returns:
        For each span its first and its last token and the one whose tag has its type, and the
        splits of their rows.
    """
    first, last, kind = (np.empty(len(tags), np.int64) for _ in range(3))
    out = np.empty(len(splits), np.int64)
    status = _load().hb_boise_spans(
        tags.ctypes.data, splits.ctypes.data, len(splits) - 1, first.ctypes.data, last.ctypes.data,
        kind.ctypes.data, out.ctypes.data,
    )  # fmt: skip
    check(status, "spans'")
    count = int(out[-1])
    return first[:count], last[:count], kind[:count], out


def spanning_tree(
    scores: NDArray[np.float64], nodes: int, sources: NDArray[np.int32], *, forest: bool,
    narrow: bool,
) -> float | None:  # fmt: skip
    """The maximum spanning tree of one graph, or its forest.

    Args:
        scores: float64 [m, m]: row the arc's target, column its source; the diagonal the roots'.
        nodes: 1 to m and to :data:`MAX_NODES`: how many of the rows and columns count.
        sources: int32 [nodes], written: where each node's arc comes from; a root's is itself.
        narrow: round every number to 32 bits.

    Returns:
        The tree's score; None when there is no tree.
    """
    library = _load()
    scratch = np.empty(library.hb_spanning_tree_scratch(nodes), np.uint64)
    total = ctypes.c_double()
    status = library.hb_spanning_tree(
        scores.ctypes.data, scores.shape[1], nodes, forest, narrow, ctypes.byref(total),
        sources.ctypes.data, scratch.ctypes.data, scratch.size,
    )  # fmt: skip
    if status == _BROKEN:
        return None
    check(status, "spanning tree's")
    return total.value
