/* The best sequence of states under constraints, by dynamic programming and greedily.
 *
 * Source: Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm", IEEE
 * Transactions on Information Theory 13 (1967). The order of the operations and what is rounded to 32 bits is that of
 * TF.Text, so that ties, which rounding makes, fall the same way. Scores that are multiplied are divided by the
 * largest after each step, in 64 bits.
 *
 * A transition that is not allowed has the weight NaN: what it gives is never at least anything. So constraints cost
 * nothing, and eight states are weighed at once.
 */
#include "processor.h"
#include "text_labels.h"

#define LANES 8
#define LOWEST (-3.40282346638528859812e+38f) /* -FLT_MAX */

typedef float floats __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t ints __attribute__((vector_size(4 * LANES), aligned(4)));
typedef double doubles __attribute__((vector_size(8 * LANES), aligned(8)));

typedef struct {
  double *before; /* [padded]: what led to each state; NaN where nothing did */
  float *weights; /* [states + 1][padded]: from, to; the last from the start */
  float *leave;   /* [padded]: to the end */
  float *score;   /* [padded]: of the step at hand, and working memory */
  int32_t *back;  /* [longest][padded]: the state before each */
  int32_t states, padded;
} tables;

static const float NONE = __builtin_nanf("");

static size_t padded_to_lanes(int32_t states) { return ((size_t)states + LANES - 1) / LANES * LANES; }

size_t hb_sequences_scratch(const hb_sequences *s) {
  if (s->states < 1 || s->states > HB_MAX_STATES || s->steps < 0 || s->splits[0] != 0) return 0;
  int64_t longest = 0;
  for (size_t i = 0; i < s->count; i++) {
    const int64_t steps = s->splits[i + 1] - s->splits[i];
    if (steps < 0 || s->first[i] < 0 || s->first[i] > s->steps || steps > s->steps - s->first[i]) return 0;
    if (steps > longest) longest = steps;
  }
  const size_t padded = padded_to_lanes(s->states);
  size_t back;
  if (__builtin_mul_overflow((size_t)longest, padded, &back)) return 0;
  const size_t fixed = padded * (2 + (size_t)s->states + 1 + 2);
  return back > SIZE_MAX / 8 - fixed ? 0 : fixed + back;
}

static tables open(const hb_sequences *s, uint32_t *scratch) {
  const size_t padded = padded_to_lanes(s->states), states = (size_t)s->states;
  tables t = {.states = s->states, .padded = (int32_t)padded};
  t.before = (double *)(void *)scratch;
  t.weights = (float *)(scratch + 2 * padded);
  t.leave = t.weights + (states + 1) * padded;
  t.score = t.leave + padded;
  t.back = (int32_t *)(t.score + padded);

  const size_t side = states + (s->ends ? 1 : 0);
  const float neutral = s->logarithms ? 0 : 1;
  for (size_t from = 0; from <= states; from++)
    for (size_t to = 0; to < padded; to++) {
      float weight = neutral;
      if (to >= states) {
        weight = NONE;
      } else if (from < side) {
        if (s->weights) weight = s->weights[from * side + to];
        if (s->allowed && !s->allowed[from * side + to]) weight = NONE;
      }
      t.weights[from * padded + to] = weight;
    }
  for (size_t from = 0; from < padded; from++) {
    float weight = from < states ? neutral : NONE;
    if (s->ends && from < states) {
      if (s->weights) weight = s->weights[from * side + states];
      if (s->allowed && !s->allowed[from * side + states]) weight = NONE;
    }
    t.leave[from] = weight;
    t.score[from] = 0;
  }
  return t;
}

HB_INLINE floats all(float value) {
  return (floats){value, value, value, value, value, value, value, value};
}

HB_INLINE ints whole(int32_t value) {
  return (ints){value, value, value, value, value, value, value, value};
}

HB_INLINE floats choose(ints mask, floats yes, floats no) {
  return (floats)((mask & (ints)yes) | (~mask & (ints)no));
}

/* before[] from a step's scores: divided by the largest, NaN where no state leads here. */
HB_INLINE void settle(const tables *t, const float *score, const int32_t *back, int32_t logarithms) {
  double largest = score[0];
  if (!logarithms)
    for (int32_t i = 1; i < t->states; i++)
      if (largest < (double)score[i]) largest = score[i];
  const double unit = !logarithms && largest > 0 ? largest : 1;
  for (int32_t i = 0; i < t->states; i++) t->before[i] = back[i] < 0 ? (double)NONE : (double)score[i] / unit;
}

HB_INLINE void start(const tables *t, const hb_sequences *s, const float *scores) {
  const size_t states = (size_t)s->states;
  for (size_t i = 0; i < states; i++) {
    t->back[i] = s->states;
    float score = scores[i];
    if (s->ends) {
      const float weight = t->weights[states * (size_t)t->padded + i];
      score = s->logarithms ? score + weight : score * weight;
      if (s->allowed && !s->allowed[states * (states + 1) + i]) {
        t->back[i] = -1;
        score = LOWEST;
      }
    }
    t->score[i] = score;
  }
  settle(t, t->score, t->back, s->logarithms);
}

