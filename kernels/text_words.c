#include "text_words.h"

/* The class of the character at `at`, and its size. */
static inline uint32_t class_at(const hb_classes *classes, const uint8_t *at, size_t left, uint32_t *size) {
  if (at[0] < 0x80) {
    *size = 1;
    return classes->bytes[at[0]];
  }
  hb_char c = hb_utf8_decode(at, left);
  *size = c.size;
  return hb_class_of(*classes, c.code);
}

int32_t hb_split_space(const uint8_t *block, size_t block_size, const hb_string *strings, size_t count,
                       int32_t flags, hb_progress *progress, int64_t *splits, int32_t *starts, int32_t *ends,
                       size_t room) {
  hb_classes classes = hb_classes_open(block, block_size, HB_CLASSES_SPACE, 0);
  if (classes.index == NULL) return HB_BAD_ARGUMENT;
  size_t n = progress->tokens;
  splits[0] = 0;
  for (size_t i = progress->string; i < count; i++) {
    const uint8_t *text = strings[i].data;
    size_t size = strings[i].size, at = progress->byte;
    if (size > HB_MAX_TEXT) return HB_BAD_ARGUMENT;
    while (at < size) {
      uint32_t step;
      if (class_at(&classes, text + at, size - at, &step)) {
        at += step;
        continue;
      }
      if (n == room) {
        *progress = (hb_progress){i, at, n};
        return HB_SHORT_BUFFER;
      }
      starts[n] = (int32_t)at;
      uint32_t space = 0;
      for (at += step; at < size;) {
        size_t run = hb_spaceless_run(text, size, at); /* of which no byte has to be looked at again */
        at += run;
        if (run == 16) continue;
        if (at == size || (space = class_at(&classes, text + at, size - at, &step))) break;
        at += step;
      }
      ends[n] = (int32_t)(space && flags & HB_SPLIT_TF_TEXT ? at + step - 1 : at);
      if (space) at += step;
      n++;
    }
    progress->byte = 0;
    splits[i + 1] = (int64_t)n;
  }
  *progress = (hb_progress){count, 0, n};
  return HB_OK;
}

static inline int is_space(uint32_t script) { return script >= HB_SCRIPT_OGHAM_SPACE; }

/* As TF.Text has it: white space has a script like others and is dropped, also from within a run. The token's bytes
 * are then not those between its offsets; whoever wants them drops the white space again. */
static int32_t split_script_dropping(const hb_classes *classes, uint32_t ogham, const hb_string *strings, size_t count,
                                     hb_progress *progress, int64_t *splits, int32_t *starts, int32_t *ends,
                                     size_t room) {
  size_t n = progress->tokens;
  for (size_t i = progress->string; i < count; i++) {
    const uint8_t *text = strings[i].data;
    size_t size = strings[i].size, at = progress->byte;
    if (size > HB_MAX_TEXT) return HB_BAD_ARGUMENT;
    while (at < size) {
      uint32_t step, script = class_at(classes, text + at, size - at, &step);
      if (is_space(script)) {
        at += step;
        continue;
      }
      if (n == room) {
        *progress = (hb_progress){i, at, n};
        return HB_SHORT_BUFFER;
      }
      starts[n] = (int32_t)at;
      size_t end = at;
      for (uint32_t next = script;;) {
        at += step;
        if (next < HB_SCRIPT_OGHAM_SPACE) end = at;
        if (at == size) break;
        next = class_at(classes, text + at, size - at, &step);
        uint32_t own = next == HB_SCRIPT_SPACE ? 0 : next == HB_SCRIPT_OGHAM_SPACE ? ogham : next;
        if (own != script) break;
      }
      ends[n++] = (int32_t)end;
    }
    progress->byte = 0;
    splits[i + 1] = (int64_t)n;
  }
  *progress = (hb_progress){count, 0, n};
  return HB_OK;
}

