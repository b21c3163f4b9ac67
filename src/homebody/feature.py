"""A feature: a bundle made ready to answer on this device.

A :class:`Feature` opens its bundle (verified whole), makes the model ready, and runs its input
through the pipelines that the manifest names. A task (``suggest-presets``) is a subclass that
turns scores into what a person gets; one whose input is no picture says how its input is read and
prepared. Tasks and built-in bundles are found by entry points, ours and others' alike.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias, TypeGuard

import msgspec
import numpy as np
from numpy.typing import NDArray

from homebody import bundle as bundles
from homebody.bundle import Bundle, Manifest, samples
from homebody.bundle.comparison import Measurement, measure
from homebody.errors import (
    BundleFileError,
    CheckError,
    FeatureError,
    MissingExtraError,
    ModelError,
)
from homebody.files import replacing
from homebody.image import Photo, decode
from homebody.installed import installed
from homebody.pipeline import finish, prepare
from homebody.runtime import Model, TensorSpec

PhotoLike: TypeAlias = str | os.PathLike[str] | bytes | Photo | NDArray[np.uint8]
"""A path, a file's bytes, a decoded photo, or uint8 RGB pixels [h, w, 3]."""

TASKS = "homebody.tasks"
"""Entry-point group: a task's name to a :class:`Feature` subclass."""
BUNDLES = "homebody.bundles"
"""Entry-point group: a built-in feature's name to a function that gives its bundle's path."""


class CheckReport(msgspec.Struct, frozen=True):
    """What :meth:`Feature.check` found: every measurement, passed or not."""

    name: str
    version: str
    sha256: str
    samples: int
    passed: bool
    measurements: tuple[Measurement, ...]

    def require(self) -> None:
        """Raise :class:`CheckError` unless every measurement passed."""
        failed = [str(m) for m in self.measurements if not m.passed]
        if failed:
            raise CheckError(
                f"{self.name} {self.version} does not run here as it was trained: "
                f"{'; '.join(failed)}; do not use it with this runtime"
            )


