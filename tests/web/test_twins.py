"""Each module of the browser gives what the Python module of its name gives."""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

import msgspec
import numpy as np
import pytest

from homebody import kernels
from homebody.bundle import Tolerances
from homebody.bundle import open as open_bundle
from homebody.bundle.comparison import measure
from homebody.bundle.samples import Outcome, tensor_sha256
from homebody.errors import CatalogError
from homebody.features.photo import photometry
from homebody.features.photo.catalog import catalog_from_json, catalog_json, default_catalog
from homebody.features.photo.feature import default_bundle
from homebody.features.photo.look import compile_lut, parameters, seed_of
from homebody.features.photo.suggest import suggest
from homebody.pipeline import finish, prepare
from tests.node import Refusal
from tests.web.twin import Twin, needs_node, picture, text

pytestmark = needs_node
CATALOG = default_catalog()
CATEGORIES = [category.id for category in CATALOG.categories]


@pytest.fixture(scope="module")
def twin():
    running = Twin()
    yield running
    running.close()


@pytest.fixture(scope="module")
def looks(twin):
    """The shipped catalog, read by the browser's reader; what it made of each preset."""
    return twin.ask("catalog", file=text(catalog_json()))


def test_every_preset_compiles_to_the_same_table(looks):
    assert len(looks) == len(CATALOG.presets) == 198
    for found, preset in zip(looks, CATALOG.presets, strict=True):
        assert found["id"] == preset.id
        assert found["seed"] == seed_of(preset)
        assert found["parameters"] == parameters(preset.adjust).tolist(), preset.id
        assert found["lut"] == hashlib.sha256(compile_lut(preset).tobytes()).hexdigest(), preset.id


def test_a_cube_becomes_the_same_table(twin):
    size = 17
    table = np.random.default_rng(3).integers(0, 32641, (size, size, size, 3)).astype("<i2")
    document = json.loads(catalog_json())
    document["presets"][0]["adjust"] = {"cube": {"size": size, "table": text(table.tobytes())}}
    data = json.dumps(document).encode()
    found = twin.ask("catalog", file=text(data))[0]
    preset = catalog_from_json(data).presets[0]
    assert found["lut"] == hashlib.sha256(compile_lut(preset).tobytes()).hexdigest()


# ---------------------------------------------------------------------------- suggest


def suggestions(dice: random.Random) -> dict[str, Any]:
    ids = dice.sample(CATEGORIES, dice.randint(0, len(CATEGORIES)))
    steps = dice.choice([2, 10, 1000])  # coarse steps give ties
    return {
        "scores": [(id, dice.randint(0, steps) / steps) for id in ids],
        "count": dice.choice([6, 6, 1, 2, 3, 9, 30, 100]),
        "tier_mix": dice.choice([(3, 3), (6, 0), (0, 6), (1, 0), (2, 1), (1, 4), (7, 993)]),
        "member": dice.random() < 0.2,
    }


def test_suggestions_are_equal(twin, looks):
    dice = random.Random("suggest")
    leads = set()
    for _ in range(1500):
        given = suggestions(dice)
        wanted = suggest(
            CATALOG, dict(given["scores"]), given["count"], given["tier_mix"], given["member"]
        )
        assert twin.ask("suggest", **given) == json.loads(msgspec.json.encode(wanted)), given
        leads.add(wanted.category)
    assert leads == set(CATEGORIES)


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"count": 0}, "UsageError"),
        ({"count": 101}, "UsageError"),
        ({"count": 2.5}, "UsageError"),
        ({"tier_mix": (0, 0)}, "UsageError"),
        ({"tier_mix": (-1, 3)}, "UsageError"),
        ({"tier_mix": (1000, 1)}, "UsageError"),
        ({"scores": [("sunset", 0.5)]}, "CatalogError"),
        ({"scores": [("coastal", 1.5)]}, "CatalogError"),
        ({"scores": [("coastal", -0.1)]}, "CatalogError"),
        ({"lead": "sunset"}, "CatalogError"),
    ],
    ids=str,
)
def test_wishes_out_of_range_are_refused(twin, looks, wrong, name):
    given = {"scores": [], "count": 6, "tier_mix": (3, 3), "member": False}
    with pytest.raises(Refusal) as caught:
        twin.ask("suggest", **{**given, **wrong})
    assert caught.value.name == name


@pytest.mark.parametrize("lead", CATEGORIES)
def test_a_correction_leads_whatever_the_scores_say(twin, looks, lead):
    scores = [(id, 0.1) for id in CATEGORIES if id != lead] + [(lead, 0.0)]
    given = {"scores": scores, "count": 6, "tier_mix": (3, 3), "member": False}
    found = twin.ask("suggest", **given, lead=lead)
    wanted = suggest(CATALOG, {lead: 0.2})
    assert found == {**json.loads(msgspec.json.encode(wanted)), "companion": found["companion"]}


# ---------------------------------------------------------------------------- catalog


