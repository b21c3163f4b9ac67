#include "text_strings.h"

#if !defined(__wasm__)

size_t hb_strings_borrow(const hb_python *python, void *tuple, size_t first, size_t count, int32_t bytes,
                         hb_string *out) {
  for (size_t i = first; i < count; i++) {
    void *value = python->item(tuple, (intptr_t)i);
    const char *data = NULL;
    intptr_t size = 0;
    if (bytes) {
      char *content = NULL;
      if (python->bytes(value, &content, &size) == 0) data = content;
    } else {
      data = python->utf8(value, &size);
    }
    if (data == NULL) {
      python->forget();
      return i;
    }
    out[i] = (hb_string){(const uint8_t *)data, (size_t)size};
  }
  return count;
}

#endif

static int valid(hb_string text) {
  for (size_t i = 0; i < text.size;) {
    if (text.data[i] < 0x80) {
      size_t ascii = hb_ascii_prefix(text.data + i, text.size - i);
      i += ascii ? ascii : 1;
      continue;
    }
    hb_char c = hb_utf8_decode(text.data + i, text.size - i);
    if (hb_utf8_malformed(text.data + i, c)) return 0;
    i += c.size;
  }
  return 1;
}

size_t hb_strings_check(const hb_string *strings, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!valid(strings[i])) return i;
  return count;
}

size_t hb_strings_size(const hb_string *strings, size_t count) {
  size_t total = 0;
  for (size_t i = 0; i < count; i++)
    if (__builtin_add_overflow(total, strings[i].size, &total)) return SIZE_MAX;
  return total;
}

int32_t hb_strings_join(const hb_string *strings, size_t count, uint8_t *data, size_t size, int64_t *offsets) {
  size_t at = 0;
  offsets[0] = 0;
  for (size_t i = 0; i < count; i++) {
    if (strings[i].size > size - at) return HB_SHORT_BUFFER;
    if (strings[i].size) __builtin_memcpy(data + at, strings[i].data, strings[i].size);
    at += strings[i].size;
    offsets[i + 1] = (int64_t)at;
  }
  return HB_OK;
}

size_t hb_string_mend(const uint8_t *data, size_t length, int32_t ignore, uint8_t *out, size_t size,
                      int32_t *starts, int32_t *ends) {
  size_t written = 0;
  for (size_t i = 0; i < length;) {
    hb_char c = hb_utf8_decode(data + i, length - i);
    if (!(ignore && hb_utf8_malformed(data + i, c))) {
      uint8_t encoded[4];
      uint32_t bytes = hb_utf8_encode(c.code, encoded);
      if (bytes > size - written) return SIZE_MAX;
      for (uint32_t k = 0; k < bytes; k++) {
        out[written + k] = encoded[k];
        if (starts) starts[written + k] = (int32_t)i;
        if (ends) ends[written + k] = (int32_t)(i + c.size);
      }
      written += bytes;
    }
    i += c.size;
  }
  return written;
}

int32_t hb_strings_units(const hb_string *strings, size_t count, const int64_t *splits, int32_t unit,
                         int32_t *offsets) {
  if (unit != HB_UNIT_CHAR && unit != HB_UNIT_UTF16) return HB_BAD_ARGUMENT;
  for (size_t i = 0; i < count; i++) {
    hb_string text = strings[i];
    /* Up to `plain` a byte is a character is a unit. */
    size_t plain = hb_ascii_prefix(text.data, text.size);
    size_t at = plain;
    uint32_t units = (uint32_t)plain;
    for (int64_t k = splits[i]; k < splits[i + 1]; k++) {
      if (offsets[k] < 0 || (size_t)offsets[k] > text.size) return HB_BAD_ARGUMENT;
      size_t wanted = (size_t)offsets[k];
      if (wanted <= plain) continue;
      if (wanted < at) at = plain, units = (uint32_t)plain;
      while (at < wanted) {
        hb_char c = hb_utf8_decode(text.data + at, text.size - at);
        if (at + c.size > wanted) break;
        at += c.size;
        units += unit == HB_UNIT_UTF16 && c.code >= 0x10000 ? 2 : 1;
      }
      offsets[k] = (int32_t)units;
    }
  }
  return HB_OK;
}
