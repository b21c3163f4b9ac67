"""Graphs read, made canonical, cut, and refused."""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
import pytest
from onnx import TensorProto, external_data_helper, helper, numpy_helper

from homebody.engines.graph import Graph, sha256
from homebody.engines.reading import read_graph
from homebody.errors import GraphError
from tests.engines.graphs import model, parsed, random_graph, value


def relu(count: int = 3) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Relu", [f"v{n}" if n else "x"], [f"v{n + 1}"], f"n{n}")
        for n in range(count)
    ]


def test_constants_become_initializers_and_the_unused_goes():
    constant = numpy_helper.from_array(np.float32([2]))
    nodes = [
        helper.make_node("Constant", [], ["two"], value=constant),
        helper.make_node("Mul", ["x", "two"], ["y"]),
        helper.make_node("Relu", ["x"], ["unused"]),
    ]
    graph = read_graph(model(nodes, [value("x", ["n", 3])], [value("y", ["n", 3])]))
    assert [node.op_type for node in graph.nodes] == ["Mul"]
    assert [t.shape for t in (*graph.inputs, *graph.outputs)] == [(-1, 3), (-1, 3)]


def test_equal_graphs_have_equal_bytes():
    assert sha256(read_graph(random_graph(1))) == sha256(read_graph(random_graph(1)))
    assert sha256(read_graph(random_graph(1))) != sha256(read_graph(random_graph(2)))


def test_a_graph_that_was_written_is_read_alike():
    graph = read_graph(random_graph(4))
    again = read_graph(graph.to_bytes())
    assert [n.op_type for n in again.nodes] == [n.op_type for n in graph.nodes]
    assert again.predecessors == graph.predecessors


def test_shapes_follow_from_the_inputs():
    graph = read_graph(model(relu(), [value("x", ["n", 3])], [value("v3", ["n", 3])]))
    assert graph.at({"x": (5, 3)}).outputs[0].shape == (5, 3)
    with pytest.raises(GraphError, match=r"'x' is \?×3 and was asked for as 5×4"):
        graph.at({"x": (5, 4)})
    with pytest.raises(GraphError, match="no input 'z'"):
        graph.at({"z": (5, 3)})


def test_a_segments_border_is_what_crosses_it():
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], "n0"),
        helper.make_node("Neg", ["a"], ["b"], "n1"),
        helper.make_node("Add", ["a", "b"], ["c"], "n2"),
        helper.make_node("Mul", ["c", "x"], ["d"], "n3"),
    ]
    graph = read_graph(model(nodes, [value("x", [2])], [value("d", [2]), value("b", [2])]))
    segment = graph.segment([1, 2])
    assert [t.name for t in segment.inputs] == ["a"]
    assert {t.name for t in segment.outputs} == {"b", "c"}
    alone = parsed(segment.to_bytes())
    assert [node.op_type for node in alone.graph.node] == ["Neg", "Add"]
    onnx.checker.check_model(alone)


def test_what_a_branch_reads_enters_with_it():
    branch = helper.make_graph(
        [helper.make_node("Add", ["a", "a"], ["in"])], "then", [], [value("in", [2])]
    )
    other = helper.make_graph(
        [helper.make_node("Neg", ["b"], ["out"])], "else", [], [value("out", [2])]
    )
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], "n0"),
        helper.make_node("Neg", ["x"], ["b"], "n1"),
        helper.make_node("If", ["c"], ["y"], "n2", then_branch=branch, else_branch=other),
    ]
    flag = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    graph = read_graph(model(nodes, [value("x", [2]), flag], [value("y", [2])]))
    assert graph.predecessors[2] == (0, 1)
    assert {t.name for t in graph.segment([2]).inputs} == {"a", "b", "c"}
    assert {t.name for t in graph.segment([0, 1]).outputs} == {"a", "b"}


# ---- refused