def changed_catalog(dice: random.Random) -> bytes:
    """The shipped catalog with one value another."""
    document = json.loads(catalog_json())
    place: Any = document[dice.choice(["presets", "presets", "categories", "families", "limits"])]
    if dice.random() < 0.05:
        place = document
    values = [None, True, 0, -1, 1.5, 3.0, 1e300, -101, 101, 256, "", "a", "A b", "x" * 161, [], {}]
    values += ["coastal", "free", "line\nbreak", "a\u2028b", "ß", [[0, 0]], [[0, 9], [5, 3]]]
    values += [[[0, 0], [0.5, 9]], [[0, 0], [9, 9]], {"red": 50}, {"amount": 5, "size": 3.5}]
    values += [{"size": 17, "table": "AAAA"}, {"size": 18, "table": ""}, {"hue": 361}]
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            place.append(dice.choice(values)) if isinstance(place, list) else None
            return json.dumps(document).encode()
        key = dice.choice(keys)
        if isinstance(place[key], dict | list) and dice.random() < 0.8:
            place = place[key]
            continue
        action = dice.randrange(4)
        if action == 0 and isinstance(place, dict):
            del place[key]
        elif action == 1 and isinstance(place, dict):
            names = ["mono", "fade", "cube", "grain", "curves", "bands", "limits", "exclusive"]
            place[dice.choice(names)] = dice.choice(values)
        elif action == 2 and isinstance(place, list):
            place.append(place[key])
        else:
            place[key] = dice.choice(values)
        return json.dumps(document).encode()


def test_catalogs_are_refused_alike(twin):
    dice = random.Random("catalog")
    refused, why, told = 0, None, None
    for _ in range(120):
        data = changed_catalog(dice)
        try:
            wanted = [preset.id for preset in catalog_from_json(data).presets]
        except CatalogError as error:
            wanted, why = None, error
        try:
            found = [preset["id"] for preset in twin.ask("catalog", file=text(data))]
        except Refusal as refusal:
            found, told = None, refusal
            refused += refusal.name == "CatalogError"
        assert found == wanted, (why, told)
    assert 30 < refused < 120


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b'{"format": 1}', b"\xff", b"[" * 100, b"{" * 9_000_000],
    ids=lambda data: repr(data[:12]),
)
def test_what_is_no_catalog_is_refused(twin, data):
    with pytest.raises(Refusal) as caught:
        twin.ask("catalog", file=text(data))
    assert caught.value.name == "CatalogError"


# ---------------------------------------------------------------------------- pictures


