"""docs/delivery.md names tests, errors, roles and defaults that exist, and all that there are."""

from __future__ import annotations

import re
from pathlib import Path

from homebody import errors
from homebody.deliver import EXPIRES
from homebody.deliver.keys import ROLES

from ..bundle.test_attacks import leaves

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "delivery.md").read_text(encoding="utf-8")


def named_in(*files: str) -> set[str]:
    return {
        name
        for file in files
        for name in re.findall(r"^def (test_\w+)", (HERE / file).read_text(), re.M)
    }


def test_every_test_that_is_named_exists() -> None:
    known = named_in(*(path.name for path in HERE.glob("test_*.py")))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named <= known
    assert len(named) > 40


def test_every_attack_on_the_metadata_is_listed() -> None:
    attacks = {
        name
        for name in named_in("test_attacks.py")
        if re.match(
            r"test_(freeze|rollback|mix_and_match|wrong_keys|compromised|fast_forward)", name
        )
    }
    assert attacks <= set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(attacks) >= 15


def test_every_error_is_listed_and_no_other() -> None:
    named = set(re.findall(r"`(\w+Error)`", PAGE))
    groups = {"DeliverError", "FetchError", "TrustError", "PublishError"}
    assert named | groups == leaves(errors.DeliverError) | groups


def test_the_days_are_those_of_the_code() -> None:
    table = dict(re.findall(r"^\| `(\w+)`(?:, `\w+`)? \| (\d+) \|", PAGE, re.M))
    assert {role: int(days) for role, days in table.items()} == {
        role: EXPIRES[role] for role in ROLES
    }
    assert EXPIRES["web"] == EXPIRES["timestamp"]
