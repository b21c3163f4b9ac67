"""Which presets to offer, given what the photo seems to be.

Pure and deterministic: the same scores, catalog and preference give the same presets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from homebody.errors import CatalogError, UsageError
from homebody.features.photo.catalog import Catalog, Category
from homebody.features.photo.preset import Preset, Tier

if TYPE_CHECKING:
    from homebody.features.photo.preference import Preference

JOINS = {"content": 0.3, "photometric": 0.5}
"""From this score on, a category of the other kind joins in. Content confidences share a sum of 1;
a photometric rule begins to hold at 0.5."""


PICKED = "Yours: you picked it before"
CLOSE = "Yours: close to what you pick"
"""The reasons of presets that come from what was learned and from no list."""
EXPLORE = 1.0
"""The last place goes to the highest expected utility plus so many standard deviations."""


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
    """Whose idea it is, and why."""


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """Whose lists are followed for a photo."""

    lead: Category
    companion: Category | None
    exclusive: bool
    """Nothing beyond the lists may be suggested."""
    candidates: tuple[_Candidate, ...]
    """The lists' presets, best first."""

    @property
    def ranks(self) -> dict[str, int]:
        """Each listed preset's place, from 0."""
        return {candidate.preset.id: at for at, candidate in enumerate(self.candidates)}


def follow(catalog: Catalog, scores: Mapping[str, float], lead: str | None = None) -> Following:
    """Whose lists to follow, given what the photo seems to be.

    Args:
        catalog: where the lists are.
        scores: confidence 0..1 of each category id.
        lead: the category that leads whatever the scores say: the owner's correction.

    Raises:
        CatalogError: the corrected category is not in the catalog.
    """
    first, companion = _strongest(catalog, scores, lead)
    joined = [category for category in (first, companion) if category]
    exclusive = [category for category in joined if category.exclusive]
    lists = [_candidates(catalog, category) for category in exclusive or joined]
    return Following(
        lead=first,
        companion=companion,
        exclusive=bool(exclusive),
        candidates=tuple(_interleave(lists)),
    )


def suggest(
    catalog: Catalog,
    scores: Mapping[str, float],
    count: int = 6,
    tier_mix: tuple[int, int] = (3, 3),
    member: bool = False,
    preference: Preference | None = None,
    lead: str | None = None,
) -> Suggestion:
    """Choose presets for a photo.

    The list of the category with the highest score leads. Where the best category of the other kind
    (content or photometric) is strong enough (:data:`JOINS`), the two lists take turns; if one of
    the two is marked exclusive, its list is followed alone. From that list come the first presets
    that can be had with no two of one family and with the wanted numbers of free and member
    presets; a tier that falls short is filled from the other, and a note says so.

    A preference that has learned puts the presets in its owner's order, those of the whole catalog
    after those of the lists (unless a list is exclusive); the same rules choose from that order.
    The last place is for finding out: among the presets that may take it, it goes to the one that
    may be liked most, as far as that is known.

    Args:
        catalog: where the lists are.
        scores: confidence 0..1 of each category id; categories without a score count as 0.
        count: how many presets, 1..100.
        tier_mix: free to member, as a ratio: (3, 3) of six is three and three, of four two and two.
        member: the photographer has everything; the mix does not matter.
        preference: what the owner likes; one that has learned nothing changes nothing.
        lead: the category that leads, whatever the scores say: the owner's correction.

    Raises:
        UsageError: count or tier_mix is out of range.
        CatalogError: a category is unknown, or a score is not a number from 0 to 1.
    """
    _check(catalog, scores, count, tier_mix)
    following = follow(catalog, scores, lead)
    candidates: Sequence[_Candidate] = following.candidates
    ranking = None
    if preference is not None and preference.learned:
        ranking = _Ranking(catalog, scores, following, preference)
        candidates = ranking.candidates
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
    if ranking is not None:
        chosen = ranking.explore(chosen, member)
    return Suggestion(
        category=following.lead.id,
        companion=following.companion.id if following.companion else None,
        presets=tuple(
            SuggestedPreset(
                id=candidate.preset.id,
                name=candidate.preset.name,
                tier=candidate.preset.tier,
                family=candidate.preset.family,
                reason=candidate.reason,
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


def _strongest(
    catalog: Catalog, scores: Mapping[str, float], corrected: str | None = None
) -> tuple[Category, Category | None]:
    """The category that leads, and the one of the other kind that is strong enough to join."""
    # max keeps the first of equals, so ties follow the catalog's order
    lead = max(catalog.categories, key=lambda category: scores.get(category.id, 0.0))
    if corrected is not None:
        lead = catalog.category(corrected)
    others = [category for category in catalog.categories if category.kind != lead.kind]
    if lead.exclusive or not others:
        return lead, None
    companion = max(others, key=lambda category: scores.get(category.id, 0.0))
    if scores.get(companion.id, 0.0) < JOINS[companion.kind]:
        return lead, None
    return lead, companion


class _Ranking:
    """A photo's presets in their owner's order."""

    def __init__(
        self,
        catalog: Catalog,
        scores: Mapping[str, float],
        following: Following,
        preference: Preference,
    ) -> None:
        pool = list(following.candidates)
        ranks = following.ranks
        if not following.exclusive:
            picked = {habit.preset for habit in preference.habits}
            pool += [
                _Candidate(preset, following.lead, PICKED if preset.id in picked else CLOSE)
                for preset in catalog.presets
                if preset.id not in ranks
            ]
        rows = preference.features(
            catalog, scores, following.lead.id, ranks, [one.preset for one in pool]
        )
        utilities = preference.utilities(rows)
        bounds = utilities + EXPLORE * preference.doubts(rows)
        # sorted is stable: ties keep the lists' order, then the catalog's
        order = sorted(range(len(pool)), key=lambda at: -utilities[at])
        self.candidates = [pool[at] for at in order]
        self._bounds = [float(bounds[at]) for at in order]

    def explore(self, chosen: list[_Candidate], member: bool) -> list[_Candidate]:
        """The last place to what may be liked most there."""
        if len(chosen) < 2:
            return chosen
        *kept, last = chosen
        families = {one.preset.family for one in kept}
        free = [
            at
            for at, one in enumerate(self.candidates)
            if one.preset.family not in families and (member or one.preset.tier == last.preset.tier)
        ]
        return [*kept, self.candidates[max(free, key=lambda at: self._bounds[at])]]


def _candidates(catalog: Catalog, category: Category) -> list[_Candidate]:
    return [
        _Candidate(catalog.preset(entry.preset), category, f"{category.name}: {entry.reason}")
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
