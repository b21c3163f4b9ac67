"""Where ``--samples`` come from: an .npz file, or a folder of photos through a pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from homebody.errors import ImageError, UsageError

if TYPE_CHECKING:
    from homebody.bundle.operations import Operation
    from homebody.shrink import Sample, Source

SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif"))
"""What is taken for a photo in a folder; a file that is named is read whatever its ending."""


def photos_in(folder: Path) -> list[Path]:
    """Every photo below a folder, in order.

    Raises:
        ImageError: the folder cannot be listed, or holds none.
    """
    try:
        found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    except OSError as error:
        raise ImageError(f"cannot list {folder}: {error.strerror}; make it readable") from error
    if not found:
        raise ImageError(
            f"{folder} holds no photo; expected files ending in {', '.join(sorted(SUFFIXES))}"
        )
    return found


def read_samples(samples: Path, pipeline: str) -> Source:
    """What ``--samples`` names, ready for a model.

    Args:
        samples: an .npz file, or a folder of photos.
        pipeline: a bundle or built-in feature whose input pipeline prepares the photos.

    Raises:
        UsageError: it is neither.
    """
    from homebody.shrink import load_npz

    if samples.is_dir():
        return _prepared(photos_in(samples), operations_of(pipeline))
    if samples.suffix.lower() == ".npz":
        return load_npz(samples)
    raise UsageError(
        f"{samples} is neither a folder of photos nor an .npz file; give one of them to --samples"
    )


def operations_of(pipeline: str) -> tuple[Operation, ...]:
    """The input pipeline of a bundle or built-in feature."""
    from homebody import bundle
    from homebody.feature import find_bundle

    with bundle.open(find_bundle(pipeline)) as opened:
        return opened.manifest.input


def _prepared(paths: list[Path], operations: tuple[Operation, ...]) -> Iterator[Sample]:
    from homebody.cli import _print
    from homebody.image import decode
    from homebody.pipeline import prepare

    for path in _print.progress(paths, len(paths), "samples"):
        yield prepare(decode(path).flat, operations).tensor
