"""Measurements that are remembered: to know repeated ones, and to put late ones in their place."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from homebody.adapt.fleet._observed import CODE
from homebody.adapt.fleet._table import Table
from homebody.adapt.fleet._tracked import Array, Slots, Taken, Tracked

Codes = NDArray[np.uint8]


class Memory(Protocol):
    """What is remembered of each asset's measurements."""

    def grow(self, count: int) -> None: ...
    def known(self, slots: Slots, features: Array, y: Array, times: Array) -> Codes: ...
    def learn(self, slots: Slots, features: Array, y: Array, times: Array) -> Taken: ...
    def sound(self, slots: Slots | None = None) -> bool: ...
    def columns(self) -> dict[str, NDArray[Any]]: ...
    def asset(self, slot: int) -> list[NDArray[Any]]: ...


class Last:
    """The last measurement alone, by a hash: what comes before it is late."""

    def __init__(self, tracked: Tracked) -> None:
        self._tracked = tracked
        self._table = Table(content=(np.uint64, 0, ()))

    def grow(self, count: int) -> None:
        """Have ``count`` assets."""
        self._table.grow(count)

    def known(self, slots: Slots, features: Array, y: Array, times: Array) -> Codes:
        """``learned`` for what is new; else ``duplicate``, ``conflict`` or ``late``."""
        last = self._tracked.table["time"][slots]
        same = np.equal(times, last)
        status = np.full(len(slots), CODE["learned"])
        status[np.less(times, last)] = CODE["late"]
        status[same] = CODE["conflict"]
        status[same & (_content(features, y) == self._table["content"][slots])] = CODE["duplicate"]
        return status

    def learn(self, slots: Slots, features: Array, y: Array, times: Array) -> Taken:
        """Pass measurements on to the filters, at most one of each asset."""
        self._table["content"][slots] = _content(features, y)
        return self._tracked.learn(slots, features, y, times)

    def sound(self, slots: Slots | None = None) -> bool:
        """Any hash may be one."""
        return True

    def columns(self) -> dict[str, NDArray[Any]]:
        """Everything that is remembered, by name; views."""
        return self._table.columns()

    def asset(self, slot: int) -> list[NDArray[Any]]:
        """What is remembered of one; views."""
        return self._table.asset(slot)


