/* Characters joined to words as labels say. */
#ifndef HOMEBODY_TEXT_MERGE_H
#define HOMEBODY_TEXT_MERGE_H

#include "text_words.h"

#define HB_MERGE_FORCED_SPLIT 1 /* what follows white space begins a word, whatever its label */

/* The labels of string i are labels[rows[i]] to labels[rows[i + 1] - 1], one a character: 0 begins a word, others
 * join the character to the word before it. White space is in no word. There may be more labels than characters; with
 * fewer it is HB_BAD_ARGUMENT, and progress->string is the string.
 *
 * Arguments and results else as those of hb_split_space, `classes` of HB_CLASSES_SPACE. A word reaches from its first
 * character to its last; white space in between, without HB_MERGE_FORCED_SPLIT, has to be dropped from its bytes. */
HB_EXPORT int32_t hb_merge_characters(const uint8_t *classes, size_t classes_size, const hb_string *strings,
                                      size_t count, const int32_t *labels, const int64_t *rows, int32_t flags,
                                      hb_progress *progress, int64_t *splits, int32_t *starts, int32_t *ends,
                                      size_t room);

#endif
