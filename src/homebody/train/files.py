"""Files that are whole or absent, whenever the power goes."""

from __future__ import annotations

from pathlib import Path

from homebody.errors import TrainError
from homebody.files import replacing


def write_whole(path: Path, data: bytes) -> None:
    """Write beside, flush to the disk, rename into place; folders are made as needed.

    Raises:
        TrainError: the file cannot be written; what stood there is untouched.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainError(
            f"{path} cannot be written ({error.strerror}); choose a folder that you may write to"
        ) from error
    with replacing(path, TrainError, durable=True) as draft:
        draft.write_bytes(data)
