#include "text_classes.h"

static uint32_t decompose(const hb_unicode *unicode, uint32_t mapping, uint32_t code, uint32_t *out) {
  if (hb_is_hangul(code)) return hb_hangul_decompose(code, out);
  hb_unicode_mapping found = hb_unicode_map(unicode, mapping, code);
  if (!found.found) {
    out[0] = code;
    return 1;
  }
  for (uint32_t i = 0; i < found.size; i++) out[i] = found.points[i];
  return found.size;
}

static uint32_t normalize_tf(const hb_unicode *unicode, uint32_t rules, uint32_t code, uint32_t *out) {
  uint32_t points[18], count = 1, kept = 0;
  points[0] = code;
  if (rules & HB_RULES_FOLD) count = decompose(unicode, HB_UNICODE_FOLD_NFD, code, points);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t category = hb_unicode_of(unicode, points[i])->category;
    if (rules & HB_RULES_CONTROL && (category == HB_CATEGORY_CC || category == HB_CATEGORY_CF)) points[i] = ' ';
    if (!hb_rules_strips(unicode, rules, points[i])) out[kept++] = points[i];
  }
  return kept;
}

static uint32_t normalize_hf(const hb_unicode *unicode, uint32_t rules, uint32_t code, uint32_t *out) {
  uint32_t points[18], count = 1, kept = 0;
  uint32_t flags = hb_unicode_of(unicode, code)->flags;
  points[0] = code;
  if (rules & HB_RULES_HF_CLEAN) {
    if (code == 0 || code == HB_REPLACEMENT || flags & HB_UNICODE_HF_CONTROL) return 0;
    if (flags & HB_UNICODE_WHITE_SPACE) points[0] = ' ';
  }
  if (rules & HB_RULES_HF_STRIP && !(flags & HB_UNICODE_AFTER_9))
    count = decompose(unicode, HB_UNICODE_NFD, points[0], points);
  for (uint32_t i = 0; i < count; i++) {
    if (hb_rules_strips(unicode, rules, points[i])) continue;
    hb_unicode_mapping lower = {0};
    if (rules & HB_RULES_HF_LOWER) lower = hb_unicode_map(unicode, HB_UNICODE_LOWER, points[i]);
    if (!lower.found) out[kept++] = points[i];
    for (uint32_t k = 0; k < lower.size && k < 3; k++) out[kept++] = lower.points[k];
  }
  return kept;
}

uint32_t hb_rules_normalize(const hb_unicode *unicode, uint32_t rules, uint32_t code, uint32_t out[HB_MOST_NORMAL]) {
  return rules & HB_RULES_HF ? normalize_hf(unicode, rules, code, out) : normalize_tf(unicode, rules, code, out);
}

static int is_space(const hb_unicode *unicode, uint32_t rules, uint32_t code) {
  if (rules & HB_RULES_ASCII_SPACE) return code == ' ' || code == '\t' || code == '\n' || code == '\f' || code == '\r';
  return (hb_unicode_of(unicode, code)->flags & HB_UNICODE_WHITE_SPACE) != 0;
}

/* The list of `hf` has one number mistyped: it begins at 2B920 where BERT's own begins at 2B820. */
#define MISTYPED_FIRST 0x2B820u
#define MISTYPED_END 0x2B920u

static int is_ideograph(const hb_unicode *unicode, uint32_t rules, uint32_t code) {
  if (!(hb_unicode_of(unicode, code)->flags & HB_UNICODE_BERT_CJK)) return 0;
  if (!(rules & HB_RULES_HF)) return 1;
  return rules & HB_RULES_HF_IDEOGRAPHS && !(code >= MISTYPED_FIRST && code < MISTYPED_END);
}

/* What a code point is in normalized text. */
static uint32_t result_class(const hb_unicode *unicode, uint32_t rules, uint32_t code) {
  if (rules & HB_RULES_WHOLE) return HB_WORD_PART;
  if (is_space(unicode, rules, code)) return HB_WORD_SPACE;
  uint32_t punctuation = rules & HB_RULES_HF ? HB_UNICODE_HF_PUNCTUATION : HB_UNICODE_BERT_PUNCTUATION;
  int alone = hb_unicode_of(unicode, code)->flags & punctuation || is_ideograph(unicode, rules, code);
  return alone ? HB_WORD_ALONE : HB_WORD_PART;
}

static uint32_t word_class(const hb_unicode *unicode, uint32_t rules, uint32_t code) {
  uint32_t out[HB_MOST_NORMAL];
  uint32_t count = hb_rules_normalize(unicode, rules, code, out), here = HB_WORD_PART;
  uint32_t spaces = 0;
  for (uint32_t i = 0; i < count; i++) spaces += result_class(unicode, rules, out[i]) == HB_WORD_SPACE;
  if (count && spaces == count)
    here = HB_WORD_SPACE;
  else if (count == 1 && !(rules & HB_RULES_WHOLE) &&
           (result_class(unicode, rules, out[0]) == HB_WORD_ALONE || is_ideograph(unicode, rules, code)))
    here = HB_WORD_ALONE;
  uint32_t mapped = count == 1 && out[0] == code ? 0 : HB_WORD_MAPPED;
  return here | mapped | result_class(unicode, rules, code) << 3;
}

