"""Files that are whole or absent, whenever the power goes."""

from __future__ import annotations

import os
from pathlib import Path

from homebody.errors import TrainError


def write_whole(path: Path, data: bytes) -> None:
    """Write beside, flush to the disk, rename into place; folders are made as needed.

    Raises:
        TrainError: the file cannot be written; what stood there is untouched.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise TrainError(
            f"cannot write {path}: {error.strerror}; choose a folder that you may write to"
        ) from error
