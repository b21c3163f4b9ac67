"""Image classification: what ``homebody train`` makes.

``homebody.load("my-feature.hb")`` gives an :class:`ImageClassifier`.
"""

from __future__ import annotations

from homebody.features.classify.feature import Classification, ImageClassifier

__all__ = ["Classification", "ImageClassifier"]
