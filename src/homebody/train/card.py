"""card.md: a trained feature in words, for whoever is about to use it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from homebody.train.confusion import confusion_text
from homebody.train.evaluation import MIN_SLICE, Evaluation
from homebody.train.metrics import Metrics
from homebody.train.split import PARTS


def card(metrics: Metrics) -> str:
    """The card, as Markdown."""
    found, config = metrics.evaluation, metrics.config
    lines = [
        f"# {metrics.name}",
        "",
        f"Says which of {len(found.labels)} labels a photo has: {', '.join(found.labels)}.",
        "",
        "## Data",
        "",
        f"{metrics.data.photos} photos, SHA-256 `{metrics.data.sha256}`, split by "
        f"{config.split_by} with seed {config.seed}. Test photos were used for nothing but the "
        "figures below.",
        "",
        *_table(
            ("label", *PARTS),
            [
                (label, *(str(metrics.data.parts[part][label]) for part in PARTS))
                for label in found.labels
            ],
        ),
        "",
        f"Files skipped: {len(metrics.data.skipped)}"
        + (" (listed in metrics.json)." if metrics.data.skipped else "."),
        "",
        "## How good it is",
        "",
        f"On {found.n} test photos, with 95 % intervals:",
        "",
        *_table(
            ("model", "size", "accuracy", "balanced accuracy"),
            [
                _row(f"{config.format}, in this bundle", metrics.model_bytes["packed"], found),
                _row("float32, before quantization-aware training" if config.qat
                     else "float32, as trained", metrics.model_bytes["float32"],
                     metrics.float_evaluation),
            ],
        ),
        "",
        f"The two give the same label to {100 * metrics.agreement:.1f} % of the photos.",
        "",
        *_table(
            ("label", "precision", "recall"),
            [(s.label, str(s.precision), str(s.recall)) for s in found.scores],
        ),
        "",
        "```",
        confusion_text(found),
        "```",
        "",
        *_slices(found),
        *_warnings(metrics),
        "## Limits",
        "",
        "It gives one of its labels to any photo, also to one that shows none of them. Photos "
        "unlike the training photos may be labelled worse than the figures say. The confidence "
        "is the network's softmax and was not calibrated.",
        "",
        "## How it was made",
        "",
        f"SqueezeNet 1.1 (arXiv:1602.07360) from ImageNet weights: a new last layer, then "
        f"{_tuned(metrics)}{_made_integer(metrics)}. Settings, seed, versions and the history of "
        "losses are in metrics.json.",
        "",
        f"The bundle carries at most {config.samples} validation photos, scaled down, for its "
        "check.",
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _row(name: str, size: int, found: Evaluation) -> tuple[str, str, str, str]:
    low, high = found.balanced_accuracy_interval
    return (
        name,
        f"{size / 1e6:.2f} MB",
        str(found.accuracy),
        f"{100 * found.balanced_accuracy:.0f} % ({100 * low:.0f} to {100 * high:.0f})",
    )


def _tuned(metrics: Metrics) -> str:
    if metrics.best_epoch == 0:
        return "no fine-tuning, since none improved the validation loss"
    modules = metrics.config.modules
    plural = "s" if modules != 1 else ""
    return (
        f"the last {modules} fire module{plural} fine-tuned for {metrics.best_epoch} of "
        f"{len(metrics.history) - 1} epochs on augmented photos"
    )


def _made_integer(metrics: Metrics) -> str:
    if metrics.config.format != "int8":
        return ""
    if metrics.best_quantized_epoch is None:
        return ", then shrunk to int8 after training"
    epochs = len(metrics.quantized_history) - 1
    learned = f"epoch {metrics.best_quantized_epoch} of {epochs} was kept"
    if metrics.best_quantized_epoch == 0:
        learned = f"none of {epochs} epochs improved the validation loss"
    return (
        ", then quantization-aware training: all layers learned on with int8's rounding in the "
        f"forward pass, and the int8 ranges with them ({learned})"
    )


def _slices(found: Evaluation) -> Iterator[str]:
    if not found.slices:
        return
    yield "## Slices"
    yield ""
    yield (
        "False-positive and false-negative rates are each label's against all others; the table "
        f"names the label with the greatest. Slices of fewer than {MIN_SLICE} photos are not "
        "judged. metrics.json has every rate with its interval."
    )
    yield ""
    rows = []
    for s in found.slices:
        positive = max(s.labels, key=lambda r: r.false_positive.value or 0.0)
        negative = max(s.labels, key=lambda r: r.false_negative.value or 0.0)
        rows.append(
            (
                f"{s.column} = {s.value}",
                str(s.accuracy),
                f"{positive.label}: {positive.false_positive}",
                f"{negative.label}: {negative.false_negative}",
            )
        )
    yield from _table(("slice", "accuracy", "most false positives", "most false negatives"), rows)
    yield ""


def _warnings(metrics: Metrics) -> Iterator[str]:
    if metrics.warnings:
        yield "## Warnings"
        yield ""
        yield from (f"- {warning}" for warning in metrics.warnings)
        yield ""


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
