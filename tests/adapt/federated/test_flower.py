"""The same rounds over Flower: what a reply holds, what a strategy spends, and no telemetry."""

from __future__ import annotations

import importlib.util
import math
import subprocess
import sys
import warnings

import numpy as np
import pytest

if importlib.util.find_spec("flwr") is None:
    pytest.skip("needs pip install 'homebody[federated]'", allow_module_level=True)

from homebody.adapt.federated import Privacy, gaussian_epsilon
from homebody.errors import FederatedError

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # among Flower's own dependencies
    from homebody.adapt.federated.flower import UPDATE, PrivateSum, client_app, server_app

    # Behind ours, which switches its telemetry off.
    from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict  # isort: skip
    from flwr.supercore.task_identity import TaskIdentity  # isort: skip

# Flower sets this in the processes that it starts.
TaskIdentity.run_id, TaskIdentity.task_id, TaskIdentity.node_id = 1, 1, 0


class Room:
    """A grid whose nodes are apps in this process; Flower's own runs them on other machines."""

    def __init__(self, apps) -> None:
        self.apps = dict(enumerate(apps, 1))
        self.replies: list[Message] = []

    def get_node_ids(self):
        return list(self.apps)

    def send_and_receive(self, messages, timeout=None):
        found = []
        for asked in messages:
            node = asked.metadata.dst_node_id
            context = Context(1, node, {}, RecordDict(), {})
            asked.metadata._message_id = f"{node}"
            found.append(self.apps[node](asked, context))
        self.replies += found
        return found


def apps(privacy, counts):
    return [client_app(lambda model, c=c: {"street": c}, privacy) for c in counts]


def combined(model, total):
    return {"street": model["street"] + total["street"]}


def run(privacy, room, rounds=1, **options):
    strategy = PrivateSum(privacy, combined, wait=0.1, **options)
    model = ArrayRecord({"street": Array(np.zeros(3))})
    found = strategy.start(room, model, num_rounds=rounds, train_config=ConfigRecord())
    return found.arrays["street"].numpy(), strategy


def test_without_noise_the_sum_is_that_of_the_clipped_updates():
    privacy = Privacy(0.0, 3, clip=1.0)
    room = Room(apps(privacy, [[3.0, 4.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.0, 9.0]]))
    found, strategy = run(privacy, room)
    assert found == pytest.approx([1.1, 0.8, 1.0], abs=1e-5)
    assert strategy.spent.epsilon == math.inf


def test_a_reply_holds_one_noised_update_and_nothing_else():
    privacy = Privacy.spending(1.0, owners=4)
    chosen = [1.0, 0.0, 0.0]
    room = Room(apps(privacy, [chosen] * 4))
    run(privacy, room)
    sent = [reply.content[UPDATE]["street"].numpy() for reply in room.replies]
    assert all(list(reply.content) == [UPDATE] for reply in room.replies)
    assert all(list(reply.content[UPDATE]) == ["street"] for reply in room.replies)
    assert len({values.tobytes() for values in sent}) == 4  # four owners that chose alike
    assert all((values != chosen).all() for values in sent)


def test_rounds_add_up_and_the_model_goes_on():
    privacy = Privacy(5.0, 50)
    room = Room(apps(privacy, [[1.0, 0.0, 0.0]] * 50))
    found, strategy = run(privacy, room, rounds=3, delta=1e-5)
    assert strategy.spent.rounds == 3
    assert strategy.spent.epsilon == pytest.approx(gaussian_epsilon(5 / math.sqrt(3), 1e-5))
    # 150 and noise of 5 sqrt(3) on it.
    assert abs(found[0] - 150) < 5 * 5 * math.sqrt(3)
    assert abs(found[1]) < 5 * 5 * math.sqrt(3)


def test_too_few_owners_are_no_round():
    privacy = Privacy(5.0, 10)
    with pytest.raises(FederatedError, match="9 owners are there"):
        run(privacy, Room(apps(privacy, [[0.0, 0.0, 1.0]] * 9)))


def test_a_reply_with_anything_more_is_refused():
    privacy = Privacy(1.0, 1)
    strategy = PrivateSum(privacy, combined)
    record = ArrayRecord({"street": Array(np.zeros(3))})

    class Reply:
        content = RecordDict({UPDATE: record, "picks": record})

        def has_error(self):
            return False

    with pytest.raises(FederatedError, match="picks"):
        strategy.aggregate_train(1, [Reply()])


def test_a_server_app_saves_the_last_model_and_what_was_spent():
    privacy, kept = Privacy(5.0, 2), []
    app = server_app(
        privacy, {"street": np.zeros(3)}, combined, lambda *all: kept.append(all), wait=0.1
    )
    app(Room(apps(privacy, [[1.0, 0.0, 0.0]] * 2)), Context(1, 0, {}, RecordDict(), {}))
    ((model, spent),) = kept
    assert model["street"].shape == (3,)
    assert spent.rounds == 1


TELEMETRY = """
import os, socket, urllib.request
os.environ.pop("FLWR_TELEMETRY_ENABLED", None)
def refuse(*all, **named): raise SystemExit("something was sent")
socket.socket.connect = urllib.request.urlopen = refuse
import homebody.adapt.federated.flower
from flwr.supercore import telemetry
assert telemetry.FLWR_TELEMETRY_ENABLED == "0"
print(telemetry.create_event(telemetry.EventType.PING, None))
"""
LATE = """
import os
os.environ.pop("FLWR_TELEMETRY_ENABLED", None)
import flwr.supercore.telemetry
import homebody.adapt.federated.flower
"""


def test_flower_tells_nobody():
    run = subprocess.run([sys.executable, "-c", TELEMETRY], capture_output=True, text=True)
    assert (run.returncode, run.stdout.strip()) == (0, "disabled"), run.stderr


def test_flower_imported_before_with_telemetry_on_is_refused():
    run = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True)
    assert run.returncode != 0
    assert "telemetry on" in run.stderr
