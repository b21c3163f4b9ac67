"""A model's output to spans of a text: one label for each piece, joined by BOISE tags."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody import text as texts
from homebody.bundle import Bundle
from homebody.bundle.operations import Labels, Operation
from homebody.bundle.text_operations import BoiseTags, Greedy, Viterbi
from homebody.errors import FeatureError, ManifestValueError
from homebody.pipeline._misplaced import misplaced
from homebody.pipeline._pieces import OffsetUnit
from homebody.pipeline.texts import PreparedText
from homebody.text import Ragged, Strings


class TextSpan(msgspec.Struct, frozen=True):
    """A part of a text that has a label."""

    label: str
    start: int
    """Where it starts in its segment, in the unit that was asked for."""
    end: int
    """Where it ends: the place after its last character."""
    segment: int = 0


class Transitions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which label may follow which: [labels + 1, labels + 1]; the last are beginning and end."""

    format: Literal["homebody.transitions/1"]
    allowed: Annotated[
        tuple[Annotated[tuple[bool, ...], msgspec.Meta(max_length=1025)], ...],
        msgspec.Meta(min_length=2, max_length=1025),
    ]


def read_transitions(bundle: Bundle, entry: str, labels: int) -> NDArray[np.bool_]:
    """Decode the entry of ``viterbi.v1`` and ``greedy.v1``: bool [labels + 1, labels + 1].

    Raises:
        ManifestValueError: it is malformed, or not of as many labels.
    """
    try:
        allowed = msgspec.convert(bundle.json(entry), Transitions).allowed
    except msgspec.ValidationError as error:
        raise ManifestValueError(
            f"{entry} is no homebody.transitions/1 matrix: {error}; see docs/bundle-format.md"
        ) from None
    if len(allowed) != labels + 1 or any(len(row) != labels + 1 for row in allowed):
        raise ManifestValueError(
            f"{entry} is not {labels + 1} rows of {labels + 1}; the model has {labels} labels, "
            "and one row and column more are for beginning and end"
        )
    return np.array(allowed, np.bool_)


def spans(
    scores: NDArray[Any],
    operations: Iterable[Operation],
    bundle: Bundle,
    prepared: PreparedText,
    *,
    offsets: OffsetUnit = "char",
) -> list[TextSpan]:
    """Run an output pipeline that ends in ``boise_tags.v1``.

    Args:
        scores: the model's first output, float [1, length, labels].
        operations: the manifest's ``output``.
        bundle: where the operations' entries are.
        prepared: the text that the model was given.
        offsets: what starts and ends count.

    Raises:
        FeatureError: an operation is misplaced, or the pipeline ends without spans.
        ManifestValueError: an entry does not fit the model's output.
    """
    there = np.flatnonzero(prepared.places >= 0)
    pieces = prepared.places[there]
    # Pieces that did not fit the model have no scores; those of a passage are a sequence.
    splits = np.searchsorted(pieces, prepared.pieces.splits)
    values = np.asarray(scores, np.float32)[0][there]
    best = values.argmax(axis=1)
    tags: list[str] | None = None
    for operation in operations:
        match operation:
            case Viterbi():
                best = _best(texts.viterbi_constrained_sequence, values, splits, bundle, operation)
            case Greedy():
                best = _best(texts.greedy_constrained_sequence, values, splits, bundle, operation)
            case Labels():
                names = bundle.text(operation.entry).splitlines()
                if len(names) != values.shape[1]:
                    raise ManifestValueError(
                        f"{operation.entry} has {len(names)} lines for {values.shape[1]} labels; "
                        "give one line for each"
                    )
                tags = [names[number] if number >= 0 else "O" for number in best]
            case BoiseTags() if tags is not None:
                return _joined(tags, pieces, splits, prepared, offsets)
            case _:
                raise misplaced(operation, "output")
    raise FeatureError("the output pipeline ends without spans; end it with boise_tags.v1")


def _best(
    method: Callable[..., Ragged],
    values: NDArray[np.float32],
    splits: NDArray[np.intp],
    bundle: Bundle,
    operation: Viterbi | Greedy,
) -> NDArray[Any]:
    allowed = read_transitions(bundle, operation.entry, values.shape[1])
    rows = Ragged(values, splits.astype(np.int64))
    found = method(
        rows, allowed_transitions=allowed, use_log_space=True, use_start_and_end_states=True
    )
    return np.asarray(found.flat_values)


def _joined(
    tags: list[str],
    pieces: NDArray[np.int64],
    splits: NDArray[np.intp],
    prepared: PreparedText,
    offsets: OffsetUnit,
) -> list[TextSpan]:
    described = list(prepared.pieces.described(offsets))
    found = []
    for first, last in pairwise(splits.tolist()):
        if first == last:
            continue
        places = [described[piece] for piece in pieces[first:last]]
        starts = np.array([place[2] for place in places], np.int32)
        ends = np.array([place[3] for place in places], np.int32)
        begun, ended, kinds = texts.boise_tags_to_offsets(
            starts, ends, Strings.of(tags[first:last])
        )
        assert isinstance(kinds, Strings)
        found += [
            TextSpan(label, int(start), int(end), places[0][4])
            for label, start, end in zip(kinds.to_list(), begun, ended, strict=True)
        ]
    return found
