"""The tiny end-to-end test that runs before all others."""

from __future__ import annotations

import numpy as np

import homebody


def test_a_photo_gets_a_category_and_six_presets() -> None:
    sky_over_sea = np.zeros((48, 64, 3), np.uint8)
    sky_over_sea[:24], sky_over_sea[24:] = (170, 200, 235), (40, 90, 120)
    with homebody.load("for-this-photo") as feature:
        answer = feature(sky_over_sea)
    assert answer.category.id in {score.id for score in answer.categories}
    assert len({preset.id for preset in answer.presets}) == 6
    assert len({preset.family for preset in answer.presets}) == 6
