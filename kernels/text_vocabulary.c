#include "text_vocabulary.h"

size_t hb_vocabulary_words(uint32_t bits) {
  return bits < 4 || bits > HB_VOCABULARY_MOST_BITS ? 0 : HB_VOCABULARY_HEAD + ((size_t)1 << bits);
}

/* The node after `node` by a character, made if it is not there; HB_NO_NODE when the table is full. */
static uint32_t grow(uint64_t *slots, uint32_t bits, uint64_t *edges, uint32_t node, uint32_t code) {
  uint64_t key = hb_edge_key(node, code);
  uint32_t slot = hb_edge_slot(key, bits), mask = (1u << bits) - 1;
  for (;; slot = (slot + 1) & mask) {
    if (slot == 0) continue;
    if (slots[slot] >> 22 == key) return slot;
    if (slots[slot] == 0) break;
  }
  if (4 * (*edges + 1) > 3 * ((uint64_t)1 << bits)) return HB_NO_NODE;
  ++*edges;
  slots[slot] = key << 22;
  return slot;
}

/* Follows a string from the root, making what is missing. HB_BROKEN: not UTF-8. */
static int32_t grow_string(uint64_t *slots, uint32_t bits, uint64_t *edges, hb_string text, uint32_t *node) {
  *node = 0;
  for (size_t at = 0; at < text.size;) {
    hb_char c = hb_utf8_decode(text.data + at, text.size - at);
    if (hb_utf8_malformed(text.data + at, c)) return HB_BROKEN;
    *node = grow(slots, bits, edges, *node, c.code);
    if (*node == HB_NO_NODE) return HB_SHORT_BUFFER;
    at += c.size;
  }
  return HB_OK;
}

int32_t hb_vocabulary_build(const hb_string *entries, size_t count, const hb_string *suffix_indicator,
                            uint32_t bits, uint64_t *block, size_t words, size_t *at) {
  if (words == 0 || words != hb_vocabulary_words(bits) || count > HB_VOCABULARY_MOST_ENTRIES) return HB_BAD_ARGUMENT;
  uint64_t *slots = block + HB_VOCABULARY_HEAD, edges = 0;
  for (size_t i = 0; i < words; i++) block[i] = 0;
  uint32_t node;
  for (*at = 0; *at < count; ++*at) {
    int32_t status = grow_string(slots, bits, &edges, entries[*at], &node);
    if (status != HB_OK) return status;
    if (node == 0) continue;
    if (slots[node] & ((1u << 22) - 1)) return HB_BROKEN;
    slots[node] |= *at + 1;
  }
  uint64_t own = edges;
  int32_t status = grow_string(slots, bits, &edges, *suffix_indicator, &node);
  if (status != HB_OK) return status;
  block[0] = HB_VOCABULARY_MAGIC;
  block[1] = bits;
  block[2] = count;
  block[3] = edges;
  block[4] = own == edges ? node : HB_NO_NODE; /* new edges: no entry begins with the indicator */
  return HB_OK;
}
