"""Training settings: every one has a default, a range and a meaning."""

from __future__ import annotations

import hashlib
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from homebody.errors import TrainConfigError

Rate = Annotated[float, Meta(gt=0, le=1)]
Part = Annotated[float, Meta(gt=0, lt=0.9)]


class TrainConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to train; equal settings, photos and packages give equal results.

    Example:
        >>> TrainConfig(epochs=3).modules
        4
    """

    base: Literal["squeezenet"] = "squeezenet"
    """The network that training starts from."""
    seed: Annotated[int, Meta(ge=0, lt=1 << 32)] = 0
    """Of the split, the order of photos and their augmentation."""
    split_by: Annotated[str, Meta(min_length=1)] = "content"
    """What makes a source: see :func:`homebody.train.split_dataset`."""
    validation: Part = 0.15
    """Share of photos for early stopping."""
    test: Part = 0.2
    """Share of photos for the evaluation."""
    class_weights: bool = True
    """Weigh photos so that every label counts the same, however many photos it has."""
    label_smoothing: Annotated[float, Meta(ge=0, lt=0.5)] = 0.05
    """Probability that is spread over all labels instead of the right one."""
    head_epochs: Annotated[int, Meta(ge=1, le=100_000)] = 500
    """At most so many steps for the last layer, on the frozen network's features."""
    head_learning_rate: Rate = 0.003
    """Of the last layer."""
    head_weight_decay: Annotated[float, Meta(ge=0, le=10)] = 0.01
    """How strongly the last layer's weights are pulled to zero."""
    epochs: Annotated[int, Meta(ge=0, le=10_000)] = 12
    """At most so many passes over augmented photos to fine-tune; 0 leaves the base frozen."""
    modules: Annotated[int, Meta(ge=0, le=8)] = 4
    """How many of SqueezeNet's fire modules, from the end, are fine-tuned."""
    learning_rate: Rate = 1e-4
    """Of the fine-tuning, falling to zero along a cosine."""
    weight_decay: Annotated[float, Meta(ge=0, le=1)] = 1e-3
    """Of the fine-tuning (decoupled)."""
    batch_size: Annotated[int, Meta(ge=1, le=4096)] = 32
    """Photos a step."""
    patience: Annotated[int, Meta(ge=1)] = 6
    """Fine-tuning stops after so many epochs without a better validation loss."""
    zoom: Annotated[float, Meta(ge=0, lt=0.9)] = 0.3
    """Augmentation: cut away up to this share of the sides."""
    flip: bool = True
    """Augmentation: mirror every other photo."""
    light: Annotated[float, Meta(ge=0, lt=1)] = 0.15
    """Augmentation: scale brightness by up to this share either way."""
    qat: bool = False
    """Quantization-aware training: train on with int8's rounding in the forward pass, and take the
    int8 model's ranges from that instead of from calibration."""
    qat_epochs: Annotated[int, Meta(ge=1, le=10_000)] = 3
    """At most so many epochs of that; ``patience`` counts here too."""
    qat_learning_rate: Rate = 1e-5
    """Of that, falling to zero along a cosine."""
    format: Literal["int8", "float32"] = "int8"
    """The bundle's model: shrunk, or as trained."""
    samples: Annotated[int, Meta(ge=1, le=200)] = 12
    """How many of the validation photos the bundle carries for its check. They are in the bundle
    for everyone to see."""
    version: str = "1.0.0"
    """The bundle's version."""
    licence: Annotated[str, Meta(min_length=1, max_length=200)] = "LicenseRef-not-stated"
    """The bundle's licence; photos that it carries as samples included."""

    def fingerprint(self) -> str:
        """SHA-256 of the settings."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()

    def replace(self, **changes: Any) -> TrainConfig:
        """These settings with some changed, checked again.

        Raises:
            TrainConfigError: a setting is unknown or out of range.

        Example:
            >>> TrainConfig().replace(epochs=-1)
            Traceback (most recent call last):
            homebody.errors.TrainConfigError: the settings do not fit: ...
        """
        return _convert(msgspec.to_builtins(self) | changes, "the settings")


def read_config(path: str | os.PathLike[str]) -> TrainConfig:
    """Read settings from a TOML file, each a key of :class:`TrainConfig`.

    Raises:
        TrainConfigError: the file cannot be read or a setting is unknown or out of range.
    """
    try:
        document = tomllib.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise TrainConfigError(f"cannot read {path}: {error.strerror}; check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainConfigError(f"{path} is not TOML ({error}); see docs/train.md") from None
    return _convert(document, str(path))


def _convert(document: Any, name: str) -> TrainConfig:
    try:
        return msgspec.convert(document, TrainConfig)
    except msgspec.ValidationError as error:
        raise TrainConfigError(
            f"{name} do not fit: {error}; see docs/train.md for every setting"
            if name == "the settings"
            else f"{name} does not fit: {error}; see docs/train.md for every setting"
        ) from None
