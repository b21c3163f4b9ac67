/* A cache of chunks: what text became which pieces, in memory of a fixed size.
 *
 * Two tables of sets of two entries. Most chunks are short words that are up to three pieces: a set of such is one line
 * of the processor's own cache. The other table has what is longer or more. Where a set is full, an entry goes into the
 * set beside it, and where that is full too, in the place of one of the four. The whole chunk is kept and compared, so
 * what is found is right whatever hashes collide. What is too long even for the second table is not remembered.
 */
#ifndef HOMEBODY_TEXT_CACHE_H
#define HOMEBODY_TEXT_CACHE_H

#include "text.h"

#define HB_SHORT_KEY 2 /* words of 8 bytes */
#define HB_SHORT_PIECES 3
#define HB_LONG_KEY 7
#define HB_LONG_PIECES 11

/* Numbers have HB_PIECE_FIRST set where a word begins. */
typedef struct {
  uint64_t key[HB_SHORT_KEY];
  int32_t numbers[HB_SHORT_PIECES];
  uint8_t about; /* bits 0-4 the chunk's size in bytes, 0: an empty entry; bits 5-6 how many pieces; or AMONG_LONG */
  uint8_t places[HB_SHORT_PIECES]; /* bits 0-3 a piece's first byte within the chunk, bits 4-7 its last */
} hb_short_chunk; /* 32 bytes */

#define HB_AMONG_LONG 0x80u /* the pieces are in the other table */
#define HB_SHORT_SIZE(about) ((about) & 31u)
#define HB_SHORT_COUNT(about) ((about) >> 5 & 3u)

/* `size` 0 is an empty entry; starts and ends are bytes within the chunk. */
typedef struct {
  uint64_t key[HB_LONG_KEY];
  int32_t numbers[HB_LONG_PIECES];
  uint8_t size, count, starts[HB_LONG_PIECES], ends[HB_LONG_PIECES], spare[4];
} hb_long_chunk; /* 128 bytes */

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
  cache.short_sets = (uint32_t)(half / (4 * sizeof(hb_short_chunk))) * 2; /* even: there is always one beside it */
  cache.long_sets = (uint32_t)(half / (4 * sizeof(hb_long_chunk))) * 2;
  return cache;
}

/* Of a short key: two products that need not wait for each other. */
static inline uint64_t hb_short_hash(const uint64_t key[HB_SHORT_KEY]) {
  return key[0] * 0x9E3779B97F4A7C15u + (key[1] ^ key[0] >> 32) * 0xC2B2AE3D27D4EB4Fu;
}

/* Of a longer chunk than 16 bytes: of its ends and its middle. */
static inline uint64_t hb_long_hash(const uint8_t *text, size_t from, size_t to) {
  uint64_t key[HB_SHORT_KEY] = {hb_load8(text + from) + 3 * hb_load8(text + from + (to - from) / 2 - 4),
                                hb_load8(text + to - 8) + 5 * hb_load8(text + from + 8)};
  return hb_short_hash(key);
}

/* The number of the set that a hash leads to, by its upper bits. */
static inline size_t hb_cache_set(uint64_t hash, uint32_t sets) { return (size_t)((hash >> 32) * sets >> 32); }

#define HB_WAYS 4

/* Of the places where an entry may be, the first two are its set's, the others those of the set beside it. */
static inline size_t hb_cache_way(size_t set, uint32_t way) { return 2 * (set ^ way >> 1) + (way & 1); }

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
