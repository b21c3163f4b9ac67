/* Resampling: `count` indices in proportion to weights.
 *
 * Systematic: one uniform, points (u + j) / count. Stratified: a uniform for each stratum. Residual: floor(count w)
 * copies of each, the rest multinomial. Multinomial: independent draws. All are unbiased: the expected number of
 * copies of i is count w[i]. Source: Douc, Cappe and Moulines, "Comparison of resampling schemes for particle
 * filtering", ISPA 2005.
 */
#ifndef HOMEBODY_FILTER_RESAMPLE_H
#define HOMEBODY_FILTER_RESAMPLE_H

#include "filter_vector.h"
#include "filters.h"

/* 53 bits in [0, 1), one after another. */
typedef struct {
  uint32_t seed, stream, tick, next;
  double uniform[2 * HB_LANES];
} hb_uniforms;

HB_INLINE double next_uniform(hb_uniforms *from) {
  uint32_t place = from->next % (2 * HB_LANES);
  if (place == 0) {
    vu c[4];
    draw(c, from->seed, from->stream, from->tick, from->next / (2 * HB_LANES), HB_DRAW_RESAMPLING);
    for (int lane = 0; lane < HB_LANES; lane++)
      for (int half = 0; half < 2; half++) {
        uint64_t bits = (uint64_t)c[2 * half][lane] << 32 | c[2 * half + 1][lane];
        from->uniform[2 * lane + half] = (double)(bits >> 11) * 0x1p-53;
      }
  }
  from->next++;
  return from->uniform[place];
}

/* The first index whose cumulative weight is above `point`. */
HB_INLINE int32_t find(const double *cumulative, int32_t count, double point) {
  int32_t low = 0, high = count - 1;
  while (low < high) {
    int32_t middle = (low + high) / 2;
    if (cumulative[middle] > point)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* Each particle writes its index where its copies begin; a running maximum fills the rest. No branch depends on
 * a weight, which is why this is quicker than walking both lists. */
HB_INLINE void systematic(const double *cumulative, int32_t count, double u, int32_t *indices) {
  for (int32_t j = 0; j < count; j++) indices[j] = 0;
  double scale = (double)count / cumulative[count - 1];
  int32_t begin = 0;
  for (int32_t i = 0; i < count; i++) {
    double edge = cumulative[i] * scale - u;
    edge = edge < (double)count ? edge : (double)count; /* NaN too: no weight may write out of bounds */
    if (begin < count) indices[begin] = i;
    begin = (int32_t)edge;
    begin += begin < edge; /* rounded up; -u is above -1, which becomes 0 */
  }
  int32_t largest = 0;
  for (int32_t j = 0; j < count; j++) {
    largest = hb_max(largest, indices[j]);
    indices[j] = largest;
  }
}

/* `weights` becomes their cumulative sum (of residual: of what is left over). */
HB_INLINE void resample(double *weights, int32_t count, int32_t scheme, hb_uniforms *from, int32_t *indices) {
  int32_t done = 0;
  if (scheme == HB_RESIDUAL) {
    double total = 0;
    for (int32_t i = 0; i < count; i++) total += weights[i];
    for (int32_t i = 0; i < count; i++) {
      double share = weights[i] / total * (double)count;
      share = share < (double)count ? share : (double)count;
      /* Rounding must not take a whole copy away: (1/3) 3 is 1. */
      int32_t copies = (int32_t)(share * (1 + 0x1p-50));
      weights[i] = share > (double)copies ? share - (double)copies : 0;
      for (int32_t k = 0; k < copies && done < count; k++) indices[done++] = i;
    }
  }
  double sum = 0;
  int32_t last = 0; /* no index beyond has any weight */
  for (int32_t i = 0; i < count; i++) {
    if (weights[i] > 0) last = i;
    sum += weights[i];
    weights[i] = sum;
  }
  if (scheme == HB_SYSTEMATIC) {
    systematic(weights, count, next_uniform(from), indices);
  } else if (scheme == HB_STRATIFIED) {
    for (int32_t j = 0, i = 0; j < count; j++) {
      double point = ((double)j + next_uniform(from)) / (double)count * sum;
      while (i < last && weights[i] <= point) i++;
      indices[j] = i;
    }
  } else {
    for (; done < count; done++) indices[done] = find(weights, last + 1, next_uniform(from) * sum);
  }
}

#endif
