"""How fast text is tokenized, beside the fastest libraries that there are.

    python benchmarks/text.py [--megabytes 8] [--rounds 3] [--json]

MB of UTF-8 per second of the processor's time, one thread, Python's str in and arrays out; medians
of rounds in which everybody takes turns. Documents are paragraphs of Debian's documentation (see
``tests/text/corpus.py``), joined to some 1,000 characters: those in ASCII ("English") and all
("mixed", some 170 languages), of which every so-manyth is taken. Cold: nothing is remembered of the
text, as where it is seen once. The vocabularies are learned from the same kind of text: 30,000
pieces of English, 100,000 of all.

Peers that are not installed are left out, which is said.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from in_turn import report

from homebody.text import (
    FastBertTokenizer,
    UnicodeScriptTokenizer,
    WhitespaceTokenizer,
    learn_vocabulary,
)
from tests.text import corpus

Call = Callable[[], Any]
SENTENCE = "The quick brown fox jumps over the lazy dog, doesn't it? Unbelievably so."
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def joined(paragraphs: list[str], size: int = 1000) -> list[str]:
    """Documents of at least `size` characters, of neighbouring paragraphs."""
    documents, part, length = [], [], 0
    for paragraph in paragraphs:
        part.append(paragraph)
        length += len(paragraph)
        if length >= size:
            documents.append("\n".join(part))
            part, length = [], 0
    return documents


def spread(documents: list[str], megabytes: float) -> list[str]:
    """Documents from all over the corpus, of some `megabytes`."""
    total = sum(len(document.encode()) for document in documents)
    return documents[:: max(1, round(total / megabytes / 1e6))]


def megabytes_of(documents: list[str]) -> float:
    return sum(len(document.encode()) for document in documents) / 1e6


def speeds(
    calls: dict[str, Call], before: dict[str, Call], size: float, rounds: int
) -> dict[str, float]:
    """Each one's median MB per second of processor time, in turns."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            before.get(name, lambda: None)()
            gc.collect()
            start = time.process_time()
            result = call()
            taken[name].append(time.process_time() - start)
            del result
    return {name: size / statistics.median(times) for name, times in taken.items()}


def installed(name: str) -> Any | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


class Peers:
    """The libraries that are installed, each with a vocabulary."""

    def __init__(self, vocabulary: list[str], folder: Path) -> None:
        path = folder / "vocab.txt"
        path.write_text("\n".join(vocabulary) + "\n")
        self.missing: list[str] = []
        self.tf = self._named("tensorflow")
        self.tf_text = self.tf and self._named("tensorflow_text")
        if self.tf:
            self.tf.config.threading.set_intra_op_parallelism_threads(1)
            self.tf.config.threading.set_inter_op_parallelism_threads(1)
        self.arrow = self._named("pyarrow.compute")
        self.fast_bert = self.tf_text and self.tf_text.FastBertTokenizer(
            vocab=vocabulary, lower_case_nfd_strip_accents=True, token_out_type=self.tf.int32
        )
        tokenizers = self._named("tokenizers")
        self.hf = tokenizers and tokenizers.BertWordPieceTokenizer(str(path), lowercase=True)
        self.hf_parts = tokenizers and tokenizers.pre_tokenizers
        flash = self._named("flash_tokenizer")
        self.flash = flash and flash.BertTokenizerFlash(str(path), do_lower_case=True)
        kitoken = self._named("kitoken")
        self.kitoken = None
        if kitoken and self.hf:
            file = folder / "tokenizer.json"
            self.hf.save(str(file))
            self.kitoken = kitoken.Kitoken.from_tokenizers_file(str(file))

    def _named(self, name: str) -> Any | None:
        module = installed(name)
        if module is None:
            self.missing.append(name)
        return module


