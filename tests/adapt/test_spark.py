"""Spark's operator keeps the states that the embedded fleet has."""

from __future__ import annotations

import itertools
import os
import shutil
import sys

import numpy as np
import pytest

from homebody.adapt import Gate
from homebody.adapt.fleet import STATUSES, Fleet
from tests.adapt.fleet_data import measurements, parquet, prior_of

pytestmark = pytest.mark.oracle
pytest.importorskip("pyspark", reason="pip install 'homebody[spark]'")
if shutil.which("java") is None:
    pytest.skip("Spark needs Java 17", allow_module_level=True)

from homebody.adapt import spark as operator  # noqa: E402

SETTINGS = {"step": 60.0, "gate": Gate(sigmas=0.5), "window": 2}


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    from pyspark.sql import SparkSession

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"

    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    made = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.streaming.stateStore.providerClass", operator.PROVIDER)
        .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
        .getOrCreate()
    )
    yield made
    made.stop()


@pytest.mark.filterwarnings("default")
def test_the_states_are_the_embedded_fleets(session, tmp_path):
    prior = prior_of()
    given = measurements(prior, 12, 600)
    parquet(given, tmp_path / "in")

    def run(files: int) -> None:
        """As many micro-batches as there are files: the rest comes after a restart."""
        folder = tmp_path / "seen"
        folder.mkdir(exist_ok=True)
        for path in sorted((tmp_path / "in").iterdir())[:files]:
            shutil.copy2(path, folder / path.name)
        rows = session.readStream.schema(session.read.parquet(str(folder)).schema)
        rows = rows.option("maxFilesPerTrigger", 1).parquet(str(folder))
        query = (
            operator.observe(rows, prior, **SETTINGS)
            .writeStream.option("checkpointLocation", str(tmp_path / "checkpoint"))
            .trigger(availableNow=True)
            .start(str(tmp_path / "out"), format="parquet")
        )
        query.awaitTermination()

    run(2)
    run(3)

    fleet = Fleet(prior, 12, **SETTINGS)
    seen, edges = [], np.linspace(0, 600, 4).astype(int).tolist()
    for first, last in itertools.pairwise(edges):
        cut = [column[first:last] for column in given]
        order = operator.in_order(cut[3], cut[1], cut[2])
        seen.append(fleet.observe(*(column[order] for column in cut)))

    stored = (
        session.read.format("statestore").option("path", str(tmp_path / "checkpoint"))
        .option("stateVarName", operator.STATE).load().collect()
    )  # fmt: skip
    states = {row["key"][0]: bytes(row["value"][0]) for row in stored}
    assert states == {name: fleet.save_asset(name) for name in fleet.assets}

    answers = session.read.parquet(str(tmp_path / "out"))
    statuses = sorted(row["status"] for row in answers.select("status").collect())
    assert statuses == sorted(STATUSES[code] for o in seen for code in o.status.tolist())
    assert len(set(statuses)) >= 5


@pytest.mark.filterwarnings("default")
def test_what_does_not_fit_is_refused(session, tmp_path):
    from homebody.errors import FleetError

    parquet(measurements(prior_of(), 3, 30), tmp_path / "in")
    rows = session.readStream.schema(session.read.parquet(str(tmp_path / "in")).schema)
    rows = rows.parquet(str(tmp_path / "in"))
    with pytest.raises(FleetError, match="particles is of the embedded fleet"):
        operator.observe(rows, prior_of(), particles=100)
    session.conf.set("spark.sql.streaming.stateStore.providerClass", "other.Provider")
    try:
        with pytest.raises(FleetError, match="RocksDB"):
            operator.observe(rows, prior_of())
    finally:
        session.conf.set("spark.sql.streaming.stateStore.providerClass", operator.PROVIDER)
