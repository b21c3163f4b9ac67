"""``homebody photo federate``."""

from __future__ import annotations

import json

import pytest

from homebody.features.photo.catalog import catalog_from_json, default_catalog
from homebody.features.photo.owner import save_preference
from homebody.features.photo.preference import Habit, Preference

from .conftest import Run

STREET = default_catalog().category("street")


def state(path, preset: str, times: float = 20.0):
    owner = Preference("0" * 64)
    owner.learned = 1
    owner.habits = {Habit(preset, "street"): times}
    save_preference(owner, path)
    return str(path)


def federate(run: Run, *arguments) -> dict:
    found = run("photo", "federate", *arguments, "--json")
    assert found.code == 0, found.err
    return json.loads(found.out)


def test_the_command_moves_the_list_and_prints_the_budget(run: Run, tmp_path):
    liked = STREET.presets[7].preset
    states = [state(tmp_path / f"{i}.safetensors", liked) for i in range(30)]
    out, ledger = tmp_path / "next.json", tmp_path / "ledger.json"
    told = federate(run, *states, "--epsilon", "8", "-o", str(out), "--ledger", str(ledger))
    assert told["owners"] == 30
    assert told["epsilon"] == pytest.approx(8.0, rel=1e-3)
    assert told["delta"] == 1e-6
    assert told["alone"] > 30
    after = catalog_from_json(out.read_bytes())
    assert after.category("street").presets[0].preset == liked
    assert after.version == told["version"]
    again = federate(run, *states, "--epsilon", "8", "-o", str(out), "--ledger", str(ledger))
    assert again["all_rounds"]["rounds"] == 2
    assert 8 < again["all_rounds"]["epsilon"] < 16


def test_without_noise_it_says_that_there_is_no_privacy(run: Run, tmp_path):
    states = [state(tmp_path / "a.safetensors", STREET.presets[1].preset)]
    told = federate(run, *states, "--epsilon", "inf", "-o", str(tmp_path / "next.json"))
    assert (told["epsilon"], told["alone"]) == ("inf", "inf")
    after = catalog_from_json((tmp_path / "next.json").read_bytes())
    assert after.category("street").presets[0].preset == STREET.presets[1].preset


def test_words_for_people(run: Run, tmp_path):
    states = [state(tmp_path / "a.safetensors", STREET.presets[1].preset)]
    out = tmp_path / "next.json"
    found = run("photo", "federate", *states, "-o", out)
    assert found.code == 0
    assert "spent epsilon 1 at delta 1e-06" in found.out


@pytest.mark.parametrize("options", [["--epsilon", "0"], ["--delta", "2"], ["--clip", "0"]])
def test_a_refusal_writes_nothing(run: Run, tmp_path, options):
    states = [state(tmp_path / "a.safetensors", STREET.presets[1].preset)]
    out = tmp_path / "next.json"
    found = run("photo", "federate", *states, "-o", out, *options)
    assert (found.code, found.out) == (2, "")
    assert found.err.count("\n") == 1
    assert not out.exists()
