/* Homebody's kernels: plain functions over buffers.
 *
 * Rules that hold for every function here:
 *   - Every value written is an exact function of the arguments, the same on every processor: integers,
 *     or floating-point operations that IEEE 754 rounds correctly (no contraction, no reassociation).
 *   - A path chosen for a processor (AVX2, NEON, WebAssembly SIMD) returns the bits of the scalar one.
 *   - No allocation, no global state, no libc. Working memory comes from the caller with its length.
 *   - Sides are 1 to HB_MAX_SIDE pixels. Anything out of range is refused with a status, not clamped.
 *   - Pixels are 8-bit, interleaved, rows packed: uint8_t[height][width][channels].
 */
#ifndef HOMEBODY_H
#define HOMEBODY_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define HB_EXPORT __declspec(dllexport)
#else
#define HB_EXPORT __attribute__((visibility("default")))
#endif

/* Raised whenever a signature or a result changes: homebody.kernels refuses another. */
#define HB_ABI_VERSION 2

#define HB_MAX_SIDE 65535

/* What a kernel returns. */
#define HB_OK 0
#define HB_BAD_ARGUMENT (-1) /* a side, count or parameter out of range */
#define HB_SHORT_BUFFER (-2) /* working memory shorter than the kernel needs */
#define HB_BROKEN (-3)       /* a file's data end early or contradict themselves */
#define HB_UNSUPPORTED (-4)  /* a file of a kind that is not decoded here */

HB_EXPORT int32_t hb_abi_version(void);

/* WebAssembly has no allocator of its own: the page asks for memory from here. Grows, never shrinks;
 * hb_reset makes all of it free again. Not exported by the native library. */
#if defined(__wasm__)
HB_EXPORT void *hb_alloc(uint32_t bytes);
HB_EXPORT void hb_reset(void);
#endif

/* ---- resize.c: area average when shrinking, linear when enlarging, one rounding at the end ---- */

/* Number of uint32_t of working memory that hb_resize needs, or 0 when a number is out of range. */
HB_EXPORT uint32_t hb_resize_scratch(int32_t width, int32_t out_width);

/* Resizes `rgb` [height][width][3] to full_height x full_width and writes the window of it that starts at
 * (top, left) and is out_height x out_width, to `out` [out_height][out_width][3]. */
HB_EXPORT int32_t hb_resize(const uint8_t *rgb, int32_t height, int32_t width, int32_t full_height,
                            int32_t full_width, int32_t top, int32_t left, int32_t out_height,
                            int32_t out_width, uint8_t *out, uint32_t *scratch, uint32_t scratch_length);

/* The same, then (value - mean[c]) / std[c] in float32, through a table per channel. `bgr` non-zero
 * writes blue first; mean and std are in the order written. */
HB_EXPORT int32_t hb_resize_normalize(const uint8_t *rgb, int32_t height, int32_t width,
                                      int32_t full_height, int32_t full_width, int32_t top, int32_t left,
                                      int32_t out_height, int32_t out_width, int32_t bgr,
                                      const float mean[3], const float std[3], float *out,
                                      uint32_t *scratch, uint32_t scratch_length);

/* (value - mean[c]) / std[c] over `pixels` RGB pixels. */
HB_EXPORT int32_t hb_normalize(const uint8_t *rgb, uint32_t pixels, int32_t bgr, const float mean[3],
                               const float std[3], float *out);

/* ---- lut.c: tetrahedral interpolation in a three-dimensional table ---- */

/* `lut` is int16_t[size][size][size][4], blue slowest, red fastest, fourth lane zero; 32640 is 255.
 * `size` is 17, 33 or 65. `channels` is 3 or 4; a fourth is copied. `out` may be `pixels`. */
HB_EXPORT int32_t hb_lut_apply(const uint8_t *pixels, uint32_t count, int32_t channels, const int16_t *lut,
                               int32_t size, uint8_t *out);

/* The same without any processor-specific path: what the tests hold the others to. */
HB_EXPORT int32_t hb_lut_apply_scalar(const uint8_t *pixels, uint32_t count, int32_t channels,
                                      const int16_t *lut, int32_t size, uint8_t *out);

