"""For This Photo: a photo's category, and presets that suit it.

The gallery's flagship and Homebody's main job. ``homebody.load("for-this-photo")`` gives a
:class:`ForThisPhoto`; the command line is ``homebody photo``.
"""

from __future__ import annotations

from homebody.features.photo.answer import Answer
from homebody.features.photo.feature import ForThisPhoto, default_bundle

__all__ = ["Answer", "ForThisPhoto", "default_bundle"]
