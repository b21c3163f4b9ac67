/* What the normal forms' loops share: a string being worked on, the map that is made of it, its characters. */
#ifndef HOMEBODY_TEXT_FORMS_H
#define HOMEBODY_TEXT_FORMS_H

#include "text_normalize.h"
#include "text_segment.h"

typedef struct {
  hb_writer w;
  int32_t form;
  uint32_t stop;  /* flags of the characters that a form has to look at */
  uint32_t no;    /* of those that it never leaves as they are */
  const uint8_t *data;
  size_t size;
  size_t copied;  /* bytes of the source that are dealt with */
  size_t begun;   /* byte of `out` at which this string's result begins */
  hb_map_row *rows;
  size_t row_count, row_used, row_begun;
  int apart;      /* the map's next row continues none */
} hb_work;

/* The loops, over one string; 0 when there is no room. */
int hb_compose(hb_work *k);   /* text_compose.c */
int hb_decompose(hb_work *k); /* text_decompose.c */

/* ---- the map ---- */

static inline int hb_map_step(hb_work *k, size_t from, size_t to, size_t from_step, size_t to_step) {
  if (k->rows == NULL) return 1;
  if (to_step == 0) {
    k->apart = 1;
    return 1;
  }
  if (!k->apart && k->row_used > k->row_begun) {
    const hb_map_row *last = k->rows + k->row_used - 1;
    if ((size_t)last->to_step == to_step && (size_t)last->from_step == from_step) return 1;
  }
  if (k->row_used == k->row_count) return 0;
  k->rows[k->row_used++] = (hb_map_row){(int32_t)to, (int32_t)from, (int32_t)to_step, (int32_t)from_step};
  k->apart = 0;
  return 1;
}

/* Copies the source up to `until`, which is normal. */
static inline int hb_unchanged(hb_work *k, size_t until) {
  size_t bytes = until - k->copied;
  if (bytes == 0) return 1;
  if (k->w.size - k->w.used < bytes || !hb_map_step(k, k->copied, k->w.used - k->begun, 1, 1)) return 0;
  const uint8_t *from = k->data + k->copied;
  uint8_t *to = k->w.out + k->w.used;
  if (k->form == HB_FORM_CASE_FOLD) {
    for (size_t i = 0; i < bytes; i++) to[i] = from[i] + (uint8_t)((uint8_t)(from[i] - 'A') < 26 ? 32 : 0);
  } else if (bytes <= 16) { /* what stands between changes is short */
    for (size_t i = 0; i < bytes; i++) to[i] = from[i];
  } else {
    __builtin_memcpy(to, from, bytes);
  }
  k->w.used += bytes;
  k->copied = until;
  return 1;
}

/* Has been written from `to` of `out` on, for the source up to `until`. */
static inline int hb_changed(hb_work *k, size_t until, size_t to) {
  if (!hb_map_step(k, k->copied, to - k->begun, until - k->copied, k->w.used - to)) return 0;
  k->copied = until;
  return 1;
}

/* Leaves the source up to `until` out. */
static inline int hb_left_out(hb_work *k, size_t until) {
  k->apart = 1;
  k->copied = until;
  return 1;
}

/* Writes the stretch from `from` to `until` anew; when it comes out as it was, as unchanged. */
static inline int hb_segment(hb_work *k, size_t from, size_t until) {
  if (!hb_unchanged(k, from)) return 0;
  size_t to = k->w.used;
  if (!hb_write_segment(&k->w, k->data + from, k->data + until)) return 0;
  size_t bytes = k->w.used - to;
  if (bytes == 0) return hb_left_out(k, until);
  if (bytes == until - from) {
    size_t i = 0;
    while (i < bytes && k->w.out[to + i] == k->data[from + i]) i++;
    if (i == bytes) {
      k->w.used = to;
      return 1; /* is copied with what follows */
    }
  }
  return hb_changed(k, until, to);
}

/* One code point for the bytes from `from` to `until`. */
static inline int hb_replaced(hb_work *k, size_t from, size_t until, uint32_t code) {
  if (!hb_unchanged(k, from)) return 0;
  size_t to = k->w.used;
  return hb_write(&k->w, code) && hb_changed(k, until, to);
}

/* ---- characters ---- */

typedef struct {
  uint32_t code, size, flags;
  int malformed; /* and, if `code` is 0, left out */
} hb_seen;

static inline hb_seen hb_see(const hb_work *k, size_t at) {
  hb_char c = hb_utf8_decode(k->data + at, k->size - at);
  hb_seen seen = {c.code, c.size, 0, 0};
  if (c.code == HB_REPLACEMENT && hb_utf8_malformed(k->data + at, c)) seen.malformed = 1, seen.code = k->w.replacement;
  seen.flags = hb_unicode_of(&k->w.unicode, seen.code)->flags;
  return seen;
}

static inline hb_unicode_mapping hb_mapping_of(const hb_work *k, hb_seen c) {
  if (c.malformed && c.code == 0) return (hb_unicode_mapping){.found = 1, .behaves = HB_MAPPING_COMPOSES_FORWARD};
  if (!(c.flags & k->no) && c.code < 0xA0) return (hb_unicode_mapping){0};
  return hb_unicode_map(&k->w.unicode, k->w.mapping, c.code);
}

/* Whether a stretch can begin here, and whether one can end after it, when composing. */
static inline int hb_begins(const hb_work *k, size_t at) {
  if (at == k->size) return 1;
  if (k->data[at] < 0x80) return 1;
  hb_seen c = hb_see(k, at);
  hb_unicode_mapping m = hb_mapping_of(k, c);
  if (m.found) return m.size && m.first_class == 0 && !(m.behaves & HB_MAPPING_COMPOSES_BACK);
  return !(c.flags & (HB_UNICODE_NONSTARTER | HB_UNICODE_COMPOSES_BACK));
}

static inline int hb_ends(const hb_work *k, hb_seen c) {
  hb_unicode_mapping m = hb_mapping_of(k, c);
  return !(m.found ? m.behaves & HB_MAPPING_COMPOSES_FORWARD : c.flags & HB_UNICODE_COMPOSES_FORWARD);
}

/* Where the character before `at` begins; `at` is a boundary of characters beyond `first`. */
static inline size_t hb_before(const hb_work *k, size_t first, size_t at) {
  size_t p = at - 1;
  while (p > first && at - p < 4 && (k->data[p] & 0xC0) == 0x80) p--;
  /* Malformed bytes may look like a lead: what begins at p has to end at `at`. */
  while (p < at - 1 && p + hb_utf8_decode(k->data + p, k->size - p).size < at) p++;
  return p;
}

/* The first character from `at` on that the form has to look at, its place in *at; `size` when there is none.
 * What is not UTF-8 is one. */
static inline hb_seen hb_scan(const hb_work *k, size_t *at) {
  const uint8_t *data = k->data;
  size_t p = *at, size = k->size;
  while (p < size) {
    if (data[p] < 0x80) {
      p += 1 + hb_ascii_prefix(data + p + 1, size - p - 1);
      continue;
    }
    hb_char c = hb_utf8_decode(data + p, size - p);
    if (c.code == HB_REPLACEMENT || hb_unicode_page_flags(&k->w.unicode, c.code) & k->stop) {
      hb_seen seen = hb_see(k, p);
      if (seen.malformed || seen.flags & k->stop) {
        *at = p;
        return seen;
      }
    }
    p += c.size;
  }
  *at = size;
  return (hb_seen){0};
}

#endif
