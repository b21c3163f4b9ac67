/* Words as features: their shape, and the bits of their characters. */
#ifndef HOMEBODY_TEXT_WORDSHAPE_H
#define HOMEBODY_TEXT_WORDSHAPE_H

#include "text_unicode.h"

/* What can be asked about a string; homebody.text.WordShape says what each means. */
enum {
  HB_SHAPE_HAS_PUNCTUATION_DASH,
  HB_SHAPE_HAS_NO_DIGITS,
  HB_SHAPE_HAS_SOME_DIGITS,
  HB_SHAPE_HAS_ONLY_DIGITS,
  HB_SHAPE_IS_NUMERIC_VALUE,
  HB_SHAPE_HAS_NO_PUNCT_OR_SYMBOL,
  HB_SHAPE_HAS_SOME_PUNCT_OR_SYMBOL,
  HB_SHAPE_IS_PUNCT_OR_SYMBOL,
  HB_SHAPE_BEGINS_WITH_PUNCT_OR_SYMBOL,
  HB_SHAPE_ENDS_WITH_PUNCT_OR_SYMBOL,
  HB_SHAPE_ENDS_WITH_ELLIPSIS,
  HB_SHAPE_IS_EMOTICON,
  HB_SHAPE_ENDS_WITH_EMOTICON,
  HB_SHAPE_HAS_EMOJI,
  HB_SHAPE_IS_ACRONYM_WITH_PERIODS,
  HB_SHAPE_IS_UPPERCASE,
  HB_SHAPE_IS_LOWERCASE,
  HB_SHAPE_HAS_MIXED_CASE,
  HB_SHAPE_IS_MIXED_CASE_LETTERS,
  HB_SHAPE_HAS_TITLE_CASE,
  HB_SHAPE_BEGINS_WITH_OPEN_QUOTE,
  HB_SHAPE_ENDS_WITH_CLOSE_QUOTE,
  HB_SHAPE_HAS_MATH_SYMBOL,
  HB_SHAPE_HAS_CURRENCY_SYMBOL,
  HB_SHAPE_HAS_NON_LETTER,
  HB_SHAPES,
};

/* out[count][shape_count]: 1 where the string has the shape. What is not UTF-8 counts as U+FFFD. */
HB_EXPORT int32_t hb_text_wordshape(const uint8_t *tables, const hb_string *strings, size_t count,
                                    const int32_t *shapes, size_t shape_count, uint8_t *out);

/* out[count][characters][bits]: the lowest bits of each string's first code points, least first, as 0 and 1;
 * zeros after its end. What is not UTF-8 counts as `replacement`. */
HB_EXPORT int32_t hb_text_binarize(const hb_string *strings, size_t count, uint32_t characters, uint32_t bits,
                                   uint32_t replacement, float *out);

#endif
