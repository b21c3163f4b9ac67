"""The process that builds: ``python -m homebody.engines.isolation``, started by a builder.

For each order it builds the segment, saves it, loads what was saved and runs both on noise, so that
whoever loads the same bytes afterwards does nothing that has not gone well here. What engines write
to standard output goes to standard error; orders and replies have pipes of their own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from typing import BinaryIO

import numpy as np
import onnx
import onnx_ir as ir

from homebody.engines.choose import LEAST_SQNR, nearness
from homebody.engines.engine import Buffer, Engine, Executable, Varying
from homebody.engines.graph import Graph, Segment, Tensor
from homebody.engines.isolation.messages import Order, Ready, Reply, receive, send
from homebody.engines.program import aligned
from homebody.errors import EngineBuildError

_GRACE_S = 30
"""How much longer than its limit a build may go on if whoever ordered it is gone."""


def main(arguments: list[str]) -> None:
    """Answer orders until nobody gives any.

    Args:
        arguments: the most bytes of memory to take, 0 for no bound.
    """
    orders, replies = _own_pipes()
    _bound(int(arguments[0]) if arguments else 0)
    send(replies, Ready(os.getpid()))
    with contextlib.suppress(EOFError, OSError):
        while True:
            order, model = receive(orders, Order)
            with _ending(order.limit_s + _GRACE_S):
                reply, saved = answered(order, model)
            send(replies, reply, saved)


def answered(order: Order, model: bytes) -> tuple[Reply, bytes]:
    """Carry out one order."""
    try:
        saved = _built(order, model)
    except EngineBuildError as error:
        return Reply(error=str(error)), b""
    except MemoryError:
        return Reply(error="the build runs out of memory"), b""
    except Exception as error:  # engines raise their own kinds
        detail = " ".join(str(error).split())[:300] or "it gives no reason"
        return Reply(error=f"the build fails: {type(error).__name__}: {detail}"), b""
    return Reply(saved=saved is not None), saved or b""


def _built(order: Order, model: bytes) -> bytes | None:
    module, _, name = order.engine.partition(":")
    engine: Engine = getattr(import_module(module), name)()
    graph = Graph(ir.from_proto(onnx.ModelProto.FromString(model)))
    segment = Segment(
        graph,
        tuple(range(len(graph.nodes))),
        tuple(border.tensor() for border in order.inputs),
        tuple(border.tensor() for border in order.outputs),
    )
    built = engine.build(segment, order.options)
    first = _run(built, segment)
    saved = built.save()
    if saved is None:
        return None
    again = _run(engine.load(saved, segment, order.options), segment)
    near = nearness(again, first) if first.keys() == again.keys() else -np.inf
    if near < LEAST_SQNR[order.options.precision]:
        raise EngineBuildError(
            f"what it saved answers otherwise than what it built ({near:.0f} dB from it)"
        )
    return saved


def _run(executable: Executable, segment: Segment) -> dict[str, Buffer]:
    """What it computes from seeded noise, by name; nothing where noise is no input for it."""
    inputs, outputs = [_noise(tensor) for tensor in segment.inputs], []
    try:
        if segment.static:
            outputs = [aligned(tensor) for tensor in segment.outputs]
            executable.bind(inputs, outputs)()
        elif isinstance(executable, Varying):
            outputs = executable.run(inputs)
    except Exception:  # inside a model there are shapes and indices, which noise need not be
        return {}
    names = [tensor.name for tensor in segment.outputs]
    return dict(zip(names, outputs, strict=False))


def _noise(tensor: Tensor) -> Buffer:
    """Normal for floating point; zeros for integers, since 0 is an index wherever there is one."""
    shape = tuple(1 if length == -1 else length for length in tensor.shape)
    buffer = aligned(replace(tensor, shape=shape))
    if buffer.dtype.kind == "f":
        buffer[...] = np.random.default_rng(0).normal(size=shape)
    return buffer


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output, which nothing else reads from or writes to any more."""
    orders, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdin, sys.stdout = open(os.devnull), sys.stderr  # noqa: SIM115
    return orders, replies


def _bound(memory: int) -> None:
    """Take no more memory than this, and be the first to go where the system runs out of it."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if memory:  # of data: reserved addresses and mapped files, which engines have, cost none
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


@contextlib.contextmanager
def _ending(seconds: float) -> Iterator[None]:
    """End this process if the block takes longer; only where the system has alarms."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
