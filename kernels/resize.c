/* Resizing with one rounding.
 *
 * Along an axis that shrinks from n to m, output i is the average of the source interval
 * [i n / m, (i + 1) n / m): a pixel's weight is its overlap, an integer in units of 1 / m, and the weights
 * sum to n. Along an axis that grows, output i is the linear interpolation at (i + 1/2) n / m - 1/2, the
 * edge repeated: the weights are integers in units of 1 / 2m. The two axes' integer sums are divided once,
 * at the end, and rounded to nearest (half up), so that no resize of these definitions is closer to the
 * exact value.
 *
 * Both kinds of weights are a first pixel, equal inner pixels, and a last one: `span`.
 */
#include "homebody.h"

typedef struct {
  uint32_t first;               /* index of the first source pixel */
  uint32_t head, inner, tail;   /* weights of the first, of each inner and of the last pixel */
  uint32_t inner_count;         /* inner pixels; the last one, when tail > 0, follows them */
} span;

typedef struct {
  uint32_t in, out, total; /* total: sum of the weights of every output */
} axis;

static axis axis_of(uint32_t in, uint32_t out) {
  return (axis){in, out, in >= out ? in : 2 * out};
}

/* Products stay below 2^32 since both sides are at most 65535; the enlarging ones are 64-bit. */
static span span_at(axis a, uint32_t i) {
  if (a.in >= a.out) {
    uint32_t low = i * a.in, high = low + a.in, first = low / a.out, last = (high - 1) / a.out;
    if (first == last) return (span){first, a.in, 0, 0, 0};
    return (span){first, (first + 1) * a.out - low, a.out, high - last * a.out, last - first - 1};
  }
  int64_t position = (int64_t)(2 * (uint64_t)i + 1) * a.in - a.out;
  if (position < 0) position = 0;
  uint32_t first = (uint32_t)((uint64_t)position / a.total), part = (uint32_t)((uint64_t)position % a.total);
  if (first + 1 >= a.in) return (span){a.in - 1, a.total, 0, 0, 0};
  return (span){first, a.total - part, 0, part, 0};
}

/* One past the last source pixel that the span reads. */
static uint32_t span_end(span s) { return s.first + 1 + s.inner_count + (s.tail > 0); }

/* So many rows of bytes sum to less than 2^16. */
#define ROWS_IN_U16 256

/* out[k] = head * first row + inner * sum of the inner rows + tail * last row, over `count` bytes. */
static void weigh_rows(const uint8_t *restrict rows, size_t stride, size_t count, span s,
                       uint16_t *restrict inner, uint32_t *restrict out) {
  const uint8_t *row = rows + s.first * stride;
  for (size_t k = 0; k < count; k++) out[k] = s.head * row[k];
  row += stride;
  for (uint32_t left = s.inner_count; left > 0;) {
    uint32_t some = left < ROWS_IN_U16 ? left : ROWS_IN_U16;
    left -= some;
    for (size_t k = 0; k < count; k++) inner[k] = 0;
    for (; some >= 4; some -= 4, row += 4 * stride) {
      const uint8_t *a = row, *b = a + stride, *c = b + stride, *d = c + stride;
      for (size_t k = 0; k < count; k++) inner[k] = (uint16_t)(inner[k] + a[k] + b[k] + c[k] + d[k]);
    }
    for (; some > 0; some--, row += stride)
      for (size_t k = 0; k < count; k++) inner[k] = (uint16_t)(inner[k] + row[k]);
    for (size_t k = 0; k < count; k++) out[k] += s.inner * inner[k];
  }
  if (s.tail > 0)
    for (size_t k = 0; k < count; k++) out[k] += s.tail * row[k];
}

/* One output row from weighted rows `sums`, whose first element belongs to source column `origin`. */
static void weigh_columns(const uint32_t *sums, uint32_t origin, axis across, uint32_t left, uint32_t columns,
                          uint64_t total, uint8_t *out) {
  for (uint32_t i = 0; i < columns; i++) {
    span s = span_at(across, left + i);
    const uint32_t *p = sums + (size_t)(s.first - origin) * 3;
    uint64_t r = (uint64_t)p[0] * s.head, g = (uint64_t)p[1] * s.head, b = (uint64_t)p[2] * s.head;
    uint64_t ri = 0, gi = 0, bi = 0;
    p += 3;
    for (uint32_t k = 0; k < s.inner_count; k++, p += 3) ri += p[0], gi += p[1], bi += p[2];
    r += ri * s.inner, g += gi * s.inner, b += bi * s.inner;
    if (s.tail > 0) r += (uint64_t)p[0] * s.tail, g += (uint64_t)p[1] * s.tail, b += (uint64_t)p[2] * s.tail;
    out[3 * i] = (uint8_t)((r + total / 2) / total);
    out[3 * i + 1] = (uint8_t)((g + total / 2) / total);
    out[3 * i + 2] = (uint8_t)((b + total / 2) / total);
  }
}