/* ---- look.c: photographic adjustments as a colour table ---- */

#define HB_LOOK_PARAMETERS 174 /* their order is at the top of look.c */

/* Compiles `parameters` (float64[HB_LOOK_PARAMETERS]) to `lut`, laid out as hb_lut_apply reads it; `size` is
 * 2 to 65. Refuses values out of range, NaN, and curves that fold back. */
HB_EXPORT int32_t hb_look_lut(const double *parameters, int32_t count, int32_t size, int16_t *lut);

/* ---- grain.c, vignette.c, sharpen.c: finishing, the same at every resolution ---- */

/* Number of uint32_t of working memory that hb_grain needs, or 0 when the arguments are out of range. */
HB_EXPORT uint32_t hb_grain_scratch(int32_t columns, int32_t size, int32_t full_height, int32_t full_width);

/* Adds monochrome film-like grain. `pixels` [height][width][channels] is the window at (top, left) of an
 * image of full_height x full_width. amount and size are 0 to 100. `out` may be `pixels`. */
HB_EXPORT int32_t hb_grain(const uint8_t *pixels, int32_t height, int32_t width, int32_t channels,
                           int32_t top, int32_t left, int32_t full_height, int32_t full_width,
                           int32_t amount, int32_t size, uint32_t seed, uint8_t *out, uint32_t *scratch,
                           uint32_t scratch_length);

/* Darkens (amount < 0) or lightens (amount > 0) towards the corners, from `midpoint` per cent of the way
 * to them. amount is -100 to 100, midpoint 0 to 100. Windows as in hb_grain. */
HB_EXPORT int32_t hb_vignette(const uint8_t *pixels, int32_t height, int32_t width, int32_t channels,
                              int32_t top, int32_t left, int32_t full_height, int32_t full_width,
                              int32_t amount, int32_t midpoint, uint8_t *out);

/* Number of uint32_t of working memory that hb_sharpen needs, or 0 when the arguments are out of range. */
HB_EXPORT uint32_t hb_sharpen_scratch(int32_t width, int32_t radius, int32_t long_edge);

/* Unsharp mask of the luma. Reads all of `pixels` [height][width][channels], writes rows first_row to
 * last_row - 1 of `out`, which has the same shape and must not overlap `pixels`. amount and radius are
 * 0 to 100; the radius is relative to long_edge, the longer side of the full image. */
HB_EXPORT int32_t hb_sharpen(const uint8_t *pixels, int32_t height, int32_t width, int32_t channels,
                             int32_t first_row, int32_t last_row, int32_t long_edge, int32_t amount,
                             int32_t radius, uint8_t *out, uint32_t *scratch, uint32_t scratch_length);

/* ---- blend.c ---- */

/* (original * (100 - strength) + edited * strength + 50) / 100, over `count` bytes. */
HB_EXPORT int32_t hb_blend(const uint8_t *original, const uint8_t *edited, size_t count, int32_t strength,
                           uint8_t *out);

/* ---- statistics.c ---- */

/* Histograms of luma and chroma, {sum, sum of squares} of R - G and of R + G - 2 B, and the sum of luma in
 * each cell of an 8 x 8 grid over the picture. Everything is overwritten. */
HB_EXPORT int32_t hb_statistics(const uint8_t *rgb, int32_t height, int32_t width, uint32_t luma[256],
                                uint32_t chroma[256], int64_t sums[4], uint64_t grid[64]);

/* ---- jpeg.c: JPEG files to pixels, as libjpeg-turbo has them, bit for bit ----
 *
 * Baseline, extended and progressive Huffman files of 8 bits and 1 or 3 components; RGB, as the file holds
 * it: neither an orientation nor a profile is applied. What else there is (CMYK, arithmetic coding, lossless,
 * 12 bits, and progressive files whose last scans are missing) is HB_UNSUPPORTED. `scale` is 1, 2, 4 or 8:
 * what both sides are divided by, rounded up. */

/* Number of uint32_t of working memory for a file at a scale, or 0 when it cannot be decoded. */
HB_EXPORT uint32_t hb_jpeg_scratch(const uint8_t *data, size_t length, int32_t scale);

