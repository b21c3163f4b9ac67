"""Firefox gives the same bits: kernels, the model's input, suggestions, renderings, samples."""

from __future__ import annotations

import base64
import json

import pytest

from tests.web import firefox, test_kernels, test_parity
from tests.web.test_kernels import golden_site
from tests.web.test_parity import feature

__all__ = ["feature", "golden_site"]  # fixtures
pytestmark = pytest.mark.skipif(firefox.FOUND is None, reason="needs apt-get install firefox-esr")


@pytest.fixture(scope="module")
def page():
    with firefox.Firefox() as opened:
        yield opened


def test_golden_vectors(page, golden_site):
    page.goto(f"{golden_site}/blank.html")
    found = page.evaluate(test_kernels.IN_PAGE, [path.read_text() for path in test_kernels.FILES])
    assert found == [test_kernels.expected(path) for path in test_kernels.FILES]


def test_photos_are_the_same_as_in_python(page, site, feature):
    page.goto(f"{site}/blank.html")
    page.evaluate(test_parity.START)
    for path in [*test_parity.PHOTOS[:2], *test_parity.PHOTOS[5::8]]:
        data = path.read_bytes()
        given = [base64.b64encode(data).decode(), test_parity.SIDE, test_parity.STRENGTHS]
        found = page.evaluate("([data, side, strengths]) => ask(data, side, strengths)", given)
        assert test_parity.as_compared(found) == test_parity.expected(feature, data), path.stem
    report = page.evaluate("() => engine.check()")
    assert report["passed"]
    assert all(sample["inputEqual"] for sample in report["samples"])


def test_what_a_page_throws_is_told(page, site):
    page.goto(f"{site}/blank.html")
    with pytest.raises(firefox.PageError, match="no such thing"):
        page.evaluate("() => { throw new Error('no such thing'); }")
    assert page.evaluate("(long) => long.length", "x" * 200_000) == 200_000
    assert json.loads(page.evaluate("() => JSON.stringify([1])")) == [1]
