"""Run a graph and look at its inner tensors.

Inner tensors are made outputs of a copy of the graph, so that the runtime's fast kernels stay on
and several samples go through in one pass (keeping all tensors instead would turn XNNPACK off).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import ModelError
from homebody.runtime import TensorSpec
from homebody.runtime._greeting import without_greeting
from homebody.runtime.editing import NUMPY_TYPES, Graph
from homebody.shrink.samples import Arrays

BATCH_BYTES = 16 * 2**20
"""As many samples go through together as keep the watched tensors under this."""
MAX_BATCH = 16


def input_specs(graph: Graph) -> tuple[TensorSpec, ...]:
    """What a model takes; dynamic dimensions have the size that the file states."""
    return tuple(_spec(graph, t) for t in graph.inputs)


def _spec(graph: Graph, tensor: int) -> TensorSpec:
    dtype = NUMPY_TYPES.get(graph.tensors[tensor].type)
    if dtype is None:
        raise ModelError(
            f"input {graph.name(tensor)!r} is neither a number nor a boolean; "
            "shrink only knows models that take numbers"
        )
    return TensorSpec(graph.name(tensor), graph.shape(tensor), np.dtype(dtype).name)


class Watch:
    """A model whose named tensors can be read after each run.

    Args:
        model: the model's bytes, or a graph that nobody needs afterwards.
        tensors: the main subgraph's tensors to watch, by index in it; None for its outputs.
        threads: how many threads an operation may use.

    Raises:
        ModelError: the model is damaged or holds an operation that the runtime lacks.
    """

    def __init__(
        self, model: bytes | Graph, tensors: Sequence[int] | None = None, *, threads: int = 1
    ) -> None:
        from ai_edge_litert.interpreter import Interpreter

        graph = model if isinstance(model, Graph) else Graph(model)
        self.tensors = tuple(graph.outputs if tensors is None else tensors)
        self.inputs = input_specs(graph)
        self._branches = graph.subgraphs > 1
        self._fed = {t: i for i, t in enumerate(graph.inputs)}
        shown = list(dict.fromkeys([*graph.outputs, *self.tensors]))
        shown = [t for t in shown if t not in self._fed or t in graph.outputs]
        graph.outputs = list(shown)
        graph.drop_signatures()
        data = graph.save()
        try:
            with without_greeting():
                self._interpreter: Any = Interpreter(model_content=data, num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise _unrunnable(error) from error
        self._input_places = [d["index"] for d in self._interpreter.get_input_details()]
        places = [d["index"] for d in self._interpreter.get_output_details()]
        self._places = dict(zip(shown, places, strict=True))
        self._batch = 1

    def run(
        self, samples: Iterable[Arrays], *, views: bool = False
    ) -> Iterator[tuple[int, Iterator[NDArray[Any]]]]:
        """Run everything, as many samples at a time as the model and memory allow.

        Args:
            samples: checked samples, consumed once.
            views: give the interpreter's own memory instead of copies. It must not be written
                to, and none may be held when the next samples go through.

        Yields:
            How many samples went through, and an iterator over the watched tensors' values, with
            the first dimension that many times as long. Each is copied when it is asked for, so
            that one at a time needs memory; ask before the next samples go through.

        Raises:
            ModelError: the runtime stopped.
        """
        source = iter(samples)
        probe = list(islice(source, 2))
        if not probe:
            return
        size = self._widest_batch(probe)
        source = chain(probe, source)
        while chunk := list(islice(source, size)):
            self._resize(len(chunk))
            yield len(chunk), self._invoke(chunk, views=views)

    def run_each(self, samples: Iterable[Arrays]) -> Iterator[Iterator[NDArray[Any]]]:
        """Run samples one by one: the watched tensors' values for each."""
        self._resize(1)
        for sample in samples:
            yield self._invoke([sample])

    def _widest_batch(self, probe: list[Arrays]) -> int:
        """How many samples may be stacked: 1 where the model mixes what is stacked."""
        # A branch is taken for a whole batch at once.
        if self._branches or len(probe) < 2:
            return 1
        if any(not s.shape or s.shape[0] != 1 for s in self.inputs):
            return 1
        size = sum(values.nbytes for values in self._invoke(probe[:1]))
        batch = min(MAX_BATCH, BATCH_BYTES // max(size, 1))
        if batch < 2:
            return 1
        single = [list(self._invoke([sample])) for sample in probe]
        try:
            self._resize(2)
            stacked = list(self._invoke(probe))
        except ModelError:
            stacked = []
        for index, values in enumerate(stacked):
            expected = [single[0][index], single[1][index]]
            if not expected[0].ndim or values.shape[0] != 2 * expected[0].shape[0]:
                break
            both = np.concatenate(expected)
            scale = float(np.abs(both).max(initial=1e-9)) if both.dtype.kind == "f" else 1.0
            if not (np.isfinite(scale) and np.allclose(values, both, rtol=0, atol=1e-3 * scale)):
                break
        else:
            if stacked:
                return int(batch)
        self._resize(1)
        return 1

    def _resize(self, batch: int) -> None:
        if batch == self._batch:
            return
        try:
            for place, spec in zip(self._input_places, self.inputs, strict=True):
                self._interpreter.resize_tensor_input(place, (batch, *spec.shape[1:]))
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise _unrunnable(error) from error
        finally:
            self._batch = batch

    def _invoke(self, chunk: list[Arrays], *, views: bool = False) -> Iterator[NDArray[Any]]:
        fed = [np.concatenate(column) if len(chunk) > 1 else column[0]
               for column in zip(*chunk, strict=True)]  # fmt: skip
        try:
            for place, values in zip(self._input_places, fed, strict=True):
                self._interpreter.set_tensor(place, values)
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"LiteRT stopped: {' '.join(str(error).split())}") from error
        return (
            fed[self._fed[t]] if t in self._fed
            else self._interpreter.tensor(self._places[t])() if views
            else self._interpreter.get_tensor(self._places[t])
            for t in self.tensors
        )  # fmt: skip


def _unrunnable(error: Exception) -> ModelError:
    return ModelError(
        f"LiteRT cannot run this model: {' '.join(str(error).split())}; "
        "convert it again with built-in operations only"
    )