uint32_t hb_resize_scratch(int32_t columns) {
  /* 3 uint32_t sums and 3 uint16_t sums a column. */
  return columns < 1 || columns > HB_MAX_SIDE ? 0 : 5 * (uint32_t)columns + 16;
}

/* What is shared between the two entries: the geometry, and how one output row comes about. */
typedef struct {
  axis down, across;
  uint32_t left, columns, origin;
  size_t stride, count;
  const uint8_t *rgb;
  uint32_t *sums;
  uint16_t *inner;
} plan;

static int32_t make_plan(plan *p, const uint8_t *rgb, int32_t height, int32_t width, int32_t full_height,
                         int32_t full_width, int32_t top, int32_t left, int32_t out_height, int32_t out_width,
                         uint32_t *scratch, uint32_t scratch_length) {
  if (height < 1 || width < 1 || height > HB_MAX_SIDE || width > HB_MAX_SIDE ||
      !hb_window_inside(out_height, out_width, top, left, full_height, full_width))
    return HB_BAD_ARGUMENT;
  axis across = axis_of((uint32_t)width, (uint32_t)full_width);
  uint32_t origin = span_at(across, (uint32_t)left).first;
  uint32_t end = span_end(span_at(across, (uint32_t)(left + out_width - 1)));
  if (scratch_length < hb_resize_scratch((int32_t)(end - origin))) return HB_SHORT_BUFFER;
  size_t stride = (size_t)width * 3, count = (size_t)(end - origin) * 3;
  *p = (plan){axis_of((uint32_t)height, (uint32_t)full_height), across, (uint32_t)left, (uint32_t)out_width,
              origin, stride, count, rgb + (size_t)origin * 3, scratch, (uint16_t *)(scratch + count)};
  return HB_OK;
}

static void resize_row(const plan *p, uint32_t row, uint8_t *out) {
  weigh_rows(p->rgb, p->stride, p->count, span_at(p->down, row), p->inner, p->sums);
  weigh_columns(p->sums, p->origin, p->across, p->left, p->columns, (uint64_t)p->down.total * p->across.total,
                out);
}

int32_t hb_resize(const uint8_t *rgb, int32_t height, int32_t width, int32_t full_height, int32_t full_width,
                  int32_t top, int32_t left, int32_t out_height, int32_t out_width, uint8_t *out,
                  uint32_t *scratch, uint32_t scratch_length) {
  plan p;
  int32_t status = make_plan(&p, rgb, height, width, full_height, full_width, top, left, out_height, out_width,
                             scratch, scratch_length);
  if (status != HB_OK) return status;
  for (int32_t y = 0; y < out_height; y++)
    resize_row(&p, (uint32_t)(top + y), out + (size_t)y * (size_t)out_width * 3);
  return HB_OK;
}

static void fill_table(float table[3][256], const float mean[3], const float std[3]) {
  for (int c = 0; c < 3; c++)
    for (int v = 0; v < 256; v++) {
      float centred = (float)v - mean[c];
      table[c][v] = centred / std[c];
    }
}

static void normalize_row(const uint8_t *rgb, size_t pixels, int32_t bgr, float table[3][256], float *out) {
  size_t first = bgr ? 2 : 0, third = 2 - first;
  for (size_t i = 0; i < pixels; i++, rgb += 3, out += 3) {
    float a = table[0][rgb[first]], b = table[1][rgb[1]], c = table[2][rgb[third]];
    out[0] = a, out[1] = b, out[2] = c;
  }
}

int32_t hb_normalize(const uint8_t *rgb, uint32_t pixels, int32_t bgr, const float mean[3], const float std[3],
                     float *out) {
  float table[3][256];
  fill_table(table, mean, std);
  normalize_row(rgb, pixels, bgr, table, out);
  return HB_OK;
}

int32_t hb_resize_normalize(const uint8_t *rgb, int32_t height, int32_t width, int32_t full_height,
                            int32_t full_width, int32_t top, int32_t left, int32_t out_height,
                            int32_t out_width, int32_t bgr, const float mean[3], const float std[3], float *out,
                            uint32_t *scratch, uint32_t scratch_length) {
  plan p;
  int32_t status = make_plan(&p, rgb, height, width, full_height, full_width, top, left, out_height, out_width,
                             scratch, scratch_length);
  if (status != HB_OK) return status;
  float table[3][256];
  fill_table(table, mean, std);
  for (int32_t y = 0; y < out_height; y++) {
    /* The row's bytes wait in the last quarter of its floats: a pixel is read before it is overwritten. */
    float *target = out + (size_t)y * (size_t)out_width * 3;
    uint8_t *bytes = (uint8_t *)target + (size_t)out_width * 9;
    resize_row(&p, (uint32_t)(top + y), bytes);
    normalize_row(bytes, (size_t)out_width, bgr, table, target);
  }
  return HB_OK;
}
