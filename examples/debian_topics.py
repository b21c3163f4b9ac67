"""Debian's package index as a table of labelled texts.

    apt-cache dumpavail | python examples/debian_topics.py > topics.tsv

Each row is a package: its section (the label), its source package, and its one-line description
(the text). Sections that say what a program is written in, or for whom, are left out; so are rows
that repeat one another.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

TOPICS = {
    "database", "editors", "electronics", "fonts", "games", "graphics", "hamradio", "mail",
    "math", "net", "science", "sound", "tex", "vcs", "video", "web",
}  # fmt: skip


def topics(lines: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Label, source and text of each package that has a topic.

    >>> list(topics(["Package: 0ad", "Section: games", "Description: A game of war", ""]))
    [('games', '0ad', 'A game of war')]
    """
    fields: dict[str, str] = {}
    for line in [*lines, ""]:
        if line.strip():
            key, colon, value = line.partition(": ")
            if colon and not line.startswith(" "):
                fields[key] = value.strip()
            continue
        label = fields.get("Section", "").rpartition("/")[2]
        text = " ".join(fields.get("Description", "").split())
        if label in TOPICS and text:
            yield label, fields.get("Source", fields["Package"]).split()[0], text
        fields = {}


def main() -> None:
    """Read the index from standard input, write the table to standard output."""
    print("label", "source", "text", sep="\t")
    for row in sorted(set(topics(sys.stdin))):
        print(*row, sep="\t")


if __name__ == "__main__":
    main()
