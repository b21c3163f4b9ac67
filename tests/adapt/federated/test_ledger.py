"""The file of spent privacy: adds up, and refuses what is none."""

from __future__ import annotations

import pytest

from homebody.adapt.federated import Accountant
from homebody.adapt.federated.ledger import MAX_BYTES, Ledger
from homebody.errors import FederatedError


def test_rounds_come_back_and_add_up(tmp_path):
    path = tmp_path / "ledger.json"
    assert Ledger.read(path) == Ledger()
    for noise, sampling in ((4.0, 1.0), (2.0, 0.5), (3.0, 1.0)):
        Ledger.read(path).and_round(noise, sampling).write(path)
    accountant = Accountant(1e-6)
    for noise, sampling in ((4.0, 1.0), (2.0, 0.5), (3.0, 1.0)):
        accountant.add(noise, sampling)
    assert Ledger.read(path).spent(1e-6) == accountant.spent()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b'{"rounds":[{}]}',
        b'{"rounds":[{"noise":-1}]}',
        b'{"rounds":[{"noise":NaN}]}',
        b'{"rounds":[{"noise":1,"sampling":0}]}',
        b'{"rounds":[{"noise":1,"more":0}]}',
        b'{"format":"homebody-ledger/2","rounds":[]}',
        b'{"rounds":' + b"[" * 5000,
        b'{"rounds":[]}' + b" " * MAX_BYTES,
    ],
    ids=lambda data: data[:40].decode(),
)
def test_what_is_no_ledger_is_refused_and_stays(tmp_path, data):
    path = tmp_path / "ledger.json"
    path.write_bytes(data)
    with pytest.raises(FederatedError, match="no ledger"):
        Ledger.read(path)
    assert path.read_bytes() == data


def test_a_folder_is_no_ledger(tmp_path):
    with pytest.raises(FederatedError, match="cannot read"):
        Ledger.read(tmp_path)
