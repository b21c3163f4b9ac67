"""What tokenizers have in common: the forms in which their tokens are asked for."""

from __future__ import annotations

import abc
from typing import Any

from homebody.errors import TextError
from homebody.text._source import OFFSET_UNITS
from homebody.text._strings import Malformed

MALFORMED = ("replace", "ignore", "error")


class Splitter(abc.ABC):
    """Something that splits text.

    Args:
        offset_unit: what offsets count: ``"byte"`` of UTF-8, ``"char"`` (Python's str) or
            ``"utf16"`` (JavaScript's strings). They point into the text as it was given.
        malformed: what becomes of bytes that are not UTF-8: ``"replace"`` by U+FFFD, one for each
            maximal subpart; ``"ignore"``: they are left out; ``"error"``.
        compat: ``"tf_text"`` gives TF.Text 2.21's results where ours differ on purpose.

    Raises:
        TextError: an argument is none of these.
    """

    def __init__(
        self,
        *,
        offset_unit: str = "byte",
        malformed: Malformed = "replace",
        compat: str | None = None,
    ) -> None:
        for name, value, allowed in (
            ("offset_unit", offset_unit, OFFSET_UNITS),
            ("malformed", malformed, MALFORMED),
            ("compat", compat, (None, "tf_text")),
        ):
            if value not in allowed:
                raise TextError(f"{name} is {value!r}; give one of {', '.join(map(str, allowed))}")
        self._unit = offset_unit
        self._malformed: Malformed = malformed
        self._tf_text = compat is not None

    @abc.abstractmethod
    def split_with_offsets(self, input: Any) -> tuple[Any, Any, Any]:
        """The tokens of each string, and where they start and end.

        Args:
            input: a str or bytes, or strings in any form that the module names, nested or not.

        Returns:
            Tokens, starts and ends. Of a single string arrays (or Strings) [tokens], of several a
            Ragged [strings, tokens], nested deeper as the input is. Offsets are int32; a token's
            end is where the next character would start.

        Raises:
            MalformedTextError: with ``malformed="error"``, a string is not UTF-8.
            TextError: the input is no text.
        """

    def split(self, input: Any) -> Any:
        """The tokens of each string, as :meth:`split_with_offsets` gives them."""
        return self.split_with_offsets(input)[0]


class Tokenizer(Splitter):
    """A splitter whose parts are called tokens."""

    @abc.abstractmethod
    def tokenize_with_offsets(self, input: Any) -> tuple[Any, Any, Any]:
        """The tokens of each string, as :meth:`Splitter.split_with_offsets` describes them."""

    def tokenize(self, input: Any) -> Any:
        """The tokens of each string, as :meth:`tokenize_with_offsets` gives them."""
        return self.tokenize_with_offsets(input)[0]

    def split_with_offsets(self, input: Any) -> tuple[Any, Any, Any]:
        """The same as :meth:`tokenize_with_offsets`."""
        return self.tokenize_with_offsets(input)

    def split(self, input: Any) -> Any:
        """The same as :meth:`tokenize`."""
        return self.tokenize(input)
