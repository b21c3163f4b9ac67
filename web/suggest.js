/**
 * Which presets to offer, given what the photo seems to be.
 *
 * The twin of Python's `homebody.features.photo.suggest`. Pure and deterministic: the same scores,
 * catalog and preference give the same presets.
 * @module
 */

import { CatalogError, UsageError } from "./errors.js";

/** @import {Catalog, Category} from "./catalog.js" */
/** @import {Kernels} from "./kernels.js" */
/** @import {Preference} from "./preference.js" */
/** @import {Preset} from "./preset.js" */
/**
 * @typedef {{id: string, name: string, tier: "free" | "member", family: string, reason: string,
 *   category: string}} SuggestedPreset
 */
/**
 * @typedef {{category: string, companion: string | null, presets: SuggestedPreset[], notes: string[]}}
 *   Suggestion
 */
/** @typedef {{preset: Preset, category: Category, reason: string}} Candidate reason: whose idea it is, and why */
/**
 * Whose lists are followed for a photo; `exclusive`: nothing beyond them may be suggested.
 * @typedef {{lead: Category, companion: Category | null, exclusive: boolean, candidates: Candidate[],
 *   ranks: Map<string, number>}} Following
 */
/**
 * @typedef {object} Wish
 * @property {number} [count] how many presets, 1 to 100
 * @property {[free: number, member: number]} [tierMix] free to member, as a ratio
 * @property {boolean} [member] the photographer has everything; the mix does not matter
 * @property {string} [lead] the category that leads, whatever the scores say: the owner's correction
 * @property {{preference: Preference, kernels: Kernels}} [owner] what the owner likes; one who has taught
 *   nothing changes nothing
 */

/** From this score on, a category of the other kind joins in. */
const JOINS = { content: 0.3, photometric: 0.5 };

// The reasons of presets that come from what was learned and from no list.
const PICKED = "Yours: you picked it before";
const CLOSE = "Yours: close to what you pick";
/** The last place goes to the highest expected utility plus so many standard deviations. */
const EXPLORE = 1;

/**
 * Choose presets for a photo.
 *
 * The list of the category with the highest score leads. Where the best category of the other kind is
 * strong enough, the two lists take turns; if one of the two is exclusive, its list is followed alone.
 * From that list come the first presets with no two of one family and with the wanted numbers of free
 * and member presets; a tier that falls short is filled from the other, and a note says so.
 *
 * An owner's preference puts the presets in its order, those of the whole catalog after those of the
 * lists (unless a list is exclusive); the same rules choose from that order. The last place is for
 * finding out: among the presets that may take it, it goes to the one that may be liked most, as far
 * as that is known.
 *
 * @param {Catalog} catalog
 * @param {Map<string, number>} scores confidence 0 to 1 of each category id; others count as 0
 * @param {Wish} [wish]
 * @returns {Suggestion}
 * @throws {UsageError} count or tierMix is out of range
 * @throws {CatalogError} a score is of an unknown category, or not a number from 0 to 1
 */
export function suggest(catalog, scores, { count = 6, tierMix = [3, 3], member = false, lead, owner } = {}) {
  check(catalog, scores, count, tierMix);
  const following = follow(catalog, scores, lead);
  const ranking = owner && owner.preference.learned > 0 ? ranked(catalog, scores, following, owner) : null;
  const candidates = ranking ? ranking.map(({ candidate }) => candidate) : following.candidates;
  const notes = [];
  let chosen;
  if (member) {
    chosen = firstOfEachFamily(candidates, count);
  } else {
    const free = Math.floor((count * tierMix[0]) / (tierMix[0] + tierMix[1]) + 0.5);
    chosen = choose(candidates, free, count - free);
    for (const [tier, wanted] of /** @type {const} */ ([["free", free], ["member", count - free]])) {
      const found = chosen.filter(({ preset }) => preset.tier === tier).length;
      if (found < wanted && chosen.length === count) {
        const other = tier === "free" ? "member" : "free";
        notes.push(`only ${found} of ${wanted} ${tier} presets suit this photo; filled with ${other} ones`);
      }
    }
  }
  if (chosen.length < count) {
    notes.push(`only ${chosen.length} of ${count} presets: the list has no more look families`);
  }
  if (ranking) chosen = explored(ranking, chosen, member);
  return {
    category: following.lead.id,
    companion: following.companion?.id ?? null,
    presets: chosen.map(({ preset: { id, name, tier, family }, category, reason }) => (
      { id, name, tier, family, reason, category: category.id })),
    notes,
  };
}

