"""Reading measurements: units, names, and files that are wrong."""

from __future__ import annotations

import builtins
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homebody.errors import MeasurementsError, MissingExtraError
from homebody.features.battery.measurements import interpret, read, read_folder

TIME = np.arange(0.0, 600.0, 60.0)
CURRENT = np.full(10, 2.0)
VOLTAGE = np.linspace(4.1, 3.5, 10)
CHARGE = CURRENT * TIME
UNITS = {
    "time": {"s": 1.0, "min": 60.0, "h": 3600.0, "ms": 1e-3},
    "current": {"A": 1.0, "mA": 1e-3},
    "voltage": {"V": 1.0, "mV": 1e-3},
    "charge": {"C": 1.0, "Ah": 3600.0, "mAh": 3.6},
}


def write(path: Path, header: str, columns: list[np.ndarray], delimiter: str = ",") -> Path:
    rows = [delimiter.join(repr(float(v)) for v in row) for row in zip(*columns, strict=True)]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    header = "time,current,voltage,charge"
    return write(tmp_path / "cell.csv", header, [TIME, CURRENT, VOLTAGE, CHARGE])


def test_a_plain_file_is_read_as_it_is(csv):
    found = read(csv)
    assert found.notes == ()
    assert found.time.tolist() == TIME.tolist()
    assert found.inputs == pytest.approx(np.stack([CURRENT, CHARGE], axis=1))
    assert found.voltage.tolist() == VOLTAGE.tolist()


@settings(max_examples=60, deadline=None)
@given(
    st.fixed_dictionaries({name: st.sampled_from(sorted(units)) for name, units in UNITS.items()}),
    st.sampled_from(["{}_{}", "{} [{}]", "{} ({})", "{}/{}"]),
)
def test_units_in_names_are_converted_and_said(chosen, form):
    values = {"time": TIME, "current": CURRENT, "voltage": VOLTAGE, "charge": CHARGE}
    columns = [
        (form.format(name.title(), unit), values[name] / UNITS[name][unit])
        for name, unit in chosen.items()
    ]
    found = interpret(columns[::-1], "it")
    for name in values:
        assert getattr(found, name) == pytest.approx(values[name], rel=1e-12), name
    converted = {name for name, unit in chosen.items() if UNITS[name][unit] != 1.0}
    assert {note.split()[0] for note in found.notes} == converted


@pytest.mark.parametrize(
    ("current", "charge", "said"),
    [
        (CURRENT, CHARGE / 3600, {"charge is taken to be in Ah"}),
        (CURRENT * 1e3, CHARGE, {"current is taken to be in mA"}),
        (CURRENT * 1e3, CHARGE / 3.6, {"current is taken to be in mA", "charge is taken to be in"}),
        (CURRENT, CHARGE / 3.6, {"charge is taken to be in mAh"}),
        (CURRENT * 1e3, CHARGE / 3600, {"current is taken to be in mA", "charge is taken to"}),
    ],
)  # fmt: skip
def test_units_without_names_are_what_the_numbers_say(current, charge, said):
    columns = [("t", TIME), ("I", current), ("V", VOLTAGE), ("Q", charge)]
    found = interpret(columns, "it")
    assert found.current == pytest.approx(CURRENT)
    assert found.charge == pytest.approx(CHARGE)
    assert len(found.notes) == len(said)
    for start in said:
        assert any(note.startswith(start) for note in found.notes), found.notes


def test_units_that_contradict_the_numbers_are_refused():
    columns = [("time_s", TIME), ("current_A", CURRENT), ("V", VOLTAGE), ("charge_C", CHARGE / 50)]
    with pytest.raises(MeasurementsError, match="state the units"):
        interpret(columns, "it")
    named = [("time_s", TIME), ("current_A", CURRENT), ("V", VOLTAGE), ("charge_C", CHARGE / 3600)]
    with pytest.raises(MeasurementsError, match="state the units"):
        interpret(named, "it")


def test_several_discharges_in_one_file_are_no_contradiction():
    time = np.concatenate([TIME, TIME + 2000])
    twice = [np.tile(part, 2) for part in (CURRENT, VOLTAGE, CHARGE / 3600)]
    found = interpret(list(zip(("t", "I", "V", "Q"), (time, *twice), strict=True)), "it")
    assert found.charge == pytest.approx(np.tile(CHARGE, 2))


def test_a_negative_discharge_is_turned_round():
    columns = [("t", TIME), ("I", -CURRENT), ("V", VOLTAGE), ("Q", -CHARGE)]
    found = interpret(columns, "it")
    assert found.current.tolist() == CURRENT.tolist()
    assert found.charge.tolist() == CHARGE.tolist()
    assert len(found.notes) == 2


