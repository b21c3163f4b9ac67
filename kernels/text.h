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

/* The character at `at`, of which `left` >= 1 bytes are there. */
static inline hb_char hb_utf8_decode(const uint8_t *at, size_t left) {
  uint32_t lead = at[0];
  if (lead < 0x80) return (hb_char){lead, 1};
  /* What the second byte may be depends on the lead (Unicode Standard, table 3-7): this alone keeps out
   * overlong forms, surrogates and everything above U+10FFFF. */
  uint32_t low = 0x80, high = 0xBF, more;
  if (lead >= 0xC2 && lead <= 0xDF) {
    more = 1;
    lead &= 0x1F;
  } else if ((lead & 0xF0) == 0xE0) {
    more = 2;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
    lead &= 0x0F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    more = 3;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
    lead &= 0x07;
  } else {
    return (hb_char){HB_REPLACEMENT, 1};
  }
  for (uint32_t i = 1; i <= more; i++) {
    if (i >= left || at[i] < low || at[i] > high) return (hb_char){HB_REPLACEMENT, i};
    lead = lead << 6 | (at[i] & 0x3F);
    low = 0x80, high = 0xBF;
  }
  return (hb_char){lead, more + 1};
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

#endif
