"""``homebody shrink``, ``compare`` and ``inspect --edge-tpu`` on a tiny model."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import numpy as np
import pytest

from homebody.cli.shrink import shrink as shrink_verb
from homebody.errors import ShrinkError
from homebody.features.photo import default_bundle
from homebody.runtime import Model
from homebody.shrink import shrink

from ..runtime.models import dense_model, serialize
from ..shrink.nets import Net
from .conftest import Run

RNG = np.random.default_rng(3)
WEIGHTS = RNG.normal(size=(4, 32)).astype(np.float32)
BIAS = RNG.normal(size=4).astype(np.float32)
SAMPLES = RNG.normal(size=(40, 1, 32)).astype(np.float32)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("model.tflite").write_bytes(serialize(dense_model(WEIGHTS, BIAS)))
    np.savez("samples.npz", x=SAMPLES.reshape(40, 32))
    return tmp_path


def test_a_model_shrinks_and_still_answers(run: Run, files: Path) -> None:
    done = run("shrink", "model.tflite", "--samples", "samples.npz", "-o", "small.tflite")
    assert done.code == 0, done.err
    assert "int8, 40 samples" in done.out
    (y,) = Model(Path("small.tflite").read_bytes())(SAMPLES[0])
    expected = SAMPLES[0] @ WEIGHTS.T + BIAS
    assert np.abs(y - expected).max() < 0.05 * np.abs(expected).max() + 0.1


def test_defaults_are_those_of_the_function() -> None:
    ours, functions = (
        inspect.signature(shrink_verb).parameters,
        inspect.signature(shrink).parameters,
    )
    for name in ("scheme", "io", "range", "rounding", "bias_correction", "equalize", "threads"):
        assert ours[name].default == functions[name].default, name


def test_the_report_is_written_and_printed(run: Run, files: Path) -> None:
    done = run(
        "shrink", "model.tflite", "--samples", "samples.npz", "-o", "small.tflite",
        "--report", "report.json", "--html", "report.html", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    printed = json.loads(done.out)
    assert printed == json.loads(Path("report.json").read_text())
    assert printed["operations"][0]["format"] == "int8"
    assert Path("report.html").read_text().lstrip().lower().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), {"bias_correction": "empirical", "equalize": True}),
        (("--bias-correction", "analytic"), {"bias_correction": "analytic"}),
        (("--bias-correction", "none", "--no-bias-correction"), {"bias_correction": "none"}),
        (("--no-bias-correction", "--no-equalize"), {"bias_correction": "none", "equalize": False}),
        (("--rounding", "gptq"), {"rounding": "gptq", "bias_correction": "empirical"}),
        (("--threads", "2"), {"range": "minmax"}),
    ],
)
def test_options_reach_the_function(
    run: Run, files: Path, options: tuple[str, ...], said: dict[str, object]
) -> None:
    done = run("shrink", "model.tflite", "--samples", "samples.npz", "-o", "small.tflite",
               "--json", *options)  # fmt: skip
    assert done.code == 0, done.err
    settings = json.loads(done.out)["settings"]
    assert {name: settings[name] for name in said} == said


def test_what_cannot_be_written_is_found_before_the_work(
    run: Run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("homebody.shrink.shrink", lambda *_, **__: pytest.fail("it has begun"))
    done = run("shrink", "model.tflite", "--samples", "samples.npz", "-o", "small.tflite",
               "--html", "no/report.html")  # fmt: skip
    assert done.code == 2
    assert "no/report.html cannot be written" in done.err


def test_a_report_that_fails_late_leaves_no_model(
    run: Run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise ShrinkError("report.html cannot be written (No space left on device); make room")

    monkeypatch.setattr("homebody.shrink.page.write_page", full)
    before = sorted(files.rglob("*"))
    done = run("shrink", "model.tflite", "--samples", "samples.npz", "-o", "small.tflite",
               "--html", "report.html")  # fmt: skip
    assert done.code == 2
    assert sorted(files.rglob("*")) == before


def test_many_operations_that_stay_float_for_one_reason_are_one_line(run: Run, files: Path) -> None:
    net = Net()
    x = net.input((1, 8))
    for _ in range(7):
        x = net.op("ABS", [x], (1, 8))
    net.op("EXP", [x], (1, 8), name="last")
    Path("abs.tflite").write_bytes(net.build())
    out = run("shrink", "abs.tflite", "--scheme", "hybrid", "-o", "small.tflite").out
    assert "8 operations (ABS, EXP): the runtime has no hybrid kernel" in " ".join(out.split())
    assert "samples" not in out


def test_hybrid_and_float16_need_no_samples(run: Run, files: Path) -> None:
    for scheme in ("hybrid", "float16"):
        done = run("shrink", "model.tflite", "--scheme", scheme, "-o", f"{scheme}.tflite")
        assert done.code == 0, done.err
        assert Path(f"{scheme}.tflite").is_file()


def test_compare_measures_the_difference(run: Run, files: Path) -> None:
    run("shrink", "model.tflite", "--samples", "samples.npz", "-o", "small.tflite")
    done = run("compare", "model.tflite", "small.tflite", "--samples", "samples.npz", "--json")
    found = json.loads(done.out)
    assert found["samples"] == 40
    assert found["outputs"][0]["sqnr_db"] > 25
    same = run("compare", "model.tflite", "model.tflite", "--samples", "samples.npz").out
    assert "same top 1 100.0%" in same


def test_edge_tpu_takes_integers_only(run: Run, files: Path) -> None:
    options = ("--samples", "samples.npz", "--io", "int8", "-o", "integer.tflite")
    assert run("shrink", "model.tflite", *options).code == 0
    assert json.loads(run("inspect", "integer.tflite", "--edge-tpu", "--json").out)["edge_tpu"][
        "fully_integer"
    ]
    assert "not fully integer" in run("inspect", "model.tflite", "--edge-tpu").out


@pytest.mark.parametrize(
    "arguments",
    [
        ["model.tflite", "-o", "out.tflite"],
        ["model.tflite", "--samples", "missing.npz", "-o", "out.tflite"],
        ["model.tflite", "--samples", "model.tflite", "-o", "out.tflite"],
        ["missing.tflite", "--samples", "samples.npz", "-o", "out.tflite"],
        ["samples.npz", "--samples", "samples.npz", "-o", "out.tflite"],
        ["model.tflite", "--samples", "samples.npz", "-o", "no/folder/out.tflite"],
        ["model.tflite", "--samples", "samples.npz", "--keep-float", "nosuch", "-o", "out.tflite"],
        ["model.tflite", "--samples", "empty", "-o", "out.tflite"],
        ["model.tflite", "--samples", "samples.npz", "-o", "out.tflite", "--report", "no/r.json"],
        ["model.tflite", "--samples", "samples.npz", "-o", "out.tflite", "--html", "no/r.html"],
        ["model.tflite", "--samples", "samples.npz", "-o", "out.tflite", "--html", "empty"],
        ["model.tflite", "--samples", "samples.npz", "-o", "empty"],
        ["model.tflite", "--samples", "samples.npz", "-o", "x", "--report", "x"],
        ["model.tflite", "--samples", "samples.npz", "-o", "out.tflite",
         "--bias-correction", "empirical", "--no-bias-correction"],
    ],
)  # fmt: skip
def test_mistakes_are_one_line_and_leave_nothing(
    run: Run, files: Path, arguments: list[str]
) -> None:
    Path("empty").mkdir()
    before = sorted(files.rglob("*"))
    done = run("shrink", *arguments)
    assert done.code == 2
    assert done.err.startswith("homebody: ")
    assert done.err.count("\n") == 1
    assert sorted(files.rglob("*")) == before


def test_photos_go_through_the_features_own_pipeline(run: Run, tmp_path: Path) -> None:
    from homebody import bundle
    from homebody.features.photo.sample_photos import sample_folder

    model = tmp_path / "model.tflite"
    with bundle.open(default_bundle()) as shipped:
        model.write_bytes(shipped.read("model.tflite"))
    done = run("compare", model, model, "--samples", sample_folder(), "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["samples"] == 33
