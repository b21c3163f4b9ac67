/* A cache of chunks: what text became which pieces, in memory of a fixed size.
 *
 * Two tables, for short and for long chunks, each of sets of two entries; the newest entry of a set pushes out the
 * oldest. The whole chunk is kept and compared, so what is found is right whatever hashes collide. Chunks that are
 * longer, or more pieces, are not remembered.
 */
#ifndef HOMEBODY_TEXT_CACHE_H
#define HOMEBODY_TEXT_CACHE_H

#include "text.h"

#define HB_SHORT_KEY 3  /* words of 8 bytes */
#define HB_SHORT_PIECES 6
#define HB_LONG_KEY 12
#define HB_LONG_PIECES 15

/* `size` 0 is an empty entry. Numbers have HB_PIECE_FIRST set where a word begins; place[2 k] and [2 k + 1] are where
 * piece k starts and ends within the chunk. */
typedef struct {
  uint64_t key[HB_SHORT_KEY];
  uint8_t size, count, place[2 * HB_SHORT_PIECES], spare[2];
  int32_t numbers[HB_SHORT_PIECES];
} hb_short_chunk; /* 64 bytes, a cache line */

typedef struct {
  uint64_t key[HB_LONG_KEY];
  uint8_t size, count, place[2 * HB_LONG_PIECES];
  int32_t numbers[HB_LONG_PIECES];
  uint8_t spare[4];
} hb_long_chunk; /* 192 bytes */

#define HB_PIECE_FIRST ((int32_t)(1u << 30))

typedef struct {
  hb_short_chunk *shorts;
  hb_long_chunk *longs;
  uint32_t short_mask, long_mask; /* of sets */
} hb_cache;

/* A quarter of the memory, rounded down to a power of two sets, is the long chunks'. */
static inline hb_cache hb_cache_open(uint8_t *memory, size_t size) {
  hb_cache cache = {0};
  if (memory == NULL || size < 1024) return cache;
  size_t sets = 1;
  while (sets * 2 * 2 * sizeof(hb_long_chunk) <= size / 4 && sets < ((size_t)1 << 24)) sets *= 2;
  cache.longs = (hb_long_chunk *)memory;
  cache.long_mask = (uint32_t)sets - 1;
  size_t used = sets * 2 * sizeof(hb_long_chunk);
  cache.shorts = (hb_short_chunk *)(memory + used);
  for (sets = 1; sets * 2 * 2 * sizeof(hb_short_chunk) <= size - used && sets < ((size_t)1 << 28);) sets *= 2;
  cache.short_mask = (uint32_t)sets - 1;
  return cache;
}

static inline uint64_t hb_cache_mix(uint64_t hash) {
  hash ^= hash >> 32;
  hash *= 0xD6E8FEB86659FD93u;
  return hash ^ hash >> 32;
}

/* The first `size` <= 8 bytes at `at` as a word, zeros above them; `whole` says that 8 can be read. */
static inline uint64_t hb_key_word(const uint8_t *at, size_t size, int whole) {
  if (size >= 8) return hb_load8(at);
  if (whole) return hb_load8(at) & (((uint64_t)1 << 8 * size) - 1);
  uint64_t word = 0;
  for (size_t i = 0; i < size; i++) word |= (uint64_t)at[i] << 8 * i;
  return word;
}

#endif
