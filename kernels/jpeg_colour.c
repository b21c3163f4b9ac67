/* Samples to pixels: colour spread to full resolution, then YCbCr to RGB (JFIF 1.02).
 *
 * Where a component has half the samples along a way, it is interpolated in triangles: three quarters of
 * the nearer sample and a quarter of the other, as libjpeg-turbo's "fancy" upsampling rounds them. Other
 * ratios, an eighth of the size, and pictures of one or two samples repeat samples.
 */
#include "jpeg.h"

static const uint8_t *row_of(const jpeg_component *c, int32_t row) {
  row = hb_max(0, hb_min(row, c->height - 1));
  return c->samples + (size_t)(row % c->ring) * (size_t)c->stride;
}

static void spread_across(const uint8_t *from, int32_t count, uint8_t *to) {
  to[0] = from[0];
  to[1] = (uint8_t)((3 * from[0] + from[1] + 2) >> 2);
  for (int32_t i = 1; i < count - 1; i++) {
    to[2 * i] = (uint8_t)((3 * from[i] + from[i - 1] + 1) >> 2);
    to[2 * i + 1] = (uint8_t)((3 * from[i] + from[i + 1] + 2) >> 2);
  }
  to[2 * count - 2] = (uint8_t)((3 * from[count - 1] + from[count - 2] + 1) >> 2);
  to[2 * count - 1] = from[count - 1];
}

static void spread_down(const uint8_t *near, const uint8_t *far, int32_t bias, int32_t count, uint8_t *to) {
  for (int32_t i = 0; i < count; i++) to[i] = (uint8_t)((3 * near[i] + far[i] + bias) >> 2);
}

static void spread_both(const uint8_t *near, const uint8_t *far, int32_t count, uint8_t *to) {
  int32_t here = 3 * near[0] + far[0], before = here;
  for (int32_t i = 0; i < count; i++) {
    int32_t after = i < count - 1 ? 3 * near[i + 1] + far[i + 1] : here;
    to[2 * i] = (uint8_t)((3 * here + before + 8) >> 4);
    to[2 * i + 1] = (uint8_t)((3 * here + after + 7) >> 4);
    before = here;
    here = after;
  }
}

/* A row of the component at the picture's resolution: where it lies already, or in c->line. */
static const uint8_t *full_row(const jpeg *j, const jpeg_component *c, int32_t row) {
  int fancy = j->scale < 8;
  const uint8_t *near = row_of(c, row / c->down);
  if (c->across == 1 && c->down == 1) return near;
  if (fancy && c->down == 2 && (c->across == 1 || (c->across == 2 && c->width > 2))) {
    int below = row & 1;
    const uint8_t *far = row_of(c, row / 2 + (below ? 1 : -1));
    if (c->across == 1)
      spread_down(near, far, below ? 2 : 1, c->width, c->line);
    else
      spread_both(near, far, c->width, c->line);
  } else if (fancy && c->down == 1 && c->across == 2 && c->width > 2) {
    spread_across(near, c->width, c->line);
  } else {
    uint8_t *to = c->line;
    for (int32_t i = 0; i < c->width; i++)
      for (int32_t k = 0; k < c->across; k++) *to++ = near[i];
  }
  return c->line;
}

static void convert(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, int32_t count, uint8_t *rgb) {
  for (int32_t i = 0; i < count; i++, rgb += 3) {
    int32_t blue = cb[i] - 128, red = cr[i] - 128; /* the constants have 16 bits of fraction */
    rgb[0] = (uint8_t)hb_clamp_byte(y[i] + ((91881 * red + 32768) >> 16));
    rgb[1] = (uint8_t)hb_clamp_byte(y[i] + ((32768 - 22554 * blue - 46802 * red) >> 16));
    rgb[2] = (uint8_t)hb_clamp_byte(y[i] + ((116130 * blue + 32768) >> 16));
  }
}

void jpeg_pixel_row(jpeg *j, int32_t row, uint8_t *rgb) {
  const uint8_t *rows[3];
  for (int32_t i = 0; i < j->count; i++) rows[i] = full_row(j, &j->component[i], row);
  if (j->count == 3 && !j->rgb) {
    convert(rows[0], rows[1], rows[2], j->out_width, rgb);
    return;
  }
  for (int32_t i = 0; i < j->out_width; i++)
    for (int32_t c = 0; c < 3; c++) *rgb++ = rows[j->count == 3 ? c : 0][i];
}
