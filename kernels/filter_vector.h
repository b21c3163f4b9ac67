/* Sixteen floats at once: random numbers, exp and log, the same bits whatever the processor's width.
 *
 * The vectors are the compiler's own (gcc and clang split them where registers are narrower); nothing is fused or
 * reordered. Angles, logarithms and powers are sums of their Taylor series on a reduced range, within 2 units in the
 * last place.
 */
#ifndef HOMEBODY_FILTER_VECTOR_H
#define HOMEBODY_FILTER_VECTOR_H

#include "homebody.h"
#include "processor.h"

#define HB_LANES 16

typedef float vf __attribute__((vector_size(64)));
typedef int32_t vi __attribute__((vector_size(64)));
typedef uint32_t vu __attribute__((vector_size(64)));
typedef uint64_t vw __attribute__((vector_size(64)));

#if defined(HB_AVX2)

/* Here alone twice the width halves the time; processor.h says how the answer is kept. */
#define HB_AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl")))

static int hb_avx512_answer;

static inline int hb_ask_avx512(void) {
  unsigned a, b, c, d;
  if (!hb_has_avx2()) return 0;
  unsigned low, high; /* the system saves the 512-bit registers too: bits 5 to 7 of XCR0 */
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & 0xe6) != 0xe6 || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  const unsigned needed = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31; /* F, DQ, BW, VL */
  return (b & needed) == needed;
}

static inline int hb_has_avx512(void) {
  int answer = __atomic_load_n(&hb_avx512_answer, __ATOMIC_RELAXED);
  if (answer == 0) {
    answer = 1 + hb_ask_avx512();
    __atomic_store_n(&hb_avx512_answer, answer, __ATOMIC_RELAXED);
  }
  return answer == 2;
}

/* Defines name(parameters) as the widest form of the inline function `body` that this processor runs. */
#define HB_WIDEST(name, body, parameters, arguments)                            \
  static void name##_plain parameters { body arguments; }                       \
  HB_AVX2 static void name##_avx2 parameters { body arguments; }                \
  HB_AVX512 static void name##_avx512 parameters { body arguments; }            \
  static void name parameters {                                                 \
    if (hb_has_avx512())                                                        \
      name##_avx512 arguments;                                                  \
    else if (hb_has_avx2())                                                     \
      name##_avx2 arguments;                                                    \
    else                                                                        \
      name##_plain arguments;                                                   \
  }

#else

#define HB_WIDEST(name, body, parameters, arguments) \
  static void name parameters { body arguments; }

#endif

HB_INLINE vf vf_of(float value) {
  vf v;
  for (int lane = 0; lane < HB_LANES; lane++) v[lane] = value;
  return v;
}

HB_INLINE vu vu_of(uint32_t value) {
  vu v;
  for (int lane = 0; lane < HB_LANES; lane++) v[lane] = value;
  return v;
}

HB_INLINE vf vf_choose(vi mask, vf yes, vf no) { return (vf)((mask & (vi)yes) | (~mask & (vi)no)); }

/* A fixed order of addition: numpy's twin and other widths follow it. */
HB_INLINE float vf_sum(vf v) {
  for (int half = HB_LANES / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; lane++) v[lane] += v[lane + half];
  return v[0];
}

HB_INLINE float vf_largest(vf v) {
  for (int half = HB_LANES / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; lane++) v[lane] = v[lane + half] > v[lane] ? v[lane + half] : v[lane];
  return v[0];
}

HB_INLINE vf vf_sqrt(vf v) {
  for (int lane = 0; lane < HB_LANES; lane++) v[lane] = __builtin_sqrtf(v[lane]);
  return v;
}

/* The natural logarithm of a normal number above 0: 2 artanh((m - 1) / (m + 1)) + e ln 2. */
HB_INLINE vf vf_log(vf v) {
  vi bits = (vi)v;
  vi exponent = (bits - 0x3f3504f3) >> 23; /* m from sqrt(1/2) to sqrt(2) */
  vf m = (vf)(bits - (exponent << 23));
  vf s = (m - 1.0f) / (m + 1.0f), s2 = s * s;
  vf series = (((s2 * 0.11111111f + 0.14285715f) * s2 + 0.2f) * s2 + 0.33333334f) * s2;
  vf e = __builtin_convertvector(exponent, vf);
  /* ln 2 in two parts: the first has trailing zeros, so that its product with e is exact. */
  return e * 0.693145752f + (2.0f * s + (2.0f * s * series + e * 1.42860677e-6f));
}