/* One step: the best way to each state, `back` saying from where. */
HB_INLINE void advance(const tables *t, const float *scores, int32_t *back, int32_t logarithms) {
  const size_t padded = (size_t)t->padded;
  for (int32_t i = 0; i < t->states; i++) t->score[i] = scores[i];
  for (size_t at = 0; at < padded; at += LANES) {
    const floats score = *(const floats *)(t->score + at);
    const doubles precise = __builtin_convertvector(score, doubles);
    floats best = all(LOWEST);
    ints from = whole(-1);
    const float *weight = t->weights + at;
    for (int32_t state = 0; state < t->states; state++, weight += padded) {
      const double before = t->before[state];
      floats value;
      if (logarithms)
        value = score + all((float)before) + *(const floats *)weight;
      else
        value = __builtin_convertvector(precise * before, floats) * *(const floats *)weight;
      const ints better = value >= best;
      best = choose(better, value, best);
      from = (better & whole(state)) | (~better & from);
    }
    *(floats *)(t->score + at) = best;
    *(ints *)(back + at) = from;
  }
  settle(t, t->score, back, logarithms);
}

HB_INLINE void viterbi(const tables *t, const hb_sequences *s, const float *scores, int64_t steps, int32_t *labels) {
  const size_t states = (size_t)t->states, padded = (size_t)t->padded;
  start(t, s, scores);
  for (int64_t step = 1; step < steps; step++)
    advance(t, scores + (size_t)step * states, t->back + (size_t)step * padded, s->logarithms);
  int32_t state = -1;
  float best = LOWEST;
  for (int32_t last = 0; last < t->states; last++) {
    float value = (float)t->before[last];
    value = s->logarithms ? value + t->leave[last] : value * t->leave[last];
    if (value >= best) {
      state = last;
      best = value;
    }
  }
  for (int64_t step = steps - 1; step >= 0; step--) {
    labels[step] = state;
    if (state >= 0) state = t->back[(size_t)step * padded + (size_t)state];
  }
}

HB_INLINE int32_t best_state(const tables *t, const float *scores, const float *weights, int32_t logarithms,
                             int32_t last) {
  const size_t padded = (size_t)t->padded;
  for (int32_t i = 0; i < t->states; i++) t->score[i] = scores[i];
  floats best = all(LOWEST);
  ints place = whole(-1), here = {0, 1, 2, 3, 4, 5, 6, 7};
  for (size_t at = 0; at < padded; at += LANES, here += whole(LANES)) {
    floats value = *(const floats *)(t->score + at);
    const floats weight = *(const floats *)(weights + at), leave = *(const floats *)(t->leave + at);
    value = logarithms ? value + weight : value * weight;
    if (last) value = logarithms ? value + leave : value * leave;
    const ints better = value >= best;
    best = choose(better, value, best);
    place = (better & here) | (~better & place);
  }
  int32_t found = -1;
  float most = LOWEST;
  for (int lane = 0; lane < LANES; lane++) {
    const int32_t candidate = place[lane];
    if (candidate < 0) continue;
    if (found < 0 || best[lane] > most || (best[lane] == most && candidate > found)) {
      found = candidate;
      most = best[lane];
    }
  }
  return found;
}

HB_INLINE void greedy(const tables *t, const hb_sequences *s, const float *scores, int64_t steps, int32_t *labels) {
  const size_t states = (size_t)t->states, padded = (size_t)t->padded;
  int32_t state = s->states;
  for (int64_t step = 0; step < steps; step++) {
    if (state >= 0) {
      const float *weights = t->weights + (size_t)state * padded;
      const int32_t last = s->ends && step == steps - 1;
      state = best_state(t, scores + (size_t)step * states, weights, s->logarithms, last);
    }
    labels[step] = state;
  }
}

HB_INLINE void each(const hb_sequences *s, const tables *t, int32_t by_viterbi, int32_t *labels) {
  for (size_t i = 0; i < s->count; i++) {
    const int64_t steps = s->splits[i + 1] - s->splits[i];
    const float *scores = s->scores + (size_t)s->first[i] * (size_t)s->states;
    if (steps == 0) continue;
    if (by_viterbi)
      viterbi(t, s, scores, steps, labels + s->splits[i]);
    else
      greedy(t, s, scores, steps, labels + s->splits[i]);
  }
}

static void each_plain(const hb_sequences *s, const tables *t, int32_t by_viterbi, int32_t *labels) {
  each(s, t, by_viterbi, labels);
}

#if defined(HB_AVX2)
HB_AVX2 static void each_avx2(const hb_sequences *s, const tables *t, int32_t by_viterbi, int32_t *labels) {
  each(s, t, by_viterbi, labels);
}
#endif

static int32_t run(const hb_sequences *s, int32_t by_viterbi, int32_t *labels, uint32_t *scratch, size_t length) {
  const size_t needed = hb_sequences_scratch(s);
  if (needed == 0) return HB_BAD_ARGUMENT;
  if (length < needed) return HB_SHORT_BUFFER;
  const tables t = open(s, scratch);
#if defined(HB_AVX2)
  if (hb_has_avx2()) {
    each_avx2(s, &t, by_viterbi, labels);
    return HB_OK;
  }
#endif
  each_plain(s, &t, by_viterbi, labels);
  return HB_OK;
}

int32_t hb_viterbi(const hb_sequences *s, int32_t *labels, uint32_t *scratch, size_t length) {
  return run(s, 1, labels, scratch, length);
}

int32_t hb_greedy(const hb_sequences *s, int32_t *labels, uint32_t *scratch, size_t length) {
  return run(s, 0, labels, scratch, length);
}
