"""Running a served model: made ready before it is asked, and native where an engine fails."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from concurrent.futures import Executor
from typing import Any

from numpy.typing import NDArray

from homebody.engines import CompiledModel
from homebody.engines.choose import noise
from homebody.engines.graph import Shape
from homebody.errors import GraphError
from homebody.server.predict.metrics import PredictMetrics
from homebody.server.predict.signature import Arrays, kind_of


class Computing:
    """Calls a compiled model from one thread, while another builds what it lacks.

    Args:
        model: what answers.
        metrics: told which engines run what, and of failures.
        batches: the batch sizes to make ready.
        builder: where engines are built that a call would like and can do without.
    """

    def __init__(
        self,
        model: CompiledModel,
        metrics: PredictMetrics,
        batches: tuple[int, ...] = (1,),
        builder: Executor | None = None,
    ) -> None:
        self.model = model
        self.metrics = metrics
        self.batches = batches
        model.later = builder
        self._native: CompiledModel | None = None
        self._failed: set[Hashable] = set()
        self._lock = threading.Lock()

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

    def ready(self, inputs: Arrays) -> bool:
        """Whether inputs of these shapes are computed without building anything first."""
        if self.model.ready({name: value.shape for name, value in inputs.items()}):
            return True
        return bool(self._failed) and kind_of(inputs, self.model.batched) in self._failed

    def prepare(self, inputs: Arrays) -> None:
        """Build what computes inputs of these shapes; the native engine if what was chosen fails.

        Raises:
            GraphError: the inputs do not fit the model.
            EngineError: the native engine fails too.
        """
        try:
            self.model.at({name: value.shape for name, value in inputs.items()})
        except GraphError:
            raise
        except Exception:  # from now on these shapes are the native engine's
            self._natively(inputs)
            self._failed.add(kind_of(inputs, self.model.batched))

    def __call__(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """The model's outputs; by the native engine where what was chosen fails.

        Raises:
            GraphError: the inputs do not fit the model.
            EngineError: the native engine fails too.
        """
        try:
            if self._failed and kind_of(inputs, self.model.batched) in self._failed:
                return self._natively(inputs)
            return self.model(inputs)
        except GraphError:
            raise
        except Exception:  # an engine's own words; whether the native one does better, it shows
            return self._natively(inputs)

    def _natively(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        self.metrics.fallbacks += 1
        with self._lock:
            if self._native is None:
                model = self.model
                engines = {model.native.name: model.native}
                self._native = CompiledModel(model.graph, engines, model.native, model.settings)
                self._native.later = model.later
        return self._native(inputs)

    def tell(self) -> None:
        """Tell the metrics which engines run what, and what came out of the cache."""
        self.metrics.engines = {
            ",".join("x".join(map(str, shape)) for shape in key): choice.best.engine
            for key, choice in self.model.choices.copy().items()
        }
        store = self.model.store
        self.metrics.cache_hits = getattr(store, "hits", 0)
        self.metrics.cache_misses = getattr(store, "misses", 0)