/* e to the power v for v <= 0; 0 below -87. */
HB_INLINE vf vf_exp(vf v) {
  vi tiny = v < -87.0f;
  v = vf_choose(tiny, vf_of(0.0f), v);
  vf rounded = (v * 1.4426950f + 12582912.0f) - 12582912.0f; /* 1.5 * 2^23: no fraction is left */
  vi whole = __builtin_convertvector(rounded, vi);
  vf x = (v - rounded * 0.693145752f) - rounded * 1.42860677e-6f;
  vf p = ((((((x * 0.00019841270f + 0.0013888889f) * x + 0.0083333338f) * x + 0.041666668f) * x + 0.16666667f) * x +
           0.5f) * x + 1.0f) * x + 1.0f;
  return vf_choose(tiny, vf_of(0.0f), (vf)((vi)p + (whole << 23)));
}

/* Philox4x32-7: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011: seven
 * rounds pass every test that ten do. */
HB_INLINE vu vu_high(vu a, uint32_t multiplier) {
  vw even = ((vw)a & 0xffffffffu) * multiplier, odd = ((vw)a >> 32) * multiplier;
  return (vu)((even >> 32) | (odd & 0xffffffff00000000u));
}

HB_INLINE void philox(vu c[4], uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 7; round++) {
    vu high0 = vu_high(c[0], 0xD2511F53u), low0 = c[0] * 0xD2511F53u;
    vu high1 = vu_high(c[2], 0xCD9E8D57u), low1 = c[2] * 0xCD9E8D57u;
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

HB_INLINE void draw(vu c[4], uint32_t seed, uint32_t stream, uint32_t tick, uint32_t index, uint32_t purpose) {
  vu lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  c[0] = lanes + HB_LANES * index;
  c[1] = vu_of(0);
  c[2] = vu_of(tick);
  c[3] = vu_of(purpose);
  philox(c, seed, stream);
}

/* Two standard normals from two words a lane: Box and Muller, "A note on the generation of random normal
 * deviates", Annals of Mathematical Statistics 29 (1958). */
HB_INLINE void box_muller(vu a, vu b, vf *first, vf *second) {
  vf uniform = __builtin_convertvector((vi)(a >> 1), vf) * 0x1p-31f + 0x1p-32f;
  vf radius = vf_sqrt(-2.0f * vf_log(uniform));
  vu quarter = (b + 0x20000000u) >> 30;
  vf t = __builtin_convertvector((vi)(b - (quarter << 30)), vf) * 0x1p-30f; /* quarter turns, -1/2 to 1/2 */
  vf t2 = t * t;
  vf sine = ((((t2 * 0.00016044118f - 0.0046817541f) * t2 + 0.079692626f) * t2 - 0.64596410f) * t2 + 1.5707964f) * t;
  vf cosine = (((t2 * 0.00091926027f - 0.020863480f) * t2 + 0.25366951f) * t2 - 1.2337006f) * t2 + 1.0f;
  vi odd = (vi)((quarter & 1) != 0);
  vu flip_cosine = ((quarter + 1) & 2) << 30, flip_sine = (quarter & 2) << 30;
  *first = radius * (vf)((vu)vf_choose(odd, sine, cosine) ^ flip_cosine);
  *second = radius * (vf)((vu)vf_choose(odd, cosine, sine) ^ flip_sine);
}

HB_INLINE void vf_store(float *to, vf v) { __builtin_memcpy(to, &v, sizeof v); }

HB_INLINE vf vf_load(const float *from) {
  vf v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

/* xoshiro128++ in each lane, a fourth of Philox's price: Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", ACM Transactions on Mathematical Software 47 (2021). */
HB_INLINE vu turned(vu v, int by) { return v << by | v >> (32 - by); }

HB_INLINE vu next_word(vu s[4]) {
  const vu word = turned(s[0] + s[3], 7) + s[0], shifted = s[1] << 9;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = turned(s[3], 11);
  return word;
}

#define HB_DRAWN (2 * HB_LANES) /* normals in a draw */

/* `count` standard normals, a multiple of HB_DRAWN: Philox says where each lane begins, xoshiro goes on. */
HB_INLINE void normals(uint32_t seed, uint32_t stream, uint32_t tick, float *out, uint32_t count) {
  vu state[4];
  draw(state, seed, stream, tick, 0, HB_DRAW_NORMALS);
  for (uint32_t i = 0; i < count; i += HB_DRAWN) {
    vf first, second;
    const vu a = next_word(state), b = next_word(state);
    box_muller(a, b, &first, &second);
    vf_store(out + i, first);
    vf_store(out + i + HB_LANES, second);
  }
}

#endif
