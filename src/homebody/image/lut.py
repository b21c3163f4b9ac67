"""Colour look-up tables, and the .cube files that carry them between programs.

The format is Adobe's "Cube LUT Specification" 1.0 (2013): keywords, then one line of three numbers
a node, red fastest. Tables map a photo's own RGB encoding to itself, 0 to 1.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import LutError
from homebody.files import replacing
from homebody.kernels import LUT_SIZES, LUT_WHITE

Floats = NDArray[np.float64]

MAX_CUBE_BYTES = 32 << 20
"""Largest .cube file that is read."""
_MAX_SIZE_3D, _MAX_SIZE_1D = 65, 65_536
_DEFAULT_SIZE = 33
_KEYWORDS = ("TITLE", "LUT_1D_SIZE", "LUT_3D_SIZE", "DOMAIN_MIN", "DOMAIN_MAX")
_RANGES = ("LUT_1D_INPUT_RANGE", "LUT_3D_INPUT_RANGE")


@dataclass(frozen=True, eq=False)
class Lut:
    """A colour table as :func:`homebody.kernels.lut_apply` takes it."""

    table: NDArray[np.int16]
    """int16 [n, n, n, 4], n 17, 33 or 65: blue slowest, red fastest; 32,640 is 1.0."""
    title: str = ""

    @classmethod
    def from_floats(cls, nodes: NDArray[np.floating[Any]], title: str = "") -> Lut:
        """From float [n, n, n, 3], blue slowest, red fastest, 0 to 1 (clipped); n from 2.

        Sizes that the kernel does not take are resampled, trilinearly, to 33 or, above that, 65.

        Raises:
            LutError: another shape, or values that are not finite.

        Example:
            >>> Lut.from_floats(np.zeros((2, 2, 2, 3))).table.shape
            (33, 33, 33, 4)
        """
        values = np.asarray(nodes, np.float64)
        if values.ndim != 4 or values.shape != (*[len(values)] * 3, 3) or len(values) < 2:
            raise LutError(f"a table of shape {list(values.shape)} is not [n, n, n, 3], n from 2")
        if not np.isfinite(values).all():
            raise LutError("the table has values that are not finite; give numbers from 0 to 1")
        if len(values) not in LUT_SIZES:
            size = _DEFAULT_SIZE if len(values) < _DEFAULT_SIZE else LUT_SIZES[-1]
            places = np.linspace(0, len(values) - 1, size)
            for axis in range(3):
                values = _interpolate(values, places, axis)
        table = np.zeros((*values.shape[:3], 4), np.int16)
        table[..., :3] = np.floor(np.clip(values, 0, 1) * LUT_WHITE + 0.5)
        return cls(table, title)

    @property
    def floats(self) -> Floats:
        """The nodes as float64 [n, n, n, 3], 0 to 1."""
        values: Floats = self.table[..., :3] / float(LUT_WHITE)
        return values


def read_cube(path: str | os.PathLike[str]) -> Lut:
    """Read a .cube file: one- or three-dimensional, with any domain.

    Raises:
        LutError: it cannot be opened, is too large, or is malformed; the message names the line.
    """
    try:
        if Path(path).stat().st_size > MAX_CUBE_BYTES:
            raise LutError(
                f"{path} is larger than {MAX_CUBE_BYTES:,} bytes; no .cube file needs it"
            )
        with Path(path).open("rb") as file:
            data = file.read(MAX_CUBE_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise LutError(f"{path} cannot be read ({reason}); check the path") from None
    return parse_cube(data.decode("utf-8", "replace"), str(path))


def parse_cube(text: str, name: str = "the table") -> Lut:
    """Parse the text of a .cube file; ``name`` is what messages call it.

    Raises:
        LutError: it is malformed.

    Example:
        >>> parse_cube("LUT_1D_SIZE 2\\n0 0 0\\n1 1 0.5\\n").floats[-1, -1, -1].tolist()
        [1.0, 1.0, 0.5]
    """
    header: dict[str, list[str]] = {}
    rows: list[str] = []
    title = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip().lstrip("\ufeff")
        if not line or line.startswith("#"):
            continue
        word, _, rest = line.partition(" ") if " " in line else line.partition("\t")
        if word in _KEYWORDS or word in _RANGES:
            if rows:
                raise LutError(f"{name}, line {number}: {word} comes after the table; move it up")
            if word in header:
                raise LutError(f"{name}, line {number}: {word} is given twice; keep one")
            header[word] = rest.split()
            if word == "TITLE":
                title = rest.strip().strip('"')[:200]
        elif word[0].isalpha() and word[:3].lower() not in ("nan", "inf"):
            raise LutError(f"{name}, line {number}: {word[:40]!r} is not a keyword of .cube files")
        else:
            rows.append(line)
            if len(line.split(None, 3)) != 3:
                raise LutError(f"{name}, line {number}: {line[:40]!r} is not three numbers")
    return _assemble(header, rows, title, name)


def _assemble(header: dict[str, list[str]], rows: list[str], title: str, name: str) -> Lut:
    sizes = [(word, header[word]) for word in ("LUT_1D_SIZE", "LUT_3D_SIZE") if word in header]
    if len(sizes) != 1:
        raise LutError(f"{name} needs either LUT_1D_SIZE or LUT_3D_SIZE, once; add or remove one")
    word, values = sizes[0]
    flat = word == "LUT_1D_SIZE"
    most = _MAX_SIZE_1D if flat else _MAX_SIZE_3D
    if len(values) != 1 or not values[0].isascii() or not values[0].isdigit():
        raise LutError(f"{name}: {word} is not one whole number; give 2 to {most}")
    size = int(values[0][:9])
    if not 2 <= size <= most:
        raise LutError(f"{name}: {word} is {values[0][:20]}; give 2 to {most}")
    expected = size if flat else size**3
    if len(rows) != expected:
        raise LutError(f"{name} has {len(rows):,} lines of numbers, not the {expected:,} of {word}")
    nodes = _numbers(" ".join(rows).split(), name).reshape(-1, 3)
    low, high = _domain(header, name)
    if flat:
        return Lut.from_floats(_from_curves(nodes, low, high), title)
    cube = nodes.reshape(size, size, size, 3)
    if (low, high) != ([0.0] * 3, [1.0] * 3):
        target = size if size in LUT_SIZES else _DEFAULT_SIZE
        for axis, channel in ((0, 2), (1, 1), (2, 0)):
            inputs = (np.linspace(0, 1, target) - low[channel]) / (high[channel] - low[channel])
            cube = _interpolate(cube, np.clip(inputs, 0, 1) * (size - 1), axis)
    return Lut.from_floats(cube, title)


def _numbers(words: list[str], name: str) -> Floats:
    try:
        values = np.array(words, np.float64)
    except ValueError as error:
        raise LutError(f"{name} holds what is not a number ({error}); export it again") from None
    if not np.isfinite(values).all():
        raise LutError(f"{name} holds a number that is not finite; export it again")
    return values


def _domain(header: dict[str, list[str]], name: str) -> tuple[list[float], list[float]]:
    low, high = [0.0] * 3, [1.0] * 3
    for word in _RANGES:
        if word in header:
            edges = _numbers(header[word], name).tolist()
            if len(edges) != 2:
                raise LutError(f"{name}: {word} is not two numbers")
            low, high = [edges[0]] * 3, [edges[1]] * 3
    if "DOMAIN_MIN" in header:
        low = _numbers(header["DOMAIN_MIN"], name).tolist()
    if "DOMAIN_MAX" in header:
        high = _numbers(header["DOMAIN_MAX"], name).tolist()
    if len(low) != 3 or len(high) != 3:
        raise LutError(f"{name}: DOMAIN_MIN and DOMAIN_MAX take three numbers")
    if not all(bottom < top for bottom, top in zip(low, high, strict=True)):
        raise LutError(f"{name}: DOMAIN_MIN is not below DOMAIN_MAX; exchange them")
    return low, high


def _from_curves(nodes: Floats, low: list[float], high: list[float]) -> Floats:
    """The three-dimensional table of three curves, one a channel."""
    inputs = np.linspace(0, 1, LUT_SIZES[-1])
    red, green, blue = (
        np.interp((inputs - low[c]) / (high[c] - low[c]) * (len(nodes) - 1),
                  np.arange(len(nodes)), nodes[:, c])
        for c in range(3)
    )  # fmt: skip
    size = len(inputs)
    cube = np.empty((size, size, size, 3))
    cube[..., 0], cube[..., 1], cube[..., 2] = red, green[:, None], blue[:, None, None]
    return cube


def _interpolate(nodes: Floats, places: Floats, axis: int) -> Floats:
    """``nodes`` at fractional indices along one axis, linearly."""
    below = np.minimum(places.astype(np.intp), nodes.shape[axis] - 2)
    shape = [1] * nodes.ndim
    shape[axis] = -1
    part = (places - below).reshape(shape)
    low, high = np.take(nodes, below, axis), np.take(nodes, below + 1, axis)
    between: Floats = low * (1 - part) + high * part
    return between


def write_cube(lut: Lut, path: str | os.PathLike[str]) -> None:
    """Write a three-dimensional .cube file; :func:`read_cube` gives the same table back.

    Raises:
        LutError: the file cannot be written.
    """
    size = len(lut.table)
    title = "".join(c for c in lut.title if c.isprintable() and c != '"')
    lines = [f'TITLE "{title}"'] if title else []
    lines.append(f"LUT_3D_SIZE {size}")
    lines += [f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in lut.floats.reshape(-1, 3).tolist()]
    with replacing(path, LutError) as draft:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
