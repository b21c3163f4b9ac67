/* NFC, NFKC and NFKC_Casefold: only the stretches that are not in the form are decomposed and composed, from
 * one boundary to the next.
 *
 * Which stretches those are decides how fine the map is. They are ICU's (normalizer2impl.cpp, composeUTF8), so
 * that source offsets are TF.Text's. */
#include "text_forms.h"

/* A conjoining vowel or tail whose lead or syllable may stand in the three bytes before it: writes the syllable
 * that they make, *after moved behind it. -1 when they make none. */
static int hangul(hb_work *k, hb_seen c, size_t at, size_t *after) {
  hb_char last = hb_utf8_decode(k->data + at - 3, 3);
  uint32_t tail = c.code - HB_HANGUL_TAIL, syllable;
  if (last.size != 3) return -1;
  if (c.code - HB_HANGUL_VOWEL < 21) {
    if (last.code - HB_HANGUL_LEAD >= 19) return -1;
    hb_seen next = *after < k->size ? hb_see(k, *after) : (hb_seen){0};
    tail = next.code - HB_HANGUL_TAIL;
    if (tail - 1 < 27) {
      *after += next.size;
    } else {
      if (!hb_begins(k, *after)) return -1;
      tail = 0;
    }
    syllable = HB_HANGUL_FIRST + ((last.code - HB_HANGUL_LEAD) * 21 + c.code - HB_HANGUL_VOWEL) * 28 + tail;
  } else {
    if (tail - 1 >= 27 || !hb_is_hangul(last.code) || (last.code - HB_HANGUL_FIRST) % 28) return -1;
    syllable = last.code + tail;
  }
  return hb_replaced(k, at - 3, *after, syllable);
}

/* The common case of a mark that is alone on a character: writes what the two make, or leaves them. -1 when
 * they need to be looked at more closely. */
static int pair(hb_work *k, hb_seen mark, size_t at, size_t after) {
  if (at == k->copied || after - at != mark.size || mark.malformed || mark.flags & k->no ||
      !(mark.flags & HB_UNICODE_NONSTARTER) || !hb_begins(k, after))
    return -1;
  size_t from = hb_before(k, k->copied, at);
  hb_seen base = hb_see(k, from);
  uint32_t combining = hb_unicode_of(&k->w.unicode, mark.code)->combining;
  if (base.malformed || base.flags & (k->no | HB_UNICODE_NONSTARTER | HB_UNICODE_COMPOSES_BACK) ||
      hb_is_hangul(base.code) || hb_mapping_of(k, base).last_class > combining)
    return -1;
  uint32_t composed = hb_unicode_compose(&k->w.unicode, base.code, mark.code);
  return composed ? hb_replaced(k, from, after, composed) : 1;
}

int hb_compose(hb_work *k) {
  size_t at = k->copied;
  for (;;) {
    hb_seen c = hb_scan(k, &at);
    if (at == k->size) return hb_unchanged(k, k->size);
    size_t after = at + c.size;
    if (c.malformed && c.code && !(c.flags & k->stop)) {
      if (!hb_replaced(k, at, after, c.code)) return 0;
      at = after;
      continue;
    }
    hb_unicode_mapping m = hb_mapping_of(k, c);
    if ((c.malformed || c.flags & k->no) && m.found) {
      if (m.size == 0) { /* left out; alone, if what stands around it cannot join */
        size_t p = k->copied < at ? hb_before(k, k->copied, at) : at;
        if (hb_begins(k, after) || (p < at && hb_ends(k, hb_see(k, p)))) {
          if (!hb_unchanged(k, at)) return 0;
          hb_left_out(k, after);
          at = after;
          continue;
        }
      } else if (m.first_class == 0 && !(m.behaves & (HB_MAPPING_COMPOSES_BACK | HB_MAPPING_RECOMPOSES)) &&
                 (!(m.behaves & HB_MAPPING_COMPOSES_FORWARD) || hb_begins(k, after))) {
        if (!hb_unchanged(k, at)) return 0;
        size_t to = k->w.used;
        for (uint32_t i = 0; i < m.size; i++)
          if (!hb_write(&k->w, m.points[i])) return 0;
        if (!hb_changed(k, after, to)) return 0;
        at = after;
        continue;
      }
    } else if (c.code - HB_HANGUL_VOWEL < 21 || c.code - HB_HANGUL_TAIL - 1 < 27) {
      if (at - k->copied >= 3) {
        int made = hangul(k, c, at, &after);
        if (made == 0) return 0;
        if (made == 1) {
          at = after;
          continue;
        }
      }
    } else if (!(c.flags & HB_UNICODE_COMPOSES_BACK)) { /* a mark that joins nothing: fine if in order */
      uint32_t last = hb_unicode_of(&k->w.unicode, c.code)->combining, now = last;
      size_t next = after;
      while (next < k->size && k->data[next] >= 0x80) {
        hb_seen d = hb_see(k, next);
        if (d.malformed || d.flags & (HB_UNICODE_COMPOSES_BACK | k->no) || !(d.flags & HB_UNICODE_NONSTARTER)) break;
        now = hb_unicode_of(&k->w.unicode, d.code)->combining;
        next += d.size;
        if (now < last) break;
        last = now;
        after = next;
      }
      if (now >= last && hb_begins(k, next)) {
        at = after;
        continue;
      }
      after = next;
    }
    int done = pair(k, c, at, after);
    if (done == 0) return 0;
    if (done == 1) {
      at = after;
      continue;
    }
    size_t from = at;
    if (k->copied < at && !hb_begins(k, at)) {
      size_t p = hb_before(k, k->copied, at);
      if (!hb_ends(k, hb_see(k, p))) from = p;
    }
    while (after < k->size && !hb_begins(k, after)) {
      hb_seen d = hb_see(k, after);
      m = hb_mapping_of(k, d);
      after += d.size;
      if (m.found && !(m.behaves & HB_MAPPING_COMPOSES_FORWARD) && !(d.flags & HB_UNICODE_COMPOSES_BACK)) break;
    }
    if (!hb_segment(k, from, after)) return 0;
    at = after;
  }
}
