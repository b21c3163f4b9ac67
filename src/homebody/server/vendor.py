"""Fetch the pinned npm files that the studio needs: ``python -m homebody.server.vendor [DEST]``.

It joins the studio's own modules too, with tools that are fetched for that and not kept.
``vendor.json`` names each package, its version and the SHA-512 of its archive. The npm client
brings the archive; nothing of it is used before the hash is right, no script of it is run, and
only the files that are named leave it. The wheel's build hook runs this module by its path, so it
imports the standard library alone.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DEST = HERE.parent / "_vendor"
_ARCHIVE_LIMIT = 64 << 20
_FILE_LIMIT = 32 << 20
_PATIENCE_S = 300
_STAMP = "pins.json"


class VendorError(Exception):
    """The pinned files could not be had; the message is one sentence."""


def pins() -> dict[str, Any]:
    """``vendor.json``: packages with their versions, hashes and files."""
    read: dict[str, Any] = json.loads((HERE / "vendor.json").read_text(encoding="utf-8"))
    return read


def names() -> list[str]:
    """Every file that vendoring makes, relative to its folder.

    Example:
        >>> "litert/index.js" in names()
        True
    """
    found = pins()
    return sorted(
        [name for package in found["packages"] for name in package["files"].values()]
        + list(found["notice"])
    )


def missing(dest: Path = DEST) -> list[str]:
    """The files of :func:`names` that ``dest`` lacks: all, if other pins than these filled it."""
    try:
        if (dest / _STAMP).read_text(encoding="utf-8") == _stamp():
            return [name for name in names() if not (dest / name).is_file()]
    except (OSError, ValueError):
        pass
    return names()


def _stamp() -> str:
    """What the files were made of; tools are not among them."""
    return json.dumps({**pins(), "tools": []}, sort_keys=True)


def vendor(dest: Path = DEST) -> list[Path]:
    """Fetch, verify and lay out the pinned files.

    Args:
        dest: the folder to fill; it is replaced whole, or left as it was.

    Returns:
        The files that now lie there.

    Raises:
        VendorError: npm is absent or cannot reach its registry, an archive is not the pinned one,
            or the folder cannot be written.
    """
    found = pins()
    npm = _client()
    try:
        dest.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=dest.parent, prefix=".vendor-") as scratch:
            fresh = Path(scratch) / "fresh"
            for package in found["packages"]:
                archive = _packed(npm, package, Path(scratch))
                for name, data in extract(archive, package["files"]).items():
                    _write(fresh / name, adapt(name, data, found["imports"]))
            for name, text in found["notice"].items():
                _write(fresh / name, text.encode())
            _write(fresh / _STAMP, _stamp().encode())
            if dest.exists():
                os.rename(dest, Path(scratch) / "old")
            os.rename(fresh, dest)
    except OSError as error:
        raise VendorError(f"{dest} cannot be written ({error.strerror}); make room there") from None
    return [dest / name for name in names()]


@contextmanager
def tools() -> Iterator[dict[str, Path]]:
    """The pinned npm packages that a build needs, by name, in folders that are gone afterwards.

    Raises:
        VendorError: as :func:`vendor` does.
    """
    npm = _client()
    with tempfile.TemporaryDirectory(prefix="homebody-") as scratch:
        found = {}
        for package in pins()["tools"]:
            folder = found[package["name"]] = Path(scratch) / "tools" / package["name"]
            archive = _packed(npm, package, Path(scratch))
            for inside, data in extract(archive, package["files"]).items():
                _write(folder / inside, data)
        yield found


def _client() -> str:
    npm = shutil.which("npm")
    if npm is None:
        raise VendorError("npm was not found; install Node.js with npm and run this again")
    return npm


def _packed(npm: str, package: dict[str, Any], scratch: Path) -> bytes:
    """The bytes of a package's archive, as its pin says they are."""
    wanted = f"{package['name']}@{package['version']}"
    folder = scratch / hashlib.sha256(wanted.encode()).hexdigest()[:16]
    folder.mkdir()
    command = [npm, "pack", wanted, "--ignore-scripts", "--silent", "--no-update-notifier"]
    # Where there is no network, an installation should learn so in seconds.
    command += ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000"]
    try:
        run = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise VendorError(f"npm pack {wanted} did not end in {_PATIENCE_S} s; try again") from None
    archives = list(folder.glob("*.tgz"))
    if run.returncode != 0 or len(archives) != 1:
        raise VendorError(f"npm pack {wanted} failed; see that npm reaches its registry")
    if archives[0].stat().st_size > _ARCHIVE_LIMIT:
        raise VendorError(
            f"{wanted} is over {_ARCHIVE_LIMIT >> 20} MiB, so it is not what is pinned"
        )
    archive = archives[0].read_bytes()
    check_integrity(wanted, archive, package["integrity"])
    return archive


def check_integrity(name: str, archive: bytes, integrity: str) -> None:
    """Hold an archive against its pin, ``sha512-`` and the hash in base64 (Subresource Integrity).

    Raises:
        VendorError: they differ.

    Example:
        >>> check_integrity("a", b"x", "sha512-")
        Traceback (most recent call last):
        homebody.server.vendor.VendorError: a is not the archive that vendor.json pins; ...
    """
    hashed = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if hashed != integrity:
        raise VendorError(
            f"{name} is not the archive that vendor.json pins; "
            "nothing of it was used, so ask who served it"
        )


def extract(archive: bytes, wanted: dict[str, str]) -> dict[str, bytes]:
    """Read the named files of an npm archive; whatever else it holds is not looked at.

    Args:
        archive: a gzipped tar whose names start with ``package/``.
        wanted: name in the package -> name to give it.

    Raises:
        VendorError: a file is absent, no regular file, there twice, or too large.
    """
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            for member in tar:
                name = wanted.get(member.name.removeprefix("package/"))
                if name is None:
                    continue
                stream = tar.extractfile(member) if member.isfile() else None
                if stream is None or name in found or member.size > _FILE_LIMIT:
                    raise VendorError(f"{member.name} is no plain file of the expected size")
                found[name] = stream.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise VendorError(f"the archive cannot be read ({error}); fetch it again") from None
    absent = sorted(set(wanted.values()) - set(found))
    if absent:
        raise VendorError(f"the archive lacks {', '.join(absent)}; vendor.json pins another one")
    return found


def adapt(name: str, data: bytes, imports: dict[str, str]) -> bytes:
    """Make a module's bare imports relative paths, and drop its comment that names a source map.

    A page could map bare imports itself, but only with an inline script, which its
    Content-Security-Policy forbids.

    Example:
        >>> adapt("a.js", b'import x from "y";', {"y": "./y.js"})
        b'import x from "./y.js";'
    """
    if not name.endswith(".js"):
        return data
    for bare, relative in imports.items():
        data = data.replace(f'from "{bare}"'.encode(), f'from "{relative}"'.encode())
    lines = data.split(b"\n")
    return b"\n".join(line for line in lines if not line.startswith(b"//# sourceMappingURL="))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def main(arguments: list[str]) -> int:
    """Fill the folder that is named, or the installed one; return the exit code."""
    from homebody.server import join
    from homebody.server.pages import pages, web_folder

    dest = Path(arguments[0]) if arguments else DEST
    try:
        made = vendor(dest)
        web = web_folder()
        if web is not None:
            with tools() as found:
                made += join.join(web, pages(web), found, dest / "site")
        for path in made:
            print(f"{path}  {path.stat().st_size:,} bytes")
    except (VendorError, join.JoinError) as error:
        print(f"homebody: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
