/* Normal forms of text, each with a map back to where it came from. */
#ifndef HOMEBODY_TEXT_NORMALIZE_H
#define HOMEBODY_TEXT_NORMALIZE_H

#include "text_unicode.h"

enum {
  HB_FORM_NFC,
  HB_FORM_NFD,
  HB_FORM_NFKC,
  HB_FORM_NFKD,
  HB_FORM_CASE_FOLD,     /* NFKC_Casefold */
  HB_FORM_STRIP_ACCENTS, /* NFD, less the nonspacing marks */
  HB_FORM_CLEAN_TF,      /* controls (Cc, Cf) become spaces */
  HB_FORM_CLEAN_HF,      /* BERT's clean-up by the rules `hf`: controls, U+0000 and U+FFFD go, white space is ' ' */
  HB_FORM_VALID,         /* the text itself: what is not UTF-8 is replaced or left out */
  HB_FORMS,
};

/* A map is rows of four: from byte `to` of the result and byte `from` of the source on, `to_step` bytes of the
 * one stand for `from_step` bytes of the other, until the next row. Byte i of the result came from
 *   from + from_step * ceil((i - to) / to_step)
 * of the last row whose `to` is at most i: the source's byte for byte where both steps are 1, else a change's
 * beginning, and within a change its end (as ICU's Edits have it). A row whose to_step is 0 is text left out. */
typedef struct {
  int32_t to, from, to_step, from_step;
} hb_map_row;

/* Where hb_text_normalize stands between two calls; all 0 before the first. */
typedef struct {
  int64_t string; /* strings done */
  int64_t out;    /* bytes written, of all strings */
  int64_t rows;   /* rows written, of all strings */
} hb_normalized;

#define HB_SHORT_MAP (-5) /* the map's rows are full */

/* Index of the first of `count` strings, from `first` on, that hb_text_normalize would change or cannot be
 * sure about; `count` when it would change none. */
HB_EXPORT size_t hb_text_is_normal(const uint8_t *tables, int32_t form, const hb_string *strings, size_t first,
                                   size_t count);

/* Writes the strings' form to `out`, one after another, and offsets[count + 1]. What is not UTF-8 becomes
 * `replacement` (a code point), one for each maximal subpart, or is left out when it is 0. `rows` may be NULL;
 * else the map goes there, and its rows' beginnings to row_splits[count + 1]. The first `normal` strings are known
 * to be in the form, and copied.
 *
 * HB_SHORT_BUFFER, HB_SHORT_MAP: there is no more room in `out`, in `rows`. Call again with more of it, what is
 * written copied over and all else as it was, and it goes on. HB_BAD_ARGUMENT: a form, replacement or progress out of range, or a
 * string beyond HB_MAX_TEXT. */
HB_EXPORT int32_t hb_text_normalize(const uint8_t *tables, int32_t form, uint32_t replacement,
                                    const hb_string *strings, size_t count, size_t normal, uint8_t *out,
                                    size_t out_size, int64_t *offsets, hb_map_row *rows, size_t row_count,
                                    int64_t *row_splits, hb_normalized *progress);

/* Source offsets of offsets into results, in place: `rows` and row_splits[count + 1] as above, `splits` says
 * which offsets are whose. One below 0 becomes 0, one past a result's end its source's end (of which the last
 * row of each map, with steps 0, speaks). */
HB_EXPORT int32_t hb_text_source_offsets(const hb_map_row *rows, const int64_t *row_splits, const int64_t *splits,
                                         size_t count, int64_t *offsets);

#endif
