from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from homebody.errors import DatasetError
from homebody.train import Skipped, read_dataset, read_table
from homebody.train.photos import CropCache

from .folders import write_photos


def test_labels_are_the_folders_and_files_lie_below_them(tmp_path: Path):
    root = write_photos(tmp_path, {"dog": 3, "cat": 4})
    (root / "cat" / "summer").mkdir()
    (root / "cat" / "000.png").rename(root / "cat" / "summer" / "000.png")
    data = read_dataset(root)
    assert data.labels == ("cat", "dog")
    assert [e.file for e in data.examples][:2] == ["cat/001.png", "cat/002.png"]
    assert {e.label for e in data.examples if e.file.startswith("cat/")} == {"cat"}
    assert "cat/summer/000.png" in {e.file for e in data.examples}


def test_hidden_files_do_not_exist(tmp_path: Path):
    root = write_photos(tmp_path, {"dog": 3, "cat": 3, ".cache": 3})
    shutil.copy(root / "cat" / "000.png", root / "cat" / ".hidden.png")
    data = read_dataset(root)
    assert (data.labels, len(data.examples), data.skipped) == (("cat", "dog"), 6, ())


def test_the_hash_says_what_the_data_are_and_not_what_they_are_called(tmp_path: Path):
    one = read_dataset(write_photos(tmp_path / "one", {"a": 4, "b": 3}))
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    (tmp_path / "two/a/000.png").rename(tmp_path / "two/a/zzz.png")
    assert read_dataset(tmp_path / "two").sha256 == one.sha256
    (tmp_path / "two/a/zzz.png").rename(tmp_path / "two/b/zzz.png")
    assert read_dataset(tmp_path / "two").sha256 != one.sha256


def test_a_copy_is_used_once(tmp_path: Path):
    root = write_photos(tmp_path, {"a": 3, "b": 3})
    shutil.copy(root / "a/000.png", root / "a/copy.png")
    data = read_dataset(root)
    assert data.skipped == (Skipped("a/copy.png", "a copy of a/000.png"),)
    assert len(data.examples) == 6


def test_a_photo_under_two_labels_is_used_for_neither(tmp_path: Path):
    root = write_photos(tmp_path, {"a": 4, "b": 4})
    shutil.copy(root / "a/000.png", root / "b/same.png")
    data = read_dataset(root)
    assert [s.file for s in data.skipped] == ["a/000.png", "b/same.png"]
    assert data.skipped[0].reason == "the same photo is labelled a and b"


def test_what_is_no_photo_is_reported(tmp_path: Path):
    root = write_photos(tmp_path, {"a": 3, "b": 3})
    (root / "a/notes.txt").write_text("nice")
    assert read_dataset(root).skipped == (Skipped("a/notes.txt", ".txt ending is not a photo's"),)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({}, "holds no folders"),
        ({"cat": 5}, "only the label 'cat'"),
        ({"cat": 5, "dog": 1}, "'dog' has 1 photo; at least 3 are needed"),
        ({"cat": 5, "dog": 0}, "'dog' has no photo; at least 3 are needed"),
    ],
)
def test_too_little_is_one_sentence(tmp_path: Path, counts: dict[str, int], message: str):
    with pytest.raises(DatasetError, match=message) as found:
        read_dataset(write_photos(tmp_path, counts))
    assert "\n" not in str(found.value)


def test_a_missing_folder_is_one_sentence(tmp_path: Path):
    with pytest.raises(DatasetError, match="is not a folder"):
        read_dataset(tmp_path / "nowhere")


def test_an_unprintable_label_is_refused(tmp_path: Path):
    with pytest.raises(DatasetError, match="unprintable"):
        read_dataset(write_photos(tmp_path, {"a": 3, "b\nc": 3}))


def test_a_corrupt_file_is_skipped_and_the_rest_is_used(tmp_path: Path):
    root = write_photos(tmp_path / "photos", {"a": 4, "b": 4})
    whole = (root / "a/001.png").read_bytes()
    (root / "a/001.png").write_bytes(whole[: len(whole) // 2])
    data = CropCache(tmp_path / "cache").fill(read_dataset(root))
    assert [s.file for s in data.skipped] == ["a/001.png"]
    assert "broken PNG" in data.skipped[0].reason
    assert len(data.examples) == 7


def test_corrupt_files_may_leave_too_little(tmp_path: Path):
    root = write_photos(tmp_path / "photos", {"a": 3, "b": 3})
    (root / "a/001.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(DatasetError, match=r"'a' has 2 photos \(1 skipped: .*\); at least 3"):
        CropCache(tmp_path / "cache").fill(read_dataset(root))


def write_table(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_table_gives_columns_by_file(tmp_path: Path):
    data = read_dataset(write_photos(tmp_path / "p", {"a": 3, "b": 3}))
    table = write_table(
        tmp_path / "t.csv",
        "\ufefffile,camera,place\na/000.png,X1,\n./b/001.png,X2,home\nelsewhere.png,X3,far\n",
    )
    assert read_table(table, data) == {
        "camera": {"a/000.png": "X1", "b/001.png": "X2"},
        "place": {"b/001.png": "home"},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,camera\na,b\n", "columns 'name', 'camera'; expected"),
        ("", "columns of none"),
        ("file,x,x\na/000.png,1,2\n", "distinct"),
        ("file,x\na/000.png,1\na/000.png,2\n", "two rows"),
        ("file,x\nphoto.png,1\n", "names none of the photos"),
        (b"file,x\n\xff\xfe,1\n", "no CSV table in UTF-8"),
        ('file,x\n"a/000.png,1\n', "no CSV table in UTF-8"),
    ],
)
def test_a_bad_table_is_one_sentence(tmp_path: Path, text: str | bytes, message: str):
    data = read_dataset(write_photos(tmp_path / "p", {"a": 3, "b": 3}))
    with pytest.raises(DatasetError, match=message):
        read_table(write_table(tmp_path / "t.csv", text), data)


def test_a_missing_table_is_one_sentence(tmp_path: Path):
    data = read_dataset(write_photos(tmp_path / "p", {"a": 3, "b": 3}))
    with pytest.raises(DatasetError, match="No such file"):
        read_table(tmp_path / "t.csv", data)
