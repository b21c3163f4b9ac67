"""Labelled parts of a text: names, places, dates."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from homebody.features.text.feature import TextFeature
from homebody.pipeline.tags import TextSpan, spans
from homebody.pipeline.texts import OffsetUnit, PreparedText, TextLike


class TextTagger(TextFeature):
    """A bundle of the task ``tag-text``.

    Its model gives scores [1, length, labels], one row for each id; its output pipeline ends in
    ``labels.v1`` and ``boise_tags.v1``, with ``viterbi.v1`` or ``greedy.v1`` before them where
    not every label may follow every other.

    Example:
        >>> import homebody
        >>> feature = homebody.load("names.hb")                           # doctest: +SKIP
        >>> feature("Ada Lovelace lived in London")                       # doctest: +SKIP
        [TextSpan(label='person', start=0, end=12, segment=0), ...]
    """

    def finish(  # type: ignore[override]  # spans in place of scores
        self,
        outputs: tuple[NDArray[Any], ...],
        prepared: PreparedText,
        offsets: OffsetUnit = "char",
    ) -> list[TextSpan]:
        """Run the output pipeline: labelled spans of the text, in its order."""
        return spans(outputs[0], self.manifest.output, self.bundle, prepared, offsets=offsets)

    def answer(self, scores: Any) -> Any:
        """What the samples' answers hold: each span's label, start, end (characters), segment."""
        return [[one.label, one.start, one.end, one.segment] for one in scores]

    def __call__(  # type: ignore[override]  # its input is no photo
        self, text: TextLike, /, *, offsets: OffsetUnit = "char"
    ) -> list[TextSpan]:
        """The labelled spans of a text.

        Args:
            text: a str, its UTF-8, or the segments of one (a list of either).
            offsets: what starts and ends count: ``"char"``, ``"byte"`` or ``"utf16"``.

        Raises:
            MalformedTextError: bytes are not UTF-8.
        """
        prepared = self.prepare(text)
        return self.finish(self.infer(prepared), prepared, offsets)
