"""Make the golden vectors of normal forms on strings made to break them.

    python -m conformance.text.make_normalize

writes normalize.json beside this script, always the same bytes. Each of ``texts`` is hostile:
runs of marks about the length up to which they are sorted at once, letters that join, characters
that become many or none. ``results`` has for each text, in the order of ``steps``, the beginning of
the SHA-256 of the normalized text in UTF-8 followed by where each of its bytes came from (int32,
little-endian); then the shapes, and of the bits of 5 characters, 21 each, which are 1.
The friendly strings, in full, are in tokens.json.
"""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import numpy as np

from conformance.text.make_tokens import _normalized as normalized
from homebody import text

PATH = Path(__file__).with_name("normalize.json")
STEPS = ("nfc", "nfd", "nfkc", "nfkd", "case_fold", "strip_accents", "clean_tf", "clean_hf")
POINTS = (
    *range(0x300, 0x370), *range(0x1100, 0x1200, 7), *range(0xAC00, 0xAC20), 0x9C7, 0x9BE, 0xDD9,
    0xDCF, 0x1F71, 0xFDFA, 0x3300, 0xFB2C, 0x1D160, 0x2F800, 0x16D63, 0x16D67, 0x16D68, 0x113C5,
    *range(0xFF60, 0xFFE0, 9), 0xAD, 0x200B, 0x345, 0x130, 0x1E9E, 0x3000, 0x85, 0xFFFD, 0, 0x378,
    *b"aAeE\n\t .-+09'`:)\"",
)  # fmt: skip


def texts() -> list[str]:
    """The strings."""
    chance = random.Random(16)
    made = []
    for length in (1, 2, 3, 4, 6, 9, 15, 30) * 12:
        made.append("".join(map(chr, chance.choices(POINTS, k=length))))
    for length in (62, 63, 64, 65, 66, 140):
        made.append("e" + "".join(map(chr, chance.choices(POINTS[:112], k=length))) + "x")
    return made


def run(value: str) -> list[Any]:
    """What a text gives."""
    results: list[Any] = []
    for step in STEPS:
        output, places = normalized(step, value)
        digest = hashlib.sha256(output.encode() + np.array(places, "<i4").tobytes())
        results.append(digest.hexdigest()[:12])
    shapes = text.wordshape(value, list(text.WordShape))
    results.append("".join(str(int(one)) for one in shapes))
    results.append(np.flatnonzero(text.utf8_binarize(value, 5, 21)).tolist())
    return results


def document() -> dict[str, Any]:
    """The whole file."""
    values = texts()
    return {"steps": STEPS, "texts": values, "results": [run(value) for value in values]}


def main() -> None:
    """Write it."""
    PATH.write_text(json.dumps(document(), separators=(",", ":")) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
