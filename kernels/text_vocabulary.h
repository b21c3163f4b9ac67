/* A vocabulary compiled to one block without pointers: a trie whose edges lie in one hash table.
 *
 * Block: uint64 words, 8 of head and then 2^bits slots. An edge is one slot, that is, one load to follow it:
 *
 *     bits 43-63  the slot of the edge that leads to its beginning, 0 for the root
 *     bits 22-42  its character, plus one
 *     bits 0-21   the number, plus one, of the entry that ends with it, 0 for none
 *
 * A node is named by the slot of the edge that leads to it, so nothing else has to be stored. Slot 0 is the root's
 * and holds no edge; an empty slot is 0. Collisions go to the next slot.
 */
#ifndef HOMEBODY_TEXT_VOCABULARY_H
#define HOMEBODY_TEXT_VOCABULARY_H

#include "text.h"

#define HB_VOCABULARY_MAGIC 0x5645434F42420001u
#define HB_VOCABULARY_HEAD 8 /* words */
#define HB_VOCABULARY_MOST_BITS 21
#define HB_VOCABULARY_MOST_ENTRIES ((1u << 22) - 2)
#define HB_NO_ENTRY (-1)
#define HB_NO_NODE UINT32_MAX

/* Words of head: magic, bits, entries, edges, node of the suffix indicator (all ones: none). */

/* Uint64 words of a block with 2^bits slots; 0 when bits are out of range (4 to HB_VOCABULARY_MOST_BITS). */
HB_EXPORT size_t hb_vocabulary_words(uint32_t bits);

/* Compiles `entries`; entry i is number i, an empty one is nothing's. HB_SHORT_BUFFER: not enough slots for three
 * quarters to be taken. HB_BROKEN: entry *at is the same as an earlier one, or not UTF-8. */
HB_EXPORT int32_t hb_vocabulary_build(const hb_string *entries, size_t count, const hb_string *suffix_indicator,
                                      uint32_t bits, uint64_t *block, size_t words, size_t *at);

typedef struct {
  const uint64_t *slots;
  uint32_t bits, entries, suffix; /* suffix: the node after the suffix indicator, HB_NO_NODE for none */
} hb_vocabulary;

/* slots is NULL when `block` is not one that hb_vocabulary_build wrote. */
static inline hb_vocabulary hb_vocabulary_open(const uint64_t *block, size_t words) {
  if (words < HB_VOCABULARY_HEAD || block[0] != HB_VOCABULARY_MAGIC || block[1] > HB_VOCABULARY_MOST_BITS ||
      words != HB_VOCABULARY_HEAD + ((size_t)1 << block[1]))
    return (hb_vocabulary){0};
  return (hb_vocabulary){block + HB_VOCABULARY_HEAD, (uint32_t)block[1], (uint32_t)block[2], (uint32_t)block[4]};
}

static inline uint64_t hb_edge_key(uint32_t node, uint32_t code) { return (uint64_t)node << 21 | (code + 1); }

static inline uint32_t hb_edge_slot(uint64_t key, uint32_t bits) {
  return (uint32_t)(key * 0x9E3779B97F4A7C15u >> (64 - bits));
}

/* The node after `node` by a character, HB_NO_NODE when there is none; and the entry that ends there. */
static inline uint32_t hb_vocabulary_step(const hb_vocabulary *v, uint32_t node, uint32_t code, int32_t *entry) {
  uint64_t key = hb_edge_key(node, code);
  uint32_t slot = hb_edge_slot(key, v->bits), mask = (1u << v->bits) - 1;
  for (;; slot = (slot + 1) & mask) {
    uint64_t edge = v->slots[slot];
    if (edge >> 22 == key) {
      *entry = (int32_t)(edge & ((1u << 22) - 1)) - 1;
      return slot;
    }
    if (edge == 0 && slot != 0) return HB_NO_NODE;
  }
}

#endif
