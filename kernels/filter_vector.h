/* Eight floats at once: random numbers, exp and log, the same bits whatever the processor's width.
 *
 * The vectors are the compiler's own (gcc and clang split or widen them); nothing is fused or reordered. Angles,
 * logarithms and powers are sums of their Taylor series on a reduced range, within 2 units in the last place.
 */
#ifndef HOMEBODY_FILTER_VECTOR_H
#define HOMEBODY_FILTER_VECTOR_H

#include "homebody.h"
#include "processor.h"

#define HB_LANES 8

typedef float f8 __attribute__((vector_size(32)));
typedef int32_t i8 __attribute__((vector_size(32)));
typedef uint32_t u8 __attribute__((vector_size(32)));
typedef uint64_t w4 __attribute__((vector_size(32)));

HB_INLINE f8 f8_of(float value) {
  return (f8){value, value, value, value, value, value, value, value};
}

HB_INLINE u8 u8_of(uint32_t value) {
  return (u8){value, value, value, value, value, value, value, value};
}

HB_INLINE f8 f8_choose(i8 mask, f8 yes, f8 no) { return (f8)((mask & (i8)yes) | (~mask & (i8)no)); }

/* A fixed order of addition: numpy's twin and other widths follow it. */
HB_INLINE float f8_sum(f8 v) {
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

HB_INLINE float f8_largest(f8 v) {
  float largest = v[0];
  for (int lane = 1; lane < HB_LANES; lane++) largest = v[lane] > largest ? v[lane] : largest;
  return largest;
}

HB_INLINE f8 f8_sqrt(f8 v) {
  for (int lane = 0; lane < HB_LANES; lane++) v[lane] = __builtin_sqrtf(v[lane]);
  return v;
}

/* The natural logarithm of a normal number above 0: 2 artanh((m - 1) / (m + 1)) + e ln 2. */
HB_INLINE f8 f8_log(f8 v) {
  i8 bits = (i8)v;
  i8 exponent = (bits - 0x3f3504f3) >> 23; /* m from sqrt(1/2) to sqrt(2) */
  f8 m = (f8)(bits - (exponent << 23));
  f8 s = (m - 1.0f) / (m + 1.0f), s2 = s * s;
  f8 series = (((s2 * 0.11111111f + 0.14285715f) * s2 + 0.2f) * s2 + 0.33333334f) * s2;
  f8 e = __builtin_convertvector(exponent, f8);
  /* ln 2 in two parts: the first has trailing zeros, so that its product with e is exact. */
  return e * 0.693145752f + (2.0f * s + (2.0f * s * series + e * 1.42860677e-6f));
}

/* e to the power v for v <= 0; 0 below -87. */
HB_INLINE f8 f8_exp(f8 v) {
  i8 tiny = v < -87.0f;
  v = f8_choose(tiny, f8_of(0.0f), v);
  f8 rounded = (v * 1.4426950f + 12582912.0f) - 12582912.0f; /* 1.5 * 2^23: no fraction is left */
  i8 whole = __builtin_convertvector(rounded, i8);
  f8 x = (v - rounded * 0.693145752f) - rounded * 1.42860677e-6f;
  f8 p = ((((((x * 0.00019841270f + 0.0013888889f) * x + 0.0083333338f) * x + 0.041666668f) * x + 0.16666667f) * x +
           0.5f) * x + 1.0f) * x + 1.0f;
  return f8_choose(tiny, f8_of(0.0f), (f8)((i8)p + (whole << 23)));
}

/* Philox4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. */
HB_INLINE u8 u8_high(u8 a, uint32_t multiplier) {
  w4 even = ((w4)a & 0xffffffffu) * multiplier, odd = ((w4)a >> 32) * multiplier;
  return (u8)((even >> 32) | (odd & 0xffffffff00000000u));
}

HB_INLINE void philox(u8 c[4], uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; round++) {
    u8 high0 = u8_high(c[0], 0xD2511F53u), low0 = c[0] * 0xD2511F53u;
    u8 high1 = u8_high(c[2], 0xCD9E8D57u), low1 = c[2] * 0xCD9E8D57u;
    c[0] = high1 ^ c[1] ^ key0;
    c[1] = low1;
    c[2] = high0 ^ c[3] ^ key1;
    c[3] = low0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

/* What a draw is for: the counter's last word, so that no two purposes share a number. */
enum { HB_DRAW_NORMALS, HB_DRAW_RESAMPLING };

HB_INLINE void draw(u8 c[4], uint32_t seed, uint32_t stream, uint32_t tick, uint32_t index, uint32_t purpose) {
  u8 lanes = {0, 1, 2, 3, 4, 5, 6, 7};
  c[0] = lanes + HB_LANES * index;
  c[1] = u8_of(0);
  c[2] = u8_of(tick);
  c[3] = u8_of(purpose);
  philox(c, seed, stream);
}

/* Two standard normals from two words a lane: Box and Muller, "A note on the generation of random normal
 * deviates", Annals of Mathematical Statistics 29 (1958). */
HB_INLINE void box_muller(u8 a, u8 b, f8 *first, f8 *second) {
  f8 uniform = __builtin_convertvector((i8)(a >> 1), f8) * 0x1p-31f + 0x1p-32f;
  f8 radius = f8_sqrt(-2.0f * f8_log(uniform));
  u8 quarter = (b + 0x20000000u) >> 30;
  f8 t = __builtin_convertvector((i8)(b - (quarter << 30)), f8) * 0x1p-30f; /* quarter turns, -1/2 to 1/2 */
  f8 t2 = t * t;
  f8 sine = ((((t2 * 0.00016044118f - 0.0046817541f) * t2 + 0.079692626f) * t2 - 0.64596410f) * t2 + 1.5707964f) * t;
  f8 cosine = (((t2 * 0.00091926027f - 0.020863480f) * t2 + 0.25366951f) * t2 - 1.2337006f) * t2 + 1.0f;
  i8 odd = (i8)((quarter & 1) != 0);
  u8 flip_cosine = ((quarter + 1) & 2) << 30, flip_sine = (quarter & 2) << 30;
  *first = radius * (f8)((u8)f8_choose(odd, sine, cosine) ^ flip_cosine);
  *second = radius * (f8)((u8)f8_choose(odd, cosine, sine) ^ flip_sine);
}

HB_INLINE void f8_store(float *to, f8 v) { __builtin_memcpy(to, &v, sizeof v); }

HB_INLINE f8 f8_load(const float *from) {
  f8 v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

/* `count` standard normals, a multiple of 32. */
HB_INLINE void normals(uint32_t seed, uint32_t stream, uint32_t tick, float *out, uint32_t count) {
  for (uint32_t i = 0; i < count; i += 32) {
    u8 c[4];
    f8 a, b;
    draw(c, seed, stream, tick, i / 32, HB_DRAW_NORMALS);
    box_muller(c[0], c[1], &a, &b);
    f8_store(out + i, a);
    f8_store(out + i + 8, b);
    box_muller(c[2], c[3], &a, &b);
    f8_store(out + i + 16, a);
    f8_store(out + i + 24, b);
  }
}

#endif
