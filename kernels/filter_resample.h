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
  uint32_t words[4][HB_LANES];
} hb_uniforms;

HB_INLINE double next_uniform(hb_uniforms *from) {
  const uint32_t place = from->next % (2 * HB_LANES), lane = place / 2, half = place % 2 * 2;
  if (place == 0) {
    vu c[4];
    draw(c, from->seed, from->stream, from->tick, from->next / (2 * HB_LANES), HB_DRAW_RESAMPLING);
    __builtin_memcpy(from->words, c, sizeof c);
  }
  from->next++;
  const uint64_t bits = (uint64_t)from->words[half][lane] << 32 | from->words[half + 1][lane];
  return (double)(bits >> 11) * 0x1p-53;
}

/* Sums and maxima that run along a list run along its four parts side by side, since each step waits for the one
 * before; what came before a part is put in afterwards. */
#define HB_PARTS 4

/* The running sum of `weights`, in its place. */
HB_INLINE void accumulate(double *weights, int32_t count) {
  const int32_t length = count / HB_PARTS;
  double sum[HB_PARTS] = {0}, before = 0;
  for (int32_t i = 0; i < length; i++)
    for (int32_t part = 0; part < HB_PARTS; part++)
      weights[part * length + i] = sum[part] += weights[part * length + i];
  for (int32_t part = 1; part < HB_PARTS; part++) {
    before += sum[part - 1];
    for (int32_t i = 0; i < length; i++) weights[part * length + i] += before;
  }
  for (int32_t i = hb_max(1, HB_PARTS * length); i < count; i++) weights[i] += weights[i - 1];
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
 * a weight, which is why this is quicker than walking both lists. `begins` is int32_t[count]. */
HB_INLINE void systematic(const double *cumulative, int32_t count, double u, int32_t *begins, int32_t *indices) {
  const double scale = (double)count / cumulative[count - 1];
  begins[0] = 0;
  for (int32_t i = 0; i < count - 1; i++) {
    double edge = cumulative[i] * scale - u;
    edge = edge < (double)count ? edge : (double)count; /* NaN too: no weight may write out of bounds */
    const int32_t begin = (int32_t)edge;
    begins[i + 1] = begin + (begin < edge); /* rounded up; -u is above -1, which becomes 0 */
  }
  for (int32_t j = 0; j < count; j++) indices[j] = 0;
  for (int32_t i = 0; i < count; i++)
    if (begins[i] < count) indices[begins[i]] = i;
  const int32_t length = count / HB_PARTS;
  int32_t largest[HB_PARTS] = {0}, before = 0;
  for (int32_t j = 0; j < length; j++)
    for (int32_t part = 0; part < HB_PARTS; part++)
      indices[part * length + j] = largest[part] = hb_max(largest[part], indices[part * length + j]);
  for (int32_t part = 1; part < HB_PARTS; part++) {
    before = hb_max(before, largest[part - 1]);
    for (int32_t j = 0; j < length; j++) indices[part * length + j] = hb_max(before, indices[part * length + j]);
  }
  for (int32_t j = hb_max(1, HB_PARTS * length); j < count; j++) indices[j] = hb_max(indices[j - 1], indices[j]);
}

/* `weights` becomes their cumulative sum (of residual: of what is left over). `begins` is int32_t[count]. */
HB_INLINE void resample(double *weights, int32_t count, int32_t scheme, hb_uniforms *from, int32_t *begins,
                        int32_t *indices) {
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
  int32_t last = count - 1; /* no index beyond has any weight */
  while (last > 0 && !(weights[last] > 0)) last--;
  accumulate(weights, count);
  const double sum = weights[count - 1];
  if (scheme == HB_SYSTEMATIC) {
    systematic(weights, count, next_uniform(from), begins, indices);
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
