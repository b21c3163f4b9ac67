/* Tetrahedral interpolation in a three-dimensional colour table.
 *
 * A cell of the grid is cut into six tetrahedra along its grey diagonal (Sakamoto and Itooka, US patent
 * 4,275,413, 1981; now the field's standard). With the three fractions sorted, high >= middle >= low, the
 * value is
 *     (1 - high) v0 + (high - middle) v1 + (middle - low) v2 + low v3
 * where v0 is the cell's low corner, and each next vertex steps along the axis of the next fraction. Equal
 * fractions need no rule: the vertex they disagree on has weight zero.
 *
 * Fixed point: a byte v becomes x = 65793 v, which is v / 255 in 24 bits, short of 2^24 by one at 255. The table
 * has 2^k cells a side, so x's upper bits are the cell, always one that exists, and the rest the fraction,
 * rounded to 14 bits, where 255 does reach the cell's end: the four weights sum to 16384. Nodes are 0 to
 * 32640 = 255 * 128, so weights
 * and nodes are both 16-bit, products sum in 32 bits, and one rounding shift by 21 gives the byte. The
 * identity table is exactly the identity.
 */
#include "homebody.h"
#include "processor.h"

#if defined(__wasm_simd128__)
#include <wasm_simd128.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

#define ONE 16384 /* the sum of the weights */

typedef struct {
  int32_t cell[256];     /* 0 .. 2^k - 1 */
  int32_t fraction[256]; /* 0 .. ONE */
} split_table;

/* k of a grid of 2^k + 1 nodes a side that is supported, or 0. */
static int cell_bits(int32_t size) { return size == 17 ? 4 : size == 33 ? 5 : size == 65 ? 6 : 0; }

static void fill_split(split_table *table, int bits) {
  for (int32_t v = 0; v < 256; v++) {
    int32_t x = v * 65793, shift = 24 - bits;
    int32_t cell = x >> shift;
    table->cell[v] = cell;
    table->fraction[v] = (x - (cell << shift) + (1 << (shift - 15))) >> (shift - 14);
  }
}

/* The four vertices of a pixel's tetrahedron are v0, v0 + first, v0 + second and v0 + diagonal, counted in
 * nodes; their weights sum to ONE. */
typedef struct {
  int32_t v0, first, second;
  int32_t weights[4];
} tetrahedron;

HB_INLINE tetrahedron locate(const split_table *split, int32_t size, int32_t r, int32_t g, int32_t b) {
  /* Fraction above, the axis's stride below: sorting the keys sorts both. A stride is under 2^13. */
  int32_t kr = split->fraction[r] << 13 | 1, kg = split->fraction[g] << 13 | size,
          kb = split->fraction[b] << 13 | size * size;
  int32_t upper = hb_max(kr, kg), lower = hb_min(kr, kg);
  int32_t high = hb_max(upper, kb), rest = hb_min(upper, kb);
  int32_t middle = hb_max(rest, lower), low = hb_min(rest, lower);
  int32_t first = high & 8191;
  return (tetrahedron){split->cell[r] + (split->cell[g] + split->cell[b] * size) * size,
                       first,
                       first + (middle & 8191),
                       {ONE - (high >> 13), (high >> 13) - (middle >> 13), (middle >> 13) - (low >> 13),
                        low >> 13}};
}

static void apply_scalar(const uint8_t *pixels, size_t count, size_t channels, const int16_t *lut, int32_t size,
                         uint8_t *out) {
  split_table split;
  fill_split(&split, cell_bits(size));
  const int32_t diagonal = 1 + size + size * size;
  for (size_t i = 0; i < count; i++, pixels += channels, out += channels) {
    tetrahedron at = locate(&split, size, pixels[0], pixels[1], pixels[2]);
    const int16_t *v0 = lut + (size_t)at.v0 * 4, *v1 = v0 + (size_t)at.first * 4,
                  *v2 = v0 + (size_t)at.second * 4, *v3 = v0 + (size_t)diagonal * 4;
    for (int c = 0; c < 3; c++) {
      int32_t sum = v0[c] * at.weights[0] + v1[c] * at.weights[1] + v2[c] * at.weights[2] +
                    v3[c] * at.weights[3];
      out[c] = (uint8_t)((sum + (1 << 20)) >> 21);
    }
    if (channels == 4) out[3] = pixels[3];
  }
}

