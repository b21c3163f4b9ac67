#include "text_pieces.h"

/* Start and end of the characters i to j - 1 of the word. */
static inline void put_part(hb_pieces *p, int32_t number, uint32_t i, uint32_t j) {
  const hb_word *word = &p->word;
  int32_t start = word->from[i], end = word->to[j - 1];
  if (word->reordered)
    for (uint32_t k = i; k < j; k++) {
      if (word->from[k] < start) start = word->from[k];
      if (word->to[k] > end) end = word->to[k];
    }
  hb_pieces_put(p, number, start, end);
}

static inline void empty(hb_word *word) {
  word->length = 0;
  word->amount = 0;
  word->reordered = 0;
  word->sortable = 0;
}

/* Cuts the word into pieces and empties it. Returns 0 when there is no room for them. */
static int flush(hb_pieces *p) {
  hb_word *word = &p->word;
  const hb_wordpiece *model = p->model;
  uint32_t length = word->length;
  if (word->amount == 0) return 1;
  size_t begin = p->count;
  if (p->room - begin < (length ? length : 1)) return 0;
  if (word->amount > model->most_in_word) {
    hb_pieces_put(p, model->too_long | HB_PIECE_FIRST, word->start, word->end);
  } else {
    for (uint32_t i = 0; i < length;) {
      uint32_t node = i ? p->vocabulary.suffix : 0, end = 0;
      int32_t number = HB_NO_ENTRY, entry;
      uint32_t most = length - i > model->most_in_piece ? i + model->most_in_piece : length;
      for (uint32_t j = i; j < most && node != HB_NO_NODE; j++) {
        node = hb_vocabulary_step(&p->vocabulary, node, word->codes[j], &entry);
        if (node != HB_NO_NODE && entry >= 0) number = entry, end = j + 1;
      }
      if (number >= 0) {
        put_part(p, i ? number : number | HB_PIECE_FIRST, i, end);
        i = end;
      } else if (model->flags & HB_WORDPIECE_SPLIT_UNKNOWN) {
        put_part(p, i ? model->unknown_suffix : model->unknown | HB_PIECE_FIRST, i, i + 1);
        i++;
      } else {
        p->count = begin;
        hb_pieces_put(p, model->unknown | HB_PIECE_FIRST, word->start, word->end);
        break;
      }
    }
  }
  empty(word);
  return 1;
}

/* Appends a character. Marks are put into canonical order by insertion: before those of a higher class. */
static void append(hb_pieces *p, uint32_t code, int32_t from, int32_t to) {
  hb_word *word = &p->word;
  if (word->amount == 0) word->start = from, word->end = to;
  if (from < word->start) word->start = from;
  if (to > word->end) word->end = to;
  word->amount += p->model->flags & HB_WORDPIECE_COUNT_CHARS ? 1 : hb_utf8_size(code);
  if (word->length == word->room) return; /* by now it is too long */
  uint32_t at = word->length++;
  if (p->model->rules & HB_RULES_REORDER) {
    uint32_t class = code < 0x300 ? 0 : hb_rules_combining(&p->unicode, p->model->rules, code);
    if (class == 0) word->sortable = at;
    while (class && at > word->sortable &&
           hb_rules_combining(&p->unicode, p->model->rules, word->codes[at - 1]) > class) {
      word->codes[at] = word->codes[at - 1];
      word->from[at] = word->from[at - 1];
      word->to[at] = word->to[at - 1];
      word->reordered = 1;
      at--;
    }
  }
  word->codes[at] = code;
  word->from[at] = from;
  word->to[at] = to;
}

/* A mark that is taken out still keeps others from changing places over it, if its own class is 0. What
 * NFKC_Casefold takes out is gone before that. */
static int divides(const hb_pieces *p, uint32_t code) {
  uint32_t rules = p->model->rules;
  if (rules & HB_RULES_FOLD && hb_unicode_map(&p->unicode, HB_UNICODE_FOLD_NFD, code).found) return 0;
  return hb_rules_strips(&p->unicode, rules, code) && hb_rules_combining(&p->unicode, rules, code) == 0;
}

/* Adds a normalized character to the word, or ends the word. Returns 0 when there is no room for its pieces. */
static inline int add(hb_pieces *p, uint32_t code, uint32_t class, int32_t from, int32_t to) {
  if (class == HB_WORD_PART) {
    append(p, code, from, to);
    return 1;
  }
  if (!flush(p)) return 0;
  if (class == HB_WORD_SPACE) return 1;
  append(p, code, from, to);
  return flush(p);
}

int hb_pieces_of_chunk(hb_pieces *p, const uint8_t *text, size_t from, size_t to) {
  uint32_t rules = p->model->rules;
  p->chunk = p->count;
  empty(&p->word);
  for (size_t at = from; at < to;) {
    hb_char c = hb_utf8_decode(text + at, to - at);
    int32_t here = (int32_t)at, after = (int32_t)(at + c.size);
    at += c.size;
    uint32_t class = hb_class_of(p->classes, c.code), alone = (class & 3) == HB_WORD_ALONE;
    if (c.code < 128 && p->classes.becomes[c.code] != HB_NOT_ASCII) {
      uint32_t code = p->classes.becomes[c.code];
      if (!add(p, code, alone ? HB_WORD_ALONE : HB_WORD_RESULT(p->classes.bytes[code]), here, after)) return 0;
    } else if (!(class & HB_WORD_MAPPED)) {
      if (!add(p, c.code, class & 3, here, after)) return 0;
    } else {
      uint32_t out[HB_MOST_NORMAL], count = hb_rules_normalize(&p->unicode, rules, c.code, out);
      if (count == 0 && rules & HB_RULES_REORDER && divides(p, c.code)) p->word.sortable = p->word.length;
      for (uint32_t i = 0; i < count; i++) {
        uint32_t result = count == 1 && alone ? HB_WORD_ALONE : HB_WORD_RESULT(hb_class_of(p->classes, out[i]));
        if (!add(p, out[i], result, here, after)) return 0;
      }
    }
  }
  return flush(p);
}

int hb_pieces_of_word(hb_pieces *p, const uint8_t *text, size_t from, size_t to) {
  p->chunk = p->count;
  empty(&p->word);
  for (size_t at = from; at < to;) {
    hb_char c = hb_utf8_decode(text + at, to - at);
    uint32_t out[HB_MOST_NORMAL], count = hb_rules_normalize(&p->unicode, p->model->rules, c.code, out);
    for (uint32_t i = 0; i < count; i++) append(p, out[i], (int32_t)at, (int32_t)(at + c.size));
    at += c.size;
  }
  return flush(p);
}
