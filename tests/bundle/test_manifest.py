from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attacks.bundle.forge import good_manifest
from homebody import errors
from homebody.bundle import Limits, Manifest, read_manifest, write_manifest
from homebody.bundle.manifest import TensorSpec
from homebody.bundle.operations import OPERATIONS, Normalize, Resize, operation_name
from tests.bundle.drafts import draft

EXAMPLES: dict[str, dict[str, Any]] = {
    "resize.v1": {"short_side": 227},
    "center_crop.v1": {"width": 227, "height": 1},
    "normalize.v1": {"order": "bgr", "mean": [1.5, 0.0, -3.0], "std": [1.0, 0.5, 2.0]},
    "softmax.v1": {},
    "class_map.v1": {"entry": "labels.txt"},
    "labels.v1": {"entry": "labels.txt"},
    "photometry.v1": {},
    "normalize_text.v1": {"steps": ["nfkc", "case_fold"]},
    "sentences.v1": {},
    "whitespace.v1": {},
    "unicode_script.v1": {"keep_whitespace": False},
    "characters.v1": {},
    "bytes.v1": {},
    "ngrams.v1": {"width": 2, "separator": " "},
    "wordpiece.v1": {
        "entry": "labels.txt", "rules": "hf", "lower_case": True, "unknown_token": "[UNK]",
        "suffix_indicator": "##", "max_bytes_per_word": 100,
    },
    "lookup.v1": {"entry": "labels.txt", "unknown_token": "[UNK]"},
    "wordshape.v1": {"pattern": "HAS_EMOJI"},
    "sliding_window.v1": {"width": 3},
    "trim.v1": {"strategy": "waterfall", "max_length": 8},
    "combine_segments.v1": {"start": 101, "end": 102},
    "pad.v1": {
        "length": 8, "value": 0, "dtype": "int32", "ids": "ids", "mask": None, "segment_ids": "of",
    },
    "viterbi.v1": {"entry": "labels.txt"},
    "greedy.v1": {"entry": "labels.txt"},
    "boise_tags.v1": {},
}  # fmt: skip

