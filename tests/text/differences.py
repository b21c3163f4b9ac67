"""What Homebody and its peers make of the same text, document by document.

A comparison runs one operation in both over lists of documents and says which documents differ.
The oracle tests want none; ``benchmarks/text_differences.py`` prints them all.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_text as tf_text
import unicodedata2

from homebody import text
from homebody.text import Ragged, Reduction, Strings, WordShape
from homebody.text._rows import take
from tests.text import corpus

Documents = list[bytes]
BATCH, TABLE = 20_000, 20_000_000
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@functools.cache
def sources() -> dict[str, Documents]:
    """The documents, by where they come from.

    TF.Text passes bytes that are not UTF-8 on, or stops; so of the hostile strings that have some
    it gets what Python's decoder makes of them, with U+FFFD as the WHATWG has it.
    """
    whole, mended = [], []
    for string in corpus.hostile():
        try:
            string.decode()
            whole.append(string)
        except UnicodeDecodeError:
            mended.append(string.decode(errors="replace").encode())
    return {
        "documents": [document.encode() for document in corpus.documents()],
        "hostile": whole,
        "hostile, mended": mended,
    }


def sample(documents: Documents) -> Documents:
    """Two documents in three: enough, in a third less time."""
    return [document for i, document in enumerate(documents) if i % 3]


@functools.cache
def vocabulary() -> list[str]:
    """30,000 and some tokens of every 40th document: characters, frequent words and their ends."""
    words: Counter[str] = Counter()
    for document in corpus.documents()[::40]:
        plain = unicodedata.normalize("NFD", document.casefold())
        plain = "".join(c for c in plain if unicodedata.category(c) != "Mn")
        words.update(re.findall(r"\w+|[^\w\s]", plain))
    letters = sorted({letter for word in words for letter in word})
    ends = Counter[str]()
    for word, count in words.items():
        for size in range(2, min(len(word), 7)):
            ends[word[-size:]] += count
    frequent = [word for word, _ in words.most_common(20_000)]
    tokens = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters), *frequent]
    tokens += [f"##{end}" for end, _ in ends.most_common(8_000)]
    return list(dict.fromkeys(tokens))


@dataclass
class Comparison:
    """One operation in both.

    Attributes:
        name: what is compared.
        mine: what ours makes of documents: a tuple of results, each of as many rows.
        theirs: what the peer makes of a tensor, or of a list, of them.
        peer: whose it is.
        explained: why documents may differ; empty where none may.
        excuse: whether that is so of a document; None where what is compared with ``compat`` too,
            of which none may differ, tells.
    """

    name: str
    mine: Callable[[Documents], tuple[Any, ...]]
    theirs: Callable[[Any], tuple[Any, ...]]
    peer: str = "TF.Text"
    explained: str = ""
    excuse: Callable[[bytes], bool] | None = None


@dataclass
class Tally:
    """What a comparison found."""

    documents: int = 0
    size: int = 0
    items: int = 0
    different: list[bytes] = field(default_factory=list)


def compare(comparison: Comparison, documents: Sequence[bytes]) -> Tally:
    """Run an operation in both."""
    tally = Tally()
    for batch in batches(documents):
        mine = comparison.mine(batch)
        given = tf.constant(batch) if comparison.peer == "TF.Text" else batch
        theirs = comparison.theirs(given)
        found: set[int] = set()
        for a, b in zip(mine, theirs, strict=True):
            found.update(differing(a, b))
        tally.documents += len(batch)
        tally.size += sum(map(len, batch))
        tally.items += items(mine[0])
        tally.different += [batch[i] for i in sorted(found)]
    return tally


def batches(documents: Sequence[bytes]) -> Iterator[Documents]:
    """The documents by length, as many at once as leave the peer's memory alone.

    TF.Text makes a table of every row by the longest one.
    """
    batch: Documents = []
    for document in sorted(documents, key=len):
        if batch and (len(batch) == BATCH or (len(batch) + 1) * len(document) > TABLE):
            yield batch
            batch = []
        batch.append(document)
    if batch:
        yield batch


def items(result: Any) -> int:
    return len(result.flat_values) if isinstance(result, Ragged) else len(result)


def differing(mine: Any, theirs: Any) -> list[int]:
    """The rows in which the two differ, level by level: where lengths do, then where values do."""
    theirs = of_peer(theirs)
    document = np.arange(len(mine))
    found: list[np.ndarray] = []
    while isinstance(mine, Ragged):
        unlike = document[mine.row_lengths() != theirs.row_lengths()]
        if len(unlike):
            found.append(unlike)
            kept = np.flatnonzero(~np.isin(document, unlike))
            mine, theirs, document = take(mine, kept), take(theirs, kept), document[kept]
        document = np.repeat(document, mine.row_lengths())
        mine, theirs = mine.values, theirs.values
    if isinstance(mine, Strings):
        if not equal(mine, theirs):
            pairs = zip(mine.to_bytes_list(), theirs.to_bytes_list(), strict=True)
            found.append(document[[a != b for a, b in pairs]])
    else:
        unequal = np.asarray(mine != theirs)
        found.append(document[unequal.any(tuple(range(1, unequal.ndim)))])
    return np.unique(np.concatenate(found)).tolist() if found else []


def of_peer(result: Any) -> Any:
    """A peer's result as ours would be."""
    if isinstance(result, Ragged):
        return result
    if hasattr(result, "nested_row_splits"):
        return Ragged.from_tf(result)
    array = result.numpy()
    return Strings.of(array, malformed="keep") if array.dtype == object else array