int32_t hb_split_script(const uint8_t *block, size_t block_size, const hb_string *strings, size_t count,
                        int32_t flags, hb_progress *progress, int64_t *splits, int32_t *starts, int32_t *ends,
                        size_t room) {
  hb_classes classes = hb_classes_open(block, block_size, HB_CLASSES_SCRIPT, 0);
  if (classes.index == NULL) return HB_BAD_ARGUMENT;
  splits[0] = 0;
  int keep = flags & HB_SPLIT_KEEP_SPACE;
  if (flags & HB_SPLIT_TF_TEXT && !keep)
    return split_script_dropping(&classes, hb_class_of(classes, 0x1681), strings, count, progress, splits, starts,
                                 ends, room);
  size_t n = progress->tokens;
  for (size_t i = progress->string; i < count; i++) {
    const uint8_t *text = strings[i].data;
    size_t size = strings[i].size, at = progress->byte;
    if (size > HB_MAX_TEXT) return HB_BAD_ARGUMENT;
    uint32_t step = 0, script = 0;
    if (at < size) script = class_at(&classes, text + at, size - at, &step);
    while (at < size) {
      if (n == room) {
        *progress = (hb_progress){i, at, n};
        return HB_SHORT_BUFFER;
      }
      size_t start = at;
      uint32_t own = script;
      do {
        at += step;
      } while (at < size && (script = class_at(&classes, text + at, size - at, &step)) == own);
      starts[n] = (int32_t)start;
      ends[n] = (int32_t)at;
      n += keep || !is_space(own);
    }
    progress->byte = 0;
    splits[i + 1] = (int64_t)n;
  }
  *progress = (hb_progress){count, 0, n};
  return HB_OK;
}

int32_t hb_split_characters(const hb_string *strings, size_t count, hb_progress *progress, int64_t *splits,
                            int32_t *codes, int32_t *starts, int32_t *ends, size_t room) {
  size_t n = progress->tokens;
  splits[0] = 0;
  for (size_t i = progress->string; i < count; i++) {
    const uint8_t *text = strings[i].data;
    size_t size = strings[i].size;
    if (size > HB_MAX_TEXT) return HB_BAD_ARGUMENT;
    for (size_t at = progress->byte; at < size; n++) {
      if (n == room) {
        *progress = (hb_progress){i, at, n};
        return HB_SHORT_BUFFER;
      }
      hb_char c = hb_utf8_decode(text + at, size - at);
      codes[n] = (int32_t)c.code;
      starts[n] = (int32_t)at;
      at += c.size;
      ends[n] = (int32_t)at;
    }
    progress->byte = 0;
    splits[i + 1] = (int64_t)n;
  }
  *progress = (hb_progress){count, 0, n};
  return HB_OK;
}

size_t hb_tokens_size(const hb_string *strings, size_t count, const int64_t *splits, const int32_t *starts,
                      const int32_t *ends) {
  size_t total = 0;
  for (size_t i = 0; i < count; i++) {
    int bad = 0;
    for (int64_t k = splits[i]; k < splits[i + 1]; k++) {
      bad |= starts[k] < 0 || ends[k] < starts[k] || (size_t)ends[k] > strings[i].size;
      total += (size_t)(ends[k] - starts[k]);
    }
    if (bad) return SIZE_MAX;
  }
  return total;
}

int32_t hb_tokens_gather(const hb_string *strings, size_t count, const int64_t *splits, const int32_t *starts,
                         const int32_t *ends, uint8_t *data, size_t size, int64_t *offsets) {
  size_t at = 0;
  offsets[0] = 0;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *text = strings[i].data;
    for (int64_t k = splits[i]; k < splits[i + 1]; k++) {
      size_t start = (size_t)starts[k], length = (size_t)(ends[k] - starts[k]);
      if (length > size - at) return HB_SHORT_BUFFER;
      /* Words are short: 16 bytes at once where both sides have them, whatever the length. */
      if (length <= 16 && strings[i].size - start >= 16 && size - at >= 16) {
        __builtin_memcpy(data + at, text + start, 16);
      } else if (length) {
        __builtin_memcpy(data + at, text + start, length);
      }
      at += length;
      offsets[k + 1] = (int64_t)at;
    }
  }
  return HB_OK;
}