def calls_for(
    documents: list[str], mine: FastBertTokenizer, peers: Peers
) -> dict[str, dict[str, Call]]:
    """Who does what: by operation, then by name."""
    white, script = WhitespaceTokenizer(), UnicodeScriptTokenizer()
    groups: dict[str, dict[str, Call]] = {
        "word pieces, numbers": {
            "ours, cold": lambda: mine.tokenize(documents),
            "ours, warm": lambda: mine.tokenize(documents),
        },
        "and offsets": {
            "ours, cold": lambda: mine.tokenize_with_offsets(documents),
            "ours, warm": lambda: mine.tokenize_with_offsets(documents),
        },
        "white space": {
            "ours": lambda: white.tokenize(documents),
            "ours, and offsets": lambda: white.tokenize_with_offsets(documents),
        },
        "scripts": {"ours, and offsets": lambda: script.tokenize_with_offsets(documents)},
    }
    ids, offsets, spaces, scripts = groups.values()
    if peers.fast_bert:
        tf_text, tensor = peers.tf_text, peers.tf.constant(documents)
        ids["TF.Text FastBert"] = lambda: peers.fast_bert.tokenize(tensor)
        offsets["TF.Text FastBert"] = lambda: peers.fast_bert.tokenize_with_offsets(tensor)
        spaces["TF.Text"] = lambda: tf_text.WhitespaceTokenizer().tokenize_with_offsets(tensor)
        scripts["TF.Text"] = lambda: tf_text.UnicodeScriptTokenizer().tokenize_with_offsets(tensor)
    if peers.flash:
        fast = peers.flash.tokenizer  # what its __call__ takes further time to wrap
        ids["flash-tokenizer"] = lambda: fast.batch_encode(documents, "longest", 1 << 20, False)
    few = documents[:: max(1, round(megabytes_of(documents)))]  # the slow ones, on about 1 MB
    share = megabytes_of(documents) / megabytes_of(few)
    if peers.hf:
        pieces, splits = peers.hf, peers.hf_parts
        offsets["tokenizers"] = Few(
            lambda: [pieces.encode(d, add_special_tokens=False) for d in few], share
        )
        kinds = {"white space": splits.WhitespaceSplit(), "scripts": splits.UnicodeScripts()}
        for name, kind in kinds.items():
            groups[name]["tokenizers"] = Few(
                lambda kind=kind: [kind.pre_tokenize_str(d) for d in few], share
            )
    if peers.kitoken:
        ids["kitoken"] = Few(lambda: peers.kitoken.encode_all(few), share)
    if peers.arrow:
        array = importlib.import_module("pyarrow").array(documents)
        spaces["pyarrow, no offsets"] = lambda: peers.arrow.utf8_split_whitespace(array)
    return groups


class Few:
    """A call on a part of the documents."""

    def __init__(self, call: Call, share: float) -> None:
        self.call, self.share = call, share

    def __call__(self) -> Any:
        return self.call()


