"""Make the hostile bundles: each is a good bundle with one thing wrong, and is refused by name.

    python -m attacks.bundle.make

writes every file and index.json beside this script, always the same bytes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from attacks.bundle import contents, layout

GROUPS = (
    layout.archive,
    layout.headers,
    layout.names,
    contents.limits,
    contents.json_text,
    contents.manifest,
    contents.text,
    contents.content,
    contents.signature,
    contents.samples,
)


class Attack(NamedTuple):
    """A hostile file, the name of the error that must refuse it, and why it is hostile."""

    file: str
    error: str
    why: str
    data: bytes
    how: dict[str, Any]
    """How to open it: `public_key` in hexadecimal, `limits` by their names, and `then` what to
    read once it is open, where it is that which is hostile."""


def attacks() -> list[Attack]:
    """Every attack, in the order of docs/bundle-format.md's table of refusals."""
    found = [Attack(f"{name}.hb", *rest) for group in GROUPS for name, *rest in group()]
    assert len({one.file for one in found}) == len(found)
    return found


def index(found: list[Attack]) -> str:
    """What index.json holds."""
    rows = {one.file: {"error": one.error, "why": one.why, **one.how} for one in found}
    return json.dumps(rows, indent=2) + "\n"


def main() -> None:
    here = Path(__file__).parent
    found = attacks()
    for stale in set(here.glob("*.hb")) - {here / one.file for one in found}:
        stale.unlink()
    for one in found:
        (here / one.file).write_bytes(one.data)
    (here / "index.json").write_text(index(found))


if __name__ == "__main__":
    main()
