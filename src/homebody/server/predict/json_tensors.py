"""Tensors in JSON: nested lists of numbers, read with their type and depth known beforehand."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody.errors import RequestError
from homebody.server.predict.signature import finite


def decoded(text: bytes | memoryview | msgspec.Raw, kind: Any, what: str) -> Any:
    """JSON text as a type that msgspec checks; NaN, Infinity and numbers beyond range are none.

    Raises:
        RequestError: it is not JSON, or not of that type.
    """
    try:
        return _decoder(kind).decode(text)
    except msgspec.DecodeError as error:
        raise RequestError(f"{what} cannot be read: {error}") from None
    except RecursionError:
        raise RequestError(f"{what} is nested too deeply") from None
    except UnicodeDecodeError:
        raise RequestError(f"{what} is not UTF-8") from None


def array(text: msgspec.Raw, dtype: np.dtype[Any], depth: int, what: str) -> NDArray[Any]:
    """Lists of numbers, nested `depth` times, as an array.

    Raises:
        RequestError: they are nested otherwise, ragged, of another type, or beyond its range.

    Example:
        >>> array(msgspec.Raw(b"[[1, 2], [3, 4]]"), np.dtype(np.int8), 2, "x").tolist()
        [[1, 2], [3, 4]]
    """
    values = decoded(text, nested(dtype.kind, depth), what)
    try:
        with np.errstate(over="ignore"):
            made = np.array(values, dtype)
    except OverflowError:
        raise RequestError(f"{what} holds a number that {dtype} does not") from None
    except ValueError:  # numpy's word for ragged
        raise RequestError(f"{what} has lists of unequal lengths; give all the same") from None
    if made.ndim < depth:  # lists of no elements have no depth of their own
        made = made.reshape(made.shape + (0,) * (depth - made.ndim))
    if not finite(made):
        raise RequestError(f"{what} holds a number that {dtype} does not")
    return made


@cache
def nested(kind: str, depth: int) -> Any:
    """The type of lists of numbers of numpy's kind, nested so many times."""
    found: Any = {"b": bool, "f": float}.get(kind, int)
    for _ in range(depth):
        found = list[found]
    return found


def lists(value: NDArray[Any], name: str) -> Any:
    """An array as what JSON holds.

    Raises:
        RequestError: it holds NaN or infinities, which JSON has no words for.
    """
    if not finite(value):
        raise RequestError(
            f"the output {name!r} holds NaN or infinite numbers, which JSON does not have; ask for "
            "binary tensors (binary_data) instead",
            500,
        )
    return value.tolist()


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)
