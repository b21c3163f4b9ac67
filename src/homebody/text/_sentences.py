"""Text split into sentences."""

from __future__ import annotations

from typing import Any

from homebody.kernels import splitting, texts
from homebody.text._source import Source
from homebody.text._strings import Malformed, Strings
from homebody.text._tokenizer import Splitter
from homebody.text._unicode import tables


class StateBasedSentenceBreaker(Splitter):
    """Splits text into sentences by a small state machine.

    A sentence begins at what is no white space. What may end it is terminal punctuation (Unicode's
    Sentence_Break ATerm and STerm, and an ellipsis), an acronym with full stops, or an emoticon.
    More terminal punctuation and emoticons that follow at once belong to it, then closing brackets;
    anything else, white space included, does not. The text's last sentence reaches to its end.

    Nothing is known of abbreviations: "Dr. Who" are two sentences.

    Args:
        offset_unit, malformed: see :class:`Splitter`.
        compat: ``"tf_text"``: of white space of several bytes (U+3000, say) only the first byte is
            skipped, so that the sentence after it begins within a character, as TF.Text 2.21 has
            it.

    Example:
        >>> breaker = StateBasedSentenceBreaker()
        >>> breaker.break_sentences(["Hello...foo bar", "Welcome to the U.S. Ready? (Go!) "])
        Ragged([['Hello...', 'foo bar'], ['Welcome to the U.S.', 'Ready?', '(Go!)']])
        >>> text, starts, ends = breaker.break_sentences_with_offsets("Hi :-) you.")
        >>> text, starts.tolist(), ends.tolist()
        (Strings(['Hi :-)', 'you.']), [0, 7], [6, 11])
    """

    def __init__(
        self,
        *,
        offset_unit: str = "byte",
        malformed: Malformed = "replace",
        compat: str | None = None,
    ) -> None:
        super().__init__(offset_unit=offset_unit, malformed=malformed, compat=compat)

    def break_sentences(self, doc: Any) -> Any:
        """The sentences of each text; see :meth:`break_sentences_with_offsets`."""
        return self.break_sentences_with_offsets(doc)[0]

    def break_sentences_with_offsets(self, doc: Any) -> tuple[Any, Any, Any]:
        """The sentences of each text, and where they start and end.

        Args:
            doc: a str or bytes, or strings in any form that the module names, nested or not.

        Returns:
            Sentences, starts and ends. Of a single text Strings and arrays [sentences], of several
            a Ragged [texts, sentences], nested deeper as the input is. Offsets are int32.

        Raises:
            MalformedTextError: with ``malformed="error"``, a text is not UTF-8.
            TextError: the input is no text.
        """
        source = Source(doc, self._malformed)
        splits, starts, ends = splitting.sentences(
            source.spans, tables().address, tf_text=self._tf_text
        )
        if self._tf_text:  # their bytes as they are, UTF-8 or not
            sentences = Strings._made(*texts.gather(source.spans, splits, starts, ends))
        else:
            sentences = source.cut(splits, starts, ends)
        source.place(splits, starts, ends, self._unit)
        sentences, starts, ends = (source.shaped(v, splits) for v in (sentences, starts, ends))
        return sentences, starts, ends

    def split_with_offsets(self, input: Any) -> tuple[Any, Any, Any]:
        """The same as :meth:`break_sentences_with_offsets`."""
        return self.break_sentences_with_offsets(input)
