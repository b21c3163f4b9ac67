"""What every report page promises: text stays text, nothing is loaded, ticks are round."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebody import pages

TEXT = st.text(max_size=60) | st.text(alphabet="<>&\"'/;=`!- \u202e\x00\ud800a", max_size=60)


class Reader(HTMLParser):
    """Every tag must close in its place."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data


@given(TEXT, st.integers(4, 80))
def test_text_stays_text_and_is_as_long_as_allowed(text, length):
    read = Reader(f'<p title="{pages.as_text(text, length)}">{pages.as_text(text, length)}</p>')
    assert read.tags == ["p"]
    assert read.attributes == [("title", read.text)]
    assert len(read.text) <= max(length, 1)
    assert read.text.isprintable()
    if text.isprintable() and len(text) <= length:
        assert read.text == text


@given(TEXT, TEXT)
def test_a_document_is_whole_and_may_load_nothing(title, footer):
    written = pages.document(
        title, ["<p>a</p>", "", "<p>b</p>"], footer=footer, style="p{margin:0}"
    )
    written.encode()
    found = Reader(written)
    assert found.tags == [
        "html", "head", "meta", "meta", "meta", "meta", "title", "style", "body", "main", "p", "p",
        "footer",
    ]  # fmt: skip
    policy = next(v for v in dict.fromkeys(v for _, v in found.attributes) if v and "-src" in v)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules.pop("style-src") == "'unsafe-inline'"
    assert set(rules.values()) == {"'none'"}
    assert {"default-src", "base-uri", "form-action"} == rules.keys()
    assert not re.search(r"url\(|@import", written.partition("</style>")[0])


@given(st.floats(1e-9, 1e9), st.integers(1, 20))
def test_ticks_are_round_few_and_reach_the_end(span, most):
    away = pages.step(span, most)
    digits = round(away / 10 ** math.floor(math.log10(away) + 1e-9), 6)
    assert digits in (1, 2, 5)
    found = pages.places(span, most)
    assert found[0] == 0
    assert len(found) <= most + 1
    assert span - away < found[-1] * (1 + 1e-9) + 1e-300
    assert found[-1] <= span * (1 + 1e-9)


def test_the_next_smaller_step_would_be_too_many():
    smaller = {1.0: 0.5, 2.0: 1.0, 5.0: 2.0}
    for span in (1.0, 7.5, 9.99, 10.0, 31.0, 49.0):
        away = pages.step(span, 8)
        digits = away / 10 ** math.floor(math.log10(away))
        assert span / (away * smaller[digits] / digits) > 8


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 B"), (999, "999 B"), (999_600, "1.00 MB"), (15_000, "15.0 kB")]
)
def test_bytes_have_three_digits(count, said):
    assert pages.as_bytes(count).replace("\u00a0", " ") == said


@given(st.floats(1e-7, 900))
def test_seconds_keep_their_value_to_three_digits(seconds):
    number, unit = pages.as_seconds(seconds).split("\u00a0")
    back = float(number) * {"s": 1, "ms": 1e-3, "µs": 1e-6}[unit]
    assert back == pytest.approx(seconds, rel=0.006, abs=0.51e-7)


def test_a_long_ranking_folds_its_tail():
    rows = [f"<tr><td>{n}</td></tr>" for n in range(pages.SHOWN + 5)]
    found = Reader(pages.ranking(rows, ("Number",)))
    assert found.tags.count("details") == 1
    assert "5 more" in found.text
    assert found.tags.count("td") == len(rows)
    assert "details" not in Reader(pages.ranking(rows[: pages.SHOWN + 1], ("Number",))).tags
