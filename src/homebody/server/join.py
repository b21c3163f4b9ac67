"""The studio's modules joined and minified: a few files in place of some seventy.

esbuild does it when the package is built. What it made counts only while it is of the very pages
that lie there; else, as while one edits ``web/``, the plain modules are served. The wheel's build
hook runs this module by its path, so it imports the standard library alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MAIN = "studio/main.js"
STYLE = "studio/studio.css"
_WORKERS = ("engine/session.js", "export.worker.js", "export/bands.worker.js")
# Classic scripts, which import nothing; the server writes the version into the service worker.
_CLASSIC = ("engine.worker.js", "sw.js", "studio/old.js")
_MADE = (".html", ".js", ".css")
_STAMP = "stamp.json"
_PATIENCE_S = 300
# Reads builds, prints the graph of the first.
_DRIVER = """
const [folder, builds] = process.argv.slice(1);
const esbuild = require(folder);
(async () => {
  const made = [];
  for (const build of JSON.parse(builds)) made.push(await esbuild.build(build));
  console.log(JSON.stringify(made[0].metafile.outputs));
  process.exit(0);
})().catch(({ message, errors }) => {
  const [first] = errors ?? [];
  console.error(first ? `${first.location?.file}:${first.location?.line}: ${first.text}` : message);
  process.exit(1);
});
"""


class JoinError(Exception):
    """The pages could not be joined; the message is one sentence."""


def joined(web: Path, pages: Iterable[Path], site: Path) -> dict[str, Path] | None:
    """What :func:`join` made of these pages, by name: all their HTML, JavaScript and CSS.

    Args:
        web: the folder of the pages.
        pages: the files of it that browsers get.
        site: the folder that :func:`join` filled.

    Returns:
        None where it has not run, or the pages are others now.
    """
    try:
        made = json.loads((site / _STAMP).read_text(encoding="utf-8"))
        if made["of"] != _hashes(web, pages):
            return None
        found = {name: site / name for name in made["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if all(path.is_file() for path in found.values()) else None


def replaces(name: str) -> bool:
    """Whether the joined site has what it needs of such a file.

    Example:
        >>> replaces("studio/app.js"), replaces("icons/icon.svg")
        (True, False)
    """
    return name.endswith(_MADE)


def join(web: Path, pages: Iterable[Path], esbuild: Path, site: Path) -> list[Path]:
    """Join the pages' modules and styles.

    The page's main module takes in what it begins with; dialogs, updates and other languages stay
    apart until they are wanted. Workers keep their URLs.

    Args:
        web: the folder of the pages.
        pages: the files of it that browsers get.
        esbuild: the folder of the npm package ``esbuild-wasm``.
        site: the folder to fill; it is replaced whole, or left as it was.

    Returns:
        The files that now lie there.

    Raises:
        JoinError: Node.js is absent, or esbuild refuses a module.
        OSError: the folder cannot be written.
    """
    of = _hashes(web, pages)
    site.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=site.parent, prefix=".site-") as scratch:
        fresh = Path(scratch) / "fresh"
        page = (web / "index.html").read_text(encoding="utf-8")
        sheets = re.findall(r'<link rel="stylesheet" href="/([^"]+)"', page)
        style = Path(scratch) / "studio.css"
        style.write_text("\n".join((web / name).read_text(encoding="utf-8") for name in sheets))
        modules: dict[str, Any] = {"bundle": True, "splitting": True, "format": "esm"}
        modules["chunkNames"] = "chunks/[name]-[hash]"
        graph = _run(
            esbuild,
            web,
            [
                {"entryPoints": [MAIN], **modules},
                {"entryPoints": _WORKERS, **modules},
                {"entryPoints": _CLASSIC},
                {"entryPoints": [{"in": str(style), "out": STYLE.removesuffix(".css")}]},
            ],
            fresh,
        )
        first = [_inside(name, web, fresh) for name in _beginning(graph)]
        (fresh / "index.html").write_text(rewritten(page, first), encoding="utf-8")
        files = sorted(p.relative_to(fresh).as_posix() for p in fresh.rglob("*") if p.is_file())
        stamp = json.dumps({"of": of, "files": files})
        (fresh / _STAMP).write_text(stamp, encoding="utf-8")
        if site.exists():
            os.rename(site, Path(scratch) / "old")
        os.rename(fresh, site)
    return [site / name for name in files]


def rewritten(page: str, first: Iterable[str]) -> str:
    """The page with one style sheet, and with the joined modules that it begins with.

    Args:
        page: HTML that has each ``link`` in lines of its own.
        first: names of the modules that the main one imports.

    Example:
        >>> page = '<link rel="stylesheet" href="/b.css" />\\n<p>'
        >>> print(rewritten(page, ["c.js"]))
        <link rel="stylesheet" href="/studio/studio.css" />
        <link rel="modulepreload" href="/c.js" />
        <p>
    """
    links = re.compile(r'[ \t]*<link rel="(?:modulepreload|stylesheet)" href="[^"]+" />\n?')
    found = links.search(page)
    if found is None:
        raise JoinError("index.html names no style sheet; see how it writes its links")
    margin = found[0][: len(found[0]) - len(found[0].lstrip())]
    ours = [f'<link rel="stylesheet" href="/{STYLE}" />']
    ours += [f'<link rel="modulepreload" href="/{name}" />' for name in first]
    text = "\n".join(margin + link for link in ours)
    rest = links.sub("", page[found.end() :])
    return (
        page[: found.start()] + text + ("\n" + rest if found[0].endswith("\n") and rest else rest)
    )


def _beginning(outputs: dict[str, Any]) -> list[str]:
    """What the main module imports at once, however deep; paths as esbuild says them."""
    found: list[str] = []
    waiting = [name for name, one in outputs.items() if one.get("entryPoint") == MAIN]
    while waiting:
        for one in outputs[waiting.pop()]["imports"]:
            name = one["path"]
            if one["kind"] == "import-statement" and name not in found:
                found.append(name)
                waiting.append(name)
    return sorted(found)


def _inside(name: str, web: Path, fresh: Path) -> str:
    return Path(os.path.relpath(web / name, fresh)).as_posix()


def _hashes(web: Path, pages: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of every page that is joined, by name."""
    return {
        path.relative_to(web).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in pages
        if replaces(path.name)
    }


def _run(
    esbuild: Path, web: Path, builds: list[dict[str, Any]], fresh: Path
) -> dict[str, dict[str, Any]]:
    """Run esbuild once for all builds; what the first of them made, with its imports."""
    node = shutil.which("node")
    if node is None:
        raise JoinError("node was not found; install Node.js and run this again")
    common = {
        **{"minify": True, "charset": "utf8", "legalComments": "none"},
        **{"target": "es2022", "logLevel": "silent", "metafile": True},
        **{"outbase": str(web), "outdir": str(fresh)},
    }
    run = subprocess.run(
        [
            node,
            "-e",
            _DRIVER,
            str(esbuild.resolve()),
            json.dumps([{**common, **b} for b in builds]),
        ],
        cwd=web,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        stdin=subprocess.DEVNULL,
    )
    if run.returncode != 0:
        said = run.stderr.strip().splitlines() or ["it said nothing"]
        raise JoinError(f"esbuild refuses the studio's modules ({said[-1]}); mend them first")
    made: dict[str, dict[str, Any]] = json.loads(run.stdout)
    return made
