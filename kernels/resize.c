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
#include "processor.h"

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

/* ---- down: weighted rows ---- */

#define ROWS_IN_U16 256 /* so many rows of bytes sum to less than 2^16 */
#define TILE 4096       /* bytes of a row at a time, so that the sums stay in the nearest cache */

/* sums[k] (+)= the sum of `rows` rows of bytes, 1 to 4. */
HB_INLINE void add_rows(const uint8_t *a, size_t stride, uint32_t rows, size_t count, int fresh,
                        uint16_t *restrict sums) {
  const uint8_t *b = a + stride, *c = b + stride, *d = c + stride;
#define ADD(expression)                                                                           \
  if (fresh)                                                                                      \
    for (size_t k = 0; k < count; k++) sums[k] = (uint16_t)(expression);                          \
  else                                                                                            \
    for (size_t k = 0; k < count; k++) sums[k] = (uint16_t)(sums[k] + (expression))
  if (rows == 4) {
    ADD(a[k] + b[k] + c[k] + d[k]);
  } else if (rows == 3) {
    ADD(a[k] + b[k] + c[k]);
  } else if (rows == 2) {
    ADD(a[k] + b[k]);
  } else {
    ADD(a[k]);
  }
#undef ADD
}

/* out[k] = head * first row + inner * sum of the inner rows + tail * last row, over `count` bytes. */
HB_INLINE void weigh_rows(const uint8_t *rows, size_t stride, size_t count, span s, uint16_t *restrict inner,
                          uint32_t *restrict out) {
  const uint8_t *first = rows + s.first * stride;
  /* A weight of zero has no row: read one that exists. */
  const uint8_t *last = s.tail > 0 ? first + (s.inner_count + 1) * stride : first;
  if (s.inner_count == 0) {
    for (size_t k = 0; k < count; k++) out[k] = s.head * first[k] + s.tail * last[k];
    return;
  }
  const uint8_t *row = first + stride;
  for (uint32_t done = 0; done < s.inner_count;) {
    uint32_t block = s.inner_count - done < ROWS_IN_U16 ? s.inner_count - done : ROWS_IN_U16;
    for (uint32_t i = 0; i < block; i += 4, row += 4 * stride)
      add_rows(row, stride, block - i < 4 ? block - i : 4, count, i == 0, inner);
    if (done == 0)
      for (size_t k = 0; k < count; k++) out[k] = s.head * first[k] + s.inner * inner[k] + s.tail * last[k];
    else
      for (size_t k = 0; k < count; k++) out[k] += s.inner * inner[k];
    done += block;
  }
}

/* ---- across: weighted columns, and the one division ---- */

/* Division by a number known early, exact: for n < 256 * by. The estimate is the quotient or one less. */
typedef struct {
  uint64_t by, reciprocal;
  uint32_t shift;
} divisor;

static divisor divide_by(uint64_t by) {
  divisor d = {by, 0, 0};
  while (by >> d.shift >= (uint64_t)1 << 24) d.shift++;
  d.reciprocal = ((uint64_t)1 << 40) / ((by >> d.shift) + (d.shift > 0));
  return d;
}

HB_INLINE uint8_t quotient(uint64_t n, divisor d) {
  uint64_t estimate = ((n >> d.shift) * d.reciprocal) >> 40;
  return (uint8_t)(estimate + (n - estimate * d.by >= d.by));
}

typedef uint32_t lanes __attribute__((vector_size(16)));

