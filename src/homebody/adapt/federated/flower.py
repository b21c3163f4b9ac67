"""Rounds between machines, over Flower (``flwr``, extra ``[federated]``).

An owner's device runs a ClientApp that answers a round with one clipped and noised update; the
server runs a ServerApp whose strategy sums them. What Flower carries is arrays in and arrays out:
no choice, no count, no number of examples. Flower's telemetry is switched off before it is
imported; set ``FLWR_TELEMETRY_ENABLED=0`` and ``FLWR_DISABLE_UPDATE_CHECK=1`` for its commands.

On the server (``flower-superlink``), in a Flower project's ``server.py``::

    app = server_app(privacy, model, combine, save, rounds=3)

and on each device (``flower-supernode``), in ``client.py``::

    app = client_app(lambda model: owner_update(habits(), catalog), privacy)
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from homebody.adapt.federated._accounting import Accountant, Spent
from homebody.adapt.federated._updates import Array, Privacy, Update, message, total
from homebody.errors import FederatedError, MissingExtraError

if TYPE_CHECKING:
    from flwr.clientapp import ClientApp  # type: ignore[import-not-found, unused-ignore]
    from flwr.serverapp import Grid, ServerApp  # type: ignore[import-not-found, unused-ignore]

# Flower reads the first once, when it is imported; its commands ask for updates unless told not to.
os.environ["FLWR_TELEMETRY_ENABLED"] = "0"
os.environ["FLWR_DISABLE_UPDATE_CHECK"] = "1"
_telemetry = sys.modules.get("flwr.supercore.telemetry")
if _telemetry is not None and getattr(_telemetry, "FLWR_TELEMETRY_ENABLED", "0") != "0":
    raise FederatedError(
        "Flower was imported before, with its telemetry on; import this module first, or set "
        "FLWR_TELEMETRY_ENABLED=0"
    )
try:
    from flwr import app as records  # type: ignore[import-not-found, unused-ignore]
    from flwr import clientapp, serverapp
    from flwr.serverapp.strategy import Strategy  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    raise MissingExtraError("federated", "federated learning between machines") from None

UPDATE = "update"
"""The name of the arrays in a reply; a reply holds nothing else."""
MODEL = "arrays"
CONFIG = "config"
_SYSTEM = random.SystemRandom()


def client_app(update: Callable[[Mapping[str, Array]], Update], privacy: Privacy) -> ClientApp:
    """What an owner's device runs.

    Args:
        update: what this owner's choices say, given the model of the round (arrays by name); it
            runs on the device, and what it returns is clipped and noised before it leaves.
        privacy: this device's own; a server cannot ask for less protection.
    """
    found = clientapp.ClientApp()

    @found.train()  # type: ignore[untyped-decorator, unused-ignore]
    def answer(asked: Any, _context: Any) -> Any:
        model = _arrays(asked.content[MODEL]) if MODEL in asked.content else {}
        sent = message(update(model), privacy)
        reply = records.RecordDict({UPDATE: _record(sent)})
        return records.Message(content=reply, reply_to=asked)

    return found


class PrivateSum(Strategy):  # type: ignore[misc, unused-ignore]
    """A Flower strategy: the model moves by the noisy sum of what owners send.

    Attributes:
        spent: what all rounds so far have cost.

    Args:
        privacy: as the owners' devices have it.
        combine: the next model of the last one and a noisy sum.
        delta: as :class:`~homebody.adapt.federated.Accountant` takes it.
        wait: seconds for which nodes are waited for before a round begins.
    """

    def __init__(
        self,
        privacy: Privacy,
        combine: Callable[[Mapping[str, Array], dict[str, Array]], Mapping[str, Array]],
        *,
        delta: float = 1e-6,
        wait: float = 600.0,
    ) -> None:
        self._privacy, self._combine, self._wait = privacy, combine, wait
        self._accountant = Accountant(delta)
        self._model: Mapping[str, Array] = {}

    @property
    def spent(self) -> Spent:
        """What all rounds so far have cost."""
        return self._accountant.spent()

    def configure_train(
        self, server_round: int, arrays: Any, config: Any, grid: Grid
    ) -> Iterable[Any]:
        """Ask each node that is there with the sampling probability, independently."""
        self._model = _arrays(arrays)
        nodes = self._nodes(grid)
        asked = [node for node in nodes if _SYSTEM.random() < self._privacy.sampling]
        return [
            records.Message(
                content=records.RecordDict({MODEL: arrays, CONFIG: config}),
                message_type=records.MessageType.TRAIN,
                dst_node_id=node,
            )
            for node in asked
        ]

    def _nodes(self, grid: Grid) -> list[int]:
        import time

        least = max(1, int(self._privacy.owners / self._privacy.sampling))
        end = time.monotonic() + self._wait
        while True:
            nodes = list(grid.get_node_ids())
            if len(nodes) >= least:
                return nodes
            if time.monotonic() >= end:
                raise FederatedError(
                    f"{len(nodes)} owners are there after {self._wait:g} s and {least} are needed; "
                    "wait for more, or expect fewer owners"
                )
            time.sleep(min(1.0, self._wait / 10))

    def aggregate_train(self, server_round: int, replies: Iterable[Any]) -> tuple[Any, Any]:
        """Sum what came, count what it cost, and move the model."""
        messages = []
        for reply in replies:
            if reply.has_error():
                continue
            if list(reply.content) != [UPDATE]:
                raise FederatedError(
                    f"a reply holds {sorted(reply.content)}, not {[UPDATE]} alone; "
                    "run this version of Homebody on every device"
                )
            messages.append(_arrays(reply.content[UPDATE]))
        summed = total(messages, self._privacy)
        self._accountant.add(self._privacy.noise_of(len(messages)), self._privacy.sampling)
        self._model = self._combine(self._model, summed)
        spent = self.spent
        told = {"owners": len(messages), "epsilon": spent.epsilon, "delta": spent.delta}
        return _record(self._model), records.MetricRecord(told)

    def configure_evaluate(
        self, server_round: int, arrays: Any, config: Any, grid: Grid
    ) -> Iterable[Any]:
        """Nothing: how well it went is an owner's own affair."""
        return []

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Any]) -> None:
        """Nothing came."""

    def summary(self) -> None:
        """Say how owners are protected."""
        privacy = self._privacy
        print(
            f"clip {privacy.clip:g}, noise {privacy.noise:.3g} times the clip ({privacy.where}), "
            f"{privacy.owners} owners at least, sampled with {privacy.sampling:g}"
        )