#if defined(HB_AVX2)

#define VECTOR_PIXELS 8

/* Red, green, blue and nothing of one pixel as 32-bit sums. A node is read as its four lanes; interleaving
 * two nodes lets one multiply-add take both. */
HB_AVX2 HB_INLINE __m128i weigh(const int16_t *lut, size_t diagonal, uint32_t v0, uint32_t v1, uint32_t v2,
                                int32_t pair01, int32_t pair23) {
  const int16_t *node = lut + (size_t)v0 * 4;
  __m128i a = _mm_loadl_epi64((const __m128i *)node);
  __m128i b = _mm_loadl_epi64((const __m128i *)(lut + (size_t)v1 * 4));
  __m128i c = _mm_loadl_epi64((const __m128i *)(lut + (size_t)v2 * 4));
  __m128i d = _mm_loadl_epi64((const __m128i *)(node + diagonal * 4));
  __m128i low = _mm_madd_epi16(_mm_unpacklo_epi16(a, b), _mm_set1_epi32(pair01));
  __m128i high = _mm_madd_epi16(_mm_unpacklo_epi16(c, d), _mm_set1_epi32(pair23));
  return _mm_add_epi32(low, high);
}

/* A channel's sorting key: its fraction above, its stride below. */
HB_AVX2 HB_INLINE __m256i sort_key(__m256i x, __m256i cell, int bits, int32_t stride) {
  __m256i inside = _mm256_sub_epi32(x, _mm256_slli_epi32(cell, 24 - bits));
  __m256i fraction = _mm256_srli_epi32(_mm256_add_epi32(inside, _mm256_set1_epi32(1 << (9 - bits))), 10 - bits);
  return _mm256_or_si256(_mm256_slli_epi32(fraction, 13), _mm256_set1_epi32(stride));
}