class Runner(Protocol):
    """What runs a network: LiteRT's :class:`~homebody.runtime.Model`, or a compiled one."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def __call__(self, *inputs: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """One array for each of the outputs from one for each of the inputs."""


class Feature:
    """A bundle ready to run.

    One feature runs one call at a time; make one for each thread.

    Args:
        bundle: an open, verified bundle. The feature closes it.
        threads: how many threads the model may use.

    Attributes:
        model: what runs the network: LiteRT, until :meth:`use_engines` puts a compiled model here.

    Raises:
        ModelError: the model cannot run here.

    Example:
        >>> with load("for-this-photo") as feature:             # doctest: +SKIP
        ...     feature.scores(decode("coast.jpg").pixels)
        {'coastal': 0.93, ...}
    """

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        self.bundle = bundle
        model = self.manifest.model
        if model.format != "tflite":
            raise ModelError(
                f"the bundle's model is {model.format}; this runtime runs tflite, "
                "so use a bundle made for devices"
            )
        self.model: Runner = Model(bundle.read(model.entry), threads=threads)
        for kind, stated, found in (
            ("input", model.inputs, self.model.inputs),
            ("output", model.outputs, self.model.outputs),
        ):
            if [(s.shape, s.dtype) for s in stated] != [(f.shape, f.dtype) for f in found]:
                raise ModelError(
                    f"the model's {kind}s are {[(f.shape, f.dtype) for f in found]} and the "
                    "manifest states others; pack the bundle again"
                )

    @property
    def manifest(self) -> Manifest:
        """What the bundle says about itself."""
        return self.bundle.manifest

    def read(self, stored: NDArray[Any]) -> Any:
        """A sample's input, as the bundle stores it, in the form that :meth:`prepare` takes.

        A picture is stored as its pixels, so it is given back; a task whose input is something
        else, such as text, says here what it is.
        """
        return stored

    def prepare(self, given: Any) -> Any:
        """Run the input pipeline: here, on uint8 RGB pixels [h, w, 3]."""
        return prepare(given, self.manifest.input)

    def tensors(self, prepared: Any) -> dict[str, NDArray[Any]]:
        """The model's inputs by name, in the model's order."""
        return {self.manifest.model.inputs[0].name: prepared.tensor}

    def infer(self, prepared: Any) -> tuple[NDArray[Any], ...]:
        """Run the model: one array for each of its outputs."""
        return self.model(*self.tensors(prepared).values())

    def finish(self, outputs: tuple[NDArray[Any], ...], prepared: Any) -> dict[str, float]:
        """Run the output pipeline: a score for each name."""
        return finish(outputs[0], self.manifest.output, self.bundle)

    def scores(self, given: Any) -> dict[str, float]:
        """Every label's score for what :meth:`prepare` takes: here, pixels."""
        prepared = self.prepare(given)
        return self.finish(self.infer(prepared), prepared)

    def answer(self, scores: Mapping[str, float]) -> str:
        """The label that the samples' answers name: the strongest."""
        return max(scores, key=scores.__getitem__)

    def __call__(self, photo: PhotoLike, /) -> Any:
        """Every label's score for a photo: a path, its bytes, decoded, or RGB pixels."""
        return self.scores(as_photo(photo).flat)

    def check(self) -> CheckReport:
        """Run the bundle's samples here and compare with what the trained model gave.

        Inputs must be equal bit for bit; outputs and answers may differ within the
        manifest's tolerances.

        Raises:
            CheckError: the bundle carries no samples.
            SamplesError: the samples do not fit the model.
        """
        expected = samples.read(self.bundle)
        actual = [self._outcome(sample) for sample in expected]
        found = tuple(measure(expected, actual, self.manifest.tolerances))
        return CheckReport(
            self.manifest.name,
            self.manifest.version,
            self.bundle.sha256,
            len(expected),
            all(m.passed for m in found),
            found,
        )

    def _outcome(self, sample: samples.Sample) -> samples.Outcome:
        prepared = self.prepare(self.read(sample.input))
        outputs = self.infer(prepared)
        model = self.manifest.model
        return samples.Outcome(
            name=sample.name,
            input_sha256={
                name: samples.tensor_sha256(tensor)
                for name, tensor in self.tensors(prepared).items()
            },
            outputs={
                spec.name: output for spec, output in zip(model.outputs, outputs, strict=True)
            },
            answer=self.answer(self.finish(outputs, prepared)),
        )

    def use_catalog(self, path: str | os.PathLike[str]) -> None:
        """Answer from a catalog file, such as a delivered one, in place of the bundle's own.

        Raises:
            FeatureError: this task has no catalog.
            CatalogError: the file cannot be read or is not a catalog.
        """
        raise FeatureError(
            f"{self.manifest.task} answers without a catalog; remove {os.fspath(path)}"
        )

    def use_engines(self, folder: str | os.PathLike[str], *, threads: int | None = None) -> None:
        """Run what ``homebody compile`` made of this very bundle, in place of LiteRT.

        Args:
            folder: what it wrote.
            threads: of one call; as it was compiled if None.

        Raises:
            CompiledError: the folder holds no compiled model, or another bundle's.
            MissingExtraError: the extra ``engines`` is not installed.
        """
        try:
            from homebody.engines.bundled import load_for
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] not in ("onnx", "onnx_ir"):
                raise
            raise MissingExtraError("engines", "running a compiled model") from None
        self.model = load_for(self.bundle, folder, threads=threads)

    def close(self) -> None:
        """Let go of the bundle's file."""
        self.bundle.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def as_photo(photo: PhotoLike, *, at_least: int | None = None) -> Photo:
    """Decode what is not decoded yet.

    Args:
        photo: a path, a file's bytes, a :class:`~homebody.image.Photo`, or uint8 RGB [h, w, 3].
        at_least: the short side, in pixels, that is enough; a JPEG is decoded scaled then.

    Raises:
        ImageError: it cannot be read.
    """
    if isinstance(photo, Photo):
        return photo
    if isinstance(photo, (str, bytes, os.PathLike)):
        return decode(photo, at_least=at_least)
    return Photo.from_pixels(photo)


