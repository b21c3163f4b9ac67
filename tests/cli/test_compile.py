"""``homebody compile`` and ``profile``: what they take, print and stay quiet about."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("onnxruntime")

from homebody.cli.compile import _building
from homebody.cli.compile import compile as compile_verb
from homebody.cli.profile import profile as profile_verb
from homebody.engines.folder import Record
from homebody.engines.profile import Profile
from homebody.engines.report import Report
from homebody.features.photo import default_bundle

from ..engines.graphs import model, parsed, value
from ..engines.test_report import network
from ..pages.tree import verify_self_contained
from .conftest import Run

QUICK = ("--engines", "onnxruntime", "--threads", "1", "--in-process")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.onnx").write_bytes(network())
    np.savez("x.npz", anything=np.ones((12, 16), np.float32))
    np.savez("other.npz", x=np.ones((3, 5), np.float32))
    return tmp_path


def test_weights_beside_the_model_are_read_by_their_sha256(run: Run, files: Path) -> None:
    import onnx
    from onnx import helper, numpy_helper

    weights = numpy_helper.from_array(np.arange(2000, dtype=np.float32), "w")
    made = parsed(
        model(
            [helper.make_node("Add", ["x", "w"], ["y"])],
            [value("x", [2000])], [value("y", [2000])], initializers=[weights],
        )
    )  # fmt: skip
    onnx.save(made, "two.onnx", save_as_external_data=True, location="w.bin")
    refused = run("compile", "two.onnx", "-o", "out", *QUICK)
    assert refused.code == 2
    assert "--external-sha256" in refused.err
    digest = hashlib.sha256(Path("w.bin").read_bytes()).hexdigest()
    done = run("compile", "two.onnx", "-o", "out", *QUICK, "--external-sha256", digest)
    assert done.code == 0, done.err
    assert not list(Path("out").glob("*.bin"))


def test_real_inputs_are_measured_with_and_named_in_the_report(run: Run, files: Path) -> None:
    done = run(
        "compile", "net.onnx", "-o", "out", *QUICK, "--inputs", "x.npz", "--shapes", "1x16,2x16",
        "--report", "r.json", "--trace", "t.json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "2×16: onnxruntime, the whole graph" in done.out
    assert done.out.splitlines()[-3:] == ["written: out", "written: r.json", "written: t.json"]
    told = msgspec.json.decode(Path("r.json").read_bytes(), type=Report)
    assert told.inputs is not None
    assert (told.inputs.name, told.inputs.rows) == ("x.npz", 12)
    assert [(list(s.shapes.values()), s.rows) for s in told.shapes] == [
        ([(1, 16)], 8), ([(2, 16)], 12),
    ]  # fmt: skip
    assert {e["ph"] for e in json.loads(Path("t.json").read_bytes())["traceEvents"]} == {"X", "M"}


def test_a_bundle_s_photos_go_through_its_own_pipeline(run: Run, files: Path) -> None:
    dice = np.random.default_rng(0)
    Path("photos").mkdir()
    for number in range(3):
        pixels = dice.integers(0, 256, (300, 400, 3), np.uint8)
        Image.fromarray(pixels).save(f"photos/{number}.jpg")
    bundle = str(default_bundle())
    done = run(
        "compile", bundle, "-o", "out", *QUICK, "--inputs", "photos", "--report", "r.html",
    )  # fmt: skip
    assert done.code == 0, done.err
    root = verify_self_contained(Path("r.html").read_text("utf-8"))
    assert "photos/3 rows" in root.text
    assert "Decoding and preparing a photo took" in root.text
    assert "SQNR is with 3 rows of real inputs" in root.text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--inputs", "other.npz"), "the rows of other.npz are 'x' float32 [5], and the model "
         "takes 'x' float32 [-1, 16]; give rows of its shapes and types"),
        (("--inputs", "net.onnx"), "net.onnx is neither a folder of photos nor an .npz file"),
        (("--samples", "x.npz"), "--samples make a model int8; give --precision int8 with them, "
         "or --inputs to measure"),
        (("--report", "r", "--trace", "r"), "--report and --trace are one file"),
        (("--report", "no/r.html"), "no/r.html cannot be written"),
        (("--shapes", "1xa"), "--shapes is '1xa'; write shapes as"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_line_before_anything_is_written(
    run: Run, files: Path, options: tuple[str, ...], said: str
) -> None:
    done = run("compile", "net.onnx", "-o", "out", *QUICK, *options)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert said in done.err
    assert not Path("out/compiled.json").exists()
    assert not Path("r").exists()


def test_json_is_the_record_on_one_line(run: Run, files: Path) -> None:
    done = run("compile", "net.onnx", "-o", "out", *QUICK, "--json")
    assert done.err == ""
    assert done.out.count("\n") == 1
    record = msgspec.json.decode(done.out, type=Record)
    assert msgspec.json.decode(Path("out/compiled.json").read_bytes(), type=Record) == record
    done = run("profile", "out", "--inputs", "x.npz", "--runs", "3", "--batch", "2", "--json")
    assert done.err == ""
    profile = msgspec.json.decode(done.out, type=Profile)
    assert profile.shapes == {"x": (2, 16)}
    assert profile.calls == 3
    assert profile.segments[0].engine == "onnxruntime"
    assert profile.rows_a_second.keys() == {"reading", "computing"}


def test_a_node_at_fault_is_told_as_json_of_one_form(run: Run, files: Path) -> None:
    assert run("compile", "net.onnx", "-o", "out", *QUICK).code == 0
    asked = ("profile", "out", "--inputs", "x.npz", "--find-fault", "openvino", "--json")
    right = json.loads(run(*asked).out)
    assert right == {"engine": "openvino", "least_sqnr_db": 60.0, "nodes": []}
    wrong = json.loads(run(*asked, "--least-sqnr", "1000").out)
    if wrong["nodes"]:  # where it is exact, nothing is found
        assert wrong.keys() == {"engine", "least_sqnr_db", "nodes", "sqnr_db", "builds"}


def test_what_is_built_and_how_much_is_left_is_said() -> None:
    said: list[tuple[str, float | None]] = []
    told = _building(
        lambda what, share=None: said.append((what, share)), ("openvino", "onnxruntime", "x"), 2
    )
    for engine in ("onnxruntime", "openvino", "x", "onnxruntime", "openvino"):
        told(engine)
    assert said == [
        ("building with onnxruntime, shape 1 of 2", 0.0),
        ("building with openvino, shape 1 of 2", pytest.approx(1 / 6)),
        ("building with x, shape 1 of 2", pytest.approx(2 / 6)),
        ("building with onnxruntime, shape 2 of 2", 0.5),
        ("building with openvino, shape 2 of 2", pytest.approx(4 / 6)),
    ]


@pytest.mark.parametrize("quiet", [True, False])
def test_a_terminal_sees_what_is_done_unless_json_is_asked(files: Path, quiet: bool) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "homebody", "compile", "net.onnx", "-o", "out", *QUICK]
    done = subprocess.run(
        command + ["--json"] * quiet, stderr=theirs, stdout=subprocess.PIPE, timeout=120,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"}, check=False,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 65536):
            seen += chunk
    except OSError:  # how a terminal says that nobody writes to it any more
        pass
    os.close(ours)
    assert done.returncode == 0, seen
    assert (b"onnxruntime" in seen) is not quiet
    if quiet:
        assert seen == b""


@pytest.mark.parametrize("verb", [compile_verb, profile_verb])
def test_help_has_examples_whose_options_exist(verb) -> None:
    text = inspect.getdoc(verb) or ""
    examples = [line.split() for line in text.splitlines() if line.strip().startswith("homebody ")]
    assert len(examples) >= 3
    known = {"--" + name.replace("_", "-") for name in inspect.signature(verb).parameters} | {"-o"}
    for words in examples:
        assert {word for word in words if word.startswith("-")} <= known
