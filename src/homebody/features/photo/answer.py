"""What For This Photo answers: plain records, the same in Python and as ``--json``."""

from __future__ import annotations

import msgspec

from homebody.features.photo.preset import Tier


class ChosenCategory(msgspec.Struct, frozen=True):
    """The photo's strongest category; ``confidence`` is 0..1."""

    id: str
    name: str
    confidence: float


class CategoryScore(msgspec.Struct, frozen=True):
    """One category's confidence, 0..1: content categories sum to 1, photometric ones do not."""

    id: str
    confidence: float


class OfferedPreset(msgspec.Struct, frozen=True):
    """A preset that suits the photo, and why."""

    id: str
    name: str
    tier: Tier
    family: str
    reason: str


class BundleIdentity(msgspec.Struct, frozen=True):
    """Which bundle answered; ``sha256`` is of its whole file."""

    name: str
    version: str
    sha256: str


class Timing(msgspec.Struct, frozen=True):
    """Milliseconds spent in each step; ``render`` is 0 when nothing was rendered."""

    decode: float
    model: float
    suggest: float
    render: float = 0.0


class Answer(msgspec.Struct, frozen=True):
    """A photo's category and the presets to offer, best first.

    ``categories`` holds all, strongest first. ``notes`` are sentences for the reader: what fell
    short and how it was filled.
    """

    photo: str
    category: ChosenCategory
    categories: tuple[CategoryScore, ...]
    presets: tuple[OfferedPreset, ...]
    notes: tuple[str, ...]
    catalog_version: str
    bundle: BundleIdentity
    timing_ms: Timing
