"""What features of text share, and one label for a text with every label's probability."""

from __future__ import annotations

from typing import Any

import msgspec
from numpy.typing import NDArray

from homebody.bundle import Bundle
from homebody.feature import Feature
from homebody.pipeline.texts import OffsetUnit, PreparedText, TextLike, TextPipeline, Token, read

TASK = "classify-text"


class TextClassification(msgspec.Struct, frozen=True):
    """What a text is about."""

    label: str
    """The most probable label."""
    confidence: float
    """Its probability, 0..1."""
    scores: dict[str, float]
    """Every label's probability, the greatest first; they sum to 1."""


class TextFeature(Feature):
    """A feature whose input is text: what tasks on text have in common.

    Args:
        bundle: an open, verified bundle. The feature closes it.
        threads: how many threads the model may use.

    Raises:
        ModelError: the model cannot run here.
        FeatureError: the input pipeline does not make the model's inputs out of text.
        VocabularyEntryError: a vocabulary is malformed.
    """

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        super().__init__(bundle, threads=threads)
        self._pipeline = TextPipeline(self.manifest.input, bundle)
        self._pipeline.require(self.manifest.model.inputs)

    def read(self, stored: NDArray[Any]) -> TextLike:
        """The text of a sample, which holds its UTF-8."""
        return read(stored)

    def prepare(self, given: TextLike) -> PreparedText:
        """Run the input pipeline on a text, or on the segments of one."""
        return self._pipeline.prepare(given)

    def tensors(self, prepared: PreparedText) -> dict[str, NDArray[Any]]:
        """The model's inputs by name, in the model's order."""
        return {one.name: prepared.tensors[one.name] for one in self.manifest.model.inputs}

    def tokens(self, text: TextLike, *, offsets: OffsetUnit = "char") -> list[Token]:
        """The pieces that a text is cut into, with the places where they stand.

        Args:
            text: a text, or its segments.
            offsets: what starts and ends count: ``"char"``, ``"byte"`` or ``"utf16"``.
        """
        return self._pipeline.tokens(text, offsets=offsets)


class TextClassifier(TextFeature):
    """A bundle of the task ``classify-text``.

    Example:
        >>> import homebody
        >>> feature = homebody.load("topics.hb")                          # doctest: +SKIP
        >>> found = feature("a chess program with a graphical board")     # doctest: +SKIP
        >>> found.label, found.confidence                                 # doctest: +SKIP
        ('games', 0.91)
        >>> [token.text for token in feature.tokens("chess programs")]    # doctest: +SKIP
        ['chess', 'program', '##s']
    """

    def __call__(  # type: ignore[override]  # its input is no photo
        self, text: TextLike, /
    ) -> TextClassification:
        """Label a text.

        Args:
            text: a str, its UTF-8, or the segments of one (a list of either).

        Raises:
            MalformedTextError: bytes are not UTF-8.
        """
        scores = self.scores(text)
        ranked = sorted(scores.items(), key=lambda item: -item[1])
        label, confidence = ranked[0]
        return TextClassification(label, confidence, dict(ranked))
