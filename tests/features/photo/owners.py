"""Choices to learn from, made up; and what spoils a file of owner state."""

from __future__ import annotations

import json
import random
from typing import Any

from homebody.adapt import safetensors
from homebody.features.photo.catalog import Catalog, default_catalog
from homebody.features.photo.owner import dumps
from homebody.features.photo.preference import Preference
from homebody.features.photo.suggest import suggest

BASE = "ab" * 32
CATALOG = default_catalog()


def made_up_scores(dice: random.Random, catalog: Catalog = CATALOG) -> dict[str, float]:
    """Confidences of every category, some of them strong."""
    return {one.id: round(dice.random() ** 3, 3) for one in catalog.categories}


def made_up_choices(dice: random.Random, count: int) -> list[dict[str, Any]]:
    """What an owner of no taste does: arguments of ``learn``, and the photo's scores."""
    choices = []
    for number in range(count):
        scores = made_up_scores(dice)
        shown = [preset.id for preset in suggest(CATALOG, scores).presets]
        picked = dice.choice([*shown, None, dice.choice(CATALOG.presets).id])
        choice = {"scores": scores, "shown": shown, "picked": picked, "photo": f"{number:032x}"}
        if dice.random() < 0.2:
            choice["category"] = dice.choice(CATALOG.categories).id
        choices.append(choice)
    return choices


def taught(choices: list[dict[str, Any]]) -> Preference:
    """A preference that has learned from all of them."""
    preference = Preference(BASE)
    for choice in choices:
        options = {name: choice[name] for name in ("category", "photo") if name in choice}
        preference.learn(CATALOG, choice["scores"], choice["shown"], choice["picked"], **options)
    return preference


def spoiled() -> dict[str, bytes]:
    """Files that are refused, each by what is wrong with it."""
    good = dumps(taught(made_up_choices(random.Random(5), 3)))
    tensors, metadata = safetensors.loads(good)
    settings = json.loads(metadata["settings"])

    def other(parts: dict[str, Any] | None = None, **stated: Any) -> bytes:
        said = {**metadata, **{key: str(value) for key, value in stated.items()}}
        return safetensors.dumps({**tensors, **(parts or {})}, said)

    def told(**changed: Any) -> bytes:
        return other(settings=json.dumps({**settings, **changed}))

    wild = tensors["filter"].copy()
    wild[4096:8192] = 255
    return {
        "empty": b"",
        "cut off": good[:-1],
        "too long": good + b"\0",
        "no safetensors": b"not a file of this kind, but long enough to be one",
        "another asset": other(asset="cell 7"),
        "another format": other(format="homebody-owner/2"),
        "another filter": other(filter="kalman"),
        "no base": other(base="x"),
        "settings that are no JSON": other(settings="{"),
        "settings too deep": other(settings="[" * 200 + "]" * 200),
        "another form": told(form=2),
        "an unknown setting": told(more=1),
        "nothing learned": told(learned=0),
        "a habit of no preset": told(habits=[["../../etc", "coastal"]]),
        "habits without counts": told(habits=[]),
        "a photo that is no hash": told(recent=[["coast.jpg", ""]]),
        "too much remembered": told(recent=[["0" * 32, ""]] * 257),
        "a habit twice": other(
            {"habits": tensors["habits"].repeat(2)},
            settings=json.dumps({**settings, "habits": settings["habits"] * 2}),
        ),
        "a habit that counts nothing": other({"habits": tensors["habits"] * 0}),
        "a tensor too many": other({"more": tensors["mean"]}),
        "a mean of its own": other({"mean": tensors["mean"] + 1}),
        "a covariance of its own": other({"covariance": tensors["covariance"] * 2}),
        "a mean of another length": other({"mean": tensors["mean"][:-1]}),
        "particles that are no numbers": other({"filter": wild}),
        "a filter of another size": other({"filter": tensors["filter"][:-64]}),
    }