def equal(mine: Strings, theirs: Strings) -> bool:
    if not np.array_equal(np.diff(mine.offsets), np.diff(theirs.offsets)):
        return False
    ours, peers = (part.data[part.offsets[0] : part.offsets[-1]] for part in (mine, theirs))
    return np.array_equal(ours, peers)


def splitters() -> Iterator[Comparison]:
    """Words, scripts, characters, bytes, sentences."""
    for compat in (None, "tf_text"):
        white = text.WhitespaceTokenizer(compat=compat)
        peer = tf_text.WhitespaceTokenizer()
        yield Comparison(
            f"white space{', compat' if compat else ''}",
            white.tokenize_with_offsets, peer.tokenize_with_offsets,
            explained="" if compat else "ends after white space of several bytes",
        )  # fmt: skip
        for kept in (False, True):
            script = text.UnicodeScriptTokenizer(kept, compat=compat)
            script_peer = tf_text.UnicodeScriptTokenizer(keep_whitespace=kept)
            yield Comparison(
                f"scripts{', white space kept' if kept else ''}{', compat' if compat else ''}",
                script.tokenize_with_offsets, script_peer.tokenize_with_offsets,
                explained="" if compat or kept else "inner spaces dropped",
            )  # fmt: skip
    yield Comparison(
        "characters", text.UnicodeCharTokenizer().tokenize_with_offsets,
        tf_text.UnicodeCharTokenizer().tokenize_with_offsets,
    )  # fmt: skip
    yield Comparison(
        "bytes", text.ByteSplitter().split_with_offsets, tf_text.ByteSplitter().split_with_offsets
    )
    delimiters = r"\s+|[,;]|\p{Greek}"
    yield Comparison(
        "regular expression", lambda d: text.regex_split_with_offsets(d, delimiters, r"\p{P}"),
        lambda d: tf_text.regex_split_with_offsets(d, delimiters, r"\p{P}"),
        explained="TF.Text's text ends at U+0000", excuse=lambda d: b"\0" in d,
    )  # fmt: skip
    for compat in (None, "tf_text"):
        yield Comparison(
            f"sentences{', compat' if compat else ''}",
            text.StateBasedSentenceBreaker(compat=compat).break_sentences_with_offsets,
            tf_text.StateBasedSentenceBreaker().break_sentences_with_offsets,
            explained="" if compat else "white space of several bytes before a sentence",
        )  # fmt: skip


