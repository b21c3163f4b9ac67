from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from homebody.server import join
from homebody.server.pages import pages

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
PAGE = """<head>
    <link rel="icon" href="/icon.svg" />
    <link rel="stylesheet" href="/studio/a.css" />
    <link rel="stylesheet" href="/studio/b.css" />
    <link rel="modulepreload" href="/studio/app.js" />
    <script type="module" src="/studio/main.js"></script>
</head>
"""
# Stands in for esbuild: every entry becomes its own text, the main module imports a chunk.
STAND_IN = """
const { dirname, join, relative, resolve } = require("path");
const { mkdirSync, readFileSync, writeFileSync } = require("fs");
exports.build = async ({ entryPoints, outdir, chunkNames }) => {
  const write = (name, text) => {
    mkdirSync(dirname(join(outdir, name)), { recursive: true });
    writeFileSync(join(outdir, name), text);
  };
  const outputs = {};
  const path = (name) => relative(process.cwd(), join(outdir, name));
  for (const entry of entryPoints) {
    const text = readFileSync(resolve(entry.in ?? entry), "utf8");
    if (text.includes("#")) {
      throw Object.assign(new Error(), {
        errors: [{ text: "Unexpected #", location: { file: entry, line: 1 } }],
      });
    }
    write(entry.in ? `${entry.out}.css` : entry, text);
    if (entry !== "studio/main.js") continue;
    const import_of = (name, kind) => ({ path: path(name), kind });
    outputs[path(entry)] = {
      entryPoint: entry,
      imports: [
        import_of("studio/one.js", "import-statement"),
        import_of("studio/later.js", "dynamic-import"),
      ],
    };
    outputs[path("studio/one.js")] = { imports: [import_of("studio/two.js", "import-statement")] };
    outputs[path("studio/two.js")] = { imports: [import_of("studio/one.js", "import-statement")] };
    for (const name of ["one", "two", "later"]) write(`studio/${name}.js`, name);
  }
  return { metafile: { outputs } };
};
"""


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    names = ["engine.worker.js", "engine/session.js", "sw.js", "export.worker.js"]
    for name in [
        *names,
        "export/bands.worker.js",
        "studio/main.js",
        "studio/old.js",
        "studio/app.js",
    ]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"// {name}\n")
    (folder / "studio" / "a.css").write_text("a { color: red }")
    (folder / "studio" / "b.css").write_text("b { color: blue }")
    (folder / "index.html").write_text(PAGE)
    (folder / "icon.svg").write_text("<svg />")
    return folder


@pytest.fixture
def esbuild(tmp_path: Path) -> Path:
    folder = tmp_path / "esbuild"
    folder.mkdir()
    (folder / "index.js").write_text(STAND_IN)
    return folder


@needs_node
def test_the_page_begins_with_what_its_main_module_imports(web, esbuild, tmp_path):
    site = tmp_path / "site"
    join.join(web, pages(web), esbuild, site)
    assert (site / "index.html").read_text() == (
        "<head>\n"
        '    <link rel="icon" href="/icon.svg" />\n'
        '    <link rel="stylesheet" href="/studio/studio.css" />\n'
        '    <link rel="modulepreload" href="/studio/one.js" />\n'
        '    <link rel="modulepreload" href="/studio/two.js" />\n'
        '    <script type="module" src="/studio/main.js"></script>\n'
        "</head>\n"
    )
    style = (site / "studio" / "studio.css").read_text()
    assert style.index("color: red") < style.index("color: blue"), "the later sheet wins"


@needs_node
def test_joined_pages_count_while_they_are_of_these_sources(web, esbuild, tmp_path):
    site = tmp_path / "site"
    assert join.joined(web, pages(web), site) is None
    made = join.join(web, pages(web), esbuild, site)
    found = join.joined(web, pages(web), site)
    assert sorted(found.values()) == sorted(made)
    assert {"index.html", "sw.js", "studio/later.js", "export/bands.worker.js"} <= set(found)
    (web / "icon.svg").write_text("<svg></svg>")
    assert join.joined(web, pages(web), site) is not None, "no part of what is joined"
    for change in ("studio/app.js", "studio/a.css", "index.html"):
        before = (web / change).read_bytes()
        (web / change).write_bytes(before + b" ")
        assert join.joined(web, pages(web), site) is None
        (web / change).write_bytes(before)
    (web / "new.js").write_text("")
    assert join.joined(web, pages(web), site) is None
    (web / "new.js").unlink()
    assert join.joined(web, pages(web), site) is not None
    found["studio/later.js"].unlink()
    assert join.joined(web, pages(web), site) is None


@pytest.mark.parametrize("stamp", ["", "[]", "{}", '{"of": 1, "files": ["x"]}', "null"])
def test_a_damaged_stamp_counts_for_nothing(web, tmp_path, stamp):
    (tmp_path / "stamp.json").write_text(stamp)
    assert join.joined(web, pages(web), tmp_path) is None


@needs_node
def test_what_was_there_stays_when_esbuild_refuses(web, esbuild, tmp_path):
    site = tmp_path / "site"
    join.join(web, pages(web), esbuild, site)
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    (web / "engine.worker.js").write_text("#")
    with pytest.raises(join.JoinError, match=r"engine\.worker\.js:1: Unexpected #") as caught:
        join.join(web, pages(web), esbuild, site)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before
    assert list(tmp_path.glob(".site-*")) == []


def test_without_node_one_line_says_so(web, esbuild, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(join.JoinError, match=r"Node\.js"):
        join.join(web, pages(web), esbuild, tmp_path / "site")


def test_a_page_without_styles_is_refused():
    with pytest.raises(join.JoinError, match="style sheet"):
        join.rewritten("<html></html>", [])
