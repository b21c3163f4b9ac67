"""Rounds without a network: what Flower does between machines, in one process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from homebody.adapt.federated._accounting import Accountant, Spent
from homebody.adapt.federated._updates import Array, Privacy, Update, message, total
from homebody.errors import FederatedError

Model = TypeVar("Model")


class Round(NamedTuple):
    """One round: its sum, how many owners took part, and what all rounds so far have cost."""

    total: dict[str, Array]
    owners: int
    spent: Spent


def simulate(
    owners: Sequence[Callable[[Any], Update]],
    model: Model,
    combine: Callable[[Model, dict[str, Array]], Model],
    privacy: Privacy,
    *,
    rounds: int = 1,
    delta: float = 1e-6,
    seed: int | None = None,
) -> tuple[Model, list[Round]]:
    """Let owners' updates move a model, round by round.

    Args:
        owners: what each would answer to a model; called in turn for those who take part.
        model: anything; what the first round begins with.
        combine: the next model of the last one and a noisy sum.
        privacy: how updates are protected.
        rounds: how many.
        delta: as :class:`Accountant` takes it.
        seed: for a repeatable run; None draws securely.

    Returns:
        The last model, and each round.

    Raises:
        FederatedError: no owner, or a round in which nobody took part.

    Example:
        >>> owners = [lambda model: {"liked": [1.0, 0.0]}] * 100
        >>> privacy = Privacy.spending(8.0, owners=100)
        >>> liked, (only,) = simulate(
        ...     owners, None, lambda model, total: total["liked"], privacy, seed=0
        ... )
        >>> bool(liked[0] > liked[1] + 50), round(only.spent.epsilon, 2)
        (True, 8.0)
    """
    if not owners:
        raise FederatedError("there is no owner; give one or more")
    rng = np.random.default_rng(seed)
    noise = None if seed is None else rng
    found = []
    accountant = Accountant(delta)
    for _ in range(rounds):
        present = rng.random(len(owners)) < privacy.sampling
        taking_part = [owner for owner, there in zip(owners, present, strict=True) if there]
        messages = (message(owner(model), privacy, noise) for owner in taking_part)
        summed = total(messages, privacy, noise)
        accountant.add(privacy.noise_of(len(taking_part)), privacy.sampling)
        model = combine(model, summed)
        found.append(Round(summed, len(taking_part), accountant.spent()))
    return model, found
