"""The report page is judged by what a reader of HTML finds in it, not by its markup."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody.errors import ShrinkError
from homebody.pages import SHOWN
from homebody.shrink.compare import Comparison, OutputComparison
from homebody.shrink.page import page, write_page
from homebody.shrink.report import OperationReport, Report, Sensitivity, Settings
from tests.pages.tree import Element, Reader, verify_self_contained


def operation(index: int = 0, **values: Any) -> OperationReport:
    given = {"kind": "CONV_2D", "name": f"net/block{index}/Relu", "format": "int8"} | values
    return OperationReport(index=index, **given)


def report(*operations: OperationReport, **values: Any) -> Report:
    given: dict[str, Any] = {
        "settings": Settings(range="minmax"), "size_before": 4_000_000, "size_after": 1_000_000,
        "calibration_samples": 100, "measured_samples": 8, "output_sqnr_db": {"logits": 31.25},
    }  # fmt: skip
    return Report(operations=operations, **(given | values))


TYPICAL = report(
    operation(0, scale=0.0235, zero_point=-128, weight_bytes=1984, sqnr_db=40.0),
    operation(1, kind="RESHAPE", format="none"),
    operation(2, scale=1.5, zero_point=3, weight_bytes=37_376, sqnr_db=12.34),
    operation(3, kind="CUMSUM", format="float32", reason="it has no int8 kernel", sqnr_db=12.4),
    operation(4, weight_bytes=8, sqnr_db=31.25),
    error_jumps_at=2,
    equalized=7,
    sensitivity=(Sensitivity(index=2, name="net/block2/Relu", gain_db=3.456),
                 Sensitivity(index=0, name="net/block0/Relu", gain_db=-0.5)),
    notes=("2 other subgraphs are carried over as they were",),
)  # fmt: skip


def read(what: Report, title: str = "net.tflite", **more: Any) -> Element:
    return Reader(page(what, title=title, **more)).root


def rows(root: Element) -> list[list[str]]:
    (table,) = root.find("table", class_="all")
    return [
        [c.text for c in row.children if isinstance(c, Element)]
        for row in table.find("tbody")[0].find("tr")
    ]


def section(root: Element, name: str) -> Element:
    (found,) = root.find("section", **{"aria-labelledby": name})
    return found


def circles(root: Element) -> list[Element]:
    (chart,) = root.find("svg", class_="chart")
    return chart.find("circle")


def test_headline_tells_sizes_scheme_operations_outputs_and_samples() -> None:
    (header,) = read(TYPICAL).find("header")
    text = header.text.replace("\xa0", " ")
    for part in ("net.tflite", "4.00 MB", "1.00 MB", "4.0× smaller", "int8", "range minmax",
                 "3 int8", "1 float32", "1 without floats", "31.2 dB", "logits", "100",
                 "measured on 8", "channels rescaled"):  # fmt: skip
        assert part in text, part


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [(100, 50, "2.0× smaller"), (100, 300, "3.0× larger"), (7, 7, "the same size")],
)
def test_ratio_is_said_in_words(before: int, after: int, said: str) -> None:
    assert said in read(report(size_before=before, size_after=after)).text


def test_table_has_every_operation_with_all_its_values() -> None:
    none = "–none"
    assert rows(read(TYPICAL)) == [
        ["0", "CONV_2D", "block0/Relu", "int8", "0.02350", "−128", "1,984", "40.0", ""],
        ["1", "RESHAPE", "block1/Relu", "without floats", none, none, none, none, ""],
        ["2", "CONV_2D", "block2/Relu", "int8", "1.500", "3", "37,376", "12.3first jump", ""],
        ["3", "CUMSUM", "block3/Relu", "float32", none, none, none, "12.4",
         "it has no int8 kernel"],
        ["4", "CONV_2D", "block4/Relu", "int8", none, none, "8", "31.2", ""],
    ]  # fmt: skip


def test_chart_marks_the_jump_and_float_operations_and_leaves_gaps() -> None:
    root = read(TYPICAL)
    (chart,) = root.find("svg", class_="chart")
    assert [c.attributes["class"] for c in circles(root)] == ["dot", "jumped", "float", "dot"]
    (line,) = chart.find("line", class_="jump")
    assert line.attributes["x1"] == circles(root)[1].attributes["cx"] == "50%"
    assert "first jump: #2" in chart.text
    # Nothing joins #0 and #2 over #1, which has no value.
    ends = [(e.attributes["x1"], e.attributes["x2"]) for e in chart.find("line", class_="way")]
    assert ends == [("50%", "70%"), ("70%", "90%")]


def test_lower_sqnr_is_drawn_lower_by_a_linear_axis() -> None:
    root = read(report(*(operation(i, sqnr_db=db) for i, db in enumerate((10.0, 20.0, 30.0)))))
    first, second, third = (float(c.attributes["cy"]) for c in circles(root))
    assert first - second == pytest.approx(second - third, abs=0.11)
    assert first - second == pytest.approx(240 / 4, abs=0.11)


def test_chart_is_described_for_those_who_cannot_see_it() -> None:
    root = read(TYPICAL)
    (chart,) = root.find("svg", class_="chart")
    ids = {e.attributes["id"]: e for e in root.all if "id" in e.attributes}
    said = " ".join(ids[i].text for i in chart.attributes["aria-labelledby"].split())
    assert chart.attributes["role"] == "img"
    assert "4 of 5 operations" in said
    assert "Lowest at #2 CONV_2D: 12.3\xa0dB." in said
    assert "First jump at #2" in said
    for svg in root.find("svg"):
        assert svg is chart or svg.attributes["aria-hidden"] == "true"


def test_tables_have_headers_and_references_lead_somewhere() -> None:
    root = read(TYPICAL)
    ids = [e.attributes["id"] for e in root.all if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    for link in root.find("a"):
        assert link.attributes["href"].removeprefix("#") in ids
    for element in root.all:
        for name in element.attributes.get("aria-labelledby", "").split():
            assert name in ids
    for table in root.find("table"):
        (head,) = table.find("thead")
        columns = head.find("th", scope="col")
        for row in table.find("tbody")[0].find("tr"):
            assert len(row.find("th", scope="row")) == 1
            assert len([c for c in row.children if isinstance(c, Element)]) == len(columns)
    for wide in root.find("div", class_="wide"):
        assert wide.attributes["tabindex"] == "0"
        assert wide.attributes["aria-label"]


def test_weights_are_ranked_with_bars_in_proportion() -> None:
    weights = section(read(TYPICAL), "weights")
    names = [th.text for th in weights.find("th", scope="row")]
    assert names == ["#2 block2/Relu", "#0 block0/Relu", "#4 block4/Relu"]
    widths = [float(r.attributes["width"].rstrip("%")) for r in weights.find("rect")]
    assert widths[:2] == [100.0, pytest.approx(100 * 1984 / 37_376, abs=0.001)]
    assert "39.4\xa0kB" in weights.text


def test_sensitivity_has_gains_and_losses_from_one_zero() -> None:
    ranking = section(read(TYPICAL), "sensitivity")
    assert [td.text for td in ranking.find("td")] == ["+3.46", "−0.50"]
    gain, loss = ranking.find("rect")
    zero = 100 * 0.5 / 3.956
    assert float(gain.attributes["x"].rstrip("%")) == pytest.approx(zero, abs=0.001)
    assert loss.attributes["x"] == "0%"
    assert float(loss.attributes["width"].rstrip("%")) == pytest.approx(zero, abs=0.001)


def test_what_is_absent_has_no_section() -> None:
    root = read(report(operation(0, sqnr_db=30.0)))
    present = [s.attributes["aria-labelledby"] for s in root.find("section")]
    assert present == ["sqnr", "operations"]
    assert "Why float" not in root.text


def test_float_operations_are_gathered_by_reason() -> None:
    those = [operation(i, format="float32", reason="kept float as asked") for i in range(20)]
    floats = section(read(report(operation(20, format="float32", reason="no kernel"), *those)),
                     "floats")  # fmt: skip
    first, second = (li.text for li in floats.find("li"))
    assert first.startswith("kept float as asked#0 CONV_2D, ")
    assert first.endswith(f" and {20 - SHOWN} more")
    assert second == "no kernel#20 CONV_2D"


def test_notes_are_listed() -> None:
    assert "2 other subgraphs" in section(read(TYPICAL), "notes").text


def test_a_comparison_adds_its_outputs_with_intervals() -> None:
    comparison = Comparison(
        sizes=(4, 1), samples=400, tensor_samples=16, operations=(), error_jumps_at=None,
        outputs=(
            OutputComparison(name="a<b>", sqnr_db=24.14, largest_difference=0.0123,
                             top1_agreement=0.915, top1_interval=(0.884, 0.939)),
            OutputComparison(name="map", sqnr_db=None, largest_difference=2.0,
                             top1_agreement=None, top1_interval=None),
        ),
    )  # fmt: skip
    compared = section(read(TYPICAL, comparison=comparison), "compared")
    cells = [td.text for td in compared.find("td")]
    assert cells == ["24.1", "0.0123", "91.5 % (88.4 to 93.9)", "–none", "2", "–none"]
    assert "400 samples" in compared.text
    assert "a<b>" in compared.text


@pytest.mark.parametrize(
    ("db", "said"),
    [(None, "–none"), (math.nan, "–none"), (math.inf, "exact"), (200.0, "exact"),
     (-math.inf, "−∞"), (-3.21, "−3.2"), (-0.01, "0.0"), (150.0, "150.0"), (-180.0, "−180.0")],
)  # fmt: skip
def test_any_sqnr_is_said_and_stays_within_the_chart(db: float | None, said: str) -> None:
    root = read(report(operation(0, sqnr_db=30.0), operation(1, sqnr_db=db)))
    assert rows(root)[1][-1] == said
    heights = [float(c.attributes["cy"]) for c in circles(root)]
    assert len(heights) == (1 if said == "–none" else 2)
    assert all(0 <= y <= 240 for y in heights)
    assert "0" in [t.text for t in root.find("text", class_="axis")]
    (chart,) = root.find("svg", class_="chart")
    ticks = [float(t.attributes["y"]) for t in chart.find("text", class_="axis")[1:]]
    assert 4 <= len([y for y in ticks if y <= 240]) <= 11


def test_the_axis_shows_zero_even_where_everything_is_worse() -> None:
    root = read(report(operation(0, sqnr_db=-80.0), operation(1, sqnr_db=-70.0)))
    assert "0" in [t.text for t in root.find("text", class_="axis") if "x" in t.attributes
                   and t.attributes["x"] == "-8"]  # fmt: skip


@pytest.mark.parametrize("count", [0, 1, 2, 500])
def test_any_number_of_operations(count: int) -> None:
    operations = [operation(i, sqnr_db=25.0, weight_bytes=i) for i in range(count)]
    root = read(report(*operations, error_jumps_at=0 if count else None))
    assert len(rows(root)) == count
    if not count:
        assert "SQNR was not measured" in root.text
        return
    (chart,) = root.find("svg", class_="chart")
    assert len(circles(root)) == count
    assert len(chart.find("text", class_="axis")) < 20
    folded = root.find("details")
    assert len(folded) == (count > SHOWN)
    if folded:
        assert folded[0].find("summary")[0].text == f"{count - 1 - SHOWN} more"
        assert len(section(root, "weights").find("th", scope="row")) == count - 1


@pytest.mark.parametrize("scheme", ["hybrid", "float16"])
@pytest.mark.parametrize("measured", [0, 8])
def test_only_what_applies_to_the_scheme_is_shown(scheme: Any, measured: int) -> None:
    values: dict[str, Any] = {"output_sqnr_db": {}} if not measured else {}
    db = 40.0 if measured else None
    root = read(report(operation(0, format=scheme, weight_bytes=8, sqnr_db=db), **values,
                       settings=Settings(scheme=scheme).applied(), calibration_samples=0,
                       measured_samples=measured))  # fmt: skip
    (header,) = root.find("header")
    for word in ("minmax", "nearest", "analytic", "equalize", "ranges", "None"):
        assert word not in header.text
    assert ("Samples8that SQNR was measured on" in header.text) == bool(measured)
    heads = [cell.text for cell in root.find("table", class_="all")[0].find("th", scope="col")]
    assert heads == ["#", "Kind", "Output", "Format", "Weights, bytes",
                     *(["SQNR, dB"] if measured else [])]  # fmt: skip


def test_without_measurements_the_page_says_so() -> None:
    root = read(report(operation(0), measured_samples=0, output_sqnr_db={}))
    assert "SQNR was not measured" in root.text
    assert not root.find("svg", class_="chart")


def test_fused_names_show_their_first_part_without_the_shared_path() -> None:
    fused = "net/stem/Relu;net/stem/BiasAdd;net/stem/conv"
    root = read(report(operation(0, name=fused), operation(1, name="net/head/Softmax"),
                       operation(2, name="Identity")))  # fmt: skip
    assert [row[2] for row in rows(root)] == ["stem/Relu", "head/Softmax", "Identity"]
    few = [operation(i, name=n) for i, n in enumerate(("net/a", "net/b", "c", "d"))]
    assert [row[2] for row in rows(read(report(*few)))] == ["net/a", "net/b", "c", "d"]
    assert root.find("bdi", title=fused)
    assert "start with net/, that is left out" in root.text


def test_long_names_are_shortened_in_the_middle() -> None:
    name = "start" + "x" * 10_000 + "end"
    text = page(report(operation(0, name=name, sqnr_db=9.0)), title=name)
    shown = rows(Reader(text).root)[0][2]
    assert shown.startswith("start")
    assert shown.endswith("end")
    assert len(shown) <= 80
    assert len(text) < 20_000


HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'&amp;</style></title>"


def everywhere(text: str) -> tuple[Report, Comparison]:
    """A report with the text wherever a model or a caller could have put it."""
    hostile = operation(0, name=text, kind=text, format=text, reason=text, scale=1.0,
                        zero_point=0, weight_bytes=5, sqnr_db=3.0)  # fmt: skip
    settings = Settings(keep_float=(text,))
    return report(
        hostile, msgspec.structs.replace(hostile, index=1, name=f"a/{text}/b;{text}"),
        msgspec.structs.replace(hostile, index=2, name=f"a/{text}/c"),
        settings=settings, output_sqnr_db={text: 4.0}, error_jumps_at=0, notes=(text,),
        sensitivity=(Sensitivity(index=0, name=text, gain_db=1.0),),
    ), Comparison(
        sizes=(1, 1), samples=1, tensor_samples=1, operations=(), error_jumps_at=None,
        outputs=(OutputComparison(name=text, sqnr_db=1.0, largest_difference=0.0,
                                  top1_agreement=None, top1_interval=None),),
    )  # fmt: skip


def tags(root: Element) -> list[tuple[str, list[str]]]:
    return [(e.tag, sorted(e.attributes)) for e in root.all]


def test_no_text_of_the_model_becomes_markup() -> None:
    # One character too long a text is shortened alike in both.
    plain, compared = everywhere("n" * len(HOSTILE))
    expected = tags(read(plain, "n" * len(HOSTILE), comparison=compared))
    hostile, compared = everywhere(HOSTILE.replace("/", "|").replace(";", ":"))
    found = read(hostile, HOSTILE, comparison=compared)
    assert tags(found) == expected
    (title,) = found.find("title")[:1]
    assert title.text == f"{HOSTILE}: shrunk"
    assert HOSTILE in found.find("h1")[0].text


@settings(deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="<>&\"'/;=`!- \u202e\x00\ud800a", max_size=60))
def test_any_text_gives_a_page_that_can_be_written(text: str) -> None:
    hostile, compared = everywhere(text)
    written = page(hostile, title=text, comparison=compared)
    written.encode("utf-8")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", written)
    found = {e.tag for e in Reader(written).root.all}
    assert not found & {"script", "img", "iframe", "object", "embed", "link", "base", "form"}


def test_the_page_refers_to_nothing_outside_itself() -> None:
    text = page(everywhere("https://example.org/x.js")[0], title="//example.org")
    verify_self_contained(text)


def test_equal_reports_give_equal_pages() -> None:
    again = msgspec.json.decode(msgspec.json.encode(TYPICAL), type=Report)
    assert page(again, title="t") == page(TYPICAL, title="t")


def test_writing_replaces_the_file_whole(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("before")
    write_page(TYPICAL, target, title="näme")
    assert target.read_bytes() == page(TYPICAL, title="näme").encode()
    assert list(tmp_path.iterdir()) == [target]


def test_a_place_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ShrinkError, match="cannot be written"):
        write_page(TYPICAL, tmp_path / "absent" / "report.html", title="t")
    assert not list(tmp_path.iterdir())
