/* Words: text split at white space, where the script changes, or into characters. */
#ifndef HOMEBODY_TEXT_WORDS_H
#define HOMEBODY_TEXT_WORDS_H

#include "text_classes.h"

/* How far a call came. All zero to begin; a call that ran out of room (HB_SHORT_BUFFER) goes on from here when it
 * is made again with the same strings and longer arrays that begin with what was written. */
typedef struct {
  size_t string, byte; /* the place in the text */
  size_t tokens;       /* written so far */
} hb_progress;

#define HB_SPLIT_KEEP_SPACE 1 /* hb_split_script: runs of white space are tokens too */
#define HB_SPLIT_TF_TEXT 2    /* as TF.Text 2.21 has it: see each function */

/* Each writes byte offsets of the tokens' beginnings and ends, `room` at most, and splits[count + 1]: string i has
 * the tokens splits[i] to splits[i + 1] - 1. `block` is a table of HB_CLASSES_SPACE or HB_CLASSES_SCRIPT. A string is
 * shorter than 2 GiB. */

/* Longest runs without white space. HB_SPLIT_TF_TEXT: what ends a token counts for it but for its last byte. */
HB_EXPORT int32_t hb_split_space(const uint8_t *block, size_t block_size, const hb_string *strings, size_t count,
                                 int32_t flags, hb_progress *progress, int64_t *splits, int32_t *starts,
                                 int32_t *ends, size_t room);

/* Longest runs of one script without white space. HB_SPLIT_TF_TEXT, unless HB_SPLIT_KEEP_SPACE: white space within a
 * run of its script (Common) does not end it. */
HB_EXPORT int32_t hb_split_script(const uint8_t *block, size_t block_size, const hb_string *strings, size_t count,
                                  int32_t flags, hb_progress *progress, int64_t *splits, int32_t *starts,
                                  int32_t *ends, size_t room);

/* Characters: their code points too. */
HB_EXPORT int32_t hb_split_characters(const hb_string *strings, size_t count, hb_progress *progress, int64_t *splits,
                                      int32_t *codes, int32_t *starts, int32_t *ends, size_t room);

/* Bytes that the tokens take together, or SIZE_MAX when one does not lie within its string. */
HB_EXPORT size_t hb_tokens_size(const hb_string *strings, size_t count, const int64_t *splits, const int32_t *starts,
                                const int32_t *ends);

/* Copies the tokens one after another to `data` [size] and writes offsets[tokens + 1]. After hb_tokens_size. */
HB_EXPORT int32_t hb_tokens_gather(const hb_string *strings, size_t count, const int64_t *splits,
                                   const int32_t *starts, const int32_t *ends, uint8_t *data, size_t size,
                                   int64_t *offsets);

#endif