def cyclic() -> bytes:
    nodes = [helper.make_node("Relu", ["b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])]
    return model(nodes, [value("x", [2])], [value("b", [2])])


def twice() -> bytes:
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Neg", ["x"], ["a"])]
    return model(nodes, [value("x", [2])], [value("a", [2])])


def no_rank() -> bytes:
    return model(relu(1), [value("x", None)], [value("v1", None)])


def unknown_operation() -> bytes:
    nodes = [helper.make_node("Frobnicate", ["x"], ["y"])]
    return model(nodes, [value("x", [2])], [value("y", [2])])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "holds no graph"),
        (b"\xff" * 100, "truncated or is no ONNX model"),
        (random_graph(1)[:-40], "truncated"),
        (model([], [value("x", [2])], [value("x", [2])]), "holds no graph with nodes"),
        (model(relu(), [value("x", [2])], [value("v3", [2])], opset=99), "version 99 of ONNX"),
        (model(relu(), [value("x", [2])], [value("v3", [2])], opset=1), "version 1 of ONNX"),
        (cyclic(), "not a sound ONNX model"),
        (twice(), "not a sound ONNX model"),
        (no_rank(), "shape"),
        (unknown_operation(), "not a sound ONNX model"),
    ],
    ids=["empty", "noise", "truncated", "no nodes", "newer", "older", "cyclic", "twice", "no rank",
         "unknown operation"],
)  # fmt: skip
def test_unsound_models_are_refused(data, says):
    with pytest.raises(GraphError, match=says):
        read_graph(data)


def test_a_missing_file_is_said_to_be(tmp_path):
    with pytest.raises(GraphError, match="cannot be read"):
        read_graph(tmp_path / "no.onnx")
    with pytest.raises(GraphError, match="cannot be read"):
        read_graph(tmp_path)


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_no_truncation_crashes(cut):
    data = random_graph(2)
    try:
        graph = read_graph(data[: len(data) * cut // 60])
    except GraphError:
        return
    assert isinstance(graph, Graph)


# ---- weights in a second file


@pytest.fixture
def outside(tmp_path):
    """A model whose weights lie in a second file, and that file's SHA-256."""
    weights = numpy_helper.from_array(np.arange(2000, dtype=np.float32), "w")
    nodes = [helper.make_node("Add", ["x", "w"], ["y"])]
    made = parsed(model(nodes, [value("x", [2000])], [value("y", [2000])], initializers=[weights]))
    external_data_helper.convert_model_to_external_data(made, location="weights.bin")
    onnx.save(made, tmp_path / "model.onnx")
    return tmp_path, hashlib.sha256((tmp_path / "weights.bin").read_bytes()).hexdigest()


def test_weights_beside_are_read_once_they_are_the_right_ones(outside):
    folder, digest = outside
    graph = read_graph(folder / "model.onnx", external_sha256=digest)
    (weights,) = graph.model.graph.initializers.values()
    np.testing.assert_array_equal(weights.const_value.numpy(), np.arange(2000))


def test_weights_beside_are_refused_unasked(outside):
    folder, _ = outside
    with pytest.raises(GraphError, match=r"weights\.bin; give that file's SHA-256"):
        read_graph(folder / "model.onnx")
    with pytest.raises(GraphError, match="SHA-256"):
        read_graph((folder / "model.onnx").read_bytes(), external_sha256="0" * 64)


def test_other_weights_are_refused(outside):
    folder, digest = outside
    data = bytearray((folder / "weights.bin").read_bytes())
    data[7] ^= 1
    (folder / "weights.bin").write_bytes(data)
    with pytest.raises(GraphError, match="not the stated"):
        read_graph(folder / "model.onnx", external_sha256=digest)


@pytest.mark.parametrize("place", ["../weights.bin", "/etc/passwd", "a/b", "..", ""])
def test_weights_elsewhere_are_refused(outside, place):
    folder, digest = outside
    made = onnx.load(folder / "model.onnx", load_external_data=False)
    for entry in made.graph.initializer[0].external_data:
        if entry.key == "location":
            entry.value = place
    (folder / "model.onnx").write_bytes(made.SerializeToString())
    with pytest.raises(GraphError, match="beside the model"):
        read_graph(folder / "model.onnx", external_sha256=digest)


def test_a_link_is_no_file_beside(outside, tmp_path):
    folder, digest = outside
    (folder / "real.bin").write_bytes((folder / "weights.bin").read_bytes())
    (folder / "weights.bin").unlink()
    (folder / "weights.bin").symlink_to(folder / "real.bin")
    with pytest.raises(GraphError, match="is no file"):
        read_graph(folder / "model.onnx", external_sha256=digest)


@pytest.mark.parametrize(("key", "number"), [("offset", "1000000"), ("length", "99999999")])
def test_lengths_beyond_the_file_are_refused(outside, key, number):
    folder, digest = outside
    made = onnx.load(folder / "model.onnx", load_external_data=False)
    entries = made.graph.initializer[0].external_data
    for entry in list(entries):
        if entry.key == key:
            entries.remove(entry)
    entries.add(key=key, value=number)
    (folder / "model.onnx").write_bytes(made.SerializeToString())
    with pytest.raises(GraphError):
        read_graph(folder / "model.onnx", external_sha256=digest)
