#include "text_features.h"

static void copy(uint8_t *to, hb_string from) {
  if (from.size) __builtin_memcpy(to, from.data, from.size);
}

size_t hb_ngrams_size(const hb_string *strings, const int64_t *splits, size_t rows, int64_t width, size_t between) {
  if (width < 1 || width > INT32_MAX || splits[0] != 0) return SIZE_MAX;
  size_t total = 0;
  for (size_t row = 0; row < rows; row++) {
    const int64_t length = splits[row + 1] - splits[row];
    if (length < 0) return SIZE_MAX;
    if (length < width) continue;
    const int64_t grams = length - width + 1;
    size_t part;
    if (__builtin_mul_overflow((size_t)grams, (size_t)(width - 1), &part)) return SIZE_MAX;
    if (__builtin_mul_overflow(part, between, &part)) return SIZE_MAX;
    if (__builtin_add_overflow(total, part, &total)) return SIZE_MAX;
    for (int64_t i = 0; i < length; i++) {
      /* How many of the row's n-grams have this string. */
      const int64_t before = i + 1 < width ? i + 1 : width, after = length - i < width ? length - i : width;
      int64_t uses = before < after ? before : after;
      if (uses > grams) uses = grams;
      if (__builtin_mul_overflow((size_t)uses, strings[splits[row] + i].size, &part)) return SIZE_MAX;
      if (__builtin_add_overflow(total, part, &total)) return SIZE_MAX;
    }
  }
  return total;
}

int32_t hb_ngrams(const hb_string *strings, const int64_t *splits, size_t rows, int64_t width, hb_string separator,
                  uint8_t *data, size_t size, int64_t *offsets, int64_t *out_splits) {
  if (width < 1 || width > INT32_MAX || splits[0] != 0) return HB_BAD_ARGUMENT;
  size_t at = 0;
  int64_t count = 0;
  offsets[0] = out_splits[0] = 0;
  for (size_t row = 0; row < rows; row++) {
    if (splits[row + 1] < splits[row]) return HB_BAD_ARGUMENT;
    for (int64_t first = splits[row]; first + width <= splits[row + 1]; first++) {
      for (int64_t i = first; i < first + width; i++) {
        if (i > first) {
          if (separator.size > size - at) return HB_SHORT_BUFFER;
          copy(data + at, separator);
          at += separator.size;
        }
        if (strings[i].size > size - at) return HB_SHORT_BUFFER;
        copy(data + at, strings[i]);
        at += strings[i].size;
      }
      offsets[++count] = (int64_t)at;
    }
    out_splits[row + 1] = count;
  }
  return HB_OK;
}

static uint64_t mixed(uint64_t a, uint64_t b) {
  a ^= b;
  a *= 0x9E3779B97F4A7C15u;
  a ^= a >> 32;
  a *= 0xD6E8FEB86659FD93u;
  return a ^ a >> 29;
}

static uint64_t hash(hb_string text, uint64_t seed) {
  uint64_t value = mixed(seed, text.size);
  size_t at = 0;
  for (; text.size - at >= 8; at += 8) value = mixed(value + seed, hb_load8(text.data + at));
  if (at < text.size) {
    uint64_t rest = 0;
    for (size_t i = at; i < text.size; i++) rest = rest << 8 | text.data[i];
    value = mixed(value + seed, rest);
  }
  return value;
}

static int same(hb_string a, hb_string b) {
  if (a.size != b.size) return 0;
  size_t i = 0;
  for (; a.size - i >= 8; i += 8)
    if (hb_load8(a.data + i) != hb_load8(b.data + i)) return 0;
  for (; i < a.size; i++)
    if (a.data[i] != b.data[i]) return 0;
  return 1;
}

