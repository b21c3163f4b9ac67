/* What each channel of an array of numbers spans and sums to: one pass over memory instead of three.
 *
 * Additions are in float64 and in the order of the rows, each channel by itself, so lanes of a processor are
 * channels and the sums have the same bits everywhere.
 */
#include "homebody.h"
#include "processor.h"

HB_INLINE void scan(const float *restrict values, size_t rows, size_t channels,
                                  float *restrict low, float *restrict high, double *restrict sums) {
  for (size_t c = 0; c < channels; c++) {
    low[c] = high[c] = values[c];
    sums[c] = values[c];
  }
  size_t row = 1;
  values += channels;
  for (; row + 4 <= rows; row += 4, values += 4 * channels) {
    for (size_t c = 0; c < channels; c++) {
      float v0 = values[c], v1 = values[c + channels], v2 = values[c + 2 * channels],
            v3 = values[c + 3 * channels];
      float least = low[c], most = high[c];
      least = v0 < least ? v0 : least;
      least = v1 < least ? v1 : least;
      least = v2 < least ? v2 : least;
      low[c] = v3 < least ? v3 : least;
      most = v0 > most ? v0 : most;
      most = v1 > most ? v1 : most;
      most = v2 > most ? v2 : most;
      high[c] = v3 > most ? v3 : most;
      sums[c] = sums[c] + v0 + v1 + v2 + v3;
    }
  }
  for (; row < rows; row++, values += channels) {
    for (size_t c = 0; c < channels; c++) {
      float v = values[c];
      low[c] = v < low[c] ? v : low[c];
      high[c] = v > high[c] ? v : high[c];
      sums[c] += v;
    }
  }
}

static void channel_statistics(const float *values, size_t rows, size_t channels, float *low, float *high,
                              double *sums) {
  scan(values, rows, channels, low, high, sums);
}

#if defined(HB_AVX2)
HB_AVX2 static void channel_statistics_avx2(const float *values, size_t rows, size_t channels, float *low,
                                           float *high, double *sums) {
  scan(values, rows, channels, low, high, sums);
}
#endif

int32_t hb_channel_statistics(const float *values, size_t rows, size_t channels, float *low, float *high,
                              double *sums) {
  if (rows < 1 || channels < 1 || channels > PTRDIFF_MAX / sizeof(float) / rows) return HB_BAD_ARGUMENT;
  HB_DISPATCH(channel_statistics, values, rows, channels, low, high, sums);
  return HB_OK;
}
