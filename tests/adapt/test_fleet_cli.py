"""``homebody fleet stream``, as it is typed."""

from __future__ import annotations

import json

import pytest

from tests.adapt.fleet_data import measurements, parquet, prior_of

pytest.importorskip("pyarrow", reason="pip install 'homebody[fleet]'")

from typer.testing import CliRunner

from homebody.adapt import safetensors
from homebody.cli import fleet as verb
from homebody.errors import FleetError


def test_a_second_run_takes_only_what_is_new(tmp_path):
    prior = prior_of()
    arrays = {n: getattr(prior, n) for n in ("mean", "covariance", "process", "noise")}
    safetensors.save(tmp_path / "prior.safetensors", arrays)
    folder = parquet(measurements(prior, 20, 900), tmp_path / "in")
    words = [
        "stream", str(folder), "--prior", str(tmp_path / "prior.safetensors"),
        "--checkpoint", str(tmp_path / "kept"), "--out", str(tmp_path / "out"), "--step", "60",
    ]  # fmt: skip
    first = json.loads(CliRunner().invoke(verb.app, [*words, "--json"]).stdout)
    assert first["rows"] == 900
    assert first["assets"] == 20
    assert sum(first["statuses"].values()) == 900
    again = CliRunner().invoke(verb.app, words)
    assert again.exit_code == 0
    assert again.stdout == "Nothing new: 900 rows of 20 assets were taken before.\n"
    parquet(measurements(prior, 20, 60, seed=1), tmp_path / "more", files=1)
    (tmp_path / "more" / "0000.parquet").rename(folder / "0003.parquet")
    more = CliRunner().invoke(verb.app, words).stdout
    assert more.startswith("60 rows of 20 assets, after 900 that were taken before: ")
    assert "Late ones were dropped; --window puts them where they belong." in more

    def late(*options: str) -> int:
        anew = [*words, "--checkpoint", str(tmp_path / options[1]), "--json", *options]
        return json.loads(CliRunner().invoke(verb.app, anew).stdout)["statuses"]["late"]

    assert late("--window", "5") < late("--window", "0")
    safetensors.save(tmp_path / "prior.safetensors", {"mean": prior.mean})
    assert isinstance(CliRunner().invoke(verb.app, words).exception, FleetError)
