/* Pixels to JPEG: baseline, the standard's Huffman tables, and colour in full or at half the resolution both
 * ways. The arithmetic is libjpeg-turbo's (the accurate integer transform), so a picture becomes the same
 * coefficients that Pillow writes. Rows are encoded a row of units at a time; after a restart they need
 * nothing of those before, so that parts of a picture can be encoded side by side and put together.
 */
#include "jpeg.h"

#define BITS 13
#define PASS 2
#define UNIT_BYTES (6 * 420) /* most that a unit can become: 64 symbols of 26 bits a block, twice if all are 0xFF */
#define FLUSH_BYTES 16

typedef struct {
  int32_t width, halved;
  int32_t units, columns;     /* units a row; blocks of luma that hold picture */
  int32_t stride;
  int32_t last_dc[3];
  uint64_t bits;              /* the last `count` that are not yet bytes, from below */
  int32_t count;
  float reciprocals[2][64];   /* 1 / (8 * quantizer), in rows */
  float halves[2][64];        /* half of that divisor, and a half to stay clear of the edge */
  uint32_t dc[2][16], ac[2][256]; /* length << 16 | code of each symbol */
  uint8_t *planes[3];         /* 16 rows of luma and of colour in full */
  uint8_t *small[2];          /* 8 rows of colour at half the resolution */
} encoder;

#define STATE_BYTES ((sizeof(encoder) + 15) & ~(size_t)15)

static encoder *state_in(uint32_t *scratch) { return (encoder *)(((uintptr_t)scratch + 15) & ~(uintptr_t)15); }

static int is_target(int32_t width, int32_t quality, int32_t halved) {
  return width >= 1 && width <= JPEG_MAX_SIDE && quality >= 1 && quality <= 100 && (halved == 0 || halved == 1);
}

static int32_t units_in(int32_t width, int32_t halved) { return (width + 7 + 8 * halved) / (8 + 8 * halved); }

uint32_t hb_jpeg_encode_scratch(int32_t width, int32_t halved) {
  if (!is_target(width, 1, halved)) return 0;
  size_t stride = (size_t)units_in(width, halved) * (halved ? 16 : 8);
  return (uint32_t)((15 + STATE_BYTES + 16 * stride * 3 + 8 * stride + 3) / 4);
}

uint32_t hb_jpeg_encode_bound(int32_t width, int32_t halved) {
  return is_target(width, 1, halved) ? (uint32_t)units_in(width, halved) * UNIT_BYTES + FLUSH_BYTES : 0;
}

/* The quantizer of a quality, as libjpeg scales it. */
static int32_t quantizer(int32_t quality, int32_t table, int32_t place) {
  int32_t scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  return hb_max(1, hb_min(255, (jpeg_standard_quantizers[table][place] * scale + 50) / 100));
}

/* ---- the head ---- */

static uint8_t *put_bytes(uint8_t *out, const uint8_t *bytes, int32_t count) {
  for (int32_t i = 0; i < count; i++) *out++ = bytes[i];
  return out;
}

static uint8_t *put_word(uint8_t *out, int32_t value) {
  *out++ = (uint8_t)(value >> 8);
  *out++ = (uint8_t)value;
  return out;
}

static uint8_t *put_table(uint8_t *out, int32_t which, const uint8_t *table, int32_t bytes) {
  out = put_word(put_word(out, 0xFFC4), 3 + bytes);
  *out++ = (uint8_t)which;
  return put_bytes(out, table, bytes);
}

int32_t hb_jpeg_encode_head(int32_t width, int32_t height, int32_t quality, int32_t halved, int32_t restart,
                            uint8_t *out, uint32_t out_length) {
  static const uint8_t jfif[] = {0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0};
  static const uint8_t scan[] = {0xFF, 0xDA, 0, 12, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0};
  if (!is_target(width, quality, halved) || height < 1 || height > JPEG_MAX_SIDE || restart < 0 || restart > 65535)
    return HB_BAD_ARGUMENT;
  if (out_length < HB_JPEG_HEAD_BYTES) return HB_SHORT_BUFFER;
  uint8_t *at = put_bytes(out, jfif, sizeof jfif);
  for (int32_t table = 0; table < 2; table++) {
    at = put_word(put_word(at, 0xFFDB), 67);
    *at++ = (uint8_t)table;
    for (int32_t k = 0; k < 64; k++) *at++ = (uint8_t)quantizer(quality, table, k);
  }
  at = put_word(put_word(at, 0xFFC0), 17);
  *at++ = 8;
  at = put_word(put_word(at, height), width);
  const uint8_t frame[] = {3, 1, halved ? 0x22 : 0x11, 0, 2, 0x11, 1, 3, 0x11, 1};
  at = put_bytes(at, frame, sizeof frame);
  for (int32_t table = 0; table < 2; table++) {
    at = put_table(at, table, jpeg_standard_dc[table], 28);
    at = put_table(at, 0x10 | table, jpeg_standard_ac[table], 178);
  }
  if (restart > 0) at = put_word(put_word(put_word(at, 0xFFDD), 4), restart);
  return (int32_t)(put_bytes(at, scan, sizeof scan) - out);
}

