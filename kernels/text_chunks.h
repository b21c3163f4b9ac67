/* Chunks of text: what lies between white space and characters that are words by themselves, and these. */
#ifndef HOMEBODY_TEXT_CHUNKS_H
#define HOMEBODY_TEXT_CHUNKS_H

#include "text_cache.h"
#include "text_classes.h"
#include "text_vocabulary.h"

enum {
  HB_CHUNK,       /* nothing is known of it */
  HB_CHUNK_SHORT, /* among the short ones of the cache, if it is remembered */
  HB_CHUNK_LONG,  /* among the long ones, likewise */
  HB_CHUNK_WORD,  /* a word, whatever its characters are */
  HB_CHUNK_ADDED, /* an added token */
};

typedef struct {
  uint64_t key[HB_SHORT_KEY]; /* of a short one */
  uint64_t hash;              /* of one that may be remembered */
  uint32_t from, to;          /* its bytes in the text */
  uint32_t kind, entry;       /* entry: of an added token */
} hb_chunk;

/* What chunks depend on. */
typedef struct {
  hb_classes classes;
  hb_vocabulary added; /* tokens that are found as they are; slots NULL for none */
  hb_cache cache;
  int keep_space;  /* a run of white space is a word */
  int keep_unused; /* so is "[unused" digits "]" */
  int plain;       /* ASCII is cut as text without rules is, and nothing above is asked */
} hb_chunker;

#define HB_FEW_CHUNKS 32
#define HB_MOST_CHUNKS (HB_FEW_CHUNKS + 64)

/* Finds chunks of text[size] from *at on, HB_FEW_CHUNKS or a little more unless the text ends, and has fetched what
 * memory will be asked about them. Returns how many, and in *at where to go on. `size` is at most HB_MAX_TEXT. */
uint32_t hb_chunks_find(const hb_chunker *chunker, const uint8_t *text, size_t size, size_t *at,
                        hb_chunk found[HB_MOST_CHUNKS]);

#endif
