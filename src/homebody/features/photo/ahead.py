"""Decode many photos ahead of whoever uses them, a few at a time so that memory stays flat."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from homebody.errors import ImageError
from homebody.image import Photo, decode


class Decoded(NamedTuple):
    """One file: the photo or what was wrong with it, and the seconds that decoding took."""

    path: Path
    photo: Photo | ImageError
    seconds: float


def decode_ahead(
    paths: Iterable[Path], *, at_least: int | None = None, workers: int | None = None
) -> Iterator[Decoded]:
    """Decode photos in threads, in order; a file that cannot be read does not stop the rest.

    Codecs release the interpreter's lock, so decoding runs beside the model.

    Args:
        paths: the files.
        at_least: as for :func:`homebody.image.decode`.
        workers: threads; one a processor by default. At most twice as many photos wait decoded.

    Yields:
        Each file's photo or error, in the order of ``paths``.
    """
    workers = workers or os.cpu_count() or 1

    def one(path: Path) -> Decoded:
        start = time.perf_counter()
        try:
            photo: Photo | ImageError = decode(path, at_least=at_least)
        except ImageError as error:
            photo = error
        return Decoded(path, photo, time.perf_counter() - start)

    rest = iter(paths)
    with ThreadPoolExecutor(workers) as pool:
        waiting = deque(pool.submit(one, path) for path in islice(rest, 2 * workers))
        try:
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(one, path) for path in islice(rest, 1))
        finally:
            for future in waiting:
                future.cancel()
