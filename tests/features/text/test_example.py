"""The worked example's script reads what apt-cache prints."""

from __future__ import annotations

import io
import runpy
from pathlib import Path

import pytest

from homebody.features.text.data import read_texts

SCRIPT = Path(__file__).parents[3] / "examples" / "debian_topics.py"
INDEX = """\
Package: libsound2
Source: sound-tools (1.2-3)
Version: 1.2
Description: a library that plays "sound"
 of many kinds
Section: contrib/sound

Package: chess
Section: games
Description: a chess\tprogram

Package: chess
Section: games
Description: a chess\tprogram

Package: libc6
Section: libs
Description: the library of C

Package: nothing
Section: games
"""


def test_the_index_becomes_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(INDEX))
    runpy.run_path(str(SCRIPT), run_name="__main__")
    table = tmp_path / "topics.tsv"
    table.write_text(capsys.readouterr().out)
    assert table.read_text().splitlines() == [
        "label\tsource\ttext",
        "games\tchess\ta chess program",
        'sound\tsound-tools\ta library that plays "sound"',
    ]
    assert read_texts(table, split_by="source").labels == ("games", "sound")
