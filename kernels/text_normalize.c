/* Normal forms (Unicode Standard Annex #15), from outside; and the forms that look at one character at a time. */
#include "text_forms.h"

/* Forms that look at one character at a time. */
static int character_by_character(hb_work *k) {
  size_t at = k->copied;
  while (at < k->size) {
    if (k->form == HB_FORM_VALID && k->data[at] < 0x80) {
      at += 1 + hb_ascii_prefix(k->data + at + 1, k->size - at - 1);
      continue;
    }
    if (k->data[at] >= ' ' && k->data[at] < 0x7F) { /* no form changes these */
      at++;
      continue;
    }
    hb_seen c = hb_see(k, at);
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
      if (!hb_unchanged(k, at)) return 0;
      hb_left_out(k, after);
    } else if ((c.malformed || code != c.code) && !hb_replaced(k, at, after, code)) {
      return 0;
    }
    at = after;
  }
  return hb_unchanged(k, k->size);
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

size_t hb_text_is_normal(const uint8_t *tables, int32_t form, const hb_string *strings, size_t first,
                         size_t count) {
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
        hb_seen c = hb_see(&k, at);
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
      hb_seen c = hb_scan(&k, &at);
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
                          size_t count, size_t normal, uint8_t *out, size_t out_size, int64_t *offsets,
                          hb_map_row *rows, size_t row_count, int64_t *row_splits, hb_normalized *progress) {
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
    int done = i < normal                 ? hb_unchanged(&k, k.size)
               : form >= HB_FORM_CLEAN_TF ? character_by_character(&k)
               : k.w.compose              ? hb_compose(&k)
                                          : hb_decompose(&k);
    size_t length = k.w.used - k.begun;
    if (done && length > HB_MAX_TEXT) return HB_BAD_ARGUMENT;
    if (done && rows) {
      done = k.row_used < k.row_count;
      if (done) k.rows[k.row_used++] = (hb_map_row){(int32_t)length, (int32_t)k.size, 0, 0};
    }
    if (!done) return rows && k.row_used == k.row_count ? HB_SHORT_MAP : HB_SHORT_BUFFER;
    progress->string++;
    progress->out = offsets[i + 1] = (int64_t)k.w.used;
    progress->rows = (int64_t)k.row_used;
    if (rows) row_splits[i + 1] = (int64_t)k.row_used;
  }
  return HB_OK;
}

int32_t hb_text_source_offsets(const hb_map_row *rows, const int64_t *row_splits, const int64_t *splits,
                               size_t count, int64_t *offsets) {
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
