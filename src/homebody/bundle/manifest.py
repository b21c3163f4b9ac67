"""manifest.json as types: what a bundle says about itself.

Every struct refuses unknown keys. `read_manifest` turns bytes into a `Manifest` or refuses
them by name; `write_manifest` is its inverse and always gives the same bytes.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct, field

from homebody.bundle._json import decode_json, printable
from homebody.bundle.limits import Limits
from homebody.bundle.operations import OPERATIONS, Operation, operation_name, referred_entry
from homebody.errors import (
    DanglingReferenceError,
    ManifestTooLargeError,
    ManifestValueError,
    NewerFormatError,
    NewerRuntimeError,
    UnknownFormatError,
    UnknownKeyError,
    UnknownOperationError,
)

FORMAT = "homebody/1"

_STOP = r"$(?!\n)"  # the end in Python, whose $ also matches before a newline, and elsewhere
_IDENTIFIER = r"(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_CORE = r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})"
_TAIL = rf"(-{_IDENTIFIER}(\.{_IDENTIFIER})*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?"

Slug: TypeAlias = Annotated[
    str, Meta(pattern=rf"^[a-z][a-z0-9]*(-[a-z0-9]+)*{_STOP}", max_length=64)
]
"""Lower-case words joined by hyphens."""
Version: TypeAlias = Annotated[str, Meta(pattern=rf"^{_CORE}{_TAIL}{_STOP}", max_length=64)]
"""A semantic version (semver.org 2.0.0)."""
PlainVersion: TypeAlias = Annotated[str, Meta(pattern=rf"^{_CORE}{_STOP}")]
"""A semantic version without pre-release or build."""
Sha256: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}", max_length=64)]
"""A SHA-256 in lower-case hexadecimal."""
Short: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
"""A name or a line."""
Dimension: TypeAlias = Annotated[int, Meta(ge=-1, le=1 << 31)]
"""A length along an axis; -1 where it may vary."""
DType: TypeAlias = Literal[
    "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"
]
"""A tensor's element type, as numpy names it."""


class _Strict(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Entry(_Strict, frozen=True, kw_only=True):
    """What the manifest states of one entry."""

    sha256: Sha256
    size: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]


class TensorSpec(_Strict, frozen=True, kw_only=True):
    """A model's input or output: its name, shape and element type."""

    name: Short
    shape: Annotated[tuple[Dimension, ...], Meta(max_length=8)]
    dtype: DType

    def __post_init__(self) -> None:
        """Refuse an axis of length 0."""
        if 0 in self.shape:
            raise ValueError("a shape's axis has length 0")


class Model(_Strict, frozen=True, kw_only=True):
    """The network: its entry (``model.tflite`` or ``model.onnx``) and its tensors."""

    entry: Literal["model.tflite", "model.onnx"]
    format: Literal["tflite", "onnx"]
    inputs: Annotated[tuple[TensorSpec, ...], Meta(min_length=1, max_length=64)]
    outputs: Annotated[tuple[TensorSpec, ...], Meta(min_length=1, max_length=64)]

    def __post_init__(self) -> None:
        """Refuse an entry of another format, and tensors of one name."""
        if self.entry != f"model.{self.format}":
            raise ValueError(f"the entry of a {self.format} model is model.{self.format}")
        for tensors in (self.inputs, self.outputs):
            if len({tensor.name for tensor in tensors}) != len(tensors):
                raise ValueError("two of the model's tensors have one name")


class SamplesReference(_Strict, frozen=True, kw_only=True):
    """Where the samples are listed."""

    entry: Short


class OutputTolerance(_Strict, frozen=True, kw_only=True):
    """How far one model output may stray from the samples; None does not measure."""

    sqnr_db: Annotated[float, Meta(ge=0, le=1000)] | None = None
    """The least ratio of signal to difference over all samples, in decibels."""
    max_abs: Annotated[float, Meta(ge=0)] | None = None
    """The largest absolute difference of any one value."""
    top1: Annotated[float, Meta(ge=0, le=1)] | None = None
    """The least share of samples whose arg-max over the last axis stays."""

    def __post_init__(self) -> None:
        """Refuse a tolerance that tolerates everything."""
        if self.sqnr_db is None and self.max_abs is None and self.top1 is None:
            raise ValueError("a tolerance states at least one of sqnr_db, max_abs and top1")


class Tolerances(_Strict, frozen=True, kw_only=True):
    """How far a runtime may stray from the samples before `check` fails.

    The tensors that the input pipeline makes are compared bit for bit, always.
    """

    input: Literal["exact"] = "exact"
    outputs: dict[Short, OutputTolerance] = field(default_factory=dict)
    """By the name of the model's output; with samples, every output is named."""
    answers: Annotated[float, Meta(ge=0, le=1)] = 1.0
    """The least share of samples whose final answer stays."""


