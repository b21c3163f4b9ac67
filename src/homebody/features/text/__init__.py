"""Text classification: what ``homebody text train`` makes.

``homebody.load("topics.hb")`` gives a :class:`TextClassifier`.
"""

from __future__ import annotations

from homebody.features.text.feature import TextClassification, TextClassifier

__all__ = ["TextClassification", "TextClassifier"]
