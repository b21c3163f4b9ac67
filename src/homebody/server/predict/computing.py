"""Running a served model: made ready before it is asked, and native where an engine fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from homebody.engines import CompiledModel
from homebody.engines.choose import noise
from homebody.engines.graph import Shape
from homebody.errors import GraphError
from homebody.server.predict.metrics import PredictMetrics
from homebody.server.predict.signature import Arrays


class Computing:
    """Calls a compiled model, from one thread at a time.

    Args:
        model: what answers.
        metrics: told which engines run what, and of failures.
        batches: the batch sizes to make ready.
    """

    def __init__(
        self, model: CompiledModel, metrics: PredictMetrics, batches: tuple[int, ...] = (1,)
    ) -> None:
        self.model = model
        self.metrics = metrics
        self.batches = batches
        self._native: CompiledModel | None = None
        self._told: frozenset[tuple[Shape, ...]] = frozenset()

    def warm(self) -> None:
        """Build what the first requests need, and compute once with it.

        Raises:
            EngineError: no engine builds the model.
        """
        graph = self.model.graph
        if any(-1 in t.shape[self.model.batched :] for t in graph.inputs):
            return  # only requests tell the other dimensions
        for batch in self.batches if self.model.batched else (1,):
            shapes: dict[str, Shape] = {
                t.name: tuple(batch if length == -1 else length for length in t.shape)
                for t in graph.inputs
            }
            self.model.at(shapes)
            self(noise(graph.at(shapes)))
        self._tell()

    def __call__(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """The model's outputs; by the native engine where what was chosen fails.

        Raises:
            GraphError: the inputs do not fit the model.
            EngineError: the native engine fails too.
        """
        try:
            return self.model(inputs)
        except GraphError:
            raise
        except Exception:  # an engine's own words; whether the native one does better, it shows
            self.metrics.fallbacks += 1
            return self._natively(inputs)
        finally:
            if self.model.choices.keys() != self._told:
                self._tell()

    def _natively(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        if self._native is None:
            model = self.model
            engines = {model.native.name: model.native}
            self._native = CompiledModel(model.graph, engines, model.native, model.settings)
        return self._native(inputs)

    def _tell(self) -> None:
        choices = self.model.choices.items()
        self._told = frozenset(self.model.choices)
        self.metrics.engines = {
            ",".join("x".join(map(str, shape)) for shape in key): choice.best.engine
            for key, choice in choices
        }
        store = self.model.store
        self.metrics.cache_hits = getattr(store, "hits", 0)
        self.metrics.cache_misses = getattr(store, "misses", 0)
