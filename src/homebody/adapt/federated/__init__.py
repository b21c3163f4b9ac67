"""What many owners' choices say together, without any owner's choices leaving their device.

Each owner turns what was chosen into an update (arrays by name), clips it, adds noise and sends
that; the sum of many moves what all share. :class:`Accountant` says what it has cost in
differential privacy. :func:`simulate` runs rounds in one process;
:mod:`homebody.adapt.federated.flower` runs them between machines (extra ``[federated]``).

    >>> privacy = Privacy.spending(epsilon=4.0, owners=1000)
    >>> sent = message({"street": [2.0, 0.0, 1.0]}, privacy)  # all that leaves the device
    >>> accountant = Accountant(delta=1e-6)
    >>> accountant.add(privacy.noise_of(1000))  # the sum of 1,000 of them, seen once
    >>> round(accountant.spent().epsilon, 2)
    4.0
"""

from __future__ import annotations

from homebody.adapt.federated._accounting import (
    Accountant,
    Spent,
    gaussian_delta,
    gaussian_epsilon,
    gaussian_rdp,
    noise_for,
    rdp_epsilon,
    sampled_gaussian_rdp,
    zcdp_epsilon,
)
from homebody.adapt.federated._simulation import Round, simulate
from homebody.adapt.federated._updates import Privacy, Update, clipped, message, total

__all__ = [
    "Accountant",
    "Privacy",
    "Round",
    "Spent",
    "Update",
    "clipped",
    "gaussian_delta",
    "gaussian_epsilon",
    "gaussian_rdp",
    "message",
    "noise_for",
    "rdp_epsilon",
    "sampled_gaussian_rdp",
    "simulate",
    "total",
    "zcdp_epsilon",
]
