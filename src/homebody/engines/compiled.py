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
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from homebody.engines.build import Store
from homebody.engines.choose import Choice, choose, noise, remembered
from homebody.engines.engine import Engine, Options
from homebody.engines.graph import Graph, Shape
from homebody.engines.plan import MIN_SEGMENT_SIZE
from homebody.engines.policy import Costs, Part, Policy
from homebody.engines.policy import choose as cover
from homebody.engines.program import Program
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


@dataclass(frozen=True)
class Known:
    """What was chosen for some shapes before.

    Attributes:
        engine: which engine.
        whole: whether it took the whole graph.
        seconds: the median of a call.
        rows: of how many rows that call was.
        build: the seconds that building took.
    """

    engine: str
    whole: bool
    seconds: float
    rows: int
    build: float


Key: TypeAlias = tuple[Shape, ...]
"""The inputs' shapes in their order; batch -1 is an engine for every batch."""


class CompiledModel:
    """Answers requests of any batch size.

    Calls from several threads are safe. Those of one engine take turns, and none waits for a build
    but the one that needs it.

    Args:
        graph: the model, its first dimensions open or not.
        engines: those to choose from, by name.
        native: what everything falls back to.
        settings: see :class:`Settings`.
        by_rows: engines that take any batch a row at a time; the rule ``cost`` may choose them.
        chosen: what was chosen before, by the inputs' shapes in their order.
        store: where compiled segments are kept between runs.
        told: called with an engine's name before it builds.

    Attributes:
        batched: whether rows may be put together and split. At first what shapes say: the first
            dimension of every input and output is open, and the same. Where rows are not computed
            apart, as :func:`~homebody.engines.independence.rows_independent` finds out, it is to be
            False, and then every batch is built as it comes.
        choices: for each batch size that was built, what was chosen and why.
        opened: under ``cost``, what was chosen to answer batches that are not.
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
        by_rows: Mapping[str, Engine] | None = None,
        chosen: Mapping[Key, Known] | None = None,
        store: Store | None = None,
        told: Callable[[str], None] = lambda engine: None,
    ) -> None:
        self.graph = graph
        self.batched = graph.batched
        self.engines = dict(engines)
        self.native = native
        self.settings = settings or Settings()
        self.choices: OrderedDict[Key, Choice] = OrderedDict()
        self.opened: OrderedDict[Key, Choice] = OrderedDict()
        self._by_rows = dict(by_rows or {})
        self._chosen = dict(chosen or {})
        self.store = store
        self.later: Executor | None = None
        self._told = told
        self._costs: dict[Key, Costs] = {}
        self._ordered: set[Key] = set()
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
            key: Key | None = tuple([inputs[name].shape for name in self._names])
        except KeyError:
            key = None  # what is missing is told below
        if key is not None and (choice := self._found(key)) and self._trusted(key):
            return choice.best.program(inputs)  # nothing to decide, nothing to build
        shapes = self._shapes(inputs)
        if not self._covers:
            return self.at(shapes, inputs=inputs).best.program(inputs)
        key = tuple(shapes.values())
        batch = key[0][0]
        with self._lock:
            costs = self._measured(key)
            parts, wanted = cover(batch, costs, self.settings.policy)
        if wanted is not None:
            build = {name: (wanted, *shape[1:]) for name, shape in shapes.items()}
            if self.later is not None and (costs.run or costs.open):
                self._order(build, self.later)
            else:
                self.at(build, inputs=inputs if wanted == batch else None)
                parts = () if self._rents else ((batch, batch),)
        if not parts:
            with self._lock:
                parts = costs.cover(batch)
        return self._covered(inputs, key, parts)

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
                return any(_rest(known) == _rest(key) for known in (*self.choices, *self.opened))
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
        if (found := self._found(key)) is not None:
            return found
        with self._builds:
            if (found := self._found(key)) is not None:  # another thread's, meanwhile
                return found
            known = None if measured else self._known(key)
            made = self._made(key, known, inputs, batch)
            if known is None and self._rents and self._open(key) not in self.opened:
                # What takes any batch answers the others until their own engines are worth it.
                self._made(self._open(key), None, inputs, batch)
            return made

    def _found(self, key: Key) -> Choice | None:
        with self._lock:
            kept = self._kept(key)
            if key in kept:
                kept.move_to_end(key)
            return kept.get(key)

    def _kept(self, key: Key) -> OrderedDict[Key, Choice]:
        """Where an engine is kept."""
        return self.opened if self._rents and key == self._open(key) else self.choices

    def _made(self, key: Key, known: Known | None, inputs: Arrays | None, batch: int) -> Choice:
        """Build an engine, and take it in."""
        settings = self.settings
        started = time.perf_counter()
        names = (tensor.name for tensor in self.graph.inputs)
        graph = self.graph.at(dict(zip(names, key, strict=True)))
        given = time.perf_counter() - started
        if known is not None:
            self._told(known.engine)
            engine = {**self._by_rows, **self.engines}.get(known.engine, self.native)
            made = remembered(
                graph, engine, self.native, settings.options, whole=known.whole,
                seconds=known.seconds, min_segment_size=settings.min_segment_size,
                store=self.store,
            )  # fmt: skip
        else:
            engines = self.engines
            if self._kept(key) is self.opened:
                engines = {**engines, **self._by_rows}
            made = choose(
                graph, engines, self.native, settings.options,
                inputs=inputs or noise(graph, batch=batch),
                min_segment_size=settings.min_segment_size, store=self.store, told=self._told,
            )  # fmt: skip
            best = made.best
            whole = len(best.plan.segments) == 1 and best.plan.engines == (best.engine,)
            self._chosen[key] = Known(
                best.engine, whole, best.seconds, batch, sum(b.seconds for b in best.built)
            )
        with self._lock:
            self._keep(key, made, given, measured=known is None)
        return made

    def _keep(self, key: Key, made: Choice, given: float, *, measured: bool) -> None:
        """Take an engine in, and let go of those that nothing has asked for longest."""
        kept = self._kept(key)
        kept[key] = made
        if self._covers:
            costs, batch = self._measured(key), key[0][0]
            # The next build will compare no engines, so what that took is not its price.
            price = given + sum(built.seconds for built in made.best.built)
            fresh = not all(built.cached for built in made.best.built)
            (costs.build if fresh else costs.load).append(price)
            if batch == -1 and measured:
                # Of these the best alone: runtimes whose calls take turns slow each other down.
                costs.add_open(made.best.engine, made.rows, made.best.seconds)
            elif batch != -1 and (measured or batch not in costs.run):
                costs.add(batch, made.best.seconds if measured else None)
            if self.store is not None and batch != -1:
                costs.stored.add(batch)
        while len(kept) > self.settings.max_cached_engines:
            gone, _ = kept.popitem(last=False)
            if self._covers:
                self._measured(gone).remove(gone[0][0])

    def _measured(self, key: Key) -> Costs:
        """What is known of the engines whose shapes differ in their batch alone."""
        rest = _rest(key)
        if rest not in self._costs:
            costs = self._costs[rest] = Costs()
            for known, was in self._chosen.items() if self._rents else ():
                if _rest(known) == rest and known[0][0] == -1:
                    costs.add_open(was.engine, was.rows, was.seconds)
                elif _rest(known) == rest:
                    costs.add(known[0][0], was.seconds)
                    costs.build.append(was.build)
                    costs.stored.add(known[0][0])
        return self._costs[rest]

    def _trusted(self, key: Key) -> bool:
        """Whether enough calls of an engine have told how long they take."""
        return not self._rents or self._measured(key).settled(key[0][0])

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

    @property
    def _rents(self) -> bool:
        """Whether what covers a request is counted."""
        return self.batched and self.settings.policy == "cost"

    @staticmethod
    def _open(key: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The key of one engine for every batch."""
        return tuple((-1, *shape[1:]) for shape in key)

    def _known(self, key: Key) -> Known | None:
        """What was chosen for these shapes, or for the nearest batch of them.

        Choosing anew for each batch would build every engine while a request waits.
        """
        if key in self._chosen or not self.batched or key == self._open(key):
            return self._chosen.get(key)
        like = [k for k in self._chosen if _rest(k) == _rest(key) and k[0][0] != -1]
        nearest = min(like, key=lambda k: abs(k[0][0] - key[0][0]), default=None)
        return None if nearest is None else self._chosen[nearest]

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
        self, inputs: Arrays, key: Key, parts: tuple[Part, ...]
    ) -> dict[str, NDArray[Any]]:
        answers: list[dict[str, NDArray[Any]]] = []
        done = 0
        for engine, rows in parts:
            program = self._program(key, engine)
            size = engine if isinstance(engine, int) else rows
            given = {
                name: _padded(value[done : done + rows], size) for name, value in inputs.items()
            }
            started = time.perf_counter()
            answer = program(given)
            taken = time.perf_counter() - started
            if self._rents:
                with self._lock:
                    self._measured(key).told((engine, rows), taken)
            answers.append({name: value[:rows] for name, value in answer.items()})
            done += rows
        if len(answers) == 1:
            return answers[0]
        return {name: np.concatenate([part[name] for part in answers]) for name in answers[0]}

    def _program(self, key: Key, engine: int | str) -> Program:
        """The program of an engine for one batch, or of that for every batch with this name."""
        batch = engine if isinstance(engine, int) else -1
        names = (tensor.name for tensor in self.graph.inputs)
        shapes = {name: (batch, *shape[1:]) for name, shape in zip(names, key, strict=True)}
        choice = self.at(shapes)
        candidates = (choice.best, *choice.others)
        return next((c.program for c in candidates if c.engine == engine), choice.best.program)


def _rest(key: Key) -> Key:
    """Shapes without their batch."""
    return tuple(shape[1:] for shape in key)


def _padded(rows: NDArray[Any], size: int) -> NDArray[Any]:
    """Rows and then the last one again: real values cost what the others cost."""
    if len(rows) == size:
        return rows
    return np.concatenate([rows, np.repeat(rows[-1:], size - len(rows), axis=0)])
