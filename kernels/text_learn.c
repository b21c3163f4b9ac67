#include "text_learn.h"

static inline size_t place_of(const hb_learn_trie *trie, uint32_t parent, uint32_t symbol) {
  uint64_t key = ((uint64_t)parent << 32 | symbol) * 0x9E3779B97F4A7C15u;
  return (size_t)(key >> 20) & trie->mask;
}

/* The child, made if absent; 0 when there is no room. No child is node 0. */
static uint32_t child(hb_learn_trie *trie, uint32_t parent, uint32_t symbol) {
  size_t place = place_of(trie, parent, symbol);
  for (uint32_t node; (node = trie->table[place]) != 0; place = (place + 1) & trie->mask)
    if (trie->parent[node] == parent && trie->symbol[node] == symbol) return node;
  if (trie->nodes >= trie->room) return 0;
  uint32_t node = (uint32_t)trie->nodes++;
  trie->parent[node] = parent;
  trie->symbol[node] = symbol;
  trie->depth[node] = (uint8_t)(trie->depth[parent] + 1);
  trie->table[place] = node;
  return node;
}

int32_t hb_learn_grow(hb_learn_trie *trie, const uint32_t *symbols, const int64_t *offsets, size_t words,
                      int32_t joined, size_t *word, uint32_t *leaves) {
  if (trie->room < 2 || trie->room > UINT32_MAX || trie->mask < 2 * trie->room || trie->mask & (trie->mask + 1))
    return HB_BAD_ARGUMENT;
  if (trie->nodes == 0) {
    trie->nodes = 2;
    for (uint32_t root = 0; root < 2; root++) trie->parent[root] = trie->symbol[root] = trie->depth[root] = 0;
  } else if (*word < words) { /* with a new table */
    for (uint32_t node = 2; node < trie->nodes; node++) {
      size_t place = place_of(trie, trie->parent[node], trie->symbol[node]);
      while (trie->table[place]) place = (place + 1) & trie->mask;
      trie->table[place] = node;
    }
  }
  for (; *word < words; (*word)++) {
    int64_t first = offsets[*word], end = offsets[*word + 1];
    if (first < 0 || end < first || end - first > HB_LEARN_WORD) return HB_BAD_ARGUMENT;
    for (int64_t start = first; start < end; start++) {
      uint32_t node = joined && start > first;
      for (int64_t at = start; at < end; at++)
        if ((node = child(trie, node, symbols[at])) == 0) return HB_SHORT_BUFFER;
      leaves[start] = node;
    }
  }
  return HB_OK;
}

/* Adds each word's count to the leaves of where its pieces begin: the longest pieces, from the left. */
static void count_leaves(const hb_learn_trie *trie, const uint32_t *leaves, const int64_t *offsets,
                         const int64_t *counts, size_t words, const uint8_t *kept, int64_t *totals) {
  for (size_t i = 0; i < words; i++)
    for (int64_t at = offsets[i]; at < offsets[i + 1];) {
      uint32_t node = leaves[at];
      totals[node] += counts[i];
      if (kept)
        while (!kept[node] && trie->depth[node] > 1) node = trie->parent[node];
      at += kept ? trie->depth[node] : 1;
    }
}

int64_t hb_learn_pieces(const hb_learn_trie *trie, const uint32_t *leaves, const int64_t *offsets,
                        const int64_t *counts, size_t words, int64_t least, int32_t rounds, int32_t flags,
                        int64_t *totals, int64_t *below, uint8_t *kept) {
  if (trie->nodes < 2 || rounds < 1) return HB_BAD_ARGUMENT;
  int64_t pieces = 0;
  for (int32_t round = 0; round < rounds; round++) {
    for (size_t node = 0; node < trie->nodes; node++) totals[node] = below[node] = 0;
    count_leaves(trie, leaves, offsets, counts, words, round ? kept : NULL, totals);
    pieces = 0;
    for (size_t node = trie->nodes - 1; node >= 2; node--) { /* a node's descendants come before it */
      uint32_t parent = trie->parent[node];
      if (flags & HB_LEARN_TF_TEXT) {
        kept[node] = totals[node] >= least;
      } else {
        int64_t total = totals[node], own = total - below[node];
        kept[node] = own >= least;
        if (kept[node]) below[node] += own;
        totals[node] = own;
        totals[parent] += total;
        below[parent] += below[node];
      }
      pieces += kept[node] && trie->depth[node] > 1;
    }
  }
  return pieces;
}
