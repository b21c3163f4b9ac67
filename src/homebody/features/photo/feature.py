"""For This Photo as a feature: from pixels to a category and presets."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
from numpy.typing import NDArray

from homebody import kernels
from homebody.bundle import Bundle
from homebody.bundle.operations import ClassMap, Photometry
from homebody.errors import FeatureError
from homebody.feature import Feature, PhotoLike, as_photo
from homebody.features.photo import photometry
from homebody.features.photo.answer import (
    Answer,
    BundleIdentity,
    CategoryScore,
    ChosenCategory,
    OfferedPreset,
    Timing,
)
from homebody.features.photo.catalog import Catalog, catalog_from_json, load_catalog
from homebody.features.photo.preference import Preference
from homebody.features.photo.suggest import suggest
from homebody.pipeline import Prepared, finish, read_categories

WORKING_SIDE = 600
"""Short side in pixels that is enough for the model and a contact sheet; a JPEG is decoded scaled
to no less. One number for both, so that the answer does not depend on whether a sheet is drawn."""


def default_bundle() -> Path:
    """The bundle that is installed with Homebody."""
    return Path(str(resources.files("homebody.features.photo"))) / "for-this-photo.hb"


class ForThisPhoto(Feature):
    """A photo's category and presets that suit it.

    Args:
        bundle: an open bundle of the task ``suggest-presets``.
        threads: how many threads the model may use.

    Attributes:
        catalog: where presets come from: the bundle's own, until another is put here.

    Raises:
        FeatureError: the bundle lacks a catalog or a class map.
        CatalogError: its catalog is malformed.

    Example:
        >>> import homebody
        >>> feature = homebody.load("for-this-photo")                     # doctest: +SKIP
        >>> answer = feature("coast.jpg")                                 # doctest: +SKIP
        >>> answer.category.id, [preset.id for preset in answer.presets]  # doctest: +SKIP
        ('coastal', ['bri-02', 'sli-01', ...])
    """

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        super().__init__(bundle, threads=threads)
        entry = next((o.entry for o in self.manifest.output if isinstance(o, ClassMap)), None)
        if entry is None or "catalog" not in self.manifest.assets:
            raise FeatureError(
                "a suggest-presets bundle needs a class_map.v1 in its output pipeline and an "
                "asset called catalog; pack it with both"
            )
        self.catalog: Catalog = catalog_from_json(bundle.read(self.manifest.assets["catalog"]))
        self.categories = read_categories(bundle, entry).categories

    def use_catalog(self, path: str | os.PathLike[str]) -> None:
        """Suggest from a catalog file in place of the bundle's own.

        Raises:
            CatalogError: the file cannot be read or is not a catalog.
        """
        self.catalog = load_catalog(path)

    def finish(self, outputs: tuple[NDArray[Any], ...], prepared: Prepared) -> dict[str, float]:
        """Every category's confidence: content from the model, light from the pixels."""
        operations = self.manifest.output
        scores = finish(
            outputs[0], [o for o in operations if not isinstance(o, Photometry)], self.bundle
        )
        if any(isinstance(o, Photometry) for o in operations):
            light = photometry.strengths(kernels.statistics(prepared.picture))
            scores = photometry.combine(scores, light)
        return scores

    def __call__(
        self,
        photo: PhotoLike,
        /,
        *,
        count: int = 6,
        tier_mix: tuple[int, int] = (3, 3),
        member: bool = False,
        preference: Preference | None = None,
    ) -> Answer:
        """Suggest presets for a photo.

        Args:
            photo: a path, a file's bytes, a decoded photo, or uint8 RGB pixels [h, w, 3].
            count: how many presets, 1..100.
            tier_mix: free to member presets, as a ratio.
            member: the photographer has everything; the mix does not matter.
            preference: what the owner likes, learned on this bundle
                (:func:`homebody.features.photo.owner.load_preference`).

        Returns:
            The category, all confidences, and the presets with their reasons.

        Raises:
            ImageError: the photo cannot be read.
            UsageError: count or tier_mix is out of range.
        """
        start = time.perf_counter()
        decoded = as_photo(photo, at_least=WORKING_SIDE)
        read = time.perf_counter()
        scores = self.scores(decoded.flat)
        scored = time.perf_counter()
        found = suggest(self.catalog, scores, count, tier_mix, member, preference)
        chosen = time.perf_counter()
        ranked = sorted(scores.items(), key=lambda item: -item[1])
        return Answer(
            photo=os.fspath(photo) if isinstance(photo, (str, os.PathLike)) else "",
            category=ChosenCategory(
                found.category,
                self.catalog.category(found.category).name,
                round(scores.get(found.category, 0.0), 6),
            ),
            categories=tuple(CategoryScore(id, round(score, 6)) for id, score in ranked),
            presets=tuple(
                OfferedPreset(p.id, p.name, p.tier, p.family, p.reason) for p in found.presets
            ),
            notes=found.notes,
            catalog_version=self.catalog.version,
            bundle=self._identity,
            timing_ms=Timing(
                decode=_milliseconds(start, read),
                model=_milliseconds(read, scored),
                suggest=_milliseconds(scored, chosen),
            ),
        )

    @cached_property
    def _identity(self) -> BundleIdentity:
        return BundleIdentity(self.manifest.name, self.manifest.version, self.bundle.sha256)

    def answer(self, scores: Mapping[str, float]) -> str:
        """The category whose list leads."""
        return suggest(self.catalog, scores).category


def _milliseconds(start: float, end: float) -> float:
    return round((end - start) * 1000, 2)


def timed(
    answer: Answer, *, photo: str | None = None, decode: float | None = None, render: float = 0.0
) -> Answer:
    """The same answer with what its caller knows: the photo's name, and seconds spent outside."""
    timing = answer.timing_ms
    if decode is not None:
        timing = msgspec.structs.replace(timing, decode=round(decode * 1000, 2))
    if render:
        timing = msgspec.structs.replace(timing, render=round(render * 1000, 2))
    name = answer.photo if photo is None else photo
    return msgspec.structs.replace(answer, photo=name, timing_ms=timing)
