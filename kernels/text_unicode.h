/* What the text kernels know about characters: Unicode 16.0, in one block that kernels/unicode_tables.py writes
 * (src/homebody/text/unicode.bin, packed; unpacked and checked once by whoever loads it).
 *
 * Every text kernel that asks about characters takes `const uint8_t *tables`: the unpacked block, aligned to
 * 4 bytes, after hb_unicode_check said HB_OK. From there on it is trusted: the accessors check nothing, but no
 * code point up to U+10FFFF makes them read outside.
 *
 *   hb_unicode u = hb_unicode_open(tables);            once a call: pointers to the parts
 *   hb_unicode_of(&u, c)->flags & HB_UNICODE_WHITE_SPACE
 *   HB_UNICODE_IS(hb_unicode_of(&u, c)->category, HB_CATEGORY_P)    a category in a set of categories
 *   hb_unicode_of(&u, a)->script != hb_unicode_of(&u, b)->script    names: homebody.text._unicode
 *   hb_unicode_map(&u, HB_UNICODE_LOWER, c)            what a character is replaced by
 *
 * Layout, in little-endian words: magic, layout, version, size in bytes, number of sections, then (offset,
 * size) of each section in the order of the enumeration below. A two-stage table is an index, uint16 a page of
 * 128 code points, and pages of uint16.
 */
#ifndef HOMEBODY_TEXT_UNICODE_H
#define HOMEBODY_TEXT_UNICODE_H

#include "text.h"

#define HB_UNICODE_MAGIC 0x43554248u
#define HB_UNICODE_LAYOUT 2u
#define HB_UNICODE_VERSION 0x100000u /* 16.0.0 */
#define HB_UNICODE_SHIFT 7

enum {
  HB_SECTION_INDEX,   /* two stages to the number of a record */
  HB_SECTION_PAGES,
  HB_SECTION_RECORDS, /* hb_unicode_record */
  HB_SECTION_MAPS,    /* two stages for each of the five mappings, to offsets in the pool */
  HB_SECTION_POOL = HB_SECTION_MAPS + 10,
  HB_SECTION_PAIRS,   /* compositions: slots of {first, second, composed}, hashed, 0 where empty */
  HB_SECTION_SCRIPTS, /* names of the scripts, each ended by NUL; the first is script 0, Common */
  HB_SECTION_FLAGS,   /* for each of the pages the flags that occur in it, uint32 */
  HB_SECTIONS,
};

typedef struct {
  uint32_t flags;    /* HB_UNICODE_... */
  uint8_t category;  /* HB_CATEGORY_... */
  uint8_t script;    /* number in the list of names */
  uint8_t combining; /* canonical combining class */
  uint8_t spare;
} hb_unicode_record;

/* Flags. Those without a comment are Unicode's property of that name. */
enum {
  HB_UNICODE_WHITE_SPACE = 1 << 0,      /* ICU's u_isUWhiteSpace */
  HB_UNICODE_BERT_PUNCTUATION = 1 << 1, /* category P, and every ASCII character that is no letter or digit */
  HB_UNICODE_BERT_CJK = 1 << 2,         /* ideographs that BERT takes one by one */
  HB_UNICODE_BERT_CONTROL = 1 << 3,     /* Cc and Cf but tab, line feed and carriage return */
  HB_UNICODE_DEFAULT_IGNORABLE = 1 << 4,
  HB_UNICODE_UPPERCASE = 1 << 5, /* Lu and Other_Uppercase; likewise below: for a category ask the category */
  HB_UNICODE_LOWERCASE = 1 << 6,
  HB_UNICODE_CASED = 1 << 7,
  HB_UNICODE_CASE_IGNORABLE = 1 << 8,
  HB_UNICODE_ALPHABETIC = 1 << 9,
  HB_UNICODE_EMOJI = 1 << 10, /* ASCII digits, # and * included */
  HB_UNICODE_EMOJI_PRESENTATION = 1 << 11,
  HB_UNICODE_EXTENDED_PICTOGRAPHIC = 1 << 12,
  HB_UNICODE_IDEOGRAPHIC = 1 << 13,
  HB_UNICODE_SENTENCE_TERMINAL = 1 << 14,
  HB_UNICODE_TERMINAL_PUNCTUATION = 1 << 15,
  HB_UNICODE_QUOTATION_MARK = 1 << 16,
  HB_UNICODE_DASH = 1 << 17,
  HB_UNICODE_NONSTARTER = 1 << 18,    /* combining class other than 0 */
  HB_UNICODE_COMPOSES_BACK = 1 << 19, /* NFC_QC=Maybe: it, or what it decomposes to, may join what is before */
  HB_UNICODE_COMPOSES_FORWARD = 1 << 20, /* undecomposed, it may join what is behind */
  HB_UNICODE_NFD_NO = 1 << 21,        /* cannot stand in text of this form; likewise below */
  HB_UNICODE_NFKD_NO = 1 << 22,
  HB_UNICODE_NFC_NO = 1 << 23,
  HB_UNICODE_NFKC_NO = 1 << 24,
  HB_UNICODE_FOLD_NO = 1 << 25,        /* nor in that of NFKC_Casefold */
  HB_UNICODE_HF_CONTROL = 1 << 26,     /* rules `hf`, of Unicode 8: Cc, Cf, Cs, Co but tab, LF, CR */
  HB_UNICODE_HF_NONSPACING = 1 << 27,  /* Mn in Unicode 8 */
  HB_UNICODE_HF_PUNCTUATION = 1 << 28, /* P in Unicode 8, and ASCII as above */
  HB_UNICODE_AFTER_9 = 1 << 29,        /* newer than the normalization of the rules `hf`: for them it neither
                                          decomposes nor has a combining class */
  HB_UNICODE_NONSPACING = 1 << 30,     /* category Mn */
};

