"""How often a text classifier is right, beside scikit-learn's on the same split.

    apt-cache dumpavail | python examples/debian_topics.py > topics.tsv
    python -m benchmarks.text_classify topics.tsv

Says of a Debian package, from its one-line description, which of 16 sections it is in. No source
package has texts on both sides of a split. Every setting, ours and the peers', is chosen by the
validation part; the test part is looked at once, by each model that was chosen, which was then
trained on both other parts. Ours is measured as packed: bundle, tokenizer, int8 model and LiteRT.

The peer is scikit-learn's TF-IDF with logistic regression, on words, and on words, their pairs and
runs of 3 to 5 letters. Prints a Markdown table; differences are paired, with a 95 % interval of the
bootstrap over source packages. Last, the test texts go through the browser's modules under node.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import homebody
from homebody.features.text.data import LabelledText, read_texts
from homebody.features.text.train import split_texts, train_text
from homebody.train.intervals import wilson
from tests.text.twin import Twin

STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0)
RESAMPLES = 2000


def peer(
    features: Callable[[], Any], parts: dict[str, list[LabelledText]]
) -> tuple[NDArray[np.bool_], float]:
    """Which test texts scikit-learn labels right, and the strength it was given."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    def trained(on: Sequence[LabelledText], strength: float) -> Any:
        model = make_pipeline(features(), LogisticRegression(C=strength, max_iter=1000))
        return model.fit([one.text for one in on], [one.label for one in on])

    def right(model: Any, on: Sequence[LabelledText]) -> NDArray[np.bool_]:
        given = model.predict([one.text for one in on])
        return np.array([one.label for one in on]) == given

    validated = {
        strength: right(trained(parts["train"], strength), parts["validation"]).mean()
        for strength in STRENGTHS
    }
    best = max(validated, key=lambda strength: validated[strength])
    model = trained([*parts["train"], *parts["validation"]], best)
    return right(model, parts["test"]), best


def difference(
    one: NDArray[np.bool_], other: NDArray[np.bool_], test: Sequence[LabelledText]
) -> str:
    """How much more often one is right, in points, resampling sources."""
    names = sorted({text.source for text in test})
    of = np.array([names.index(text.source) for text in test])
    gain = np.bincount(of, one.astype(float) - other, len(names))
    count = np.bincount(of, minlength=len(names))
    dice = np.random.default_rng(0)
    drawn = dice.integers(0, len(names), (RESAMPLES, len(names)))
    shares = gain[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.percentile(shares, [2.5, 97.5])
    return f"{100 * gain.sum() / count.sum():+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def main() -> None:
    """Print the table."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data = read_texts(options.table, split_by="source")
    parts = split_texts(data.examples, options.seed)
    test = parts["test"]
    with tempfile.TemporaryDirectory() as folder:
        trained = train_text(data, Path(folder, "topics.hb"), seed=options.seed)
        size = trained.path.stat().st_size
        with homebody.load(trained.path) as feature:
            given = [feature(one.text).label for one in test]
            ids = [feature.prepare(one.text).tensors["ids"][0].tolist() for one in test]
        ours = np.array([one.label for one in test]) == given
        with Twin() as node:
            texts = [one.text for one in test]
            found = node.ask("classify", bundle=str(trained.path), texts=texts)["found"]
        alike = sum(
            (one["label"], one["tensors"]["ids"]) == known
            for one, known in zip(found, zip(given, ids, strict=True), strict=True)
        )
    words, words_strength = peer(lambda: TfidfVectorizer(sublinear_tf=True), parts)
    letters, letters_strength = peer(
        lambda: make_union(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True),
        ),
        parts,
    )
    most = trained.metrics.majority
    counts = trained.metrics.texts
    sources = len({one.source for one in test})
    print(
        f"{sum(counts.values())} texts of {len(data.labels)} labels (SHA-256 {data.sha256[:16]}…): "
        f"{counts['train']} to train on, {counts['validation']} to choose by, {counts['test']} of "
        f"{sources} source packages to test on.\n"
    )
    print("| model | accuracy on the test texts | ours is more often right by, points |")
    print("|---|---|---|")
    print(f"| ours, packed ({size / 1000:.0f} kB, int8, C = {trained.metrics.strength:g}) "
          f"| {wilson(int(ours.sum()), len(test))} | |")  # fmt: skip
    for name, found in (
        (f"TF-IDF of words (C = {words_strength:g})", words),
        (f"TF-IDF of words, pairs and letters (C = {letters_strength:g})", letters),
    ):
        share = wilson(int(found.sum()), len(test))
        print(f"| scikit-learn, {name} | {share} | {difference(ours, found, test)} |")
    print(f"| the most frequent label | {most} | |")
    print(f"\nNode and LiteRT.js give the same ids and label to {alike} of {len(test)} test texts.")


if __name__ == "__main__":
    main()
