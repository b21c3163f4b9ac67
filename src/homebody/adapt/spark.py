"""A fleet that outgrows one machine: the same, for each key, in Spark Structured Streaming.

``transformWithStateInPandas`` keeps what :meth:`Fleet.save_asset` gives of each asset in Spark's
own state store (RocksDB, in Spark's jars) and its checkpoints; the arithmetic is the fleet's, so
the states are equal to the embedded fleet's to the last bit. Spark decides where keys live, and
gives exactly-once state with any source that can be read again: Kafka, or files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from homebody.adapt._base import Prior
from homebody.adapt.fleet import STATUSES, Columns, Fleet
from homebody.errors import FleetError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PROVIDER = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
"""What ``spark.sql.streaming.stateStore.providerClass`` has to be."""
STATE = "asset"
"""The state variable's name, for Spark's ``statestore`` reader."""


def observe(
    measurements: DataFrame, prior: Prior, *, columns: Columns | None = None, **settings: Any
) -> DataFrame:
    """Take measurements as a :class:`Fleet` does, asset by asset.

    Within a micro-batch an asset's measurements are taken in order of their time, and of their
    numbers where times are equal, since Spark keeps no order; between micro-batches as they come:
    with a ``window``, what comes a micro-batch too late is put where it belongs.

    Args:
        measurements: a streaming frame; ``columns.time`` is double (seconds) or timestamp,
            ``columns.features`` an array of doubles, or doubles.
        prior: what every asset begins with.
        columns: which columns are what.
        settings: of :class:`Fleet`: gate, step, sensor, window, degrees, adaptive, confidence.

    Returns:
        A streaming frame, in append mode: the asset, ``time`` (double), ``status``, ``mean``,
        ``low``, ``high`` (arrays of doubles), ``pushed``, ``anomaly`` and ``alarm``.

    Raises:
        FleetError: pyspark is not installed, or the session's state store is not RocksDB.

    Example:
        >>> spark.conf.set(                                       # doctest: +SKIP
        ...     "spark.sql.streaming.stateStore.providerClass", PROVIDER)
        >>> rows = spark.readStream.schema(schema).parquet("in")  # doctest: +SKIP
        >>> seen = observe(rows, prior, step=60.0)                # doctest: +SKIP
        >>> seen.writeStream.option("checkpointLocation", "ckpt").start("out")  # doctest: +SKIP
    """
    try:
        from pyspark.sql import types
        from pyspark.sql.streaming.stateful_processor import StatefulProcessor
    except ImportError:
        raise FleetError("this needs pyspark; pip install 'homebody[spark]', and Java 17") from None
    named = columns or Columns()
    for name in ("particles", "seed", "unknown", "threads"):
        if name in settings:
            raise FleetError(f"{name} is of the embedded fleet; leave it out here")
    key = "spark.sql.streaming.stateStore.providerClass"
    if not str(measurements.sparkSession.conf.get(key)).endswith("RocksDBStateStoreProvider"):
        raise FleetError(f"{key} is not RocksDB, which this needs; set it to {PROVIDER}")
    fields = measurements.schema
    asset = fields[named.asset].dataType
    several = types.ArrayType(types.DoubleType())
    schema = types.StructType(
        [
            types.StructField(named.asset, asset),
            types.StructField("time", types.DoubleType()),
            types.StructField("status", types.StringType()),
            *(types.StructField(name, several) for name in ("mean", "low", "high")),
            types.StructField("pushed", types.BooleanType()),
            types.StructField("anomaly", types.DoubleType()),
            types.StructField("alarm", types.BooleanType()),
        ]
    )
    state = types.StructType([types.StructField("saved", types.BinaryType())])

    class Observing(StatefulProcessor):  # type: ignore[misc, unused-ignore]
        """One asset's rows of a micro-batch, with its state before and after."""

        def init(self, handle: Any) -> None:
            self._state = handle.getValueState(STATE, state)
            self._fleet = Fleet(prior, 1, **settings)
            self._fresh = self._fleet.save_asset(0)

        def handleInputRows(self, key: Any, rows: Iterator[Any], timerValues: Any) -> Iterator[Any]:
            import pandas

            frame = pandas.concat(list(rows), ignore_index=True)
            saved = self._state.get()[0] if self._state.exists() else self._fresh
            self._fleet.load_asset(0, bytes(saved))
            answer = _rows(self._fleet, frame, named)
            self._state.update((self._fleet.save_asset(0),))
            answer.insert(0, named.asset, key[0])
            yield answer

        def close(self) -> None:
            pass

    return measurements.groupBy(named.asset).transformWithStateInPandas(
        statefulProcessor=Observing(), outputStructType=schema, outputMode="Append",
        timeMode="None",
    )  # fmt: skip


def _rows(fleet: Fleet, frame: Any, named: Columns) -> Any:
    """What became of one asset's rows, in the order they were taken."""
    import pandas

    when = frame[named.time]
    at = (
        when.to_numpy("datetime64[us]").astype(np.int64) / 1e6
        if when.dtype.kind == "M"
        else when.to_numpy(np.float64, na_value=np.nan)
    )
    if when.dtype.kind == "M":
        at = np.where(when.isna().to_numpy(), np.nan, at)
    if isinstance(named.features, str):
        lists = [_features(value, fleet.features) for value in frame[named.features]]
        features = np.array(lists, np.float64).reshape(len(frame), fleet.features)
    else:
        features = frame[list(named.features)].to_numpy(np.float64, na_value=np.nan)
    measured = frame[list(named.measured)].to_numpy(np.float64, na_value=np.nan)
    order = in_order(at, features, measured)
    at, features, measured = at[order], features[order], measured[order]
    seen = fleet.observe(np.zeros(len(frame), np.int64), features, measured, at)
    return pandas.DataFrame(
        {
            "time": at,
            "status": [STATUSES[code] for code in seen.status.tolist()],
            "mean": list(seen.mean), "low": list(seen.low), "high": list(seen.high),
            "pushed": seen.pushed, "anomaly": seen.anomaly, "alarm": seen.alarm,
        }
    )  # fmt: skip


def in_order(at: Any, features: Any, measured: Any) -> Any:
    """The order in which an asset's measurements of a micro-batch are taken, int64 [n]."""
    return np.lexsort([*measured.T[::-1], *features.T[::-1], at])


def _features(value: Any, width: int) -> Any:
    if value is None:
        return np.full(width, np.nan)
    found = np.array([np.nan if v is None else v for v in value], np.float64)
    if found.shape != (width,):
        raise FleetError(f"a row has {len(found)} features and the fleet {width}; give those")
    return found
