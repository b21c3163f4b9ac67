"""Where ``--inputs`` come from: rows of an .npz file, or photos through a pipeline."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homebody.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from homebody.engines.compiled import Arrays, CompiledModel
    from homebody.engines.rows import Rows

MOST = 32
"""As many photos are read to measure with, evenly from all."""


def read_rows(inputs: Path, pipeline: str) -> Rows:
    """Real inputs to measure with: a folder's photos, prepared, or an .npz file's rows.

    Raises:
        UsageError: it is neither.
    """
    import numpy as np

    from homebody.engines.rows import Rows
    from homebody.shrink import load_npz

    if not inputs.is_dir():
        if inputs.suffix.lower() != ".npz":
            raise UsageError(f"{inputs} is neither a folder of photos nor an .npz file; give one")
        return Rows(load_npz(inputs), inputs.name)
    count, read = _photos(inputs, pipeline)
    read(0)  # the first one also loads what decodes
    started = time.perf_counter()
    places = sorted({n * count // MOST for n in range(MOST)})
    rows = np.concatenate([read(place) for place in places])
    taken = time.perf_counter() - started
    return Rows({"photos": rows}, f"{inputs.name}/", taken / len(places))


def reader(
    model: CompiledModel, inputs: Path | None, pipeline: str, batch: int
) -> Callable[[int], Arrays]:
    """A function that reads the inputs of a call by its number, when it is called.

    Raises:
        UsageError: the inputs are of a kind or of shapes that the model does not take.
    """
    import numpy as np

    from homebody.engines.choose import noise
    from homebody.engines.graph import Tensor

    wanted = model.graph.inputs
    shapes = {t.name: tuple(batch if d == -1 else d for d in t.shape) for t in wanted}
    if inputs is None:
        made = noise(model.graph.at(shapes))
        return lambda number: made
    if inputs.is_dir():
        if len(wanted) != 1:
            raise UsageError(
                f"the model has {len(wanted)} inputs and photos are one; give an .npz file"
            )
        count, read = _photos(inputs, pipeline)

        def photos(number: int) -> Arrays:
            tensors = [read((number * batch + n) % count) for n in range(batch)]
            return {wanted[0].name: tensors[0] if batch == 1 else np.concatenate(tensors)}

        return photos
    rows = read_rows(inputs, pipeline)
    if len(rows.arrays) == len(wanted) == 1:
        rows = type(rows)({wanted[0].name: next(iter(rows.arrays.values()))}, rows.name)
    absent = [t.name for t in wanted if t.name not in rows.arrays]
    if absent:
        raise UsageError(
            f"{rows.name} holds no rows for the input {absent[0]!r}; give an array [n, ...] for "
            f"each of {', '.join(repr(t.name) for t in wanted)}"
        )
    taken = [
        Tensor(t.name, rows.arrays[t.name].dtype, (batch, *rows.arrays[t.name].shape[1:]))
        for t in wanted
    ]

    def of_rows(number: int) -> Arrays:
        return rows.call(taken, number) or {}

    return of_rows


def _photos(folder: Path, pipeline: str) -> tuple[int, Callable[[int], NDArray[Any]]]:
    """How many there are, and what decodes and prepares one by its number, ``[1, ...]``."""
    from homebody.cli._samples import operations_of, photos_in
    from homebody.image import decode
    from homebody.pipeline import prepare

    paths, operations = photos_in(folder), operations_of(pipeline)
    return len(paths), lambda number: prepare(decode(paths[number]).flat, operations).tensor