NEWER = "punctuation and marks newer than TF.Text's tables"


def newer(document: bytes) -> bool:
    """Whether it holds punctuation or a nonspacing mark that Unicode 14 did not have."""
    new = (c for c in document.decode(errors="replace") if unicodedata.category(c) == "Cn")
    return any(unicodedata2.category(c).startswith(("P", "Mn")) for c in new)


def words() -> Iterator[Comparison]:
    """Word pieces."""
    tokens = vocabulary()
    table = tf.lookup.StaticVocabularyTable(
        tf.lookup.KeyValueTensorInitializer(
            tokens, tf.range(len(tokens), dtype=tf.int64), tf.string, tf.int64
        ),
        1,
    )
    white = text.WhitespaceTokenizer()
    pieces = text.WordpieceTokenizer(tokens, compat="tf_text")
    pieces_peer = tf_text.WordpieceTokenizer(table, token_out_type=tf.int32)
    yield Comparison(
        "word pieces of words, compat",
        lambda d: pieces.tokenize_with_offsets(white.tokenize(d)),
        lambda d: pieces_peer.tokenize_with_offsets(white.tokenize(list(d.numpy())).to_tf()),
    )
    for lower in (False, True):
        folded = ", lower case" if lower else ""
        peer = tf_text.FastBertTokenizer(
            vocab=tokens, lower_case_nfd_strip_accents=lower, token_out_type=tf.int32
        )
        bert_peer = tf_text.BertTokenizer(table, lower_case=lower, token_out_type=tf.int32)
        for compat in ("tf_text", None):
            fast = text.FastBertTokenizer(tokens, lower_case_nfd_strip_accents=lower, compat=compat)
            bert = text.BertTokenizer(tokens, lower_case=lower, compat=compat)
            kind = f"{folded}{', compat' if compat else ''}"
            yield Comparison(
                f"FastBert{kind}", fast.tokenize_with_offsets, peer.tokenize_with_offsets,
                explained=NEWER if compat else "offsets by expanded and removed characters",
                excuse=newer if compat else None,
            )  # fmt: skip
            yield Comparison(
                f"Bert{kind}", bert.tokenize_with_offsets, bert_peer.tokenize_with_offsets,
                explained=NEWER if compat else "offsets into the normalized text",
                excuse=newer if compat else None,
            )  # fmt: skip
        fast, bert = (text.FastBertTokenizer(tokens, lower_case_nfd_strip_accents=lower),
                      text.BertTokenizer(tokens, lower_case=lower))  # fmt: skip
        yield Comparison(
            f"FastBert, ids alone{folded}", lambda d, fast=fast: (fast.tokenize(d),),
            lambda d, peer=peer: (peer.tokenize(d),), explained=NEWER, excuse=newer,
        )  # fmt: skip
        yield Comparison(
            f"Bert, ids alone{folded}", lambda d, bert=bert: (bert.tokenize(d),),
            lambda d, peer=bert_peer: (peer.tokenize(d),), explained=NEWER, excuse=newer,
        )  # fmt: skip
        yield from hugging_face(tokens, lower)


def hugging_face(tokens: list[str], lower: bool) -> Iterator[Comparison]:
    """The rules of another library, which gives characters' places."""
    from tokenizers import BertWordPieceTokenizer

    numbers = {token: i for i, token in enumerate(tokens)}
    peer = BertWordPieceTokenizer(numbers, lowercase=lower)
    mine = text.FastBertTokenizer(
        tokens, lower_case_nfd_strip_accents=lower, rules="hf", offset_unit="char"
    )

    def theirs(documents: Documents) -> tuple[Any, ...]:
        encoded = peer.encode_batch([d.decode() for d in documents], add_special_tokens=False)
        rows = [len(one.ids) for one in encoded]
        ids = np.fromiter((i for one in encoded for i in one.ids), np.int32, sum(rows))
        places = np.array([p for one in encoded for p in one.offsets], np.int32).reshape(-1, 2)
        return tuple(
            Ragged.from_row_lengths(np.ascontiguousarray(part), rows)
            for part in (ids, places[:, 0], places[:, 1])
        )

    yield Comparison(
        f"Bert by hf rules, ids and places{', lower case' if lower else ''}",
        mine.tokenize_with_offsets, theirs, peer="tokenizers",
        explained="letters of Unicode 17" if lower else "",
    )  # fmt: skip


