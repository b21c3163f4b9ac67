"""What text costs a page, and what becomes of damaged tables there."""

from __future__ import annotations

import json
import subprocess
import zlib
from pathlib import Path

import pytest

from homebody.text._unicode import PATH as UNICODE
from tests.text.twin import WASM, needs_node

WEB = Path(__file__).parents[2] / "web"


@pytest.mark.skipif(not WASM.exists(), reason="needs text.wasm")
def test_what_text_weighs():
    """The kernels and what Unicode says, as a server sends them."""
    brotli = pytest.importorskip("brotli")
    kernels, tables = len(brotli.compress(WASM.read_bytes())), UNICODE.stat().st_size
    assert kernels + tables < 100_000, (kernels, tables)
    unpacked = len(brotli.compress(zlib.decompress(UNICODE.read_bytes())))
    assert unpacked < tables  # so a server with Brotli may send them unpacked
    modules = [WEB / "text.js", *(WEB / "text").glob("*.js")]
    assert sum(len(brotli.compress(path.read_bytes())) for path in modules) < 30_000


LOAD = """
import { readFileSync } from "node:fs";
import { WhitespaceTokenizer, loadText } from "./text.js";
const [wasm, unicode] = process.argv.slice(1).map((path) => readFileSync(path));
try {
  const kernels = await loadText({ wasm, unicode });
  console.log(JSON.stringify(new WhitespaceTokenizer(kernels).tokenize("a b")));
} catch (error) {
  console.log(JSON.stringify(error.name));
}
"""


@needs_node
@pytest.mark.parametrize(
    ("change", "given"),
    [
        (lambda data: data, ["a", "b"]),
        (zlib.decompress, ["a", "b"]),
        (lambda data: data[:-9], "KernelError"),
        (lambda data: b"", "KernelError"),
        (lambda data: zlib.compress(bytes(1 << 23)), "KernelError"),
        (lambda data: zlib.decompress(data)[:-8], "KernelError"),
        (lambda data: zlib.compress(b"no tables at all"), "KernelError"),
    ],
)
def test_tables_come_packed_or_not_and_damaged_ones_are_refused(tmp_path, change, given):
    path = tmp_path / "unicode.bin"
    path.write_bytes(change(UNICODE.read_bytes()))
    command = ["node", "--input-type=module", "-e", LOAD, str(WASM), str(path)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=WEB, check=True)
    assert json.loads(run.stdout) == given
