"""Measurements from files: the same from any format, and what is no measurement is refused."""

from __future__ import annotations

import os

import numpy as np
import pytest

from tests.adapt.fleet_data import measurements, parquet, prior_of

pa = pytest.importorskip("pyarrow", reason="pip install 'homebody[fleet]'")
import pyarrow.parquet as pq  # noqa: E402
from pyarrow import csv, feather  # noqa: E402

from homebody.adapt.fleet import (  # noqa: E402
    Checkpoint,
    Columns,
    Fleet,
    Position,
    Source,
    stream,
)
from homebody.errors import CheckpointError, FleetError  # noqa: E402

WIDE = Columns(features=("f0", "f1", "f2", "f3"))


def states(fleet: Fleet) -> bytes:
    return b"".join(fleet.save_asset(name) for name in sorted(fleet.assets))


def fed(source: Source, **options) -> Fleet:
    fleet = Fleet(prior_of(), unknown="add", **options)
    stream(fleet, source)
    return fleet


def test_every_format_gives_the_same(tmp_path):
    given = measurements(prior_of(), 20, 900)
    listed = fed(Source(parquet(given, tmp_path / "lists"), batch=100))
    whole = Fleet(prior_of(), unknown="add")
    whole.observe(*given)
    assert states(listed) == states(whole)
    table = pa.table(
        {
            "measured": given.measured[:, 0], "time": (given.at * 1e6).astype("datetime64[us]"),
            **{f"f{i}": given.features[:, i] for i in range(4)}, "other": ["x"] * 900,
            "asset": given.ids,
        }
    )  # fmt: skip
    pq.write_table(table, tmp_path / "a.parquet")
    feather.write_feather(table, tmp_path / "a.feather", chunksize=77)
    seconds = table.set_column(1, "time", pa.array(given.at))
    csv.write_csv(seconds, tmp_path / "a.csv")
    with pa.ipc.new_file(str(tmp_path / "a.arrow"), table.schema) as writer:
        writer.write_table(table, max_chunksize=50)
    for suffix in ("parquet", "feather", "csv", "arrow"):
        for batch in (64, 10_000):
            source = Source(tmp_path / f"a.{suffix}", WIDE, batch=batch)
            assert states(fed(source)) == states(whole), suffix


def test_reading_goes_on_from_any_row(tmp_path):
    given = measurements(prior_of(), 20, 900)
    source = Source(parquet(given, tmp_path / "in"), batch=70)
    batches = list(source.batches())
    for place in (0, 1, 5, len(batches) - 1):
        rest = list(source.batches(batches[place].after))
        assert len(rest) == len(batches) - place - 1
        for a, b in zip(rest, batches[place + 1 :], strict=True):
            np.testing.assert_array_equal(a.ids, b.ids)
            np.testing.assert_array_equal(a.measured, b.measured)
            assert a.after == b.after
    inside = Position(1, 123, 423, batches[8].after.seen[:2])
    np.testing.assert_array_equal(
        np.concatenate([b.ids for b in source.batches(inside)]), given.ids[423:]
    )


def test_names_may_be_texts_and_rows_may_be_of_nobody(tmp_path):
    table = pa.table(
        {
            "asset": ["a", None, "b", "", "a"], "time": [0.0, 1.0, None, 3.0, 4.0],
            "features": [[1.0], [1.0], [1.0], [1.0], None], "measured": [1.0, 1, 1, 1, 1],
        }
    )  # fmt: skip
    pq.write_table(table, tmp_path / "in.parquet")
    fleet = Fleet(prior_of(2), unknown="add")
    out = tmp_path / "out"
    done = stream(fleet, Source(tmp_path / "in.parquet"), out=out)
    assert done.statuses == {"learned": 1, "missing": 1, "unknown": 1, "refused": 2}
    assert done.rows == 5
    found = pq.read_table(out).to_pydict()
    assert found["asset"] == table["asset"].to_pylist()
    assert found["status"] == ["learned", "refused", "refused", "unknown", "missing"]


def test_more_files_go_on_and_changed_ones_are_noticed(tmp_path):
    given = measurements(prior_of(), 20, 900)
    folder = parquet(given, tmp_path / "in")
    last = folder / "0002.parquet"
    held = last.rename(tmp_path / "held.parquet")

    def run() -> int:
        fleet = Fleet(prior_of(), unknown="add")
        return stream(fleet, Source(folder), checkpoint=tmp_path / "kept").rows

    assert run() == 600
    assert run() == 0
    held.rename(last)
    assert run() == 300
    fleet = Fleet(prior_of(), unknown="add")
    Checkpoint(tmp_path / "kept").load(fleet)
    assert states(fleet) == states(fed(Source(folder)))
    os.truncate(folder / "0001.parquet", 100)
    with pytest.raises(FleetError, match=r"has changed: file 2 was 0001\.parquet"):
        run()


