"""docs/text.md is complete and true: its examples run, and its tables have every name."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from homebody import text

DOCS = Path(__file__).parents[2] / "docs" / "text.md"
MODULES = [f"homebody.text.{found.name}" for found in pkgutil.iter_modules(text.__path__)]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


def tables() -> tuple[list[tuple[str, str, str]], list[str]]:
    """The rows of the table of TF.Text's names, and the names that are here alone."""
    page = DOCS.read_text()
    peers, own = page.split("## TF.Text's operations and ours")[1].split("And what is here alone:")
    rows = re.findall(r"^\| (`.*?) \| (.*?) \| (.*?) ?\|$", peers, re.MULTILINE)
    names = re.findall(r"^\| (`.*?) \| ", own.split("\n## ")[0], re.MULTILINE)
    return (
        [(name.strip("`"), ours, why) for name, ours, why in rows],
        [name for cell in names for name in re.findall(r"`([^`]+)`", cell)],
    )


def test_examples_of_the_page_run():
    result = doctest.testfile(str(DOCS), module_relative=False, optionflags=FLAGS)
    assert result.attempted > 40
    assert result.failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_docstrings_run(name):
    module = importlib.import_module(name)
    public = {one: getattr(text, one) for one in text.__all__}
    assert doctest.testmod(module, optionflags=FLAGS, extraglobs=public).failed == 0


def test_public_names_have_examples():
    """But for what others are made of, what an extra brings, and a normalization's second form."""
    shown_elsewhere = {"OffsetsMap", "Reduction", "Splitter", "Tokenizer", "Trimmer", "WordShape"}
    shown_elsewhere |= {"ByteLevelBpeTokenizer", "SentencepieceTokenizer"}
    finder = doctest.DocTestFinder()
    without = [
        name
        for name in set(text.__all__) - shown_elsewhere
        if callable(getattr(text, name))
        and not name.endswith("_with_offsets_map")
        and getattr(getattr(text, name), "__module__", "").startswith("homebody.")
        and not any(part.examples for part in finder.find(getattr(text, name), name))
    ]
    assert without == []


def test_ours_exist_and_all_are_named():
    rows, own = tables()
    ours = [name for _, cell, _ in rows for name in re.findall(r"`([^`]+)`", cell)]
    for name in [*ours, *own]:
        found = text
        for part in name.split("."):
            found = getattr(found, part)
    assert set(text.__all__) - {name.split(".")[0] for name in [*ours, *own]} == set()
    assert len(own) == len(set(own))


def test_what_is_left_out_has_its_reason():
    for name, ours, why in tables()[0]:
        assert "`" in ours or (ours == "left out" and why), name


@pytest.mark.oracle
def test_every_public_name_of_tf_text_is_there():
    peer = pytest.importorskip("tensorflow_text")
    public = {name for name in dir(peer) if not name.startswith("_")} - {"keras", "metrics"}
    public |= {f"metrics.{name}" for name in dir(peer.metrics) if not name.startswith("_")}
    layers = dir(peer.keras.layers)
    public |= {f"keras.layers.{name}" for name in layers if not name.startswith("_")}
    names = [name for name, _, _ in tables()[0]]
    assert set(names) == public
    assert len(names) == len(public)
