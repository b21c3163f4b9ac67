"""Rows that are computed side by side are the rows of the batch."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from homebody.engines.engine import Options
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.openvino_rows import OpenVinoRows
from homebody.engines.reading import read_graph
from homebody.errors import EngineBuildError
from tests.engines.graphs import model, random_graph, value

OPTIONS = Options(threads=2)


@pytest.mark.parametrize("rows", [1, 2, 5, 64, 65, 130])
def test_every_row_is_its_own_answer(rows):
    segment = read_graph(random_graph(3)).whole()
    native = OnnxRuntime().build(segment, OPTIONS)
    built = OpenVinoRows().build(segment, OPTIONS)
    loaded = OpenVinoRows().load(built.save(), segment, OPTIONS)
    dice = np.random.default_rng(rows)
    given = [dice.normal(size=(2 * rows, 5)).astype(np.float32)[::2] for _ in segment.inputs]
    wanted = native.run([np.ascontiguousarray(array) for array in given])
    for one in (built, loaded):
        for found, right in zip(one.run(given), wanted, strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-5)


def test_what_is_not_a_row_each_is_refused():
    nodes = [helper.make_node("ReduceSum", ["x"], ["y"], "sum", keepdims=0)]
    whole = read_graph(model(nodes, [value("x", ["n", 4])], [value("y", [])]))
    assert all(reason.code == "varying-shape" for reason in OpenVinoRows().supports(whole))
    with pytest.raises(EngineBuildError, match="one row"):
        OpenVinoRows().build(whole.whole(), OPTIONS)


def test_what_cannot_be_loaded_is_said():
    segment = read_graph(random_graph(3)).whole()
    with pytest.raises(EngineBuildError, match="load"):
        OpenVinoRows().load(b"nothing", segment, OPTIONS)
