/* Unsharp mask of the luma, with a radius relative to the picture's long edge.
 *
 * The luma is blurred by a tent, rows then columns, whose half width is a real number of pixels: at a
 * preview's size it shrinks to a pixel and the effect fades, as it would in a downsampled full render. The
 * difference between luma and blur, times the amount, is added to the three channels alike: no edge gets a
 * colour it had not. Differences of the size of noise are left alone, and large ones bent towards a limit (no
 * halos).
 */
#include "homebody.h"
#include "processor.h"

#define MAX_REACH 64   /* pixels that a tent reaches to each side */
#define WEIGHT_BITS 12 /* the weights of a tent sum to 4096 */
#define LUMA_BITS 7    /* lumas are 0 .. 255 * 128 */
#define CORE 256       /* differences up to 2 levels are noise and stay as they are */
#define KNEE 4096      /* a difference tends to 32 levels */

/* Half width of the tent in 1/256 pixel: radius / 40000 of the long edge. */
static uint32_t half_width(int32_t radius, int32_t long_edge) {
  uint32_t width = (uint32_t)radius * (uint32_t)long_edge / 40000u * 256u +
                   (uint32_t)radius * (uint32_t)long_edge % 40000u * 256u / 40000u;
  return width < MAX_REACH * 256u ? width : MAX_REACH * 256u;
}

static uint32_t reach_of(uint32_t half) { return half <= 256 ? 0 : (half - 1) / 256; }

/* weights[0 .. reach]; the tent is symmetric, and the centre takes what rounding leaves. */
static void fill_tent(uint16_t weights[MAX_REACH + 1], uint32_t half, uint32_t reach) {
  uint32_t total = half;
  for (uint32_t i = 1; i <= reach; i++) total += 2 * (half - 256 * i);
  uint32_t rest = 1u << WEIGHT_BITS;
  for (uint32_t i = 1; i <= reach; i++) {
    uint32_t weight = (((half - 256 * i) << WEIGHT_BITS) + total / 2) / total;
    weights[i] = (uint16_t)weight;
    rest -= 2 * weight;
  }
  weights[0] = (uint16_t)rest;
}

uint32_t hb_sharpen_scratch(int32_t width, int32_t radius, int32_t long_edge) {
  if (width < 1 || long_edge < width || long_edge > HB_MAX_SIDE || radius < 0 || radius > 100) return 0;
  uint32_t rows = 2 * reach_of(half_width(radius, long_edge)) + 1;
  /* A row of 32-bit sums; in 16 bits a ring of rows of luma, and one blurred row with its edges repeated. */
  return (uint32_t)width + (rows * (uint32_t)width + (uint32_t)width + 2 * MAX_REACH) / 2 + 1;
}

HB_INLINE void luma_row(const uint8_t *pixels, size_t width, size_t channels, uint16_t *restrict luma) {
  for (size_t x = 0; x < width; x++, pixels += channels)
    luma[x] = (uint16_t)((54u * pixels[0] + 183u * pixels[1] + 19u * pixels[2] + 1) >> 1);
}

HB_INLINE void weigh_one(const uint16_t *row, uint32_t weight, size_t width, uint32_t *restrict sums) {
  for (size_t x = 0; x < width; x++) sums[x] = weight * row[x];
}

HB_INLINE void weigh_two(const uint16_t *a, const uint16_t *b, uint32_t weight, size_t width,
                         uint32_t *restrict sums) {
  for (size_t x = 0; x < width; x++) sums[x] += weight * ((uint32_t)a[x] + b[x]);
}

typedef struct {
  uint32_t reach, rows;
  size_t width, channels;
  int32_t amount;
  uint16_t weights[MAX_REACH + 1];
  uint32_t *sums;
  uint16_t *ring, *blurred;
} work;

HB_INLINE uint16_t *ring_row(const work *w, int32_t y) { return w->ring + ((uint32_t)y % w->rows) * w->width; }

