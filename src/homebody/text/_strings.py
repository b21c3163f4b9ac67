"""Arrays of strings, laid out as Arrow lays them out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from homebody.errors import MalformedTextError, TextError
from homebody.kernels import texts

Malformed = Literal["replace", "ignore", "error"]
"""What becomes of bytes that are not UTF-8: U+FFFD for each maximal subpart, nothing, a refusal."""

_MALFORMED = ("replace", "ignore", "error", "keep")


class Strings:
    """An immutable array of UTF-8 strings in one piece of memory.

    The layout is Arrow's: string i is ``data[offsets[i]:offsets[i + 1]]``. Slices share memory.

    Args:
        data: uint8 [bytes].
        offsets: int64 [n + 1], ascending, within ``data``; the first need not be 0.

    Attributes:
        data: as given, read-only.
        offsets: as given, read-only.
        keep: what has to stay alive as long as a span of :meth:`spans` is used.

    Raises:
        TextError: the offsets descend or leave ``data``.

    Example:
        >>> words = Strings.of(["Haus", "Tür"])
        >>> words, len(words), words[1]
        (Strings(['Haus', 'Tür']), 2, 'Tür')
        >>> words.offsets.tolist()
        [0, 4, 8]
    """

    __slots__ = ("data", "keep", "offsets")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        data, offsets = np.asarray(data), np.asarray(offsets)
        if data.dtype != np.uint8 or data.ndim != 1 or not data.flags.c_contiguous:
            raise TextError(
                f"a Strings' data are {data.dtype} {list(data.shape)}; "
                "give a contiguous uint8 array [bytes]"
            )
        if offsets.dtype != np.int64 or offsets.ndim != 1 or not len(offsets):
            raise TextError(
                f"a Strings' offsets are {offsets.dtype} {list(offsets.shape)}; "
                "give an int64 array [strings + 1]"
            )
        if offsets[0] < 0 or offsets[-1] > data.size or (np.diff(offsets) < 0).any():
            raise TextError(
                f"a Strings' offsets descend or leave its {data.size} bytes; "
                "give ascending ones from 0 to that"
            )
        self._set(data, offsets)

    def _set(self, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        self.data, self.offsets = data.view(), offsets.view()
        self.data.flags.writeable = self.offsets.flags.writeable = False
        self.keep: object = self.data

    @classmethod
    def _made(cls, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> Strings:
        """Without the checks, for what a kernel has just written."""
        made = object.__new__(cls)
        made._set(data, offsets)
        return made

    @classmethod
    def of(cls, source: Any, malformed: Malformed | Literal["keep"] = "replace") -> Strings:
        """A sequence of strings as Strings.

        Args:
            source: a list or tuple of str or bytes (or both), a numpy array [n] of them, an Arrow
                string or binary array (whose bytes are shared, not copied), or Strings.
            malformed: what becomes of bytes that are not UTF-8; ``"keep"`` leaves them.
                A surrogate on its own, which a str can hold, counts as one such character.

        Raises:
            MalformedTextError: with ``malformed="error"``, at the first such string.
            TextError: ``source`` is nothing of that, or has nulls.
        """
        if malformed not in _MALFORMED:
            raise TextError(f"malformed is {malformed!r}; give one of {', '.join(_MALFORMED)}")
        strings = source if isinstance(source, Strings) else arrow_strings(source)
        if strings is None:
            spans, _keep, sound = borrowed(source, malformed)
            strings = cls._made(*texts.join(spans))
            if sound:
                return strings
        if malformed == "keep":
            return strings
        return strings._mended(malformed)

    def _mended(self, malformed: Malformed) -> Strings:
        spans = self.spans()
        bad = texts.check_utf8(spans)
        if bad == len(spans):
            return self
        if malformed == "error":
            raise malformed_at(bad)
        parts = []
        for row in spans:
            part, _, _ = texts.mend(row, ignore=malformed == "ignore")
            parts.append(part)
        offsets = np.zeros(len(parts) + 1, np.int64)
        np.cumsum([part.size for part in parts], out=offsets[1:])
        return Strings._made(np.concatenate(parts), offsets)

    def spans(self) -> texts.Spans:
        """Where each string lies: uintp [n, 2], rows (address, size), valid while ``keep`` is."""
        spans = np.empty((len(self), 2), np.uintp)
        np.add(self.offsets[:-1], self.data.ctypes.data, out=spans[:, 0], casting="unsafe")
        np.subtract(self.offsets[1:], self.offsets[:-1], out=spans[:, 1], casting="unsafe")
        return spans

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice | NDArray[Any] | list[int]) -> Strings: ...
    def __getitem__(self, index: Any) -> str | Strings:
        """A string; or those of a slice, which share memory; or those at an array's indices."""
        if isinstance(index, slice):
            first, last, step = index.indices(len(self))
            if step == 1:
                return Strings._made(self.data, self.offsets[first : max(first, last) + 1])
            return self[np.arange(first, last, step)]
        if isinstance(index, (int, np.integer)):
            i = range(len(self))[index]
            return bytes(self.data[self.offsets[i] : self.offsets[i + 1]]).decode()
        return Strings._made(*texts.join(np.ascontiguousarray(self.spans()[np.asarray(index)])))

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_list())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (list, tuple)):
            return self.to_list(errors="surrogateescape") == list(other)
        if not isinstance(other, Strings):
            return NotImplemented
        return self.to_bytes_list() == other.to_bytes_list()

    def __repr__(self) -> str:
        shown = self[:8].to_list(errors="replace")
        return f"Strings([{', '.join(map(repr, shown))}{', …' if len(self) > 8 else ''}])"

    def to_bytes_list(self) -> list[bytes]:
        """Each string's bytes."""
        first = int(self.offsets[0])
        data = self.data[first : self.offsets[-1]].tobytes()
        at = (self.offsets - first).tolist()
        return [data[a:b] for a, b in pairwise(at)]

    def to_list(self, errors: str = "strict") -> list[str]:
        """Each string as str.

        Args:
            errors: as :meth:`bytes.decode` has it.

        Raises:
            MalformedTextError: one is not UTF-8 and ``errors`` is "strict".
        """
        first = int(self.offsets[0])
        data = self.data[first : self.offsets[-1]].tobytes()
        at = (self.offsets - first).tolist()
        if data.isascii():
            text = data.decode("ascii")
            return [text[a:b] for a, b in pairwise(at)]
        try:
            return [data[a:b].decode("utf-8", errors) for a, b in pairwise(at)]
        except UnicodeDecodeError as error:
            raise MalformedTextError(
                f"{error.object[:40]!r} is not UTF-8; give errors='replace', or take the bytes"
            ) from None

    def to_arrow(self) -> Any:
        """A ``pyarrow.LargeStringArray`` over the same memory.

        Raises:
            TextError: pyarrow is not installed.
        """
        arrow = installed("pyarrow")
        offsets, data = arrow.py_buffer(self.offsets), arrow.py_buffer(self.data)
        return arrow.LargeStringArray.from_buffers(len(self), offsets, data)


