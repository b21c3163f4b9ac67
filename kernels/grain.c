/* Film-like grain, the same pattern at every resolution.
 *
 * Grains sit on a square lattice that is fixed relative to the picture's long edge: every lattice point has
 * a near-Gaussian value hashed from its coordinates and the seed. A pixel's value is the lattice convolved
 * with a quadratic B-spline (smooth, no lattice visible) and averaged over the pixel's own area, so a small
 * render looks like a large one that was scaled down: the pattern stays, the amplitude falls. Both are one
 * weight per axis and lattice point: the difference of the B-spline's integral at the pixel's two edges.
 * At each place the weights are scaled to a unit sum of squares, which makes the variance the same
 * everywhere (an interpolated lattice's would pulse), and the fall of amplitude is applied as one factor.
 *
 * Where the picture is darkest and lightest there is none; mid-tones have the most.
 */
#include "homebody.h"
#include "processor.h"

#define UNIT_BITS 12 /* lattice coordinates are in 1/4096 of a cell */
#define UNIT (1 << UNIT_BITS)
#define MAX_PIXEL 8            /* a pixel wider than so many cells shows no grain */
#define MAX_TAPS 12            /* lattice points that one pixel may touch along an axis, MAX_PIXEL + 3, padded */
#define WEIGHT_BITS 14

/* The finaliser of MurmurHash3 (Austin Appleby, public domain). */
static uint32_t mix(uint32_t h) {
  h ^= h >> 16;
  h *= 0x85ebca6bu;
  h ^= h >> 13;
  h *= 0xc2b2ae35u;
  return h ^ (h >> 16);
}

/* The sum of the hash's four bytes less its mean: deviation 147.8, nearly Gaussian. */
static int16_t lattice_value(uint32_t column_key, uint32_t row_key) {
  uint32_t h = mix(column_key ^ row_key);
  return (int16_t)((int32_t)((h & 255) + (h >> 8 & 255) + (h >> 16 & 255) + (h >> 24)) - 510);
}

/* 12 * 4096^3 times the integral of the quadratic B-spline up to t, t in units. */
static int64_t spline_integral(int64_t t) {
  const int64_t half = UNIT / 2, cube = (int64_t)1 << 36;
  if (t <= -3 * half) return 0;
  if (t >= 3 * half) return 12 * cube;
  if (t < -half) return 2 * (t + 3 * half) * (t + 3 * half) * (t + 3 * half);
  if (t > half) return 12 * cube - 2 * (3 * half - t) * (3 * half - t) * (3 * half - t);
  return 6 * cube + 9 * t * ((int64_t)1 << 24) - 4 * t * t * t;
}

static uint64_t square_root(uint64_t value) {
  uint64_t root = 0;
  for (uint64_t bit = (uint64_t)1 << 31; bit > 0; bit >>= 1)
    if ((root | bit) * (root | bit) <= value) root |= bit;
  return root;
}

/* Weights, in 1/65536, of the lattice points first .. first + MAX_TAPS - 1 for a pixel from `low` to `high`;
 * returns first. Point j lies in the middle of cell j, and the spline about it reaches from j - 1 to j + 2. */
static int32_t raw_weights(int64_t low, int64_t high, int32_t raw[MAX_TAPS]) {
  int64_t first = low / UNIT - 1; /* low is positive: see place() */
  for (int i = 0; i < MAX_TAPS; i++) {
    int64_t middle = (first + i) * UNIT + UNIT / 2;
    raw[i] = (int32_t)((spline_integral(high - middle) - spline_integral(low - middle)) / 12 >> 20);
  }
  return (int32_t)first;
}

/* How many of them a pixel of this width may touch, in groups of four. */
static uint32_t taps_of(int64_t width) { return (uint32_t)((width + UNIT - 1) / UNIT + 3 + 3) / 4 * 4; }

static uint64_t sum_of_squares(const int32_t raw[MAX_TAPS]) {
  uint64_t sum = 0;
  for (int i = 0; i < MAX_TAPS; i++) sum += (uint64_t)((int64_t)raw[i] * raw[i]);
  return sum;
}

/* The lattice is shifted so that every coordinate a picture touches is positive. */
static int64_t place(int64_t pixel_edge, int64_t cells, int64_t long_edge) {
  return pixel_edge * cells * UNIT / long_edge + 4 * UNIT;
}

static int32_t unit_weights(int32_t pixel, int64_t cells, int64_t long_edge, uint32_t taps, int16_t *weights) {
  int32_t raw[MAX_TAPS];
  int32_t first = raw_weights(place(pixel, cells, long_edge), place((int64_t)pixel + 1, cells, long_edge), raw);
  int64_t norm = (int64_t)square_root(sum_of_squares(raw));
  for (uint32_t i = 0; i < taps; i++)
    weights[i] = (int16_t)(((int64_t)raw[i] * ((int64_t)1 << WEIGHT_BITS) + norm / 2) / norm);
  return first;
}

