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
# Stand in for Rollup and esbuild: every entry stays as it is, the main module imports a chunk.
ROLLUP = """
const { readFileSync } = require("node:fs");
exports.rollup = async ({ input }) => ({
  generate: async () => {
    const output = Object.entries(input).map(([name, file]) => {
      const code = readFileSync(file, "utf8");
      if (code.includes("#")) {
        throw Object.assign(new Error("Unexpected #\\nhere"), { loc: { file, line: 1 } });
      }
      return { fileName: `${name}.js`, code, imports: [] };
    });
    if (!input["studio/main"]) return { output };
    output[0].imports = ["studio/one.js"];
    const chunk = (name, imports) => ({ fileName: `studio/${name}.js`, code: name, imports });
    output.push(chunk("one", ["studio/two.js"]), chunk("two", ["studio/one.js"]));
    return { output: [...output, chunk("later", ["studio/two.js"])] };
  },
});
"""
ESBUILD = """
exports.transform = async (code, { sourcefile, loader = "js" }) => {
  if (code.includes("@@")) {
    throw Object.assign(new Error(), {
      errors: [{ text: "Unexpected @", location: { file: sourcefile, line: 2 } }],
    });
  }
  return { code: `${loader} ${code}` };
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
def tools(tmp_path: Path) -> dict[str, Path]:
    found = {}
    for name, text in ((join.ROLLUP, ROLLUP), (join.ESBUILD, ESBUILD)):
        found[name] = tmp_path / "tools" / name
        found[name].mkdir(parents=True)
        (found[name] / "index.js").write_text(text)
    return found


@needs_node
def test_the_page_begins_with_what_its_main_module_imports(web, tools, tmp_path):
    site = tmp_path / "site"
    join.join(web, pages(web), tools, site)
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
def test_joined_pages_count_while_they_are_of_these_sources(web, tools, tmp_path):
    site = tmp_path / "site"
    assert join.joined(web, pages(web), site) is None
    made = join.join(web, pages(web), tools, site)
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
@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("engine/session.js", "#", r"engine/session\.js:1: Unexpected #"),
        ("engine.worker.js", "@@", r"engine\.worker\.js:2: Unexpected @"),
        ("studio/a.css", "@@", r"studio/studio\.css:2: Unexpected @"),
    ],
)
def test_what_was_there_stays_when_a_module_is_refused(web, tools, tmp_path, name, text, said):
    site = tmp_path / "site"
    join.join(web, pages(web), tools, site)
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    (web / name).write_text(text)
    with pytest.raises(join.JoinError, match=said) as caught:
        join.join(web, pages(web), tools, site)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before
    assert list(tmp_path.glob(".site-*")) == []


def test_without_node_one_line_says_so(web, tools, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(join.JoinError, match=r"Node\.js"):
        join.join(web, pages(web), tools, tmp_path / "site")


def test_a_page_without_styles_is_refused():
    with pytest.raises(join.JoinError, match="style sheet"):
        join.rewritten("<html></html>", [])
