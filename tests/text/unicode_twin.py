"""The Unicode block read in Python, by the layout that ``kernels/text_unicode.h`` states."""

from __future__ import annotations

import struct
from itertools import pairwise

import numpy as np

from homebody.text._unicode import tables

SECTIONS = 17
MAPPINGS = ("NFD", "NFKD", "FOLD_NFD", "CASEFOLD", "LOWER")
CATEGORIES = (
    "Cn Lu Ll Lt Lm Lo Mn Me Mc Nd Nl No Zs Zl Zp Cc Cf Co Cs Pd Ps Pe Pc Po Sm Sc Sk So Pi Pf"
)


class Block:
    """The parts as numpy arrays over all code points.

    Attributes:
        flags, category, script, combining: [0x110000].
        mappings: by name, the offset in ``pool`` for each code point, 0 for none.
    """

    def __init__(self) -> None:
        block = tables().block.tobytes()
        self.head = struct.unpack_from("<5I", block)
        places = struct.unpack_from(f"<{2 * SECTIONS}I", block, 20)
        parts = [block[at : at + size] for at, size in zip(places[::2], places[1::2], strict=True)]
        records = np.frombuffer(
            parts[2], [("flags", "<u4"), *((n, "u1") for n in ("category", "script", "cc", "_"))]
        )
        numbers = self.staged(parts[0], parts[1])
        self.flags, self.category = records["flags"][numbers], records["category"][numbers]
        self.script, self.combining = records["script"][numbers], records["cc"][numbers]
        self.mappings = {
            name: self.staged(parts[3 + 2 * i], parts[4 + 2 * i]) for i, name in enumerate(MAPPINGS)
        }
        self.pool = np.frombuffer(parts[13], "<u4").tolist()
        pairs = np.frombuffer(parts[14], "<u4").reshape(-1, 3)
        self.pairs = {(a, b): c for a, b, c in pairs.tolist() if a}
        self.page_flags = np.frombuffer(parts[16], "<u4")[np.frombuffer(parts[0], "<u2")]

    @staticmethod
    def staged(index: bytes, pages: bytes) -> np.ndarray:
        return np.frombuffer(pages, "<u2").reshape(-1, 128)[np.frombuffer(index, "<u2")].reshape(-1)

    def mapped(self, name: str, point: int) -> str:
        offset = int(self.mappings[name][point])
        if not offset:
            return chr(point)
        return "".join(map(chr, self.pool[offset + 1 : offset + 1 + (self.pool[offset] & 255)]))


def runs(values: np.ndarray) -> list[tuple[int, int]]:
    """Where an array has other values than just before: (first, last + 1) of each run."""
    edges = [0, *(np.flatnonzero(values[1:] != values[:-1]) + 1).tolist(), len(values)]
    return list(pairwise(edges))
