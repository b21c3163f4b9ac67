/* Phrases of a vocabulary found in text. */
#ifndef HOMEBODY_TEXT_PHRASES_H
#define HOMEBODY_TEXT_PHRASES_H

#include "text_words.h"

/* The index of a vocabulary: a hash table over its phrases and their beginnings that end where a word does. Words of
 * a phrase have single spaces between them. */
typedef struct {
  uint64_t hash;  /* 0: empty */
  uint32_t entry; /* the phrase that it is, or begins */
  uint32_t size;  /* bytes; bit 31: it is the phrase */
} hb_phrase_slot;

#define HB_PHRASE_WHOLE 0x80000000u

/* Fills a table that is all 0: `slots` is a power of two, at least twice the spaces and phrases of the vocabulary. */
HB_EXPORT int32_t hb_phrases_index(const hb_string *vocabulary, size_t count, hb_phrase_slot *table, size_t slots);

typedef struct {
  const uint8_t *classes; /* of HB_CLASSES_SPACE */
  size_t classes_size;
  const hb_string *vocabulary;
  const hb_phrase_slot *table;
  size_t slots;
  uint64_t rate; /* 0 to 2^32 */
  uint64_t seed;
  uint32_t tick;
  uint32_t unknown; /* what an entry is where no phrase begins */
} hb_phrases;

/* The phrases of each string, whose words are what stands between white space: at the first word, and then behind
 * each phrase, the longest one that begins there; or, from the shortest on, each with a probability of rate / 2^32.
 * Where none begins, the word alone is `unknown`. Random numbers are Philox4x32-7's: for the k-th phrase that begins
 * where the i-th token of all strings does, word k % 4 at the counter (i, k / 4, tick, 18).
 *
 * Results else as those of hb_split_space. */
HB_EXPORT int32_t hb_phrases_find(const hb_phrases *phrases, const hb_string *strings, size_t count,
                                  hb_progress *progress, int64_t *splits, int32_t *entries, int32_t *starts,
                                  int32_t *ends, size_t room);

#endif
