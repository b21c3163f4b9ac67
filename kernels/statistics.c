#include "homebody.h"

/* The sums stay below 2^53 for any picture within HB_MAX_SIDE, so JavaScript's numbers hold them too. */
int32_t hb_statistics(const uint8_t *rgb, int32_t height, int32_t width, uint32_t luma[256],
                      uint32_t chroma[256], int64_t sums[4], uint64_t grid[64]) {
  if (height < 1 || width < 1 || height > HB_MAX_SIDE || width > HB_MAX_SIDE) return HB_BAD_ARGUMENT;
  for (int i = 0; i < 256; i++) luma[i] = chroma[i] = 0;
  for (int i = 0; i < 4; i++) sums[i] = 0;
  for (int i = 0; i < 64; i++) grid[i] = 0;

  for (int32_t y = 0; y < height; y++) {
    uint64_t *cells = grid + (size_t)((uint32_t)y * 8u / (uint32_t)height) * 8;
    for (uint32_t cell = 0; cell < 8; cell++) {
      /* Columns x with x * 8 / width == cell. */
      uint32_t first = (cell * (uint32_t)width + 7) / 8, last = ((cell + 1) * (uint32_t)width + 7) / 8;
      uint64_t luma_sum = 0;
      for (uint32_t x = first; x < last; x++, rgb += 3) {
        int32_t r = rgb[0], g = rgb[1], b = rgb[2];
        int32_t value = hb_luma(r, g, b), rg = r - g, yb = r + g - 2 * b;
        luma[value]++;
        chroma[hb_max(r, hb_max(g, b)) - hb_min(r, hb_min(g, b))]++;
        luma_sum += (uint32_t)value;
        sums[0] += rg;
        sums[1] += rg * rg;
        sums[2] += yb;
        sums[3] += yb * yb;
      }
      cells[cell] += luma_sum;
    }
  }
  return HB_OK;
}
