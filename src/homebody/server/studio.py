"""Which files the studio is made of, wherever Homebody is installed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from homebody import bundle as bundles
from homebody.errors import BundleError, ServeError
from homebody.installed import installed
from homebody.server import join, pages, vendor
from homebody.server.site import TYPES, File, file_from, file_of

PACKAGE = Path(__file__).resolve().parents[1]
BUNDLE_URL = "/bundles/for-this-photo.hb"
_PLACEHOLDER = b'"development"'
# Served to whoever asks, but no page of the studio does: not kept for offline use.
_NOT_KEPT = ("/native/text.wasm",)


def web_folder() -> Path:
    """The folder of the studio's pages and modules: in the wheel, or beside ``src`` in a checkout.

    Raises:
        ServeError: neither is there.
    """
    folder = pages.web_folder()
    if folder is not None:
        return folder
    raise ServeError(
        "the studio's pages are not part of this installation; install Homebody from a wheel "
        "or a checkout that has the folder web/"
    )


def default_bundle() -> Path:
    """The bundle that the studio starts with: what updates brought to this device, or our own."""
    return installed("for-this-photo") or PACKAGE / "features" / "photo" / "for-this-photo.hb"


def studio_files(
    *,
    web: Path | None = None,
    bundle: Path | None = None,
    vendored: Path = vendor.DEST,
    updates: Mapping[str, str] | None = None,
) -> dict[str, File]:
    """The studio's files by URL path, ``/studio.json`` and ``/sw.js`` among them.

    Its modules are the joined ones where :mod:`homebody.server.join` has made them of these pages.

    ``/studio.json`` lists every file with its size and SHA-256, so that the service worker can keep
    the whole site and knows when it has it; its ``version`` is the hash of all that.

    Args:
        web: the folder of pages and modules; the installed one if None.
        bundle: the bundle to start with; the installed one if None.
        vendored: the folder that :mod:`homebody.server.vendor` filled.
        updates: ``{"url": ..., "key": ...}`` of the release to look for, or None for no updates.

    Raises:
        ServeError: a part is missing; the message says how to add it.
    """
    web = web or web_folder()
    bundle = bundle or default_bundle()
    absent = vendor.missing(vendored)
    if absent:
        raise ServeError(
            f"the studio lacks {len(absent)} vendored files (LiteRT.js); with npm installed and "
            "online, add them with: python -m homebody.server.vendor"
        )
    # Pages begin with the first and fetch the others when they use them.
    modules = sorted((PACKAGE / "_native").glob("*.wasm"))
    if "homebody.wasm" not in {path.name for path in modules}:
        why = "reinstall Homebody with pip" if find_spec("ziglang") else "pip install ziglang"
        raise ServeError(
            "the studio lacks the kernels' WebAssembly module; "
            f"{why}, then run: python kernels/build.py"
        )
    try:
        files = {f"/{name}": file_from(path) for name, path in _pages(web, vendored).items()}
        if "/index.html" in files:
            files["/"] = files.pop("/index.html")
        worker = files.pop("/sw.js", None)
        for module in modules:
            files[f"/native/{module.name}"] = file_from(module)
        for name in vendor.names():
            files[f"/vendor/{name}"] = file_from(vendored / name)
        files[BUNDLE_URL] = file_from(bundle)
        with bundles.open(bundle) as opened:
            bundle_version = opened.manifest.version
    except OSError as error:
        raise ServeError(
            f"{error.filename} cannot be read ({error.strerror}); reinstall Homebody"
        ) from None
    except BundleError as error:
        raise ServeError(f"the studio's bundle {bundle} is refused: {error}") from None
    listing = [
        {"url": url, "sha256": file.sha256, "size": file.size}
        for url, file in sorted(files.items())
        if url not in _NOT_KEPT
    ]
    named = json.dumps([listing, worker.sha256 if worker else None, dict(updates or {})])
    version = hashlib.sha256(named.encode()).hexdigest()[:16]
    facts = {
        "version": version,
        "bundle": {
            "url": BUNDLE_URL,
            "sha256": files[BUNDLE_URL].sha256,
            "version": bundle_version,
        },
        "updates": dict(updates) if updates else None,
        "files": listing,
    }
    files["/studio.json"] = file_of(json.dumps(facts).encode(), TYPES[".json"])
    if worker is not None:
        # A changed site is a changed service worker, which is how a browser notices.
        body = worker.read().replace(_PLACEHOLDER, f'"{version}"'.encode())
        files["/sw.js"] = file_of(body, TYPES[".js"])
    return files


def _pages(web: Path, vendored: Path) -> dict[str, Path]:
    """The pages by name: joined where that was done to these very pages, else as they are."""
    found = pages.pages(web)
    plain = {path.relative_to(web).as_posix(): path for path in found}
    made = join.joined(web, found, vendored / "site")
    if made is None:
        return plain
    return {name: path for name, path in plain.items() if not join.replaces(name)} | made
