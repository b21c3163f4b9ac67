"""A file of what rounds with the same owners have spent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from homebody.adapt.federated._accounting import Accountant, Spent
from homebody.errors import FederatedError
from homebody.files import replacing

MAX_BYTES = 1 << 20


class Sum(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One noisy sum: as :meth:`homebody.adapt.federated.Accountant.add` takes it."""

    noise: Annotated[float, Meta(ge=0, le=1e300)]
    sampling: Annotated[float, Meta(gt=0, le=1)] = 1.0


class Ledger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All noisy sums so far.

    Example:
        >>> ledger = Ledger().and_round(4.0).and_round(4.0)
        >>> [round(x, 2) for x in ledger.spent(1e-6)]
        [1.54, 0.0, 2]
    """

    format: str = "homebody-ledger/1"
    rounds: Annotated[tuple[Sum, ...], Meta(max_length=10_000)] = ()

    def and_round(self, noise: float, sampling: float = 1.0) -> Ledger:
        """The ledger with one sum more."""
        return Ledger(rounds=(*self.rounds, Sum(noise, sampling)))

    def spent(self, delta: float) -> Spent:
        """What all rounds have cost together."""
        accountant = Accountant(delta)
        for one in self.rounds:
            accountant.add(one.noise, one.sampling)
        return accountant.spent()

    @classmethod
    def read(cls, path: Path) -> Ledger:
        """The ledger of a file; an empty one where there is none yet.

        Raises:
            FederatedError: the file cannot be read or is no ledger.
        """
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise FederatedError(f"cannot read the ledger {path}: {error.strerror}") from None
        try:
            if len(data) > MAX_BYTES:
                raise ValueError(f"it has over {MAX_BYTES} bytes")
            found = msgspec.json.decode(data, type=cls)
            if found.format != cls().format:
                raise ValueError(f"it is of the format {found.format!r}")
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise FederatedError(
                f"{path} is no ledger of spent privacy ({error}); give the file of the last round"
            ) from None
        return found

    def write(self, path: Path) -> None:
        """Write the ledger, whole or not at all.

        Raises:
            FederatedError: the file cannot be written.
        """
        with replacing(path, FederatedError, durable=True) as draft:
            draft.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")
