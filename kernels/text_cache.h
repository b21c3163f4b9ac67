/* A cache of chunks: what text became which pieces, in memory of a fixed size.
 *
 * Two tables of sets of two entries; the newest entry of a set pushes out the oldest. Most chunks are short words that
 * are one piece or two: a set of such is one line of the processor's own cache. The other table has what is longer
 * or more. The whole chunk is kept and compared, so what is found is right whatever hashes collide. What is too
 * long even for that table is not remembered.
 */
#ifndef HOMEBODY_TEXT_CACHE_H
#define HOMEBODY_TEXT_CACHE_H

#include "text.h"

#define HB_SHORT_KEY 2 /* words of 8 bytes */
#define HB_SHORT_PIECES 2
#define HB_AMONG_LONG 255 /* count of a short entry whose pieces are in the other table */
#define HB_LONG_KEY 7
#define HB_LONG_PIECES 11

/* `size` 0 is an empty entry. Numbers have HB_PIECE_FIRST set where a word begins; starts and ends are bytes within
 * the chunk. */
typedef struct {
  uint64_t key[HB_SHORT_KEY];
  int32_t numbers[HB_SHORT_PIECES];
  uint8_t size, count, starts[HB_SHORT_PIECES], ends[HB_SHORT_PIECES], spare[2];
} hb_short_chunk; /* 32 bytes */

typedef struct {
  uint64_t key[HB_LONG_KEY];
  int32_t numbers[HB_LONG_PIECES];
  uint8_t size, count, starts[HB_LONG_PIECES], ends[HB_LONG_PIECES], spare[4];
} hb_long_chunk; /* 128 bytes */

#define HB_PIECE_FIRST ((int32_t)(1u << 30))

typedef struct {
  hb_short_chunk *shorts; /* NULL: nothing is remembered */
  hb_long_chunk *longs;
  uint32_t short_sets, long_sets;
} hb_cache;

/* Half of the memory for each; sets begin at multiples of 64 bytes. */
static inline hb_cache hb_cache_open(uint8_t *memory, size_t size) {
  hb_cache cache = {0};
  if (memory == NULL || size < 1024) return cache;
  size_t skipped = (size_t)(-(uintptr_t)memory % 64), half = (size - skipped) / 2 / 64 * 64;
  if (half > (size_t)UINT32_MAX) half = UINT32_MAX / 64 * 64;
  cache.shorts = (hb_short_chunk *)(memory + skipped);
  cache.longs = (hb_long_chunk *)(memory + skipped + half);
  cache.short_sets = (uint32_t)(half / (2 * sizeof(hb_short_chunk)));
  cache.long_sets = (uint32_t)(half / (2 * sizeof(hb_long_chunk)));
  return cache;
}

static inline uint64_t hb_cache_hash(const uint64_t *key, uint32_t words, size_t size) {
  uint64_t hash = size;
  for (uint32_t i = 0; i < words; i++) hash = (hash ^ hash >> 29 ^ key[i]) * 0x9E3779B97F4A7C15u;
  return hash ^ hash >> 29;
}

/* A number from 0 to sets - 1, by the hash's upper bits. */
static inline size_t hb_cache_set(uint64_t hash, uint32_t sets) { return (size_t)((hash >> 32) * sets >> 32); }

/* `words` words of the bytes text[from] to text[to - 1], zeros after them. */
static inline void hb_cache_key(const uint8_t *text, size_t from, size_t to, uint32_t words, uint64_t *key) {
  for (uint32_t i = 0; i < words; i++, from += 8) {
    key[i] = 0;
    if (from >= to) continue;
    if (to - from >= 8) {
      key[i] = hb_load8(text + from);
    } else if (to >= 8) {
      key[i] = hb_load8(text + to - 8) >> 8 * (8 - (to - from));
    } else {
      for (size_t k = from; k < to; k++) key[i] |= (uint64_t)text[k] << 8 * (k - from);
    }
  }
}

/* The same for a short chunk, without branches where 16 bytes can be read. */
static inline void hb_short_key(const uint8_t *text, size_t size, size_t from, size_t to, uint64_t key[HB_SHORT_KEY]) {
  static const uint64_t keep[2 * HB_SHORT_KEY] = {UINT64_MAX, UINT64_MAX, 0, 0};
  if (size - from < 8 * HB_SHORT_KEY) {
    hb_cache_key(text, from, to, HB_SHORT_KEY, key);
    return;
  }
  const uint8_t *mask = (const uint8_t *)keep + 8 * HB_SHORT_KEY - (to - from);
  for (uint32_t i = 0; i < HB_SHORT_KEY; i++) key[i] = hb_load8(text + from + 8 * i) & hb_load8(mask + 8 * i);
}

#endif
