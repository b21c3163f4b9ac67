"""Representative inputs: from an ``.npz`` file, arrays, or any iterable.

A *sample* is one input for each of the model's inputs. The first dimension of a model's input is
its batch of one and may be left out of a sample.
"""

from __future__ import annotations

import os
import random
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from homebody.errors import CalibrationError
from homebody.runtime import TensorSpec

Sample: TypeAlias = "NDArray[Any] | Sequence[NDArray[Any]] | Mapping[str, NDArray[Any]]"
Source: TypeAlias = "Iterable[Sample] | Mapping[str, NDArray[Any]]"
Arrays: TypeAlias = tuple[NDArray[Any], ...]

MAX_NPZ_BYTES = 4 * 2**30
"""What an ``.npz`` file may unpack to."""


def load_npz(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """The arrays of an ``.npz`` file: ``[n, ...]`` for each input's name, or one of any name.

    Raises:
        CalibrationError: the file is missing, no ``.npz``, too large, or holds objects.

    Example:
        >>> np.savez("samples.npz", image=np.zeros((8, 32, 32, 3), np.float32))  # doctest: +SKIP
        >>> load_npz("samples.npz")["image"].shape                          # doctest: +SKIP
        (8, 32, 32, 3)
    """
    name = Path(path).name
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_NPZ_BYTES:
            raise CalibrationError(
                f"{name} unpacks to {size / 1e9:.1f} GB; at most {MAX_NPZ_BYTES / 1e9:.1f} GB are "
                "read, and about 100 samples suffice"
            )
        with np.load(path, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise CalibrationError(
            f"{name} cannot be read as samples: {error}; give an .npz file of plain arrays"
        ) from error


def iterate(source: Source, inputs: Sequence[TensorSpec]) -> Iterator[Arrays]:
    """Each sample as one array for each input, of exactly its shape and dtype.

    Args:
        source: an iterable of samples (a generator is consumed once), one array ``[n, ...]`` for
            the only input, or a mapping from each input's name to its ``[n, ...]``.
        inputs: what the model takes.

    Raises:
        CalibrationError: naming the first sample that does not fit, and how.

    Example:
        >>> spec = TensorSpec("x", (1, 2), "float32")
        >>> [sample] = iterate([np.array([3.0, 4.0])], [spec])
        >>> sample
        (array([[3., 4.]], dtype=float32),)
    """
    rows: Iterable[Any]
    if isinstance(source, Mapping):
        rows = _rows(source, inputs)
    elif isinstance(source, str | bytes) or not isinstance(source, Iterable):
        raise CalibrationError(
            f"samples were given as {type(source).__name__}; give an iterable of arrays, or load "
            "an .npz file first"
        )
    else:
        rows = source
    for number, sample in enumerate(rows):
        values = _by_position(sample, inputs, number)
        yield tuple(
            _checked(value, spec, number) for value, spec in zip(values, inputs, strict=True)
        )


def _rows(
    source: Mapping[str, NDArray[Any]], inputs: Sequence[TensorSpec]
) -> Iterator[list[NDArray[Any]]]:
    names = [spec.name for spec in inputs]
    if len(inputs) == 1 and len(source) == 1:
        columns = [np.asarray(next(iter(source.values())))]
    elif sorted(source) == sorted(names):
        columns = [np.asarray(source[name]) for name in names]
    else:
        raise CalibrationError(
            f"samples are named {', '.join(sorted(source)) or 'nothing'}; the model takes "
            f"{', '.join(names)}, so name one array [n, ...] for each"
        )
    counts = {len(column) if column.ndim else 0 for column in columns}
    if len(counts) > 1:
        raise CalibrationError(
            f"the inputs have {', '.join(map(str, sorted(counts)))} samples; give equally many"
        )
    for row in range(counts.pop()):
        yield [column[row] for column in columns]


def _by_position(sample: Any, inputs: Sequence[TensorSpec], number: int) -> list[Any]:
    if isinstance(sample, Mapping):
        missing = [spec.name for spec in inputs if spec.name not in sample]
        if missing or len(sample) != len(inputs):
            raise CalibrationError(
                f"sample {number} has {', '.join(map(str, sample)) or 'nothing'}; "
                f"give one array for each of {', '.join(spec.name for spec in inputs)}"
            )
        return [sample[spec.name] for spec in inputs]
    if isinstance(sample, tuple | list):
        if len(sample) != len(inputs):
            raise CalibrationError(
                f"sample {number} has {len(sample)} arrays; the model takes {len(inputs)}: "
                f"{', '.join(spec.name for spec in inputs)}"
            )
        return list(sample)
    if len(inputs) != 1:
        raise CalibrationError(
            f"sample {number} is one {type(sample).__name__}; the model takes {len(inputs)} "
            f"inputs, so give a tuple or a mapping of {', '.join(s.name for s in inputs)}"
        )
    return [sample]


def _checked(value: Any, spec: TensorSpec, number: int) -> NDArray[Any]:
    array = np.asarray(value)
    wanted = np.dtype(spec.dtype)
    if array.dtype.kind != wanted.kind:
        raise CalibrationError(
            f"sample {number} gives {array.dtype.name} for input {spec.name!r}; expected "
            f"{spec.dtype}, prepared exactly as the model gets it in use"
        )
    if array.shape != spec.shape and (1, *array.shape) != spec.shape:
        raise CalibrationError(
            f"sample {number} gives shape {list(array.shape)} for input {spec.name!r}; expected "
            f"{list(spec.shape)} or {list(spec.shape[1:])}"
        )
    with np.errstate(over="ignore"):
        converted = np.ascontiguousarray(array.reshape(spec.shape), wanted)
    if wanted.kind == "f" and not np.isfinite(converted).all():
        raise CalibrationError(
            f"sample {number} holds NaN or infinity in input {spec.name!r}; "
            "leave it out or mend what prepares it"
        )
    if wanted.kind in "iu" and not np.array_equal(converted, array.reshape(spec.shape)):
        raise CalibrationError(
            f"sample {number} has values in input {spec.name!r} that {spec.dtype} cannot hold"
        )
    return converted


class Reservoir:
    """Keeps as many of the samples that pass through as fit into memory, each equally likely.

    Source: Vitter 1985, "Random Sampling with a Reservoir" (algorithm R), seeded.

    Args:
        most: samples to keep at most.
        limit: bytes to keep at most; one sample is kept however large it is.

    Attributes:
        samples: those that are kept.
        numbers: how many samples had come before each of them.
    """

    def __init__(self, most: int, limit: int = 96 * 2**20) -> None:
        self.samples: list[Arrays] = []
        self.numbers: list[int] = []
        self._most, self._limit = most, limit
        self._random = random.Random(0)

    def through(self, samples: Iterable[Arrays]) -> Iterator[Arrays]:
        """Pass every sample on."""
        room = 0
        for number, sample in enumerate(samples):
            if number == 0:
                room = max(1, self._limit // max(1, sum(a.nbytes for a in sample)))
                room = min(room, self._most)
            if number < room:
                self.samples.append(sample)
                self.numbers.append(number)
            elif (place := self._random.randrange(number + 1)) < room:
                self.samples[place], self.numbers[place] = sample, number
            yield sample
