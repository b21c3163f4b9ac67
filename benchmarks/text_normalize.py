"""How fast text is normalized, beside ICU in TF.Text, utf8proc in Arrow, and Python's own.

    python benchmarks/text_normalize.py [--megabytes 3] [--rounds 5] [--json]

MB of UTF-8 per second of the processor's time, one thread; medians of rounds in which everybody
takes turns. Each gets the text as it likes it best, made before the clock starts: we Strings,
TF.Text a tensor, Arrow an array, Python a list of str. "with map": the offset map is made too.
Documents are those of ``tests/text/corpus.py``: English (ASCII), Cyrillic, Chinese, Vietnamese,
Korean, and every so-manyth of all, "mixed". Most of it is in NFC already, as text is; NFD of
Vietnamese and Korean is where there is work to do.

Peers that are not installed are left out, which is said.
"""

from __future__ import annotations

import argparse
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from in_turn import report
from text import installed, megabytes_of, speeds, spread

from homebody import text
from homebody.text import Strings
from tests.text import corpus

SCRIPTS = {
    "Cyrillic": ("\u0400", "\u04ff", 0.5),
    "Chinese": ("\u4e00", "\u9fff", 0.5),
    "Vietnamese": ("\u1ea0", "\u1eff", 0.08),
    "Korean": ("\uac00", "\ud7a3", 0.5),
}
FORMS = ("NFC", "NFD", "NFKC", "NFKD", "case fold")


def samples(megabytes: float) -> dict[str, list[str]]:
    """Documents by what they are mostly written in."""
    documents = corpus.documents()
    found = {"English": [document for document in documents if document.isascii()]}
    for name, (first, last, share) in SCRIPTS.items():
        found[name] = [
            document
            for document in documents
            if sum(first <= char <= last for char in document) > share * len(document)
        ]
    found["mixed"] = documents
    return {name: spread(chosen, megabytes) for name, chosen in found.items()}


def calls(form: str, documents: list[str], peers: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """Everybody's way to this form."""
    strings, fold = Strings.of(documents), form == "case fold"
    mapped = text.normalize_utf8_with_offsets_map
    made: dict[str, Callable[[], Any]] = {
        "homebody": lambda: (
            text.case_fold_utf8(strings) if fold else text.normalize_utf8(strings, form)
        ),
        "homebody with map": lambda: (
            text.case_fold_utf8_with_offsets_map(strings) if fold else mapped(strings, form)
        ),
        "Python": lambda: (
            [one.casefold() for one in documents]
            if fold
            else [unicodedata.normalize(form, one) for one in documents]
        ),
    }
    tf_text = peers["tensorflow_text"]
    if tf_text:
        tensor = peers["tensorflow"].constant(documents)
        made["TF.Text"] = lambda: (
            tf_text.case_fold_utf8(tensor) if fold else tf_text.normalize_utf8(tensor, form)
        )
        if not fold:
            made["TF.Text with map"] = lambda: tf_text.normalize_utf8_with_offsets_map(tensor, form)
    arrow = peers["pyarrow.compute"]
    if arrow and not fold:
        array = installed("pyarrow").array(documents)
        made["Arrow"] = lambda: arrow.utf8_normalize(array, form)
    return made


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--megabytes", type=float, default=3, help="of each kind of text")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is timed")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    peers = {name: installed(name) for name in ("tensorflow", "tensorflow_text", "pyarrow.compute")}
    if peers["tensorflow"]:
        peers["tensorflow"].config.threading.set_intra_op_parallelism_threads(1)
        peers["tensorflow"].config.threading.set_inter_op_parallelism_threads(1)
    columns = ["text", "form", "homebody", "TF.Text", "Arrow", "Python", "homebody with map",
               "TF.Text with map"]  # fmt: skip
    rows, sizes = [], {}
    for name, documents in samples(options.megabytes).items():
        size = megabytes_of(documents)
        sizes[name] = f"{len(documents):,} documents, {size:.1f} MB"
        for form in FORMS:
            found = speeds(calls(form, documents, peers), {}, size, options.rounds)
            rows.append(
                [name, form, *(f"{found[who]:,.0f}" if who in found else "" for who in columns[2:])]
            )
    missing = [name for name, peer in peers.items() if not peer]
    facts = {"text": sizes, "not installed": missing, "rounds": options.rounds}
    report("MB of text normalized per CPU-second", columns, rows, facts, as_json=options.json)


if __name__ == "__main__":
    main()
