/* Normal forms (Unicode Standard Annex #15): what is normal already is copied as it stands; only the stretches
 * that are not are decomposed and composed, from one boundary to the next.
 *
 * Which stretches those are decides how fine the map is. They are ICU's (normalizer2impl.cpp, composeUTF8 and
 * decomposeUTF8), so that source offsets are TF.Text's, but for one thing: where ICU takes a character that is
 * another's double (U+1F73) to join with what is behind, we know that it cannot. */
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

/* ---- the map ---- */

static int map_step(hb_work *k, size_t from, size_t to, size_t from_step, size_t to_step) {
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
static int unchanged(hb_work *k, size_t until) {
  size_t bytes = until - k->copied;
  if (bytes == 0) return 1;
  if (k->w.size - k->w.used < bytes || !map_step(k, k->copied, k->w.used - k->begun, 1, 1)) return 0;
  const uint8_t *from = k->data + k->copied;
  uint8_t *to = k->w.out + k->w.used;
  if (k->form == HB_FORM_CASE_FOLD) {
    for (size_t i = 0; i < bytes; i++) to[i] = from[i] + (uint8_t)((uint8_t)(from[i] - 'A') < 26 ? 32 : 0);
  } else {
    __builtin_memcpy(to, from, bytes);
  }
  k->w.used += bytes;
  k->copied = until;
  return 1;
}

/* Has been written from `to` of `out` on, for the source up to `until`. */
static int changed(hb_work *k, size_t until, size_t to) {
  if (!map_step(k, k->copied, to - k->begun, until - k->copied, k->w.used - to)) return 0;
  k->copied = until;
  return 1;
}

/* Leaves the source up to `until` out. */
static int left_out(hb_work *k, size_t until) {
  k->apart = 1;
  k->copied = until;
  return 1;
}

/* Writes the stretch from `from` to `until` anew; when it comes out as it was, as unchanged. */
static int segment(hb_work *k, size_t from, size_t until) {
  if (!unchanged(k, from)) return 0;
  size_t to = k->w.used;
  if (!hb_write_segment(&k->w, k->data + from, k->data + until)) return 0;
  size_t bytes = k->w.used - to;
  if (bytes == 0) return left_out(k, until);
  if (bytes == until - from) {
    size_t i = 0;
    while (i < bytes && k->w.out[to + i] == k->data[from + i]) i++;
    if (i == bytes) {
      k->w.used = to;
      return 1; /* is copied with what follows */
    }
  }
  return changed(k, until, to);
}

/* One code point for the bytes from `from` to `until`. */
static int replaced(hb_work *k, size_t from, size_t until, uint32_t code) {
  if (!unchanged(k, from)) return 0;
  size_t to = k->w.used;
  return hb_write(&k->w, code) && changed(k, until, to);
}

/* ---- characters ---- */

typedef struct {
  uint32_t code, size, flags;
  int malformed; /* and, if `code` is 0, left out */
} hb_seen;

static inline hb_seen see(const hb_work *k, size_t at) {
  hb_char c = hb_utf8_decode(k->data + at, k->size - at);
  hb_seen seen = {c.code, c.size, 0, 0};
  if (c.code == HB_REPLACEMENT && hb_utf8_malformed(k->data + at, c)) seen.malformed = 1, seen.code = k->w.replacement;
  seen.flags = hb_unicode_of(&k->w.unicode, seen.code)->flags;
  return seen;
}

static inline hb_unicode_mapping mapping_of(const hb_work *k, hb_seen c) {
  if (c.malformed && c.code == 0) return (hb_unicode_mapping){.found = 1, .behaves = HB_MAPPING_COMPOSES_FORWARD};
  if (!(c.flags & k->no) && c.code < 0xA0) return (hb_unicode_mapping){0};
  return hb_unicode_map(&k->w.unicode, k->w.mapping, c.code);
}

/* Whether a stretch can begin here, and whether one can end after it, when composing. */
static int begins(const hb_work *k, size_t at) {
  if (at == k->size) return 1;
  if (k->data[at] < 0x80) return 1;
  hb_seen c = see(k, at);
  hb_unicode_mapping m = mapping_of(k, c);
  if (m.found) return m.size && m.first_class == 0 && !(m.behaves & HB_MAPPING_COMPOSES_BACK);
  return !(c.flags & (HB_UNICODE_NONSTARTER | HB_UNICODE_COMPOSES_BACK));
}

static int ends(const hb_work *k, hb_seen c) {
  hb_unicode_mapping m = mapping_of(k, c);
  return !(m.found ? m.behaves & HB_MAPPING_COMPOSES_FORWARD : c.flags & HB_UNICODE_COMPOSES_FORWARD);
}

/* Where the character before `at` begins; `at` is a boundary of characters beyond `first`. */
static size_t before(const hb_work *k, size_t first, size_t at) {
  size_t p = at - 1;
  while (p > first && at - p < 4 && (k->data[p] & 0xC0) == 0x80) p--;
  /* Malformed bytes may look like a lead: what begins at p has to end at `at`. */
  while (p < at - 1 && p + hb_utf8_decode(k->data + p, k->size - p).size < at) p++;
  return p;
}

/* The first character from `at` on that the form has to look at, its place in *at; `size` when there is none.
 * What is not UTF-8 is one. */
static inline hb_seen scan(const hb_work *k, size_t *at) {
  const uint8_t *data = k->data;
  size_t p = *at, size = k->size;
  while (p < size) {
    if (data[p] < 0x80) {
      p += 1 + hb_ascii_prefix(data + p + 1, size - p - 1);
      continue;
    }
    hb_seen c = see(k, p);
    if (c.malformed || c.flags & k->stop) {
      *at = p;
      return c;
    }
    p += c.size;
  }
  *at = size;
  return (hb_seen){0};
}

/* ---- the loops, over one string; 0 when there is no room ---- */

/* A conjoining vowel or tail whose lead or syllable may stand in the three bytes before it: writes the syllable
 * that they make, *after moved behind it. -1 when they make none. */
static int hangul(hb_work *k, hb_seen c, size_t at, size_t *after) {
  hb_char last = hb_utf8_decode(k->data + at - 3, 3);
  uint32_t tail = c.code - HB_HANGUL_TAIL, syllable;
  if (last.size != 3) return -1;
  if (c.code - HB_HANGUL_VOWEL < 21) {
    if (last.code - HB_HANGUL_LEAD >= 19) return -1;
    hb_seen next = *after < k->size ? see(k, *after) : (hb_seen){0};
    tail = next.code - HB_HANGUL_TAIL;
    if (tail - 1 < 27) {
      *after += next.size;
    } else {
      if (!begins(k, *after)) return -1;
      tail = 0;
    }
    syllable = HB_HANGUL_FIRST + ((last.code - HB_HANGUL_LEAD) * 21 + c.code - HB_HANGUL_VOWEL) * 28 + tail;
  } else {
    if (tail - 1 >= 27 || !hb_is_hangul(last.code) || (last.code - HB_HANGUL_FIRST) % 28) return -1;
    syllable = last.code + tail;
  }
  return replaced(k, at - 3, *after, syllable);
}

static int compose(hb_work *k) {
  size_t at = k->copied;
  for (;;) {
    hb_seen c = scan(k, &at);
    if (at == k->size) return unchanged(k, k->size);
    size_t after = at + c.size;
    if (c.malformed && c.code && !(c.flags & k->stop)) {
      if (!replaced(k, at, after, c.code)) return 0;
      at = after;
      continue;
    }
    hb_unicode_mapping m = mapping_of(k, c);
    if ((c.malformed || c.flags & k->no) && m.found) {
      if (m.size == 0) { /* left out; alone, if what stands around it cannot join */
        size_t p = k->copied < at ? before(k, k->copied, at) : at;
        if (begins(k, after) || (p < at && ends(k, see(k, p)))) {
          if (!unchanged(k, at)) return 0;
          left_out(k, after);
          at = after;
          continue;
        }
      } else if (m.first_class == 0 && !(m.behaves & (HB_MAPPING_COMPOSES_BACK | HB_MAPPING_RECOMPOSES)) &&
                 (!(m.behaves & HB_MAPPING_COMPOSES_FORWARD) || begins(k, after))) {
        if (!unchanged(k, at)) return 0;
        size_t to = k->w.used;
        for (uint32_t i = 0; i < m.size; i++)
          if (!hb_write(&k->w, m.points[i])) return 0;
        if (!changed(k, after, to)) return 0;
        at = after;
        continue;
      }
    } else if (c.code - HB_HANGUL_VOWEL < 21 || c.code - HB_HANGUL_TAIL - 1 < 27) {
      if (at - k->copied >= 3) {
        int done = hangul(k, c, at, &after);
        if (done == 0) return 0;
        if (done == 1) {
          at = after;
          continue;
        }
      }
    } else if (!(c.flags & HB_UNICODE_COMPOSES_BACK)) { /* a mark that joins nothing: fine if in order */
      uint32_t last = hb_unicode_of(&k->w.unicode, c.code)->combining, now = last;
      size_t next = after;
      while (next < k->size && k->data[next] >= 0x80) {
        hb_seen d = see(k, next);
        if (d.malformed || d.flags & (HB_UNICODE_COMPOSES_BACK | k->no) || !(d.flags & HB_UNICODE_NONSTARTER)) break;
        now = hb_unicode_of(&k->w.unicode, d.code)->combining;
        next += d.size;
        if (now < last) break;
        last = now;
        after = next;
      }
      if (now >= last && begins(k, next)) {
        at = after;
        continue;
      }
      after = next;
    }
    size_t from = at;
    if (k->copied < at && !begins(k, at)) {
      size_t p = before(k, k->copied, at);
      if (!ends(k, see(k, p))) from = p;
    }
    while (after < k->size && !begins(k, after)) {
      hb_seen d = see(k, after);
      m = mapping_of(k, d);
      after += d.size;
      if (m.found && !(m.behaves & HB_MAPPING_COMPOSES_FORWARD) && !(d.flags & HB_UNICODE_COMPOSES_BACK)) break;
    }
    if (!segment(k, from, after)) return 0;
    at = after;
  }
}

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

static int decompose(hb_work *k) {
  size_t boundary = k->copied, at = boundary;
  uint32_t last = 0;
  for (;;) {
    size_t from = at;
    hb_seen c = scan(k, &at);
    if (at == k->size) return unchanged(k, k->size);
    if (at > from) boundary = at, last = 0;
    size_t after = at + c.size;
    if (c.malformed && c.code && !(c.flags & k->stop)) {
      if (!replaced(k, at, after, c.code)) return 0;
      boundary = at = after, last = 0;
      continue;
    }
    hb_unicode_mapping m = mapping_of(k, c);
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
    last = 0;
    for (size_t p = boundary; p < after;) {
      hb_seen d = see(k, p);
      last = last_class(k, last, d, mapping_of(k, d));
      p += d.size;
    }
    while (last > 1 && after < k->size && k->data[after] >= 0x80) {
      hb_seen d = see(k, after);
      m = mapping_of(k, d);
      if (m.found ? m.size && m.first_class == 0 : hb_unicode_of(&k->w.unicode, d.code)->combining == 0) break;
      last = last_class(k, last, d, m);
      after += d.size;
    }
    if (!segment(k, boundary, after)) return 0;
    boundary = at = after, last = 0;
  }
}

/* Forms that look at one character at a time. */
static int character_by_character(hb_work *k) {
  size_t at = k->copied;
  while (at < k->size) {
    if (k->form == HB_FORM_VALID && k->data[at] < 0x80) {
      at += 1 + hb_ascii_prefix(k->data + at + 1, k->size - at - 1);
      continue;
    }
    hb_seen c = see(k, at);
    uint32_t code = c.code;
    size_t after = at + c.size;
    int drop = c.malformed && code == 0;
    if (k->form == HB_FORM_CLEAN_TF && !drop) {
      uint32_t category = hb_unicode_of(&k->w.unicode, code)->category;
      if (category == HB_CATEGORY_CC || category == HB_CATEGORY_CF) code = ' ';
    } else if (k->form == HB_FORM_CLEAN_HF) {
      if (code == 0 || code == HB_REPLACEMENT || c.flags & HB_UNICODE_HF_CONTROL) {
        drop = 1;
      } else if (c.flags & HB_UNICODE_WHITE_SPACE) {
        code = ' ';
      }
    }
    if (drop) {
      if (!unchanged(k, at)) return 0;
      left_out(k, after);
    } else if ((c.malformed || code != c.code) && !replaced(k, at, after, code)) {
      return 0;
    }
    at = after;
  }
  return unchanged(k, k->size);
}

/* ---- from outside ---- */

static void prepare(hb_work *k, const uint8_t *tables, int32_t form, uint32_t replacement) {
  static const struct {
    uint32_t no;
    uint8_t mapping, compose;
  } forms[] = {
      {HB_UNICODE_NFC_NO, HB_UNICODE_NFD, 1},   {HB_UNICODE_NFD_NO, HB_UNICODE_NFD, 0},
      {HB_UNICODE_NFKC_NO, HB_UNICODE_NFKD, 1}, {HB_UNICODE_NFKD_NO, HB_UNICODE_NFKD, 0},
      {HB_UNICODE_FOLD_NO, HB_UNICODE_FOLD_NFD, 1}, {HB_UNICODE_NFD_NO, HB_UNICODE_NFD, 0},
      {0, 0, 0}, {0, 0, 0}, {0, 0, 0},
  };
  *k = (hb_work){.form = form, .no = forms[form].no};
  k->w.unicode = hb_unicode_open(tables);
  k->w.mapping = forms[form].mapping;
  k->w.compose = forms[form].compose;
  k->w.replacement = replacement;
  k->stop = k->no | HB_UNICODE_NONSTARTER | (k->w.compose ? HB_UNICODE_COMPOSES_BACK : 0);
  if (form == HB_FORM_STRIP_ACCENTS) {
    k->w.leave_out = 1u << HB_CATEGORY_MN;
    k->stop |= HB_UNICODE_NONSPACING;
  }
}

size_t hb_text_is_normal(const uint8_t *tables, int32_t form, const hb_string *strings, size_t first, size_t count) {
  hb_work k;
  if (form < 0 || form >= HB_FORMS) return first;
  prepare(&k, tables, form, HB_REPLACEMENT);
  for (; first < count; first++) {
    k.data = strings[first].data, k.size = strings[first].size;
    if (k.form == HB_FORM_CASE_FOLD) {
      size_t i = 0;
      while (i < k.size && (uint8_t)(k.data[i] - 'A') >= 26) i++;
      if (i < k.size) return first;
    }
    if (form >= HB_FORM_CLEAN_TF) {
      for (size_t at = 0; at < k.size;) {
        if (form == HB_FORM_VALID && k.data[at] < 0x80) {
          at += 1 + hb_ascii_prefix(k.data + at + 1, k.size - at - 1);
          continue;
        }
        hb_seen c = see(&k, at);
        uint32_t category = hb_unicode_of(&k.w.unicode, c.code)->category;
        if (c.malformed ||
            (form == HB_FORM_CLEAN_TF && (category == HB_CATEGORY_CC || category == HB_CATEGORY_CF)) ||
            (form == HB_FORM_CLEAN_HF && c.code != ' ' &&
             (c.code == 0 || c.code == HB_REPLACEMENT || c.flags & (HB_UNICODE_HF_CONTROL | HB_UNICODE_WHITE_SPACE))))
          return first;
        at += c.size;
      }
      continue;
    }
    size_t at = 0, from = 0;
    uint32_t last = 0;
    for (;;) {
      hb_seen c = scan(&k, &at);
      if (at == k.size) break;
      if (c.malformed || !(c.flags & HB_UNICODE_NONSTARTER) ||
          c.flags & (k.no | HB_UNICODE_NONSPACING * (form == HB_FORM_STRIP_ACCENTS) |
                     (k.w.compose ? HB_UNICODE_COMPOSES_BACK : 0)))
        return first;
      uint32_t combining = hb_unicode_of(&k.w.unicode, c.code)->combining;
      if (at == from && combining < last) return first;
      last = combining;
      at += c.size;
      from = at;
    }
  }
  return count;
}

int32_t hb_text_normalize(const uint8_t *tables, int32_t form, uint32_t replacement, const hb_string *strings,
                          size_t count, uint8_t *out, size_t out_size, int64_t *offsets, hb_map_row *rows,
                          size_t row_count, int64_t *row_splits, hb_progress *progress) {
  hb_work k;
  if (form < 0 || form >= HB_FORMS || replacement >= HB_CODE_POINTS || (replacement & 0xFFFFF800u) == 0xD800)
    return HB_BAD_ARGUMENT;
  if (progress->string < 0 || (size_t)progress->string > count || progress->out < 0 ||
      (size_t)progress->out > out_size || progress->rows < 0 || (rows && (size_t)progress->rows > row_count))
    return HB_BAD_ARGUMENT;
  /* The forms take for granted that what stands for malformed bytes joins nothing. */
  if (form < HB_FORM_CLEAN_TF && replacement != 0 && replacement != HB_REPLACEMENT) return HB_BAD_ARGUMENT;
  prepare(&k, tables, form, replacement);
  k.w.out = out, k.w.size = out_size;
  k.rows = rows, k.row_count = row_count;
  if (progress->string == 0) {
    offsets[0] = 0;
    if (rows) row_splits[0] = 0;
  }
  while ((size_t)progress->string < count) {
    size_t i = (size_t)progress->string;
    k.data = strings[i].data, k.size = strings[i].size;
    k.w.used = (size_t)progress->out, k.row_used = (size_t)progress->rows;
    k.copied = 0, k.begun = k.w.used, k.row_begun = k.row_used, k.apart = 1;
    if (k.size > HB_MAX_TEXT) return HB_BAD_ARGUMENT;
    int done = form >= HB_FORM_CLEAN_TF ? character_by_character(&k) : k.w.compose ? compose(&k) : decompose(&k);
    size_t length = k.w.used - k.begun;
    if (done && length > HB_MAX_TEXT) return HB_BAD_ARGUMENT;
    if (done && rows) {
      done = k.row_used < k.row_count;
      if (done) k.rows[k.row_used++] = (hb_map_row){(int32_t)length, (int32_t)k.size, 0, 0};
    }
    if (!done) return HB_SHORT_BUFFER;
    progress->string++;
    progress->out = offsets[i + 1] = (int64_t)k.w.used;
    progress->rows = (int64_t)k.row_used;
    if (rows) row_splits[i + 1] = (int64_t)k.row_used;
  }
  return HB_OK;
}

int32_t hb_text_source_offsets(const hb_map_row *rows, const int64_t *row_splits, const int64_t *splits, size_t count,
                               int64_t *offsets) {
  for (size_t i = 0; i < count; i++) {
    const hb_map_row *first = rows + row_splits[i];
    size_t n = (size_t)(row_splits[i + 1] - row_splits[i]), at = 0;
    if (n == 0) return HB_BAD_ARGUMENT;
    for (int64_t j = splits[i]; j < splits[i + 1]; j++) {
      int64_t offset = offsets[j];
      if (offset < 0) {
        offsets[j] = 0;
        continue;
      }
      /* Offsets mostly ascend: a step or two from the last row; else halve. */
      if (first[at].to > offset) at = 0;
      for (int steps = 0; steps < 4 && at + 1 < n && first[at + 1].to <= offset; steps++) at++;
      if (at + 1 < n && first[at + 1].to <= offset) {
        size_t low = at + 1, high = n; /* first[low].to <= offset < first[high].to */
        while (high - low > 1) {
          size_t middle = low + (high - low) / 2;
          if (first[middle].to <= offset) {
            low = middle;
          } else {
            high = middle;
          }
        }
        at = low;
      }
      hb_map_row row = first[at];
      int64_t past = offset - row.to;
      offsets[j] = row.to_step == 0 ? row.from : row.from + row.from_step * ((past + row.to_step - 1) / row.to_step);
    }
  }
  return HB_OK;
}
