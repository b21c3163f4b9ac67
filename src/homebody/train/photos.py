"""Photos on their way into training, by the very operations that the bundle will name.

A photo is decoded once. What the input pipeline cuts out of it, just before it is normalised, is
kept on disk under the photo's SHA-256: every later epoch, trial and run starts there.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, overload

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody import kernels
from homebody.bundle.operations import CenterCrop, Normalize, Operation, Resize
from homebody.errors import ImageError
from homebody.image import decode
from homebody.pipeline import decoding_side, prepare
from homebody.train.dataset import Dataset, Example, Skipped
from homebody.train.files import write_whole
from homebody.train.squeezenet import INPUT_SIZE, MEAN_BGR

T = TypeVar("T")
Progress: TypeAlias = Callable[[Iterable[T], int, str], Iterable[T]]
"""Passes items on and shows how far it has come: takes them, how many there are, and what."""

INPUT: tuple[Operation, ...] = (
    Resize(short_side=INPUT_SIZE),
    CenterCrop(width=INPUT_SIZE, height=INPUT_SIZE),
    Normalize(order="bgr", mean=MEAN_BGR, std=(1.0, 1.0, 1.0)),
)
"""The bundle's input pipeline."""


def silent(items: Iterable[T], total: int, unit: str) -> Iterable[T]:
    """A :data:`Progress` that shows nothing."""
    return items


def read_crop(path: Path) -> NDArray[np.uint8]:
    """What the model is shown of a photo: uint8 [227, 227, 3], RGB, not normalised yet.

    Raises:
        ImageError: the photo cannot be read.
    """
    pixels = decode(path, at_least=decoding_side(INPUT)).flat
    crop: NDArray[np.uint8] = prepare(pixels, INPUT[:-1]).tensor[0]
    return crop


def to_tensor(crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Normalise crops: float32 [n, 227, 227, 3], as the pipeline's last operation does."""
    tensor = np.empty((len(crops), INPUT_SIZE, INPUT_SIZE, 3), np.float32)
    for row, crop in zip(tensor, crops, strict=True):
        row[:] = prepare(crop, INPUT[-1:]).tensor[0]
    return tensor


def augment(
    crop: NDArray[np.uint8], rng: np.random.Generator, *, zoom: float, flip: bool, light: float
) -> NDArray[np.uint8]:
    """A photo as it might have been taken: another cut, mirrored, a little brighter or darker.

    Args:
        crop: uint8 [n, n, 3].
        rng: decides; the same draws whatever the settings.
        zoom: at most this share of the sides is cut away, 0..0.9.
        flip: whether to mirror, every other time.
        light: brightness is scaled by 1 ± this at most.

    Returns:
        uint8 [n, n, 3].
    """
    cut, down, right, mirrored, brighter = rng.random(5)
    side = crop.shape[0]
    part = max(1, round(side * (1 - zoom * cut)))
    top, left = int(down * (side - part + 1)), int(right * (side - part + 1))
    window = np.ascontiguousarray(crop[top : top + part, left : left + part])
    picture = kernels.resize(window, side, side)
    if flip and mirrored < 0.5:
        picture = np.ascontiguousarray(picture[:, ::-1])
    levels = np.arange(256) * (1 + light * (2 * brighter - 1))
    table: NDArray[np.uint8] = np.clip(np.round(levels), 0, 255).astype(np.uint8)
    return table[picture]


class CropCache:
    """Crops on disk, by the SHA-256 of the photo's bytes.

    Args:
        folder: where; it may be deleted at any time.
    """

    def __init__(self, folder: Path) -> None:
        pipeline = msgspec.json.encode(INPUT[:-1]) + str(decoding_side(INPUT)).encode()
        self._folder = folder / f"crops-{hashlib.sha256(pipeline).hexdigest()[:12]}"

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / f"{sha256}.npy"

    def load(self, sha256: str) -> NDArray[np.uint8] | None:
        """A crop, or None where there is none or it is damaged."""
        try:
            with self._path(sha256).open("rb") as file:
                crop: NDArray[Any] = np.load(file, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        whole = crop.shape == (INPUT_SIZE, INPUT_SIZE, 3) and crop.dtype == np.uint8
        return crop if whole else None

    def read(self, root: Path, example: Example) -> NDArray[np.uint8]:
        """A photo's crop: from here, or made now and kept.

        Raises:
            ImageError: the photo cannot be read.
            TrainError: the crop cannot be kept.
        """
        crop = self.load(example.sha256)
        if crop is None:
            crop = read_crop(root / example.file)
            buffer = io.BytesIO()
            np.save(buffer, crop, allow_pickle=False)
            write_whole(self._path(example.sha256), buffer.getvalue())
        return crop

    def fill(
        self, dataset: Dataset, progress: Progress[Any] = silent, *, workers: int = 2
    ) -> Dataset:
        """Decode every photo that is not here yet.

        Returns:
            The data set less the photos that cannot be read, which it lists as skipped.

        Raises:
            DatasetError: a label has too few readable photos.
        """

        def one(example: Example) -> Skipped | None:
            try:
                self.read(dataset.root, example)
            except ImageError as error:
                return Skipped(example.file, str(error))
            return None

        def all_of_them() -> Iterator[Skipped | None]:
            with ThreadPoolExecutor(workers) as pool:
                yield from pool.map(one, dataset.examples)

        found = progress(all_of_them(), len(dataset.examples), "photos")
        return dataset.without(s for s in found if s is not None)


class Crops(Sequence[NDArray[np.uint8]]):
    """The crops of some photos, read from the cache as they are asked for.

    Args:
        cache: where they are; one that has gone is made again.
        root: the folder of the photos.
        examples: which photos, in order.
    """

    def __init__(self, cache: CropCache, root: Path, examples: Sequence[Example]) -> None:
        self._cache, self._root, self._examples = cache, root, examples

    def __len__(self) -> int:
        return len(self._examples)

    @overload
    def __getitem__(self, index: int) -> NDArray[np.uint8]: ...
    @overload
    def __getitem__(self, index: slice) -> Crops: ...
    def __getitem__(self, index: int | slice) -> NDArray[np.uint8] | Crops:
        """One crop, uint8 [227, 227, 3], or a part of them."""
        if isinstance(index, slice):
            return Crops(self._cache, self._root, self._examples[index])
        return self._cache.read(self._root, self._examples[index])
