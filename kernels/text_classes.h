/* Classes of characters: what a tokenizer asks of every character, as one byte in a two-stage table.
 *
 * The table is made once from the Unicode block (text_unicode.h), for one question:
 *   HB_CLASSES_SPACE     1 for white space, else 0.
 *   HB_CLASSES_SCRIPT    the script's number; white space has numbers of its own, from HB_SCRIPT_SPACE down.
 *   HB_CLASSES_WORDS     how BERT's normalization and word splitting treat it, under `rules`.
 *
 * A page is the 64 characters that share all but the last byte of their UTF-8.
 */
#ifndef HOMEBODY_TEXT_CLASSES_H
#define HOMEBODY_TEXT_CLASSES_H

#include "text_unicode.h"

#define HB_CLASS_SHIFT 6
#define HB_CLASS_PAGES (HB_CODE_POINTS >> HB_CLASS_SHIFT)

#define HB_CLASSES_SPACE 0
#define HB_CLASSES_SCRIPT 1
#define HB_CLASSES_WORDS 2

/* White space of the script Common, and of Ogham (U+1680). */
#define HB_SCRIPT_SPACE 255u
#define HB_SCRIPT_OGHAM_SPACE 254u

/* A word class: bits 0-1 say what a character is in the text, bits 3-4 what it would be as the result of a
 * normalization, and bit 2 that the two differ: it is replaced, or left out. */
#define HB_WORD_PART 0u
#define HB_WORD_SPACE 1u
#define HB_WORD_ALONE 2u /* a word of its own: punctuation, an ideograph */
#define HB_WORD_MAPPED 4u
#define HB_WORD_RESULT(class) ((class) >> 3 & 3u)

/* Rules, or'ed. None: words end at Unicode's white space, punctuation and ideographs stand alone. */
#define HB_RULES_FOLD 1u          /* tf: NFKC_Casefold, NFD, no nonspacing marks */
#define HB_RULES_CONTROL 2u       /* tf: Cc and Cf become spaces, after that */
#define HB_RULES_ASCII_SPACE 4u   /* tf's BertTokenizer: only space, \t, \n, \f, \r end words */
#define HB_RULES_REORDER 8u       /* normalize text, not each character: marks come in canonical order */
#define HB_RULES_HF 16u           /* those of `hf` below: Unicode 8's punctuation, marks and control characters */
#define HB_RULES_HF_CLEAN 32u     /* no control characters, U+0000, U+FFFD; white space becomes spaces */
#define HB_RULES_HF_IDEOGRAPHS 64u /* ideographs stand alone */
#define HB_RULES_HF_STRIP 128u    /* NFD, no nonspacing marks */
#define HB_RULES_HF_LOWER 256u
#define HB_RULES_WHOLE 512u       /* a string is one word */
#define HB_RULES_ALL 1023u

/* Head of a block: magic, question, rules and size as words; then what a byte of UTF-8 says by itself: the class of
 * an ASCII character (of others, HB_NOT_ASCII); then, for HB_CLASSES_WORDS, the one ASCII character that an ASCII
 * character becomes (HB_NOT_ASCII when it becomes anything else). */
#define HB_CLASSES_HEAD (16 + 256 + 128)
#define HB_NOT_ASCII 0x80u

/* Bytes that hb_classes_build may need. */
#define HB_CLASSES_MOST (HB_CLASSES_HEAD + 2 * HB_CLASS_PAGES + ((size_t)1 << 20))

typedef struct {
  const uint16_t *index; /* NULL: no table */
  const uint8_t *pages;
  const uint8_t *bytes;  /* [256], as in the head */
  const uint8_t *becomes; /* [128], likewise */
} hb_classes;

/* Writes a table for `question` to `out`; returns its size, 0 when an argument is unknown or `out` short. */
HB_EXPORT size_t hb_classes_build(const uint8_t *tables, uint32_t question, uint32_t rules, uint8_t *out,
                                  size_t size);

#define HB_CLASSES_MAGIC 0x4C434248u

/* The table in `block`, which hb_classes_build wrote; index NULL when it did not. */
static inline hb_classes hb_classes_open(const uint8_t *block, size_t size, uint32_t question, uint32_t rules) {
  const uint32_t *head = (const uint32_t *)block;
  if (size < HB_CLASSES_HEAD + 2 * HB_CLASS_PAGES || head[0] != HB_CLASSES_MAGIC || head[1] != question ||
      head[2] != rules || head[3] != size)
    return (hb_classes){0};
  return (hb_classes){(const uint16_t *)(block + HB_CLASSES_HEAD), block + HB_CLASSES_HEAD + 2 * HB_CLASS_PAGES,
                      block + 16, block + 16 + 256};
}

/* A character's class; `code` is at most U+10FFFF. */
static inline uint32_t hb_class_of(hb_classes classes, uint32_t code) {
  return classes.pages[((size_t)classes.index[code >> HB_CLASS_SHIFT] << HB_CLASS_SHIFT) | (code & 63)];
}

#define HB_MOST_NORMAL 54 /* code points that one becomes: 18, each lower-cased to at most 3 */

/* What a character becomes under `rules`, in `out`; returns how many code points. */
uint32_t hb_rules_normalize(const hb_unicode *unicode, uint32_t rules, uint32_t code, uint32_t out[HB_MOST_NORMAL]);

/* One string as `rules` normalize it, a character at a time (HB_RULES_REORDER has no part in it). Writes it to `out`,
 * and for each of its bytes where in the text its character begins. Returns the bytes written, SIZE_MAX when `room` is
 * short. */
HB_EXPORT size_t hb_rules_apply(const uint8_t *tables, uint32_t rules, const uint8_t *text, size_t size, uint8_t *out,
                                int32_t *from, size_t room);

/* The combining class that marks are ordered by under `rules`. */
static inline uint32_t hb_rules_combining(const hb_unicode *unicode, uint32_t rules, uint32_t code) {
  const hb_unicode_record *record = hb_unicode_of(unicode, code);
  return rules & HB_RULES_HF && record->flags & HB_UNICODE_AFTER_9 ? 0 : record->combining;
}

/* Whether `rules` take a nonspacing mark out. */
static inline int hb_rules_strips(const hb_unicode *unicode, uint32_t rules, uint32_t code) {
  const hb_unicode_record *record = hb_unicode_of(unicode, code);
  if (rules & HB_RULES_HF_STRIP) return (record->flags & HB_UNICODE_HF_NONSPACING) != 0;
  return rules & HB_RULES_FOLD && record->category == HB_CATEGORY_MN;
}

#endif
