/* NFD, NFKD, and NFD without its nonspacing marks: what decomposes, and marks out of order. The stretches are
 * ICU's (normalizer2impl.cpp, decomposeUTF8), as in text_compose.c. */
#include "text_forms.h"

/* Highest class at the end of what has been read, once it is in order. */
static uint32_t last_class(const hb_work *k, uint32_t last, hb_seen c, hb_unicode_mapping m) {
  if (hb_is_hangul(c.code)) return 0;
  if (!m.found) {
    uint32_t combining = hb_unicode_of(&k->w.unicode, c.code)->combining;
    return combining == 0 ? 0 : combining > last ? combining : last;
  }
  for (uint32_t i = 0; i < m.size; i++) {
    uint32_t combining = hb_unicode_of(&k->w.unicode, m.points[i])->combining;
    last = combining == 0 ? 0 : combining > last ? combining : last;
  }
  return m.size ? last : 255;
}

/* Whether no mark stands at `at`, nor what decomposes to one first. */
static int starts(const hb_work *k, size_t at) {
  if (at == k->size || k->data[at] < 0x80) return 1;
  hb_seen c = hb_see(k, at);
  if (c.flags & HB_UNICODE_NONSTARTER) return 0;
  hb_unicode_mapping m = hb_mapping_of(k, c);
  return !m.found || (m.size && m.first_class == 0);
}

/* Writes the decomposition of a character that nothing around it joins in the ordering. */
static int alone(hb_work *k, uint32_t code, hb_unicode_mapping m, size_t at, size_t after) {
  if (!hb_unchanged(k, at)) return 0;
  size_t to = k->w.used;
  uint32_t jamo[3];
  if (!m.found) m.points = jamo, m.size = hb_hangul_decompose(code, jamo);
  for (uint32_t i = 0; i < m.size; i++)
    if (!hb_write(&k->w, m.points[i])) return 0;
  return k->w.used > to ? hb_changed(k, after, to) : hb_left_out(k, after);
}

int hb_decompose(hb_work *k) {
  size_t boundary = k->copied, at = boundary;
  uint32_t last = 0;
  for (;;) {
    size_t from = at;
    hb_seen c = hb_scan(k, &at);
    if (at == k->size) return hb_unchanged(k, k->size);
    if (at > from) boundary = at, last = 0;
    size_t after = at + c.size;
    if (c.malformed && c.code && !(c.flags & k->stop)) {
      if (!hb_replaced(k, at, after, c.code)) return 0;
      boundary = at = after, last = 0;
      continue;
    }
    hb_unicode_mapping m = hb_mapping_of(k, c);
    int syllable = hb_is_hangul(c.code), decomposes = m.found || syllable;
    int omitted = k->w.leave_out && HB_UNICODE_IS(hb_unicode_of(&k->w.unicode, c.code)->category, k->w.leave_out);
    uint32_t combining = hb_unicode_of(&k->w.unicode, c.code)->combining;
    if (!decomposes && !omitted && (last <= combining || combining == 0)) {
      last = combining;
      if (combining <= 1) boundary = after;
      at = after;
      continue;
    }
    if (boundary < at && (decomposes ? syllable || (m.size && m.first_class == 0) : combining == 0)) boundary = at;
    if (decomposes && boundary == at && (syllable || (m.size && m.last_class <= 1) || starts(k, after))) {
      if (!alone(k, c.code, m, at, after)) return 0;
      boundary = at = after, last = 0;
      continue;
    }
    last = 0;
    for (size_t p = boundary; p < after;) {
      hb_seen d = hb_see(k, p);
      last = last_class(k, last, d, hb_mapping_of(k, d));
      p += d.size;
    }
    while (last > 1 && after < k->size && k->data[after] >= 0x80) {
      hb_seen d = hb_see(k, after);
      m = hb_mapping_of(k, d);
      if (starts(k, after)) break;
      last = last_class(k, last, d, m);
      after += d.size;
    }
    if (!hb_segment(k, boundary, after)) return 0;
    boundary = at = after, last = 0;
  }
}