/* Applies the table to whole groups of eight pixels; returns how many pixels that were. */
HB_AVX2 HB_INLINE size_t apply_groups(const uint8_t *pixels, size_t count, size_t channels, const int16_t *lut,
                                      int bits, uint8_t *out) {
  const int32_t size = (1 << bits) + 1, diagonal = 1 + size + size * size;
  /* Byte c of pixel j, three times: v * 65793 without a multiplication. Three channels: the upper half is
   * loaded eight bytes in, so that nothing past the eighth pixel is read. */
  __m256i spread[3];
  for (int c = 0; c < 3; c++) {
    int8_t index[32];
    for (int j = 0; j < 8; j++) {
      int8_t place = (int8_t)(channels == 4 ? 4 * (j & 3) + c : 3 * (j & 3) + c + (j >= 4 ? 4 : 0));
      index[4 * j] = index[4 * j + 1] = index[4 * j + 2] = place;
      index[4 * j + 3] = -1;
    }
    spread[c] = _mm256_loadu_si256((const __m256i *)index);
  }
  const __m128i alpha = _mm_set1_epi32((int32_t)0xff000000);
  const __m128i drop_fourth = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
  const __m128i half = _mm_set1_epi32(1 << 20);
  const size_t groups = count / VECTOR_PIXELS;

  for (size_t group = 0; group < groups; group++) {
    __m128i front = _mm_loadu_si128((const __m128i *)pixels);
    __m128i back = _mm_loadu_si128((const __m128i *)(pixels + (channels == 4 ? 16 : 8)));
    __m256i bytes = _mm256_inserti128_si256(_mm256_castsi128_si256(front), back, 1);
    __m256i x[3], cell[3], key[3];
    for (int c = 0; c < 3; c++) {
      x[c] = _mm256_shuffle_epi8(bytes, spread[c]);
      cell[c] = _mm256_srli_epi32(x[c], 24 - bits);
    }
    key[0] = sort_key(x[0], cell[0], bits, 1);
    key[1] = sort_key(x[1], cell[1], bits, size);
    key[2] = sort_key(x[2], cell[2], bits, size * size);
    /* (blue * size + green) * size + red, size = 2^bits + 1. */
    __m256i v0 = _mm256_add_epi32(_mm256_add_epi32(_mm256_slli_epi32(cell[2], bits), cell[2]), cell[1]);
    v0 = _mm256_add_epi32(_mm256_add_epi32(_mm256_slli_epi32(v0, bits), v0), cell[0]);

    __m256i upper = _mm256_max_epi32(key[0], key[1]), lower = _mm256_min_epi32(key[0], key[1]);
    __m256i high = _mm256_max_epi32(upper, key[2]), rest = _mm256_min_epi32(upper, key[2]);
    __m256i middle = _mm256_max_epi32(rest, lower), low = _mm256_min_epi32(rest, lower);
    const __m256i stride = _mm256_set1_epi32(8191);
    __m256i v1 = _mm256_add_epi32(v0, _mm256_and_si256(high, stride));
    __m256i v2 = _mm256_add_epi32(v1, _mm256_and_si256(middle, stride));
    high = _mm256_srli_epi32(high, 13), middle = _mm256_srli_epi32(middle, 13), low = _mm256_srli_epi32(low, 13);
    __m256i w0 = _mm256_sub_epi32(_mm256_set1_epi32(ONE), high), w1 = _mm256_sub_epi32(high, middle);
    __m256i w2 = _mm256_sub_epi32(middle, low);

    _Alignas(32) uint32_t i0[8], i1[8], i2[8];
    _Alignas(32) int32_t pair01[8], pair23[8];
    _mm256_store_si256((__m256i *)i0, v0);
    _mm256_store_si256((__m256i *)i1, v1);
    _mm256_store_si256((__m256i *)i2, v2);
    _mm256_store_si256((__m256i *)pair01, _mm256_or_si256(w0, _mm256_slli_epi32(w1, 16)));
    _mm256_store_si256((__m256i *)pair23, _mm256_or_si256(w2, _mm256_slli_epi32(low, 16)));

    __m128i sum[8], four[2];
    for (int j = 0; j < 8; j++) {
      sum[j] = weigh(lut, (size_t)diagonal, i0[j], i1[j], i2[j], pair01[j], pair23[j]);
      sum[j] = _mm_srli_epi32(_mm_add_epi32(sum[j], half), 21);
    }
    for (int k = 0; k < 2; k++)
      four[k] = _mm_packus_epi16(_mm_packs_epi32(sum[4 * k], sum[4 * k + 1]),
                                 _mm_packs_epi32(sum[4 * k + 2], sum[4 * k + 3]));
    if (channels == 4) {
      four[0] = _mm_or_si128(four[0], _mm_and_si128(front, alpha));
      four[1] = _mm_or_si128(four[1], _mm_and_si128(back, alpha));
      _mm_storeu_si128((__m128i *)out, four[0]);
      _mm_storeu_si128((__m128i *)(out + 16), four[1]);
    } else {
      /* 12 and 12 bytes, stored as 16 and 8: not a byte past the group, which may be the next one's input. */
      four[0] = _mm_shuffle_epi8(four[0], drop_fourth), four[1] = _mm_shuffle_epi8(four[1], drop_fourth);
      _mm_storeu_si128((__m128i *)out, _mm_or_si128(four[0], _mm_slli_si128(four[1], 12)));
      _mm_storel_epi64((__m128i *)(out + 16), _mm_srli_si128(four[1], 4));
    }
    pixels += VECTOR_PIXELS * channels, out += VECTOR_PIXELS * channels;
  }
  return groups * VECTOR_PIXELS;
}

/* One copy of the loop for each grid and pixel layout, so that shifts and shuffles are constants. */
HB_AVX2 static size_t apply_avx2(const uint8_t *pixels, size_t count, size_t channels, const int16_t *lut,
                                 int bits, uint8_t *out) {
  if (channels == 3) {
    if (bits == 4) return apply_groups(pixels, count, 3, lut, 4, out);
    if (bits == 5) return apply_groups(pixels, count, 3, lut, 5, out);
    return apply_groups(pixels, count, 3, lut, 6, out);
  }
  if (bits == 4) return apply_groups(pixels, count, 4, lut, 4, out);
  if (bits == 5) return apply_groups(pixels, count, 4, lut, 5, out);
  return apply_groups(pixels, count, 4, lut, 6, out);
}

