"""Measurements out of Parquet, Arrow and CSV files, a batch at a time, from any position on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.errors import FleetError

Array = NDArray[np.float64]
SUFFIXES = (".parquet", ".arrow", ".feather", ".csv")


@dataclass(frozen=True)
class Columns:
    """Which columns are what.

    Args:
        asset: whole numbers or texts.
        time: seconds, or timestamps.
        features: one column each, or the name of a single one that holds lists.
        measured: one column an output.
    """

    asset: str = "asset"
    time: str = "time"
    features: tuple[str, ...] | str = "features"
    measured: tuple[str, ...] = ("measured",)

    @property
    def names(self) -> list[str]:
        """All of them."""
        features = (self.features,) if isinstance(self.features, str) else self.features
        return [self.asset, self.time, *features, *self.measured]


@dataclass
class Position:
    """How far the input was read.

    Attributes:
        file: files read to the end.
        row: rows read of the next one.
        rows: rows read in all.
        seen: name and bytes of each file that was begun.
    """

    file: int = 0
    row: int = 0
    rows: int = 0
    seen: list[list[Any]] = field(default_factory=list)


class Batch(NamedTuple):
    """Measurements as :meth:`Fleet.observe` takes them, and the position after them."""

    ids: NDArray[Any]
    features: Array
    measured: Array
    at: Array
    there: NDArray[np.bool_]
    """Whether a row has an asset; where not, its id stands for nothing."""
    after: Position


class Source:
    """Files of measurements, in the order of their names.

    A file is read once; more may be added, if their names come after those already read. What is
    not as it should be in one row (null, no number) becomes NaN there, which the fleet has an
    answer for; a file that cannot be read, or whose columns have other types, is refused.

    Args:
        paths: a file, a folder of files, or files; ``.parquet``, ``.arrow``, ``.feather`` (IPC) or
            ``.csv`` (with a line of names).
        columns: which columns are what.
        batch: rows of a batch.

    Raises:
        FleetError: there are no such files, or pyarrow is not installed.
    """

    def __init__(
        self,
        paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        columns: Columns | None = None,
        *,
        batch: int = 65_536,
    ) -> None:
        _arrow()
        self.columns = columns or Columns()
        if not 1 <= batch <= 1 << 24:
            raise FleetError(f"batch is {batch}; give 1 to 2^24 rows")
        self.batch = batch
        self._paths = paths
        self.files = self._list()

    def _list(self) -> list[Path]:
        paths = self._paths
        if isinstance(paths, (str, os.PathLike)):
            folder = Path(paths)
            files = (
                sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES and p.name[0] != ".")
                if folder.is_dir()
                else [folder]
            )
        else:
            files = [Path(path) for path in paths]
        for path in files:
            if path.suffix not in SUFFIXES or not path.is_file():
                raise FleetError(f"{path} is no {', '.join(SUFFIXES)} file; give one, or a folder")
        if not files:
            raise FleetError(f"{paths} holds no {', '.join(SUFFIXES)} files; give measurements")
        return files

    def rows(self) -> int | None:
        """How many rows there are, where the files say so without being read."""
        _, parquet = _arrow()
        if any(path.suffix != ".parquet" for path in self.files):
            return None
        total = 0
        for path in self.files:
            with _reading(path):
                total += parquet.read_metadata(path).num_rows
        return total

    def batches(self, start: Position | None = None) -> Iterator[Batch]:
        """The measurements from a position on.

        Raises:
            FleetError: a file is damaged or lacks a column, or files that were read have changed.
        """
        now = start or Position()
        for place, (name, size) in enumerate(now.seen):
            path = self.files[place] if place < len(self.files) else None
            if path is None or path.name != name or path.stat().st_size != size:
                raise FleetError(
                    f"the input has changed: file {place + 1} was {name} with {size} bytes; put it "
                    "back, or begin a new checkpoint"
                )
        for index in range(now.file, len(self.files)):
            path = self.files[index]
            skip = now.row if index == now.file else 0
            row, seen = skip, [*now.seen]
            if len(seen) == index:
                seen.append([path.name, path.stat().st_size])
            for table in self._tables(path, skip):
                row += table.num_rows
                now = Position(index, row, now.rows + table.num_rows, seen)
                yield self._batch(path, table, now)
            now = Position(index + 1, 0, now.rows, seen)

    def _tables(self, path: Path, skip: int) -> Iterator[Any]:
        """Tables from the row ``skip`` on, cut at multiples of ``batch``, wherever one begins."""
        held: list[Any] = []
        count = skip % self.batch
        arrow, _ = _arrow()
        for piece in self._pieces(path, skip):
            while piece.num_rows:
                take = min(self.batch - count, piece.num_rows)
                held.append(piece.slice(0, take))
                count += take
                piece = piece.slice(take)
                if count == self.batch:
                    yield arrow.Table.from_batches(held)
                    held, count = [], 0
        if held:
            yield arrow.Table.from_batches(held)

    def _pieces(self, path: Path, skip: int) -> Iterator[Any]:
        """Record batches of the columns, without the first ``skip`` rows."""
        arrow, parquet = _arrow()
        names = self.columns.names
        with _reading(path):
            if path.suffix == ".parquet":
                with parquet.ParquetFile(path) as file:
                    _require(path, names, file.schema_arrow.names)
                    groups: list[int] = []
                    for group in range(file.num_row_groups):
                        rows = file.metadata.row_group(group).num_rows
                        if skip >= rows and not groups:
                            skip -= rows
                        else:
                            groups.append(group)
                    if groups:
                        found = file.iter_batches(self.batch, row_groups=groups, columns=names)
                        yield from _without(found, skip)
            elif path.suffix == ".csv":
                from pyarrow import csv

                with csv.open_csv(path) as file:
                    _require(path, names, file.schema.names)
                    yield from _without((piece.select(names) for piece in file), skip)
            else:
                with arrow.memory_map(str(path)) as raw, arrow.ipc.open_file(raw) as file:
                    _require(path, names, file.schema.names)
                    found = (
                        file.get_batch(i).select(names) for i in range(file.num_record_batches)
                    )
                    yield from _without(found, skip)

    def _batch(self, path: Path, table: Any, after: Position) -> Batch:
        arrow, _ = _arrow()
        from pyarrow import compute

        columns = self.columns
        asset = table[columns.asset].combine_chunks()
        if arrow.types.is_dictionary(asset.type):
            asset = asset.dictionary_decode()
        kind = asset.type
        if arrow.types.is_integer(kind):
            there = np.asarray(asset.is_valid())
            ids = asset.fill_null(0).to_numpy(zero_copy_only=False)
        elif arrow.types.is_string(kind) or arrow.types.is_large_string(kind):
            there = np.asarray(asset.is_valid())
            ids = np.array(asset.fill_null("").to_pylist(), np.str_)
        else:
            raise FleetError(f"{path}: {columns.asset} is {kind}; give whole numbers or texts")
        when = table[columns.time].combine_chunks()
        if arrow.types.is_timestamp(when.type):
            when = compute.cast(when.cast(arrow.timestamp("us", when.type.tz)), arrow.int64())
            at = self._reals(path, columns.time, when) / 1e6
        else:
            at = self._reals(path, columns.time, when)
        if isinstance(columns.features, str):
            features = self._lists(path, columns.features, table[columns.features])
        else:
            features = np.stack([self._column(path, table, n) for n in columns.features], axis=1)
        measured = np.stack([self._column(path, table, n) for n in columns.measured], axis=1)
        return Batch(ids, features, measured, at, there, after)

    def _column(self, path: Path, table: Any, name: str) -> Array:
        return self._reals(path, name, table[name].combine_chunks())

    def _reals(self, path: Path, name: str, values: Any) -> Array:
        arrow, _ = _arrow()
        kind = values.type
        if arrow.types.is_null(kind):
            return np.full(len(values), np.nan)
        if not (arrow.types.is_floating(kind) or arrow.types.is_integer(kind)):
            raise FleetError(f"{path}: {name} is {kind}; give real numbers")
        wide = values.cast(arrow.float64(), safe=False)
        return np.array(wide.to_numpy(zero_copy_only=False), np.float64)

    def _lists(self, path: Path, name: str, column: Any) -> Array:
        arrow, _ = _arrow()
        from pyarrow import compute

        values = column.combine_chunks()
        kind = values.type
        listed = arrow.types.is_list(kind) or arrow.types.is_large_list(kind)
        if not (listed or arrow.types.is_fixed_size_list(kind)):
            raise FleetError(f"{path}: {name} is {kind}; give lists of real numbers")
        lengths = compute.list_value_length(values)
        known = np.asarray(values.is_valid())
        sizes = np.asarray(lengths.fill_null(0))
        width = int(sizes.max(initial=0)) if not known.any() else int(sizes[known][0])
        if (sizes[known] != width).any():
            raise FleetError(f"{path}: {name} holds lists of differing lengths; give [f] numbers")
        found = np.full((len(values), width), np.nan)
        flat = self._reals(path, name, compute.list_flatten(values))
        found[known] = flat.reshape(int(known.sum()), width)
        return found


def _without(pieces: Any, skip: int) -> Iterator[Any]:
    for piece in pieces:
        if skip >= piece.num_rows:
            skip -= piece.num_rows
            continue
        yield piece.slice(skip)
        skip = 0


def _require(path: Path, names: list[str], there: list[str]) -> None:
    missing = [name for name in names if there.count(name) != 1]
    if missing:
        raise FleetError(
            f"{path} lacks the column {missing[0]!r}, or has it twice; it has "
            f"{', '.join(there[:20])[:300]}"
        )


class _reading:
    """What pyarrow raises over a file, as one sentence."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, (OSError, ValueError)) and not isinstance(error, FleetError):
            first = str(error).splitlines()[0][:200] if str(error) else kind.__name__
            raise FleetError(f"{self._path} cannot be read ({first}); give a whole file") from None


def _arrow() -> tuple[Any, Any]:
    """Pyarrow and its Parquet part, imported on first use."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise FleetError(
            "reading and writing measurements needs pyarrow; pip install 'homebody[fleet]'"
        ) from None
    return pyarrow, pyarrow.parquet
