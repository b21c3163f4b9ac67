"""Compiled segments on disk: under keys that change with whatever changes what is compiled.

An entry is one file: a line of JSON with the key's parts and the content's SHA-256, then the
content. It is written beside its place and renamed, so several builders may write one at once, and
one that is killed leaves nothing. What does not match its own words is removed and built anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
from functools import cache
from pathlib import Path

import numpy as np

from homebody import __version__
from homebody.engines.engine import Engine, Options, Reason
from homebody.engines.graph import Segment
from homebody.errors import CompiledError
from homebody.files import replacing

FORMAT = "homebody.engine/1"
MAX_ENTRIES = 256
"""The entries used least recently go when there are more."""
_SUFFIX = ".engine"
_HEADER_LIMIT = 1 << 16


class DiskCache:
    """A folder of compiled segments.

    Args:
        folder: made when something is first put.
        max_entries: how many are kept.

    Attributes:
        hits, misses: how often :meth:`get` found something and did not.
    """

    def __init__(self, folder: str | os.PathLike[str], *, max_entries: int = MAX_ENTRIES) -> None:
        self.folder = Path(folder)
        self.max_entries = max_entries
        self.hits = self.misses = 0

    def get(self, segment: Segment, engine: Engine, options: Options) -> bytes | None:
        """What was put for this key, if it is whole."""
        parts = key_parts(segment, engine, options)
        path = self._path(parts)
        content = _read(path, parts)
        if content is None:
            self.misses += 1
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            return None
        self.hits += 1
        with contextlib.suppress(OSError):
            os.utime(path)
        return content

    def put(self, segment: Segment, engine: Engine, options: Options, saved: bytes) -> None:
        """Keep it; a full disk or a folder that cannot be written only costs the next build."""
        parts = key_parts(segment, engine, options)
        header = {"format": FORMAT, "key": parts, "sha256": hashlib.sha256(saved).hexdigest()}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with replacing(self._path(parts), CompiledError) as draft:
                draft.write_bytes(json.dumps(header).encode() + b"\n" + saved)
            self._trim()
        except (OSError, CompiledError):
            return

    def _path(self, parts: dict[str, str]) -> Path:
        return self.folder / f"{key(parts)}{_SUFFIX}"

    def _trim(self) -> None:
        entries = sorted(self.folder.glob(f"*{_SUFFIX}"), key=_used)
        for entry in entries[: -self.max_entries]:
            entry.unlink(missing_ok=True)


def key_parts(segment: Segment, engine: Engine, options: Options) -> dict[str, str]:
    """Everything that a compiled segment depends on, by name."""
    version = engine.probe()
    return {
        "homebody": __version__,
        "graph": segment.sha256,
        "inputs": ",".join(f"{t.name}:{t.dtype}:{t.shape}" for t in segment.inputs),
        "engine": engine.name,
        "version": version.detail if isinstance(version, Reason) else version,
        "precision": options.precision,
        "threads": str(options.threads),
        "alone": str(options.alone),
        "processor": processor(),
    }


def key(parts: dict[str, str]) -> str:
    """The SHA-256 of a key's parts, in hexadecimal.

    Example:
        >>> key({"engine": "a"}) == key({"engine": "b"})
        False
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@cache
def processor() -> str:
    """This processor's kind and the instruction sets that numpy finds on it."""
    features = np.show_config(mode="dicts").get("SIMD Extensions", {})
    found = sorted({*features.get("baseline", ()), *features.get("found", ())})
    return f"{platform.system()} {platform.machine()} {os.cpu_count()} {' '.join(found)}"


def _read(path: Path, parts: dict[str, str]) -> bytes | None:
    try:
        with path.open("rb") as file:
            header = json.loads(file.readline(_HEADER_LIMIT))
            content = file.read()
    except (OSError, ValueError):
        return None
    if not isinstance(header, dict):
        return None
    whole = hashlib.sha256(content).hexdigest() == header.get("sha256")
    return content if whole and header.get("key") == parts else None


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another process removed it
        return 0.0
