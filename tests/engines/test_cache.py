"""The disk cache serves what fits exactly, whole, or nothing."""

from __future__ import annotations

import json
import multiprocessing
import os

import numpy as np
import pytest
from onnx import helper, numpy_helper

from homebody.engines import cache as caches
from homebody.engines.build import build
from homebody.engines.cache import DiskCache
from homebody.engines.choose import noise
from homebody.engines.engine import Options
from homebody.engines.graph import Segment
from homebody.engines.onnxruntime import OnnxRuntime
from homebody.engines.openvino import OpenVino
from homebody.engines.plan import plan
from homebody.engines.reading import read_graph
from tests.engines.graphs import model, value

ENGINE = OnnxRuntime()
OPTIONS = Options(threads=1)


def segment(weight: float = 2.0, rows: int = 3, axis: int = -1) -> Segment:
    weights = numpy_helper.from_array(np.full((4,), weight, np.float32), "w")
    nodes = [
        helper.make_node("Mul", ["x", "w"], ["v"], "n0"),
        helper.make_node("Softmax", ["v"], ["y"], "n1", axis=axis),
    ]
    data = model(nodes, [value("x", ["n", 4])], [value("y", ["n", 4])], initializers=[weights])
    return read_graph(data).at({"x": (rows, 4)}).whole()


@pytest.fixture
def cache(tmp_path) -> DiskCache:
    kept = DiskCache(tmp_path / "cache")
    kept.put(segment(), ENGINE, OPTIONS, b"compiled")
    return kept


def entry(cache: DiskCache):
    (path,) = cache.folder.iterdir()
    return path


def test_what_was_put_is_there(cache):
    assert cache.get(segment(), ENGINE, OPTIONS) == b"compiled"
    assert DiskCache(cache.folder).get(segment(), ENGINE, OPTIONS) == b"compiled"
    assert (cache.hits, cache.misses) == (1, 0)


class Newer(OnnxRuntime):
    def probe(self):
        return "99.0"


@pytest.mark.parametrize(
    ("part", "engine", "options"),
    [
        (segment(weight=2.0000002), ENGINE, OPTIONS),
        (segment(rows=4), ENGINE, OPTIONS),
        (segment(axis=0), ENGINE, OPTIONS),
        (segment(), OpenVino(), OPTIONS),
        (segment(), Newer(), OPTIONS),
        (segment(), ENGINE, Options(threads=2)),
        (segment(), ENGINE, Options(threads=1, precision="bf16")),
        (segment(), ENGINE, Options(threads=1, alone=False)),
    ],
    ids=["a weight", "a shape", "an attribute", "the engine", "its version", "threads",
         "precision", "company"],
)  # fmt: skip
def test_whatever_changes_misses(cache, part, engine, options):
    assert cache.get(part, engine, options) is None
    assert cache.get(segment(), ENGINE, OPTIONS) == b"compiled"


def test_another_processor_misses(cache, monkeypatch):
    monkeypatch.setattr(caches, "processor", lambda: "another")
    assert cache.get(segment(), ENGINE, OPTIONS) is None


def test_every_flipped_byte_of_the_content_is_noticed(cache):
    whole = entry(cache).read_bytes()
    for place in range(len(whole) - len(b"compiled"), len(whole)):
        broken = bytearray(whole)
        broken[place] ^= 1
        entry_path = cache.folder / entry(cache).name
        entry_path.write_bytes(broken)
        assert cache.get(segment(), ENGINE, OPTIONS) is None
        assert not entry_path.exists()  # it will be built again
        entry_path.write_bytes(whole)


@pytest.mark.parametrize("length", [0, 1, 40, -1])
def test_a_truncated_entry_is_noticed(cache, length):
    path = entry(cache)
    path.write_bytes(path.read_bytes()[:length])
    assert cache.get(segment(), ENGINE, OPTIONS) is None


@pytest.mark.parametrize("header", [b"[]", b"null", b"{}", b"1", b'{"key": 1, "sha256": 2}'])
def test_a_foreign_header_is_noticed(cache, header):
    path = entry(cache)
    path.write_bytes(header + b"\n" + b"compiled")
    assert cache.get(segment(), ENGINE, OPTIONS) is None


def test_an_entry_under_anothers_name_is_noticed(cache):
    cache.put(segment(weight=7), ENGINE, OPTIONS, b"other")
    ours, other = (
        next(p for p in cache.folder.iterdir() if p.read_bytes().endswith(b"\n" + content))
        for content in (b"compiled", b"other")
    )
    os.replace(other, ours)
    assert cache.get(segment(), ENGINE, OPTIONS) is None


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    cache = DiskCache(blocked)
    cache.put(segment(), ENGINE, OPTIONS, b"compiled")
    assert cache.get(segment(), ENGINE, OPTIONS) is None
    assert blocked.read_bytes() == b""


