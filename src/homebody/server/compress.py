"""Files compressed once, and kept: Brotli and gzip for every file that gains by it."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from homebody.errors import ServeError
from homebody.files import replacing
from homebody.server.site import File

# Types that gain. A bundle is stored, not compressed, so that it can be memory-mapped.
_TYPES = ("text/", "application/json", "application/manifest+json", "application/wasm", "image/svg")
_BUNDLE = "application/octet-stream"
_SMALLEST = 512
_LARGEST = 64 << 20
_GAIN = 0.95
"""A compressed body longer than this share of the plain one is not worth its two kinds of tag."""


def cache_folder() -> Path:
    """Where compressed bodies are kept between runs."""
    from platformdirs import user_cache_path

    return user_cache_path("homebody", appauthor=False) / "compressed"


def compressed(files: Mapping[str, File], folder: Path | None = None) -> dict[str, File]:
    """The same files, with their encodings.

    Brotli at its highest quality takes seconds a megabyte, so each result is kept on disk under
    the hash of what it came from; where it cannot be kept, it is made again.

    Args:
        files: by URL path.
        folder: where results are kept; :func:`cache_folder` if None.

    Example:
        >>> from homebody.server.site import file_of
        >>> page = file_of(b"word " * 1000, "text/plain")
        >>> list(compressed({"/": page}, Path("/nowhere"))["/"].encodings)[-1]
        'gzip'
    """
    folder = folder or cache_folder()
    return {
        path: replace(file, encodings=_encodings(file, folder)) if _gains(file) else file
        for path, file in files.items()
    }


def _gains(file: File) -> bool:
    kind = file.type.startswith(_TYPES) or file.type == _BUNDLE
    return kind and _SMALLEST <= file.size <= _LARGEST and not file.encodings


def _encodings(file: File, folder: Path) -> Mapping[str, bytes]:
    names = (["br"] if find_spec("brotli") else []) + ["gzip"]
    made = {name: _made(file, name, folder) for name in names}
    return MappingProxyType(
        {name: body for name, body in made.items() if len(body) < _GAIN * file.size}
    )


def _made(file: File, name: str, folder: Path) -> bytes:
    kept = folder / f"{file.sha256}.{name}"
    try:
        body = kept.read_bytes()
        if hashlib.sha256(_plain(body, name)).hexdigest() == file.sha256:
            return body
    except Exception:  # absent or damaged, and each codec has its own word for that
        pass
    if name == "gzip":
        body = gzip.compress(file.read(), 9, mtime=0)
    else:
        import brotli

        body = brotli.compress(file.read(), quality=11, lgwin=24)
    with suppress(OSError, ServeError):  # made again next time
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(kept, ServeError) as draft:
            draft.write_bytes(body)
    return body


def _plain(body: bytes, name: str) -> bytes:
    if name == "gzip":
        return gzip.decompress(body)
    import brotli

    plain: bytes = brotli.decompress(body)
    return plain
