"""Make a program from a plan; what an engine fails to build falls back to the native one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from homebody.engines.engine import Engine, Executable, Options, Reason
from homebody.engines.graph import Segment
from homebody.engines.isolation.engine import Isolated
from homebody.engines.plan import Plan
from homebody.engines.program import Program, Step
from homebody.errors import EngineBuildError, EngineCrashError

CRASHED = b"homebody.crashed/1\n"
"""What is stored of a build that crashed begins with this; why follows. It is not tried again."""


class Store(Protocol):
    """Where compiled segments are kept between runs."""

    def get(self, segment: Segment, engine: Engine, options: Options) -> bytes | None:
        """What was put for an equal segment, engine and options; None if nothing sound was."""

    def put(self, segment: Segment, engine: Engine, options: Options, saved: bytes) -> None:
        """Keep it; failing to is no error."""


@dataclass(frozen=True)
class Built:
    """What came of one segment.

    Attributes:
        engine: the engine that runs it in the end.
        seconds: what building or loading took.
        cached: whether it came out of the store.
        failure: why the planned engine does not run it, if another does.
    """

    engine: str
    seconds: float
    cached: bool
    failure: Reason | None = None


def build(
    plan: Plan, engines: Mapping[str, Engine], native: Engine, options: Options, store: Store | None
) -> tuple[Program, tuple[Built, ...]]:
    """Compile every segment.

    An :class:`~homebody.engines.isolation.engine.Isolated` engine's build that crashes is stored
    too: under an equal key, thus with the same version on the same processor, it would again.

    Raises:
        EngineBuildError: the native engine does not build a segment either.
    """
    options = replace(options, alone=options.alone and len(set(plan.engines)) == 1)
    steps, told = [], []
    for segment, name in zip(plan.segments, plan.engines, strict=True):
        started = time.perf_counter()
        failure = None
        try:
            executable, cached = _made(segment, engines[name], options, store)
        except EngineBuildError as error:
            if name == native.name:
                raise
            if isinstance(error, EngineCrashError) and store is not None:
                store.put(segment, engines[name], options, CRASHED + str(error).encode())
            name, failure = native.name, Reason("build-failed", str(error))
            executable, cached = _made(segment, native, options, store)
        steps.append(Step(segment, name, executable))
        told.append(Built(name, time.perf_counter() - started, cached, failure))
    return Program(plan.graph, steps), tuple(told)


def _made(
    segment: Segment, engine: Engine, options: Options, store: Store | None
) -> tuple[Executable, bool]:
    if store is not None and (saved := store.get(segment, engine, options)) is not None:
        if saved.startswith(CRASHED):
            raise EngineBuildError(saved.removeprefix(CRASHED).decode("utf-8", "replace"))
        try:
            return engine.load(saved, segment, options), True
        except EngineBuildError:
            pass  # what an engine no longer reads is built anew
    if isinstance(engine, Isolated):
        executable, fresh = engine.made(segment, options)
    else:
        executable = engine.build(segment, options)
        fresh = None if store is None else executable.save()
    if store is not None and fresh is not None:
        store.put(segment, engine, options, fresh)
    return executable, False