class Window:
    """The last ``size + 1`` measurements, and filters that have not seen them.

    A late measurement newer than the oldest of them is put where it belongs: the asset goes back
    to the filters behind, and takes all in the order of their times. The state is then, bit for
    bit, the one of the right order.

    Args:
        size: how many measurements may have come after a late one, 1 or more.
        tracked: the filters that answer.
        behind: filters as they were before the measurements that are remembered; fresh ones.
        features, outputs: of a measurement.
    """

    def __init__(
        self, size: int, tracked: Tracked, behind: Callable[[], Tracked], features: int,
        outputs: int,
    ) -> None:  # fmt: skip
        self._room = size + 1
        self._tracked, self._behind = tracked, behind()
        self._table = Table(
            held=(np.int64, 0, ()),
            at=(np.float64, math.inf, (self._room,)),  # rising; infinite where none is held
            features=(np.float64, 0, (self._room, features)),
            measured=(np.float64, 0, (self._room, outputs)),
        )

    def grow(self, count: int) -> None:
        """Have ``count`` assets."""
        self._table.grow(count)
        self._behind.grow(count)

    def known(self, slots: Slots, features: Array, y: Array, times: Array) -> Codes:
        """``learned`` for what is new; else ``duplicate``, ``conflict`` or ``late``."""
        table = self._table
        at = table["at"][slots]
        met = at == times[:, None]
        there = table["measured"][slots]
        same = ((there == y[:, None]) | (np.isnan(there) & np.isnan(y[:, None]))).all(axis=2)
        same &= (table["features"][slots] == features[:, None]).all(axis=2)
        # The oldest that is held bears witness to what came before it, so a late one is newer;
        # unless all that ever came are held.
        all_held = np.isnan(self._behind.table["time"][slots])
        status = np.full(len(slots), CODE["learned"])
        status[(times < at[:, 0]) & ~all_held] = CODE["late"]
        status[met.any(axis=1)] = CODE["conflict"]
        status[(met & same).any(axis=1)] = CODE["duplicate"]
        return status

    def learn(self, slots: Slots, features: Array, y: Array, times: Array) -> Taken:
        """Pass measurements on to the filters in the order of time, at most one of each asset."""
        late = times < self._tracked.table["time"][slots]
        if not late.any():
            return self._next(slots, features, y, times)
        taken = Taken.empty(len(slots), y.shape[1])
        for some, way in ((~late, self._next), (late, self._again)):
            rows = np.flatnonzero(some)
            made = way(slots[rows], features[rows], y[rows], times[rows])
            taken.put(rows, made, np.arange(len(rows)))
        return taken

    def _next(self, slots: Slots, features: Array, y: Array, times: Array) -> Taken:
        """Measurements newer than all before."""
        table = self._table
        full = table["held"][slots] == self._room
        gone = slots[full]
        if len(gone):
            first = (table[name][gone, 0] for name in ("features", "measured", "at"))
            self._behind.learn(gone, *first)
            for name in ("at", "features", "measured"):
                table[name][gone, :-1] = table[name][gone, 1:]
        place = table["held"][slots] - full
        for name, value in (("at", times), ("features", features), ("measured", y)):
            table[name][slots, place] = value
        table["held"][slots] = place + 1
        return self._tracked.learn(slots, features, y, times)

    def _again(self, slots: Slots, features: Array, y: Array, times: Array) -> Taken:
        """Late measurements: back to the filters behind, and on through all that is held."""
        taken, table = Taken.empty(len(slots), y.shape[1]), self._table
        new = {"at": times, "features": features, "measured": y}
        wide = {n: np.concatenate([table[n][slots], v[:, None]], axis=1) for n, v in new.items()}
        order = np.argsort(wide["at"], axis=1)
        wide = {name: part[np.arange(len(slots))[:, None], order] for name, part in wide.items()}
        full = np.flatnonzero(table["held"][slots] == self._room)
        if len(full):
            at, first, seen = (wide[name][full, 0] for name in new)
            made = self._behind.learn(slots[full], first, seen, at)
            mine = np.flatnonzero(at == times[full])  # a late one may be the oldest itself
            taken.put(full[mine], made, mine)
            for part in wide.values():
                part[full, :-1] = part[full, 1:]
        for name, part in wide.items():
            table[name][slots] = part[:, :-1]
        held = table["held"][slots] = np.minimum(table["held"][slots] + 1, self._room)
        self._tracked.become(self._behind, slots)
        for place in range(int(held.max(initial=0))):
            rows = np.flatnonzero(held > place)
            at, first, seen = (wide[name][rows, place] for name in new)
            made = self._tracked.learn(slots[rows], first, seen, at)
            mine = np.flatnonzero(at == times[rows])
            taken.put(rows[mine], made, mine)
        return taken

    def sound(self, slots: Slots | None = None) -> bool:
        """Whether the numbers, of all or some, are such that a window could hold them."""
        some = np.arange(self._table.count) if slots is None else slots
        held, at = self._table["held"][some], self._table["at"][some]
        there = np.arange(self._room) < held[:, None]
        rising = (at[:, 1:] > at[:, :-1])[there[:, 1:]].all()
        return bool(
            ((held >= 0) & (held <= self._room)).all()
            and rising
            and (np.isfinite(at) == there).all()
            and (at[~there] == np.inf).all()
            and np.isfinite(self._table["features"][some]).all()
            and self._behind.filters.sound(some)
        )

    def columns(self) -> dict[str, NDArray[Any]]:
        """Everything that is remembered, by name; views."""
        behind = self._behind
        parts = {**behind.table.columns(), **behind.filters.columns()}
        named = {f"behind/{name}": part for name, part in parts.items()}
        return {**{f"window/{n}": part for n, part in self._table.columns().items()}, **named}

    def asset(self, slot: int) -> list[NDArray[Any]]:
        """What is remembered of one; views."""
        behind = self._behind
        return [
            *self._table.asset(slot), *behind.table.asset(slot), *behind.filters.asset(slot)
        ]  # fmt: skip


def _content(features: Array, y: Array) -> NDArray[np.uint64]:
    """A 64-bit hash of each row: to tell a repeated message from one that differs."""
    words = np.concatenate([features, y], axis=1) + 0.0  # -0.0 is 0.0
    words[np.isnan(words)] = np.nan
    hashed = np.full(len(words), 0x9E3779B97F4A7C15, np.uint64)
    for column in np.ascontiguousarray(words.T).view(np.uint64):
        hashed = (hashed ^ column) * np.uint64(0xBF58476D1CE4E5B9)
        hashed ^= hashed >> np.uint64(29)
    return hashed
