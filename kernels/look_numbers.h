/* The few functions that a C library would give, in exactly rounded steps: + - * / and sqrt are, by IEEE 754.
 *
 * Where one has two cases, both are computed and one is taken, so that a loop over a row can be done with
 * vectors; what is not taken may be infinite or no number.
 */
#ifndef HB_LOOK_NUMBERS_H
#define HB_LOOK_NUMBERS_H

#include <stdint.h>

#define PI 3.14159265358979323846

static inline double clamp01(double x) { return x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x; }
static inline double square_root(double x) { return __builtin_sqrt(x); }
static inline double smooth(double t) { return t * t * (3.0 - 2.0 * t); }

typedef union {
  double value;
  uint64_t bits;
} hb_double;

/* bits / 3 and bits / 5 without the 64-bit division that WebAssembly and vectors lack: 2^32 is one more than
 * 3 * 0x55555555 and 5 * 0x33333333, and a quotient of 32 bits is a product shifted. */
static inline uint64_t third(uint64_t bits) {
  uint64_t high = bits >> 32, low = bits & 0xFFFFFFFFu, whole = high * 0xAAAAAAABu >> 33;
  uint64_t left = high - 3 * whole;
  return (whole << 32) + left * 0x55555555u + ((left + low) * 0xAAAAAAABu >> 33);
}

static inline uint64_t fifth(uint64_t bits) {
  uint64_t high = bits >> 32, low = bits & 0xFFFFFFFFu, whole = high * 0xCCCCCCCDu >> 34;
  uint64_t left = high - 5 * whole;
  return (whole << 32) + left * 0x33333333u + ((left + low) * 0xCCCCCCCDu >> 34);
}

/* Cube root of x >= 0: a guess from the exponent bits, then Halley's iteration (cubic convergence). */
static inline double cube_root(double x) {
  hb_double u = {.value = x};
  u.bits = third(u.bits) + 0x2A9F7893782DA1CEull;
  double y = u.value;
  for (int i = 0; i < 3; i++) {
    double c = y * y * y;
    y = y * (c + 2.0 * x) / (2.0 * c + x);
  }
  return x < 1e-30 ? 0.0 : y;
}

/* Fifth root of x >= 0, by the same means. */
static inline double fifth_root(double x) {
  hb_double u = {.value = x};
  u.bits = fifth(u.bits) + 0x3325CFC2B55F47AEull;
  double y = u.value;
  for (int i = 0; i < 3; i++) {
    double f = y * y * y * y * y;
    y = y * (2.0 * f + 3.0 * x) / (3.0 * f + 2.0 * x);
  }
  return x < 1e-30 ? 0.0 : y;
}

/* sRGB (IEC 61966-2-1) transfer function and its inverse: x^2.4 = x^2 (x^2)^(1/5), x^(1/2.4) = (x^(5/4))^(1/3). */
static inline double to_linear(double v) {
  double x = (v + 0.055) / 1.055, curved = x * x * fifth_root(x * x);
  return v <= 0.04045 ? v / 12.92 : curved;
}

static inline double to_encoded(double v) {
  double curved = 1.055 * cube_root(v * square_root(square_root(v))) - 0.055;
  return v <= 0.0031308 ? v * 12.92 : curved;
}

/* 2^x for |x| <= 16: Taylor on x / 64, then six squarings. */
static inline double power_of_two(double x) {
  double t = x * 0.69314718055994530942 / 64.0;
  double y = 1.0 + t * (1.0 + t / 2.0 * (1.0 + t / 3.0 * (1.0 + t / 4.0 * (1.0 + t / 5.0 * (1.0 + t / 6.0 *
       (1.0 + t / 7.0 * (1.0 + t / 8.0)))))));
  for (int i = 0; i < 6; i++) y = y * y;
  return y;
}

/* Sine and cosine of degrees in -360..360: Taylor on a sixteenth of the angle, then four doublings. */
static inline void sine_cosine(double degrees, double *sine, double *cosine) {
  double t = degrees * (PI / 180.0) / 16.0, q = t * t;
  double s = t * (1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0 * (1.0 - q / 110.0)))));
  double c = 1.0 - q / 2.0 * (1.0 - q / 12.0 * (1.0 - q / 30.0 * (1.0 - q / 56.0 * (1.0 - q / 90.0 *
       (1.0 - q / 132.0)))));
  for (int i = 0; i < 4; i++) {
    double doubled = 2.0 * s * c;
    c = c * c - s * s;
    s = doubled;
  }
  *sine = s;
  *cosine = c;
}

/* Angle of (a, b) in degrees, 0..360: the angle halved twice, then the series of the arc tangent. */
static inline double hue_degrees(double a, double b) {
  double radius = square_root(a * a + b * b);
  double x = a < 0.0 ? -a : a, y = b < 0.0 ? -b : b;
  double t = y / (radius + x);                    /* tan(angle / 2), 0..1 */
  t = t / (1.0 + square_root(1.0 + t * t));       /* tan(angle / 4) */
  t = t / (1.0 + square_root(1.0 + t * t));       /* tan(angle / 8), at most 0.199 */
  double q = t * t, sum = 0.0;
  for (int k = 9; k >= 0; k--) sum = 1.0 / (2.0 * k + 1.0) - q * sum;
  double angle = 8.0 * t * sum * (180.0 / PI);
  angle = a < 0.0 ? 180.0 - angle : angle;
  angle = b < 0.0 ? 360.0 - angle : angle;
  return radius < 1e-12 ? 0.0 : angle;
}

#endif