/* General categories, as ICU numbers them. */
enum {
  HB_CATEGORY_CN, HB_CATEGORY_LU, HB_CATEGORY_LL, HB_CATEGORY_LT, HB_CATEGORY_LM, HB_CATEGORY_LO,
  HB_CATEGORY_MN, HB_CATEGORY_ME, HB_CATEGORY_MC, HB_CATEGORY_ND, HB_CATEGORY_NL, HB_CATEGORY_NO,
  HB_CATEGORY_ZS, HB_CATEGORY_ZL, HB_CATEGORY_ZP, HB_CATEGORY_CC, HB_CATEGORY_CF, HB_CATEGORY_CO,
  HB_CATEGORY_CS, HB_CATEGORY_PD, HB_CATEGORY_PS, HB_CATEGORY_PE, HB_CATEGORY_PC, HB_CATEGORY_PO,
  HB_CATEGORY_SM, HB_CATEGORY_SC, HB_CATEGORY_SK, HB_CATEGORY_SO, HB_CATEGORY_PI, HB_CATEGORY_PF,
};

/* Sets of categories, and the test. */
#define HB_UNICODE_IS(category, set) ((set) >> (category) & 1u)
#define HB_CATEGORY_L 0x0000003Eu
#define HB_CATEGORY_M 0x000001C0u
#define HB_CATEGORY_N 0x00000E00u
#define HB_CATEGORY_Z 0x00007000u
#define HB_CATEGORY_C 0x00078001u
#define HB_CATEGORY_P 0x30F80000u
#define HB_CATEGORY_S 0x0F000000u

/* The mappings. */
enum {
  HB_UNICODE_NFD,  /* canonical decomposition, all the way; Hangul syllables are arithmetic and not here */
  HB_UNICODE_NFKD, /* compatibility decomposition, likewise */
  HB_UNICODE_FOLD_NFD, /* NFD(NFKC_Casefold(x)): may be empty. What tf.Text's case_fold_utf8 decomposes to */
  HB_UNICODE_CASEFOLD, /* full case folding (CaseFolding.txt C and F), undecomposed */
  HB_UNICODE_LOWER,    /* full lower-casing without context: no final sigma, and U+0130 becomes two */
};

typedef struct {
  const uint16_t *index, *pages, *map_index[5], *map_pages[5];
  const hb_unicode_record *records;
  const uint32_t *pool, *pairs, *page_flags;
  uint32_t pair_mask;
} hb_unicode;

/* Code points that replace one; `size` is 0 to 18. */
typedef struct {
  const uint32_t *points;          /* when nothing replaces it, all is 0 */
  uint32_t size;
  uint8_t first_class, last_class; /* combining classes of the ends */
  uint8_t behaves;                 /* HB_MAPPING_... */
  uint8_t found;                   /* whether anything replaces it */
} hb_unicode_mapping;

#define HB_MAPPING_COMPOSES_BACK 1    /* its first may join what is before */
#define HB_MAPPING_COMPOSES_FORWARD 2 /* composed, its last starter may join what is behind; so may nothing */
#define HB_MAPPING_RECOMPOSES 4       /* NFC is another */

/* HB_OK, or HB_BROKEN when the block is not one that the accessors can be let loose on. Reads all of it. */
HB_EXPORT int32_t hb_unicode_check(const uint8_t *tables, size_t size);

