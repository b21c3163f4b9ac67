/* Text: what the text kernels share. UTF-8 in, offsets in bytes out.
 *
 * A string is bytes and their number; no terminator, and NUL is a character like others. Bytes that are not
 * UTF-8 are read as U+FFFD, one for each maximal subpart, as the WHATWG's Encoding Standard has it (and the
 * Unicode Standard, chapter 3, "U+FFFD Substitution of Maximal Subparts"): no kernel needs valid text to be
 * safe, and none reads past a string's end.
 */
#ifndef HOMEBODY_TEXT_H
#define HOMEBODY_TEXT_H

#include "homebody.h"

typedef struct {
  const uint8_t *data;
  size_t size;
} hb_string;

#define HB_CODE_POINTS 0x110000u
#define HB_REPLACEMENT 0xFFFDu

/* Longest text that offsets of 32 bits can point into. */
#define HB_MAX_TEXT ((size_t)INT32_MAX)

typedef struct {
  uint32_t code;
  uint32_t size; /* bytes it takes: 1 to 4 */
} hb_char;

/* How many bytes at `at` are read as one U+FFFD: the longest beginning of a character that is there, or one. */
static inline uint32_t hb_utf8_subpart(const uint8_t *at, size_t left) {
  uint32_t lead = at[0];
  if (lead < 0xC2 || lead > 0xF4) return 1;
  /* What the second byte may be depends on the lead (Unicode Standard, table 3-7): this alone keeps out
   * overlong forms, surrogates and everything above U+10FFFF. */
  uint32_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint32_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  uint32_t most = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3, size = 1;
  while (size < most && size < left && at[size] >= low && at[size] <= high) {
    size++;
    low = 0x80, high = 0xBF;
  }
  return size;
}

static inline int hb_utf8_continues(uint8_t byte) { return (byte & 0xC0) == 0x80; }

/* The character at `at`, of which `left` >= 1 bytes are there. */
static inline hb_char hb_utf8_decode(const uint8_t *at, size_t left) {
  uint32_t lead = at[0];
  if (lead < 0x80) return (hb_char){lead, 1};
  if (lead < 0xE0) {
    if (lead >= 0xC2 && left >= 2 && hb_utf8_continues(at[1])) return (hb_char){(lead & 0x1F) << 6 | (at[1] & 0x3F), 2};
  } else if (lead < 0xF0) {
    if (left >= 3 && hb_utf8_continues(at[1]) && hb_utf8_continues(at[2])) {
      uint32_t code = (lead & 0x0F) << 12 | (at[1] & 0x3Fu) << 6 | (at[2] & 0x3F);
      if (code >= 0x800 && (code < 0xD800 || code > 0xDFFF)) return (hb_char){code, 3};
    }
  } else if (lead < 0xF5) {
    if (left >= 4 && hb_utf8_continues(at[1]) && hb_utf8_continues(at[2]) && hb_utf8_continues(at[3])) {
      uint32_t code = (lead & 0x07) << 18 | (at[1] & 0x3Fu) << 12 | (at[2] & 0x3Fu) << 6 | (at[3] & 0x3F);
      if (code >= 0x10000 && code < HB_CODE_POINTS) return (hb_char){code, 4};
    }
  }
  return (hb_char){HB_REPLACEMENT, hb_utf8_subpart(at, left)};
}

/* Whether `c`, decoded at `at`, stands for bytes that are not UTF-8. U+FFFD itself is EF BF BD, and no
 * malformed subpart that begins with EF is three bytes long. */
static inline int hb_utf8_malformed(const uint8_t *at, hb_char c) {
  return c.code == HB_REPLACEMENT && !(c.size == 3 && at[0] == 0xEF);
}

/* Bytes that a code point takes. */
static inline uint32_t hb_utf8_size(uint32_t code) {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

/* Writes a code point; returns the bytes written, at most 4. */
static inline uint32_t hb_utf8_encode(uint32_t code, uint8_t *out) {
  if (code < 0x80) {
    out[0] = (uint8_t)code;
    return 1;
  }
  if (code < 0x800) {
    out[0] = (uint8_t)(0xC0 | code >> 6);
    out[1] = (uint8_t)(0x80 | (code & 0x3F));
    return 2;
  }
  if (code < 0x10000) {
    out[0] = (uint8_t)(0xE0 | code >> 12);
    out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
    out[2] = (uint8_t)(0x80 | (code & 0x3F));
    return 3;
  }
  out[0] = (uint8_t)(0xF0 | code >> 18);
  out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3F));
  out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
  out[3] = (uint8_t)(0x80 | (code & 0x3F));
  return 4;
}

/* Eight bytes as they lie in memory: for comparing and for testing all at once, not for their value. */
static inline uint64_t hb_load8(const uint8_t *at) {
  uint64_t value;
  __builtin_memcpy(&value, at, 8);
  return value;
}

/* How many bytes at the beginning are ASCII, found eight at a time; may stop early within the eight that
 * hold the first other byte. */
static inline size_t hb_ascii_prefix(const uint8_t *at, size_t size) {
  size_t done = 0;
  while (size - done >= 8 && !(hb_load8(at + done) & 0x8080808080808080u)) done += 8;
  return done;
}

/* Sixteen bytes at once, where the processor can. A byte that is `within` count bytes from `low` on has all its bits
 * set in the result, another none; hb_bits gathers bit 0 to 15 of such a result. */