class Manifest(_Strict, frozen=True, kw_only=True):
    """Everything that manifest.json says.

    To write a bundle, make one without `entries`: `homebody.bundle.write` fills them in.

    >>> from homebody.bundle.operations import CenterCrop, Normalize, Resize, Softmax
    >>> Manifest(
    ...     name="for-this-photo",
    ...     version="1.0.0",
    ...     task="suggest-presets",
    ...     input=(
    ...         Resize(short_side=227),
    ...         CenterCrop(width=227, height=227),
    ...         Normalize(order="rgb", mean=(127.5,) * 3, std=(127.5,) * 3),
    ...     ),
    ...     model=Model(
    ...         entry="model.tflite",
    ...         format="tflite",
    ...         inputs=(TensorSpec(name="image", shape=(1, 227, 227, 3), dtype="float32"),),
    ...         outputs=(TensorSpec(name="scores", shape=(1, 1000), dtype="float32"),),
    ...     ),
    ...     output=(Softmax(),),
    ...     licence="Apache-2.0",
    ... ).format
    'homebody/1'
    """

    format: Literal["homebody/1"] = "homebody/1"
    name: Slug
    version: Version
    task: Slug
    minimum_runtime: PlainVersion = "0.1.0"
    entries: dict[str, Entry] = field(default_factory=dict)
    input: tuple[Operation, ...]
    model: Model
    output: tuple[Operation, ...]
    assets: dict[Slug, Short] = field(default_factory=dict)
    samples: SamplesReference | None = None
    tolerances: Tolerances = field(default_factory=Tolerances)
    licence: Short
    provenance: dict[str, str] = field(default_factory=dict)


def write_manifest(manifest: Manifest) -> bytes:
    """Encode a manifest as indented JSON; equal manifests give equal bytes.

    Raises:
        ManifestError: a value is of the wrong type or out of range.
    """
    try:
        # Once through plain values: it validates, and turns a float's 1 into 1.0.
        exact = convert(msgspec.to_builtins(manifest), Manifest, "the manifest")
        return msgspec.json.format(msgspec.json.encode(exact, order="deterministic"), indent=2)
    except (TypeError, UnicodeError) as error:
        raise ManifestValueError(f"the manifest cannot be written as JSON ({error})") from None


def read_manifest(data: bytes, limits: Limits | None = None) -> Manifest:
    """Decode and validate manifest.json, or raise a `BundleError` that says what is wrong.

    Checks the format and the minimum runtime before the rest, so that a bundle from the future
    is called that, and not malformed.
    """
    limits = limits or Limits()
    if len(data) > limits.manifest_bytes:
        raise ManifestTooLargeError(
            f"manifest.json has {len(data)} bytes; at most {limits.manifest_bytes} are accepted"
        )
    document = decode_json(data, "manifest.json", depth=limits.json_depth)
    if not isinstance(document, dict):
        raise ManifestValueError("manifest.json is not a JSON object; make it one")
    _check_format(document.get("format"))
    _check_runtime(document.get("minimum_runtime"))
    _check_operations(document)
    manifest: Manifest = convert(document, Manifest, "manifest.json")
    if "entries" not in document:
        raise ManifestValueError("manifest.json has no `entries`; list every entry's hash and size")
    _check_references(manifest)
    _check_tolerances(manifest)
    return manifest


def convert(document: Any, kind: type[Any], name: str) -> Any:
    """Fit parsed JSON to a struct; `UnknownKeyError` and `ManifestValueError` name the place."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        problem = UnknownKeyError if "unknown field" in str(error) else ManifestValueError
        raise problem(
            f"{name} does not fit the format {FORMAT}: {printable(str(error))}; "
            "see docs/bundle-format.md"
        ) from None
    except RecursionError:
        raise ManifestValueError(f"{name} is nested too deep") from None


def _check_format(stated: object) -> None:
    if stated == FORMAT:
        return
    known = int(FORMAT.rpartition("/")[2])
    match = re.fullmatch(r"homebody/([1-9][0-9]{0,5})", stated) if isinstance(stated, str) else None
    if match and int(match[1]) > known:
        raise NewerFormatError(
            f"the bundle's format is {stated} and this runtime reads {FORMAT}; update homebody"
        )
    raise UnknownFormatError(
        f"the manifest's format is {stated!r:.60} and must be {FORMAT!r}; is it a Homebody bundle?"
    )


def _check_runtime(stated: object) -> None:
    from homebody import __version__

    if not isinstance(stated, str) or not re.fullmatch(_CORE, stated):
        return  # the schema says so better
    needed = tuple(int(part) for part in stated.split("."))
    here = tuple(int(part) for part in re.findall(r"\d+", __version__)[:3])
    if needed > here:
        raise NewerRuntimeError(
            f"the bundle needs homebody {stated} and this is {__version__}; update homebody"
        )


def _check_operations(document: dict[str, Any]) -> None:
    for pipeline in ("input", "output"):
        steps = document.get(pipeline)
        for step in steps if isinstance(steps, list) else ():
            op = step.get("op") if isinstance(step, dict) else None
            if isinstance(op, str) and op not in OPERATIONS:
                raise UnknownOperationError(
                    f"the {pipeline} pipeline asks for {op!r:.60}, which homebody does not have; "
                    "update homebody or correct the name"
                )


def _check_references(manifest: Manifest) -> None:
    references: list[tuple[str, str]] = [("model", manifest.model.entry)]
    references += [(f"asset {name}", entry) for name, entry in manifest.assets.items()]
    for operation in (*manifest.input, *manifest.output):
        if entry := referred_entry(operation):
            references.append((operation_name(operation), entry))
    if manifest.samples:
        references.append(("samples", manifest.samples.entry))
    for user, entry in references:
        if entry not in manifest.entries:
            raise DanglingReferenceError(
                f"the manifest's {user} refers to {entry!r}, which it does not list as an entry"
            )


def _check_tolerances(manifest: Manifest) -> None:
    outputs = {tensor.name for tensor in manifest.model.outputs}
    stated = set(manifest.tolerances.outputs)
    if stated - outputs:
        raise ManifestValueError(
            f"the tolerances name {sorted(stated - outputs)}, which the model does not put out"
        )
    if manifest.samples and outputs - stated:
        raise ManifestValueError(
            f"there are samples, yet no tolerance for the output {sorted(outputs - stated)[0]!r}"
        )