def pictures(count: int) -> list[np.ndarray]:
    """Noise, gradients, flat areas and two bodies of light, of many sizes and shapes."""
    rng = np.random.default_rng(11)
    found = []
    for index in range(count):
        height, width = (int(n) for n in rng.integers(1, 400, 2))
        if index % 7 == 0:
            height, width = int(rng.integers(1, 9)), int(rng.integers(200, 700))
        base = rng.integers(0, 256, 3)
        spread = rng.integers(0, 120, 3)
        noise = rng.normal(0, 1, (height, width, 3)) * spread * (index % 3 > 0)
        slope = np.linspace(-1, 1, width)[None, :, None] * int(rng.integers(0, 200))
        steps = (np.arange(width)[None, :, None] * 8 // width) % 2 * int(rng.integers(0, 200))
        pixels = base + noise + slope * (index % 4 > 1) + steps * (index % 5 > 2)
        if index % 6 == 0:
            pixels = pixels[..., :1].repeat(3, 2)
        found.append(np.ascontiguousarray(np.clip(pixels, 0, 255).astype(np.uint8)))
    return found


def test_light_is_measured_alike(twin):
    dice = random.Random("light")
    names = {"red_green": "redGreen"}
    held = set()
    for pixels in pictures(120):
        content = {
            id: dice.random()
            for id in dice.sample(["animal", "portrait", "flower", "food", "coastal", "street"], 4)
        }
        found = twin.ask("photometry", picture=picture(pixels), content=list(content.items()))
        statistics = kernels.statistics(pixels)
        measured = photometry.measures(statistics)._asdict()
        assert found["measures"] == {names.get(key, key): it for key, it in measured.items()}
        strengths = photometry.strengths(statistics)
        assert dict(found["strengths"]) == strengths
        assert dict(found["combined"]) == photometry.combine(content, strengths)
        held |= {id for id, strength in strengths.items() if strength > 0}
    assert held == {"night", "monochrome", "vibrant", "light-and-shadow"}


def test_the_models_input_is_equal_to_the_bit(twin):
    found_pictures = pictures(40)
    data = default_bundle().read_bytes()
    found = twin.ask("pipeline", file=text(data), pictures=[picture(one) for one in found_pictures])
    with open_bundle(data) as bundle:
        for pixels, one in zip(found_pictures, found, strict=True):
            wanted = prepare(pixels, bundle.manifest.input)
            height, width = wanted.picture.shape[:2]
            assert (one["picture"]["width"], one["picture"]["height"]) == (width, height)
            digest = hashlib.sha256(wanted.picture.tobytes()).hexdigest()
            assert one["picture"]["sha256"] == digest
            assert one["tensor"] == tensor_sha256(wanted.tensor)


def test_scores_are_equal_but_for_last_digits(twin):
    """What follows the model is float64, and may differ in its last digits."""
    rng = np.random.default_rng(13)
    data = default_bundle().read_bytes()
    twin.ask("pipeline", file=text(data), pictures=[])
    with open_bundle(data) as bundle:
        operations = [op for op in bundle.manifest.output if type(op).__name__ != "Photometry"]
        for scale in (0.1, 1, 10, 100):
            logits = (rng.normal(0, scale, (1, 1000))).astype(np.float32)
            wanted = finish(logits, operations, bundle)
            found = dict(twin.ask("finish", logits=logits.ravel().tolist()))
            assert list(found) == list(wanted)
            np.testing.assert_allclose(list(found.values()), list(wanted.values()), rtol=1e-12)


# ---------------------------------------------------------------------------- check


def outcome(rng: np.random.Generator, name: str) -> dict[str, Any]:
    values = rng.normal(0, 1, 12).astype(np.float32)
    answer = rng.choice(["coastal", "street"])
    return {"name": name, "hash": f"{rng.integers(0, 2)}", "values": values, "answer": str(answer)}


def test_comparisons_measure_alike(twin):
    rng = np.random.default_rng(17)
    limits = {"sqnr_db": 20.0, "max_abs": 0.5, "top1": 0.8}
    for case in range(120):
        expected = [outcome(rng, f"s-{i}") for i in range(int(rng.integers(1, 5)))]
        actual = [{**one, "values": one["values"].copy()} for one in expected]
        for one in actual:
            if rng.random() < 0.7:
                one["values"] += rng.normal(0, rng.choice([0.01, 0.3]), 12).astype(np.float32)
            if rng.random() < 0.3:
                one["hash"] = "2"
            if rng.random() < 0.3:
                one["answer"] = "night"
        if case % 10 == 0:
            actual[0]["values"][3] = rng.choice([np.nan, np.inf])
        if case % 11 == 0:
            for one in (*expected, *actual):
                one["values"][:] = 0
        chosen = {key: it for key, it in limits.items() if rng.random() < 0.7} or {"top1": 1.0}
        tolerances = {"outputs": {"y": chosen}, "answers": 0.5}
        python = [
            [
                Outcome(
                    name=one["name"],
                    input_sha256={"x": one["hash"]},
                    outputs={"y": one["values"].reshape(3, 4)},
                    answer=one["answer"],
                )
                for one in group
            ]
            for group in (expected, actual)
        ]
        wanted = measure(*python, msgspec.convert(tolerances, Tolerances))
        travelling = [
            [
                {
                    "name": one["name"],
                    "input_sha256": {"x": one["hash"]},
                    "outputs": {"y": [str(value) for value in one["values"].tolist()]},
                    "shapes": {"y": [3, 4]},
                    "answer": one["answer"],
                }
                for one in group
            ]
            for group in (expected, actual)
        ]
        for sample in (one for group in travelling for one in group):
            sample["outputs"]["y"] = [
                {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(it, it)
                for it in sample["outputs"]["y"]
            ]
        found = twin.ask(
            "measure", expected=travelling[0], actual=travelling[1], tolerances=tolerances
        )
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert one["quantity"] == other.quantity
            assert one["output"] == other.output
            assert one["passed"] == other.passed, (one, other)
            assert one["worst"] == other.worst, (one, other)
            measured = float(str(one["measured"]).replace("Infinity", "inf"))
            np.testing.assert_allclose(measured, other.measured, rtol=1e-9)


def test_samples_are_held_to_the_tolerances(twin):
    """A model that gives what is expected passes; one that strays is caught by each measure."""
    data = text(default_bundle().read_bytes())
    names = ["input", "sqnr_db", "top1", "answers"]
    good = twin.ask("check", file=data, more=[0.0])
    assert good["passed"]
    assert [one["quantity"] for one in good["measurements"]] == names
    assert all(one["inputEqual"] and one["answerEqual"] for one in good["samples"])
    astray = twin.ask("check", file=data, more=[0.0, 9.0, -9.0, 4.0, 30.0, 0.0, 0.0])
    assert not astray["passed"]
    failed = [one["quantity"] for one in astray["measurements"] if not one["passed"]]
    assert failed == ["sqnr_db", "top1", "answers"]
    assert all(one["inputEqual"] for one in astray["samples"])
    assert not all(one["answerEqual"] for one in astray["samples"])


def test_confidences_are_rounded_as_python_rounds(twin):
    dice = random.Random("round")
    values = [dice.random() for _ in range(2000)] + [n / 128 for n in range(129)]
    values += [n / 1e6 + 5e-7 for n in range(0, 1_000_000, 997)]
    values += [0.0, 1.0, 1e-9, 0.9999995, 0.0000005]
    assert twin.ask("rounded", values=values) == [round(value, 6) for value in values]