/* ---- colour ---- */

static void to_planes(const encoder *e, const uint8_t *rgb, size_t row) {
  uint8_t *y = e->planes[0] + row, *cb = e->planes[1] + row, *cr = e->planes[2] + row;
  for (int32_t x = 0; x < e->width; x++, rgb += 3) { /* 16 bits of fraction */
    int32_t r = rgb[0], g = rgb[1], b = rgb[2];
    y[x] = (uint8_t)((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
    cb[x] = (uint8_t)((32768 * b - 11059 * r - 21709 * g + (128 << 16) + 32767) >> 16);
    cr[x] = (uint8_t)((32768 * r - 27439 * g - 5329 * b + (128 << 16) + 32767) >> 16);
  }
  for (int32_t x = e->width; x < e->stride; x++) /* past the edge: its last pixel */
    y[x] = y[e->width - 1], cb[x] = cb[e->width - 1], cr[x] = cr[e->width - 1];
}

static void copy_row(uint8_t *to, const uint8_t *from, int32_t count) {
  for (int32_t i = 0; i < count; i++) to[i] = from[i];
}

/* Mean of 2 x 2; halves are rounded down and up in turn. */
static void halve(const encoder *e, int32_t rows) {
  int32_t half = e->stride / 2, groups = (rows + 1) / 2;
  for (int32_t c = 0; c < 2; c++)
    for (int32_t row = 0; row < 8; row++) {
      uint8_t *to = e->small[c] + (size_t)row * (size_t)half;
      if (row >= groups) {
        copy_row(to, to - half, half);
        continue;
      }
      const uint8_t *above = e->planes[1 + c] + (size_t)(2 * row) * (size_t)e->stride, *below = above + e->stride;
      for (int32_t x = 0; x < half; x++)
        to[x] = (uint8_t)((above[2 * x] + above[2 * x + 1] + below[2 * x] + below[2 * x + 1] + 1 + (x & 1)) >> 2);
    }
}

/* ---- a block ---- */

static inline int32_t rounded(int32_t value, int bits) { return (value + (1 << (bits - 1))) >> bits; }

/* One way of the transform, of eight columns at a time (Loeffler, Ligtenberg, Moschytz); `drop` bits go. */
static inline __attribute__((always_inline)) void transform(const int32_t in[64], int32_t out[64], int first) {
  const int drop = first ? BITS - PASS : BITS + PASS;
  for (int c = 0; c < 8; c++) {
    int32_t s0 = in[c] + in[56 + c], d0 = in[c] - in[56 + c], s1 = in[8 + c] + in[48 + c], d1 = in[8 + c] - in[48 + c];
    int32_t s2 = in[16 + c] + in[40 + c], d2 = in[16 + c] - in[40 + c];
    int32_t s3 = in[24 + c] + in[32 + c], d3 = in[24 + c] - in[32 + c];
    int32_t even = s0 + s3, odd = s0 - s3, even1 = s1 + s2, odd1 = s1 - s2, z = (odd + odd1) * 4433;
    out[c] = first ? (even + even1) * (1 << PASS) : rounded(even + even1, PASS);
    out[32 + c] = first ? (even - even1) * (1 << PASS) : rounded(even - even1, PASS);
    out[16 + c] = rounded(z + odd * 6270, drop);
    out[48 + c] = rounded(z - odd1 * 15137, drop);
    int32_t z1 = (d3 + d0) * -7373, z2 = (d2 + d1) * -20995, z3 = d3 + d1, z4 = d2 + d0, z5 = (z3 + z4) * 9633;
    z3 = z5 - z3 * 16069;
    z4 = z5 - z4 * 3196;
    out[56 + c] = rounded(d3 * 2446 + z1 + z3, drop);
    out[40 + c] = rounded(d2 * 16819 + z2 + z4, drop);
    out[24 + c] = rounded(d1 * 25172 + z2 + z3, drop);
    out[8 + c] = rounded(d0 * 12299 + z1 + z4, drop);
  }
}

/* Samples to quantized coefficients, in rows. */
static void quantized(const encoder *e, int32_t table, const uint8_t *samples, int32_t stride, int32_t out[64]) {
  int32_t a[64], b[64];
  for (int y = 0; y < 8; y++)
    for (int x = 0; x < 8; x++) a[8 * x + y] = samples[(size_t)y * (size_t)stride + (size_t)x] - 128;
  transform(a, b, 1);
  for (int y = 0; y < 8; y++)
    for (int x = 0; x < 8; x++) a[8 * y + x] = b[8 * x + y];
  transform(a, b, 0);
  const float *reciprocals = e->reciprocals[table], *halves = e->halves[table];
  for (int k = 0; k < 64; k++) {
    /* (magnitude + divisor / 2) / divisor, rounded down. With another half added, the quotient is at least
     * 1 / 2 divisor away from a whole number, thousands of times the float's error, so truncating is exact. */
    int32_t magnitude = b[k] < 0 ? -b[k] : b[k];
    int32_t value = (int32_t)(((float)magnitude + halves[k]) * reciprocals[k]);
    out[k] = b[k] < 0 ? -value : value;
  }
}

static void put(encoder *e, uint8_t **out, uint32_t value, int32_t count) {
  e->bits = e->bits << count | value;
  e->count += count;
  if (e->count < 32) return;
  uint8_t *at = *out;
  e->count -= 32;
  uint32_t word = (uint32_t)(e->bits >> e->count);
  for (int shift = 24; shift >= 0; shift -= 8) {
    uint8_t byte = (uint8_t)(word >> shift);
    *at++ = byte;
    if (byte == 0xFF) *at++ = 0;
  }
  *out = at;
}

/* A symbol, and `size` bits of a value behind it (T.81, F.1.2.1). */
static void put_value(encoder *e, uint8_t **out, uint32_t code, int32_t value, int32_t size) {
  uint32_t bits = (uint32_t)(value < 0 ? value - 1 : value) & ((1u << size) - 1);
  put(e, out, (code & 0xFFFF) << size | bits, (int32_t)(code >> 16) + size);
}

static int32_t size_of(int32_t value) {
  return value == 0 ? 0 : 32 - __builtin_clz((uint32_t)(value < 0 ? -value : value));
}

static void put_block(encoder *e, int32_t component, const uint8_t *samples, int32_t stride, uint8_t **out) {
  int32_t table = component > 0, values[64], ordered[64];
  const uint32_t *codes = e->ac[table];
  quantized(e, table, samples, stride, values);
  int32_t difference = values[0] - e->last_dc[component], size = size_of(difference);
  e->last_dc[component] = values[0];
  put_value(e, out, e->dc[table][size], difference, size);
  uint64_t rest = 0; /* a bit for each place that is not zero */
  for (int k = 1; k < 64; k++) {
    ordered[k] = values[jpeg_zigzag[k]];
    rest |= (uint64_t)(ordered[k] != 0) << k;
  }
  int32_t before = 0;
  for (; rest != 0; rest &= rest - 1) {
    int32_t k = __builtin_ctzll(rest), run = k - before - 1;
    before = k;
    for (; run > 15; run -= 16) put(e, out, codes[0xF0] & 0xFFFF, (int32_t)(codes[0xF0] >> 16));
    int32_t value = hb_max(-1023, hb_min(1023, ordered[k])); /* what has a code; no sample can make more */
    size = size_of(value);
    put_value(e, out, codes[run << 4 | size], value, size);
  }
  if (before < 63) put(e, out, codes[0] & 0xFFFF, (int32_t)(codes[0] >> 16));
}

/* A block of luma beyond the picture, which only completes a unit: as the one before it, and flat. */
static void put_empty(encoder *e, uint8_t **out) {
  put(e, out, e->dc[0][0] & 0xFFFF, (int32_t)(e->dc[0][0] >> 16));
  put(e, out, e->ac[0][0] & 0xFFFF, (int32_t)(e->ac[0][0] >> 16));
}

/* ---- the door ---- */

static void fill_codes(uint32_t *codes, const uint8_t *table) {
  uint32_t code = 0, place = 16;
  for (uint32_t length = 1; length <= 16; length++, code <<= 1)
    for (uint32_t i = 0; i < table[length - 1]; i++) codes[table[place++]] = length << 16 | code++;
}

int32_t hb_jpeg_encode_start(int32_t width, int32_t quality, int32_t halved, uint32_t *scratch,
                             uint32_t scratch_length) {
  if (!is_target(width, quality, halved)) return HB_BAD_ARGUMENT;
  if (scratch_length < hb_jpeg_encode_scratch(width, halved)) return HB_SHORT_BUFFER;
  encoder *e = state_in(scratch);
  e->width = width;
  e->halved = halved;
  e->units = units_in(width, halved);
  e->columns = (width + 7) / 8;
  e->stride = e->units * (halved ? 16 : 8);
  e->bits = 0;
  e->count = 0;
  for (int c = 0; c < 3; c++) {
    e->last_dc[c] = 0;
    e->planes[c] = (uint8_t *)e + STATE_BYTES + (size_t)c * 16 * (size_t)e->stride;
  }
  for (int c = 0; c < 2; c++) e->small[c] = e->planes[2] + 16 * (size_t)e->stride + (size_t)c * 4 * (size_t)e->stride;
  for (int32_t table = 0; table < 2; table++) {
    fill_codes(e->dc[table], jpeg_standard_dc[table]);
    fill_codes(e->ac[table], jpeg_standard_ac[table]);
    for (int32_t k = 0; k < 64; k++) {
      int32_t divisor = 8 * quantizer(quality, table, k), place = jpeg_zigzag[k];
      e->reciprocals[table][place] = 1.0f / (float)divisor;
      e->halves[table][place] = (float)(divisor / 2) + 0.5f;
    }
  }
  return HB_OK;
}

int32_t hb_jpeg_encode_rows(uint32_t *scratch, const uint8_t *rgb, int32_t rows, uint8_t *out, uint32_t out_length) {
  encoder *e = state_in(scratch);
  int32_t high = e->halved ? 16 : 8;
  if (rows < 1 || rows > high) return HB_BAD_ARGUMENT;
  if (out_length < hb_jpeg_encode_bound(e->width, e->halved)) return HB_SHORT_BUFFER;
  size_t stride = (size_t)e->stride;
  for (int32_t row = 0; row < high; row++) {
    if (row < rows)
      to_planes(e, rgb + (size_t)row * (size_t)e->width * 3, (size_t)row * stride);
    else
      for (int c = 0; c < 3; c++)
        copy_row(e->planes[c] + (size_t)row * stride, e->planes[c] + (size_t)(row - 1) * stride, e->stride);
  }
  if (e->halved) halve(e, rows);
  uint8_t *at = out;
  for (int32_t unit = 0; unit < e->units; unit++) {
    for (int32_t k = 0; k < (e->halved ? 4 : 1); k++) {
      int32_t column = e->halved ? 2 * unit + k % 2 : unit, row = 8 * (k / 2);
      if (column < e->columns && row < rows)
        put_block(e, 0, e->planes[0] + (size_t)row * stride + (size_t)column * 8, e->stride, &at);
      else
        put_empty(e, &at);
    }
    for (int32_t c = 1; c < 3; c++)
      put_block(e, c, (e->halved ? e->small[c - 1] : e->planes[c]) + (size_t)unit * 8,
                e->halved ? e->stride / 2 : e->stride, &at);
  }
  return (int32_t)(at - out);
}

int32_t hb_jpeg_encode_end(uint32_t *scratch, uint8_t *out, uint32_t out_length) {
  encoder *e = state_in(scratch);
  if (out_length < FLUSH_BYTES) return HB_SHORT_BUFFER;
  uint8_t *at = out;
  int32_t fill = -e->count & 7; /* ones complete the last byte */
  put(e, &at, (1u << fill) - 1, fill);
  while (e->count > 0) {
    e->count -= 8;
    uint8_t byte = (uint8_t)(e->bits >> e->count);
    *at++ = byte;
    if (byte == 0xFF) *at++ = 0;
  }
  for (int c = 0; c < 3; c++) e->last_dc[c] = 0;
  return (int32_t)(at - out);
}
