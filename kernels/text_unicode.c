/* The Unicode block's check: after it, no accessor of text_unicode.h reads outside the block. */
#include "text_unicode.h"

/* Size of a section; HB_BROKEN unless it is a multiple of `unit`, at least one. */
static int32_t section(const uint32_t *words, uint32_t number, uint32_t unit, uint32_t *bytes) {
  *bytes = words[5 + 2 * number + 1];
  return *bytes % unit || *bytes == 0 ? HB_BROKEN : HB_OK;
}

/* A two-stage table whose values are all below `limit`. */
static int32_t staged(const uint8_t *tables, uint32_t number, uint32_t limit) {
  const uint32_t *words = (const uint32_t *)tables;
  const uint32_t page = 1u << HB_UNICODE_SHIFT;
  uint32_t bytes, index_bytes;
  if (section(words, number, 2, &index_bytes) || index_bytes != 2 * (HB_CODE_POINTS >> HB_UNICODE_SHIFT) ||
      section(words, number + 1, 2 * page, &bytes))
    return HB_BROKEN;
  const uint16_t *index = hb_unicode_section(tables, number), *pages = hb_unicode_section(tables, number + 1);
  for (uint32_t i = 0; i < index_bytes / 2; i++)
    if (index[i] >= bytes / 2 / page) return HB_BROKEN;
  for (uint32_t i = 0; i < bytes / 2; i++)
    if (pages[i] >= limit) return HB_BROKEN;
  return HB_OK;
}

int32_t hb_unicode_check(const uint8_t *tables, size_t size) {
  const uint32_t *words = (const uint32_t *)tables;
  uint32_t records, pool, pairs, scripts;
  if ((uintptr_t)tables % 4 || size < 4 * (5 + 2 * HB_SECTIONS) || size > (1u << 24)) return HB_BROKEN;
  if (words[0] != HB_UNICODE_MAGIC || words[1] != HB_UNICODE_LAYOUT || words[2] != HB_UNICODE_VERSION ||
      words[3] != size || words[4] != HB_SECTIONS)
    return HB_BROKEN;
  size_t end = 4 * (5 + 2 * HB_SECTIONS); /* one section after the other, each at a multiple of 4 */
  for (uint32_t i = 0; i < HB_SECTIONS; i++) {
    if (words[5 + 2 * i] != end || words[5 + 2 * i + 1] > size) return HB_BROKEN;
    end += ((size_t)words[5 + 2 * i + 1] + 3) & ~(size_t)3;
  }
  if (end != size) return HB_BROKEN;
  if (section(words, HB_SECTION_RECORDS, sizeof(hb_unicode_record), &records) ||
      section(words, HB_SECTION_POOL, 4, &pool) || section(words, HB_SECTION_PAIRS, 12, &pairs) ||
      section(words, HB_SECTION_SCRIPTS, 1, &scripts))
    return HB_BROKEN;
  uint32_t count = records / sizeof(hb_unicode_record), slots = pairs / 12;
  pool /= 4;
  if (staged(tables, HB_SECTION_INDEX, count)) return HB_BROKEN;
  uint32_t pages_bytes = words[5 + 2 * HB_SECTION_PAGES + 1], flags_bytes;
  if (section(words, HB_SECTION_FLAGS, 4, &flags_bytes) ||
      flags_bytes / 4 != pages_bytes / 2 >> HB_UNICODE_SHIFT)
    return HB_BROKEN;
  const hb_unicode_record *record = hb_unicode_section(tables, HB_SECTION_RECORDS);
  const uint8_t *names = hb_unicode_section(tables, HB_SECTION_SCRIPTS);
  uint32_t named = 0;
  for (uint32_t i = 0; i < scripts; i++) named += names[i] == 0;
  if (names[scripts - 1] != 0) return HB_BROKEN;
  for (uint32_t i = 0; i < count; i++)
    if (record[i].category > HB_CATEGORY_PF || record[i].script >= named) return HB_BROKEN;

  /* The pool is one run of entries, so an offset is good where an entry begins: the two-stage tables' offsets
   * are held against their entry's end, and the code points against U+10FFFF whatever they are. */
  const uint32_t *points = hb_unicode_section(tables, HB_SECTION_POOL);
  for (uint32_t mapping = 0; mapping < 5; mapping++) {
    uint32_t number = HB_SECTION_MAPS + 2 * mapping, bytes;
    if (staged(tables, number, pool) || section(words, number + 1, 2, &bytes)) return HB_BROKEN;
    const uint16_t *pages = hb_unicode_section(tables, number + 1);
    for (uint32_t i = 0; i < bytes / 2; i++) {
      uint32_t offset = pages[i];
      if (offset == 0) continue;
      uint32_t length = points[offset] & 0xFF;
      if (length > 18 || length > pool - 1 - offset) return HB_BROKEN;
      for (uint32_t k = 1; k <= length; k++)
        if (points[offset + k] >= HB_CODE_POINTS) return HB_BROKEN;
    }
  }

  /* Looking for a pair ends at an empty slot. */
  if (slots & (slots - 1)) return HB_BROKEN;
  const uint32_t *pair = hb_unicode_section(tables, HB_SECTION_PAIRS);
  uint32_t empty = 0;
  for (uint32_t i = 0; i < slots; i++) {
    empty += pair[3 * i] == 0;
    if (pair[3 * i + 2] >= HB_CODE_POINTS) return HB_BROKEN;
  }
  return empty ? HB_OK : HB_BROKEN;
}
