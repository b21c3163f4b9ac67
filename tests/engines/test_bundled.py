"""For This Photo through engines: the same answers, and only its own compiled model."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import homebody
from homebody.errors import CompiledError, MissingExtraError, ModelError
from homebody.feature import find_bundle
from homebody.runtime import Model

pytest.importorskip("onnx_ir", reason="needs pip install 'homebody[engines]'")

from homebody import bundle as bundles
from homebody import engines
from homebody.engines import folder

ENGINES = ("litert", "onnxruntime", "openvino")


@pytest.fixture(scope="session")
def bundle() -> Path:
    return find_bundle("for-this-photo")


@pytest.fixture(scope="session")
def compiled(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for engine in ENGINES:
        if engine != "litert":
            pytest.importorskip(engine)
        made[engine] = tmp_path_factory.mktemp(engine)
        engines.compile(bundle, made[engine], engines=[engine], threads=1)
    return made


@pytest.mark.parametrize("engine", ENGINES)
def test_the_check_passes_with_each_engine(compiled, engine):
    with homebody.load("for-this-photo", engines=compiled[engine]) as feature:
        assert not isinstance(feature.model, Model)
        report = feature.check()
        assert report.passed, report.measurements
        (choice,) = feature.model.compiled.choices.values()
        assert choice.best.engine == engine


def test_the_photo_gets_the_same_answer(compiled):
    photo = Path(__file__).parents[2] / "examples" / "coast.jpg"
    with homebody.load("for-this-photo") as plain:
        expected = plain(photo)
    for engine in ENGINES:
        with homebody.load("for-this-photo", engines=compiled[engine]) as feature:
            answer = feature(photo)
        assert answer.category.id == expected.category.id
        assert [p.id for p in answer.presets] == [p.id for p in expected.presets]


def test_int8_stays_int8(bundle, compiled):
    """The weights weigh a byte each in what was compiled too."""
    with bundles.open(bundle) as opened:
        size = len(opened.read(opened.manifest.model.entry))
    record, model = folder.read(compiled["litert"])
    assert len(model) < 1.5 * size
    assert record.precision == "int8"


def test_the_record_names_the_bundle(bundle, compiled):
    with bundles.open(bundle) as opened:
        assert folder.read(compiled["litert"])[0].bundle_sha256 == opened.sha256


def test_another_bundles_model_is_refused(bundle, compiled, tmp_path):
    _copied(compiled["litert"], tmp_path, bundle_sha256="0" * 64)
    with pytest.raises(CompiledError, match="another bundle"):
        homebody.load(bundle, engines=tmp_path)


def test_a_model_of_no_bundle_is_refused(bundle, compiled, tmp_path):
    with bundles.open(bundle) as opened:
        (tmp_path / "model.tflite").write_bytes(opened.read(opened.manifest.model.entry))
    engines.compile(tmp_path / "model.tflite", tmp_path / "out", engines=["litert"], threads=1)
    with pytest.raises(CompiledError, match="no bundle"):
        homebody.load(bundle, engines=tmp_path / "out")


def test_a_record_that_lies_about_the_bundle_is_refused(bundle, compiled, tmp_path):
    """The bundle's hash alone is not believed: the tensors are to be those of the manifest."""
    import onnx
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [value("x", TensorProto.FLOAT, [1, 3])],
        [value("y", TensorProto.FLOAT, [1, 3])],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "m.onnx")
    engines.compile(tmp_path / "m.onnx", tmp_path / "out", engines=["onnxruntime"], threads=1)
    record = json.loads((tmp_path / "out" / "compiled.json").read_text())
    with bundles.open(bundle) as opened:
        record["bundle_sha256"] = opened.sha256
    (tmp_path / "out" / "compiled.json").write_text(json.dumps(record))
    with pytest.raises(CompiledError, match="inputs"):
        homebody.load(bundle, engines=tmp_path / "out")


def test_inputs_that_do_not_fit_are_the_models_error(compiled):
    with homebody.load("for-this-photo", engines=compiled["litert"]) as feature:
        for wrong in ((), (np.zeros((1, 2), np.float32),), (np.zeros((1, 227, 227, 3)),)):
            with pytest.raises(ModelError, match="the compiled model"):
                feature.model(*wrong)


def test_threads_may_be_others_than_compiled_for(compiled):
    assert engines.load(compiled["litert"]).settings.options.threads == 1
    assert engines.load(compiled["litert"], threads=2).settings.options.threads == 2


def test_without_the_extra_one_line_says_so(compiled, monkeypatch):
    for name in list(sys.modules):
        if name.startswith("homebody.engines") or name in ("onnx", "onnx_ir"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"homebody\[engines\]"):
        homebody.load("for-this-photo", engines=compiled["litert"])


def test_on_the_command_line(compiled, capsys, monkeypatch):
    from homebody.cli import main

    monkeypatch.setattr(
        sys, "argv", ["homebody", "check", "for-this-photo", "--engines", str(compiled["litert"])]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (0, None)
    assert "run here as trained" in capsys.readouterr().out


def _copied(source: Path, target: Path, **changes: str) -> None:
    (target / folder.MODEL).write_bytes((source / folder.MODEL).read_bytes())
    record = json.loads((source / folder.RECORD).read_text())
    (target / folder.RECORD).write_text(json.dumps({**record, **changes}))
