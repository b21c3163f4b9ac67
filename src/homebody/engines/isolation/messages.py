"""What a builder and its process say: a head in MessagePack, then bytes; both with their length."""

from __future__ import annotations

import struct
from typing import BinaryIO, TypeVar

import msgspec

from homebody.engines.borders import TensorRecord
from homebody.engines.engine import Options

MAX_HEAD = 1 << 24
MAX_BODY = 1 << 33
"""The largest segment, or compiled segment, that is passed on: 8 GiB."""
_LENGTHS = struct.Struct("<QQ")
_T = TypeVar("_T")


class Order(msgspec.Struct, frozen=True):
    """What to build; the segment's ONNX bytes follow.

    Attributes:
        engine: the engine's class as ``module:Class``; it is made without arguments.
        inputs, outputs: the segment's borders.
        options: how it computes.
        limit_s: after as many seconds the process ends itself, if nobody else has ended it.
    """

    engine: str
    inputs: tuple[TensorRecord, ...]
    outputs: tuple[TensorRecord, ...]
    options: Options
    limit_s: float


class Reply(msgspec.Struct, frozen=True):
    """What came of an order; the compiled segment follows where there is one.

    Attributes:
        error: why the engine does not build it, or None.
        saved: whether the engine can save what it builds.
    """

    error: str | None = None
    saved: bool = False


class Ready(msgspec.Struct, frozen=True):
    """The process's first words: it takes orders."""

    pid: int


def send(to: BinaryIO, head: Order | Reply | Ready, body: bytes = b"") -> None:
    """Write one message.

    Raises:
        OSError: the other side has gone.
    """
    packed = msgspec.msgpack.encode(head)
    to.write(_LENGTHS.pack(len(packed), len(body)) + packed)
    to.write(body)
    to.flush()


def receive(source: BinaryIO, kind: type[_T]) -> tuple[_T, bytes]:
    """Read one message.

    Raises:
        EOFError: the other side has gone, or stopped within a message.
        ValueError: what it says is no message of this kind.
    """
    head_length, body_length = _LENGTHS.unpack(_exactly(source, _LENGTHS.size))
    if head_length > MAX_HEAD or body_length > MAX_BODY:
        raise ValueError("the message states an impossible length")
    try:
        head = msgspec.msgpack.decode(_exactly(source, head_length), type=kind)
    except msgspec.DecodeError as error:
        raise ValueError(f"the message cannot be read: {error}") from None
    return head, _exactly(source, body_length)


def _exactly(source: BinaryIO, length: int) -> bytes:
    """So many bytes; memory is taken as they come, whatever length is stated."""
    parts = []
    while length:
        part = source.read(min(length, 1 << 24))
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)