# A manifest with everything that a manifest can have.
document = good_manifest() | {"input": [{"op": name, **it} for name, it in EXAMPLES.items()]}
document["samples"] = {"entry": "labels.txt"}
document["tolerances"] = {"outputs": {"scores": {"sqnr_db": 60.0, "max_abs": 0.1, "top1": 1.0}}}
document["assets"] = {"catalog": "labels.txt"}
document["provenance"] = {"weights": "none"}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, by the keys and indices that lead to it."""
    if isinstance(value, dict):
        inside = list(value.items())
    else:
        inside = list(enumerate(value)) if isinstance(value, list) else []
    return [path] * bool(path) + [it for key, below in inside for it in places(below, (*path, key))]


def with_value(path: tuple[Any, ...], value: Any) -> bytes:
    copy = json.loads(json.dumps(document))
    at = copy
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return json.dumps(copy).encode()


def test_the_examples_hold_every_operation() -> None:
    assert EXAMPLES.keys() == OPERATIONS.keys()
    manifest = read_manifest(json.dumps(document).encode())
    assert [operation_name(one) for one in manifest.input] == list(EXAMPLES)
    assert manifest.input[2] == Normalize(order="bgr", mean=(1.5, 0, -3), std=(1, 0.5, 2))


def test_a_manifest_survives_its_json_and_has_one_spelling() -> None:
    manifest = read_manifest(json.dumps(document).encode())
    once = write_manifest(manifest)
    assert read_manifest(once) == manifest
    assert write_manifest(read_manifest(once)) == once
    whole = draft(input=(Normalize(order="rgb", mean=(1, 2, 3), std=(1, 1, 1)),))
    broken = draft(input=(Normalize(order="rgb", mean=(1.0, 2.0, 3.0), std=(1.0,) * 3),))
    assert write_manifest(whole) == write_manifest(broken)


@pytest.mark.parametrize("path", places(document), ids=lambda it: ".".join(map(str, it)))
def test_no_value_may_be_of_another_type(path: tuple[Any, ...]) -> None:
    """null, a boolean and an array of arrays fit nowhere, but null where it means 'none'."""
    optional = {("samples",)} | {
        ("tolerances", "outputs", "scores", it) for it in ("sqnr_db", "max_abs", "top1")
    }
    may_be_none = path in optional or path[-1] in ("mask", "segment_ids")
    boolean = path[-1] in ("keep_whitespace", "lower_case")
    for value in (None, True, [[]]):
        if (value is None and may_be_none) or (value is True and boolean):
            read_manifest(with_value(path, value))
            continue
        with pytest.raises(errors.ManifestError):
            read_manifest(with_value(path, value))


@pytest.mark.parametrize("path", places(document), ids=lambda it: ".".join(map(str, it)))
def test_no_object_may_have_another_key(path: tuple[Any, ...]) -> None:
    value: Any = document
    for key in path:
        value = value[key]
    mappings = ({"entries"}, {"outputs"}, {"assets"}, {"provenance"})
    if isinstance(value, dict) and not any(path[-1] in one for one in mappings):
        with pytest.raises(errors.UnknownKeyError, match="surprise"):
            read_manifest(with_value(path, {**value, "surprise": 1}))


@pytest.mark.parametrize(
    ("path", "bad"),
    [
        (("name",), ["", "Upper", "two  words", "a_b", "-a", "a-", "a\n", "a" * 65, "é"]),
        (("task",), ["", "a b"]),
        (("version",), ["1", "1.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0 ", "v1.0.0", "1.0.0\n"]),
        (("version",), ["1.٠.0"]),
        (("minimum_runtime",), ["0.1", "0.1.0-a", "0.1.0\n", "", "0.01.0"]),
        (("licence",), ["", "x" * 201]),
        (("input", 0, "short_side"), [0, -1, 16385, 1.5, 1e3, "8"]),
        (("input", 2, "order"), ["RGB", "", 0]),
        (("input", 2, "std"), [[1, 1], [1, 1, 1, 1], [1, 1, 0], [1, -1, 1], [1, 1, 1e-9]]),
        (("input", 2, "mean"), [[1, 1], [1e7, 0, 0], ["1", 0, 0]]),
        (("input", 7, "steps"), [[], ["NFC"], ["nfc"] * 9, "nfc"]),
        (("input", 13, "width"), [0, 65, 2.0]),
        (("input", 13, "separator"), ["-" * 17]),
        (("input", 14, "rules"), ["", "TF"]),
        (("input", 14, "unknown_token"), ["", "x" * 101]),
        (("input", 14, "max_bytes_per_word"), [0, 65537]),
        (("input", 17, "width"), [0, 4097]),
        (("input", 18, "strategy"), ["random", ""]),
        (("input", 18, "max_length"), [0, 65537]),
        (("input", 19, "start"), [-1, 1 << 31]),
        (("input", 20, "dtype"), ["float32", "int8"]),
        (("input", 20, "ids"), ["", "x" * 201]),
        (("model", "inputs"), [[], [{"name": "a", "shape": [1], "dtype": "float32"}] * 2]),
        (("model", "inputs", 0, "shape"), [[0], [-2], [1] * 9, [1 << 40], [1.0]]),
        (("model", "inputs", 0, "dtype"), ["object", "float", "<f4", "complex64"]),
        (("model", "entry"), ["model.onnx", "labels.txt"]),
        (("model", "format"), ["onnx", "TFLITE"]),
        (("tolerances", "input"), ["close"]),
        (("tolerances", "outputs"), [{}, {"scores": {}}, {"other": {"top1": 1}}]),
        (("tolerances", "outputs", "scores", "top1"), [-0.1, 1.1]),
        (("tolerances", "outputs", "scores", "sqnr_db"), [-1, 1001]),
        (("tolerances", "outputs", "scores", "max_abs"), [-0.1]),
        (("tolerances", "answers"), [-1, 2]),
        (("entries", "labels.txt", "sha256"), ["", "0" * 63, "A" * 64, "0" * 64 + "\n"]),
        (("entries", "labels.txt", "size"), [-1, 1.0, 1 << 32]),
        (("assets",), [{"Not a slug": "labels.txt"}]),
    ],
)
def test_no_value_may_be_out_of_range(path: tuple[Any, ...], bad: list[Any]) -> None:
    for value in bad:
        with pytest.raises(errors.ManifestValueError):
            read_manifest(with_value(path, value))


@pytest.mark.parametrize(
    ("path", "good"),
    [
        (("version",), ["0.0.0", "1.2.3-rc.1", "1.2.3+build", "10.20.30-alpha-1.x+a.b"]),
        (("name",), ["a", "for-this-photo", "x2-y3"]),
        (("model", "inputs", 0, "shape"), [[], [-1, 3], [1, 227, 227, 3]]),
        (("input", 0, "short_side"), [1, 16384]),
        (("tolerances", "answers"), [0, 1, 0.5]),
    ],
)
def test_values_at_the_edge_of_their_range_are_accepted(
    path: tuple[Any, ...], good: list[Any]
) -> None:
    for value in good:
        read_manifest(with_value(path, value))


def test_a_bundle_from_the_future_is_called_that_before_it_is_called_malformed() -> None:
    newer = {"format": "homebody/2", "anything": 1}
    with pytest.raises(errors.NewerFormatError):
        read_manifest(json.dumps(newer).encode())
    newer = document | {"minimum_runtime": "1.0.0", "anything": 1}
    with pytest.raises(errors.NewerRuntimeError):
        read_manifest(json.dumps(newer).encode())
    for other in ("homebody/0", "homebody/01", "homebody/-1", "homebody/", "homebody/2 ", 1, []):
        with pytest.raises(errors.UnknownFormatError):
            read_manifest(json.dumps(document | {"format": other}).encode())


def test_runtime_versions_compare_as_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    import homebody

    data = json.dumps(document | {"minimum_runtime": "0.9.10"}).encode()
    for here, accepted in (("0.9.9", False), ("0.9.10", True), ("0.10.0.dev1", True)):
        monkeypatch.setattr(homebody, "__version__", here)
        if accepted:
            read_manifest(data)
        else:
            with pytest.raises(errors.NewerRuntimeError):
                read_manifest(data)


def test_a_manifest_over_the_cap_is_refused() -> None:
    data = json.dumps(document).encode()
    read_manifest(data, Limits(manifest_bytes=len(data)))
    with pytest.raises(errors.ManifestTooLargeError):
        read_manifest(data, Limits(manifest_bytes=len(data) - 1))


def test_no_message_can_act_on_a_terminal() -> None:
    for hostile in ("\x1b[2J", "a\nb", "\u202e"):
        for data in (
            with_value(("surprise",), 1).replace(b"surprise", json.dumps(hostile)[1:-1].encode()),
            with_value(("input", 0, "op"), hostile),
            with_value(("format",), hostile),
            with_value(("assets",), {"catalog": hostile}),
            with_value(("tolerances", "outputs"), {hostile: {"top1": 1}}),
        ):
            with pytest.raises(errors.ManifestError) as caught:
                read_manifest(data)
            assert str(caught.value).isprintable()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=9), below),
    max_leaves=9,
)


@given(st.sampled_from(places(document)), values)
@settings(max_examples=400)
def test_any_value_anywhere_is_read_or_refused(path: tuple[Any, ...], value: Any) -> None:
    try:
        manifest = read_manifest(with_value(path, value))
        assert read_manifest(write_manifest(manifest)) == manifest
        message = ""
    except errors.BundleError as refusal:
        message = str(refusal)
    assert message.isprintable()


@given(st.dictionaries(st.sampled_from(sorted(document)) | st.text(max_size=5), values))
@settings(max_examples=200)
def test_any_object_is_read_or_refused(changes: dict[str, Any]) -> None:
    try:
        read_manifest(json.dumps(document | changes).encode())
        message = ""
    except errors.BundleError as refusal:
        message = str(refusal)
    assert message.isprintable()


@given(st.binary(max_size=60))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(errors.BundleError):
        read_manifest(data)


def test_a_shape_made_by_hand_is_held_to_the_same_rule() -> None:
    with pytest.raises(ValueError, match="length 0"):
        TensorSpec(name="a", shape=(1, 0), dtype="float32")
    with pytest.raises(errors.ManifestValueError):
        write_manifest(draft(input=(Resize(short_side=0),)))


def test_the_schema_is_made_of_the_types() -> None:
    schema = msgspec.json.schema(Manifest)
    assert "Manifest" in schema["$defs"]