def compare(name: str, documents: list[str], vocabulary: list[str], rounds: int) -> list[list[str]]:
    """The rows of one kind of text."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        mine = FastBertTokenizer(vocabulary, lower_case_nfd_strip_accents=True)
        peers = Peers(vocabulary, Path(folder))
        if peers.missing:
            print(f"not installed, left out: {', '.join(peers.missing)}", file=sys.stderr)
        size = megabytes_of(documents)
        for operation, calls in calls_for(documents, mine, peers).items():
            found = speeds(calls, {"ours, cold": mine.clear_cache}, size, rounds)
            for who, call in calls.items():
                if isinstance(call, Few):
                    found[who] /= call.share
            others = {who: speed for who, speed in found.items() if not who.startswith("ours")}
            best = max(others, key=lambda who: others[who], default=None)
            for who, speed in found.items():
                ratio = f"{speed / others[best]:.1f}" if best and who not in others else ""
                rows.append([name, operation, who, f"{speed:.1f}", ratio])
    return rows


def one_string(vocabulary: list[str], rounds: int) -> list[list[str]]:
    """How long a single sentence takes, from Python and back, in microseconds."""
    mine = FastBertTokenizer(vocabulary, lower_case_nfd_strip_accents=True)
    with tempfile.TemporaryDirectory() as folder:
        peers = Peers(vocabulary, Path(folder))
    calls: dict[str, tuple[Call, int]] = {
        "ours": (lambda: mine.tokenize(SENTENCE), 20_000),
        "ours, and offsets": (lambda: mine.tokenize_with_offsets(SENTENCE), 20_000),
    }
    if peers.hf:
        calls["tokenizers, and offsets"] = (lambda: peers.hf.encode(SENTENCE).offsets, 2000)
    if peers.kitoken:
        calls["kitoken"] = (lambda: peers.kitoken.encode(SENTENCE), 2000)
    if peers.fast_bert:
        tensor = peers.tf.constant([SENTENCE])
        calls["TF.Text FastBert, and offsets"] = (
            lambda: peers.fast_bert.tokenize_with_offsets(tensor), 20,
        )  # fmt: skip
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, (call, times) in calls.items():
            start = time.process_time()
            for _ in range(times):
                call()
            taken[name].append((time.process_time() - start) / times * 1e6)
    return [[name, f"{statistics.median(times):.1f}"] for name, times in taken.items()]


MEMORY = """
import os, re, sys
def peak():  # of this process alone, where getrusage begins with its parent's
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
who = sys.argv[1]
documents = ["some words of a short document " * 2] * 8000 + ["many words in a long one " * 400]
letters = "abcdefghijklmnopqrstuvwxyz"
vocabulary = ["[UNK]", *letters, *("##" + letter for letter in letters)]
if who == "ours":
    from homebody.text import FastBertTokenizer
    tokenizer = FastBertTokenizer(vocabulary)
else:
    import tensorflow_text
    tokenizer = tensorflow_text.FastBertTokenizer(vocab=vocabulary)
tokenizer.tokenize_with_offsets(documents[:10])
before = peak()
result = tokenizer.tokenize_with_offsets(documents)
print((peak() - before) / 1024)
"""


def memory() -> list[list[str]]:
    """MiB that one long document among 8,000 short ones takes at most, with offsets."""
    rows = []
    for who, needs in (("ours", "homebody"), ("TF.Text FastBert", "tensorflow_text")):
        if installed(needs) is None:
            continue
        run = [sys.executable, "-c", MEMORY, who.split(",")[0]]
        done = subprocess.run(run, capture_output=True, text=True, check=True)
        rows.append([who, f"{float(done.stdout):.0f}"])
    return rows


def versions() -> dict[str, str]:
    from importlib import metadata

    names = ("tensorflow-text", "tokenizers", "flash-tokenizer", "kitoken", "pyarrow")
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--megabytes", type=float, default=8, help="of each kind of text")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    paragraphs = corpus.documents()
    kinds = {"English": [p for p in paragraphs if p.isascii()], "mixed": paragraphs}
    rows, vocabulary = [], []
    for name, size in (("English", 30_000), ("mixed", 100_000)):
        documents = joined(kinds[name])
        vocabulary = learn_vocabulary(
            documents[::5], size, lower_case=True, reserved_tokens=SPECIAL
        )
        rows += compare(name, spread(documents, options.megabytes), vocabulary, options.rounds)
    facts: dict[str, Any] = {"rounds": options.rounds, **versions()}
    columns = ["text", "operation", "by", "MB/s", "times the best peer"]
    report("Tokenizing, one thread", columns, rows, facts, as_json=options.json)
    single = one_string(vocabulary, options.rounds)
    report("One sentence of 73 characters", ["by", "us"], single, facts, as_json=options.json)
    report(
        "One document of 10 kB among 8,000 of 60 bytes, with offsets",
        ["by", "MiB more at the peak"], memory(), facts, as_json=options.json,
    )  # fmt: skip


if __name__ == "__main__":
    main()
