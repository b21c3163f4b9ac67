"""SentencePiece models (unigram and BPE), read and run by the ``sentencepiece`` library."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import MissingExtraError, TextError, VocabularyError
from homebody.kernels import texts
from homebody.text._ids import checked, texts_of
from homebody.text._items import as_ragged
from homebody.text._ragged import Ragged
from homebody.text._random import PIECING, checked_seed, drawn
from homebody.text._sentencepiece_model import check_model
from homebody.text._source import Source
from homebody.text._strings import Malformed, Strings
from homebody.text._tokenizer import Tokenizer
from homebody.text._wordpiece import out_type as checked_out_type


class SentencepieceTokenizer(Tokenizer):
    """Splits text into the pieces of a SentencePiece model.

    The work is the ``sentencepiece`` library's, one string after another; ``pip install
    'homebody[text]'`` brings it. The model is checked before the library reads it.

    Args:
        model: the bytes of a ``.model`` file, at most 64 MiB.
        out_type: ``"int32"`` or ``"int64"`` for numbers, ``"string"`` for pieces.
        nbest_size: 0 or 1 take the best pieces; above 1 one of so many best ways is drawn, below 0
            one of all (unigram models).
        alpha: the inverse temperature of that drawing; for BPE models, the probability with which
            a merge is left out.
        reverse: pieces in reverse order, those of ``add_bos`` and ``add_eos`` too.
        add_bos, add_eos: put the model's pieces for a text's beginning and end around its own;
            their offsets are 0 and 0.
        return_nbest: give the ``nbest_size`` best ways, each as a row, one text's after another's.
        seed: of the drawing, 0 to 2**64 - 1. The library has one generator for a whole program,
            which each call that draws sets anew: let one thread alone draw.
        offset_unit, malformed: see :class:`Splitter`. What is not UTF-8 the library itself reads
            as U+FFFD, one for a byte.

    Attributes:
        tick: how often text was split with drawing, from 0; each call draws anew.

    Raises:
        MissingExtraError: ``sentencepiece`` is not installed.
        VocabularyError: the model is no model.
        TextError: an argument is out of range.
    """

    def __init__(
        self,
        model: bytes,
        out_type: Any = "int32",
        nbest_size: int = 0,
        alpha: float = 1.0,
        reverse: bool = False,
        add_bos: bool = False,
        add_eos: bool = False,
        return_nbest: bool = False,
        *,
        seed: int = 0,
        offset_unit: str = "byte",
        malformed: Malformed = "replace",
    ) -> None:
        super().__init__(offset_unit=offset_unit, malformed=malformed)
        self._out = checked_out_type(out_type)
        if not isinstance(nbest_size, (int, np.integer)) or not -1 <= nbest_size <= 512:
            raise TextError(f"nbest_size is {nbest_size!r}; give -1 to 512")
        if return_nbest and nbest_size < 2:
            raise TextError(f"nbest_size is {nbest_size}; return_nbest needs 2 or more")
        if not 0 <= float(alpha) < float("inf"):
            raise TextError(f"alpha is {alpha!r}; give a number of 0 or more")
        check_model(model)
        library = _library()
        try:
            self._processor = library.SentencePieceProcessor(model_proto=bytes(model))
        except (RuntimeError, ValueError) as error:
            raise VocabularyError(f"sentencepiece refuses the model: {error}") from None
        self._nbest, self._alpha, self._return_nbest = int(nbest_size), float(alpha), return_nbest
        self._reverse, self._size = reverse, int(self._processor.vocab_size())
        self._library, self._seed = library, checked_seed(seed)
        self.tick = 0
        self._before = [self._special("bos")] if add_bos else []
        self._after = [self._special("eos")] if add_eos else []

    def _special(self, name: str) -> int:
        number = int(getattr(self._processor, f"{name}_id")())
        if number < 0:
            raise TextError(f"the model has no piece for add_{name}; leave that out")
        return number

    def vocab_size(self) -> int:
        """Number of pieces."""
        return self._size

    def _strings(self, source: Source) -> list[bytes]:
        return Strings._made(*texts.join(source.spans)).to_bytes_list()

    def _drawing(self) -> dict[str, Any]:
        if self._nbest in (0, 1):
            return {}
        word = int(drawn(self._seed, self.tick, PIECING, 1)[0, 0])
        self._library.set_random_generator_seed(word)
        self.tick = (self.tick + 1) & 0xFFFFFFFF
        drawing = {"nbest_size": self._nbest, "alpha": self._alpha}
        return {"enable_sampling": True, "num_threads": 1, **drawing}

    def tokenize(self, input: Any) -> Any:
        source = Source(input, self._malformed)
        strings = self._strings(source)
        if self._return_nbest:
            encode = self._processor.nbest_encode
            found = [encode(s, nbest_size=self._nbest, return_type=int) for s in strings]
            rows = [np.array(row, np.int32) for row in chain.from_iterable(found)]
            return self._framed(rows, [])[0]
        rows = self._processor.encode(strings, return_type="numpy", **self._drawing())
        ragged = self._framed(rows, [])[0]
        return source.shaped(ragged.values, ragged.row_splits)

    def tokenize_with_offsets(self, input: Any) -> tuple[Any, Any, Any]:
        if self._return_nbest:
            raise TextError("return_nbest gives no offsets; call tokenize")
        source = Source(input, self._malformed)
        found = self._encoded(self._strings(source))
        rows = [np.array(one["ids"], np.int32) for one in found]
        offsets = [np.array(one["offsets"], np.int32).reshape(-1, 2) for one in found]
        tokens, places = self._framed(rows, offsets)
        splits = tokens.row_splits
        starts, ends = (np.ascontiguousarray(places[:, side]) for side in (0, 1))
        source.place(splits, starts, ends, self._unit)
        tokens, begins, stops = (source.shaped(v, splits) for v in (tokens.values, starts, ends))
        return tokens, begins, stops

    def _encoded(self, strings: list[bytes]) -> list[dict[str, Any]]:
        drawing = self._drawing()
        encoded: list[dict[str, Any]] = self._processor.encode(
            strings, return_type="offset_mapping", **drawing
        )
        return encoded

    def _framed(
        self, rows: list[NDArray[np.int32]], offsets: list[NDArray[np.int32]]
    ) -> tuple[Ragged, NDArray[np.int32]]:
        """Rows in their order with what goes around them, and their offsets likewise."""
        before, after = np.array(self._before, np.int32), np.array(self._after, np.int32)
        nowhere = [np.zeros((len(part), 2), np.int32) for part in (before, after)]
        whole = [np.concatenate([before, row, after]) for row in rows]
        placed = [np.concatenate([nowhere[0], place, nowhere[1]]) for place in offsets]
        turn = -1 if self._reverse else 1
        lengths = np.array([len(row) for row in whole], np.int64)
        numbers = np.concatenate([np.empty(0, np.int32), *(row[::turn] for row in whole)])
        places = np.concatenate([np.empty((0, 2), np.int32), *(p[::turn] for p in placed)])
        return Ragged.from_row_lengths(self._cast(numbers), lengths), places

    def _cast(self, numbers: NDArray[np.int32]) -> Any:
        if self._out == "string":
            return Strings.of(self._processor.id_to_piece(numbers.tolist()))
        return numbers.astype(np.int64) if self._out == "int64" else numbers

    def detokenize(self, input: Any) -> Any:
        """Text from numbers.

        Args:
            input: numbers: one text's, or rows of them, nested as deep as wanted; with ``reverse``
                in reverse order. What goes around a text is left out.

        Returns:
            A str of one text, Strings of several, Ragged where rows are nested.

        Raises:
            TextError: a number is not in the vocabulary.
        """
        turn = -1 if self._reverse else 1
        return texts_of(
            input, self._size, lambda row: self._processor.decode(row[::turn].tolist()).encode()
        )

    def id_to_string(self, input: Any) -> Any:
        """The pieces of numbers: a str of one, Strings of several, Ragged of rows.

        Raises:
            TextError: a number is not in the vocabulary.
        """
        if isinstance(input, (int, np.integer)):
            return str(self._processor.id_to_piece(checked([input], self._size).tolist()[0]))
        rows = input if isinstance(input, Ragged) else None
        if rows is None and any(isinstance(row, (list, tuple)) for row in input):
            rows = as_ragged(input, "input")
        numbers = checked(input if rows is None else rows.flat_values, self._size)
        pieces = Strings.of(self._processor.id_to_piece(numbers.tolist()))
        return pieces if rows is None else rows.with_flat_values(pieces)

    def string_to_id(self, input: Any) -> Any:
        """The numbers of pieces, int32; the unknown piece's for what is none."""
        source = Source(input, self._malformed)
        numbers = [self._processor.piece_to_id(piece) for piece in self._strings(source)]
        return source.each(np.array(numbers, np.int32))


def _library() -> Any:
    try:
        import sentencepiece
    except ImportError:
        raise MissingExtraError("text", "SentencePiece") from None
    return sentencepiece
