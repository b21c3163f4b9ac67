"""Which presets to offer, given what the photo seems to be.

Pure and deterministic: the same scores and catalog give the same presets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from homebody.errors import CatalogError, UsageError
from homebody.features.photo.catalog import Catalog, Category
from homebody.features.photo.preset import Preset, Tier

JOINS = {"content": 0.3, "photometric": 0.5}
"""From this score on, a category of the other kind joins in. Content confidences share a sum of 1;
a photometric rule begins to hold at 0.5."""


class SuggestedPreset(msgspec.Struct, frozen=True, kw_only=True):
    """One preset to offer, and why."""

    id: str
    name: str
    tier: Tier
    family: str
    reason: str
    category: str
    """Id of the category whose list it comes from."""


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """The presets to offer, best first.

    ``category`` led; ``companion`` is the category of the other kind that joined in, if one did.
    Notes are sentences for the reader: what fell short and how it was filled.
    """

    category: str
    companion: str | None
    presets: tuple[SuggestedPreset, ...]
    notes: tuple[str, ...]


class _Candidate(msgspec.Struct, frozen=True):
    preset: Preset
    category: Category
    reason: str


def suggest(
    catalog: Catalog,
    scores: Mapping[str, float],
    count: int = 6,
    tier_mix: tuple[int, int] = (3, 3),
    member: bool = False,
) -> Suggestion:
    """Choose presets for a photo.

    The list of the category with the highest score leads. Where the best category of the other kind
    (content or photometric) is strong enough (:data:`JOINS`), the two lists take turns; if one of
    the two is marked exclusive, its list is followed alone. From that list come the first presets
    that can be had with no two of one family and with the wanted numbers of free and member
    presets; a tier that falls short is filled from the other, and a note says so.

    Args:
        catalog: where the lists are.
        scores: confidence 0..1 of each category id; categories without a score count as 0.
        count: how many presets, 1..100.
        tier_mix: free to member, as a ratio: (3, 3) of six is three and three, of four two and two.
        member: the photographer has everything; the mix does not matter.

    Raises:
        UsageError: count or tier_mix is out of range.
        CatalogError: a score is of an unknown category or not a number from 0 to 1.
    """
    _check(catalog, scores, count, tier_mix)
    lead, companion = _strongest(catalog, scores)
    followed = [category for category in (lead, companion) if category]
    followed = [category for category in followed if category.exclusive] or followed
    candidates = _interleave([_candidates(catalog, category) for category in followed])
    notes: list[str] = []
    if member:
        chosen = _first_of_each_family(candidates, count)
    else:
        free = math.floor(count * tier_mix[0] / sum(tier_mix) + 0.5)
        chosen = _choose(candidates, free, count - free)
        for tier, wanted in (("free", free), ("member", count - free)):
            found = sum(candidate.preset.tier == tier for candidate in chosen)
            if found < wanted and len(chosen) == count:
                other = "member" if tier == "free" else "free"
                notes.append(
                    f"only {found} of {wanted} {tier} presets suit this photo; "
                    f"filled with {other} ones"
                )
    if len(chosen) < count:
        notes.append(f"only {len(chosen)} of {count} presets: the list has no more look families")
    return Suggestion(
        category=lead.id,
        companion=companion.id if companion else None,
        presets=tuple(
            SuggestedPreset(
                id=candidate.preset.id,
                name=candidate.preset.name,
                tier=candidate.preset.tier,
                family=candidate.preset.family,
                reason=f"{candidate.category.name}: {candidate.reason}",
                category=candidate.category.id,
            )
            for candidate in chosen
        ),
        notes=tuple(notes),
    )


def _check(
    catalog: Catalog, scores: Mapping[str, float], count: int, tier_mix: tuple[int, int]
) -> None:
    if not 1 <= count <= 100:
        raise UsageError(f"count is {count}; ask for 1 to 100 presets")
    if min(tier_mix) < 0 or not 0 < sum(tier_mix) <= 1000:
        raise UsageError(
            f"tier mix is {tier_mix[0]}:{tier_mix[1]}; give free:member as two numbers, e.g. 3:3"
        )
    for id, score in scores.items():
        catalog.category(id)
        if not 0 <= score <= 1:
            raise CatalogError(f"score of category {id!r} is {score}; expected 0 to 1")


def _strongest(catalog: Catalog, scores: Mapping[str, float]) -> tuple[Category, Category | None]:
    """The category that leads, and the one of the other kind that is strong enough to join."""
    # max keeps the first of equals, so ties follow the catalog's order
    lead = max(catalog.categories, key=lambda category: scores.get(category.id, 0.0))
    others = [category for category in catalog.categories if category.kind != lead.kind]
    if lead.exclusive or not others:
        return lead, None
    companion = max(others, key=lambda category: scores.get(category.id, 0.0))
    if scores.get(companion.id, 0.0) < JOINS[companion.kind]:
        return lead, None
    return lead, companion


def _candidates(catalog: Catalog, category: Category) -> list[_Candidate]:
    return [
        _Candidate(catalog.preset(entry.preset), category, entry.reason)
        for entry in category.presets
    ]


def _interleave(lists: Sequence[list[_Candidate]]) -> list[_Candidate]:
    """One from each list in turn, without repeating a preset."""
    merged: dict[str, _Candidate] = {}
    for i in range(max(len(entries) for entries in lists)):
        for entries in lists:
            if i < len(entries):
                merged.setdefault(entries[i].preset.id, entries[i])
    return list(merged.values())


def _first_of_each_family(candidates: Sequence[_Candidate], count: int) -> list[_Candidate]:
    chosen: dict[str, _Candidate] = {}
    for candidate in candidates:
        chosen.setdefault(candidate.preset.family, candidate)
    return list(chosen.values())[:count]


def _choose(candidates: Sequence[_Candidate], free: int, member: int) -> list[_Candidate]:
    """The first presets in order that make up the mix, no two of one family.

    A preset is passed over only if taking it would leave the mix out of reach.
    """
    only_free, only_member, both = _supply(candidates, set())
    count = min(free + member, only_free + only_member + both)
    free = min(max(free, count - only_member - both), only_free + both, count)
    need: dict[str, int] = {"free": free, "member": count - free}
    chosen: list[_Candidate] = []
    used: set[str] = set()
    for i, candidate in enumerate(candidates):
        tier, family = candidate.preset.tier, candidate.preset.family
        if family in used or need[tier] == 0:
            continue
        need[tier] -= 1
        only_free, only_member, both = _supply(candidates[i + 1 :], used | {family})
        if (
            need["free"] <= only_free + both
            and need["member"] <= only_member + both
            and sum(need.values()) <= only_free + only_member + both
        ):
            chosen.append(candidate)
            used.add(family)
        else:
            need[tier] += 1
    return chosen


def _supply(candidates: Sequence[_Candidate], used: set[str]) -> tuple[int, int, int]:
    """How many unused families offer only free, only member, and both kinds of presets."""
    tiers: dict[str, set[str]] = {}
    for candidate in candidates:
        if candidate.preset.family not in used:
            tiers.setdefault(candidate.preset.family, set()).add(candidate.preset.tier)
    kinds = list(tiers.values())
    both = sum(len(kind) == 2 for kind in kinds)
    return kinds.count({"free"}), kinds.count({"member"}), both
