"""Read a battery's measurements: time, current, voltage and charge, from CSV or Parquet.

Units are those of the columns' names (``current_mA``, ``Charge [Ah]``), else of what the numbers
say: charge is current over time, so that an ampere-hour among amperes is seen. What was converted
is noted, for a person to read.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from homebody.errors import MeasurementsError, MissingExtraError

Array = NDArray[np.float64]

BYTES = 512 << 20
"""Largest file that is read."""
ROWS = 5_000_000
"""Most rows that are read."""
FEWEST = 2
NAMES: dict[str, tuple[str, ...]] = {
    "time": ("time", "t", "seconds", "test time", "total time", "elapsed time", "timestamp"),
    "current": ("current", "i", "amps", "amperes"),
    "voltage": ("voltage", "v", "volts", "terminal voltage", "cell voltage"),
    "charge": ("charge", "q", "discharge capacity", "discharged capacity", "capacity",
               "coulombs", "charge drawn"),
}  # fmt: skip
"""What a column may be called, by what it holds; lower case, without its unit."""
UNITS: dict[str, dict[str, float]] = {
    "time": {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0},
    "current": {"a": 1.0, "ma": 1e-3},
    "voltage": {"v": 1.0, "mv": 1e-3},
    "charge": {"c": 1.0, "as": 1.0, "ah": 3600.0, "mah": 3.6},
}
"""What a unit is of second, ampere, volt or coulomb; lower case."""
_MILLIAMPERES_FROM = 50.0
"""Where nothing else tells mA and mAh from A and Ah: the median current from which it is mA."""


class Measurements(NamedTuple):
    """One battery's measurements, in seconds, amperes, volts and coulombs.

    Attributes:
        time: strictly increasing, [n].
        current: positive while discharging, [n].
        voltage: [n]; NaN where missing, if that was allowed.
        charge: drawn since full, [n].
        notes: what was converted, a sentence each.
    """

    time: Array
    current: Array
    voltage: Array
    charge: Array
    notes: tuple[str, ...] = ()

    @property
    def inputs(self) -> Array:
        """What the net takes: current and charge, [n, 2]."""
        return np.stack([self.current, self.charge], axis=1)


def read(
    path: str | os.PathLike[str], *, missing: Literal["refuse", "keep"] = "refuse"
) -> Measurements:
    """Read a ``.csv`` (or ``.tsv``, ``.txt``) or ``.parquet`` file.

    Columns are found by name, whatever their order, case and unit: time, current, voltage, charge.
    A discharge whose current is negative is turned round.

    Args:
        path: the file.
        missing: whether a voltage may be absent; the other columns never may.

    Raises:
        MeasurementsError: the file cannot be read, a column is missing or there twice, a value
            is no number, time does not increase, or units contradict the numbers.
        MissingExtraError: it is Parquet, and pyarrow is not installed.
    """
    file = Path(path)
    columns = _parquet(file) if file.suffix.lower() in (".parquet", ".pq") else _csv(file)
    return interpret(columns, str(path), missing=missing)


def read_folder(path: str | os.PathLike[str]) -> tuple[Measurements, ...]:
    """Every measurement file directly in a folder, by name: one battery each.

    Raises:
        MeasurementsError: it is no folder, holds none, or one of them is refused.
    """
    try:
        files = sorted(
            file for file in Path(path).iterdir()
            if file.suffix.lower() in (".csv", ".tsv", ".parquet", ".pq")
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if not files:
        raise MeasurementsError(f"{path} holds no .csv or .parquet file; give the fleet's folder")
    return tuple(read(file) for file in files)


def interpret(
    columns: Sequence[tuple[str, Array]],
    source: str,
    *,
    missing: Literal["refuse", "keep"] = "refuse",
) -> Measurements:
    """Named columns as measurements in SI units.

    Args:
        columns: names and float64 values [n], NaN where empty.
        source: what messages call it.
        missing: as of :func:`read`.

    Raises:
        MeasurementsError: as of :func:`read`.

    Example:
        >>> minutes, amperes = np.arange(3.0), np.full(3, 2.0)
        >>> found = interpret([("Time [min]", minutes), ("I", amperes), ("V", amperes),
        ...                    ("charge_mAh", minutes * 2000 / 60)], "example")
        >>> found.time.tolist(), found.charge.round(6).tolist(), len(found.notes)
        ([0.0, 60.0, 120.0], [0.0, 120.0, 240.0], 2)
    """
    found, units = _find(columns, source)
    n = len(found["time"])
    if n < FEWEST:
        raise MeasurementsError(f"{source} has {n} rows; give {FEWEST} or more")
    for name, values in found.items():
        absent = np.flatnonzero(np.isnan(values))
        if len(absent) and not (name == "voltage" and missing == "keep"):
            raise MeasurementsError(
                f"{source} has no number for {name} in row {absent[0] + 1}"
                f"{_more(len(absent))}; fill it in or take the row out"
            )
        if np.isinf(values).any():
            row = int(np.flatnonzero(np.isinf(values))[0]) + 1
            raise MeasurementsError(f"{source} has an infinite {name} in row {row}; correct it")
    notes = []
    for name, unit in units.items():
        factor = UNITS[name][unit] if unit else 1.0
        if factor != 1.0:
            found[name] = found[name] * factor
            notes.append(f"{name} was in {_spelled(unit)}, as its column says, and was converted")
    backward = np.flatnonzero(np.diff(found["time"]) <= 0)
    if len(backward):
        row = int(backward[0]) + 2
        raise MeasurementsError(
            f"{source} has a time in row {row} that is not later than in the row before"
            f"{_more(len(backward))}; sort the rows and take repeated ones out"
        )
    if np.median(found["current"]) < 0:
        found["current"] = -found["current"]
        notes.append("current was negative while discharging and was turned round")
    if np.median(np.diff(found["charge"])) < 0:
        found["charge"] = -found["charge"]
        notes.append("charge was falling while discharging and was turned round")
    notes += _match_charge(found, units, source)
    _plausible(found, source)
    return Measurements(
        found["time"], found["current"], found["voltage"], found["charge"], tuple(notes)
    )


def _find(
    columns: Sequence[tuple[str, Array]], source: str
) -> tuple[dict[str, Array], dict[str, str]]:
    """The four columns, and the unit that each one's name states ("" for none)."""
    found: dict[str, Array] = {}
    units: dict[str, str] = {}
    titles: dict[str, str] = {}
    for title, values in columns:
        name, unit = _meaning(title)
        if not name:
            continue
        if name in found:
            raise MeasurementsError(
                f"{source} has two columns for {name}, {titles[name]!r:.60} and {title!r:.60}; "
                "take one out"
            )
        found[name], units[name], titles[name] = values.astype(np.float64), unit, title
    lacking = [name for name in NAMES if name not in found]
    if lacking:
        there = ", ".join(repr(title)[:40] for title, _ in columns[:12]) or "none"
        raise MeasurementsError(
            f"{source} has no column for {' and '.join(lacking)} (there are {there}); "
            "name them time, current, voltage and charge, in s, A, V and C or with their unit, "
            "as in charge_Ah"
        )
    return found, units


