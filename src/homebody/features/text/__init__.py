"""Features of text: labels for whole texts, which ``homebody text train`` makes, and for parts.

``homebody.load("topics.hb")`` gives a :class:`TextClassifier`.
"""

from __future__ import annotations

from homebody.features.text.feature import TextClassification, TextClassifier, TextFeature
from homebody.features.text.tagger import TextTagger
from homebody.pipeline.tags import TextSpan

__all__ = ["TextClassification", "TextClassifier", "TextFeature", "TextSpan", "TextTagger"]
