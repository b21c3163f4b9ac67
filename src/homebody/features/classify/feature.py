"""One label for a photo, with every label's probability."""

from __future__ import annotations

import os

import msgspec

from homebody.feature import Feature, PhotoLike, as_photo
from homebody.pipeline import decoding_side


class Classification(msgspec.Struct, frozen=True):
    """What a photo shows."""

    photo: str
    """The path that was given; empty for anything else."""
    label: str
    """The most probable label."""
    confidence: float
    """Its probability, 0..1."""
    scores: dict[str, float]
    """Every label's probability, the greatest first; they sum to 1."""


class ImageClassifier(Feature):
    """A bundle of the task ``classify-image``.

    Example:
        >>> import homebody
        >>> feature = homebody.load("my-feature.hb")                      # doctest: +SKIP
        >>> found = feature("tom.jpg")                                    # doctest: +SKIP
        >>> found.label, found.confidence                                 # doctest: +SKIP
        ('cat', 0.97)
    """

    def __call__(self, photo: PhotoLike, /) -> Classification:
        """Label a photo.

        Args:
            photo: a path, a file's bytes, a decoded photo, or uint8 RGB pixels [h, w, 3].

        Raises:
            ImageError: the photo cannot be read.
        """
        decoded = as_photo(photo, at_least=decoding_side(self.manifest.input))
        scores = self.scores(decoded.flat)
        ranked = sorted(scores.items(), key=lambda item: -item[1])
        label, confidence = ranked[0]
        name = os.fspath(photo) if isinstance(photo, (str, os.PathLike)) else ""
        return Classification(name, label, confidence, dict(ranked))
