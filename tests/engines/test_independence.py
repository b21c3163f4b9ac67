"""Rows that meet one another are never put together, padded or split."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx_ir", reason="needs pip install 'homebody[engines]'")
pytest.importorskip("onnxruntime", reason="needs pip install 'homebody[engines]'")

from onnx import helper, numpy_helper

from homebody import engines
from homebody.engines.engine import Options
from homebody.engines.independence import rows_independent
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.reading import read_graph
from homebody.server.predict.signature import signature_of

from .graphs import model, random_graph, value


def centred() -> bytes:
    """Each row less the mean of the batch."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("Sub", ["x", "mean"], ["y"]),
    ]
    return model(nodes, [value("x", ["n", 4])], [value("y", ["n", 4])])


def ranged() -> bytes:
    """Rounded by a range that is observed over the batch."""
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
    ]
    return model(nodes, [value("x", ["n", 4])], [value("y", ["n", 4])])


def reshaped() -> bytes:
    """For one row alone, whatever its border says."""
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"])]
    shape = numpy_helper.from_array(np.array([1, 4]), "shape")
    return model(nodes, [value("x", ["n", 4])], [value("y", ["n", 4])], initializers=[shape])


def ask(data: bytes) -> bool:
    return rows_independent(read_graph(data), OnnxRuntime(), Options())


@pytest.mark.parametrize("seed", range(3))
def test_rows_of_element_wise_graphs_are_apart(seed):
    assert ask(random_graph(seed))


@pytest.mark.parametrize("made", [centred, ranged, reshaped])
def test_rows_that_meet_are_found_out(made):
    assert not ask(made())


@pytest.mark.parametrize("policy", ["cost", "at-least", "exact", "dynamic"])
def test_batches_whose_rows_meet_are_computed_as_they_come(tmp_path, policy):
    (tmp_path / "net.onnx").write_bytes(centred())
    made = engines.compile(
        tmp_path / "net.onnx", tmp_path / "out", engines=["onnxruntime"], shapes=[(8, 4)],
        policy=policy, threads=1, isolated=False,
    )  # fmt: skip
    loaded = engines.load(tmp_path / "out", isolated=False)
    for one in (made, loaded):
        assert not one.batched
        assert not signature_of(one, "net", 8).batched
        for count in (1, 3, 8, 11):
            x = np.random.default_rng(count).normal(size=(count, 4)).astype(np.float32)
            np.testing.assert_allclose(one({"x": x})["y"], x - x.mean(0), atol=1e-6)
