/* Unsharp mask of the luma, with a radius relative to the picture's long edge.
 *
 * The luma is blurred by a tent, rows then columns, whose half width is a real number of pixels: at a
 * preview's size it shrinks to a pixel and the effect fades, as it would in a downsampled full render. The
 * difference between luma and blur, times the amount, is added to the three channels alike: no edge gets a
 * colour it had not. Large differences are bent towards a limit (no halos).
 */
#include "homebody.h"

#define MAX_REACH 64   /* pixels that a tent reaches to each side */
#define WEIGHT_BITS 12 /* the weights of a tent sum to 4096 */
#define LUMA_BITS 7    /* lumas are 0 .. 255 * 128 */
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
  /* A ring of rows of 16-bit luma, and one blurred row with its edges repeated on both sides. */
  return (rows * (uint32_t)width + (uint32_t)width + 2 * MAX_REACH) / 2 + 1;
}

static void luma_row(const uint8_t *pixels, int32_t width, int32_t channels, uint16_t *luma) {
  for (int32_t x = 0; x < width; x++, pixels += channels)
    luma[x] = (uint16_t)((54u * pixels[0] + 183u * pixels[1] + 19u * pixels[2] + 1) >> 1);
}

int32_t hb_sharpen(const uint8_t *pixels, int32_t height, int32_t width, int32_t channels, int32_t first_row,
                   int32_t last_row, int32_t long_edge, int32_t amount, int32_t radius, uint8_t *out,
                   uint32_t *scratch, uint32_t scratch_length) {
  if (height < 1 || height > HB_MAX_SIDE || width < 1 || long_edge < hb_max(height, width) ||
      long_edge > HB_MAX_SIDE || (channels != 3 && channels != 4) || first_row < 0 || last_row > height ||
      first_row >= last_row || amount < 0 || amount > 100 || radius < 0 || radius > 100)
    return HB_BAD_ARGUMENT;
  if (scratch_length < hb_sharpen_scratch(width, radius, long_edge)) return HB_SHORT_BUFFER;

  const uint32_t half = half_width(radius, long_edge), reach = reach_of(half), rows = 2 * reach + 1;
  const size_t stride = (size_t)width * (size_t)channels;
  uint16_t weights[MAX_REACH + 1];
  fill_tent(weights, half > 256 ? half : 256, reach);
  uint16_t *ring = (uint16_t *)scratch, *blurred = ring + (size_t)rows * (size_t)width + MAX_REACH;
  const int32_t span = (int32_t)reach, half_unit = 1 << (WEIGHT_BITS - 1);

  /* Row y's luma lies in the ring at y % rows; the next one to come in is `ready`. */
  int32_t ready = hb_max(first_row - span, 0);
  for (int32_t y = first_row; y < last_row; y++) {
    for (; ready <= hb_min(y + span, height - 1); ready++)
      luma_row(pixels + (size_t)ready * stride, width, channels, ring + ((uint32_t)ready % rows) * (size_t)width);
    const uint16_t *centre = ring + ((uint32_t)y % rows) * (size_t)width;
    for (int32_t x = 0; x < width; x++) {
      uint32_t sum = (uint32_t)weights[0] * centre[x];
      for (int32_t i = 1; i <= span; i++) {
        uint32_t above = (uint32_t)hb_max(y - i, 0), below = (uint32_t)hb_min(y + i, height - 1);
        sum += (uint32_t)weights[i] * ((uint32_t)ring[(above % rows) * (size_t)width + (size_t)x] +
                                       ring[(below % rows) * (size_t)width + (size_t)x]);
      }
      blurred[x] = (uint16_t)((sum + (uint32_t)half_unit) >> WEIGHT_BITS);
    }
    for (int32_t i = 1; i <= span; i++) {
      blurred[-i] = blurred[0];
      blurred[width - 1 + i] = blurred[width - 1];
    }
    const uint8_t *in_row = pixels + (size_t)y * stride;
    uint8_t *out_row = out + (size_t)y * stride;
    for (int32_t x = 0; x < width; x++, in_row += channels, out_row += channels) {
      uint32_t sum = (uint32_t)weights[0] * blurred[x];
      for (int32_t i = 1; i <= span; i++)
        sum += (uint32_t)weights[i] * ((uint32_t)blurred[x - i] + blurred[x + i]);
      int32_t detail = (int32_t)centre[x] - (int32_t)((sum + (uint32_t)half_unit) >> WEIGHT_BITS);
      int32_t size = hb_min((detail < 0 ? -detail : detail) * amount / 50, 2 * KNEE);
      size -= (size * size) >> 14; /* a parabola that is flat at 2 KNEE, where it reaches KNEE */
      int32_t change = ((detail < 0 ? -size : size) + (1 << (LUMA_BITS - 1))) >> LUMA_BITS;
      for (int c = 0; c < 3; c++) out_row[c] = (uint8_t)hb_clamp_byte(in_row[c] + change);
      if (channels == 4) out_row[3] = in_row[3];
    }
  }
  return HB_OK;
}