def _meaning(title: str) -> tuple[str, str]:
    """What a column's title means, and its unit; ("", "") if it means nothing here."""
    words = re.sub(r"[\s_()\[\]/,.-]+", " ", title.casefold()).strip()
    for name, aliases in NAMES.items():
        if words in aliases:
            return name, "s" if words == "seconds" else ""
    stem, _, last = words.rpartition(" ")
    for name, aliases in NAMES.items():
        if stem in aliases and last in UNITS[name]:
            return name, last
    return "", ""


def _match_charge(found: dict[str, Array], units: dict[str, str], source: str) -> list[str]:
    """Hold charge against current over time; convert what no name explains, or refuse."""
    time, current, charge = found["time"], found["current"], found["charge"]
    # Where a new discharge begins, charge falls back; those steps say nothing.
    onward = np.diff(charge) > 0
    drawn = float(np.sum((np.diff(time) * (current[1:] + current[:-1]) / 2)[onward]))
    gained = float(np.sum(np.diff(charge)[onward]))
    if drawn <= 0:
        return []
    # What each unit would make of a ratio of 1 in A and C.
    candidates = {("a", "c"): 1.0, ("a", "ah"): 1 / 3600, ("ma", "mah"): 1 / 3600,
                  ("ma", "c"): 1e-3, ("a", "mah"): 1 / 3.6, ("ma", "ah"): 1e-3 / 3600}  # fmt: skip
    ratio = gained / drawn
    fits = [
        pair for pair, expected in candidates.items()
        if 0.7 < ratio / expected < 1.4
        and (not units["current"] or pair[0] == "a")  # a named unit has been converted already
        and (not units["charge"] or pair[1] == "c")
    ]  # fmt: skip
    if not fits:
        raise MeasurementsError(
            f"{source} draws {drawn:.4g} A s by its current and {gained:.4g} C by its charge; "
            "state the units in the columns' names, as in current_mA and charge_Ah"
        )
    pair = fits[0]
    if len(fits) > 1:  # A with Ah, or mA with mAh: the same ratio
        large = float(np.median(np.abs(current))) >= _MILLIAMPERES_FROM
        pair = ("ma", "mah") if large else ("a", "ah")
    notes = []
    for name, unit in zip(("current", "charge"), pair, strict=True):
        if UNITS[name][unit] != 1.0:
            found[name] = found[name] * UNITS[name][unit]
            notes.append(
                f"{name} is taken to be in {_spelled(unit)}, by what the numbers say, and was "
                "converted; name the column's unit if that is wrong"
            )
    return notes


