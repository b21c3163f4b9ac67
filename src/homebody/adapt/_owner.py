"""Owner state: what a model of one learned, in a file of its own.

A safetensors file. Its metadata: ``format`` "homebody-owner/1", ``asset``, ``base`` (the SHA-256
of the base model it was learned on), ``filter`` (a kind) and ``settings`` (JSON). Its tensors:
``mean`` and ``covariance`` (what the filter holds, for a person or another program), ``deployed``
(the last layer that answers), ``filter`` (the filter's block, as the C kernels read it, natively
and in the browser), ``start`` and ``moved`` (drift), ``counts`` and ``clock``, what is needed to
put late measurements where they belong (``window/...``), and the history (``history/...``).
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from homebody.adapt import safetensors
from homebody.adapt._base import Base
from homebody.adapt._gate import Gate, Score
from homebody.adapt._last_layer import LastLayerFilter
from homebody.adapt._observation import STATUSES, Event, Observation, Tracking
from homebody.adapt._particles import ParticleFilter
from homebody.adapt._sensor import Sensor
from homebody.errors import BaseChangedError, HomebodyError, OwnerStateError, SafetensorsError
from homebody.kernels import MAX_MEASURED

if TYPE_CHECKING:
    from homebody.adapt._model import ModelOfOne

FORMAT = "homebody-owner/1"
FILE_BYTES = 64 << 20
"""Most bytes of owner state that are read."""
_SEEN = ("measured", "mean", "low", "high")
_SCORES = ("anomaly", "drift")
_NO_SCORE = (math.nan, math.nan, math.nan)
_WINDOW = ("at", "since", "rows", "measured", "filter", "deployed", "moved", "counts")


def save(model: ModelOfOne, path: str | os.PathLike[str]) -> None:
    """Write a model of one's state; see :meth:`ModelOfOne.save`."""
    tracking, d = model._tracking, model.base.weights.size
    events = list(model._events)
    block = np.frombuffer(model.filter.save(), np.uint8)
    befores = [event.before for event in events]
    tensors: dict[str, NDArray[Any]] = {
        "mean": model.filter.mean,
        "covariance": model.filter.covariance,
        "filter": block,
        "deployed": tracking.deployed,
        "start": tracking.start,
        "moved": tracking.moved,
        "counts": np.array([tracking.updates, tracking.pushes], np.int64),
        "clock": np.array([_or_nan(model._time)]),
        "window/at": np.array([event.at for event in events], np.float64),
        "window/since": np.array([_or_nan(before[0]) for before in befores], np.float64),
        "window/rows": _stack([event.rows for event in events], (model.base.outputs, d)),
        "window/measured": _stack([event.measured for event in events], (model.base.outputs,)),
        "window/filter": _stack(
            [np.frombuffer(before[1], np.uint8) for before in befores], block.shape, np.uint8
        ),
        "window/deployed": _stack([before[2].deployed for before in befores], (d,)),
        "window/moved": _stack([before[2].moved for before in befores], (d, d)),
        "window/counts": _stack(
            [np.array([b[2].updates, b[2].pushes]) for b in befores], (2,), np.int64
        ),
    }
    tensors.update(_history(model.history, model.base.outputs))
    settings = {
        "confidence": model.confidence, "step": model.step, "window": model._window,
        "history": model._history.maxlen, "gate": asdict(model.gate),
        "sensor": asdict(model.sensor),
    }  # fmt: skip
    metadata = {
        "format": FORMAT, "asset": model.asset, "base": model.base.sha256,
        "filter": model.filter.kind, "settings": json.dumps(settings, sort_keys=True),
    }  # fmt: skip
    try:
        safetensors.save(path, tensors, metadata)
    except SafetensorsError as error:
        raise OwnerStateError(str(error)) from None


def read(path: str | os.PathLike[str]) -> safetensors.Safetensors:
    """A file of owner state, its format checked.

    Raises:
        OwnerStateError: the file is none.
    """
    try:
        found = safetensors.load(path, limit=FILE_BYTES)
    except SafetensorsError as error:
        raise OwnerStateError(f"{path} is no owner state: {error}") from None
    stated = found.metadata.get("format")
    if stated != FORMAT:
        raise OwnerStateError(
            f"{path} has the format {str(stated)[:80]!r}, not {FORMAT!r}; "
            "give owner state that this version of Homebody wrote"
        )
    return found