int64_t hb_strings_number(const hb_string *strings, size_t count, uint64_t seed, uint32_t *table, size_t slots,
                          int32_t *ids) {
  if (count > INT32_MAX || slots < 2 * count || slots == 0 || (slots & (slots - 1))) return -1;
  for (size_t i = 0; i < slots; i++) table[i] = UINT32_MAX;
  int32_t kinds = 0;
  for (size_t i = 0; i < count; i++) {
    size_t slot = hash(strings[i], seed) & (slots - 1);
    while (table[slot] != UINT32_MAX && !same(strings[table[slot]], strings[i])) slot = (slot + 1) & (slots - 1);
    if (table[slot] == UINT32_MAX) {
      table[slot] = (uint32_t)i;
      ids[i] = kinds++;
    } else {
      ids[i] = ids[table[slot]];
    }
  }
  return kinds;
}

size_t hb_lcs_scratch(int32_t kinds, int64_t longest) {
  if (kinds < 0 || longest < 0 || longest > INT32_MAX) return 0;
  const size_t words = ((size_t)longest + 63) / 64;
  return 2 * words + ((size_t)longest + 1) / 2 + ((size_t)kinds + 1) / 2 + 1;
}

/* Bits in place of the table's columns: Hyyrö, "Bit-parallel LCS-length computation revisited" (2004). A zero in
 * `open` is a place of the other row at which the common subsequence grows. */
int32_t hb_lcs(const int32_t *ids, const int64_t *splits, const int32_t *others, const int64_t *other_splits,
               size_t rows, int32_t kinds, int64_t longest, int32_t *lengths, uint64_t *scratch, size_t length) {
  const size_t needed = hb_lcs_scratch(kinds, longest);
  if (needed == 0 || splits[0] != 0 || other_splits[0] != 0) return HB_BAD_ARGUMENT;
  if (length < needed) return HB_SHORT_BUFFER;
  const size_t most = ((size_t)longest + 63) / 64;
  uint64_t *open = scratch, *match = open + most;
  int32_t *before = (int32_t *)(void *)(match + most);         /* [longest]: the place before with the same id */
  int32_t *last = before + ((size_t)longest + 1) / 2 * 2; /* [kinds]: the last place with an id, -1 */
  for (int32_t i = 0; i < kinds; i++) last[i] = -1;
  for (size_t i = 0; i < most; i++) match[i] = 0;

  for (size_t row = 0; row < rows; row++) {
    const int64_t width = other_splits[row + 1] - other_splits[row];
    if (width < 0 || width > longest || splits[row + 1] < splits[row]) return HB_BAD_ARGUMENT;
    const int32_t *other = others + other_splits[row];
    const size_t words = ((size_t)width + 63) / 64;
    for (int64_t i = 0; i < width; i++) {
      if (other[i] < 0 || other[i] >= kinds) return HB_BAD_ARGUMENT;
      before[i] = last[other[i]];
      last[other[i]] = (int32_t)i;
    }
    for (size_t i = 0; i < words; i++) open[i] = ~(uint64_t)0;
    for (int64_t i = splits[row]; i < splits[row + 1]; i++) {
      if (ids[i] < 0 || ids[i] >= kinds) return HB_BAD_ARGUMENT;
      const int32_t place = last[ids[i]];
      if (place < 0) continue;
      for (int32_t at = place; at >= 0; at = before[at]) match[at >> 6] |= (uint64_t)1 << (at & 63);
      uint64_t carry = 0;
      for (size_t word = 0; word < words; word++) {
        const uint64_t both = open[word] & match[word];
        uint64_t sum;
        const uint64_t over = __builtin_add_overflow(open[word], both, &sum);
        const uint64_t again = __builtin_add_overflow(sum, carry, &sum);
        carry = over | again;
        open[word] = sum | (open[word] & ~match[word]);
      }
      for (int32_t at = place; at >= 0; at = before[at]) match[at >> 6] = 0;
    }
    int32_t common = 0;
    for (int64_t i = 0; i < width; i++) common += !(open[i >> 6] >> (i & 63) & 1);
    for (int64_t i = 0; i < width; i++) last[other[i]] = -1;
    lengths[row] = common;
  }
  return HB_OK;
}
