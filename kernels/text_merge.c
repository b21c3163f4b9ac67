#include "text_merge.h"

int32_t hb_merge_characters(const uint8_t *classes, size_t classes_size, const hb_string *strings, size_t count,
                            const int32_t *labels, const int64_t *rows, int32_t flags, hb_progress *progress,
                            int64_t *splits, int32_t *starts, int32_t *ends, size_t room) {
  hb_classes spaces = hb_classes_open(classes, classes_size, HB_CLASSES_SPACE, 0);
  if (spaces.index == NULL) return HB_BAD_ARGUMENT;
  size_t n = progress->tokens;
  splits[0] = 0;
  for (size_t i = progress->string; i < count; i++) {
    const uint8_t *text = strings[i].data;
    size_t size = strings[i].size, first = n; /* a string is done whole or again */
    int64_t label = rows[i];
    int spaced = 0;
    if (size > HB_MAX_TEXT) return HB_BAD_ARGUMENT;
    for (size_t at = 0; at < size; label++) {
      hb_char c = hb_utf8_decode(text + at, size - at);
      if (label >= rows[i + 1]) {
        *progress = (hb_progress){i, 0, first};
        return HB_BAD_ARGUMENT;
      }
      int space = (int)hb_class_of(spaces, c.code);
      if (!space) {
        if (labels[label] == 0 || n == first || (spaced && flags & HB_MERGE_FORCED_SPLIT)) {
          if (n == room) {
            *progress = (hb_progress){i, 0, first};
            return HB_SHORT_BUFFER;
          }
          starts[n] = (int32_t)at;
          ends[n++] = (int32_t)(at + c.size);
        } else {
          ends[n - 1] = (int32_t)(at + c.size);
        }
      }
      spaced = space;
      at += c.size;
    }
    splits[i + 1] = (int64_t)n;
  }
  *progress = (hb_progress){count, 0, n};
  return HB_OK;
}