def load(
    source: str | os.PathLike[str],
    *,
    public_key: bytes | str | os.PathLike[str] | None = None,
    threads: int = 1,
    engines: str | os.PathLike[str] | None = None,
) -> Feature:
    """Load a feature by name or from its bundle.

    Args:
        source: a built-in feature's name (``"for-this-photo"``) or a ``.hb`` file. By name comes
            what ``homebody update`` installed, or else what came with Homebody.
        public_key: 32 raw bytes of an Ed25519 key, or a file of one; the bundle is refused
            unless that key signed it.
        threads: how many threads the model may use.
        engines: a folder that ``homebody compile`` made of this bundle, to run in place of LiteRT,
            with as many threads as it was compiled for.

    Returns:
        The feature of the bundle's task.

    Raises:
        BundleError: the bundle is refused.
        FeatureError: the name or the bundle's task is unknown.
        CompiledError: ``engines`` holds nothing compiled, or another bundle's model.
    """
    path = find_bundle(source)
    key = public_key
    if isinstance(key, (str, os.PathLike)):
        key = bundles.load_public_key(key)
    bundle = bundles.open(path, public_key=key)
    try:
        feature = _task(bundle.manifest.task)(bundle, threads=threads)
        if _is_name(source) and (catalog := installed(source, "catalog")):
            feature.use_catalog(catalog)
        if engines is not None:
            feature.use_engines(engines)
    except BaseException:
        bundle.close()
        raise
    return feature


def _is_name(source: str | os.PathLike[str]) -> TypeGuard[str]:
    return isinstance(source, str) and not (os.path.exists(source) or source.endswith(".hb"))


def _entry_points(group: str) -> dict[str, Any]:
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=group)}


def find_bundle(source: str | os.PathLike[str]) -> Path:
    """The path of a bundle, or of the feature of that name: as delivered, else as built in.

    Raises:
        FeatureError: no feature has that name.
    """
    if _is_name(source):
        known = _entry_points(BUNDLES)
        if source in known:
            return installed(source) or Path(known[source].load()())
        raise FeatureError(
            f"there is no feature {source!r}; give one of {', '.join(sorted(known))}, "
            "or the path of a .hb file"
        )
    return Path(source)


def _task(name: str) -> type[Feature]:
    known = _entry_points(TASKS)
    if name not in known:
        raise FeatureError(
            f"the bundle's task is {name!r}; this installation knows "
            f"{', '.join(sorted(known))}, so install the package that has it"
        )
    task: type[Feature] = known[name].load()
    return task


def pack(
    path: str | os.PathLike[str],
    manifest: Manifest,
    entries: Mapping[str, bytes],
    *,
    private_key: bytes | None = None,
) -> CheckReport:
    """Write a bundle, but only if what it holds runs here as it was trained.

    The bundle is written beside ``path``, checked there, and renamed into place.

    Args:
        path: the ``.hb`` file to write or replace.
        manifest: what the bundle says about itself; its ``entries`` are computed.
        entries: every entry's bytes by name, samples among them.
        private_key: 32 raw bytes of an Ed25519 key to sign with.

    Returns:
        What the check found.

    Raises:
        CheckError: the samples are missing, or the model strays from them too far.
        BundleError: the manifest and entries do not make a bundle.
    """
    with replacing(path, BundleFileError) as draft:
        bundles.write(draft, manifest, entries, private_key=private_key)
        with load(draft) as feature:
            report = feature.check()
        report.require()
    return report
