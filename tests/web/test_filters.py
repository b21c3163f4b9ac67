"""The filters in a real browser: the same bits as Python's, and Python's bytes taken further."""

from __future__ import annotations

import base64
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from homebody.adapt import Gaussian, LastLayerFilter, ParticleFilter, StudentT
from homebody.server.site import Site, file_of
from tests.web.conftest import serving

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "conformance" / "filters"
CASES = json.loads((FOLDER / "filters.json").read_text())
SETTINGS = [{key: value for key, value in case.items() if key != "held"} for case in CASES]


def make():
    spec = importlib.util.spec_from_file_location("make_filters", FOLDER / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_golden_steps_in_python(case):
    assert make().run({key: value for key, value in case.items() if key != "held"}) == case["held"]


def test_the_file_has_the_cases_that_its_maker_states():
    assert make().CASES == SETTINGS


CALL = """async ([name, ...rest]) => {
  const filters = await import("/filters.js"), steps = await import("/filter_steps.js");
  globalThis.wasm ??= await filters.loadFilters(await fetch("/native/filters.wasm"));
  return steps[name](filters, globalThis.wasm, ...rest);
}"""


@pytest.fixture(scope="module")
def filter_site(site_files):
    if "/native/filters.wasm" not in site_files:
        pytest.skip("filters.wasm was not built: python kernels/build.py")
    script = Path(__file__).with_name("filter_steps.js").read_bytes()
    server = serving(Site({**site_files, "/filter_steps.js": file_of(script, "text/javascript")}))
    yield server.url.rstrip("/")
    server.shutdown()
    server.server_close()


@pytest.fixture
def call(page, filter_site):
    """A function of filter_steps.js, called in Chromium."""
    page.goto(f"{filter_site}/blank.html")
    return lambda name, *rest: page.evaluate(CALL, [name, *rest])


def test_golden_steps_in_chromium(call):
    """300 steps of each filter; tolerance 0."""
    assert call("golden", SETTINGS) == [case["held"] for case in CASES]


def filters():
    mean, covariance = [0.5, -1.0, 2.0], np.eye(3) + 0.25
    for noise in (Gaussian(0.1), StudentT(0.1, 4)):
        yield LastLayerFilter(mean, covariance, process=Gaussian(0.01), noise=noise)
        yield ParticleFilter(mean, covariance, process=Gaussian(0.01), likelihood=noise, seed=9)


@pytest.mark.parametrize("which", range(4))
def test_what_python_saved_goes_on_in_chromium(call, which):
    ours = list(filters())[which]
    ours.update([1.0, 0.25, -0.5], 0.3)
    saved = base64.b64encode(ours.save()).decode()
    kind = "LastLayerFilter" if isinstance(ours, LastLayerFilter) else "ParticleFilter"
    theirs = call("onwards", kind, saved, [0.5, 2.0, -1.0], [0.7])
    expected = ours.update([0.5, 2.0, -1.0], 0.7)
    assert theirs["mean"] == expected.mean.tolist()
    assert theirs["sigma"] == expected.sigma.tolist()
    back = base64.b64decode(theirs["saved"])
    assert back == ours.save()
    ours.restore(back)


PARTICLES = {"mean": [0, 0], "factor": [1, 0, 0, 1], "step": [1, 0, 0, 1], "particles": 20}
EXACT = {"mean": [0, 0], "covariance": [1, 0, 0, 1], "process": [0, 0, 0, 0]}


@pytest.mark.parametrize("kind", ["ParticleFilter", "LastLayerFilter"])
@pytest.mark.parametrize("act", ["", "short", "header", "nan", "rows", "dt", "other"])
def test_what_is_no_filters_is_refused(call, kind, act):
    settings = PARTICLES if kind == "ParticleFilter" else EXACT
    assert call("refusal", kind, settings, act) == ("KernelError" if act else None)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("ParticleFilter", {"mean": []}),
        ("ParticleFilter", {"mean": [0] * 257}),
        ("ParticleFilter", {"factor": [1, 0, 0]}),
        ("ParticleFilter", {"step": [1]}),
        ("ParticleFilter", {"noise": [1, 1]}),
        ("ParticleFilter", {"outputs": 65}),
        ("ParticleFilter", {"particles": 1}),
        ("ParticleFilter", {"particles": 1 << 17}),
        ("ParticleFilter", {"seed": -1}),
        ("ParticleFilter", {"threshold": 2}),
        ("ParticleFilter", {"degrees": -1}),
        ("ParticleFilter", {"resampling": "fair"}),
        ("LastLayerFilter", {"covariance": [1]}),
        ("LastLayerFilter", {"process": [1, 0, 0]}),
        ("LastLayerFilter", {"adaptive": 0.5}),
        ("LastLayerFilter", {"degrees": -1}),
    ],
)
def test_settings_out_of_range_are_refused(call, kind, wrong):
    settings = PARTICLES if kind == "ParticleFilter" else EXACT
    assert call("refusal", kind, {**settings, **wrong}) == "KernelError"


def test_a_choice_needs_two_options(call):
    assert call("refusal", "ParticleFilter", {**PARTICLES, "outputs": 3}, "choice") == "KernelError"
