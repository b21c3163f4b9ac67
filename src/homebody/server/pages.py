"""Which files of the folder ``web/`` are the studio's, and which are its developers'.

The wheel's build hook runs this module by its path, so it imports the standard library alone.
"""

from __future__ import annotations

from pathlib import Path

SUFFIXES = (".html", ".js", ".css", ".json", ".webmanifest", ".svg", ".png", ".jpg", ".webp")
PACKAGE = Path(__file__).resolve().parents[1]
_DEVELOPMENT = ("package.json", "package-lock.json", "tsconfig.json")


def web_folder() -> Path | None:
    """The folder of the studio's pages: in the wheel, or beside ``src`` in a checkout."""
    places = (PACKAGE / "_web", PACKAGE.parents[1] / "web")
    return next((folder for folder in places if folder.is_dir()), None)


def pages(web: Path) -> list[Path]:
    """The files of ``web`` that browsers get: of a known type, not hidden, not a developer's.

    Raises:
        OSError: the folder cannot be read.
    """
    found = []
    for path in sorted(web.rglob("*")):
        parts = path.relative_to(web).parts
        hidden = any(part.startswith(".") or part == "node_modules" for part in parts)
        wanted = path.suffix in SUFFIXES and path.name not in _DEVELOPMENT and not hidden
        if wanted and path.is_file():
            found.append(path)
    return found