static inline const void *hb_unicode_section(const uint8_t *tables, uint32_t section) {
  return tables + ((const uint32_t *)tables)[5 + 2 * section];
}

static inline hb_unicode hb_unicode_open(const uint8_t *tables) {
  hb_unicode u = {
      .index = hb_unicode_section(tables, HB_SECTION_INDEX),
      .pages = hb_unicode_section(tables, HB_SECTION_PAGES),
      .records = hb_unicode_section(tables, HB_SECTION_RECORDS),
      .pool = hb_unicode_section(tables, HB_SECTION_POOL),
      .pairs = hb_unicode_section(tables, HB_SECTION_PAIRS),
      .page_flags = hb_unicode_section(tables, HB_SECTION_FLAGS),
      .pair_mask = ((const uint32_t *)tables)[5 + 2 * HB_SECTION_PAIRS + 1] / 12 - 1,
  };
  for (uint32_t i = 0; i < 5; i++) {
    u.map_index[i] = hb_unicode_section(tables, HB_SECTION_MAPS + 2 * i);
    u.map_pages[i] = hb_unicode_section(tables, HB_SECTION_MAPS + 2 * i + 1);
  }
  return u;
}

static inline uint32_t hb_unicode_staged(const uint16_t *index, const uint16_t *pages, uint32_t code) {
  uint32_t page = index[code >> HB_UNICODE_SHIFT];
  return pages[page << HB_UNICODE_SHIFT | (code & ((1u << HB_UNICODE_SHIFT) - 1))];
}

/* A code point's record; `code` is at most U+10FFFF. */
static inline const hb_unicode_record *hb_unicode_of(const hb_unicode *u, uint32_t code) {
  return u->records + hb_unicode_staged(u->index, u->pages, code);
}

/* Flags that occur among the 128 code points of which `code` is one: what is not here need not be looked for. */
static inline uint32_t hb_unicode_page_flags(const hb_unicode *u, uint32_t code) {
  return u->page_flags[u->index[code >> HB_UNICODE_SHIFT]];
}

static inline hb_unicode_mapping hb_unicode_map(const hb_unicode *u, uint32_t mapping, uint32_t code) {
  uint32_t offset = hb_unicode_staged(u->map_index[mapping], u->map_pages[mapping], code);
  if (offset == 0) return (hb_unicode_mapping){0};
  uint32_t about = u->pool[offset];
  return (hb_unicode_mapping){u->pool + offset + 1, about & 0xFF, (uint8_t)(about >> 8), (uint8_t)(about >> 16),
                              (uint8_t)(about >> 24), 1};
}

/* Hangul syllables (Unicode Standard, section 3.12). */
#define HB_HANGUL_FIRST 0xAC00u
#define HB_HANGUL_COUNT 11172u
#define HB_HANGUL_LEAD 0x1100u  /* 19 of them */
#define HB_HANGUL_VOWEL 0x1161u /* 21 */
#define HB_HANGUL_TAIL 0x11A7u  /* 28, the first being none */

static inline int hb_is_hangul(uint32_t code) { return code - HB_HANGUL_FIRST < HB_HANGUL_COUNT; }

/* Decomposes a syllable to 2 or 3 jamo; returns how many. */
static inline uint32_t hb_hangul_decompose(uint32_t code, uint32_t out[3]) {
  uint32_t number = code - HB_HANGUL_FIRST, tail = number % 28;
  out[0] = HB_HANGUL_LEAD + number / 588;
  out[1] = HB_HANGUL_VOWEL + number % 588 / 28;
  out[2] = HB_HANGUL_TAIL + tail;
  return tail ? 3 : 2;
}

/* What two code points compose to, or 0. */
static inline uint32_t hb_unicode_compose(const hb_unicode *u, uint32_t first, uint32_t second) {
  if (second - HB_HANGUL_VOWEL < 21 && first - HB_HANGUL_LEAD < 19)
    return HB_HANGUL_FIRST + ((first - HB_HANGUL_LEAD) * 21 + (second - HB_HANGUL_VOWEL)) * 28;
  if (second - (HB_HANGUL_TAIL + 1) < 27 && hb_is_hangul(first) && (first - HB_HANGUL_FIRST) % 28 == 0)
    return first + (second - HB_HANGUL_TAIL);
  uint32_t slot = (first * 0x9E3779B1u + second * 0x85EBCA6Bu) >> 16 & u->pair_mask;
  for (;; slot = (slot + 1) & u->pair_mask) {
    const uint32_t *pair = u->pairs + 3 * slot;
    if (pair[0] == first && pair[1] == second) return pair[2];
    if (pair[0] == 0) return 0;
  }
}

#endif
