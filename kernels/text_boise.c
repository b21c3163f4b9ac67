/* Spans to tags of tokens, and back: begin, outside, inside, singleton, end.
 *
 * Spans of a row ascend. A token that reaches over a span's end and into the next one, or over a whole span, gets the
 * tag of the last; a span that breaks off is told as far as it went.
 */
#include "text_labels.h"

static int ascend(const int64_t *splits, size_t rows) {
  if (splits[0] != 0) return 0;
  for (size_t row = 0; row < rows; row++)
    if (splits[row + 1] < splits[row]) return 0;
  return 1;
}

int32_t hb_boise_tags(const hb_offsets *tokens, const hb_offsets *spans, size_t rows, int32_t strict, int64_t *tags) {
  if (!ascend(tokens->splits, rows) || !ascend(spans->splits, rows)) return HB_BAD_ARGUMENT;
  for (size_t row = 0; row < rows; row++) {
    int64_t span = spans->splits[row];
    for (int64_t token = tokens->splits[row]; token < tokens->splits[row + 1]; token++) {
      const int32_t start = tokens->starts[token], end = tokens->ends[token];
      int64_t tag = -1;
      for (; span < spans->splits[row + 1]; span++) {
        const int32_t from = spans->starts[span], to = spans->ends[span];
        if (end <= from) break;
        if (start >= to) continue;
        const int covers_start = start <= from && end <= to, covers_end = start >= from && end >= to;
        if (covers_start && covers_end) {
          tag = 4 * span++ + HB_BOISE_SINGLE;
          break;
        }
        if (covers_start) {
          if (!strict || start == from) tag = 4 * span + HB_BOISE_BEGIN;
          break;
        }
        if (covers_end) {
          if (strict && end != to) {
            span++;
            break;
          }
          tag = 4 * span + HB_BOISE_END;
        } else if (start >= from) {
          tag = 4 * span + HB_BOISE_INSIDE;
          break;
        } else {
          tag = 4 * span + HB_BOISE_BEGIN;
        }
      }
      tags[token] = tag;
    }
  }
  return HB_OK;
}

/* The letter before a tag's hyphen; 'O' for every tag that begins with it; 0 for what is no tag. */
static uint8_t letter(hb_string tag) {
  if (tag.size && tag.data[0] == 'O') return 'O';
  return tag.size >= 2 && tag.data[1] == '-' ? tag.data[0] : 0;
}

int32_t hb_boise_spans(const hb_string *tags, const int64_t *splits, size_t rows, int64_t *first, int64_t *last,
                       int64_t *type, int64_t *out_splits) {
  if (!ascend(splits, rows)) return HB_BAD_ARGUMENT;
  int64_t count = 0;
  out_splits[0] = 0;
  for (size_t row = 0; row < rows; row++) {
    int64_t begun = -1, typed = -1; /* the span that is open */
    for (int64_t token = splits[row]; token < splits[row + 1]; token++) {
      const uint8_t kind = letter(tags[token]);
      const int ends = kind == 'E' || kind == 'S';
      if (kind == 'B' || kind == 'I') {
        if (begun < 0) begun = token;
        typed = token;
      } else if (ends || (kind == 'O' && begun >= 0)) {
        first[count] = begun < 0 ? token : begun;
        last[count] = ends ? token : token - 1;
        type[count++] = ends ? token : typed;
        begun = -1;
      }
    }
    if (begun >= 0) {
      first[count] = begun;
      last[count] = splits[row + 1] - 1;
      type[count++] = typed;
    }
    out_splits[row + 1] = count;
  }
  return HB_OK;
}