def test_parquet_is_read_like_csv(tmp_path, csv):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "cell.parquet"
    table = {"note": ["x"] * 10, "time": TIME, "current": CURRENT.astype(np.float32),
             "voltage": VOLTAGE, "charge": CHARGE}  # fmt: skip
    parquet.write_table(arrow.table(table), path)
    for got, wanted in zip(read(path)[:4], read(csv)[:4], strict=True):
        assert got.tolist() == wanted.tolist()
    table["time"] = (TIME * 1e6).astype("datetime64[us]")
    parquet.write_table(arrow.table(table), path)
    assert read(path).time.tolist() == TIME.tolist()
    table["voltage"] = ["high"] * 10
    parquet.write_table(arrow.table(table), path)
    with pytest.raises(MeasurementsError, match="as numbers"):
        read(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(MeasurementsError, match="cannot be read"):
        read(path)


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"homebody\[battery\]"):
        read(tmp_path / "cell.parquet")


GOOD = "time,current,voltage,charge\n0,2,4,0\n60,2,3.9,120\n120,2,3.8,240\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column for time"),
        ("\n\n", "no column"),
        ("time,current,voltage,charge\n", "0 rows"),
        ("time,current,voltage,charge\n0,2,4,0\n", "1 rows"),
        ("time,current,voltage\n0,2,4\n1,2,4\n", "no column for charge"),
        ("a,b\n1,2\n", "'a', 'b'"),
        (GOOD.replace("charge", "time_h"), "two columns for time"),
        (GOOD.replace("3.9", ""), "voltage in row 2"),
        (GOOD.replace("3.9", "NaN"), "voltage in row 2"),
        (GOOD.replace("120,2,", "120,nan,"), "current in row 3"),
        (GOOD.replace("3.9", "3,9"), "cells in row 2"),
        (GOOD.replace("3.9", "high"), "'high'"),
        (GOOD.replace("3.9", "inf"), "infinite voltage in row 2"),
        (GOOD.replace("3.9", "1e999"), "infinite voltage"),
        (GOOD.replace("\n60,", "\n0,"), "row 2 that is not later"),
        (GOOD.replace("\n60,", "\n500,"), "row 3 that is not later"),
        (GOOD.replace(",4,", ",4000000,").replace("3.9", "4e6"), "median voltage"),
        (GOOD.replace("\n60", "\n60,1,1"), "cells in row 2"),
        (GOOD + "\0", "zero bytes"),
        ('time,current,voltage,charge\n"' + "x" * 200_000, "no CSV"),
    ],
)  # fmt: skip
def test_files_that_are_wrong_are_refused_in_one_sentence(tmp_path, text, said):
    path = tmp_path / "cell.csv"
    path.write_text(text)
    with pytest.raises(MeasurementsError, match=said) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_text_that_is_none_and_files_that_are_not_there(tmp_path):
    path = tmp_path / "cell.csv"
    path.write_bytes(b"time,current\xff\xfe,voltage")
    with pytest.raises(MeasurementsError, match="UTF-8"):
        read(path)
    for missing in (tmp_path / "none.csv", tmp_path / "none.parquet", tmp_path, "a\0b.csv"):
        with pytest.raises(MeasurementsError, match="cannot be read"):
            read(missing)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_a_byte_order_mark_and_blank_lines(tmp_path, delimiter):
    path = tmp_path / "cell.tsv"
    text = GOOD.replace(",", delimiter).replace("\n60", "\n\n60")
    path.write_text(text, encoding="utf-8-sig")
    assert read(path).charge.tolist() == [0.0, 120.0, 240.0]


def test_a_missing_voltage_may_be_kept(tmp_path):
    path = tmp_path / "cell.csv"
    path.write_text(GOOD.replace("3.9", "n/a"))
    assert np.isnan(read(path, missing="keep").voltage).tolist() == [False, True, False]
    path.write_text(GOOD.replace("120\n", "\n"))
    with pytest.raises(MeasurementsError, match="charge in row 2"):
        read(path, missing="keep")
    path.write_text("time,current,voltage,charge\n0,2,,0\n60,2,,120\n")
    with pytest.raises(MeasurementsError, match="no voltage at all"):
        read(path, missing="keep")


def test_a_file_that_is_too_long_is_refused(tmp_path, csv, monkeypatch):
    monkeypatch.setattr("homebody.features.battery.measurements.ROWS", 9)
    with pytest.raises(MeasurementsError, match="split it"):
        read(csv)
    monkeypatch.setattr("homebody.features.battery.measurements.BYTES", 20)
    with pytest.raises(MeasurementsError, match="split it"):
        read(csv)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path, junk):
    path = tmp_path / "cell.csv"
    path.write_bytes(b"time,current,voltage,charge\n" + junk)
    try:
        found = read(path)
    except MeasurementsError:
        return
    assert all(np.isfinite(column).all() for column in found[:4])
    assert (np.diff(found.time) > 0).all()


def test_a_folder_is_a_fleet(tmp_path, csv):
    (tmp_path / "another.csv").write_text(GOOD)
    (tmp_path / "readme.md").write_text("nothing")
    assert [len(found.time) for found in read_folder(tmp_path)] == [3, 10]
    with pytest.raises(MeasurementsError, match="cannot be read"):
        read_folder(csv)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(MeasurementsError, match="holds no"):
        read_folder(empty)
