"""``homebody battery``: train, stream, report and demo from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from homebody.features.battery.article import Trace, discharge, measured

from .conftest import Run


def write(path: Path, trace: Trace) -> Path:
    rows = zip(trace.time, trace.current, trace.voltage, trace.charge / 3600, strict=True)
    lines = [",".join(f"{value:.6f}" for value in row) for row in rows]
    path.write_text("\n".join(["time_s,current_A,voltage_V,charge_Ah", *lines]) + "\n")
    return path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Pristine discharges, a fleet, and one battery's two discharges."""
    rng = np.random.default_rng(0)
    for current in (2.0, 2.75, 3.5):
        trace = measured(discharge(current, 0.0, step=20.0), rng, 0.02)
        write(tmp_path / f"new-{current}.csv", trace)
    (tmp_path / "aged").mkdir()
    for index in range(8):
        trace = discharge(rng.uniform(2, 3.5), rng.uniform(0, 0.4))
        write(tmp_path / "aged" / f"{index}.csv", measured(trace, rng, 0.02))
    write(tmp_path / "first.csv", measured(discharge(2.2, 0.163), rng, 0.02))
    write(tmp_path / "second.csv", measured(discharge(3.1, 0.163), rng, 0.02))
    return tmp_path


def train(run: Run, files: Path, *more: object) -> None:
    new = sorted(files.glob("new-*.csv"))
    done = run("battery", "train", *new, "-o", files / "cell.hb", "--epochs", 60, *more)
    assert done.code == 0, done.err


def test_from_files_to_a_page(run: Run, files: Path) -> None:
    train(run, files, "--fleet", files / "aged", "--hidden", "8,16,4")
    common = ("--bundle", files / "cell.hb", "--state", files / "cell.safetensors", "--json")
    first = run("battery", "stream", files / "first.csv", *common, "--asset", "<cell 7>")
    report = json.loads(first.out)
    assert report["asset"] == "<cell 7>"
    assert not report["resumed"]
    assert report["rmse"] < report["pristine_rmse"]
    assert any("Ah" in note for note in report["notes"])
    second = json.loads(run("battery", "stream", files / "second.csv", *common, "--new-cycle").out)
    assert second["resumed"]
    assert second["rmse"] < second["pristine_rmse"]
    pytest.importorskip("matplotlib")
    out = files / "cell.html"
    done = run("battery", "report", files / "second.csv", *common[:4], "-o", out)
    assert done.code == 0, done.err
    page = out.read_text()
    assert "&lt;cell 7&gt;" in page
    assert "<cell 7>" not in page
    assert page.count("<svg") == 5


def test_streaming_again_says_that_nothing_is_new_and_changes_nothing(run, files):
    train(run, files)
    state = files / "cell.safetensors"
    common = ("--bundle", files / "cell.hb", "--state", state)
    assert run("battery", "stream", files / "first.csv", *common, "--asset", "it").code == 0
    before = state.read_bytes()
    again = run("battery", "stream", files / "first.csv", *common)
    assert again.code == 2
    assert "--new-cycle" in again.err
    assert state.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("train", "none.csv", "-o", "x.hb"), "cannot be read"),
        (("train", "new-2.0.csv", "-o", "no/x.hb"), "cannot be written"),
        (("train", "new-2.0.csv", "-o", "x.hb", "--hidden", "4,x"), "--hidden"),
        (("train", "new-2.0.csv", "-o", "x.hb", "--hidden", "0"), "hidden layers"),
        (("train", "new-2.0.csv", "-o", "x.hb", "--fleet", "aged", "--spread", 1), "fleet"),
        (("stream", "first.csv", "--bundle", "none.hb", "--state", "s", "--asset", "a"), "none.hb"),
        (("report", "first.csv", "--bundle", "none.hb", "--state", "s", "-o", "x"), "none.hb"),
        (("demo", "--out", "no/x.html"), "cannot be written"),
        (("demo", "--out", "x", "--bundle", "x"), "one file"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(run, files, monkeypatch, arguments, said):
    monkeypatch.chdir(files)
    before = sorted(files.rglob("*"))
    done = run("battery", *arguments)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert sorted(files.rglob("*")) == before


def test_the_demo_from_the_command_line(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "page.html"
    done = run("battery", "demo", "--out", out, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    for key in ("pristine_end_error", "updated_end_error", "updates", "coverage_95",
                "next_cycle_rmse"):  # fmt: skip
        assert isinstance(found[key], (int, float)), key
    assert found["updated_end_error"] < found["pristine_end_error"]
    assert out.read_text().startswith("<!doctype html>")
