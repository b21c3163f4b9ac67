from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebody.errors import DatasetError
from homebody.train import Dataset, Example, split_dataset

PARTS = ("train", "validation", "test")


def dataset(files: dict[str, int], prefix: str = "") -> Dataset:
    """A data set of names alone: so many for each label."""
    examples = tuple(
        Example(f"{label}/{prefix}{i:03}.png", label, f"{label}-{i}".encode().hex().ljust(64, "0"))
        for label, count in files.items()
        for i in range(count)
    )
    return Dataset(Path("photos"), tuple(sorted(files)), examples)


@given(
    st.dictionaries(st.sampled_from("abcde"), st.integers(3, 60), min_size=2),
    st.integers(0, 1000),
)
def test_every_photo_is_in_one_part_and_every_label_in_all(files: dict[str, int], seed: int):
    data = dataset(files)
    parts = split_dataset(data, seed=seed)
    held = [getattr(parts, name) for name in PARTS]
    assert sorted(e.file for part in held for e in part) == sorted(e.file for e in data.examples)
    for part in held:
        assert {e.label for e in part} == set(files)
    assert parts.warnings == ()


def test_shares_are_kept_label_by_label():
    parts = split_dataset(dataset({"a": 200, "b": 40}), validation=0.1, test=0.3)
    counts = [Counter(e.label for e in getattr(parts, name)) for name in PARTS]
    assert counts == [{"a": 120, "b": 24}, {"a": 20, "b": 4}, {"a": 60, "b": 12}]


def test_names_play_no_role_and_the_seed_does():
    data, renamed = dataset({"a": 50, "b": 50}), dataset({"a": 50, "b": 50}, prefix="x")
    hashes = [e.sha256 for e in split_dataset(data, seed=5).test]
    assert [e.sha256 for e in split_dataset(renamed, seed=5).test] == hashes
    assert [e.sha256 for e in split_dataset(data, seed=6).test] != hashes


def test_the_order_of_files_plays_no_role():
    data = dataset({"a": 30, "b": 30})
    turned = msgspec.structs.replace(data, examples=data.examples[::-1])
    assert split_dataset(turned) == split_dataset(data)


SOURCES = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9)), min_size=6, max_size=80)


@given(SOURCES, st.integers(0, 50))
def test_a_source_is_never_divided(photos: list[tuple[str, int]], seed: int):
    examples = tuple(
        Example(f"{label}/{i}.png", label, f"{i:064}") for i, (label, _) in enumerate(photos)
    )
    data = Dataset(Path("p"), ("a", "b"), examples)
    table = {"shoot": {e.file: str(s) for e, (_, s) in zip(examples, photos, strict=True)}}
    try:
        parts = split_dataset(data, by="shoot", seed=seed, table=table)
    except DatasetError:  # a label may be left without a photo to train on
        return
    places: dict[str, set[str]] = {}
    for name in PARTS:
        for example in getattr(parts, name):
            places.setdefault(table["shoot"][example.file], set()).add(name)
    assert all(len(found) == 1 for found in places.values())
    assert {e.label for e in parts.train} == {e.label for e in examples} | {"a", "b"}


def test_folders_and_prefixes_are_sources():
    examples = tuple(
        Example(f"{label}/{shoot}/{shoot}__{i}.png", label, f"{label}{shoot}{i}".ljust(64, "0"))
        for label in "ab"
        for shoot in ("s1", "s2", "s3", "s4")
        for i in range(5)
    )
    data = Dataset(Path("p"), ("a", "b"), examples)
    for by in ("folder", "prefix"):
        parts = split_dataset(data, by=by)
        shoots = [{e.file.split("/")[1] for e in getattr(parts, name)} for name in PARTS]
        assert sum(map(len, shoots)) == 4
        assert set.union(*shoots) == {"s1", "s2", "s3", "s4"}


def test_a_label_of_one_source_is_trained_on_and_said_not_to_be_tested():
    examples = tuple(
        Example(f"{label}/{source}/{i}.png", label, f"{label}{source}{i}".ljust(64, "0"))
        for label, sources in {"a": "xyz", "b": "w"}.items()
        for source in sources
        for i in range(4)
    )
    parts = split_dataset(Dataset(Path("p"), ("a", "b"), examples), by="folder")
    assert {e.label for e in parts.train} == {"a", "b"}
    assert parts.warnings == (
        "no photo of b is left for the validation part, since sources are not divided",
        "no photo of b is left for the test part, since sources are not divided",
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "camera"}, "cannot be split by 'camera'; give one of content, folder, prefix"),
        ({"test": 0.0}, "validation 0.15 and test 0"),
        ({"test": 0.8}, "below 0.9 together"),
        ({"by": "x", "table": {"x": {"a/000.png": "1"}}}, "5 photos have no 'x' in the table"),
    ],
)
def test_a_bad_wish_is_one_sentence(options: dict, message: str):
    with pytest.raises(DatasetError, match=message):
        split_dataset(dataset({"a": 3, "b": 3}), **options)


def test_one_large_source_goes_where_most_photos_are_wanted():
    sizes = {"huge": 60, **{f"s{i}": 4 for i in range(10)}}
    examples = tuple(
        Example(f"{label}/{source}/{i}.png", label, f"{label}{source}{i}".ljust(64, "0"))
        for label in "ab"
        for source, size in sizes.items()
        for i in range(size)
    )
    parts = split_dataset(Dataset(Path("p"), ("a", "b"), examples), by="folder")
    assert {e.file.split("/")[1] for e in parts.train} >= {"huge"}
    counts = [len(getattr(parts, name)) for name in PARTS]
    assert counts == [128, 32, 40]  # of 200, wanted 130, 30, 40, in pieces of 8


@given(st.integers(3, 8), st.integers(0, 100))
def test_three_sources_are_enough_for_all_parts(sources: int, seed: int):
    examples = tuple(
        Example(f"{label}/{s}/{i}.png", label, f"{label}{s}{i}".ljust(64, "0"))
        for label in "ab"
        for s in range(sources)
        for i in range(3 + s)
    )
    data = Dataset(Path("p"), ("a", "b"), examples)
    assert split_dataset(data, by="folder", seed=seed).warnings == ()
