"""The class map covers ImageNet soundly, and categories.json is what the table says."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from homebody.features.photo import class_map
from homebody.features.photo.catalog import default_catalog


def committed() -> dict:
    return json.loads(
        resources.files("homebody.features.photo").joinpath("categories.json").read_bytes()
    )


def test_the_committed_json_is_written_from_the_table():
    folder = resources.files("homebody.features.photo")
    assert folder.joinpath("categories.json").read_bytes() == class_map.categories_json()


def test_every_class_gives_all_its_probability_away():
    total = dict.fromkeys(range(class_map.CLASSES), 0.0)
    for category in committed()["categories"]:
        for index, share in category["classes"].items():
            assert 0 < share <= 1
            total[int(index)] += share
    assert total == pytest.approx(dict.fromkeys(range(class_map.CLASSES), 1.0), abs=1e-5)


@pytest.mark.parametrize(
    ("index", "category"),
    [  # ImageNet's order: the names of these numbers are well known
        (0, "animal"),  # tench
        (207, "animal"),  # golden retriever
        (281, "animal"),  # tabby cat
        (497, "architecture"),  # church
        (817, "street"),  # sports car
        (831, "interior"),  # studio couch
        (917, "art"),  # comic book
        (963, "food"),  # pizza
        (970, "nature"),  # alp
        (978, "coastal"),  # seashore
        (982, "portrait"),  # groom
        (985, "flower"),  # daisy
    ],
)
def test_well_known_classes_go_where_anyone_would_look(index, category):
    shares = class_map.shares()[index]
    assert max(shares, key=shares.__getitem__) == category
    assert shares[category] >= 0.6


def test_a_class_that_says_nothing_shares_evenly():
    assert set(class_map.shares()[784].values()) == {0.1}  # screwdriver


def test_every_category_is_some_class_s_first():
    firsts = {max(shares, key=shares.__getitem__) for shares in class_map.shares()}
    assert firsts == set(class_map.CONTENT)


def test_groups_name_known_classes_and_categories():
    for name, classes, parts in class_map.GROUPS:
        numbers = class_map.indices(classes)
        assert all(0 <= number < class_map.CLASSES for number in numbers), name
        assert parts.keys() <= class_map.CONTENT.keys(), name
        assert len(numbers) == len(set(numbers)), name


def test_the_catalog_curates_the_same_categories():
    ids = [category.id for category in default_catalog().categories]
    assert sorted(ids) == sorted([*class_map.CONTENT, *class_map.PHOTOMETRIC])
