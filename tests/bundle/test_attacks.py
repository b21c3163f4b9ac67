"""Each hostile bundle is refused by exactly the error that its index names."""

from __future__ import annotations

import json
from typing import Any

import pytest

import homebody.bundle
from attacks.bundle import forge, make
from homebody import errors
from homebody.bundle import Limits, vocabulary
from homebody.bundle.samples import read
from tests.bundle.drafts import ROOT

FOLDER = ROOT / "attacks" / "bundle"
INDEX: dict[str, Any] = json.loads((FOLDER / "index.json").read_text())


def open_and_read(source: Any, how: dict[str, Any]) -> None:
    """Open a bundle as an attack's index asks for."""
    key = bytes.fromhex(how["public_key"]) if "public_key" in how else None
    limits = Limits(**how.get("limits", {}))
    with homebody.bundle.open(source, public_key=key, limits=limits) as bundle:
        assert how.get("then") in ("samples", "vocabulary"), "nothing was refused"
        if how["then"] == "vocabulary":
            vocabulary.read_all(bundle)
        else:
            read(bundle)


@pytest.mark.parametrize("file", INDEX)
def test_it_is_refused_by_name(file: str) -> None:
    expected = getattr(errors, INDEX[file]["error"])
    for source in (FOLDER / file, (FOLDER / file).read_bytes()):
        with pytest.raises(errors.HomebodyError) as caught:
            open_and_read(source, INDEX[file])
        assert type(caught.value) is expected
        message = str(caught.value)
        assert message.isprintable()
        assert len(message) < 600


def test_what_the_attacks_differ_from_is_accepted() -> None:
    key = forge.PUBLISHER.public_key().public_bytes_raw()
    with homebody.bundle.open(forge.good()) as bundle:
        assert bundle.read("labels.txt") == forge.CONTENT["labels.txt"]
    with homebody.bundle.open(forge.signed(), public_key=key) as bundle:
        assert bundle.verified
    with homebody.bundle.open(forge.sampled([forge.sample()])) as bundle:
        assert [sample.name for sample in read(bundle)] == ["one"]


def test_the_committed_files_are_what_the_script_makes() -> None:
    made = make.attacks()
    assert (FOLDER / "index.json").read_text() == make.index(made)
    assert {path.name for path in FOLDER.glob("*.hb")} == {one.file for one in made}
    for one in made:
        assert (FOLDER / one.file).read_bytes() == one.data, one.file


def leaves(error: type[Exception]) -> set[str]:
    """The names of an error's descendants that have none themselves."""
    below = error.__subclasses__()
    return set().union(*map(leaves, below)) if below else {error.__name__}


def test_every_refusal_has_an_attack() -> None:
    not_about_a_file_s_content = {
        "ClosedBundleError",  # the caller's mistakes
        "SigningKeyError",
        "JsonTooLargeError",  # raised by Bundle.json, tested there
    }
    attacked = {row["error"] for row in INDEX.values()}
    assert leaves(errors.BundleError) - attacked == not_about_a_file_s_content