def _plausible(found: dict[str, Array], source: str) -> None:
    volts = found["voltage"][~np.isnan(found["voltage"])]
    if not len(volts):
        raise MeasurementsError(f"{source} has no voltage at all; give a file with measurements")
    if not 0 <= np.median(volts) < 2000:
        raise MeasurementsError(
            f"{source} has a median voltage of {np.median(volts):.4g} V; "
            "name the column's unit, as in voltage_mV"
        )


def _csv(path: Path) -> list[tuple[str, Array]]:
    text = _text(path)
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        titles = [title.strip() for title in next(reader, [])]
        rows = [row for row in _bounded(reader, path) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise MeasurementsError(f"{path} is no CSV ({error}); save it again as CSV") from None
    for place, row in enumerate(rows, start=1):
        if len(row) != len(titles):
            raise MeasurementsError(
                f"{path} has {len(row)} cells in row {place} and {len(titles)} columns; correct it"
            )
    wanted = [(index, title) for index, title in enumerate(titles) if _meaning(title)[0]]
    if not wanted:
        return [(title, np.empty(0)) for title in titles]
    return [
        (title, np.array([_number(row[index], path, title, place)
                          for place, row in enumerate(rows, start=1)], np.float64))
        for index, title in wanted
    ]  # fmt: skip


def _bounded(rows: Iterable[list[str]], path: Path) -> Iterable[list[str]]:
    for count, row in enumerate(rows):
        if count >= ROWS:
            raise _too_long(path)
        yield row


def _number(cell: str, path: Path, title: str, row: int) -> float:
    text = cell.strip()
    if text.casefold() in ("", "nan", "na", "n/a", "null", "none", "-"):
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise MeasurementsError(
            f"{path} has {text!r:.40} for {title!r:.40} in row {row}, which is no number; "
            "write numbers with a decimal point"
        ) from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(BYTES + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if len(data) > BYTES:
        raise _too_long(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MeasurementsError(f"{path} is no UTF-8 text; save it as CSV in UTF-8") from None
    if "\0" in text:
        raise MeasurementsError(f"{path} holds zero bytes and is no CSV; save it as CSV in UTF-8")
    return text


def _parquet(path: Path) -> list[tuple[str, Array]]:
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError("battery", "reading Parquet") from None
    try:
        if path.stat().st_size > BYTES:
            raise _too_long(path)
        with parquet.ParquetFile(path) as file:
            if file.metadata.num_rows > ROWS:
                raise _too_long(path)
            titles = [name for name in file.schema_arrow.names if _meaning(name)[0]]
            if not titles:
                return [(name, np.empty(0)) for name in file.schema_arrow.names]
            table = file.read(columns=titles)
    except (OSError, ValueError, arrow.ArrowException) as error:
        raise _unreadable(path, error) from None
    found = []
    for title in table.column_names:
        column = table.column(title)
        try:
            if arrow.types.is_temporal(column.type):
                column = column.cast(arrow.timestamp("us")).cast(arrow.int64())
                values = column.to_numpy().astype(np.float64) / 1e6
            else:
                values = column.cast(arrow.float64()).to_numpy()
        except (ValueError, arrow.ArrowException):
            raise MeasurementsError(
                f"{path} has {title!r:.40} as {column.type}; store it as numbers"
            ) from None
        found.append((title, np.asarray(values, np.float64)))
    return found


def _spelled(unit: str) -> str:
    return {"ma": "mA", "mv": "mV", "ah": "Ah", "mah": "mAh", "as": "As"}.get(unit, unit)


def _more(count: int) -> str:
    return "" if count == 1 else f" and in {count - 1:,} more"


def _too_long(path: Path) -> MeasurementsError:
    return MeasurementsError(
        f"{path} has over {ROWS:,} rows or {BYTES >> 20} MB; split it into several files"
    )


def _unreadable(path: str | os.PathLike[str], error: Exception) -> MeasurementsError:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    line = " ".join(why.split())[:160]
    return MeasurementsError(f"{path} cannot be read ({line}); give a .csv or .parquet file")
