/* Coefficients to samples: the inverse cosine transform in integers, whole or to a half, a quarter or an
 * eighth of the size. The whole one is that of Loeffler, Ligtenberg and Moschytz (ICASSP 1989), with 13
 * bits of fraction in its constants and 2 more between its passes; the small ones leave the frequencies
 * out that their samples cannot show. Which bits are dropped where is libjpeg-turbo's choice.
 *
 * Values are 16 bits wide between the passes and 32 within one. What a picture holds stays far below both;
 * what damaged data hold wraps or saturates as it does in libjpeg-turbo's vector code.
 */
#include "jpeg.h"

#define BITS 13  /* fraction of the constants */
#define PASS 2   /* fraction of what is between the passes */

/* Signed arithmetic that wraps. */
typedef uint32_t word;
static inline word wrap16(word value) { return (word)(int32_t)(int16_t)value; }

static inline int32_t round_shift(word value, int bits) {
  return (int32_t)(value + ((word)1 << (bits - 1))) >> bits;
}

static inline int16_t saturate(int32_t value) {
  return (int16_t)(value < INT16_MIN ? INT16_MIN : value > INT16_MAX ? INT16_MAX : value);
}

static inline word dequantized(int16_t coefficient, uint16_t quant) {
  return wrap16((word)coefficient * quant);
}

/* True when only the first row has anything. */
static int rest_is_zero(const int16_t *block) {
  int32_t any = 0;
  for (int i = 8; i < 64; i++) any |= block[i];
  return any == 0;
}

/* in[k]: 8 frequencies; out[k]: 8 samples with BITS more of fraction. */
static inline void transform_8(const word in[8], word out[8]) {
  word even = (in[2] + in[6]) * 4433, sum = wrap16(in[0] + in[4]) << BITS, difference = wrap16(in[0] - in[4]) << BITS;
  word low = even - in[6] * 15137, high = even + in[2] * 6270;
  word e0 = sum + high, e1 = difference + low, e2 = difference - low, e3 = sum - high;

  word z3 = wrap16(in[7] + in[3]), z4 = wrap16(in[5] + in[1]), z5 = (z3 + z4) * 9633;
  word z1 = (in[7] + in[1]) * 7373, z2 = (in[5] + in[3]) * 20995;
  z3 = z5 - z3 * 16069;
  z4 = z5 - z4 * 3196;
  word o0 = in[1] * 12299 - z1 + z4, o1 = in[3] * 25172 - z2 + z3;
  word o2 = in[5] * 16819 - z2 + z4, o3 = in[7] * 2446 - z1 + z3;

  out[0] = e0 + o0, out[7] = e0 - o0;
  out[1] = e1 + o1, out[6] = e1 - o1;
  out[2] = e2 + o2, out[5] = e2 - o2;
  out[3] = e3 + o3, out[4] = e3 - o3;
}

/* 7 frequencies, without the fourth, to 4 samples with BITS + 1 more of fraction. */
static inline void transform_4(const word in[8], word out[4]) {
  word sum = in[0] << (BITS + 1), part = in[2] * 15137 - in[6] * 6270;
  word e0 = sum + part, e1 = sum - part;
  word o0 = in[1] * 20995 + in[3] * 7373 - in[5] * 4926 - in[7] * 4176;
  word o1 = in[1] * 8697 - in[3] * 17799 + in[5] * 11893 - in[7] * 1730;
  out[0] = e0 + o0, out[3] = e0 - o0;
  out[1] = e1 + o1, out[2] = e1 - o1;
}

/* The first and the odd frequencies to 2 samples with BITS + 2 more of fraction. */
static inline void transform_2(const word in[8], word out[2]) {
  word even = in[0] << (BITS + 2), odd = in[1] * 29692 - in[3] * 10426 + in[5] * 6967 - in[7] * 5906;
  out[0] = even + odd, out[1] = even - odd;
}

static inline void transform(const word *in, word *out, int size) {
  if (size == 8) transform_8(in, out);
  if (size == 4) transform_4(in, out);
  if (size == 2) transform_2(in, out);
}

static inline uint8_t sample(int32_t value) { return (uint8_t)hb_clamp_byte(value + 128); }

static inline __attribute__((always_inline)) void both_ways(const int16_t *block, const uint16_t *quant, int size, int fraction,
                                    uint8_t *out, int32_t stride) {
  int16_t between[8][8]; /* [sample][frequency] */
  int flat = size > 2 && rest_is_zero(block);
  word in[8], values[8];
  for (int x = 0; x < 8; x++) {
    if (flat) { /* all samples of a column are its first frequency */
      int16_t value = (int16_t)(dequantized(block[x], quant[x]) << PASS);
      for (int y = 0; y < size; y++) between[y][x] = value;
      continue;
    }
    for (int k = 0; k < 8; k++) in[k] = dequantized(block[8 * k + x], quant[8 * k + x]);
    transform(in, values, size);
    for (int y = 0; y < size; y++) between[y][x] = saturate(round_shift(values[y], BITS + fraction - PASS));
  }
  for (int y = 0; y < size; y++, out += stride) {
    for (int k = 0; k < 8; k++) in[k] = (word)(int32_t)between[y][k];
    transform(in, values, size);
    for (int x = 0; x < size; x++) out[x] = sample(round_shift(values[x], BITS + fraction + PASS + 3));
  }
}

void jpeg_idct(const int16_t *block, const uint16_t *quant, int32_t size, uint8_t *out, int32_t stride) {
  if (size == 8) {
    both_ways(block, quant, 8, 0, out, stride);
  } else if (size == 4) {
    both_ways(block, quant, 4, 1, out, stride);
  } else if (size == 2) {
    both_ways(block, quant, 2, 2, out, stride);
  } else {
    int32_t value = round_shift((word)block[0] * quant[0], 3) & 1023;
    out[0] = sample(value < 512 ? value : value - 1024);
  }
}
