"""A compiled model: engines for the shapes that are asked for, built when first needed.

The batch is every input's first dimension. Where the model lets it vary, requests of any batch are
answered, by engines that exist or by new ones, as the policy says.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.engines.build import Store
from homebody.engines.choose import Choice, choose, noise, remembered
from homebody.engines.engine import Engine, Options
from homebody.engines.graph import Graph, Shape
from homebody.engines.plan import MIN_SEGMENT_SIZE
from homebody.engines.policy import Costs, Policy, cheapest
from homebody.engines.policy import choose as cover
from homebody.errors import GraphError

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Settings:
    """How a model is compiled.

    Attributes:
        options: threads and precision.
        policy: how engines are reused across batch sizes.
        min_segment_size: nodes in an engine's segment, at least.
        max_cached_engines: shapes whose engines are kept in memory.
    """

    options: Options = field(default_factory=Options)
    policy: Policy = "cost"
    min_segment_size: int = MIN_SEGMENT_SIZE
    max_cached_engines: int = 16


class CompiledModel:
    """Answers requests of any batch size.

    Calls from several threads are safe. Those of one engine take turns, and none waits for a build
    but the one that needs it.

    Args:
        graph: the model, its first dimensions open or not.
        engines: those to choose from, by name.
        native: what everything falls back to.
        settings: see :class:`Settings`.
        chosen: which engine was chosen before, by the inputs' shapes in their order.
        store: where compiled segments are kept between runs.
        told: called with an engine's name before it builds.

    Attributes:
        choices: for each batch size that was built, what was chosen and why.
        settings: how it is compiled.
        store: where compiled segments are kept between runs, or None.
        later: where to build an engine that a call would like while others can cover it; None
            builds at once.
    """

    def __init__(
        self,
        graph: Graph,
        engines: Mapping[str, Engine],
        native: Engine,
        settings: Settings | None = None,
        *,
        chosen: Mapping[tuple[Shape, ...], str] | None = None,
        store: Store | None = None,
        told: Callable[[str], None] = lambda engine: None,
    ) -> None:
        self.graph = graph
        self.engines = dict(engines)
        self.native = native
        self.settings = settings or Settings()
        self.choices: OrderedDict[tuple[Shape, ...], Choice] = OrderedDict()
        self._chosen = dict(chosen or {})
        self.store = store
        self.later: Executor | None = None
        self._told = told
        self._costs: dict[tuple[Shape, ...], Costs] = {}
        self._ordered: set[tuple[Shape, ...]] = set()
        self._lock = threading.RLock()
        self._builds = threading.Lock()  # taken before the other, never while that is held
        self._names = tuple(tensor.name for tensor in graph.inputs)

    def __call__(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Compute the outputs by name.

        Args:
            inputs: by name; all of one batch size where the model's batch varies.

        Raises:
            GraphError: an input is absent, unknown, or of a shape or type that does not fit.
            EngineBuildError: the native engine does not build the model.
        """
        try:
            key: tuple[Shape, ...] | None = tuple([inputs[name].shape for name in self._names])
        except KeyError:
            key = None  # what is missing is told below
        if key is not None and (choice := self._found(key)):  # nothing to decide, nothing to build
            return choice.best.program(inputs)
        shapes = self._shapes(inputs)
        if not self._covers:
            return self.at(shapes, inputs=inputs).best.program(inputs)
        batch = next(iter(shapes.values()))[0]
        rest = tuple(shape[1:] for shape in shapes.values())
        with self._lock:
            costs = self._costs.setdefault(rest, Costs())
            sizes = cover(batch, costs, self.settings.policy)
            if sizes is None and self.later is not None and costs.run:
                self._order(shapes, self.later)
                sizes, _ = cheapest(batch, costs.run)
        return self._covered(inputs, shapes, batch, sizes or (batch,))

    async def run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """The same, without holding up the event loop."""
        return await asyncio.to_thread(self, inputs)

    @property
    def batches(self) -> tuple[int, ...]:
        """The batch sizes for which it was compiled, where the batch varies."""
        return tuple(sorted({key[0][0] for key in self._chosen})) if self._covers else ()

    def ready(self, shapes: Mapping[str, Shape]) -> bool:
        """Whether a call of these shapes waits for no build, if others are built :attr:`later`."""
        key = tuple(shapes[t.name] for t in self.graph.inputs)
        with self._lock:
            if self._covers:
                costs = self._costs.get(tuple(shape[1:] for shape in key))
                return costs is not None and bool(costs.run)
            return (self._open(key) if self.batched else key) in self.choices

    def at(
        self,
        shapes: Mapping[str, Shape],
        *,
        measured: bool = False,
        inputs: Arrays | None = None,
    ) -> Choice:
        """What runs inputs of these shapes; built now if it is not there.

        Args:
            shapes: by input's name. Under the policy ``dynamic`` one engine, measured with the
                first of them, runs every batch.
            measured: if it is to be built, measure every engine, whatever was chosen for other
                batches.
            inputs: what to measure with, of these shapes; seeded noise if None.

        Raises:
            GraphError: the shapes do not fit the model.
            EngineBuildError: the native engine does not build it.
        """
        batch = next((shape[0] for shape in shapes.values() if shape), 1)
        key = tuple(shapes[t.name] for t in self.graph.inputs)
        if self.batched and not self._covers:
            key = self._open(key)
            shapes = {t.name: shape for t, shape in zip(self.graph.inputs, key, strict=True)}
        if (found := self._found(key)) is not None:
            return found
        with self._builds:
            if (found := self._found(key)) is not None:  # another thread's, meanwhile
                return found
            started = time.perf_counter()
            graph = self.graph.at(shapes)
            given = time.perf_counter() - started
            made = self._made(key, graph, measured, inputs or noise(graph, batch=batch))
            with self._lock:
                self._keep(key, made, given)
            return made

    def _found(self, key: tuple[Shape, ...]) -> Choice | None:
        with self._lock:
            if key in self.choices:
                self.choices.move_to_end(key)
            return self.choices.get(key)

    def _keep(self, key: tuple[Shape, ...], made: Choice, given: float) -> None:
        """Take an engine in, and let go of those that nothing has asked for longest."""
        self.choices[key] = made
        if self._covers:
            costs = self._costs.setdefault(tuple(shape[1:] for shape in key), Costs())
            costs.run[key[0][0]] = made.best.seconds
            # The next build will compare no engines, so what that took is not its price.
            costs.build.append(given + sum(built.seconds for built in made.best.built))
        while len(self.choices) > self.settings.max_cached_engines:
            gone, _ = self.choices.popitem(last=False)
            if self._covers:
                del self._costs[tuple(shape[1:] for shape in gone)].run[gone[0][0]]

    def _order(self, shapes: Mapping[str, Shape], later: Executor) -> None:
        """Have an engine built; once, if that fails."""
        key = tuple(shapes[t.name] for t in self.graph.inputs)
        if key not in self._ordered:
            self._ordered.add(key)

            def build() -> None:
                self.at(shapes)
                self._ordered.discard(key)

            later.submit(build)

    @property
    def _covers(self) -> bool:
        """Whether engines of some batches answer others."""
        return self.batched and self.settings.policy != "dynamic"

    @staticmethod
    def _open(key: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The key of one engine for every batch."""
        return tuple((-1, *shape[1:]) for shape in key)

    def _made(self, key: tuple[Shape, ...], graph: Graph, measured: bool, inputs: Arrays) -> Choice:
        settings = self.settings
        if not measured and (known := self._known(key)):
            self._told(known)
            engine = self.engines.get(known, self.native)
            return remembered(
                graph, engine, self.native, settings.options, inputs=inputs,
                min_segment_size=settings.min_segment_size, store=self.store,
            )  # fmt: skip
        made = choose(
            graph, self.engines, self.native, settings.options, inputs=inputs,
            min_segment_size=settings.min_segment_size, store=self.store, told=self._told,
        )  # fmt: skip
        self._chosen[key] = made.best.engine
        return made

    def _known(self, key: tuple[Shape, ...]) -> str | None:
        """What was chosen for these shapes, or for the nearest batch of them.

        Choosing anew for each batch would build every engine while a request waits.
        """
        if key in self._chosen or not self.batched:
            return self._chosen.get(key)
        like = [k for k in self._chosen if [s[1:] for s in k] == [s[1:] for s in key]]
        nearest = min(like, key=lambda k: abs(k[0][0] - key[0][0]), default=None)
        return None if nearest is None else self._chosen[nearest]

    @cached_property
    def batched(self) -> bool:
        """Whether every input and output has an open first dimension, the same for all."""
        borders = (*self.graph.inputs, *self.graph.outputs)
        if any(not tensor.shape or tensor.shape[0] != -1 for tensor in borders):
            return False
        values = (*self.graph.model.graph.inputs, *self.graph.model.graph.outputs)
        names = {getattr(value.shape[0], "value", None) for value in values if value.shape}
        if len(names) == 1 and names != {None}:
            return True
        # How many rows come out may depend on data instead.
        two = self.graph.at({t.name: (2, *t.shape[1:]) for t in self.graph.inputs})
        return all(tensor.shape[:1] == (2,) for tensor in two.outputs)

    def _shapes(self, inputs: Arrays) -> dict[str, Shape]:
        wanted = {tensor.name for tensor in self.graph.inputs}
        if inputs.keys() != wanted:
            raise GraphError(
                f"the inputs {', '.join(map(repr, sorted(inputs)))} were given; "
                f"give {', '.join(map(repr, sorted(wanted)))}"
            )
        shapes = {t.name: tuple(inputs[t.name].shape) for t in self.graph.inputs}
        if self.batched:
            if any(not shape for shape in shapes.values()):
                raise GraphError("an input is a scalar; its first dimension is to be the batch")
            batches = {shape[0] for shape in shapes.values()}
            if len(batches) != 1 or 0 in batches:
                raise GraphError(
                    f"the inputs have {sorted(batches)} rows; give all the same number, 1 or more"
                )
        return shapes

    def _covered(
        self, inputs: Arrays, shapes: Mapping[str, Shape], batch: int, sizes: tuple[int, ...]
    ) -> dict[str, NDArray[Any]]:
        parts: list[dict[str, NDArray[Any]]] = []
        done = 0
        for size in sizes:
            choice = self.at({name: (size, *shape[1:]) for name, shape in shapes.items()})
            rows = min(size, batch - done)
            given = {
                name: _padded(value[done : done + rows], size) for name, value in inputs.items()
            }
            answer = choice.best.program(given)
            parts.append({name: value[:rows] for name, value in answer.items()})
            done += rows
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _padded(rows: NDArray[Any], size: int) -> NDArray[Any]:
    """Rows and then the last one again: real values cost what the others cost."""
    if len(rows) == size:
        return rows
    return np.concatenate([rows, np.repeat(rows[-1:], size - len(rows), axis=0)])
