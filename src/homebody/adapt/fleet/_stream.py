"""Measurements through a fleet, from where the last run stopped, none lost and none twice."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from homebody.adapt.fleet._checkpoint import Checkpoint, _settle
from homebody.adapt.fleet._fleet import Fleet
from homebody.adapt.fleet._observed import STATUSES, Observed
from homebody.adapt.fleet._source import Batch, Position, Source, _arrow
from homebody.errors import CheckpointError, FleetError
from homebody.files import replacing

PART = "part-{:015d}.parquet"


class Streamed(NamedTuple):
    """What a run did.

    Attributes:
        rows: rows taken in this run.
        total: rows taken since the checkpoint began.
        statuses: how many there are of each status, in this run.
        checkpoints: how many were written in this run.
    """

    rows: int
    total: int
    statuses: dict[str, int]
    checkpoints: int


def stream(
    fleet: Fleet,
    source: Source,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    every: int = 1_000_000,
    out: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> Streamed:
    """Take all measurements of a source.

    The fleet's state and the input's position are written together, in one file that changes at one
    instant; what is answered goes to ``out``, one file for the rows between two checkpoints, in
    place before the checkpoint that counts them. So a run that is killed at any moment is repeated
    from the last checkpoint, and ends with the bytes of one that was not.

    Args:
        fleet: a new one, made with the settings of the checkpoint's, if there is one.
        source: where the measurements are.
        checkpoint: the file to go on from, and to write.
        every: rows between two checkpoints.
        out: a folder for Parquet files with asset, time, status, mean, low, high, pushed, anomaly
            and alarm of each row.
        progress: called with the rows taken and the rows there are (None: unknown).

    Returns:
        What this run did.

    Raises:
        FleetError: the input is damaged, has changed, or does not fit the fleet.
        CheckpointError: the checkpoint cannot be read or written, or is of another fleet.
    """
    if every < 1:
        raise FleetError(f"every is {every}; give rows, 1 or more")
    kept = Checkpoint(checkpoint) if checkpoint is not None else None
    saved = kept.load(fleet) if kept else None
    if kept:
        kept.tidy()
    position = _position(saved) if saved else Position()
    answers = _Answers(Path(out), fleet.outputs) if out is not None else None
    if answers:
        answers.forget(position.rows)
    begun, counts, written = position.rows, np.zeros(len(STATUSES), np.int64), 0
    total = source.rows() if progress else None
    with ExitStack() as stack:
        since = position.rows
        for batch in _cut(source.batches(position), position.rows, every):
            seen = _observe(fleet, batch)
            counts += np.bincount(seen.status, minlength=len(STATUSES))
            if answers:
                answers.write(stack, since, batch, seen)
            position = batch.after
            if progress:
                progress(position.rows, total)
            if position.rows - since >= every:
                stack.close()
                if kept:
                    kept.save(fleet, asdict(position))
                    written += 1
                since = position.rows
        stack.close()
        if kept and (position.rows > since or saved is None):
            kept.save(fleet, asdict(position))
            written += 1
    statuses = {name: n for name, n in zip(STATUSES, counts.tolist(), strict=True) if n}
    return Streamed(position.rows - begun, position.rows, statuses, written)


def _observe(fleet: Fleet, batch: Batch) -> Observed:
    if batch.features.shape[1] != fleet.features and batch.there.any():
        raise FleetError(
            f"the input has {batch.features.shape[1]} features and the fleet {fleet.features}; "
            "give those of the fleet's base model"
        )
    if batch.there.all():
        return fleet.observe(batch.ids, batch.features, batch.measured, batch.at)
    # Rows of no asset are refused; the others are taken without them.
    mine = np.flatnonzero(batch.there)
    some = fleet.observe(
        batch.ids[mine], batch.features[mine].reshape(len(mine), fleet.features),
        batch.measured[mine], batch.at[mine],
    )  # fmt: skip
    whole = []
    for part in some:
        empty: Any = np.full((len(batch.ids), *part.shape[1:]), _NOTHING[part.dtype.kind])
        whole.append(empty.astype(part.dtype))
        whole[-1][mine] = part
    return Observed(*whole)


_NOTHING = {"u": STATUSES.index("refused"), "f": np.nan, "b": False}


def _cut(batches: Iterator[Batch], rows: int, every: int) -> Iterator[Batch]:
    """The batches, cut where a checkpoint is due: at the same rows whatever came before."""
    since = rows
    for batch in batches:
        begin, count = 0, len(batch.ids)
        while begin < count:
            take = min(count - begin, every - (rows - since))
            left = count - begin - take
            after = batch.after
            cut = slice(begin, begin + take)
            yield Batch(
                batch.ids[cut], batch.features[cut], batch.measured[cut], batch.at[cut],
                batch.there[cut],
                Position(after.file, after.row - left, after.rows - left, after.seen),
            )  # fmt: skip
            begin += take
            rows += take
            if rows - since >= every:
                since = rows


def _position(saved: dict[str, Any]) -> Position:
    try:
        position = Position(**saved)
        numbers = (position.file, position.row, position.rows)
        fine = all(isinstance(n, int) and n >= 0 for n in numbers)
        fine = fine and all(isinstance(n, str) and isinstance(s, int) for n, s in position.seen)
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise CheckpointError("the checkpoint's position is none; it was not made by streaming")
    return position


class _Answers:
    """The folder of what was answered, a file for the rows between two checkpoints."""

    def __init__(self, folder: Path, outputs: int) -> None:
        self._folder, self._outputs = folder, outputs
        self._writer: Any = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FleetError(f"{folder} cannot be made ({error.strerror}); give another") from None

    def forget(self, rows: int) -> None:
        """Remove what no checkpoint counts: it will be written again."""
        for path in self._folder.glob("part-*.parquet"):
            number = path.stem.removeprefix("part-")
            if number.isdigit() and int(number) >= rows:
                path.unlink()
        for path in self._folder.glob(".part-*.part.parquet"):
            path.unlink()

    def write(self, stack: ExitStack, since: int, batch: Batch, seen: Observed) -> None:
        """Add rows to the file that begins at ``since``; it is in place when the stack closes."""
        arrow, parquet = _arrow()
        ids = arrow.array(batch.ids.tolist() if batch.ids.dtype.kind == "U" else batch.ids)
        if not batch.there.all():
            ids = arrow.array(
                [v if t else None for v, t in zip(ids.to_pylist(), batch.there, strict=True)],
                ids.type,
            )
        names = {
            "asset": ids,
            "time": batch.at,
            "status": arrow.DictionaryArray.from_arrays(
                arrow.array(seen.status.astype(np.int8)), list(STATUSES)
            ),
        }
        for name in ("mean", "low", "high"):
            column = getattr(seen, name)
            for output in range(self._outputs):
                names[name if self._outputs == 1 else f"{name}{output}"] = column[:, output]
        names.update(pushed=seen.pushed, anomaly=seen.anomaly, alarm=seen.alarm)
        table = arrow.table(names)
        if self._writer is None:
            path = self._folder / PART.format(since)
            stack.callback(_settle, self._folder)
            draft = stack.enter_context(replacing(path, FleetError, durable=True))
            self._writer = parquet.ParquetWriter(draft, table.schema)
            stack.callback(self._close)
        self._writer.write_table(table)

    def _close(self) -> None:
        self._writer.close()
        self._writer = None
