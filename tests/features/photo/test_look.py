"""The look engine: its numpy twin, its golden vectors, and what holds for every preset."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homebody import kernels
from homebody.errors import KernelError, LutError, PresetError
from homebody.features.photo.catalog import default_catalog
from homebody.features.photo.look import (
    compile_lut,
    parameters,
    preset_from_cube,
    render,
    seed_of,
)
from homebody.features.photo.preset import (
    BANDS,
    NEUTRAL,
    Adjustments,
    Band,
    Bands,
    Curves,
    Grain,
    Mono,
    Sharpen,
    SplitToning,
    Tone,
    Vignette,
)
from homebody.image import Lut, write_cube

PRESETS = default_catalog().presets
GOLDEN = Path(__file__).parents[3] / "conformance" / "look"
WASM = kernels.NATIVE / "homebody.wasm"


def load(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


twin = load(Path(__file__).with_name("look_twin.py"))


def preset(**adjust):
    return msgspec.structs.replace(NEUTRAL, adjust=Adjustments(**adjust))


def table(size=17, **adjust):
    return kernels.look_lut(parameters(Adjustments(**adjust)), size)


def greys(lut):
    n = len(lut)
    return lut[range(n), range(n), range(n), :3].astype(int)


# ---- strategies ----

signed = st.floats(-100, 100)
amounts = st.floats(0, 100)
hues = st.floats(0, 360)


@st.composite
def points(draw):
    xs = sorted(draw(st.sets(st.integers(0, 255), min_size=2, max_size=8)))
    ys = sorted(draw(st.lists(st.integers(0, 255), min_size=len(xs), max_size=len(xs))))
    return tuple(zip(map(float, xs), map(float, ys), strict=True))


@st.composite
def monos(draw):
    red, blue = draw(st.integers(-30, 100)), draw(st.integers(-20, 60))
    return Mono(red=red, green=100 - red - blue, blue=blue)


tones = {
    "exposure": st.floats(-4, 4),
    "contrast": signed,
    "highlights": signed,
    "shadows": signed,
    "fade": amounts,
}
colours = {
    "temperature": signed,
    "tint": signed,
    "saturation": signed,
    "vibrance": signed,
    "bands": st.builds(
        Bands,
        **{b: st.builds(Band, hue=signed, saturation=signed, luminance=signed) for b in BANDS},
    ),
    "split_toning": st.builds(
        SplitToning,
        shadows=st.builds(Tone, hue=hues, amount=amounts),
        highlights=st.builds(Tone, hue=hues, amount=amounts),
        balance=signed,
    ),
}
master = st.builds(Curves, master=points())
curves = st.builds(Curves, master=points(), red=points(), green=points(), blue=points())
anything = st.fixed_dictionaries({}, optional={**tones, **colours, "curves": curves})


# ---- the twin ----


def differences(values, size):
    return np.abs(kernels.look_lut(values, size)[..., :3] - twin.look(values, size))


@pytest.mark.parametrize("chosen", PRESETS, ids=lambda p: p.id)
def test_every_preset_is_what_the_twin_says(chosen):
    # A unit is 1/128 of an 8-bit level; half a one is the rounding.
    assert differences(parameters(chosen.adjust), 9).max() <= 1


@settings(max_examples=100, deadline=None)
@given(adjust=anything)
def test_any_adjustments_are_what_the_twin_says(adjust):
    assert differences(parameters(Adjustments(**adjust)), 6).max() <= 1


def test_the_table_of_the_gamut_s_edge_is_near_the_edge():
    hue, lightness = (
        grid.ravel() for grid in np.meshgrid(np.arange(0.0, 360), np.arange(1, 20) / 20)
    )
    by_table, really = twin.reach(lightness, hue), twin.reach_by_bisection(lightness, hue)
    cliff = (hue > 245) & (hue < 265)
    off = by_table[~cliff] / really[~cliff] - 1
    assert np.abs(np.median(off)) < 0.005
    assert np.percentile(np.abs(off), 95) < 0.06
    # Where the table reaches too far, little is left for the last clipping to take.
    way = np.column_stack([np.cos(np.radians(hue)), np.sin(np.radians(hue))])
    rgb = twin.linear_from(np.column_stack([lightness, by_table[:, None] * way]))
    assert rgb.max() < 1.08
    assert (rgb.min(1) / lightness**3).min() > -0.15
    # And it is smooth: no cliff for a sky to fall off.
    assert np.abs(np.diff(np.append(twin.EDGE[:, 0], twin.EDGE[0, 0]))).max() < 0.17


# ---- what holds for every table ----


@pytest.mark.parametrize("size", [17, 33, 65])
def test_neutral_is_the_identity_to_the_bit(size):
    assert (compile_lut(NEUTRAL, size) == kernels.lut_identity(size)).all()


def test_the_way_through_oklab_and_back_loses_nothing():
    # Too small to change any node, large enough to send every node through the whole engine.
    everything = table(33, saturation=1e-9, vibrance=1e-9)
    assert (everything == kernels.lut_identity(33)).all()


@settings(max_examples=60, deadline=None)
@given(adjust=anything)
def test_tables_stay_in_range(adjust):
    lut = table(6, **adjust)
    assert lut.min() >= 0
    assert lut.max() <= kernels.LUT_WHITE
    assert not lut[..., 3].any()


@settings(max_examples=60, deadline=None)
@given(
    adjust=st.fixed_dictionaries(
        {"curves": master},
        optional={**tones, **{k: colours[k] for k in ("saturation", "vibrance", "bands")}},
    )
)
def test_greys_stay_grey_and_in_order_unless_something_tints_them(adjust):
    ramp = greys(table(17, **adjust))
    assert (ramp == ramp[:, :1]).all()
    assert (np.diff(ramp[:, 0]) >= 0).all()


@settings(max_examples=40, deadline=None)
@given(mono=monos(), adjust=st.fixed_dictionaries({"curves": master}, optional=tones))
def test_mono_gives_equal_channels(mono, adjust):
    lut = table(9, mono=mono, saturation=20.0, **adjust)
    assert (lut[..., :3] == lut[..., :1]).all()


def test_a_mono_mix_keeps_the_tone_of_greys():
    ramp = greys(table(17, mono=Mono(red=80, green=40, blue=-20)))
    assert (ramp == greys(kernels.lut_identity(17))).all()


@pytest.mark.parametrize(
    "adjust", [{"exposure": 1.5}, {"exposure": -1.5}, {"temperature": 60}, {"tint": -80}]
)
def test_light_and_white_balance_keep_black_and_white(adjust):
    ramp = greys(table(17, **adjust))
    assert ramp[0].tolist() == [0, 0, 0]
    assert ramp[-1].tolist() == [32640] * 3
    assert (np.diff(ramp, axis=0) > 0).all()


def test_adjustments_go_the_way_their_names_say():
    grey = greys(table(17))[8]
    assert (greys(table(exposure=1))[8] > grey).all()
    warm = greys(table(temperature=40))[8]
    assert warm[0] > warm[1] > warm[2]
    magenta = greys(table(tint=40))[8]
    assert magenta[1] < min(magenta[0], magenta[2])
    ramp, firm = greys(table())[:, 0], greys(table(contrast=50))[:, 0]
    assert firm[4] < ramp[4] < ramp[12] < firm[12]
    assert greys(table(shadows=50))[4, 0] > ramp[4]
    assert greys(table(highlights=-50))[12, 0] < ramp[12]
    assert greys(table(fade=50))[0, 0] == pytest.approx(0.1 * 32640, abs=1)
    blue_shadows = SplitToning(shadows=Tone(hue=255, amount=50), highlights=Tone(hue=75, amount=50))
    tinted = greys(table(split_toning=blue_shadows))
    assert tinted[4, 2] > tinted[4, 0]
    assert tinted[12, 0] > tinted[12, 2]


def test_saturating_a_colour_at_the_edge_leaves_it_there():
    corners = table(2)[..., :3]
    assert np.abs(table(2, saturation=60)[..., :3].astype(int) - corners).max() <= 1


def test_saturating_keeps_colours_apart():
    # A ramp from grey to a colour near the edge: more chroma in, more chroma out, nothing
    # flattened.
    lut = compile_lut(preset(saturation=80))
    ramp = np.stack([np.linspace(128, 40, 12), np.full(12, 128), np.linspace(128, 200, 12)], -1)
    out = kernels.lut_apply(ramp.round().astype(np.uint8)[None], lut)[0].astype(int)
    assert (np.diff(out[:, 2] - out[:, 0]) > 0).all()


def test_hue_turns_and_skin_is_spared_by_vibrance():
    skin = np.array([[[224, 172, 140]]], np.uint8)
    leaf = np.array([[[150, 172, 140]]], np.uint8)

    def spread(pixel, **adjust):
        return np.ptp(kernels.lut_apply(pixel, compile_lut(preset(**adjust))).astype(int))

    gains = [spread(p, vibrance=60) / spread(p) for p in (skin, leaf)]
    assert 1 < gains[0] < gains[1]
    bluer = table(9, bands=Bands(green=Band(hue=60)))[0, 8, 0]
    assert bluer[2] > table(9)[0, 8, 0][2] + 2000


# ---- arguments ----


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, np.nan), (0, 9), (3, -1.5), (20, 1.1), (33, 361), (34, -0.1), (42, 17), (42, 1), (42, -1)],
)
def test_parameters_out_of_range_are_refused(place, value):
    values = parameters(Adjustments())
    values[place] = value
    with pytest.raises(KernelError):
        kernels.look_lut(values)


@pytest.mark.parametrize(
    "flat",
    [[0.5, 0, 0.5, 1], [0.2, 0.8, 0.8, 0.2], [0, 0, 1, 1.2], [0.8, 0, 0.2, 1], [0, np.nan, 1, 1]],
)
def test_curves_that_fold_back_are_refused(flat):
    values = parameters(Adjustments())
    values[75 : 76 + len(flat)] = [2, *flat]
    with pytest.raises(KernelError):
        kernels.look_lut(values)


def test_the_wrong_number_of_parameters_is_refused():
    with pytest.raises(KernelError):
        kernels.look_lut(np.zeros(173))


# ---- golden vectors ----


def test_golden_vectors_are_what_the_native_kernel_gives():
    make = load(GOLDEN / "make.py")
    assert json.loads(make.FILE.read_text()) == json.loads(json.dumps(make.cases()))


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.skipif(not WASM.exists(), reason="the WebAssembly module was not built")
def test_webassembly_gives_the_same_bits():
    script = Path(__file__).with_name("run_look.mjs")
    command = ["node", str(script), str(WASM), str(GOLDEN / "look.json")]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = [json.loads(line) for line in run.stdout.splitlines()]
    cases = json.loads((GOLDEN / "look.json").read_text())
    assert found == [{"name": case["name"], "sha256": case["sha256"]} for case in cases]


# ---- rendering ----

PHOTO = np.random.default_rng(7).integers(0, 256, (60, 90, 3), np.uint8)
FULL = preset(
    contrast=20.0, grain=Grain(amount=40), vignette=Vignette(amount=-40), sharpen=Sharpen(amount=30)
)


def test_neutral_renders_the_photo_itself():
    assert (render(PHOTO, NEUTRAL) == PHOTO).all()


def test_render_is_the_kernels_in_their_order():
    expected = kernels.lut_apply(PHOTO, compile_lut(FULL))
    expected = kernels.sharpen(expected, 30, 20)
    expected = kernels.vignette(expected, -40, 50)
    expected = kernels.grain(expected, 40, 25, seed=seed_of(FULL))
    assert (render(PHOTO, FULL) == expected).all()
    assert (render(PHOTO, FULL, 37) == kernels.blend(PHOTO, expected, 37)).all()


def test_strength_goes_from_the_photo_to_the_preset():
    assert (render(PHOTO, FULL, 0) == PHOTO).all()
    whole = render(PHOTO, FULL).astype(int)
    half = render(PHOTO, FULL, 50).astype(int)
    assert np.abs(2 * half - whole - PHOTO).max() <= 1


def test_the_photo_is_not_written_to():
    before = PHOTO.copy()
    render(PHOTO, FULL, 50)
    assert (before == PHOTO).all()


def test_a_window_is_a_piece_of_the_whole():
    plain = preset(contrast=20.0, grain=Grain(amount=40), vignette=Vignette(amount=-40))
    whole = render(PHOTO, plain)
    window = np.ascontiguousarray(PHOTO[10:40, 25:80])
    piece = render(window, plain, full_size=(60, 90), origin=(10, 25))
    assert (piece == whole[10:40, 25:80]).all()


def test_alpha_stays_and_threads_change_nothing():
    pixels = np.dstack([PHOTO, PHOTO[..., 0]])
    edited = render(pixels, FULL)
    assert (edited[..., 3] == pixels[..., 3]).all()
    assert (edited[..., :3] == render(PHOTO, FULL, threads=3)).all()


def test_a_photo_that_is_not_contiguous_is_rendered():
    assert (render(PHOTO[:, ::2], NEUTRAL) == PHOTO[:, ::2]).all()


# ---- .cube files ----


@pytest.mark.parametrize("size", [17, 33, 65])
def test_a_preset_goes_through_a_cube_file_and_back(tmp_path, size):
    chosen = default_catalog().preset("cin-02")
    path = tmp_path / "look.cube"
    write_cube(Lut(compile_lut(chosen, size), chosen.name), path)
    back = preset_from_cube(path, "my-01", "Mine")
    nodes = compile_lut(chosen, size) if size != 65 else compile_lut(chosen, size)[::2, ::2, ::2]
    assert (compile_lut(back) == nodes).all()
    assert back.family == "imported"


def test_a_cube_preset_may_have_grain_but_no_other_colour(tmp_path):
    path = tmp_path / "look.cube"
    write_cube(Lut(kernels.lut_identity(17)), path)
    cube = preset_from_cube(path, "my-01", "Mine").adjust.cube
    assert Adjustments(cube=cube, grain=Grain(amount=10)).cube == cube
    with pytest.raises(ValueError, match="no other colour"):
        Adjustments(cube=cube, contrast=10.0)


def test_importing_what_is_no_cube_file_is_one_error(tmp_path):
    path = tmp_path / "look.cube"
    path.write_text("LUT_3D_SIZE 33\n0 0 0\n")
    with pytest.raises(LutError):
        preset_from_cube(path, "my-01", "Mine")
    write_cube(Lut(kernels.lut_identity(17)), path)
    with pytest.raises(PresetError, match="id"):
        preset_from_cube(path, "My Look!", "Mine")