@pytest.mark.parametrize("kind", ["cut", "noise", "empty", "text"])
@pytest.mark.parametrize("suffix", ["parquet", "arrow", "feather"])
def test_a_damaged_file_is_refused(tmp_path, kind, suffix):
    parquet(measurements(prior_of(), 5, 60), tmp_path / "in", files=1)
    raw = (tmp_path / "in" / "0000.parquet").read_bytes()
    raw = {
        "cut": raw[: len(raw) // 2], "noise": bytes(reversed(raw)), "empty": b"", "text": b"a,b\n",
    }[kind]  # fmt: skip
    path = tmp_path / f"bad.{suffix}"
    path.write_bytes(raw)
    with pytest.raises(FleetError, match="cannot be read"):
        fed(Source(path))


@pytest.mark.parametrize(
    "columns",
    [
        {"asset": [1.5]}, {"asset": [True]}, {"asset": [[1]]}, {"time": ["now"]},
        {"time": [None, None]}, {"measured": ["1"]}, {"features": [1.0]},
        {"features": [["a"]]}, {"features": [[1.0, 2.0]]}, {"features": [[1.0], [1.0, 2.0]]},
    ],
)  # fmt: skip
def test_columns_of_other_types_are_refused(tmp_path, columns):
    n = max(map(len, columns.values()))
    fine = {"asset": [1] * n, "time": [0.0] * n, "features": [[1.0]] * n, "measured": [1.0] * n}
    pq.write_table(pa.table({**fine, **columns}), tmp_path / "in.parquet")
    fleet = Fleet(prior_of(2), unknown="add")
    if columns == {"time": [None, None]}:
        assert stream(fleet, Source(tmp_path / "in.parquet")).statuses == {"refused": 2}
    else:
        with pytest.raises(FleetError):
            stream(fleet, Source(tmp_path / "in.parquet"))
        assert len(fleet) == 0


def test_a_column_that_is_not_there_is_named(tmp_path):
    (tmp_path / "in.csv").write_text("asset,time,measured\n1,2,3\n")
    with pytest.raises(FleetError, match="lacks the column 'features'"):
        fed(Source(tmp_path / "in.csv"))
    (tmp_path / "broken.csv").write_text("asset,time,f0,f1,f2,f3,measured\n1,2\n")
    with pytest.raises(FleetError, match="cannot be read"):
        fed(Source(tmp_path / "broken.csv", WIDE))
    for wrong in (tmp_path / "none.parquet", tmp_path / "x.txt", tmp_path / "nothing"):
        (tmp_path / "nothing").mkdir(exist_ok=True)
        with pytest.raises(FleetError):
            Source(wrong)


@pytest.mark.parametrize(
    "kind", ["cut", "flip", "empty", "other settings", "window", "other prior", "json"]
)
def test_a_checkpoint_that_does_not_fit_is_refused(tmp_path, kind):
    path = tmp_path / "kept"
    fleet = Fleet(prior_of(), ["a", "b"])
    Checkpoint(path).save(fleet, {"rows": 3})
    raw = bytearray(path.read_bytes())
    other = Fleet(prior_of())
    if kind == "flip":
        raw[-3] ^= 64
    elif kind == "other settings":
        other = Fleet(prior_of(), step=60.0)
    elif kind == "window":
        Checkpoint(path).save(Fleet(prior_of(), ["a", "b"], window=2), {"rows": 3})
        raw = path.read_bytes()
    elif kind == "other prior":
        other = Fleet(prior_of(seed=2))
    elif kind == "json":
        raw[9:12] = b"}}}"
    path.write_bytes({"cut": raw[:-9], "empty": b""}.get(kind, raw))
    with pytest.raises(CheckpointError):
        Checkpoint(path).load(other)
    assert Checkpoint(tmp_path / "absent").load(Fleet(prior_of())) is None


def test_checkpoints_hold_texts_and_particles(tmp_path):
    prior = prior_of()
    given = measurements(prior, 6, 200)
    names = np.array([f"cell ü{i}" for i in given.ids])
    for options in ({"particles": 40}, {"adaptive": 0.1}, {"window": 2}):
        fleet = Fleet(prior, unknown="add", **options)
        fleet.observe(names[:100], *(c[:100] for c in given[1:]))
        Checkpoint(tmp_path / "kept").save(fleet, {})
        again = Fleet(prior, unknown="add", **options)
        assert Checkpoint(tmp_path / "kept").load(again) == {}
        for one in (fleet, again):
            one.observe(names[100:], *(c[100:] for c in given[1:]))
        assert states(fleet) == states(again)
        (tmp_path / "kept").unlink()