#elif defined(__wasm_simd128__) || (defined(__ARM_NEON) && defined(__aarch64__))

/* The four lanes of a pixel at once; the place in the table is found one pixel at a time. */
static void apply_lanes(const uint8_t *pixels, size_t count, size_t channels, const int16_t *lut, int32_t size,
                        uint8_t *out) {
  split_table split;
  fill_split(&split, cell_bits(size));
  const int32_t diagonal = 1 + size + size * size;
  for (size_t i = 0; i < count; i++, pixels += channels, out += channels) {
    tetrahedron at = locate(&split, size, pixels[0], pixels[1], pixels[2]);
    const int16_t *v0 = lut + (size_t)at.v0 * 4, *v1 = v0 + (size_t)at.first * 4,
                  *v2 = v0 + (size_t)at.second * 4, *v3 = v0 + (size_t)diagonal * 4;
    int32_t value[4];
#if defined(__wasm_simd128__)
    v128_t low = wasm_i16x8_shuffle(wasm_v128_load64_zero(v0), wasm_v128_load64_zero(v1), 0, 8, 1, 9, 2, 10, 3, 11);
    v128_t high =
        wasm_i16x8_shuffle(wasm_v128_load64_zero(v2), wasm_v128_load64_zero(v3), 0, 8, 1, 9, 2, 10, 3, 11);
    v128_t sum = wasm_i32x4_add(
        wasm_i32x4_dot_i16x8(low, wasm_i32x4_splat(at.weights[0] | at.weights[1] << 16)),
        wasm_i32x4_dot_i16x8(high, wasm_i32x4_splat(at.weights[2] | at.weights[3] << 16)));
    wasm_v128_store(value, wasm_i32x4_shr(wasm_i32x4_add(sum, wasm_i32x4_splat(1 << 20)), 21));
#else
    int32x4_t sum = vmull_n_s16(vld1_s16(v0), (int16_t)at.weights[0]);
    sum = vmlal_n_s16(sum, vld1_s16(v1), (int16_t)at.weights[1]);
    sum = vmlal_n_s16(sum, vld1_s16(v2), (int16_t)at.weights[2]);
    sum = vmlal_n_s16(sum, vld1_s16(v3), (int16_t)at.weights[3]);
    vst1q_s32(value, vrshrq_n_s32(sum, 21));
#endif
    uint8_t fourth = channels == 4 ? pixels[3] : 0;
    for (int c = 0; c < 3; c++) out[c] = (uint8_t)value[c];
    if (channels == 4) out[3] = fourth;
  }
}

#endif

static int refused(uint32_t channels, int32_t size) {
  return cell_bits(size) == 0 || (channels != 3 && channels != 4);
}

int32_t hb_lut_apply_scalar(const uint8_t *pixels, uint32_t count, int32_t channels, const int16_t *lut,
                            int32_t size, uint8_t *out) {
  if (refused((uint32_t)channels, size)) return HB_BAD_ARGUMENT;
  apply_scalar(pixels, count, (size_t)channels, lut, size, out);
  return HB_OK;
}

int32_t hb_lut_apply(const uint8_t *pixels, uint32_t count, int32_t channels, const int16_t *lut, int32_t size,
                     uint8_t *out) {
  if (refused((uint32_t)channels, size)) return HB_BAD_ARGUMENT;
  size_t done = 0, stride = (size_t)channels;
#if defined(HB_AVX2)
  if (hb_has_avx2()) done = apply_avx2(pixels, count, stride, lut, cell_bits(size), out);
#elif defined(__wasm_simd128__) || (defined(__ARM_NEON) && defined(__aarch64__))
  apply_lanes(pixels, count, stride, lut, size, out);
  done = count;
#endif
  apply_scalar(pixels + done * stride, count - done, stride, lut, size, out + done * stride);
  return HB_OK;
}