HB_INLINE lanes load_lanes(const uint32_t *from) {
  lanes value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

/* One output row from weighted rows `sums`, whose first element belongs to source column `origin`. `narrow`
 * says that inner sums fit 32 bits. The element after a pixel is read with it, and exists. */
HB_INLINE void weigh_columns(const uint32_t *sums, uint32_t origin, const span *spans, uint32_t columns,
                             int narrow, divisor total, uint8_t *out) {
  const uint64_t half = total.by / 2;
  for (uint32_t i = 0; i < columns; i++, out += 3) {
    span s = spans[i];
    const uint32_t *p = sums + (size_t)(s.first - origin) * 3, *last = p + 3 * ((size_t)s.inner_count + 1);
    if (s.tail == 0) last = p;
    uint64_t inner[3] = {0, 0, 0};
    if (narrow) {
      lanes sum = {0, 0, 0, 0};
      for (uint32_t k = 1; k <= s.inner_count; k++) sum += load_lanes(p + 3 * (size_t)k);
      inner[0] = sum[0], inner[1] = sum[1], inner[2] = sum[2];
    } else {
      for (uint32_t k = 1; k <= s.inner_count; k++)
        for (int c = 0; c < 3; c++) inner[c] += p[3 * (size_t)k + (size_t)c];
    }
    for (int c = 0; c < 3; c++)
      out[c] = quotient((uint64_t)p[c] * s.head + inner[c] * s.inner + (uint64_t)last[c] * s.tail + half, total);
  }
}

/* ---- the two together ---- */

uint32_t hb_resize_scratch(int32_t columns, int32_t out_columns) {
  if (columns < 1 || columns > HB_MAX_SIDE || out_columns < 1 || out_columns > HB_MAX_SIDE) return 0;
  /* A span an output column; 3 uint32_t sums a source column and one to read past; a tile of uint16_t. */
  return 5 * (uint32_t)out_columns + 3 * (uint32_t)columns + 4 + TILE / 2;
}

typedef struct {
  axis down, across;
  uint32_t columns, origin;
  size_t stride, count;
  int narrow;
  divisor total;
  const uint8_t *rgb;
  span *spans;
  uint32_t *sums;
  uint16_t *inner;
} plan;

static int32_t make_plan(plan *p, const uint8_t *rgb, int32_t height, int32_t width, int32_t full_height,
                         int32_t full_width, int32_t top, int32_t left, int32_t out_height, int32_t out_width,
                         uint32_t *scratch, uint32_t scratch_length) {
  if (height < 1 || width < 1 || height > HB_MAX_SIDE || width > HB_MAX_SIDE ||
      !hb_window_inside(out_height, out_width, top, left, full_height, full_width))
    return HB_BAD_ARGUMENT;
  if (scratch_length < hb_resize_scratch(width, out_width)) return HB_SHORT_BUFFER;
  p->down = axis_of((uint32_t)height, (uint32_t)full_height);
  p->across = axis_of((uint32_t)width, (uint32_t)full_width);
  p->columns = (uint32_t)out_width;
  p->spans = (span *)scratch;
  for (int32_t i = 0; i < out_width; i++) p->spans[i] = span_at(p->across, (uint32_t)(left + i));
  p->origin = p->spans[0].first;
  p->stride = (size_t)width * 3;
  p->count = (size_t)(span_end(p->spans[out_width - 1]) - p->origin) * 3;
  p->narrow = (uint64_t)255 * p->down.total * (p->across.in / p->across.out + 1) <= UINT32_MAX;
  p->total = divide_by((uint64_t)p->down.total * p->across.total);
  p->rgb = rgb + (size_t)p->origin * 3;
  p->sums = scratch + 5 * (size_t)out_width;
  p->sums[p->count] = 0;
  p->inner = (uint16_t *)(p->sums + p->count + 4);
  return HB_OK;
}

HB_INLINE void resize_row_inline(const plan *p, uint32_t row, uint8_t *out) {
  span s = span_at(p->down, row);
  for (size_t k = 0; k < p->count; k += TILE) {
    size_t count = p->count - k < TILE ? p->count - k : TILE;
    weigh_rows(p->rgb + k, p->stride, count, s, p->inner, p->sums + k);
  }
  weigh_columns(p->sums, p->origin, p->spans, p->columns, p->narrow, p->total, out);
}

static void resize_row(const plan *p, uint32_t row, uint8_t *out) { resize_row_inline(p, row, out); }

#if defined(HB_AVX2)
HB_AVX2 static void resize_row_avx2(const plan *p, uint32_t row, uint8_t *out) { resize_row_inline(p, row, out); }
#endif

int32_t hb_resize(const uint8_t *rgb, int32_t height, int32_t width, int32_t full_height, int32_t full_width,
                  int32_t top, int32_t left, int32_t out_height, int32_t out_width, uint8_t *out,
                  uint32_t *scratch, uint32_t scratch_length) {
  plan p;
  int32_t status = make_plan(&p, rgb, height, width, full_height, full_width, top, left, out_height, out_width,
                             scratch, scratch_length);
  if (status != HB_OK) return status;
  for (int32_t y = 0; y < out_height; y++)
    HB_DISPATCH(resize_row, &p, (uint32_t)(top + y), out + (size_t)y * (size_t)out_width * 3);
  return HB_OK;
}

/* ---- normalising ---- */

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
    HB_DISPATCH(resize_row, &p, (uint32_t)(top + y), bytes);
    normalize_row(bytes, (size_t)out_width, bgr, table, target);
  }
  return HB_OK;
}
