"""Text to a model's inputs.

The operations are those of :mod:`homebody.bundle.text_operations`; their arithmetic is
:mod:`homebody.text`, so that the ids which reach a model are the same on every platform.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody.bundle.manifest import TensorSpec
from homebody.bundle.operations import Operation, operation_name
from homebody.bundle.vocabulary import Entries
from homebody.errors import FeatureError, SamplesError
from homebody.pipeline._pieces import OffsetUnit as OffsetUnit
from homebody.pipeline._pieces import Passages, Pieces
from homebody.pipeline._text_steps import Tensors, step_of

TextLike: TypeAlias = str | bytes | Sequence[str | bytes]
"""A text, or the segments of one: a question and a passage."""

BETWEEN = b"\xff"
"""What stands between two segments of a sample; UTF-8 never holds this byte."""


class Token(msgspec.Struct, frozen=True):
    """One piece of a text."""

    text: str
    """The token; as the vocabulary has it, where that gave it an id."""
    id: int | None
    """Its number; None where no vocabulary was asked."""
    start: int
    """Where it starts in its segment, in the unit that was asked for."""
    end: int
    """Where it ends: the place after its last character."""
    segment: int = 0
    """Which of the text's segments it is of."""


class PreparedText(NamedTuple):
    """A text on its way into a model."""

    segments: tuple[str, ...]
    tensors: dict[str, NDArray[Any]]
    """By the name of the model's input, each [1, length]."""
    pieces: Pieces
    """The pieces that the ids stand for."""
    places: NDArray[np.int64]
    """Which piece stands at each place of the tensors, as far as they are filled; -1: none."""


class TextPipeline:
    """A bundle's input pipeline on text, its vocabularies read once.

    Args:
        operations: the manifest's ``input``.
        bundle: where the operations' vocabularies are: a bundle, or what gives entries' text.

    Raises:
        FeatureError: an operation stands where it cannot, or does not belong to text.
        VocabularyEntryError: a vocabulary is malformed.

    Example:
        >>> with bundles.open("topics.hb") as bundle:                     # doctest: +SKIP
        ...     pipeline = TextPipeline(bundle.manifest.input, bundle)
        >>> pipeline.prepare("a chess program").tensors["ids"].shape      # doctest: +SKIP
        (1, 64)
        >>> [one.text for one in pipeline.tokens("a chess program")]      # doctest: +SKIP
        ['a', 'chess', 'program']
    """

    def __init__(self, operations: Iterable[Operation], bundle: Entries) -> None:
        self._steps: list[tuple[str, Callable[[Any], Any]]] = [
            (operation_name(one), step_of(one, bundle)) for one in operations
        ]
        self._run(Passages.of([b""]))  # an operation out of its place shows with any text

    def prepare(self, text: TextLike) -> PreparedText:
        """The model's inputs for a text.

        Raises:
            FeatureError: the pipeline makes no tensors, or there are more segments than it takes.
            MalformedTextError: bytes are not UTF-8.
        """
        segments = encoded(text)
        value = self._run(Passages.of(segments))
        if not isinstance(value, Tensors):
            raise FeatureError("the input pipeline makes no tensors; end it with pad.v1")
        strings = tuple(one.decode() for one in segments)
        return PreparedText(strings, value.by_name, value.pieces, value.places)

    def tokens(self, text: TextLike, *, offsets: OffsetUnit = "char") -> list[Token]:
        """The pieces that a text is cut into, before they are put in a row for the model.

        Args:
            text: a text, or its segments.
            offsets: what starts and ends count: ``"char"`` (Python's str), ``"byte"`` of UTF-8 or
                ``"utf16"`` (JavaScript's strings).

        Raises:
            FeatureError: the pipeline does not cut text.
            MalformedTextError: bytes are not UTF-8.
        """
        pieces: Pieces | None = None
        value: Any = Passages.of(encoded(text))
        for _, step in self._steps:
            value = step(value)
            if isinstance(value, Pieces):
                pieces = value
        if pieces is None:
            raise FeatureError("the input pipeline makes no tokens; add whitespace.v1 to it")
        return [Token(*one) for one in pieces.described(offsets)]

    def require(self, inputs: Sequence[TensorSpec]) -> None:
        """Refuse a pipeline whose tensors are not the model's inputs.

        Raises:
            FeatureError: names, shapes or types differ.
        """
        made = self.prepare("").tensors
        found = {name: (tensor.shape, tensor.dtype.name) for name, tensor in made.items()}
        stated = {one.name: (one.shape, one.dtype) for one in inputs}
        if found != stated:
            raise FeatureError(
                f"the input pipeline makes {_shown(found)} and the model takes {_shown(stated)}; "
                "name them alike in pad.v1"
            )

    def _run(self, value: Any) -> Any:
        for name, step in self._steps:
            value = step(value)
            if value is None:
                raise FeatureError(
                    f"{name} stands where the input pipeline has not made what it takes; "
                    "put the operations in the order of docs/bundle-format.md"
                )
        return value


def encoded(text: TextLike) -> list[bytes]:
    """The segments of a text, each as UTF-8; a lone surrogate becomes U+FFFD.

    Raises:
        MalformedTextError: bytes are not UTF-8.
    """
    from homebody.text import Strings

    segments = [text] if isinstance(text, (str, bytes)) else list(text)
    return Strings.of(
        [one if isinstance(one, bytes) else one.encode(errors="surrogatepass") for one in segments],
        "error" if all(isinstance(one, bytes) for one in segments) else "replace",
    ).to_bytes_list()


def stored(text: TextLike) -> NDArray[np.uint8]:
    """A text as a sample holds it, uint8 [n]: see :func:`read`.

    >>> stored(["ab", "c"]).tolist()
    [97, 98, 255, 99]
    """
    return np.frombuffer(BETWEEN.join(encoded(text)), np.uint8)


def read(stored: NDArray[Any]) -> TextLike:
    """The text that a sample holds.

    Args:
        stored: uint8 [n], UTF-8; the byte FF stands between two segments.

    Raises:
        SamplesError: it is something else.
    """
    if stored.dtype != np.uint8 or stored.ndim != 1:
        raise SamplesError(
            f"a text sample is {stored.dtype}{list(stored.shape)}; give its UTF-8, uint8 [n]"
        )
    try:
        segments = [one.decode() for one in stored.tobytes().split(BETWEEN)]
    except UnicodeDecodeError:
        raise SamplesError("a text sample is not UTF-8; pack the bundle again") from None
    return segments if len(segments) > 1 else segments[0]


def _shown(tensors: Mapping[str, tuple[tuple[int, ...], str]]) -> str:
    return ", ".join(f"{name} {dtype}{list(shape)}" for name, (shape, dtype) in tensors.items())
