/* Text split where a pattern matches: a program over characters, in time linear in the text. */
#ifndef HOMEBODY_TEXT_PATTERNS_H
#define HOMEBODY_TEXT_PATTERNS_H

#include "text_words.h"

#define HB_PATTERN_MOST 10000 /* instructions */

/* What an instruction does, and its two operands. */
enum {
  HB_PATTERN_MATCH,
  HB_PATTERN_SET,    /* a character of set x, then y */
  HB_PATTERN_FORK,   /* x, or if that fails y */
  HB_PATTERN_ASSERT, /* x (below) holds here, then y */
};

enum {
  HB_PATTERN_BEGIN,    /* of the text */
  HB_PATTERN_END,
  HB_PATTERN_LINE_BEGIN,
  HB_PATTERN_LINE_END,
  HB_PATTERN_BOUNDARY, /* of a word: ASCII letters, digits and _ */
  HB_PATTERN_INSIDE,   /* none of that */
  HB_PATTERN_ASSERTIONS,
};

typedef struct {
  int32_t does, x, y;
} hb_instruction;

/* Set i has the characters from ranges[2 k] to ranges[2 k + 1], for k from sets[i] to sets[i + 1] - 1, ascending. */
typedef struct {
  const hb_instruction *program; /* begins with the first */
  const uint32_t *ranges;
  const int32_t *sets;
  int32_t length, set_count;
} hb_pattern;

/* HB_OK when all operands are within the pattern. */
HB_EXPORT int32_t hb_pattern_check(const hb_pattern *pattern);

/* Number of uint64_t of working memory for both patterns. */
HB_EXPORT size_t hb_pattern_scratch(const hb_pattern *split, const hb_pattern *keep);

/* What stands between the matches of `split`, leftmost first and of these the preferred one; and, unless `keep` has no
 * instruction, the matches that `keep` matches whole. Nothing empty is written. Both patterns have been checked, and
 * `split` matches nothing empty. Arguments and results else as those of hb_split_space. */
HB_EXPORT int32_t hb_split_matches(const hb_pattern *split, const hb_pattern *keep, const hb_string *strings,
                                   size_t count, hb_progress *progress, int64_t *splits, int32_t *starts,
                                   int32_t *ends, size_t room, uint64_t *scratch, size_t scratch_length);

#endif
