"""A bundle's model as engines run it, in place of LiteRT."""

from __future__ import annotations

import os
from typing import Any

from numpy.typing import NDArray

from homebody.bundle import Bundle
from homebody.engines import folder as folders
from homebody.engines.compiled import CompiledModel
from homebody.engines.loading import load
from homebody.errors import CompiledError, GraphError, ModelError
from homebody.runtime import TensorSpec


class BundleModel:
    """A compiled model that is called as :class:`homebody.runtime.Model` is.

    Args:
        compiled: what runs; its shapes are all fixed, or open where the bundle states one.
        bundle: whose model it is: names, shapes and types are what its manifest states.

    Raises:
        CompiledError: the compiled model takes or gives something else.

    Attributes:
        inputs, outputs: what goes in and comes out, as the manifest states it.
    """

    def __init__(self, compiled: CompiledModel, bundle: Bundle) -> None:
        self.compiled = compiled
        stated = bundle.manifest.model
        self.inputs = tuple(TensorSpec(s.name, s.shape, s.dtype) for s in stated.inputs)
        self.outputs = tuple(TensorSpec(s.name, s.shape, s.dtype) for s in stated.outputs)
        graph = compiled.graph
        for kind, specs, tensors in (
            ("inputs", self.inputs, graph.inputs),
            ("outputs", self.outputs, graph.outputs),
        ):
            found = [(t.shape, t.dtype.name) for t in tensors]
            if len(found) != len(specs) or not all(
                dtype == s.dtype and len(shape) == len(s.shape) and _fits(shape, s.shape)
                for (shape, dtype), s in zip(found, specs, strict=True)
            ):
                raise CompiledError(
                    f"the compiled model's {kind} are {found} and the bundle states others; "
                    "compile the bundle again"
                )

    def __call__(self, *inputs: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Run once.

        Args:
            inputs: one array for each of :attr:`inputs`, of exactly its shape and dtype.

        Returns:
            One new array for each of :attr:`outputs`.

        Raises:
            ModelError: an input's number, shape or dtype is not the model's.
        """
        graph = self.compiled.graph
        try:
            named = {t.name: value for t, value in zip(graph.inputs, inputs, strict=True)}
            answer = self.compiled(named)
        except (GraphError, ValueError) as error:
            raise ModelError(f"the compiled model cannot run these inputs: {error}") from None
        return tuple(answer[tensor.name] for tensor in graph.outputs)


def load_for(
    bundle: Bundle, folder: str | os.PathLike[str], *, threads: int | None = None
) -> BundleModel:
    """Load what was compiled of this very bundle.

    Raises:
        CompiledError: the folder holds no compiled model, or that of something else.
    """
    record, _ = folders.read(folder)
    if record.bundle_sha256 != bundle.sha256:
        whose = "no bundle" if record.bundle_sha256 is None else "another bundle"
        raise CompiledError(
            f"{os.fspath(folder)} was compiled from {whose} ({record.source}); make it of this one "
            f"({bundle.manifest.name} {bundle.manifest.version}) with: "
            "homebody compile BUNDLE -o FOLDER"
        )
    return BundleModel(load(folder, threads=threads), bundle)


def _fits(shape: tuple[int, ...], stated: tuple[int, ...]) -> bool:
    return all(length in (-1, wanted) for length, wanted in zip(shape, stated, strict=True))
