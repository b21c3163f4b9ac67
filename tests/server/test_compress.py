from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from homebody.server.compress import compressed
from homebody.server.site import file_of

brotli = pytest.importorskip("brotli", reason="needs pip install 'homebody[serve]'")

WORDS = b"the same words again and again " * 200
NOISE = os.urandom(4000)


def test_each_encoding_decodes_to_the_body(tmp_path):
    file = compressed({"/": file_of(WORDS, "text/html; charset=utf-8")}, tmp_path)["/"]
    assert list(file.encodings) == ["br", "gzip"]
    assert brotli.decompress(file.encodings["br"]) == WORDS
    assert gzip.decompress(file.encodings["gzip"]) == WORDS
    assert all(len(body) < len(WORDS) / 10 for body in file.encodings.values())


def test_what_gains_nothing_stays_plain(tmp_path):
    files = {
        "/noise": file_of(NOISE, "application/wasm"),
        "/picture": file_of(WORDS, "image/png"),
        "/small": file_of(b"words", "text/html"),
    }
    assert all(not file.encodings for file in compressed(files, tmp_path).values())


def test_it_is_done_once(tmp_path, monkeypatch):
    files = {"/": file_of(WORDS, "text/plain")}
    first = compressed(files, tmp_path)
    monkeypatch.setattr(brotli, "compress", None)
    monkeypatch.setattr(gzip, "compress", None)
    assert compressed(files, tmp_path) == first
    assert compressed(first, Path("/nowhere")) == first, "what has encodings keeps them"


def test_a_damaged_copy_is_made_again(tmp_path):
    files = {"/": file_of(WORDS, "text/plain")}
    first = compressed(files, tmp_path)
    for kept in tmp_path.iterdir():
        kept.write_bytes(kept.read_bytes()[:-7])
    assert compressed(files, tmp_path) == first


def test_where_nothing_can_be_kept_it_works_all_the_same(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    file = compressed({"/": file_of(WORDS, "text/plain")}, tmp_path / "file" / "under")["/"]
    assert gzip.decompress(file.encodings["gzip"]) == WORDS