/* One row of the result. The ring holds the luma of the rows within reach; a row past an edge is the edge. */
HB_INLINE void sharpen_row_inline(const work *w, const uint8_t *pixels, int32_t y, int32_t height, size_t channels,
                                  uint8_t *out) {
  const size_t width = w->width;
  uint32_t *sums = w->sums;
  uint16_t *blurred = w->blurred;
  const uint16_t *centre = ring_row(w, y);
  const int32_t reach = (int32_t)w->reach, unit = 1 << (WEIGHT_BITS - 1);

  weigh_one(centre, w->weights[0], width, sums);
  for (int32_t i = 1; i <= reach; i++)
    weigh_two(ring_row(w, hb_max(y - i, 0)), ring_row(w, hb_min(y + i, height - 1)), w->weights[i], width, sums);
  for (size_t x = 0; x < width; x++) blurred[x] = (uint16_t)((sums[x] + (uint32_t)unit) >> WEIGHT_BITS);
  for (int32_t i = 1; i <= reach; i++) {
    blurred[-i] = blurred[0];
    blurred[(int32_t)width - 1 + i] = blurred[width - 1];
  }
  weigh_one(blurred, w->weights[0], width, sums);
  for (int32_t i = 1; i <= reach; i++) weigh_two(blurred - i, blurred + i, w->weights[i], width, sums);

  int32_t *changes = (int32_t *)sums;
  for (size_t x = 0; x < width; x++) {
    int32_t detail = (int32_t)centre[x] - (int32_t)((sums[x] + (uint32_t)unit) >> WEIGHT_BITS);
    int32_t size = hb_max((detail < 0 ? -detail : detail) - CORE, 0);
    size = hb_min(size * w->amount / 50, 2 * KNEE);
    size -= (size * size) >> 14; /* a parabola that is flat at 2 KNEE, where it reaches KNEE */
    changes[x] = ((detail < 0 ? -size : size) + (1 << (LUMA_BITS - 1))) >> LUMA_BITS;
  }
  for (size_t x = 0; x < width; x++, pixels += channels, out += channels) {
    for (size_t c = 0; c < 3; c++) out[c] = (uint8_t)hb_clamp_byte(pixels[c] + changes[x]);
    if (channels == 4) out[3] = pixels[3];
  }
}

HB_INLINE void sharpen_rows_inline(const work *w, const uint8_t *pixels, int32_t height, int32_t first_row,
                                   int32_t last_row, size_t channels, uint8_t *out) {
  const size_t stride = w->width * channels;
  int32_t ready = hb_max(first_row - (int32_t)w->reach, 0); /* the next row whose luma is to come in */
  for (int32_t y = first_row; y < last_row; y++) {
    for (; ready <= hb_min(y + (int32_t)w->reach, height - 1); ready++)
      luma_row(pixels + (size_t)ready * stride, w->width, channels, ring_row(w, ready));
    sharpen_row_inline(w, pixels + (size_t)y * stride, y, height, channels, out + (size_t)y * stride);
  }
}

static void sharpen_rows(const work *w, const uint8_t *pixels, int32_t height, int32_t first_row,
                         int32_t last_row, uint8_t *out) {
  if (w->channels == 3)
    sharpen_rows_inline(w, pixels, height, first_row, last_row, 3, out);
  else
    sharpen_rows_inline(w, pixels, height, first_row, last_row, 4, out);
}

#if defined(HB_AVX2)
HB_AVX2 static void sharpen_rows_avx2(const work *w, const uint8_t *pixels, int32_t height, int32_t first_row,
                                      int32_t last_row, uint8_t *out) {
  if (w->channels == 3)
    sharpen_rows_inline(w, pixels, height, first_row, last_row, 3, out);
  else
    sharpen_rows_inline(w, pixels, height, first_row, last_row, 4, out);
}
#endif

int32_t hb_sharpen(const uint8_t *pixels, int32_t height, int32_t width, int32_t channels, int32_t first_row,
                   int32_t last_row, int32_t long_edge, int32_t amount, int32_t radius, uint8_t *out,
                   uint32_t *scratch, uint32_t scratch_length) {
  if (height < 1 || height > HB_MAX_SIDE || width < 1 || long_edge < hb_max(height, width) ||
      long_edge > HB_MAX_SIDE || (channels != 3 && channels != 4) || first_row < 0 || last_row > height ||
      first_row >= last_row || amount < 0 || amount > 100 || radius < 0 || radius > 100)
    return HB_BAD_ARGUMENT;
  if (scratch_length < hb_sharpen_scratch(width, radius, long_edge)) return HB_SHORT_BUFFER;

  const uint32_t half = half_width(radius, long_edge), reach = reach_of(half);
  work w = {reach, 2 * reach + 1, (size_t)width, (size_t)channels, amount, {0}, scratch, NULL, NULL};
  fill_tent(w.weights, half > 256 ? half : 256, reach);
  w.ring = (uint16_t *)(scratch + width);
  w.blurred = w.ring + w.rows * w.width + MAX_REACH;
  HB_DISPATCH(sharpen_rows, &w, pixels, height, first_row, last_row, out);
  return HB_OK;
}