/* Reads up to the pixels; of a file with several scans, all of them. size[0..1]: the file's width and height,
 * size[2..3]: those of the rows to come. `data` and `scratch` have to stay
 * where and as they are until the last row. On a refusal the file's own size is there if it was found. */
HB_EXPORT int32_t hb_jpeg_start(const uint8_t *data, size_t length, int32_t scale, int32_t size[4],
                                uint32_t *scratch, uint32_t scratch_length);

/* The next `rows` rows into `rgb` [rows][width][3]. With the last one the rest of the file is read, and may
 * be HB_BROKEN. */
HB_EXPORT int32_t hb_jpeg_rows(uint32_t *scratch, int32_t rows, uint8_t *rgb);

/* ---- jpeg_encode.c: pixels to JPEG files, to the coefficients that libjpeg-turbo makes of them ----
 *
 * A file is a head, bands of rows with restart markers (0xFF, 0xD0 to 0xD7 in turn) between them, and the
 * end (0xFF, 0xD9). quality is 1 to 100; `halved` 1 keeps colour at half the resolution. */

#define HB_JPEG_HEAD_BYTES 640

/* Up to where the first band begins. `restart`: units (8 x 8 pixels, 16 x 16 halved) in a band, 0 when there
 * is one. Returns the bytes written, or a refusal. */
HB_EXPORT int32_t hb_jpeg_encode_head(int32_t width, int32_t height, int32_t quality, int32_t halved,
                                      int32_t restart, uint8_t *out, uint32_t out_length);

/* Number of uint32_t of working memory, and the most bytes that a call of hb_jpeg_encode_rows writes; 0 when
 * an argument is out of range. */
HB_EXPORT uint32_t hb_jpeg_encode_scratch(int32_t width, int32_t halved);
HB_EXPORT uint32_t hb_jpeg_encode_bound(int32_t width, int32_t halved);

HB_EXPORT int32_t hb_jpeg_encode_start(int32_t width, int32_t quality, int32_t halved, uint32_t *scratch,
                                       uint32_t scratch_length);

/* The next 8 rows (16 halved) of `rgb` [rows][width][3], fewer only at the picture's end; then the end of a
 * band. Both return the bytes written, or a refusal. After a band's end the next band can begin. */
HB_EXPORT int32_t hb_jpeg_encode_rows(uint32_t *scratch, const uint8_t *rgb, int32_t rows, uint8_t *out,
                                      uint32_t out_length);
HB_EXPORT int32_t hb_jpeg_encode_end(uint32_t *scratch, uint8_t *out, uint32_t out_length);

/* ---- channels.c: what an array of numbers spans and sums to, channel by channel ---- */

/* `values` is float[rows][channels]. Least, greatest and, in float64 and in the order of the rows, the sum of
 * each channel. A NaN or an infinity leaves its channel's sum NaN or infinite, and only then is the sum so;
 * a channel's `low` and `high` mean nothing when it holds a NaN. */
HB_EXPORT int32_t hb_channel_statistics(const float *values, size_t rows, size_t channels, float *low,
                                        float *high, double *sums);

/* ---- shared by the sources, not exported ---- */

/* Rec. 709 luma in 8 bits: the three weights sum to 256. */
static inline int32_t hb_luma(int32_t red, int32_t green, int32_t blue) {
  return (54 * red + 183 * green + 19 * blue + 128) >> 8;
}

static inline int32_t hb_clamp_byte(int32_t value) {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

static inline int32_t hb_max(int32_t a, int32_t b) { return a > b ? a : b; }
static inline int32_t hb_min(int32_t a, int32_t b) { return a < b ? a : b; }

/* True when (top, left, height, width) lies inside full_height x full_width and both are within bounds. */
static inline int hb_window_inside(int32_t height, int32_t width, int32_t top, int32_t left,
                                   int32_t full_height, int32_t full_width) {
  return height >= 1 && width >= 1 && top >= 0 && left >= 0 && full_height <= HB_MAX_SIDE &&
         full_width <= HB_MAX_SIDE && height <= full_height && width <= full_width &&
         top <= full_height - height && left <= full_width - width;
}

#endif