static uint32_t class_for(const hb_unicode *unicode, uint32_t question, uint32_t rules, uint32_t code) {
  if (question == HB_CLASSES_WORDS) return word_class(unicode, rules, code);
  const hb_unicode_record *record = hb_unicode_of(unicode, code);
  int space = (record->flags & HB_UNICODE_WHITE_SPACE) != 0;
  if (question == HB_CLASSES_SPACE) return (uint32_t)space;
  return !space ? record->script : record->script == 0 ? HB_SCRIPT_SPACE : HB_SCRIPT_OGHAM_SPACE;
}

#define SEEN 4096u

/* The number of an earlier page equal to the one at `page`, or `count` for a new one. */
static uint32_t find_page(const uint8_t *pages, uint32_t count, uint16_t *seen) {
  const uint8_t *page = pages + ((size_t)count << HB_CLASS_SHIFT);
  uint64_t hash = 0;
  for (uint32_t i = 0; i < 64; i += 8) hash = (hash ^ hb_load8(page + i)) * 0x9E3779B97F4A7C15u;
  for (uint32_t slot = (uint32_t)(hash >> 52);; slot = (slot + 1) % SEEN) {
    if (seen[slot] == 0) {
      seen[slot] = (uint16_t)(count + 1);
      return count;
    }
    const uint8_t *other = pages + ((size_t)(seen[slot] - 1) << HB_CLASS_SHIFT);
    uint32_t i = 0;
    while (i < 64 && hb_load8(other + i) == hb_load8(page + i)) i += 8;
    if (i == 64) return seen[slot] - 1u;
  }
}

/* Whether two pages, halves of Unicode's own alike, say the same of all their characters. */
static int alike(const hb_unicode *unicode, uint32_t page, uint32_t other) {
  uint32_t a = page >> 1, b = other >> 1;
  int same = unicode->index[a] == unicode->index[b];
  for (uint32_t i = 0; i < 5; i++) same &= unicode->map_index[i][a] == unicode->map_index[i][b];
  return same && !(page >= MISTYPED_FIRST >> HB_CLASS_SHIFT && other <= MISTYPED_END >> HB_CLASS_SHIFT);
}

size_t hb_classes_build(const uint8_t *tables, uint32_t question, uint32_t rules, uint8_t *out, size_t size) {
  if (question > HB_CLASSES_WORDS || rules > HB_RULES_ALL || (uintptr_t)out % 4) return 0;
  if (size < HB_CLASSES_HEAD + 2 * HB_CLASS_PAGES) return 0;
  hb_unicode unicode = hb_unicode_open(tables);
  uint16_t *index = (uint16_t *)(out + HB_CLASSES_HEAD);
  uint8_t *pages = out + HB_CLASSES_HEAD + 2 * HB_CLASS_PAGES;
  size_t room = (size - HB_CLASSES_HEAD - 2 * HB_CLASS_PAGES) >> HB_CLASS_SHIFT;
  uint16_t seen[SEEN] = {0};
  uint32_t count = 0;
  for (uint32_t page = 0; page < HB_CLASS_PAGES; page++) {
    if (page >= 2 && alike(&unicode, page, page - 2)) {
      index[page] = index[page - 2];
      continue;
    }
    if (count == room || count == SEEN - 1) return 0;
    for (uint32_t i = 0; i < 64; i++)
      pages[((size_t)count << HB_CLASS_SHIFT) + i] =
          (uint8_t)class_for(&unicode, question, rules, page << HB_CLASS_SHIFT | i);
    index[page] = (uint16_t)find_page(pages, count, seen);
    count += index[page] == count;
  }
  for (uint32_t i = 0; i < 256; i++) out[16 + i] = i < 128 ? (uint8_t)class_for(&unicode, question, rules, i) : HB_NOT_ASCII;
  for (uint32_t i = 0; i < 128; i++) {
    uint32_t normal[HB_MOST_NORMAL];
    int one = question == HB_CLASSES_WORDS && hb_rules_normalize(&unicode, rules, i, normal) == 1 && normal[0] < 128;
    out[16 + 256 + i] = one ? (uint8_t)normal[0] : HB_NOT_ASCII;
  }
  uint32_t *head = (uint32_t *)out;
  head[0] = HB_CLASSES_MAGIC;
  head[1] = question;
  head[2] = rules;
  head[3] = (uint32_t)(HB_CLASSES_HEAD + 2 * HB_CLASS_PAGES + ((size_t)count << HB_CLASS_SHIFT));
  return head[3];
}

size_t hb_rules_apply(const uint8_t *tables, uint32_t rules, const uint8_t *text, size_t size, uint8_t *out,
                      int32_t *from, size_t room) {
  hb_unicode unicode = hb_unicode_open(tables);
  size_t written = 0;
  for (size_t at = 0; at < size && size <= HB_MAX_TEXT;) {
    hb_char c = hb_utf8_decode(text + at, size - at);
    uint32_t normal[HB_MOST_NORMAL], count = hb_rules_normalize(&unicode, rules, c.code, normal);
    for (uint32_t i = 0; i < count; i++) {
      if (room - written < 4) return SIZE_MAX;
      uint32_t bytes = hb_utf8_encode(normal[i], out + written);
      for (uint32_t k = 0; k < bytes; k++) from[written + k] = (int32_t)at;
      written += bytes;
    }
    at += c.size;
  }
  return written;
}
