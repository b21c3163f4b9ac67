"""The owner state of For This Photo: what was learned of one owner, in a file of its own.

A safetensors file of the format "homebody-owner/1", as :mod:`homebody.adapt` writes it. Its
metadata: ``asset`` "for-this-photo", ``base`` (the SHA-256 of the bundle that it was learned on),
``filter`` "choices" and ``settings`` (JSON). Its tensors: ``mean`` and ``covariance`` of the
features' weights, ``filter`` (the particles' block, as the C kernels read it, natively and in the
browser) and ``habits`` (how much each pick in the settings still counts). It holds ids of presets
and categories and hashes of photos, but no photo. The studio reads and writes the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from homebody.adapt import safetensors
from homebody.errors import (
    BaseChangedError,
    ImageFileError,
    KernelError,
    OwnerStateError,
    SafetensorsError,
)
from homebody.features.photo.preference import FEATURES, RECENT, Habit, Preference
from homebody.features.photo.preset import Id

FORMAT = "homebody-owner/1"
ASSET = "for-this-photo"
FILTER = "choices"
FORM = 1
"""Of the features; another number means that the weights are of others."""
FILE_BYTES = 4 << 20
"""Most bytes of owner state that are read."""
KEY_BYTES = 65536
"""How much of a photo's file names it."""

_Photo = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
_Pick = Annotated[str, Meta(pattern=r"^([a-z][a-z0-9-]{0,39})?\Z")]
_Count = Annotated[int, Meta(ge=1, le=1 << 31)]


class _Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    form: int
    habits: Annotated[tuple[tuple[Id, Id], ...], Meta(max_length=1024)]
    learned: _Count
    recent: Annotated[tuple[tuple[_Photo, _Pick], ...], Meta(max_length=RECENT)]


def photo_key(photo: str | os.PathLike[str]) -> str:
    """A name for a photo's content: 32 hexadecimal digits of a SHA-256.

    Over the file's length and first 64 KiB, so that a photo is known again under another file name;
    the studio names photos alike.

    Raises:
        ImageFileError: the file cannot be read.
    """
    try:
        with Path(photo).open("rb") as file:
            start = file.read(KEY_BYTES)
            size = os.fstat(file.fileno()).st_size
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ImageFileError(f"cannot read {photo}: {why}; give a photo's file") from None
    return hashlib.sha256(b"%d:" % size + start).hexdigest()[:32]


def dumps(preference: Preference) -> bytes:
    """The bytes of a file of owner state, the same for the same preference.

    Raises:
        OwnerStateError: it has learned nothing yet.
    """
    if not preference.learned:
        raise OwnerStateError("nothing was learned yet; give feedback first")
    settings = {
        "form": FORM,
        "habits": [list(habit) for habit in preference.habits],
        "learned": preference.learned,
        "recent": [list(one) for one in preference.recent],
    }
    mean, covariance = preference.mean, preference.covariance  # into the block too
    tensors: dict[str, NDArray[Any]] = {
        "mean": mean,
        "covariance": covariance,
        "filter": np.frombuffer(preference.block.save(), np.uint8),
        "habits": np.array(list(preference.habits.values()), np.float64),
    }
    metadata = {
        "format": FORMAT, "asset": ASSET, "base": preference.base, "filter": FILTER,
        "settings": json.dumps(settings, separators=(",", ":")),
    }  # fmt: skip
    return safetensors.dumps(tensors, metadata)


def save_preference(preference: Preference, path: str | os.PathLike[str]) -> None:
    """Write an owner's state, whole or not at all.

    Raises:
        OwnerStateError: it has learned nothing yet, or the file cannot be written.
    """
    from homebody.files import replacing

    data = dumps(preference)
    with replacing(path, OwnerStateError, durable=True) as draft:
        draft.write_bytes(data)


def loads(data: bytes, base: str | None = None, name: str = "it") -> Preference:
    """An owner's state from a file's bytes; see :func:`load_preference`."""
    try:
        tensors, metadata = safetensors.loads(data)
    except SafetensorsError as error:
        raise OwnerStateError(f"{name} is no owner state: {error}") from None
    stated = [metadata.get(key) for key in ("format", "asset", "filter")]
    if stated != [FORMAT, ASSET, FILTER]:
        raise OwnerStateError(
            f"{name} is of {stated}, not {[FORMAT, ASSET, FILTER]}; give the owner state that "
            "homebody photo feedback or the studio wrote"
        )
    learned_on = metadata.get("base", "")
    if base is not None and learned_on != base:
        raise BaseChangedError(
            f"{name} was learned on the bundle {learned_on[:16]}…, and this one is {base[:16]}…; "
            "take it along with: homebody photo owner STATE --carry-over"
        )
    try:
        return _restored(tensors, metadata, learned_on)
    except (KernelError, KeyError, ValueError, msgspec.MsgspecError, RecursionError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise OwnerStateError(
            f"{name} is no owner state that fits here ({reason}); start the owner anew"
        ) from None


def _restored(tensors: dict[str, NDArray[Any]], metadata: dict[str, str], base: str) -> Preference:
    if len(base) != 64 or set(base) - set("0123456789abcdef"):
        raise ValueError("its base is no SHA-256")
    if set(tensors) != {"mean", "covariance", "filter", "habits"}:
        raise ValueError("its tensors are others than mean, covariance, filter and habits")
    settings = msgspec.json.decode(metadata["settings"], type=_Settings)
    if settings.form != FORM:
        raise ValueError(f"its features are of the form {settings.form}, not {FORM}")
    counts = tensors["habits"]
    if counts.dtype != np.float64 or counts.shape != (len(settings.habits),):
        raise ValueError("its habits and their counts differ in number")
    if len(set(settings.habits)) < len(counts) or not ((counts > 0) & (counts <= 1e6)).all():
        raise ValueError("a habit occurs twice, or counts nothing or too much")
    preference = Preference(base)
    preference.block.restore(tensors["filter"].tobytes())
    states = len(FEATURES)
    for part, shape, held in (
        ("mean", (states,), preference.mean),
        ("covariance", (states, states), preference.covariance),
    ):
        tensor = tensors[part]
        if tensor.dtype != np.float64 or tensor.shape != shape or (tensor != held).any():
            raise ValueError(f"its {part} is not that of its particles")
    preference.learned = settings.learned
    preference.habits = {
        Habit(*habit): count for habit, count in zip(settings.habits, counts.tolist(), strict=True)
    }
    preference.recent = list(settings.recent)
    return preference


def load_preference(path: str | os.PathLike[str], base: str | None = None) -> Preference:
    """Read an owner's state.

    Args:
        path: the file.
        base: SHA-256 of the bundle that is in use; None: whichever it was learned on.

    Raises:
        OwnerStateError: the file cannot be read, or is no owner state of For This Photo.
        BaseChangedError: it was learned on another bundle.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise OwnerStateError(f"cannot read {path}: {why}; give a file of owner state") from None
    if len(data) > FILE_BYTES:
        raise OwnerStateError(f"{path} has over {FILE_BYTES} bytes, which is no owner state")
    return loads(data, base, str(path))