def server_app(
    privacy: Privacy,
    model: Mapping[str, Array],
    combine: Callable[[Mapping[str, Array], dict[str, Array]], Mapping[str, Array]],
    save: Callable[[Mapping[str, Array], Spent], None],
    *,
    rounds: int = 1,
    delta: float = 1e-6,
    wait: float = 600.0,
) -> ServerApp:
    """What the server runs: rounds of :class:`PrivateSum`.

    Args:
        privacy, combine, delta, wait: as :class:`PrivateSum` takes them.
        model: arrays by name; sent to the owners in the first round.
        save: called at the end with the last model and what was spent.
        rounds: how many.
    """
    found = serverapp.ServerApp()

    @found.main()  # type: ignore[untyped-decorator, unused-ignore]
    def main(grid: Grid, _context: Any) -> None:
        strategy = PrivateSum(privacy, combine, delta=delta, wait=wait)
        result = strategy.start(grid=grid, initial_arrays=_record(model), num_rounds=rounds)
        spent = strategy.spent
        save(_arrays(result.arrays), spent)
        print(
            f"spent epsilon {spent.epsilon:.3g} at delta {spent.delta:g} in {spent.rounds} rounds"
        )

    return found


def _record(arrays: Mapping[str, Any]) -> Any:
    return records.ArrayRecord(
        {name: records.Array(np.asarray(values, np.float64)) for name, values in arrays.items()}
    )


def _arrays(record: Any) -> dict[str, Array]:
    return {name: np.asarray(array.numpy(), np.float64) for name, array in record.items()}
