"""The file of an owner's state: written whole, read strictly."""

from __future__ import annotations

import contextlib
import hashlib
import random

import pytest

from homebody.adapt import safetensors
from homebody.errors import BaseChangedError, ImageFileError, OwnerStateError
from homebody.features.photo.owner import (
    FILE_BYTES,
    dumps,
    load_preference,
    loads,
    photo_key,
    save_preference,
)
from homebody.features.photo.preference import Preference
from tests.features.photo.owners import BASE, CATALOG, made_up_choices, spoiled, taught

SPOILED = spoiled()


def test_a_saved_owner_goes_on_to_the_bit(tmp_path):
    choices = made_up_choices(random.Random(1), 8)
    owner = taught(choices[:5])
    save_preference(owner, tmp_path / "me.safetensors")
    loaded = load_preference(tmp_path / "me.safetensors", BASE)
    assert (loaded.base, loaded.learned, loaded.habits, loaded.recent) == (
        owner.base, owner.learned, owner.habits, owner.recent
    )  # fmt: skip
    assert dumps(loaded) == dumps(owner)
    for choice in choices[5:]:
        loaded.learn(
            CATALOG, choice["scores"], choice["shown"], choice["picked"],
            category=choice.get("category"), photo=choice["photo"],
        )  # fmt: skip
    assert dumps(loaded) == dumps(taught(choices))


def test_the_file_holds_what_its_description_says():
    owner = taught(made_up_choices(random.Random(2), 3))
    tensors, metadata = safetensors.loads(dumps(owner))
    assert set(metadata) == {"format", "asset", "base", "filter", "settings"}
    assert (metadata["format"], metadata["base"]) == ("homebody-owner/1", BASE)
    assert set(tensors) == {"mean", "covariance", "filter", "habits"}


def test_another_base_is_noticed(tmp_path):
    save_preference(taught(made_up_choices(random.Random(3), 1)), tmp_path / "me")
    with pytest.raises(BaseChangedError, match="--carry-over"):
        load_preference(tmp_path / "me", "cd" * 32)
    assert load_preference(tmp_path / "me").base == BASE


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled_files_are_refused(name):
    with pytest.raises(OwnerStateError):
        loads(SPOILED[name])


def test_every_byte_of_the_header_matters_or_is_refused():
    """No change of a byte makes anything but a preference or a refusal."""
    good = dumps(taught(made_up_choices(random.Random(4), 2)))
    dice = random.Random(9)
    length = int.from_bytes(good[:8], "little")
    for _ in range(300):
        data = bytearray(good)
        data[dice.randrange(8 + length)] ^= 1 << dice.randrange(8)
        with contextlib.suppress(OwnerStateError):
            assert isinstance(loads(bytes(data)), Preference)


def test_a_file_too_large_or_absent_is_refused(tmp_path):
    (tmp_path / "large").write_bytes(bytes(FILE_BYTES + 1))
    for name in ("large", "absent", "."):
        with pytest.raises(OwnerStateError):
            load_preference(tmp_path / name)


def test_nothing_is_written_before_anything_is_learned(tmp_path):
    with pytest.raises(OwnerStateError):
        save_preference(Preference(BASE), tmp_path / "me")
    assert list(tmp_path.iterdir()) == []


def test_a_photo_is_known_by_its_length_and_beginning(tmp_path):
    data = random.Random(5).randbytes(100_000)
    (tmp_path / "a.jpg").write_bytes(data)
    (tmp_path / "b.jpg").write_bytes(data)
    key = photo_key(tmp_path / "a.jpg")
    assert key == photo_key(tmp_path / "b.jpg")
    assert key == hashlib.sha256(b"100000:" + data[:65536]).hexdigest()[:32]
    (tmp_path / "b.jpg").write_bytes(data[:-1])
    assert key != photo_key(tmp_path / "b.jpg")
    with pytest.raises(ImageFileError):
        photo_key(tmp_path / "c.jpg")