/* Cells along the long edge: a grain of size s is (25 + s) / 100000 of it. */
static int32_t cells_of(int32_t size) { return 100000 / (25 + size); }

/* How much of the amplitude pixels of this width leave, in 1/65536: the mean over 64 places of the weights'
 * sum of squares, per pixel width squared, against 11/20, the limit for a vanishing pixel. One axis gives
 * the variance's factor; two equal axes give its square, so this is the amplitude's. */
static uint32_t amplitude_left(int64_t width) {
  uint64_t sum = 0;
  for (int64_t i = 0; i < 64; i++) {
    int32_t raw[MAX_TAPS];
    int64_t low = 4 * UNIT + i * (UNIT / 64) + UNIT / 128;
    raw_weights(low, low + width, raw);
    sum += sum_of_squares(raw) >> 8;
  }
  /* sum / 64 / (65536^2 >> 8) / (width / UNIT)^2 / (11 / 20) * 65536 */
  uint64_t mean = sum / 64, area = (uint64_t)(width * width);
  uint64_t left = mean * UNIT / area * UNIT * 20 / 11 >> 8;
  return left < 65536 ? (uint32_t)left : 65536;
}

/* Lattice columns that `columns` pixels of width 1/4096 * `width` may touch. */
static uint32_t lattice_columns(int32_t columns, int64_t width) {
  return (uint32_t)(((int64_t)columns * (width + 1)) / UNIT) + MAX_TAPS + 8;
}

static int64_t pixel_width(int32_t size, int32_t full_height, int32_t full_width) {
  int64_t long_edge = hb_max(full_height, full_width);
  return ((int64_t)cells_of(size) * UNIT + long_edge - 1) / long_edge;
}

uint32_t hb_grain_scratch(int32_t columns, int32_t size, int32_t full_height, int32_t full_width) {
  if (size < 0 || size > 100 || !hb_window_inside(1, columns, 0, 0, full_height, full_width)) return 0;
  int64_t width = pixel_width(size, full_height, full_width);
  if (width > MAX_PIXEL * UNIT) return 1;
  uint32_t lattice = lattice_columns(columns, width);
  uint32_t taps = taps_of(width);
  /* A key, a blended value and `taps` hashed rows a lattice column; an index, a noise and weights a pixel. */
  uint32_t noise = (uint32_t)hb_max(columns, (int32_t)lattice);
  return lattice + (uint32_t)columns + noise + (lattice * (taps + 1) + (uint32_t)columns * taps) / 2 + 2;
}

static void copy_bytes(const uint8_t *from, size_t count, uint8_t *to) {
  if (from != to)
    for (size_t i = 0; i < count; i++) to[i] = from[i];
}

typedef struct {
  uint32_t taps, lattice;
  size_t columns;
  uint32_t *keys, *firsts;
  int16_t *rows, *blended, *weights;
  int32_t *noise;
  int32_t gain[256];
} work;

HB_INLINE void hash_row(const work *w, uint32_t row, uint32_t seed) {
  int16_t *values = w->rows + (size_t)(row % w->taps) * w->lattice;
  uint32_t row_key = mix(row ^ 0x9e3779b9u) + seed;
  for (uint32_t i = 0; i < w->lattice; i++) values[i] = lattice_value(w->keys[i], row_key);
}

/* Four lattice rows at a time into `blended`, which the first four start and the last four scale. */
HB_INLINE void blend_rows(const work *w, uint32_t first, const int16_t *down) {
  int32_t *sums = w->noise; /* as long as the lattice or longer: see hb_grain_scratch */
  for (uint32_t k = 0; k < w->taps; k += 4) {
    const int16_t *a = w->rows + (size_t)((first + k) % w->taps) * w->lattice,
                  *b = w->rows + (size_t)((first + k + 1) % w->taps) * w->lattice,
                  *c = w->rows + (size_t)((first + k + 2) % w->taps) * w->lattice,
                  *d = w->rows + (size_t)((first + k + 3) % w->taps) * w->lattice;
    const int32_t wa = down[k], wb = down[k + 1], wc = down[k + 2], wd = down[k + 3];
    for (uint32_t i = 0; i < w->lattice; i++) {
      int32_t sum = wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i];
      sums[i] = k == 0 ? sum : sums[i] + sum;
    }
  }
  for (uint32_t i = 0; i < w->lattice; i++) w->blended[i] = (int16_t)(sums[i] >> 10);
}

HB_INLINE void noise_row(const work *w, uint32_t taps) {
  for (size_t x = 0; x < w->columns; x++) {
    const int16_t *across = w->weights + x * taps, *values = w->blended + w->firsts[x];
    int32_t sum = 0;
    for (uint32_t k = 0; k < taps; k++) sum += across[k] * values[k];
    w->noise[x] = sum >> WEIGHT_BITS;
  }
}

