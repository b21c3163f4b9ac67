/* Features of token sequences: n-grams as strings, tokens as numbers, longest common subsequences. */
#ifndef HOMEBODY_TEXT_FEATURES_H
#define HOMEBODY_TEXT_FEATURES_H

#include "text.h"

/* Bytes of all n-grams, SIZE_MAX when they are more than that or the splits descend. splits[rows + 1] is from 0;
 * `between` is the separator's size. */
HB_EXPORT size_t hb_ngrams_size(const hb_string *strings, const int64_t *splits, size_t rows, int64_t width,
                                size_t between);

/* Every `width` strings that follow each other in a row, joined: a row of n gives n - width + 1, or none. Writes
 * `size` bytes at most to `data`, offsets[n-grams + 1] of them, and out_splits[rows + 1]. */
HB_EXPORT int32_t hb_ngrams(const hb_string *strings, const int64_t *splits, size_t rows, int64_t width,
                            hb_string separator, uint8_t *data, size_t size, int64_t *offsets, int64_t *out_splits);

/* Numbers the different strings in the order in which they first come, from 0: ids[count]. `table` has `slots`
 * entries, a power of two that is at least 2 * count. The seed alone decides how long it takes. Returns how many
 * there are, -1 when the arguments are out of range. */
HB_EXPORT int64_t hb_strings_number(const hb_string *strings, size_t count, uint64_t seed, uint32_t *table,
                                    size_t slots, int32_t *ids);

/* Number of uint64_t of working memory that hb_lcs needs: for `kinds` different ids and rows of up to `longest`. */
HB_EXPORT size_t hb_lcs_scratch(int32_t kinds, int64_t longest);

/* The length of the longest common subsequence of each row of ids (0 to kinds - 1) with the same row of others;
 * both splits[rows + 1] are from 0, and no row of the others is longer than `longest`. */
HB_EXPORT int32_t hb_lcs(const int32_t *ids, const int64_t *splits, const int32_t *others, const int64_t *other_splits,
                         size_t rows, int32_t kinds, int64_t longest, int32_t *lengths, uint64_t *scratch,
                         size_t length);

#endif
