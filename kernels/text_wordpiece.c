#include "text_wordpiece.h"

#include "text_cache.h"

/* A word in the making: its normalized characters, and where in the text each comes from. */
typedef struct {
  uint32_t *codes;
  int32_t *from, *to;
  uint32_t length, room;
  uint64_t amount;       /* bytes or characters, as most_in_word counts */
  int32_t start, end;    /* of all of it, also where it is too long to be kept */
  uint32_t sortable;     /* characters from here on may change places with the next */
  int reordered;
} word_buffer;

/* Where pieces go. */
typedef struct {
  int32_t *numbers, *starts, *ends; /* starts and ends may be NULL, both */
  size_t count, room;
} piece_output;

typedef struct {
  const hb_wordpiece *model;
  hb_unicode unicode;
  hb_classes classes;
  hb_vocabulary vocabulary;
  hb_cache cache;
  word_buffer word;
  piece_output out;
  size_t chunk;                    /* the piece that the current chunk's first one is */
  int32_t place[HB_LONG_PIECES][2]; /* where its first pieces start and end */
} session;

uint32_t hb_wordpiece_scratch(uint32_t most_in_word) {
  return most_in_word < 1 || most_in_word > HB_WORDPIECE_MOST_IN_WORD ? 0 : 3 * (most_in_word + 1);
}

void hb_cache_clear(uint8_t *cache, size_t size) {
  for (size_t i = 0; i < size; i++) cache[i] = 0;
}

static inline void put(session *s, int32_t number, int32_t start, int32_t end) {
  size_t n = s->out.count++;
  s->out.numbers[n] = number;
  if (n - s->chunk < HB_LONG_PIECES) {
    s->place[n - s->chunk][0] = start;
    s->place[n - s->chunk][1] = end;
  }
  if (s->out.starts) {
    s->out.starts[n] = start;
    s->out.ends[n] = end;
  }
}

/* Start and end of the characters i to j - 1 of the word. */
static inline void put_part(session *s, int32_t number, uint32_t i, uint32_t j) {
  const word_buffer *word = &s->word;
  int32_t start = word->from[i], end = word->to[j - 1];
  if (word->reordered)
    for (uint32_t k = i; k < j; k++) {
      if (word->from[k] < start) start = word->from[k];
      if (word->to[k] > end) end = word->to[k];
    }
  put(s, number, start, end);
}

static inline void empty(word_buffer *word) {
  word->length = 0;
  word->amount = 0;
  word->reordered = 0;
  word->sortable = 0;
}

/* Cuts the word into pieces and empties it. Returns 0 when there is no room for them. */
static int flush(session *s) {
  word_buffer *word = &s->word;
  const hb_wordpiece *model = s->model;
  uint32_t length = word->length;
  if (word->amount == 0) return 1;
  size_t begin = s->out.count;
  if (s->out.room - begin < (length ? length : 1)) return 0;
  if (word->amount > model->most_in_word) {
    put(s, model->too_long, word->start, word->end);
  } else {
    for (uint32_t i = 0; i < length;) {
      uint32_t node = i ? s->vocabulary.suffix : 0, end = 0;
      int32_t number = HB_NO_ENTRY, entry;
      uint32_t most = length - i > model->most_in_piece ? i + model->most_in_piece : length;
      for (uint32_t j = i; j < most && node != HB_NO_NODE; j++) {
        node = hb_vocabulary_step(&s->vocabulary, node, word->codes[j], &entry);
        if (node != HB_NO_NODE && entry >= 0) number = entry, end = j + 1;
      }
      if (number >= 0) {
        put_part(s, number, i, end);
        i = end;
      } else if (model->flags & HB_WORDPIECE_SPLIT_UNKNOWN) {
        put_part(s, i ? model->unknown_suffix : model->unknown, i, i + 1);
        i++;
      } else {
        s->out.count = begin;
        put(s, model->unknown, word->start, word->end);
        break;
      }
    }
  }
  s->out.numbers[begin] |= HB_PIECE_FIRST;
  empty(word);
  return 1;
}

