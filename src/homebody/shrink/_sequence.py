"""Refine weights and biases operation by operation."""

from __future__ import annotations

from collections.abc import Sequence

from homebody.shrink._draft import Draft
from homebody.shrink.report import Settings
from homebody.shrink.samples import Arrays


def refine(
    draft: Draft, samples: Sequence[Arrays], settings: Settings, *, threads: int = 1
) -> Draft:
    """The draft with better weights and biases."""
    return draft
