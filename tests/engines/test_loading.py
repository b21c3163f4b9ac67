"""A compiled folder is loaded from its cache, and only what it vouches for."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from onnx import helper, numpy_helper
from typer.testing import CliRunner

from homebody import engines
from homebody.cli._app import app
from homebody.engines import cache, loading, recorded
from homebody.engines.cache import DiskCache
from homebody.engines.loading import ENGINES
from homebody.errors import CompiledError
from tests.engines.graphs import model, random_graph, value

ASKED = ("onnxruntime", "openvino")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("loading")
    (place / "net.onnx").write_bytes(random_graph(3))
    engines.compile(
        place / "net.onnx", place / "out", engines=ASKED, threads=1, isolated=False,
        shapes=[{"x0": (rows, 5), "x1": (rows, 5)} for rows in (1, 4)],
    )  # fmt: skip
    return place / "out"


def inputs_of(model, rows):
    dice = np.random.default_rng(rows)
    return {t.name: dice.normal(size=(rows, 5)).astype(np.float32) for t in model.graph.inputs}


@pytest.fixture
def store(monkeypatch):
    """What was looked up and not found."""
    missed = []
    get = DiskCache.get

    def told(self, segment, engine, options):
        found = get(self, segment, engine, options)
        if found is None:
            missed.append((engine.name, segment.inputs[0].shape))
        return found

    monkeypatch.setattr(DiskCache, "get", told)
    return missed


@pytest.mark.parametrize("rows", [1, 3, 4, 9])
def test_what_was_compiled_answers_without_the_graph_being_read(folder, rows, monkeypatch, store):
    wanted_of = engines.load(folder, isolated=False)
    wanted = wanted_of.native.build(wanted_of.graph.whole(), wanted_of.settings.options)
    given = inputs_of(wanted_of, rows)
    expected = wanted.run(list(given.values()))
    store.clear()

    def never(data):
        raise AssertionError("the graph is read")

    monkeypatch.setattr(recorded, "reread", never)
    found = engines.load(folder, isolated=False)(given)
    for array, right in zip(found.values(), expected, strict=True):
        np.testing.assert_allclose(array, right, rtol=1e-4, atol=1e-5)
    assert store == []


def test_without_its_cache_it_is_built_again(folder, tmp_path, store):
    shutil.copytree(folder, tmp_path / "bare", ignore=shutil.ignore_patterns("cache"))
    bare = engines.load(tmp_path / "bare", isolated=False)
    given = inputs_of(bare, 4)
    found, wanted = bare(given), engines.load(folder, isolated=False)(given)
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-4, atol=1e-5)
    assert store
    assert any((tmp_path / "bare" / "cache").iterdir())


def test_another_model_in_its_place_is_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "other")
    data = bytearray((tmp_path / "other" / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "other" / "model.onnx").write_bytes(data)
    with pytest.raises(CompiledError, match="not the model that was compiled"):
        engines.load(tmp_path / "other")


@pytest.mark.parametrize("change", ["threads", "version", "processor"])
def test_what_changed_since_is_chosen_anew(folder, tmp_path, change, monkeypatch, store):
    shutil.copytree(folder, tmp_path / "changed")
    threads = None
    if change == "threads":
        threads = 2
    elif change == "version":
        monkeypatch.setattr(ENGINES["openvino"], "probe", lambda self: "99.0")
    else:
        monkeypatch.setattr(loading, "processor", lambda: "another")
        monkeypatch.setattr(cache, "processor", lambda: "another")
    loaded = engines.load(tmp_path / "changed", threads=threads, isolated=False)
    assert loaded._chosen == {}
    loaded(inputs_of(loaded, 1))
    assert store  # nothing of the old key is served


def test_a_type_that_numpy_does_not_know_is_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "odd")
    record = json.loads((folder / "compiled.json").read_bytes())
    record["graph"]["inputs"][0]["dtype"] = "float99"
    (tmp_path / "odd" / "compiled.json").write_text(json.dumps(record))
    with pytest.raises(CompiledError, match="compile again"):
        engines.load(tmp_path / "odd")


def test_an_engine_that_was_not_chosen_is_not_imported(tmp_path):
    weights = numpy_helper.from_array(np.ones((4, 3), np.float32), "w")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], "n")]
    data = model(nodes, [value("x", [1, 4])], [value("y", [1, 3])], initializers=[weights])
    (tmp_path / "net.onnx").write_bytes(data)
    engines.compile(
        tmp_path / "net.onnx", tmp_path / "out", engines=["openvino"], threads=1, isolated=False
    )
    code = (
        "import sys, numpy\n"
        "from homebody import engines\n"
        f"model = engines.load({str(tmp_path / 'out')!r})\n"
        "model({'x': numpy.ones((1, 4), numpy.float32)})\n"
        "print([name for name in ('onnxruntime', 'openvino', 'tensorflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['openvino']"


def test_the_command_keeps_as_many_engines_as_it_is_told(tmp_path):
    (tmp_path / "net.onnx").write_bytes(random_graph(3))
    done = CliRunner().invoke(
        app,
        ["compile", str(tmp_path / "net.onnx"), "-o", str(tmp_path / "out"), "--threads", "1",
         "--engines", "onnxruntime", "--max-cached-engines", "2", "--cache-policy", "exact",
         "--shapes", "1x5,3x5", "--in-process"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    loaded = engines.load(tmp_path / "out", isolated=False)
    assert (loaded.settings.policy, loaded.settings.max_cached_engines) == ("exact", 2)
    for rows in (1, 3, 8, 1, 8):
        found = loaded(inputs_of(loaded, rows))
        assert all(len(array) == rows for array in found.values())
        assert len(loaded.choices) <= 2
    assert [key[0][0] for key in loaded.choices] == [1, 8]