/* Appends a character. Marks are put into canonical order by insertion: before those of a higher class. */
static void append(session *s, uint32_t code, int32_t from, int32_t to) {
  word_buffer *word = &s->word;
  if (word->amount == 0) word->start = from, word->end = to;
  if (from < word->start) word->start = from;
  if (to > word->end) word->end = to;
  word->amount += s->model->flags & HB_WORDPIECE_COUNT_CHARS ? 1 : hb_utf8_size(code);
  if (word->length == word->room) return; /* by now it is too long */
  uint32_t at = word->length++;
  if (s->model->rules & HB_RULES_REORDER) {
    uint32_t class = code < 0x300 ? 0 : hb_rules_combining(&s->unicode, s->model->rules, code);
    if (class == 0) word->sortable = at;
    while (class && at > word->sortable &&
           hb_rules_combining(&s->unicode, s->model->rules, word->codes[at - 1]) > class) {
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
static int divides(const session *s, uint32_t code) {
  uint32_t rules = s->model->rules;
  if (rules & HB_RULES_FOLD && hb_unicode_map(&s->unicode, HB_UNICODE_FOLD_NFD, code).found) return 0;
  return hb_rules_strips(&s->unicode, rules, code) && hb_rules_combining(&s->unicode, rules, code) == 0;
}

/* Adds a normalized character to the word, or ends the word. Returns 0 when there is no room for its pieces. */
static inline int add(session *s, uint32_t code, uint32_t class, int32_t from, int32_t to) {
  if (class == HB_WORD_PART) {
    append(s, code, from, to);
    return 1;
  }
  if (!flush(s)) return 0;
  if (class == HB_WORD_SPACE) return 1;
  append(s, code, from, to);
  return flush(s);
}

/* Normalizes a chunk and puts its pieces out, places within the text. Returns 0 when there is no room for them. */
static int put_chunk(session *s, const uint8_t *text, size_t from, size_t to) {
  uint32_t rules = s->model->rules;
  s->chunk = s->out.count;
  empty(&s->word);
  for (size_t at = from; at < to;) {
    hb_char c = hb_utf8_decode(text + at, to - at);
    int32_t here = (int32_t)at, after = (int32_t)(at + c.size);
    at += c.size;
    uint32_t class = hb_class_of(s->classes, c.code), alone = (class & 3) == HB_WORD_ALONE;
    if (c.code < 128 && s->classes.becomes[c.code] != HB_NOT_ASCII) {
      uint32_t code = s->classes.becomes[c.code];
      if (!add(s, code, alone ? HB_WORD_ALONE : HB_WORD_RESULT(s->classes.bytes[code]), here, after)) return 0;
    } else if (!(class & HB_WORD_MAPPED)) {
      if (!add(s, c.code, class & 3, here, after)) return 0;
    } else {
      uint32_t out[HB_MOST_NORMAL], count = hb_rules_normalize(&s->unicode, rules, c.code, out);
      if (count == 0 && rules & HB_RULES_REORDER && divides(s, c.code)) s->word.sortable = s->word.length;
      for (uint32_t i = 0; i < count; i++) {
        uint32_t result = count == 1 && alone ? HB_WORD_ALONE : HB_WORD_RESULT(hb_class_of(s->classes, out[i]));
        if (!add(s, out[i], result, here, after)) return 0;
      }
    }
  }
  return flush(s);
}

static inline uint64_t hash_short(const uint64_t key[HB_SHORT_KEY], size_t size) {
  uint64_t hash = (key[0] ^ size) * 0x9E3779B97F4A7C15u;
  hash = (hash ^ hash >> 29 ^ key[1]) * 0xBF58476D1CE4E5B9u;
  return hb_cache_mix(hash ^ key[2] * 0x94D049BB133111EBu);
}

static inline int same(const uint64_t *a, const uint64_t *b, uint32_t words) {
  uint64_t differs = 0;
  for (uint32_t i = 0; i < words; i++) differs |= a[i] ^ b[i];
  return differs == 0;
}

/* Puts out what is remembered. `at` is where the chunk begins. */
static inline void put_known(piece_output *out, const int32_t *numbers, const uint8_t *place, uint32_t count,
                             int32_t at) {
  size_t n = out->count;
  for (uint32_t k = 0; k < count; k++) {
    out->numbers[n + k] = numbers[k];
    if (out->starts) {
      out->starts[n + k] = at + place[2 * k];
      out->ends[n + k] = at + place[2 * k + 1];
    }
  }
  out->count = n + count;
}

/* What the last chunk came to, to be remembered by. */
static inline void remember(const session *s, size_t from, int32_t *numbers, uint8_t *place) {
  for (size_t k = 0; k < s->out.count - s->chunk; k++) {
    numbers[k] = s->out.numbers[s->chunk + k];
    place[2 * k] = (uint8_t)((size_t)s->place[k][0] - from);
    place[2 * k + 1] = (uint8_t)((size_t)s->place[k][1] - from);
  }
}

/* A chunk of up to 24 bytes. Returns 0 when there is no room. */
static inline int put_short(session *s, const uint8_t *text, size_t from, size_t to, size_t size) {
  const uint8_t *at = text + from;
  size_t length = to - from;
  uint64_t key[HB_SHORT_KEY] = {0};
  int whole = size - from >= 8 * HB_SHORT_KEY;
  key[0] = hb_key_word(at, length, whole);
  if (length > 8) key[1] = hb_key_word(at + 8, length - 8, whole);
  if (length > 16) key[2] = hb_key_word(at + 16, length - 16, whole);
  hb_short_chunk *set = s->cache.shorts + 2 * (hash_short(key, length) & s->cache.short_mask);
  for (uint32_t way = 0; way < 2; way++) {
    const hb_short_chunk *entry = set + way;
    if (entry->size == length && same(entry->key, key, HB_SHORT_KEY)) {
      if (s->out.room - s->out.count < HB_SHORT_PIECES) return 0;
      put_known(&s->out, entry->numbers, entry->place, entry->count, (int32_t)from);
      return 1;
    }
  }
  if (!put_chunk(s, text, from, to)) return 0;
  if (s->out.count - s->chunk > HB_SHORT_PIECES) return 1;
  set[1] = set[0];
  for (uint32_t i = 0; i < HB_SHORT_KEY; i++) set[0].key[i] = key[i];
  set[0].size = (uint8_t)length;
  set[0].count = (uint8_t)(s->out.count - s->chunk);
  remember(s, from, set[0].numbers, set[0].place);
  return 1;
}

/* The same up to 96 bytes. */
static int put_long(session *s, const uint8_t *text, size_t from, size_t to, size_t size) {
  const uint8_t *at = text + from;
  size_t length = to - from;
  uint64_t key[HB_LONG_KEY] = {0}, hash = length;
  for (size_t i = 0; 8 * i < length; i++) {
    key[i] = hb_key_word(at + 8 * i, length - 8 * i, size - from - 8 * i >= 8);
    hash = (hash ^ hash >> 29 ^ key[i]) * 0x9E3779B97F4A7C15u;
  }
  hb_long_chunk *set = s->cache.longs + 2 * (hb_cache_mix(hash) & s->cache.long_mask);
  for (uint32_t way = 0; way < 2; way++) {
    const hb_long_chunk *entry = set + way;
    if (entry->size == length && same(entry->key, key, HB_LONG_KEY)) {
      if (s->out.room - s->out.count < HB_LONG_PIECES) return 0;
      put_known(&s->out, entry->numbers, entry->place, entry->count, (int32_t)from);
      return 1;
    }
  }
  if (!put_chunk(s, text, from, to)) return 0;
  if (s->out.count - s->chunk > HB_LONG_PIECES) return 1;
  set[1] = set[0];
  for (uint32_t i = 0; i < HB_LONG_KEY; i++) set[0].key[i] = key[i];
  set[0].size = (uint8_t)length;
  set[0].count = (uint8_t)(s->out.count - s->chunk);
  remember(s, from, set[0].numbers, set[0].place);
  return 1;
}

static inline int put_any(session *s, const uint8_t *text, size_t from, size_t to, size_t size) {
  if (s->cache.shorts && to - from <= 8 * HB_SHORT_KEY) return put_short(s, text, from, to, size);
  if (s->cache.longs && to - from <= 8 * HB_LONG_KEY) return put_long(s, text, from, to, size);
  return put_chunk(s, text, from, to);
}

/* A character that is a word: unless something is special about it, one look at the vocabulary. */
static inline int put_alone(session *s, const uint8_t *text, size_t from, hb_char c, uint32_t class) {
  if (class & HB_WORD_MAPPED || s->model->most_in_word < 4) return put_chunk(s, text, from, from + c.size);
  if (s->out.room == s->out.count) return 0;
  int32_t number, found = hb_vocabulary_step(&s->vocabulary, 0, c.code, &number) != HB_NO_NODE && number >= 0;
  s->chunk = s->out.count;
  put(s, (found ? number : s->model->unknown) | HB_PIECE_FIRST, (int32_t)from, (int32_t)(from + c.size));
  return 1;
}

/* The class of the character at `at`, and its size. */
static inline uint32_t class_at(const session *s, const uint8_t *at, size_t left, hb_char *c) {
  uint32_t class = s->classes.bytes[at[0]];
  if (class != HB_NOT_ASCII) {
    *c = (hb_char){at[0], 1};
    return class;
  }
  *c = hb_utf8_decode(at, left);
  return hb_class_of(s->classes, c->code);
}

/* A string from *at on. Returns 0 when there was no room for what is at *at. */
static int put_string(session *s, const uint8_t *text, size_t size, size_t *at) {
  size_t from = *at;
  int enough = 1;
  while (from < size) {
    hb_char c;
    uint32_t class = class_at(s, text + from, size - from, &c);
    size_t to = from + c.size, before = s->out.count;
    if ((class & 3) == HB_WORD_PART) {
      while (to < size) {
        while (to < size && (s->classes.bytes[text[to]] & (HB_NOT_ASCII | 3)) == HB_WORD_PART) to++;
        if (to == size || s->classes.bytes[text[to]] != HB_NOT_ASCII) break;
        hb_char next = hb_utf8_decode(text + to, size - to);
        if ((hb_class_of(s->classes, next.code) & 3) != HB_WORD_PART) break;
        to += next.size;
      }
      enough = put_any(s, text, from, to, size);
    } else if ((class & 3) == HB_WORD_ALONE) {
      enough = put_alone(s, text, from, c, class);
    }
    if (!enough) {
      s->out.count = before;
      *at = from;
      return 0;
    }
    from = to;
  }
  *at = 0;
  return 1;
}

static int open_session(session *s, const hb_wordpiece *model) {
  s->model = model;
  if (model->rules > HB_RULES_ALL || model->most_in_piece < 1 ||
      hb_wordpiece_scratch(model->most_in_word) == 0 || model->scratch_words < hb_wordpiece_scratch(model->most_in_word))
    return 0;
  s->unicode = hb_unicode_open(model->tables);
  s->classes = hb_classes_open(model->classes, model->classes_size, HB_CLASSES_WORDS, model->rules);
  s->vocabulary = hb_vocabulary_open(model->vocabulary, model->vocabulary_words);
  s->cache = hb_cache_open(model->cache, model->cache_size);
  if (s->classes.index == NULL || s->vocabulary.slots == NULL) return 0;
  uint32_t room = model->most_in_word + 1;
  s->word = (word_buffer){.codes = model->scratch,
                          .from = (int32_t *)(model->scratch + room),
                          .to = (int32_t *)(model->scratch + 2 * (size_t)room),
                          .room = room};
  return 1;
}

int32_t hb_wordpiece_tokenize(const hb_wordpiece *model, const hb_string *strings, size_t count,
                              hb_progress *progress, int64_t *splits, int32_t *numbers, int32_t *starts,
                              int32_t *ends, uint8_t *first, size_t room) {
  session s;
  if (!open_session(&s, model)) return HB_BAD_ARGUMENT;
  s.out = (piece_output){numbers, starts, ends, progress->tokens, room};
  splits[0] = 0;
  int enough = 1;
  for (size_t i = progress->string; i < count && enough; i++) {
    if (strings[i].size > HB_MAX_TEXT) return HB_BAD_ARGUMENT;
    progress->string = i;
    size_t begin = s.out.count;
    enough = put_string(&s, strings[i].data, strings[i].size, &progress->byte);
    for (size_t k = begin; k < s.out.count; k++) {
      if (first) first[k] = (numbers[k] & HB_PIECE_FIRST) != 0;
      numbers[k] &= ~HB_PIECE_FIRST;
    }
    splits[i + 1] = (int64_t)s.out.count;
  }
  if (enough) progress->string = count;
  progress->tokens = s.out.count;
  return enough ? HB_OK : HB_SHORT_BUFFER;
}

int32_t hb_wordpiece_one(const hb_wordpiece *model, const uint8_t *text, size_t size, int32_t *numbers,
                         int32_t *starts, int32_t *ends, size_t room) {
  hb_string string = {text, size};
  hb_progress progress = {0};
  int64_t splits[2];
  if (room > INT32_MAX) return HB_BAD_ARGUMENT;
  int32_t status = hb_wordpiece_tokenize(model, &string, 1, &progress, splits, numbers, starts, ends, NULL, room);
  return status == HB_OK ? (int32_t)progress.tokens : status;
}