def normal() -> Iterator[Comparison]:
    """Normal forms, case, shapes."""
    yield Comparison(
        "case folding", lambda d: (text.case_fold_utf8(d),), lambda d: (tf_text.case_fold_utf8(d),)
    )
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        yield Comparison(
            form, lambda d, form=form: (text.normalize_utf8(d, form),),
            lambda d, form=form: (tf_text.normalize_utf8(d, form),),
        )  # fmt: skip
    for form in ("NFC", "NFKC"):
        yield Comparison(
            f"{form}, source offsets", functools.partial(_sourced, text, form),
            functools.partial(_sourced, tf_text, form),
        )  # fmt: skip
    shapes = list(WordShape)
    peers = [getattr(tf_text.WordShape, shape.name) for shape in shapes]

    def recent(document: bytes) -> bool:
        """Whether a character of it is nothing to TF.Text's older tables, and something to ours."""
        alone = [character.encode() for character in document.decode()]
        nothing = tf_text.wordshape(["\u0378"], peers).numpy()
        unknown = (tf_text.wordshape(alone, peers).numpy() == nothing).all(1)
        return bool((unknown & (text.wordshape(alone, shapes) != nothing).any(1)).any())

    yield Comparison(
        f"word shapes, all {len(shapes)}", lambda d: (text.wordshape(d, shapes),),
        lambda d: (tf_text.wordshape(d, peers),),
        explained="characters newer than TF.Text's tables", excuse=recent,
    )  # fmt: skip
    yield Comparison(
        "utf8 binarize", lambda d: (text.utf8_binarize(d),), lambda d: (tf_text.utf8_binarize(d),)
    )


def _sourced(library: Any, form: str, documents: Any) -> tuple[Any, ...]:
    """Where ten places of each normal form come from."""
    output, offsets_map = library.normalize_utf8_with_offsets_map(documents, form)
    if library is text:
        sizes = np.diff(output.offsets)
    else:
        sizes = np.fromiter(map(len, output.numpy()), np.int64)
    places = Ragged.from_row_lengths(
        (sizes[:, None] * np.arange(10) // 10).ravel(), np.full(len(sizes), 10)
    )
    return (
        library.find_source_offsets(offsets_map, places if library is text else places.to_tf()),
    )


def features() -> Iterator[Comparison]:
    """N-grams and windows of words, pads, ROUGE-L of a document's words with its neighbour's."""
    white, peer = text.WhitespaceTokenizer(compat="tf_text"), tf_text.WhitespaceTokenizer()
    join = tf_text.Reduction.STRING_JOIN
    yield Comparison(
        "n-grams of 2 words",
        lambda d: (text.ngrams(white.tokenize(d), 2, -1, Reduction.STRING_JOIN),),
        lambda d: (tf_text.ngrams(peer.tokenize(d), 2, -1, join),),
    )  # fmt: skip
    yield Comparison(
        "ROUGE-L with the next document",
        lambda d: text.metrics.rouge_l(white.tokenize(d), white.tokenize(d[1:] + d[:1])),
        lambda d: tf_text.metrics.rouge_l(peer.tokenize(d), peer.tokenize(tf.roll(d, -1, 0))),
    )  # fmt: skip


def comparisons() -> list[Comparison]:
    """All of them."""
    return [*splitters(), *words(), *normal(), *features()]