#if defined(__SSE2__) && !defined(HB_PLAIN)
#include <emmintrin.h>
typedef __m128i hb_sixteen;
static inline hb_sixteen hb_load16(const uint8_t *at) { return _mm_loadu_si128((const __m128i *)at); }
static inline hb_sixteen hb_fill16(uint8_t byte) { return _mm_set1_epi8((char)byte); }
static inline hb_sixteen hb_either(hb_sixteen a, hb_sixteen b) { return _mm_or_si128(a, b); }
static inline hb_sixteen hb_within(hb_sixteen bytes, uint8_t low, uint8_t count) {
  hb_sixteen above = _mm_sub_epi8(bytes, hb_fill16(low));
  return _mm_cmpeq_epi8(_mm_min_epu8(above, hb_fill16((uint8_t)(count - 1))), above);
}
static inline uint32_t hb_bits(hb_sixteen found) { return (uint32_t)_mm_movemask_epi8(found); }
#elif defined(__wasm_simd128__) && !defined(HB_PLAIN)
#include <wasm_simd128.h>
typedef v128_t hb_sixteen;
static inline hb_sixteen hb_load16(const uint8_t *at) { return wasm_v128_load(at); }
static inline hb_sixteen hb_fill16(uint8_t byte) { return wasm_u8x16_splat(byte); }
static inline hb_sixteen hb_either(hb_sixteen a, hb_sixteen b) { return wasm_v128_or(a, b); }
static inline hb_sixteen hb_within(hb_sixteen bytes, uint8_t low, uint8_t count) {
  return wasm_u8x16_lt(wasm_i8x16_sub(bytes, hb_fill16(low)), hb_fill16(count));
}
static inline uint32_t hb_bits(hb_sixteen found) { return (uint32_t)wasm_i8x16_bitmask(found); }
#elif defined(__ARM_NEON) && defined(__aarch64__) && !defined(HB_PLAIN)
#include <arm_neon.h>
typedef uint8x16_t hb_sixteen;
static inline hb_sixteen hb_load16(const uint8_t *at) { return vld1q_u8(at); }
static inline hb_sixteen hb_fill16(uint8_t byte) { return vdupq_n_u8(byte); }
static inline hb_sixteen hb_either(hb_sixteen a, hb_sixteen b) { return vorrq_u8(a, b); }
static inline hb_sixteen hb_within(hb_sixteen bytes, uint8_t low, uint8_t count) {
  return vcltq_u8(vsubq_u8(bytes, hb_fill16(low)), hb_fill16(count));
}
static inline uint32_t hb_bits(hb_sixteen found) {
  static const uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  uint8x16_t marked = vandq_u8(found, vld1q_u8(bits));
  return (uint32_t)vaddv_u8(vget_low_u8(marked)) | (uint32_t)vaddv_u8(vget_high_u8(marked)) << 8;
}
#else
#define HB_NO_SIXTEEN
#endif

/* Of sixteen bytes, bits 0 to 15 say whether each is an ASCII letter or digit (hb_alphanumeric); whether no white
 * space begins with it, of which all begins with 0x20 or less, C2, E1, E2 or E3 (hb_spaceless). */
static inline int hb_is_alphanumeric(uint8_t byte) {
  return (uint8_t)((byte | 0x20) - 'a') < 26 || (uint8_t)(byte - '0') < 10;
}
static inline int hb_is_spaceless(uint8_t byte) {
  return byte > 0x20 && byte != 0xC2 && !(byte >= 0xE1 && byte <= 0xE3);
}

#ifdef HB_NO_SIXTEEN
static inline uint32_t hb_alphanumeric(const uint8_t *at) {
  uint32_t bits = 0;
  for (uint32_t i = 0; i < 16; i++) bits |= (uint32_t)hb_is_alphanumeric(at[i]) << i;
  return bits;
}
static inline uint32_t hb_spaceless(const uint8_t *at) {
  uint32_t bits = 0;
  for (uint32_t i = 0; i < 16; i++) bits |= (uint32_t)hb_is_spaceless(at[i]) << i;
  return bits;
}
#else
static inline uint32_t hb_alphanumeric(const uint8_t *at) {
  hb_sixteen bytes = hb_load16(at), lower = hb_either(bytes, hb_fill16(0x20));
  return hb_bits(hb_either(hb_within(lower, 'a', 26), hb_within(bytes, '0', 10)));
}
static inline uint32_t hb_spaceless(const uint8_t *at) {
  hb_sixteen bytes = hb_load16(at), two = hb_within(bytes, 0xC2, 1), three = hb_within(bytes, 0xE1, 3);
  return 0xFFFFu ^ hb_bits(hb_either(hb_within(bytes, 0, 0x21), hb_either(two, three)));
}
#endif

/* How many of the bytes from text[from] on are such, up to 16; of text[size]. */
#define HB_RUN(name, question, each)                                                                     \
  static inline size_t name(const uint8_t *text, size_t size, size_t from) {                             \
    size_t left = size - from, run = 0;                                                                  \
    if (left >= 16) return (size_t)__builtin_ctz(~question(text + from));                                \
    /* The last 16, of which the first are done. */                                                      \
    if (size >= 16) return (size_t)__builtin_ctz(~(question(text + size - 16) >> (16 - left)));          \
    while (run < left && each(text[from + run])) run++;                                                  \
    return run;                                                                                          \
  }
HB_RUN(hb_alphanumeric_run, hb_alphanumeric, hb_is_alphanumeric)
HB_RUN(hb_spaceless_run, hb_spaceless, hb_is_spaceless)

#endif