def load(
    kind: type[ModelOfOne],
    path: str | os.PathLike[str],
    base: Base,
    filter: LastLayerFilter | ParticleFilter | None,
) -> ModelOfOne:
    """Make a model of one from its file; see :meth:`ModelOfOne.load`."""
    tensors, metadata = read(path)
    if metadata.get("base") != base.sha256:
        raise BaseChangedError(
            f"{path} was learned on the base model {str(metadata.get('base'))[:16]}…, and this "
            f"one is {base.sha256[:16]}…; give that one, or start the asset anew"
        )
    try:
        settings = json.loads(metadata["settings"])
        gate, sensor = Gate(**settings.pop("gate")), Sensor(**settings.pop("sensor"))
        saved = tensors["filter"].tobytes()
        if filter is None:
            filter = _filter(metadata["filter"], saved)
        elif filter.kind != metadata["filter"]:
            raise OwnerStateError(
                f"{path} is of a {metadata['filter']} filter, and {filter.kind} is given; "
                "give the filter that it was made with"
            )
        model = kind(base, metadata["asset"], filter=filter, gate=gate, sensor=sensor, **settings)
        filter.restore(saved)
        _restore(model, tensors)
    except (OwnerStateError, BaseChangedError):
        raise
    except (HomebodyError, KeyError, TypeError, ValueError, OverflowError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise OwnerStateError(
            f"{path} is no owner state that fits here ({reason}); start the asset anew"
        ) from None
    return model


def _filter(kind: str, saved: bytes) -> LastLayerFilter | ParticleFilter:
    if kind == LastLayerFilter.kind:
        return LastLayerFilter.of(saved)
    if kind == "particles":
        return ParticleFilter.of(saved)
    raise OwnerStateError(
        f"the state is of a filter with its own functions ({kind[:80]}), which no file holds; "
        "give filter="
    )


def _restore(model: ModelOfOne, tensors: dict[str, NDArray[Any]]) -> None:
    d, outputs = model.base.weights.size, model.base.outputs

    def part(name: str, shape: tuple[int, ...], dtype: type = np.float64) -> NDArray[Any]:
        tensor = tensors[name]
        if tensor.shape != shape or tensor.dtype != dtype:
            raise ValueError(f"{name} is {tensor.dtype} {list(tensor.shape)}, not {list(shape)}")
        if dtype is np.float64:
            missing = np.isnan(tensor) if name in nans else False
            if not (missing | (np.abs(tensor) <= MAX_MEASURED)).all():
                raise ValueError(f"{name} holds numbers beyond {MAX_MEASURED:g}")
        return tensor

    nans = ("clock", "window/since", "window/measured")
    counts = part("counts", (2,), np.int64)
    model._tracking = Tracking(
        part("deployed", (d,)), part("start", (d,)), part("moved", (d, d)),
        int(counts[0]), int(counts[1]),
    )  # fmt: skip
    model._time = _or_none(part("clock", (1,))[0])
    n = len(tensors["window/at"])
    if n > model._window + 1:
        raise ValueError(f"its window holds {n} measurements")
    size = len(tensors["filter"])
    shapes: dict[str, tuple[int, ...]] = {
        "at": (n,), "since": (n,), "rows": (n, outputs, d), "measured": (n, outputs),
        "filter": (n, size), "deployed": (n, d), "moved": (n, d, d), "counts": (n, 2),
    }  # fmt: skip
    types: dict[str, type] = {"filter": np.uint8, "counts": np.int64}
    window = {
        name: part(f"window/{name}", shapes[name], types.get(name, np.float64)) for name in _WINDOW
    }
    current = model.filter.save()
    for i in range(n):
        before = window["filter"][i].tobytes()
        model.filter.restore(before)  # refuses what is no block of this filter
        tracking = Tracking(
            window["deployed"][i], model._tracking.start, window["moved"][i],
            int(window["counts"][i, 0]), int(window["counts"][i, 1]),
        )  # fmt: skip
        model._events.append(
            Event(
                float(window["at"][i]), window["rows"][i], window["measured"][i],
                (_or_none(window["since"][i]), before, tracking),
            )
        )  # fmt: skip
    model.filter.restore(current)
    _restore_history(model, tensors)


def _history(observations: tuple[Observation, ...], outputs: int) -> dict[str, NDArray[Any]]:
    flags = [(STATUSES.index(o.status), o.pushed, o.alarm) for o in observations]
    tensors: dict[str, NDArray[Any]] = {
        "history/at": np.array([o.at for o in observations], np.float64),
        "history/flags": np.array(flags, np.uint8).reshape(-1, 3),
    }
    for name in _SEEN:
        values = [np.array(getattr(o, name)) for o in observations]
        tensors[f"history/{name}"] = _stack(values, (outputs,))
    for name in _SCORES:
        scores = [np.array(getattr(o, name) or _NO_SCORE) for o in observations]
        tensors[f"history/{name}"] = _stack(scores, (3,))
    return tensors


def _restore_history(model: ModelOfOne, tensors: dict[str, NDArray[Any]]) -> None:
    at, flags = tensors["history/at"], tensors["history/flags"]
    seen = [tensors[f"history/{name}"] for name in _SEEN]
    scores = [tensors[f"history/{name}"] for name in _SCORES]
    n = len(at)
    shapes = [(n, model.base.outputs)] * len(seen) + [(n, 3)] * 2
    if [part.shape for part in (*seen, *scores)] != shapes or flags.shape != (n, 3):
        raise ValueError("its history's parts differ in length")
    for i in range(n):
        status, pushed, alarm = flags[i].tolist()
        if status >= len(STATUSES):
            raise ValueError(f"its history has the status {status}")
        measured, mean, low, high = (tuple(part[i].tolist()) for part in seen)
        anomaly, drift = (_score(part[i].tolist()) for part in scores)
        model._history.append(
            Observation(
                float(at[i]), measured, mean, low, high, STATUSES[status], bool(pushed),
                anomaly, drift, bool(alarm),
            )
        )  # fmt: skip


def _score(values: list[float]) -> Score | None:
    return None if math.isnan(values[0]) else Score(values[0], int(values[1]), values[2])


def _stack(
    parts: list[NDArray[Any]], shape: tuple[int, ...], dtype: type = np.float64
) -> NDArray[Any]:
    return np.array(parts, dtype).reshape((len(parts), *shape))


def _or_nan(time: float | None) -> float:
    return math.nan if time is None else time


def _or_none(time: float) -> float | None:
    return None if math.isnan(time) else float(time)
