"""A base model out of a bundle, and owner state that names it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from homebody import bundle as bundles
from homebody.adapt import ModelOfOne, Prior, adapt_entry, base_of, safetensors
from homebody.bundle import Manifest, Model, TensorSpec
from homebody.errors import AdaptError, BaseChangedError
from tests.runtime.models import _operator, _tensor, dense_model, schema, serialize

RNG = np.random.default_rng(0)
FIRST, FIRST_BIAS = RNG.normal(size=(3, 2)), RNG.normal(size=3)
LAST = RNG.normal(size=(1, 4))  # three features and the bias
PRIOR = Prior(LAST[0], np.eye(4) * 0.1, np.eye(4) * 1e-5, np.array([0.1]))
SCALING = {"input_offset": [1.0, -2.0], "input_scale": [2.0, 4.0]}


def network(last=LAST) -> bytes:
    """x -> hidden -> y, which gives y and hidden."""
    model = dense_model(FIRST, FIRST_BIAS)
    graph = model.subgraphs[0]
    for data in (last[:, :3], last[0, 3:]):
        buffer = schema.BufferT()
        buffer.data = data.astype("<f4").tobytes()
        model.buffers.append(buffer)
    graph.tensors += [_tensor("w2", [1, 3], 3), _tensor("b2", [1], 4), _tensor("z", [1, 1], 0)]
    op = _operator(0, [3, 4, 5], [6])
    op.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    op.builtinOptions = schema.FullyConnectedOptionsT()
    graph.operators.append(op)
    graph.outputs = [6, 3]
    return serialize(model)


def packed(path: Path, entry: bytes | None, model: bytes | None = None, outputs=None) -> Path:
    specs = outputs or (("z", (1, 1)), ("y", (1, 3)))
    manifest = Manifest(
        name="twin", version="1.0.0", task="adapt", input=(), output=(), licence="CC0-1.0",
        model=Model(
            entry="model.tflite", format="tflite",
            inputs=(TensorSpec(name="x", shape=(1, 2), dtype="float32"),),
            outputs=tuple(TensorSpec(name=n, shape=s, dtype="float32") for n, s in specs),
        ),
    )  # fmt: skip
    entries = {"model.tflite": model or network()}
    if entry is not None:
        entries["adapt.safetensors"] = entry
    bundles.write(path, manifest, entries)
    return path


def test_a_bundle_is_a_base(tmp_path):
    path = packed(tmp_path / "twin.hb", adapt_entry(LAST, PRIOR, **SCALING))
    base = base_of(path)
    with bundles.open(path) as bundle:
        assert base.sha256 == bundle.sha256
    u = RNG.normal(size=(5, 2))
    hidden = ((u - [1.0, -2.0]) / [2.0, 4.0]) @ FIRST.T + FIRST_BIAS
    np.testing.assert_allclose(base.rows(u)[:, 0, :3], hidden, rtol=1e-5)
    np.testing.assert_allclose(base.rows(u[0]), base.rows(u)[0])
    model = ModelOfOne(path, "asset")
    np.testing.assert_allclose(
        model.predict(u).mean[:, 0], hidden @ LAST[0, :3] + LAST[0, 3], rtol=1e-5
    )
    for row in u:
        model.observe(row, float(hidden[0] @ LAST[0, :3]))
    model.save(tmp_path / "owner.safetensors")
    again = ModelOfOne.load(tmp_path / "owner.safetensors", path)
    np.testing.assert_array_equal(again.state, model.state)
    other = packed(tmp_path / "newer.hb", adapt_entry(LAST, PRIOR))
    with pytest.raises(BaseChangedError):
        ModelOfOne.load(tmp_path / "owner.safetensors", other)


def test_bundles_that_were_not_made_for_it_are_refused(tmp_path):
    lacking = safetensors.dumps({"weights": LAST, "mean": PRIOR.mean})
    for entry, message in (
        (None, "adapt.safetensors"),
        (safetensors.dumps({"x": LAST}), "no weights"),
        (lacking, "only mean of a prior"),
        (adapt_entry(LAST + 1), "last layer gives"),
        (adapt_entry(LAST[:, :3]), "is expected|are expected|expected"),
        (adapt_entry(LAST, input_scale=[0.0, 1.0]), "scaling"),
        (adapt_entry(LAST, input_offset=[0.0]), "scaling"),
    ):
        path = packed(tmp_path / "wrong.hb", entry)
        with pytest.raises(AdaptError, match=message):
            base_of(path)
    dense = serialize(dense_model(FIRST, FIRST_BIAS))
    path = packed(tmp_path / "one.hb", adapt_entry(LAST), dense, [("y", (1, 3))])
    with pytest.raises(AdaptError, match="cut for adapting"):
        base_of(path)
