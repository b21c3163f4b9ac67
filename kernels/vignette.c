/* Vignette: a smooth change of brightness towards the corners.
 *
 * With dx, dy the distance of a pixel's centre from the picture's, in half sides, the squared radius is
 * t = (dx^2 + dy^2) / 2: 0 in the centre, 1 in the corners, and the same at every resolution. The strength
 * at radius r = sqrt(t) is smoothstep((r - m) / (1 - m)), m the midpoint; it is tabulated over t at 1025
 * places and interpolated. Rounding uses a threshold that differs from pixel to pixel (a low-discrepancy
 * sequence, Roberts's R2), the same for the three channels, so that a flat sky shows no rings.
 */
#include "homebody.h"
#include "processor.h"

#define SEGMENTS 1024
#define RADIUS_BITS 24 /* t = 2^24 in the corners */
#define STEP_BITS 14   /* t of one segment */

static uint32_t square_root(uint64_t value) {
  uint64_t root = 0;
  for (uint64_t bit = (uint64_t)1 << 31; bit > 0; bit >>= 1)
    if ((root | bit) * (root | bit) <= value) root |= bit;
  return (uint32_t)root;
}

/* strength[i], 0 .. 65536, at t = i / SEGMENTS, scaled by amount of 100. */
static void fill_strength(int32_t strength[SEGMENTS + 2], uint32_t amount, uint32_t midpoint) {
  uint32_t inner = midpoint * 65536u / 100;
  for (uint32_t i = 0; i <= SEGMENTS; i++) {
    uint32_t radius = square_root((uint64_t)i << 22); /* sqrt(i / 1024) * 65536 */
    uint64_t x = radius <= inner ? 0 : ((uint64_t)(radius - inner) << 16) / (65536u - inner);
    uint64_t smooth = (x * x * (3 * 65536u - 2 * x)) >> 32;
    strength[i] = (int32_t)((smooth * amount + 50) / 100);
  }
  strength[SEGMENTS + 1] = strength[SEGMENTS];
}

/* (d / side)^2 / 2 in 24 bits, where d is twice the distance of a pixel's centre from the middle. */
static uint32_t squared_part(int32_t place, int32_t side) {
  int64_t d = 2 * (int64_t)place + 1 - side;
  return (uint32_t)(((uint64_t)(d * d) << (RADIUS_BITS - 1)) / ((uint64_t)side * (uint64_t)side));
}

#define TILE 256 /* columns at a time */

/* What every row of a tile shares. */
typedef struct {
  int32_t strength[SEGMENTS + 2];
  uint32_t across[TILE];
  int32_t target;
} shading;

HB_INLINE void shade(const shading *with, const uint8_t *pixels, size_t columns, size_t channels, uint32_t down,
                     uint32_t threshold, uint8_t *out) {
  for (size_t x = 0; x < columns; x++, pixels += channels, out += channels) {
    uint32_t t = down + with->across[x];
    int32_t part = (int32_t)(t & ((1u << STEP_BITS) - 1));
    const int32_t *place = with->strength + (t >> STEP_BITS);
    int32_t k = place[0] + (((place[1] - place[0]) * part) >> STEP_BITS);
    /* R2: multiples of 1 / p and 1 / p^2, p the plastic number, in 32 bits; down comes with `threshold`. */
    int32_t round = (int32_t)((threshold + (uint32_t)x * 3242174889u) >> 16);
    for (int c = 0; c < 3; c++) {
      int32_t value = pixels[c];
      out[c] = (uint8_t)((value * 65536 + (with->target - value) * k + round) >> 16);
    }
    if (channels == 4) out[3] = pixels[3];
  }
}

int32_t hb_vignette(const uint8_t *pixels, int32_t height, int32_t width, int32_t channels, int32_t top,
                    int32_t left, int32_t full_height, int32_t full_width, int32_t amount, int32_t midpoint,
                    uint8_t *out) {
  if (!hb_window_inside(height, width, top, left, full_height, full_width) ||
      (channels != 3 && channels != 4) || amount < -100 || amount > 100 || midpoint < 0 || midpoint > 100)
    return HB_BAD_ARGUMENT;
  shading with;
  /* A midpoint of 100 would leave no room to change in. */
  fill_strength(with.strength, (uint32_t)(amount < 0 ? -amount : amount), (uint32_t)hb_min(midpoint, 99));
  with.target = amount > 0 ? 255 : 0;

  const size_t stride = (size_t)width * (size_t)channels;
  for (int32_t first = 0; first < width; first += TILE) {
    int32_t columns = hb_min(width - first, TILE);
    for (int32_t x = 0; x < columns; x++) with.across[x] = squared_part(left + first + x, full_width);
    for (int32_t y = 0; y < height; y++) {
      size_t place = (size_t)y * stride + (size_t)first * (size_t)channels;
      uint32_t threshold = (uint32_t)(left + first) * 3242174889u + (uint32_t)(top + y) * 2447445414u;
      uint32_t down = squared_part(top + y, full_height);
      if (channels == 3)
        shade(&with, pixels + place, (size_t)columns, 3, down, threshold, out + place);
      else
        shade(&with, pixels + place, (size_t)columns, 4, down, threshold, out + place);
    }
  }
  return HB_OK;
}