/**
 * Whose lists to follow, given what the photo seems to be.
 *
 * @param {Catalog} catalog
 * @param {Map<string, number>} scores
 * @param {string} [corrected] the category that leads, whatever the scores say
 * @returns {Following}
 * @throws {CatalogError} the corrected category is unknown
 */
export function follow(catalog, scores, corrected) {
  const [lead, companion] = strongest(catalog, scores, corrected);
  const joined = companion ? [lead, companion] : [lead];
  const exclusive = joined.filter((category) => category.exclusive);
  const lists = exclusive.length ? exclusive : joined;
  const candidates = interleave(lists.map((category) => candidatesOf(catalog, category)));
  const ranks = new Map(candidates.map(({ preset }, i) => [preset.id, i]));
  return { lead, companion, exclusive: exclusive.length > 0, candidates, ranks };
}

/**
 * A photo's presets in their owner's order, each with the most that it may be liked.
 *
 * @param {Catalog} catalog
 * @param {Map<string, number>} scores
 * @param {Following} following
 * @param {{preference: Preference, kernels: Kernels}} owner
 */
function ranked(catalog, scores, { lead, exclusive, candidates, ranks }, { preference, kernels }) {
  const pool = exclusive ? candidates : [
    ...candidates,
    ...catalog.presets.filter(({ id }) => !ranks.has(id)).map((preset) => (
      { preset, category: lead, reason: preference.hasPicked(preset.id) ? PICKED : CLOSE })),
  ];
  const rows = preference.features(kernels, catalog, scores, lead.id, ranks, pool.map(({ preset }) => preset));
  const utilities = preference.utilities(rows), doubts = preference.doubts(rows);
  return pool
    .map((candidate, i) => ({ candidate, utility: utilities[i], bound: utilities[i] + EXPLORE * doubts[i] }))
    .toSorted((a, b) => b.utility - a.utility);
}

/**
 * The last place to what may be liked most there.
 *
 * @param {{candidate: Candidate, bound: number}[]} ranking
 * @param {Candidate[]} chosen
 * @param {boolean} member
 */
function explored(ranking, chosen, member) {
  if (chosen.length < 2) return chosen;
  const kept = chosen.slice(0, -1), { tier } = chosen[chosen.length - 1].preset;
  const families = new Set(kept.map(({ preset }) => preset.family));
  const best = ranking
    .filter(({ candidate: { preset } }) => !families.has(preset.family) && (member || preset.tier === tier))
    .reduce((a, b) => (b.bound > a.bound ? b : a));
  return [...kept, best.candidate];
}

/**
 * @param {Catalog} catalog
 * @param {Map<string, number>} scores
 * @param {number} count
 * @param {number[]} mix
 */
function check(catalog, scores, count, mix) {
  if (!(Number.isInteger(count) && count >= 1 && count <= 100)) {
    throw new UsageError(`count is ${count}; ask for 1 to 100 presets`);
  }
  const sum = mix[0] + mix[1];
  if (!mix.every((one) => Number.isInteger(one) && one >= 0) || sum <= 0 || sum > 1000) {
    throw new UsageError(`tier mix is ${mix[0]}:${mix[1]}; give free:member as two numbers, e.g. 3:3`);
  }
  for (const [id, score] of scores) {
    catalog.category(id);
    if (!(score >= 0 && score <= 1)) {
      throw new CatalogError(`score of category '${id}' is ${score}; expected 0 to 1`);
    }
  }
}

