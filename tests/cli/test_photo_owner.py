"""``homebody photo feedback``, ``owner`` and ``suggest --owner``."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from homebody.features.photo.owner import dumps, load_preference
from homebody.features.photo.sample_photos import sample_folder
from tests.features.photo.owners import made_up_choices, taught

from .conftest import Run

CAT = sample_folder() / "cat.jpg"
DOG = sample_folder() / "dog.jpg"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def six(run: Run, *more: object) -> list[str]:
    """What is suggested for the dog."""
    done = run("photo", "suggest", DOG, "--json", *more)
    assert done.code == 0, done.err
    return [preset["id"] for preset in json.loads(done.out)["presets"]]


def test_feedback_changes_the_next_suggestions(run: Run) -> None:
    before = six(run)
    assert "mon-03" not in before
    for photo in (CAT, DOG):
        done = run("photo", "feedback", photo, "--picked", "Newsprint", "--owner", "me", "--json")
        assert done.code == 0, done.err
    said = json.loads(done.out)
    assert set(said) == {"photo", "picked", "shown", "status", "expected", "learned", "owner"}
    assert (said["picked"], said["status"], said["learned"]) == ("mon-03", "learned", 2)
    assert 0 < said["expected"] < 1
    assert "mon-03" in six(run, "--owner", "me")
    assert six(run) == before
    state = Path("me").read_bytes()
    done = run("photo", "feedback", DOG, "--picked", "mon-03", "--owner", "me", "--json")
    said = json.loads(done.out)
    assert (said["status"], said["expected"], said["learned"]) == ("duplicate", None, 2)
    assert Path("me").read_bytes() == state


def test_what_was_shown_may_be_said_and_none_be_taken(run: Run) -> None:
    done = run(
        "photo", "feedback", CAT, "--none", "--shown", "wrm-01, Silver", "--owner", "me", "--json"
    )
    assert json.loads(done.out)["shown"] == ["wrm-01", "mon-04"]
    assert json.loads(done.out)["picked"] is None
    done = run(
        "photo", "feedback", CAT, "--picked", "wrm-01", "--category", "food", "--owner", "me"
    )
    assert done.out.startswith("me: learned from Honey")
    assert {habit.category for habit in load_preference("me").habits} == {"food"}


def test_what_was_learned_is_shown(run: Run) -> None:
    for photo in (CAT, DOG):
        run("photo", "feedback", photo, "--picked", "mon-03", "--owner", "me")
    done = run("photo", "owner", "me")
    assert done.out.startswith("2 choices learned")
    assert "Newsprint" in done.out
    found = json.loads(run("photo", "owner", "me", "--json").out)
    assert set(found) == {"learned", "base", "leanings", "habits"}
    assert {habit["preset"] for habit in found["habits"]} == {"mon-03"}
    assert set(found["leanings"][0]) == {"trait", "context", "weight", "sure", "saying"}


def test_another_base_is_refused_until_it_is_carried_over(run: Run) -> None:
    Path("me").write_bytes(dumps(taught(made_up_choices(random.Random(1), 2))))
    for command in (["suggest", DOG], ["feedback", DOG, "--none"]):
        done = run("photo", *command, "--owner", "me")
        assert done.code == 2
        assert "--carry-over" in done.err
        assert done.err.count("\n") == 1
    assert "not the one in use" in run("photo", "owner", "me").out
    assert run("photo", "owner", "me", "--carry-over").code == 0
    assert len(six(run, "--owner", "me")) == 6
    assert load_preference("me").learned == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["feedback", CAT, "--owner", "me"],
        ["feedback", CAT, "--picked", "wrm-01", "--none", "--owner", "me"],
        ["feedback", CAT, "--picked", "no-such", "--owner", "me"],
        ["feedback", CAT, "--none", "--shown", "wrm-01,wrm-01", "--owner", "me"],
        ["feedback", CAT, "--none", "--category", "no-such", "--owner", "me"],
        ["feedback", "no-such.jpg", "--none", "--owner", "me"],
        ["feedback", CAT, "--none", "--owner", "no/such/folder"],
        ["feedback", CAT, "--none", "--owner", CAT],
        ["suggest", CAT, "--owner", "absent"],
        ["suggest", CAT, "--owner", CAT],
        ["owner", "absent"],
        ["owner", CAT],
    ],
)
def test_mistakes_are_one_line_and_write_nothing(run: Run, arguments: list[object]) -> None:
    before = CAT.read_bytes()
    done = run("photo", *arguments)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert list(Path().iterdir()) == []
    assert CAT.read_bytes() == before
