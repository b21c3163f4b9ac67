"""``homebody text``: tokenize, vocab, train and classify from the command line."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.features.text.conftest import write

from .conftest import Run

LINES = "Guten Tag, 東京\n\nÉté 😀\n"
VOCABULARY = "[UNK]\nguten\ntag\n##n\net\n##e\n,\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_text(LINES, encoding="utf-8")
    return path


@pytest.fixture
def vocab(tmp_path: Path) -> Path:
    path = tmp_path / "vocab.txt"
    path.write_text(VOCABULARY)
    return path


def lines(out: str) -> list[dict]:
    return [json.loads(line) for line in out.splitlines()]


def test_words_with_places(run: Run, book: Path) -> None:
    done = run("text", "tokenize", book, "--json")
    assert done.code == 0
    assert lines(done.out) == [
        {"tokens": ["Guten", "Tag,", "東京"], "starts": [0, 6, 11], "ends": [5, 10, 17]},
        {"tokens": [], "starts": [], "ends": []},
        {"tokens": ["Été", "😀"], "starts": [0, 6], "ends": [5, 10]},
    ]


@pytest.mark.parametrize(
    ("kind", "offsets", "tokens", "ends"),
    [
        ("script", "utf16", ["Été", "😀"], [3, 6]),
        ("whitespace", "byte", ["Été", "😀"], [5, 10]),
        ("chars", "char", list("Été 😀"), [1, 2, 3, 4, 5]),
        ("sentences", "char", ["Été 😀"], [5]),
    ],
)
def test_every_kind_and_unit(run: Run, book: Path, kind, offsets, tokens, ends) -> None:
    done = run("text", "tokenize", "--kind", kind, "--offsets", offsets, "--json", book)
    last = lines(done.out)[-1]
    assert last["tokens"] == tokens
    assert last["ends"] == ends


def test_bytes_are_shown_as_they_are(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes("é".encode())
    assert lines(run("text", "tokenize", "--kind", "bytes", "--json", tmp_path / "a").out) == [
        {"tokens": ["c3", "a9"], "starts": [0, 1], "ends": [1, 2]}
    ]


def test_word_pieces_with_ids(run: Run, book: Path, vocab: Path) -> None:
    done = run("text", "tokenize", "--kind", "bert", "--vocab", vocab, "--json", book)
    first, _, last = lines(done.out)
    assert first["tokens"] == ["guten", "tag", ",", "[UNK]", "[UNK]"]
    assert first["ids"] == [1, 2, 6, 0, 0]
    assert (last["tokens"], last["starts"]) == (["et", "##e", "[UNK]"], [0, 3, 6])
    cased = run("text", "tokenize", "--kind", "bert", "--vocab", vocab, "--no-lower-case",
                "--rules", "hf", "--json", book)  # fmt: skip
    assert lines(cased.out)[2]["ids"] == [0, 0]
    plain = run("text", "tokenize", "--kind", "wordpiece", "--vocab", vocab, "--json", book)
    assert lines(plain.out)[0]["ids"] == [0, 0, 6, 0, 0]


def test_a_table_for_people(run: Run, book: Path, vocab: Path) -> None:
    done = run("text", "tokenize", "--kind", "bert", "--vocab", vocab, book)
    assert [line.split() for line in done.out.splitlines()[:3]] == [
        ["Guten", "Tag,", "東京"], ["token", "id", "start", "end"], ["guten", "1", "0", "5"],
    ]  # fmt: skip


def test_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.TextIOWrapper(io.BytesIO(b"one two\r\nthree"))
    monkeypatch.setattr(sys, "stdin", given)
    assert [one["tokens"] for one in lines(run("text", "tokenize", "--json").out)] == [
        ["one", "two"], ["three"],
    ]  # fmt: skip


def test_malformed_text_by_choice(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(b"fine\na\xffb\n")
    asked = ("text", "tokenize", "--json", path, "--malformed")
    assert lines(run(*asked, "replace").out)[1]["tokens"] == ["a\ufffdb"]
    assert lines(run(*asked, "ignore").out)[1]["tokens"] == ["ab"]
    done = run(*asked, "error")
    assert done.code == 2
    assert "line 2 of" in done.err
    assert "byte 1" in done.err
    assert done.out == ""


def test_what_cannot_be_done_is_one_line(run: Run, book: Path, tmp_path: Path) -> None:
    for asked, said in (
        (("tokenize", "--kind", "bert", book), "--vocab"),
        (("tokenize", tmp_path / "absent.txt"), "cannot be read"),
        (("tokenize", "--kind", "bert", "--vocab", tmp_path / "absent", book), "cannot be read"),
        (("tokenize", "--bundle", "for-this-photo", book), "input pipeline"),
        (("classify", "for-this-photo", "x"), "suggest-presets"),
        (("train", tmp_path / "absent.csv", "-o", tmp_path / "x.hb"), "cannot be read"),
    ):
        done = run("text", *asked)
        assert done.code == 2, asked
        assert said in done.err
        assert done.err.count("\n") == 1


def test_a_reader_that_leaves_is_no_error(book: Path) -> None:
    book.write_text(LINES * 20_000)
    command = [sys.executable, "-m", "homebody", "text", "tokenize", "--json", str(book)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    process.wait()
    process.stderr.close()
    assert said == b""


def test_from_texts_to_labels(run: Run, tmp_path: Path) -> None:
    table = write(tmp_path / "topics.tsv")
    bundle = tmp_path / "topics.hb"
    asked = ("text", "train", table, "-o", bundle, "--split-by", "source", "--vocabulary", 300,
             "--length", 16)  # fmt: skip
    done = run(*asked)
    assert done.code == 0, done.err
    assert "texts never trained on" in done.out
    metrics = json.loads(run(*asked, "--json").out)
    assert metrics["evaluation"]["accuracy"]["value"] > 0.9
    assert run("check", bundle).code == 0
    labelled = run("text", "classify", bundle, "a chess puzzle", "smtp queue", "--json")
    assert [one["label"] for one in lines(labelled.out)] == ["game", "mail"]
    shown = run("text", "classify", bundle, "a chess puzzle", "--top", 1)
    assert shown.out.startswith("game ")
    assert shown.out.endswith("  a chess puzzle\n")
    cut = run("text", "tokenize", "--bundle", bundle, "--json", table)
    assert lines(cut.out)[0]["ids"]


def test_a_vocabulary_is_learned(run: Run, tmp_path: Path) -> None:
    table = write(tmp_path / "topics.tsv")
    done = run("text", "vocab", table, "--size", 200, "-o", tmp_path / "vocab.txt")
    assert done.code == 0, done.err
    tokens = (tmp_path / "vocab.txt").read_text(encoding="utf-8").splitlines()
    assert tokens[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert len(tokens) == len(set(tokens)) <= 200
    assert "chess" in tokens
    printed = run("text", "vocab", table, "--size", 200, "--reserved", "[UNK]")
    assert printed.out.splitlines()[0] == "[UNK]"
