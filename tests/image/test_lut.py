"""Colour tables and .cube files."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody import kernels
from homebody.errors import LutError
from homebody.image import Lut, read_cube, write_cube
from homebody.image.lut import MAX_CUBE_BYTES, parse_cube

IDENTITY_2 = "\n".join(f"{r} {g} {b}" for b in (0, 1) for g in (0, 1) for r in (0, 1))


def cube(size: int) -> np.ndarray:
    """The identity with green squared, so that every axis can be told apart."""
    b, g, r = np.meshgrid(*[np.linspace(0, 1, size)] * 3, indexing="ij")
    return np.stack([r, g**2, 1 - b], -1)


def text(nodes: np.ndarray, *lines: str) -> str:
    rows = [" ".join(f"{v:.7f}" for v in row) for row in nodes.reshape(-1, 3)]
    return "\n".join([*lines, f"LUT_3D_SIZE {len(nodes)}", *rows])


@pytest.mark.parametrize("size", [17, 33, 65])
def test_write_and_read_give_the_same_table(tmp_path, size):
    random = np.random.default_rng(size).integers(0, 32641, (size, size, size, 3)) / 32640
    lut = Lut.from_floats(random, "Harbour at dusk")
    write_cube(lut, tmp_path / "a.cube")
    back = read_cube(tmp_path / "a.cube")
    assert np.array_equal(back.table, lut.table)
    assert back.title == lut.title
    assert os.listdir(tmp_path) == ["a.cube"]


def test_red_runs_fastest():
    table = parse_cube(text(cube(17))).table
    assert table[0, 0, 16].tolist() == [32640, 0, 32640, 0]
    assert table[16, 0, 0].tolist() == [0, 0, 0, 0]
    assert table[0, 8, 0].tolist() == [0, 8160, 32640, 0]


@pytest.mark.parametrize("size", [2, 3, 16, 32, 34, 64])
def test_other_sizes_are_resampled(size):
    planes = cube(size)
    planes[..., 1] = np.linspace(0, 1, size)[:, None]  # no curve: exact by linear interpolation
    table = parse_cube(text(planes)).table
    assert len(table) == (33 if size < 33 else 65)
    expected = kernels.lut_identity(len(table)).astype(int)
    expected[..., 2] = 32640 - expected[..., 2]
    assert np.abs(table - expected).max() <= 1


def test_one_dimensional_curves():
    x = np.linspace(0, 1, 1000)
    rows = "\n".join(f"{a:.6f} {a**2:.6f} {1 - a:.6f}" for a in x)
    floats = parse_cube(f"LUT_1D_SIZE 1000\n{rows}\n").floats
    assert floats[20, 40, 60] == pytest.approx([60 / 64, (40 / 64) ** 2, 44 / 64], abs=1e-4)


def test_a_domain_stretches_the_table():
    lines = ("DOMAIN_MIN 0 0 -1", "DOMAIN_MAX 2 1 1")
    floats = parse_cube(text(cube(33), *lines)).floats
    # At white: red half way, green at its end, blue at its end.
    assert floats[32, 32, 32] == pytest.approx([0.5, 1, 0], abs=1e-4)
    assert floats[0, 0, 0] == pytest.approx([0, 0, 0.5], abs=1e-4)


def test_comments_titles_marks_and_blank_lines():
    body = f'\ufeff# by hand\nTITLE "Two words"\n\n\tLUT_3D_SIZE\t2\r\n{IDENTITY_2}\n\n# end\n'
    lut = parse_cube(body)
    assert lut.title == "Two words"
    assert np.array_equal(lut.table, kernels.lut_identity(33))


def test_values_outside_the_range_are_clipped():
    lut = parse_cube("LUT_1D_SIZE 2\n-1 0 0\n1 9e9 1\n")
    assert lut.table.min() == 0
    assert lut.table.max() == kernels.LUT_WHITE


def test_a_title_cannot_break_the_file(tmp_path):
    lut = Lut(kernels.lut_identity(17), 'a"b\nLUT_3D_SIZE 5')
    write_cube(lut, tmp_path / "a.cube")
    assert np.array_equal(read_cube(tmp_path / "a.cube").table, lut.table)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "LUT_1D_SIZE or LUT_3D_SIZE"),
        (IDENTITY_2, "LUT_1D_SIZE or LUT_3D_SIZE"),
        (f"LUT_3D_SIZE 2\nLUT_1D_SIZE 2\n{IDENTITY_2}", "LUT_1D_SIZE or LUT_3D_SIZE"),
        (f"LUT_3D_SIZE 2\nLUT_3D_SIZE 2\n{IDENTITY_2}", "line 2.*twice"),
        (f"{IDENTITY_2}\nLUT_3D_SIZE 2", "line 9.*after the table"),
        (f"LUT_3D_SIZE 3\n{IDENTITY_2}", "8 lines of numbers, not the 27"),
        (f"LUT_3D_SIZE 1\n{IDENTITY_2}", "2 to 65"),
        ("LUT_3D_SIZE 66", "2 to 65"),
        ("LUT_3D_SIZE 99999999999999999999999999", "2 to 65"),
        ("LUT_1D_SIZE 65537", "2 to 65536"),
        ("LUT_3D_SIZE two", "whole number"),
        ("LUT_3D_SIZE -2", "whole number"),
        ("LUT_3D_SIZE ²", "whole number"),
        ("LUT_3D_SIZE", "whole number"),
        ("LUT_1D_SIZE 2\n0 0 0\n1 1", "line 3.*three numbers"),
        ("LUT_1D_SIZE 2\n0 0 0\n1 1 1 1", "line 3.*three numbers"),
        ("LUT_1D_SIZE 2\n0 0 0\n1 1 1x", "not a number"),
        ("LUT_1D_SIZE 2\n0 0 0\nnan 1 1", "not finite"),
        ("LUT_1D_SIZE 2\n0 0 0\ninf 1 1", "not finite"),
        ("LUT_1D_SIZE 2\n0 0 0\n1e999 1 1", "not finite"),
        ("FANCY 3\nLUT_1D_SIZE 2\n0 0 0\n1 1 1", "line 1.*keyword"),
        ("DOMAIN_MIN 0 0\nLUT_1D_SIZE 2\n0 0 0\n1 1 1", "three numbers"),
        ("DOMAIN_MIN 1 0 0\nLUT_1D_SIZE 2\n0 0 0\n1 1 1", "not below"),
        ("LUT_1D_INPUT_RANGE 0\nLUT_1D_SIZE 2\n0 0 0\n1 1 1", "two numbers"),
        ("DOMAIN_MAX a b c\nLUT_1D_SIZE 2\n0 0 0\n1 1 1", "not a number"),
    ],
)
def test_malformed(body, words):
    with pytest.raises(LutError, match=words) as refusal:
        parse_cube(body)
    assert "\n" not in str(refusal.value)


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_arbitrary_text_is_refused(body):
    with pytest.raises(LutError):
        parse_cube(body)


@given(st.lists(st.sampled_from([*"01 \n#-.e", "LUT_3D_SIZE", "LUT_1D_SIZE 2\n", "TITLE"])))
@settings(max_examples=200, deadline=None)
def test_near_misses_are_tables_or_refused(parts):
    try:
        table = parse_cube("".join(parts)).table
    except LutError:
        return
    assert table.min() >= 0
    assert table.max() <= kernels.LUT_WHITE


def test_files_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(LutError, match="cannot be read"):
        read_cube(tmp_path / "absent.cube")
    with pytest.raises(LutError, match="cannot be read"):
        read_cube(tmp_path)
    with (tmp_path / "large.cube").open("wb") as file:
        file.truncate(MAX_CUBE_BYTES + 1)
    with pytest.raises(LutError, match="larger"):
        read_cube(tmp_path / "large.cube")
    lut = Lut(kernels.lut_identity(17))
    with pytest.raises(LutError, match="cannot be written"):
        write_cube(lut, tmp_path / "absent" / "a.cube")
    assert os.listdir(tmp_path) == ["large.cube"]


def test_binary_files_are_refused(tmp_path):
    (tmp_path / "a.cube").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(LutError):
        read_cube(tmp_path / "a.cube")


@pytest.mark.parametrize(
    "nodes",
    [
        np.zeros((3, 3, 3)),
        np.zeros((2, 2, 3, 3)),
        np.zeros((1, 1, 1, 3)),
        np.full((2, 2, 2, 3), np.nan),
    ],
)
def test_arrays_of_another_kind(nodes):
    with pytest.raises(LutError):
        Lut.from_floats(nodes)