/**
 * The category that leads, and the one of the other kind that is strong enough to join.
 *
 * @param {Catalog} catalog
 * @param {Map<string, number>} scores
 * @param {string} [corrected]
 * @returns {[Category, Category | null]}
 */
function strongest(catalog, scores, corrected) {
  /** @param {Category} category */
  const score = ({ id }) => scores.get(id) ?? 0;
  // The first of equals, so that ties follow the catalog's order.
  /** @param {Category[]} categories */
  const best = (categories) => categories.reduce((a, b) => (score(b) > score(a) ? b : a));
  const lead = corrected === undefined ? best(catalog.categories) : catalog.category(corrected);
  const others = catalog.categories.filter(({ kind }) => kind !== lead.kind);
  if (lead.exclusive || !others.length) return [lead, null];
  const companion = best(others);
  return [lead, score(companion) < JOINS[companion.kind] ? null : companion];
}

/** @param {Catalog} catalog @param {Category} category @returns {Candidate[]} */
function candidatesOf(catalog, category) {
  return category.presets.map(({ preset, reason }) => (
    { preset: catalog.preset(preset), category, reason: `${category.name}: ${reason}` }));
}

/** One from each list in turn, without repeating a preset. @param {Candidate[][]} lists */
function interleave(lists) {
  /** @type {Map<string, Candidate>} */
  const merged = new Map();
  for (let i = 0; i < Math.max(...lists.map(({ length }) => length)); i++) {
    for (const list of lists) {
      if (i < list.length && !merged.has(list[i].preset.id)) merged.set(list[i].preset.id, list[i]);
    }
  }
  return [...merged.values()];
}

/** @param {Candidate[]} candidates @param {number} count */
function firstOfEachFamily(candidates, count) {
  /** @type {Map<string, Candidate>} */
  const chosen = new Map();
  for (const one of candidates) if (!chosen.has(one.preset.family)) chosen.set(one.preset.family, one);
  return [...chosen.values()].slice(0, count);
}

/**
 * The first presets in order that make up the mix, no two of one family.
 *
 * A preset is passed over only if taking it would leave the mix out of reach.
 *
 * @param {Candidate[]} candidates
 * @param {number} free
 * @param {number} member
 */
function choose(candidates, free, member) {
  /** @type {Set<string>} */
  const used = new Set();
  const all = supply(candidates, used);
  const count = Math.min(free + member, all.free + all.member + all.both);
  free = Math.min(Math.max(free, count - all.member - all.both), all.free + all.both, count);
  const need = { free, member: count - free };
  /** @type {Candidate[]} */
  const chosen = [];
  candidates.forEach((candidate, index) => {
    const { tier, family } = candidate.preset;
    if (used.has(family) || need[tier] === 0) return;
    need[tier]--;
    const left = supply(candidates.slice(index + 1), new Set([...used, family]));
    if (need.free <= left.free + left.both && need.member <= left.member + left.both &&
        need.free + need.member <= left.free + left.member + left.both) {
      chosen.push(candidate);
      used.add(family);
    } else {
      need[tier]++;
    }
  });
  return chosen;
}

/**
 * How many unused families offer only free, only member, and both kinds of presets.
 *
 * @param {Candidate[]} candidates
 * @param {Set<string>} used
 */
function supply(candidates, used) {
  /** @type {Map<string, Set<"free" | "member">>} */
  const tiers = new Map();
  for (const { preset: { family, tier } } of candidates) {
    if (used.has(family)) continue;
    const kinds = tiers.get(family) ?? new Set();
    tiers.set(family, kinds.add(tier));
  }
  const found = { free: 0, member: 0, both: 0 };
  for (const kinds of tiers.values()) found[kinds.size === 2 ? "both" : [...kinds][0]]++;
  return found;
}
