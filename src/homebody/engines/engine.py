"""What an engine is: the protocol that every adapter keeps, and the words it answers with."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from numpy.typing import NDArray

from homebody.engines.graph import Graph, Segment

Precision: TypeAlias = Literal["fp32", "bf16", "fp16", "int8", "int8-exact"]
"""What an engine may compute in; int8 is what the graph's QDQ says, the rest in fp32.

With int8-exact every engine rounds as LiteRT does, to the last step, where int8 alone leaves it to
round in the order that is quickest (:mod:`homebody.engines.rounding`).
"""

Code: TypeAlias = Literal[
    "unavailable",  # the engine is not installed, or there is no device for it
    "unknown-operation",  # the engine does not have the operation
    "unsupported-type",  # it has the operation, not for these element types
    "unsupported-shape",  # it has the operation, not for these shapes or attributes
    "varying-shape",  # the shape depends on data, so no buffer can be bound
    "build-failed",  # it said yes and then failed
    "wrong-answer",  # it built and strays from the native graph
    "too-small",  # its segment has fewer nodes than `min_segment_size`
    "slower",  # measured: the cut costs more than the engine gains
    "not-asked",  # the caller left the engine out
]
"""Why an engine does not run a node."""


@dataclass(frozen=True)
class Reason:
    """Why an engine does not run a node: a code for machines, a detail for people."""

    code: Code
    detail: str

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


@dataclass(frozen=True)
class Options:
    """How engines compute.

    Attributes:
        threads: how many threads one call may use, 1 or more.
        precision: what floating-point operations may compute in. fp32 is never lowered silently.
        alone: no other engine runs in this program, so waiting threads may spin.
    """

    threads: int = 1
    precision: Precision = "fp32"
    alone: bool = True


@dataclass(frozen=True)
class KernelTime:
    """How long one of an engine's own kernels took in a profiled run."""

    name: str
    kind: str
    microseconds: float


Buffer: TypeAlias = NDArray[Any]


class Bound(Protocol):
    """An executable with its buffers: calling it computes from the inputs into the outputs."""

    def __call__(self) -> None:
        """Compute once."""

    def point(self, index: int, buffer: Buffer) -> None:
        """Read one input from another buffer, of the same shape and type, from now on."""


class Executable(Protocol):
    """A segment compiled by an engine for given shapes."""

    def bind(self, inputs: Sequence[Buffer], outputs: Sequence[Buffer]) -> Bound:
        """Fix where it reads and writes, in the segment's order; nothing is copied at a call."""

    def save(self) -> bytes | None:
        """What :meth:`Engine.load` makes it from again; None where building is as quick."""

    def profile(
        self, inputs: Sequence[Buffer], outputs: Sequence[Buffer]
    ) -> tuple[KernelTime, ...]:
        """Run once and tell how long each inner kernel took, in their order."""


@runtime_checkable
class Varying(Protocol):
    """An executable that also takes and makes arrays of shapes that differ from call to call."""

    def run(self, inputs: Sequence[Buffer]) -> list[Buffer]:
        """Compute from arrays into new ones, both in the segment's order."""


@runtime_checkable
class Engine(Protocol):
    """Something that compiles and runs parts of a graph."""

    name: str
    """Lower-case, as ``--engines`` takes it."""
    varies: bool
    """Whether what it builds is :class:`Varying`, so that shapes may depend on data."""

    def probe(self) -> str | Reason:
        """Its version where it can run here, else why not."""

    def supports(self, graph: Graph) -> tuple[Reason | None, ...]:
        """For each node None, or why it cannot take that."""

    def build(self, segment: Segment, options: Options) -> Executable:
        """Compile a segment, of static shapes unless the engine :attr:`varies`.

        Raises:
            EngineBuildError: it cannot, in one sentence.
        """

    def load(self, saved: bytes, segment: Segment, options: Options) -> Executable:
        """Make again what :meth:`Executable.save` gave for an equal segment and equal options.

        Raises:
            EngineBuildError: it cannot; the caller builds anew.
        """


@functools.cache
def installed(package: str) -> str | None:
    """A package's version by its own list of files, which takes no import; None if absent."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None