def test_a_full_disk_leaves_no_half_entry(tmp_path, monkeypatch):
    cache = DiskCache(tmp_path / "cache")

    def full(self, data):
        with open(self, "wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    cache.put(segment(), ENGINE, OPTIONS, b"compiled")
    assert list(cache.folder.iterdir()) == []


def test_the_entries_used_least_recently_go(tmp_path):
    cache = DiskCache(tmp_path / "cache", max_entries=2)
    for age, weight in enumerate((1.0, 2.0)):
        cache.put(segment(weight), ENGINE, OPTIONS, b"compiled")
        for path in cache.folder.iterdir():
            if json.loads(path.read_bytes().split(b"\n")[0])["key"] == caches.key_parts(
                segment(weight), ENGINE, OPTIONS
            ):
                os.utime(path, (age, age))
    assert cache.get(segment(1.0), ENGINE, OPTIONS)  # now it is the newest
    cache.put(segment(3.0), ENGINE, OPTIONS, b"compiled")
    assert cache.get(segment(2.0), ENGINE, OPTIONS) is None
    assert cache.get(segment(1.0), ENGINE, OPTIONS)
    assert cache.get(segment(3.0), ENGINE, OPTIONS)


def _put_often(folder: str, content: bytes) -> None:
    cache = DiskCache(folder)
    for _ in range(50):
        cache.put(segment(), ENGINE, OPTIONS, content)


def test_builders_at_once_leave_one_whole_entry(tmp_path):
    context = multiprocessing.get_context("spawn")
    contents = [bytes([n]) * 100_000 for n in range(3)]
    folder = str(tmp_path / "cache")
    workers = [context.Process(target=_put_often, args=(folder, c)) for c in contents]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert DiskCache(folder).get(segment(), ENGINE, OPTIONS) in contents
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.parametrize("engine", [OnnxRuntime(), OpenVino()], ids=lambda engine: engine.name)
def test_what_comes_out_of_the_cache_computes_the_same(tmp_path, engine):
    graph = segment().graph
    inputs, store = noise(graph), DiskCache(tmp_path / "cache")
    engines = {engine.name: engine}
    fresh, told = build(plan(graph, engine, engine), engines, engine, OPTIONS, store)
    again, retold = build(plan(graph, engine, engine), engines, engine, OPTIONS, store)
    assert [b.cached for b in told] == [False]
    assert [b.cached for b in retold] == [True]
    np.testing.assert_array_equal(again(inputs)["y"], fresh(inputs)["y"])


def test_what_the_engine_no_longer_reads_is_built_anew(tmp_path):
    graph = segment().graph
    store = DiskCache(tmp_path / "cache")
    store.put(segment(), ENGINE, OPTIONS, b"not what this version reads")
    engines = {ENGINE.name: ENGINE}
    program, told = build(plan(graph, ENGINE, ENGINE), engines, ENGINE, OPTIONS, store)
    assert [b.cached for b in told] == [False]
    assert program(noise(graph))["y"].shape == (3, 4)


def _put_and_die(folder: str) -> None:
    """SIGKILL between the draft and its place: the worst moment."""
    import signal

    os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    DiskCache(folder).put(segment(), ENGINE, OPTIONS, bytes(100_000))


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_killed_builder_leaves_nothing_that_is_served(tmp_path):
    folder = tmp_path / "cache"
    builder = multiprocessing.get_context("spawn").Process(target=_put_and_die, args=(str(folder),))
    builder.start()
    builder.join()
    assert builder.exitcode == -9
    assert len(list(folder.iterdir())) == 1  # its draft
    cache = DiskCache(folder)
    assert cache.get(segment(), ENGINE, OPTIONS) is None
    cache.put(segment(), ENGINE, OPTIONS, b"compiled")
    assert cache.get(segment(), ENGINE, OPTIONS) == b"compiled"


def test_other_calibration_ranges_miss(tmp_path):
    """They are in the graph's bytes, as the scales of its QDQ."""

    def quantized(scale: float, zero: int) -> Segment:
        constants = [
            numpy_helper.from_array(np.float32(scale), "scale"),
            numpy_helper.from_array(np.uint8(zero), "zero"),
        ]
        nodes = [
            helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"], "n0"),
            helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"], "n1"),
        ]
        shapes = [value("x", [2, 4])], [value("y", [2, 4])]
        return read_graph(model(nodes, *shapes, initializers=constants)).whole()

    cache = DiskCache(tmp_path / "cache")
    cache.put(quantized(0.5, 128), ENGINE, OPTIONS, b"compiled")
    assert cache.get(quantized(0.5, 128), ENGINE, OPTIONS) == b"compiled"
    assert cache.get(quantized(0.5000001, 128), ENGINE, OPTIONS) is None
    assert cache.get(quantized(0.5, 127), ENGINE, OPTIONS) is None
