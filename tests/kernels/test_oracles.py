"""The kernels against programs that others wrote: run with ``-m oracle`` and the [bench] extra."""

from __future__ import annotations

import numpy as np
import pytest

from homebody import kernels
from tests.kernels.test_properties import smooth_lut, to_table
from tests.kernels.test_twins import picture

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("size", [(303, 227), (100, 75), (57, 31)])
def test_resize_is_opencvs_area_average(size):
    cv2 = pytest.importorskip("cv2")
    rgb = picture(3, 750, 1000)
    theirs = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(kernels.resize(rgb, *size) - theirs).max() <= 1


def test_enlarging_is_opencvs_linear_interpolation():
    cv2 = pytest.importorskip("cv2")
    rgb = picture(3, 40, 50)
    theirs = cv2.resize(rgb, (133, 97), interpolation=cv2.INTER_LINEAR).astype(int)
    assert np.abs(kernels.resize(rgb, 133, 97) - theirs).max() <= 1


@pytest.mark.parametrize("size", kernels.LUT_SIZES)
def test_lut_is_opencolorios_tetrahedral_interpolation(size):
    ocio = pytest.importorskip("PyOpenColorIO")
    nodes, rgb = smooth_lut(size), picture(3, 64, 64)
    table = ocio.Lut3DTransform(size)
    table.setInterpolation(ocio.INTERP_TETRAHEDRAL)
    table.setData(nodes.transpose(2, 1, 0, 3).astype(np.float32).ravel())
    processor = ocio.Config.CreateRaw().getProcessor(table).getDefaultCPUProcessor()
    theirs = np.ascontiguousarray(rgb.astype(np.float32) / 255)
    processor.apply(ocio.PackedImageDesc(theirs, 64, 64, 3))
    ours = kernels.lut_apply(rgb, to_table(nodes))
    assert np.abs(ours - 255 * theirs).max() <= 0.55


def test_a_cube_file_is_read_as_opencolorio_reads_it(tmp_path):
    ocio = pytest.importorskip("PyOpenColorIO")
    from homebody.image import Lut, read_cube, write_cube

    write_cube(Lut.from_floats(smooth_lut(33)), tmp_path / "a.cube")
    transform = ocio.FileTransform(str(tmp_path / "a.cube"), interpolation=ocio.INTERP_TETRAHEDRAL)
    processor = ocio.Config.CreateRaw().getProcessor(transform).getDefaultCPUProcessor()
    rgb = picture(3, 64, 64)
    theirs = np.ascontiguousarray(rgb.astype(np.float32) / 255)
    processor.apply(ocio.PackedImageDesc(theirs, 64, 64, 3))
    ours = kernels.lut_apply(rgb, read_cube(tmp_path / "a.cube").table)
    assert np.abs(ours - 255 * theirs).max() <= 0.55
