/* WordPiece, from raw text to numbers of pieces and where they stand, in one pass.
 *
 * Text is cut into chunks: what lies between white space and characters that are words by themselves. A chunk is
 * normalized character by character and cut into words (which only in rare chunks is more than one), and a word into
 * the longest pieces that the vocabulary has, from left to right (Wu et al., "Google's Neural Machine Translation
 * System", 2016; Devlin et al., "BERT", 2019). What a chunk becomes is remembered in a cache: most text consists of
 * few different words.
 */
#ifndef HOMEBODY_TEXT_WORDPIECE_H
#define HOMEBODY_TEXT_WORDPIECE_H

#include "text_vocabulary.h"
#include "text_words.h"

#define HB_WORDPIECE_SPLIT_UNKNOWN 1u /* a character that no piece covers is an unknown piece by itself */
#define HB_WORDPIECE_COUNT_CHARS 2u   /* most_in_word counts characters, else bytes of UTF-8 */
#define HB_WORDPIECE_KEEP_SPACE 4u    /* a run of white space is a word */
#define HB_WORDPIECE_KEEP_UNUSED 8u   /* "[unused" digits "]" is a word, BERT's spare entries */

#define HB_WORDPIECE_MOST_IN_WORD (1u << 20)

typedef struct {
  const uint8_t *tables;      /* Unicode's block */
  const uint8_t *classes;     /* of HB_CLASSES_WORDS, for `rules` */
  const uint64_t *vocabulary;
  uint8_t *cache;             /* hb_cache_clear'ed; NULL for none. Only one call at a time may use it */
  uint32_t *scratch;          /* hb_wordpiece_scratch words */
  const uint64_t *added;      /* a vocabulary of tokens that are found as they are, or NULL; each begins with a
                                 character that is a word by itself */
  const int32_t *added_numbers; /* the number of each of its entries */
  size_t classes_size, vocabulary_words, cache_size, scratch_words, added_words;
  uint32_t rules, flags;
  uint32_t most_in_word;      /* a longer word is one unknown piece; 1 to HB_WORDPIECE_MOST_IN_WORD */
  uint32_t most_in_piece;     /* characters of a piece, without the suffix indicator; at least 1 */
  int32_t unknown;            /* the number of an unknown word, or of its first character */
  int32_t unknown_suffix;     /* of another unknown character */
  int32_t too_long;           /* of a word that is too long */
} hb_wordpiece;

/* Number of uint32_t of working memory, 0 when most_in_word is out of range. */
HB_EXPORT uint32_t hb_wordpiece_scratch(uint32_t most_in_word);

/* A cache may have any size: a multiple of 8, aligned to 8; under 1 kB nothing is remembered. */
HB_EXPORT void hb_cache_clear(uint8_t *cache, size_t size);

/* Writes, for each piece, its number and, unless NULL, where it starts and ends in bytes and whether it is its word's
 * first. A piece's start is that of its first character's source, its end that of its last one's: characters that
 * were left out beside it are not its own. The rest is as for the functions of text_words.h. Pieces that come of one
 * character each have that character's place. */
HB_EXPORT int32_t hb_wordpiece_tokenize(const hb_wordpiece *model, const hb_string *strings, size_t count,
                                        hb_progress *progress, int64_t *splits, int32_t *numbers, int32_t *starts,
                                        int32_t *ends, uint8_t *first, size_t room);

/* One string of which at most `room` pieces come; starts and ends may be NULL. Returns how many, or a refusal. */
HB_EXPORT int32_t hb_wordpiece_one(const hb_wordpiece *model, const uint8_t *text, size_t size, int32_t *numbers,
                                   int32_t *starts, int32_t *ends, size_t room);

#endif
