from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest

from homebody.errors import ImageError
from homebody.files import replacing, verify_writable
from homebody.stderr import without_lines


def test_the_new_file_takes_the_old_ones_place(tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    path.write_text("old")
    with replacing(path, ImageError, durable=True) as draft:
        assert draft.suffix == ".txt"
        draft.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_inside_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    path.write_text("old")
    with pytest.raises(KeyError), replacing(path, ImageError) as draft:
        draft.write_text("half")
        raise KeyError("stop")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_the_system_refuses_is_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(ImageError, match="page.txt cannot be written .No such file"),
        replacing(tmp_path / "none" / "page.txt", ImageError) as draft,
    ):
        draft.write_text("new")
    with (
        pytest.raises(ImageError, match="unchanged"),
        replacing(tmp_path / "nul\0l", ImageError) as draft,
    ):
        draft.write_text("new")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_files_permissions_are_the_usual_ones(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    with replacing(tmp_path / "page", ImageError) as draft:
        draft.write_bytes(b"")
    assert (tmp_path / "page").stat().st_mode == plain.stat().st_mode


def test_only_the_greeting_is_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    with without_lines(re.compile(rb"INFO: hello")):
        os.write(2, b"INFO: hello, world\nERROR: trouble\nnot INFO: hello\n")
    assert capfd.readouterr().err == "ERROR: trouble\nnot INFO: hello\n"


def test_threads_that_hold_lines_back_at_once_leave_standard_error_open(
    capfd: pytest.CaptureFixture[str],
) -> None:
    nothing = re.compile(rb"INFO")
    first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))

    def first() -> None:
        with without_lines(nothing):
            first_is_in.set()
            second_is_in.wait(0.1)  # in vain, if they take turns
        first_is_out.set()

    def second() -> None:
        first_is_in.wait()
        with without_lines(nothing):
            second_is_in.set()
            first_is_out.wait()

    threads = [threading.Thread(target=work) for work in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(2, b"still heard\n")
    assert capfd.readouterr().err == "still heard\n"


def test_what_cannot_be_written_is_found_out_beforehand(tmp_path: Path) -> None:
    verify_writable(tmp_path / "new.txt", ImageError)
    (tmp_path / "old.txt").write_text("old")
    verify_writable(tmp_path / "old.txt", ImageError)
    assert (tmp_path / "old.txt").read_text() == "old"
    before = sorted(tmp_path.rglob("*"))
    for path in (tmp_path / "no" / "new.txt", tmp_path, tmp_path / "old.txt" / "new.txt",
                 tmp_path / "nul\0.txt"):  # fmt: skip
        with pytest.raises(ImageError, match="cannot be written"):
            verify_writable(path, ImageError)
    assert sorted(tmp_path.rglob("*")) == before == [tmp_path / "old.txt"]
