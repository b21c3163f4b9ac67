"""The studio's modules joined and minified: a few files in place of some ninety.

Rollup joins them and esbuild makes them short, when the package is built. Rollup knows that what a
later module shares with its page is there already, so each page and worker begins with one file.
What they made counts only while it is of the very pages that lie there; else, as while one edits
``web/``, the plain modules are served. The wheel's build hook runs this module by its path, so it
imports the standard library alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROLLUP, ESBUILD = "@rollup/wasm-node", "esbuild-wasm"
TOOLS = (ROLLUP, ESBUILD)
"""The npm packages that this takes, by their names in ``vendor.json``."""

MAIN = "studio/main.js"
STYLE = "studio/studio.css"
# What is built together shares chunks. The engine's worker shares none with exports: each shared
# part is a file of its own, which compresses worse, and nobody waits for an export's modules.
_MODULES = ([MAIN], ["engine/session.js"], ["export.worker.js", "export/bands.worker.js"])
# Classic scripts, which import nothing; the server writes the version into the service worker.
_CLASSIC = ("engine.worker.js", "sw.js", "studio/old.js")
_MADE = (".html", ".js", ".css")
_STAMP = "stamp.json"
_PATIENCE_S = 300
# Prints what the first of the joined files imports at once.
_DRIVER = """
const { readFileSync, mkdirSync, writeFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { tools, modules, classic, style, outdir } = JSON.parse(process.argv[1]);
const { rollup } = require(tools.rollup);
const { transform } = require(tools.esbuild);
const written = (name, { code }) => {
  mkdirSync(dirname(join(outdir, name)), { recursive: true });
  writeFileSync(join(outdir, name), code);
};
const plain = { charset: "utf8", legalComments: "none", target: "es2022", logLevel: "silent" };
const short = (code, options) => transform(code, { minify: true, ...plain, ...options });
const beginning = (output) => {
  const imports = new Map(output.map(({ fileName, imports }) => [fileName, imports]));
  const found = new Set(output[0].imports);
  for (const name of found) for (const deeper of imports.get(name)) found.add(deeper);
  return [...found];
};
(async () => {
  let first;
  for (const names of modules) {
    const input = Object.fromEntries(names.map((name) => [name.replace(/\\.js$/, ""), name]));
    const onLog = (level, { code, message }) => {
      // errors.js looks at its own names; others import in no circle, and the tests see to it.
      if (level === "warn" && code !== "CIRCULAR_DEPENDENCY") throw new Error(message);
    };
    const joined = await rollup({ input, onLog, preserveEntrySignatures: "allow-extension" });
    const { output } = await joined.generate({
      format: "es", chunkFileNames: "chunks/[name]-[hash].js", hoistTransitiveImports: false,
    });
    first ??= beginning(output);
    for (const { fileName, code } of output) {
      written(fileName, await short(code, { format: "esm", sourcefile: fileName }));
    }
  }
  for (const name of classic) {
    written(name, await short(readFileSync(name, "utf8"), { sourcefile: name }));
  }
  written(style.name, await short(style.code, { loader: "css", sourcefile: style.name }));
  console.log(JSON.stringify(first));
  process.exit(0);
})().catch(({ message, loc, errors }) => {
  const [first] = errors ?? [];
  const at = first?.location ?? loc;
  const said = first?.text ?? message.split("\\n")[0];
  console.error(at ? `${at.file}:${at.line}: ${said}` : said);
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


def join(web: Path, pages: Iterable[Path], tools: Mapping[str, Path], site: Path) -> list[Path]:
    """Join the pages' modules and styles.

    The page's main module takes in what it begins with; dialogs, updates and other languages stay
    apart until they are wanted. Workers keep their URLs.

    Args:
        web: the folder of the pages.
        pages: the files of it that browsers get.
        tools: :data:`TOOLS` -> the folder of each.
        site: the folder to fill; it is replaced whole, or left as it was.

    Returns:
        The files that now lie there.

    Raises:
        JoinError: Node.js is absent, or a module is refused.
        OSError: the folder cannot be written.
    """
    of = _hashes(web, pages)
    site.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=site.parent, prefix=".site-") as scratch:
        fresh = Path(scratch) / "fresh"
        page = (web / "index.html").read_text(encoding="utf-8")
        sheets = re.findall(r'<link rel="stylesheet" href="/([^"]+)"', page)
        style = "\n".join((web / name).read_text(encoding="utf-8") for name in sheets)
        first = _run(
            web,
            {
                "tools": {
                    "rollup": str(tools[ROLLUP].resolve()),
                    "esbuild": str(tools[ESBUILD].resolve()),
                },
                "modules": _MODULES,
                "classic": _CLASSIC,
                "style": {"name": STYLE, "code": style},
                "outdir": str(fresh.resolve()),
            },
        )
        (fresh / "index.html").write_text(rewritten(page, sorted(first)), encoding="utf-8")
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


def _hashes(web: Path, pages: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of every page that is joined, by name."""
    return {
        path.relative_to(web).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in pages
        if replaces(path.name)
    }


def _run(web: Path, work: dict[str, Any]) -> list[str]:
    """Run Rollup and esbuild; the names of what the page's main module imports at once."""
    node = shutil.which("node")
    if node is None:
        raise JoinError("node was not found; install Node.js and run this again")
    run = subprocess.run(
        [node, "-e", _DRIVER, json.dumps(work)],
        cwd=web,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        stdin=subprocess.DEVNULL,
    )
    if run.returncode != 0:
        said = run.stderr.strip().splitlines() or ["it said nothing"]
        raise JoinError(f"the studio's modules cannot be joined ({said[-1]}); mend them first")
    first: list[str] = json.loads(run.stdout)
    return first
