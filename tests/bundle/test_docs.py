"""docs/bundle-format.md names everything that the code refuses, limits and knows."""

from __future__ import annotations

import re

import msgspec

from homebody import errors
from homebody.bundle import Limits, Manifest, Model, OutputTolerance, Tolerances
from homebody.bundle.operations import OPERATIONS
from homebody.bundle.samples import SampleRecord
from tests.bundle.drafts import ROOT
from tests.bundle.test_attacks import leaves

PAGE = (ROOT / "docs" / "bundle-format.md").read_text(encoding="utf-8")


def test_every_refusal_is_there_and_no_other() -> None:
    named = set(re.findall(r"`(\w+Error)`", PAGE))
    known = leaves(errors.BundleError) | {
        "BundleFileError",
        "EntryTextError",
        "MissingExtraError",
    }
    assert named == known


def test_every_limit_is_there_with_its_default() -> None:
    defaults = msgspec.to_builtins(Limits())
    rows = dict(re.findall(r"^\| .* \| (?=.*`(\w+)` \|$)([\d,]+(?: MiB| bytes)?) \|", PAGE, re.M))
    assert rows.keys() == defaults.keys()
    for name, value in defaults.items():
        number, _, unit = rows[name].partition(" ")
        assert int(number) * (1 << 20 if unit == "MiB" else 1) == value, name


def test_every_key_and_operation_is_there() -> None:
    for kind in (Manifest, Model, Tolerances, OutputTolerance, SampleRecord):
        for field in msgspec.structs.fields(kind):
            assert f"`{field.name}`" in PAGE, field.name
    for name, kind in OPERATIONS.items():
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}`"))
        for field in msgspec.structs.fields(kind):
            assert f"`{field.name}`" in row
        assert f"**`{name}`.**" in PAGE
