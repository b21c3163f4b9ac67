"""Documents that Homebody and its peers make something else of: how many, and why.

    pip install '.[bench]'
    python benchmarks/text_differences.py [--all] [--only PATTERN] [--show 3]

The documents are two in three of those of tests/text/corpus.py, whose Debian packages have to be
installed.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.text import differences


def main() -> None:
    """Compare, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="all documents, not two in three")
    parser.add_argument("--every", type=int, default=1, help="of these every n-th")
    parser.add_argument("--only", default="", help="only names that match this")
    parser.add_argument("--show", type=int, default=0, help="so many of those that differ")
    options = parser.parse_args()
    sources = dict(differences.sources())
    if not options.all:
        sources["documents"] = differences.sample(sources["documents"])
    sources = {name: documents[:: options.every] for name, documents in sources.items()}
    for name, documents in sources.items():
        size = sum(map(len, documents))
        print(f"{name}: {len(documents):,} of {size / 1e6:.1f} MB", flush=True)
    print(f"tensorflow-text {version('tensorflow-text')}, tokenizers {version('tokenizers')}\n")
    print(f"| operation | peer | results | {' | '.join(sources)} | because |")
    print(f"|---|---|---|{'---|' * len(sources)}---|")
    for comparison in differences.comparisons():
        if not re.search(options.only, comparison.name):
            continue
        tallies = [differences.compare(comparison, documents) for documents in sources.values()]
        counts = " | ".join(f"{len(tally.different):,}" for tally in tallies)
        results = sum(tally.items for tally in tallies)
        why = comparison.explained if any(tally.different for tally in tallies) else ""
        print(f"| {comparison.name} | {comparison.peer} | {results:,} | {counts} | {why} |",
              flush=True)  # fmt: skip
        for tally in tallies:
            for document in tally.different[: options.show]:
                print(f"    {document[:200]!r}")


if __name__ == "__main__":
    main()