def malformed_at(index: int) -> MalformedTextError:
    """The refusal of a string."""
    return MalformedTextError(
        f"string {index} is not UTF-8; give malformed='replace' or 'ignore', or mend it"
    )


def installed(name: str) -> Any:
    """A library that is no dependency.

    Raises:
        TextError: it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise TextError(f"{name} is not installed; pip install {name}") from None


def borrowed(
    source: Sequence[Any] | NDArray[Any], malformed: str
) -> tuple[texts.Spans, object, bool]:
    """Where the strings of a list or array lie, without copying those that Python has as UTF-8.

    Returns:
        The spans, what keeps them alive, and whether all are known to be UTF-8.

    Raises:
        MalformedTextError: with ``malformed="error"``, a str has a surrogate on its own.
        TextError: an element is neither str nor bytes.
    """
    if isinstance(source, np.ndarray):
        if source.ndim != 1:
            raise TextError(f"an array of strings has shape {list(source.shape)}; give [n]")
        source = source.tolist()
    if not isinstance(source, (list, tuple)):
        raise TextError(
            f"text is a {type(source).__name__}; give str or bytes, a list of them, "
            "an array of strings, Strings or Ragged"
        )
    strings = tuple(source)  # of our own: another thread may change the list meanwhile
    spans = np.empty((len(strings), 2), np.uintp)
    of_bytes = bool(strings) and isinstance(strings[0], bytes)
    done = texts.borrow(strings, spans, of_bytes=of_bytes)
    if done == len(strings):
        return spans, strings, not of_bytes
    return _encoded(strings, malformed)


def _encoded(strings: tuple[Any, ...], malformed: str) -> tuple[texts.Spans, object, bool]:
    """The same where some are bytes and some str, or some str have surrogates on their own."""
    sound, encoded = True, []
    for i, string in enumerate(strings):
        if isinstance(string, (bytes, bytearray, memoryview)):
            encoded.append(bytes(string))
            sound = False
        elif isinstance(string, str):
            try:
                encoded.append(string.encode())
            except UnicodeEncodeError:
                if malformed == "error":
                    raise malformed_at(i) from None
                encoded.append(_surrogates_encoded(string, malformed))
                sound &= malformed != "ignore"
        else:
            raise TextError(
                f"element {i} is a {type(string).__name__}; give str or bytes (and no nulls)"
            )
    spans = np.empty((len(encoded), 2), np.uintp)
    kept = tuple(encoded)
    texts.borrow(kept, spans, of_bytes=True)
    return spans, kept, sound


def _surrogates_encoded(string: str, malformed: str) -> bytes:
    """UTF-8 of a str with surrogates on their own: U+FFFD for each, as browsers encode it.

    With "ignore", in place of U+FFFD as many bytes that are one malformed subpart.
    """
    paired = string.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    parts = re.split("[\ud800-\udfff]", paired)
    between = b"\xf0\x90\x80" if malformed == "ignore" else "\ufffd".encode()
    return between.join(part.encode() for part in parts)


def arrow_strings(source: Any) -> Strings | None:
    """An Arrow string or binary array as Strings over its memory; None when it is none."""
    if not type(source).__module__.startswith("pyarrow"):
        return None
    arrow = installed("pyarrow")
    if isinstance(source, arrow.ChunkedArray):
        source = source.combine_chunks()
        if isinstance(source, arrow.ChunkedArray):  # of no chunks, or too large for one
            source = arrow.concat_arrays(source.chunks)
    kind = source.type
    small = arrow.types.is_string(kind) or arrow.types.is_binary(kind)
    if not (small or arrow.types.is_large_string(kind) or arrow.types.is_large_binary(kind)):
        raise TextError(f"an Arrow array is {kind}; give string, binary or their large forms")
    if source.null_count:
        raise TextError("an Arrow array has nulls; fill them, e.g. array.fill_null('')")
    if not len(source):
        return Strings._made(np.empty(0, np.uint8), np.zeros(1, np.int64))
    _, offsets, data = source.buffers()
    count = len(source) + 1 + source.offset
    wide = np.frombuffer(offsets, np.int32 if small else np.int64, count).astype(
        np.int64, copy=False
    )
    memory = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return Strings(memory, wide[source.offset :])