HB_INLINE void add_noise(const work *w, const uint8_t *pixels, size_t channels, uint8_t *out) {
  for (size_t x = 0; x < w->columns; x++, pixels += channels, out += channels) {
    int32_t luma = hb_luma(pixels[0], pixels[1], pixels[2]);
    int32_t change = (w->noise[x] * w->gain[luma] + (1 << 19)) >> 20;
    for (size_t c = 0; c < 3; c++) out[c] = (uint8_t)hb_clamp_byte(pixels[c] + change);
    if (channels == 4) out[3] = pixels[3];
  }
}

typedef struct {
  int64_t cells, long_edge;
  int32_t top, height;
  uint32_t seed;
} place_and_seed;

HB_INLINE void grain_rows_inline(const work *w, place_and_seed at, const uint8_t *pixels, size_t channels,
                                 uint8_t *out) {
  int32_t hashed = 0; /* lattice rows below this one are in `rows`, each at its number % taps */
  for (int32_t y = 0; y < at.height; y++) {
    int16_t down[MAX_TAPS];
    int32_t first = unit_weights(at.top + y, at.cells, at.long_edge, w->taps, down);
    for (hashed = hb_max(hashed, first); hashed < first + (int32_t)w->taps; hashed++)
      hash_row(w, (uint32_t)hashed, at.seed);
    blend_rows(w, (uint32_t)first, down);
    if (w->taps == 4)
      noise_row(w, 4);
    else if (w->taps == 8)
      noise_row(w, 8);
    else
      noise_row(w, 12);
    if (channels == 3)
      add_noise(w, pixels, 3, out);
    else
      add_noise(w, pixels, 4, out);
    pixels += w->columns * channels, out += w->columns * channels;
  }
}

static void grain_rows(const work *w, place_and_seed at, const uint8_t *pixels, size_t channels, uint8_t *out) {
  grain_rows_inline(w, at, pixels, channels, out);
}

#if defined(HB_AVX2)
HB_AVX2 static void grain_rows_avx2(const work *w, place_and_seed at, const uint8_t *pixels, size_t channels,
                                    uint8_t *out) {
  grain_rows_inline(w, at, pixels, channels, out);
}
#endif

int32_t hb_grain(const uint8_t *pixels, int32_t height, int32_t width, int32_t channels, int32_t top,
                 int32_t left, int32_t full_height, int32_t full_width, int32_t amount, int32_t size,
                 uint32_t seed, uint8_t *out, uint32_t *scratch, uint32_t scratch_length) {
  if (!hb_window_inside(height, width, top, left, full_height, full_width) ||
      (channels != 3 && channels != 4) || amount < 0 || amount > 100 || size < 0 || size > 100)
    return HB_BAD_ARGUMENT;
  if (scratch_length < hb_grain_scratch(width, size, full_height, full_width)) return HB_SHORT_BUFFER;
  const place_and_seed at = {cells_of(size), hb_max(full_height, full_width), top, height, seed};
  const int64_t footprint = pixel_width(size, full_height, full_width);
  const size_t columns = (size_t)width;
  if (amount == 0 || footprint > MAX_PIXEL * UNIT) {
    copy_bytes(pixels, (size_t)height * columns * (size_t)channels, out);
    return HB_OK;
  }

  work w = {.taps = taps_of(footprint), .lattice = lattice_columns(width, footprint), .columns = columns};
  w.keys = scratch;
  w.firsts = w.keys + w.lattice;
  w.noise = (int32_t *)(w.firsts + columns);
  w.rows = (int16_t *)(w.noise + hb_max(width, (int32_t)w.lattice));
  w.blended = w.rows + (size_t)w.lattice * w.taps;
  w.weights = w.blended + w.lattice;

  /* A blended value has deviation 147.8 * 16; amount 100 is a tenth of the range, 25.5, in the mid-tones. */
  const int64_t peak = (int64_t)11300 * amount / 100 * amplitude_left(footprint) >> 16;
  for (int32_t v = 0; v < 256; v++) w.gain[v] = (int32_t)(peak * 4 * v * (255 - v) / (255 * 255));

  int32_t origin = 0;
  for (int32_t x = 0; x < width; x++) {
    int32_t first = unit_weights(left + x, at.cells, at.long_edge, w.taps, w.weights + (size_t)x * w.taps);
    if (x == 0) origin = first;
    w.firsts[x] = (uint32_t)(first - origin);
  }
  for (uint32_t i = 0; i < w.lattice; i++) w.keys[i] = mix((uint32_t)origin + i + mix(seed));
  HB_DISPATCH(grain_rows, &w, at, pixels, (size_t)channels, out);
  return HB_OK;
}
