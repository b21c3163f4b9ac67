"""Labelled texts: what makes a data set, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from homebody.errors import DatasetError
from homebody.features.text.data import LabelledText, read_texts, share_of

ROWS = [("what a day", "good", "me"), ('rain, "again"', "bad", "me"), ("fine", "good", "you")]


def written(folder: Path, kind: str) -> Path:
    path = folder / f"moods.{kind}"
    if kind == "jsonl":
        import json

        lines = [json.dumps({"text": a, "label": b, "by": c}) for a, b, c in ROWS]
        path.write_text("\n".join(lines) + "\n\n")
    elif kind == "tsv":
        path.write_text("\n".join("\t".join(row) for row in [("text", "label", "by"), *ROWS]))
    else:
        import csv

        with path.open("w", newline="") as file:
            csv.writer(file).writerows([("text", "label", "by"), *ROWS])
    return path


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_every_table_gives_the_same_texts(tmp_path: Path, kind: str) -> None:
    found = read_texts(written(tmp_path, kind), split_by="by")
    assert found.examples == tuple(LabelledText(*row) for row in ROWS)
    assert found.labels == ("bad", "good")
    assert found.sha256 == read_texts(written(tmp_path, "csv"), split_by="by").sha256
    assert read_texts(written(tmp_path, kind)).examples[0].source == "what a day"


def test_a_folder_has_a_label_a_folder(tmp_path: Path) -> None:
    for text, label, by in ROWS:
        (tmp_path / label).mkdir(exist_ok=True)
        (tmp_path / label / f"{by}__{len(text)}.txt").write_text(text)
    found = read_texts(tmp_path, split_by="prefix")
    assert sorted(found.examples) == sorted(LabelledText(*row) for row in ROWS)
    assert {one.source for one in read_texts(tmp_path).examples} == {row[0] for row in ROWS}


def test_what_is_there_twice_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\na,x\na,x\nb,y\na,y\n")
    found = read_texts(path)
    assert len(found.examples) == 3
    assert found.duplicates == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "text,label\na,x\n", "two labels"),
        ("a.csv", "", "two labels"),
        ("a.csv", "words,label\na,x\nb,y\n", "no text in the column 'text'"),
        ("a.csv", "text,label\na,x\nb\n", "no text in the column 'label'"),
        ("a.csv", 'text,label\n"a,x\nb,y\n', "no csv table"),
        ("a.csv", b"text,label\n\xff,x\nb,y\n", "not UTF-8"),
        ("a.jsonl", '{"text": "a", "label": "x"}\n[1]\n', "no JSON object"),
        ("a.jsonl", '{"text": "a", "label": 3}\n', "no text in the column 'label'"),
        ("a.parquet", "", "no folder"),
    ],
)
def test_what_is_no_data_set_is_refused(tmp_path: Path, name: str, content, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DatasetError, match=said):
        read_texts(path)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        read_texts(tmp_path / "absent.csv")
    with pytest.raises(DatasetError, match="two labels"):
        read_texts(tmp_path)
    with pytest.raises(DatasetError, match="'prefix'"):
        read_texts(tmp_path, split_by="by")


def test_shares_are_even_and_keep_to_the_seed() -> None:
    shares = [share_of(str(number), 0) for number in range(4000)]
    assert abs(sum(share < 0.2 for share in shares) / 4000 - 0.2) < 0.02
    assert shares[:9] == [share_of(str(number), 0) for number in range(9)]
    assert shares[:9] != [share_of(str(number), 1) for number in range(9)]
