/* Labels of tokens: the best sequence under constraints, spans to tags and back, trees over tokens. */
#ifndef HOMEBODY_TEXT_LABELS_H
#define HOMEBODY_TEXT_LABELS_H

#include "text.h"

#define HB_MAX_STATES 32767

/* ---- text_sequences.c ---- */

typedef struct {
  const float *scores;    /* [steps][states], the steps of all sequences */
  const int64_t *first;   /* [count]: the step at which each sequence begins */
  const int64_t *splits;  /* [count + 1], from 0: each one's length, and where its labels go */
  const float *weights;   /* [n][n] from, to; n is states, with ends + 1: the last is start and end. NULL: none */
  const uint8_t *allowed; /* [n][n], likewise */
  size_t count;
  int64_t steps;
  int32_t states;
  int32_t ends;       /* 1: the weights and allowances of starting and ending are used */
  int32_t logarithms; /* 1: scores add up, else they are multiplied */
  int32_t reserved;
} hb_sequences;

/* Number of uint32_t of working memory that both need, or 0 when the arguments are out of range. */
HB_EXPORT size_t hb_sequences_scratch(const hb_sequences *sequences);

/* The states of each sequence whose scores and transitions come to the most, the later state where two are equal.
 * -1 throughout where no sequence is allowed; NaN and what is not above -FLT_MAX is never chosen. */
HB_EXPORT int32_t hb_viterbi(const hb_sequences *sequences, int32_t *labels, uint32_t *scratch, size_t length);

/* The best state of each step, given the one before; -1 from where none is allowed. */
HB_EXPORT int32_t hb_greedy(const hb_sequences *sequences, int32_t *labels, uint32_t *scratch, size_t length);

/* ---- text_boise.c: begin, outside, inside, singleton, end ---- */

enum { HB_BOISE_BEGIN, HB_BOISE_INSIDE, HB_BOISE_END, HB_BOISE_SINGLE };

typedef struct {
  const int32_t *starts, *ends; /* [splits[rows]] */
  const int64_t *splits;        /* [rows + 1], from 0 */
} hb_offsets;

/* For each token 4 * span + one of the letters above, or -1 outside of all. */
HB_EXPORT int32_t hb_boise_tags(const hb_offsets *tokens, const hb_offsets *spans, size_t rows, int32_t strict,
                                int64_t *tags);

/* The spans that tags tell: each one's first and last token and the token whose tag has its type, all counted over
 * all rows. `first`, `last` and `type` have room for as many as there are tags; out_splits[rows + 1]. */
HB_EXPORT int32_t hb_boise_spans(const hb_string *tags, const int64_t *splits, size_t rows, int64_t *first,
                                 int64_t *last, int64_t *type, int64_t *out_splits);

/* ---- text_tree.c ---- */

#define HB_MAX_NODES 32766

/* Number of uint64_t of working memory that hb_spanning_tree needs, or 0 when `nodes` is out of range. */
HB_EXPORT size_t hb_spanning_tree_scratch(int32_t nodes);

/* The maximum spanning tree of a directed graph, or, with `forest`, the trees that come to the most together.
 * scores[target * stride + source] is an arc's, scores[node * stride + node] that of a root; what is not finite is
 * not there. sources[node] becomes where the node's arc comes from, the node itself at a root. `narrow`: every
 * number is rounded to 32 bits. HB_BROKEN: there is no tree. */
HB_EXPORT int32_t hb_spanning_tree(const double *scores, size_t stride, int32_t nodes, int32_t forest, int32_t narrow,
                                   double *total, int32_t *sources, uint64_t *scratch, size_t length);

#endif
