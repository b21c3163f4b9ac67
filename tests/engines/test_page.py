"""The page of a compiled model holds what the report says, as a reader of HTML finds it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.engines._page_call import call_picture
from homebody.engines._page_words import quicker
from homebody.engines.advice import Advice, Item
from homebody.engines.folder import Why
from homebody.engines.page import page
from homebody.engines.processor import read_processor
from homebody.engines.profile import Kernel
from homebody.engines.report import (
    CandidateReport,
    Event,
    FaultReport,
    InputsReport,
    NodeReport,
    Report,
    SegmentReport,
    ShapeReport,
    write_report,
)
from tests.pages.tree import Element, Reader, verify_self_contained


def event(kind, name, start, seconds, segment=None, operation=None) -> Event:
    return Event(
        kind=kind, name=name, start=start, seconds=seconds, segment=segment, operation=operation
    )


def segment(number: int, engine: str, **values) -> SegmentReport:
    given = {
        "nodes": 2, "inputs": ("x",), "outputs": ("y",), "weight_bytes": 1000, "border_bytes": 64,
        "build_seconds": 0.5, "cached": False, "failure": None, "seconds": 0.001,
        "sqnr_db": 80.0, "own_sqnr_db": "exact", "kernels": (),
    }  # fmt: skip
    return SegmentReport(number=number, engine=engine, **(given | values))


def shape(text: str = "plain", *, length: int = 1, **values) -> ShapeReport:
    """Two segments: openvino, then the native engine where openvino failed."""
    failed = Why("build-failed", f"{text} says no")
    given = {
        "shapes": {text: (length, 8)},
        "rows": 4,
        "candidates": (
            CandidateReport(
                engine="openvino", seconds=0.004, sqnr_db=61.0, boundary_seconds=0.0002,
                segments=(
                    segment(0, "openvino", kernels=(Kernel(text, text, 0, 0.0007),)),
                    segment(1, "onnxruntime", failure=failed),
                ),
            ),
            CandidateReport(
                engine="onnxruntime", seconds=0.005, sqnr_db="exact", boundary_seconds=0.0001,
                segments=(segment(0, "onnxruntime"),),
            ),
        ),
        "refused": {"litert": Why("wrong-answer", f"{text}: 3 dB from the native one"),
                    "tensorrt": Why("unavailable", text)},
        "faults": {"litert": FaultReport(nodes=(text,), sqnr_db=3.0, builds=2)},
        "nodes": (
            NodeReport(number=0, name=text, kind="Conv", reads=(), segment=0, engine="openvino",
                       why={"litert": Why("wrong-answer", text)}),
            NodeReport(number=1, name=f"{text}/1", kind="Relu", reads=(0,), segment=0,
                       engine="openvino", why={}),
            NodeReport(number=2, name=f"{text}/2", kind="Mod", reads=(1,), segment=1,
                       engine="onnxruntime", why={"openvino": failed}),
        ),
        "call": (
            event("copy", "inputs", 0.0, 0.0001),
            event("gap", "gap", 0.0001, 0.0),
            event("segment", "segment 0: openvino", 0.0001, 0.001, 0),
            event("kernel", text, 0.0001, 0.0007, 0, text),
            event("kernel", "two", 0.0008, 0.0002, 0, "Relu"),
            event("gap", "gap", 0.0011, 0.0001),
            event("segment", "segment 1: onnxruntime", 0.0012, 0.0028, 1),
            event("copy", "outputs", 0.004, 0.0001),
        ),
        "advice": (Advice("pad-channels", text, (Item(text, text),)),),
    }  # fmt: skip
    return ShapeReport(**(given | values))


def told(text: str = "plain", *shapes: ShapeReport, **values) -> Report:
    given = {
        "source": text, "processor": read_processor(f"model name : {text}\nflags : avx2", 2),
        "versions": {"openvino": "2026.4.1-abc", "tensorrt": text}, "precision": "fp32",
        "threads": 2, "inputs": InputsReport(name=text, rows=4, row_seconds=0.002),
        "shapes": shapes or (shape(text),),
    }  # fmt: skip
    return Report(**(given | values))


def read(report: Report) -> Element:
    return verify_self_contained(page(report))


def rows(root: Element, label: str) -> list[list[str]]:
    (region,) = root.find("div", **{"aria-label": label})
    return [
        [c.text.replace("\u00a0", " ") for c in row.children if isinstance(c, Element)]
        for row in region.find("tbody")[0].find("tr")
    ]


def titles(root: Element) -> list[str]:
    return [t.text.replace("\u00a0", " ") for t in root.find("title")]


def test_the_page_has_a_section_for_everything_that_is_known():
    root = read(told())
    assert [h.text for h in root.find("h3")] == [
        "One call", "Compared", "Segments", "Slowest kernels", "Advice", "Why not another engine",
    ]  # fmt: skip
    assert [h.text for h in root.find("h2")] == ["plain 1×8", "This machine"]
    for labelled in [e for e in root.all if "aria-labelledby" in e.attributes]:
        ids = {e.attributes.get("id") for e in root.all}
        assert set(labelled.attributes["aria-labelledby"].split()) <= ids


def test_candidates_segments_and_nodes_stand_in_their_tables():
    root = read(told())
    assert [row[:5] for row in rows(root, "candidates")] == [
        ["openvino", "4.00 ms", "1.00×", "61 dB", "2"],
        ["onnxruntime", "5.00 ms", "1.25×", "exact", "1"],
    ]
    first, second = rows(root, "segments")
    assert first[:7] == ["0", "openvino", "2", "1.00 ms", "45.5 %", "80 dB", "exact"]
    assert second[1] == "onnxruntimeinstead: build-failed plain says no"
    assert [row[:5] for row in rows(root, "all nodes")] == [
        ["0", "Conv", "plain", "0", "openvino"],
        ["1", "Relu", "plain/1", "0", "openvino"],
        ["2", "Mod", "plain/2", "1", "onnxruntime"],
    ]
    assert rows(root, "all nodes")[2][5] == "openvino: build-failed"


def test_a_refused_engine_has_its_reason_and_where_it_first_strays():
    said = [li.text.replace("\u00a0", " ") for li in read(told()).find("li")]
    (wrong,) = [text for text in said if "litert" in text]
    assert "wrong-answer" in wrong
    assert "first strays at plain: 3 dB once it runs that too, found with 2 builds" in wrong
    without = read(told("plain", shape(faults={})))
    (wrong,) = [li.text for li in without.find("li") if "litert" in li.text]
    assert "homebody profile --find-fault litert" in wrong


def test_every_part_of_a_call_is_drawn_in_its_place():
    root = read(told())
    (drawn,) = root.find("svg", class_="call")
    total = 0.0041
    segments = [g for g in drawn.find("g") if g.find("title")[0].text.startswith("segment")]
    for part, (start, seconds) in zip(segments, [(0.0001, 0.001), (0.0012, 0.0028)], strict=True):
        bar = part.find("rect")[0].attributes
        assert float(bar["x"].rstrip("%")) == pytest.approx(100 * start / total, abs=0.01)
        assert float(bar["width"].rstrip("%")) == pytest.approx(100 * seconds / total, abs=0.01)
    assert [g.attributes["class"] for g in segments] == [
        "part engine-openvino", "part engine-onnxruntime",
    ]  # fmt: skip
    # An empty gap is not drawn; what is short is as wide as can be seen.
    assert sum(t.startswith("gap") for t in titles(drawn)) == 1
    assert "copying inputs: 100 µs, 0 µs after the start" in titles(drawn)
    assert "plain: 700 µs, 100 µs after the start, in segment 0, plain" in titles(drawn)
    lanes = [t.text for t in drawn.children if isinstance(t, Element) and t.tag == "text"]
    assert [lane.partition(":")[0].partition(",")[0] for lane in lanes][-4:] == [
        "copies and gaps", "openvino", "its 2 kernels", "onnxruntime",
    ]  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(1e-6, 10))
def test_bars_stay_within_the_picture(lengths, scale):
    at, events = 0.0, []
    for number, length in enumerate(lengths):
        events.append(event("segment", f"s{number}", at, length * scale, 0))
        at += length * scale
    drawn = Reader(f"<div>{call_picture(shape(call=tuple(events)), None)}</div>").root
    for g in drawn.find("g"):
        bar = g.find("rect")[0].attributes
        x, width = (float(bar[name].rstrip("%")) for name in ("x", "width"))
        assert x >= 0
        assert width > 0
        assert x + width <= 100.2


@pytest.mark.parametrize(
    ("reading", "said"),
    [(0.02, "reading is the bottleneck"), (0.0005, "computing is the bottleneck")],
)
def test_the_page_says_whether_decoding_is_the_bottleneck(reading, said):
    given = InputsReport(name="photos/", rows=4, row_seconds=reading)
    text = read(told(inputs=given)).text
    assert said in text
    assert "the bottleneck" not in read(told(inputs=None)).text
    arrays = InputsReport(name="x.npz", rows=4, row_seconds=None)
    assert "the bottleneck" not in read(told(inputs=arrays)).text


def test_a_batch_is_compared_with_reading_row_by_row():
    given = InputsReport(name="photos/", rows=16, row_seconds=0.002)  # a call of 8 takes 4 ms
    assert "reading is the bottleneck" in read(told("p", shape(length=8), inputs=given)).text


def test_the_page_says_what_it_was_measured_with():
    def fact(root):
        (found,) = [d for d in root.find("div") if d.find("dt") and "Measured" in d.text]
        return found.text

    assert fact(read(told(inputs=InputsReport(name="photos/", rows=4, row_seconds=None)))) == (
        "Measured withphotos/4 rows"
    )
    noise = read(told("plain", shape(rows=0), inputs=None))
    assert "noise" in fact(noise)
    assert "seeded noise" in noise.text
    other = read(told("plain", shape(rows=0)))
    assert "plain has other shapes or types" in fact(other)


def test_several_shapes_stand_side_by_side_and_lead_to_their_sections():
    root = read(told("plain", shape(), shape(length=8), shape(length=-1)))
    found = rows(root, "shapes")
    assert [row[0] for row in found] == ["plain 1×8", "plain 8×8", "plain any×8"]
    assert [row[3] for row in found] == ["4.00 ms", "0.50 ms", ""]
    ids = [e.attributes["id"] for e in root.all if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    for link in root.find("a"):
        assert link.attributes["href"].removeprefix("#") in ids
    assert not read(told()).find("div", **{"aria-label": "shapes"})


def test_reasons_that_differ_in_names_are_one():
    nodes = tuple(
        NodeReport(number=n, name=f"n{n}", kind="Gather", reads=(), segment=0, engine="openvino",
                   why={"litert": Why("varying-shape", f"the shape of 'v{n}' is known later")})
        for n in range(60)
    )  # fmt: skip
    ((engine, count, code, why),) = rows(read(told("p", shape(nodes=nodes))), "reasons")
    assert (engine, count, code) == ("litert", "60", "varying-shape")
    assert why == "the shape of 'v0' is known later; and 59 alike60: Gather"


HOSTILE = [
    "\"><script>alert(1)</script><img src=x onerror=alert(1)>'&amp;</style></title>",
    "x" * 20_000,
    "名前/ünï\u202ecode\u0000\ud800",
    "' onmouseover='alert(1)",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_model_becomes_markup(text):
    plain = read(told("n" * min(len(text), 2000)))
    written = page(told(text, shape(text)))
    written.encode("utf-8")
    found = verify_self_contained(written)
    assert [e.tag for e in found.all] == [e.tag for e in plain.all]
    assert [sorted(e.attributes) for e in found.all] == [sorted(e.attributes) for e in plain.all]
    assert "\u202e" not in written
    assert len(written) < 100_000


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=40))
def test_any_text_gives_a_page_that_can_be_written(text):
    written = page(told(text, shape(text)))
    written.encode("utf-8")
    verify_self_contained(written)


def test_equal_reports_give_equal_pages_and_json_comes_back(tmp_path: Path):
    report = told()
    again = msgspec.json.decode(msgspec.json.encode(report), type=Report)
    assert again == report
    assert page(again) == page(report)
    write_report(report, tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text("utf-8") == page(report)


def test_how_much_quicker_is_said_in_percent_and_then_in_times():
    assert quicker(1.0, 1.014) == "as quick as"
    assert quicker(1.0, 1.49) == "49 % quicker than"
    assert quicker(2.0, 5.0) == "2.5 times as quick as"
