"""A fleet's state and how far its input was read, in one file that is whole or not there.

The file is in the safetensors format: the fleet's arrays and its assets' names, and in the metadata
``format``, ``settings`` and ``position`` (JSON) and ``sha256``, which is of the settings, the
position and every array's name, type, shape and bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.adapt import safetensors
from homebody.adapt.fleet._fleet import Fleet
from homebody.errors import CheckpointError, HomebodyError, SafetensorsError
from homebody.files import replacing

FORMAT = "homebody-fleet/1"


class Checkpoint:
    """Where a fleet's state is kept.

    Saving replaces the file at one instant, and keeps the one before as ``NAME.previous``; after a
    crash at any moment the file is one of the two, and with it the input's position that belongs to
    it. A damaged file is noticed by its checksum, and the previous one used.

    Args:
        path: the file.

    Example:
        >>> import tempfile
        >>> from homebody.adapt import Prior
        >>> prior = Prior([0.0], [[1.0]], [[0.0]], [1.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     kept = Checkpoint(Path(folder) / "fleet.checkpoint")
        ...     kept.save(Fleet(prior, 3), {"rows": 7})
        ...     fleet = Fleet(prior)
        ...     kept.load(fleet), len(fleet)
        ({'rows': 7}, 3)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.previous = self.path.with_name(self.path.name + ".previous")
        self._link = self.path.with_name(f".{self.previous.name}.part")

    def save(self, fleet: Fleet, position: dict[str, Any]) -> None:
        """Write the fleet and the position, durably.

        Raises:
            CheckpointError: it cannot be written; what was there is unchanged.
        """
        arrays = {**fleet.columns(), **_names(fleet.assets)}
        metadata = {
            "format": FORMAT,
            "settings": json.dumps(fleet.fingerprint(), sort_keys=True),
            "position": json.dumps(position, sort_keys=True),
        }
        ordered = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
        views = {name: np.ascontiguousarray(arrays[name]) for name in ordered}
        metadata["sha256"] = _digest(metadata, views)
        header: dict[str, Any] = {"__metadata__": metadata}
        place = 0
        for name, array in views.items():
            header[name] = {
                "dtype": _DTYPES[array.dtype.str.lstrip("|<")], "shape": list(array.shape),
                "data_offsets": [place, place + array.nbytes],
            }  # fmt: skip
            place += array.nbytes
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        if len(text) > safetensors.HEADER_BYTES:
            raise CheckpointError(f"a header of {len(text)} bytes is too long for a checkpoint")
        with replacing(self.path, CheckpointError, durable=True) as draft:
            with draft.open("wb") as file:
                file.write(len(text).to_bytes(8, "little") + text)
                for array in views.values():
                    file.write(array.reshape(-1).view(np.uint8).data)
            self._keep_previous()
        _settle(self.path.parent)

    def _keep_previous(self) -> None:
        """A second name for the present file, before another takes the first."""
        if not self.path.exists():
            return
        link = self._link
        with suppress(FileNotFoundError):
            link.unlink()
        try:
            os.link(self.path, link)
        except OSError:  # a file system without links
            link.write_bytes(self.path.read_bytes())
        os.replace(link, self.previous)
        # A rename leaves two names of one file alone: so it is after a kill at just this place.
        link.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove what a run that was killed while it wrote has left beside the file."""
        drafts = f".{self.path.stem[:100]}.????????.part{self.path.suffix}"
        for draft in (self._link, *self.path.parent.glob(drafts)):
            draft.unlink(missing_ok=True)

    def load(self, fleet: Fleet) -> dict[str, Any] | None:
        """Put the last whole state into a new fleet; the position, or None if nothing was saved.

        Raises:
            CheckpointError: both files are damaged, or of a fleet with another prior or settings.
        """
        problem: CheckpointError | None = None
        for path in (self.path, self.previous):
            if not path.exists():
                continue
            try:
                found = _read(path)
            except CheckpointError as error:
                problem = problem or error
                continue
            return _restore(path, found, fleet)
        if problem is not None:
            raise problem
        return None


def _read(path: Path) -> safetensors.Safetensors:
    """A checkpoint's arrays, its checksum verified."""
    try:
        found = safetensors.load(path, limit=path.stat().st_size)
    except (SafetensorsError, OSError) as error:
        raise CheckpointError(f"{path} is no checkpoint: {error}") from None
    metadata = dict(found.metadata)
    stated = metadata.pop("sha256", "")
    if metadata.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} has the format {str(metadata.get('format'))[:80]!r}, not {FORMAT!r}; "
            "give a checkpoint that this version of Homebody wrote"
        )
    if stated != _digest(metadata, found.tensors):
        raise CheckpointError(f"{path} is damaged: its checksum differs; use an undamaged copy")
    return found


def _restore(path: Path, found: safetensors.Safetensors, fleet: Fleet) -> dict[str, Any]:
    tensors, metadata = found
    try:
        settings, position = json.loads(metadata["settings"]), json.loads(metadata["position"])
        wanted = json.loads(json.dumps(fleet.fingerprint()))
        other = [n for n in {**settings, **wanted} if settings.get(n) != wanted.get(n)]
        if other or not isinstance(position, dict):
            raise CheckpointError(
                f"{path} is of a fleet with another {', '.join(other) or 'position'}; "
                "make the fleet as it was made then, or begin a new checkpoint"
            )
        fleet.restore(_assets(tensors), tensors)
    except CheckpointError:
        raise
    except (HomebodyError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{path} does not fit this fleet ({error}); begin anew") from None
    return position


_DTYPES = {"f8": "F64", "i8": "I64", "u8": "U64", "u1": "U8", "f4": "F32"}


def _digest(metadata: dict[str, str], arrays: dict[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256(json.dumps(sorted(metadata.items())).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _names(assets: list[Any]) -> dict[str, NDArray[Any]]:
    if not assets or isinstance(assets[0], int):
        return {"assets": np.array(assets, np.int64)}
    raw = [name.encode("utf-8", "surrogatepass") for name in assets]
    return {
        "assets": np.frombuffer(b"".join(raw), np.uint8),
        "asset_lengths": np.array([len(name) for name in raw], np.int64),
    }


def _assets(tensors: dict[str, NDArray[Any]]) -> list[Any]:
    assets = tensors["assets"]
    if assets.dtype == np.int64:
        return list(assets.tolist())
    ends = np.cumsum(tensors["asset_lengths"]).tolist()
    raw = assets.tobytes()
    return [
        raw[begin:end].decode("utf-8", "surrogatepass")
        for begin, end in zip([0, *ends[:-1]], ends, strict=True)
    ]


def _settle(folder: Path) -> None:
    """Wait until the disk has the folder's new names too, where the system can say so."""
    with suppress(OSError, AttributeError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
