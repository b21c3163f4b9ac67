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
  hb_vocabulary vocabulary, added;
  hb_cache cache;
  word_buffer word;
  piece_output out;
  int32_t mask; /* of numbers: what does not say that a piece is its word's first, unless that is asked */
  /* The current chunk: its first piece, and of the first few what is remembered. */
  size_t chunk;
  int32_t chunk_numbers[HB_LONG_PIECES], chunk_starts[HB_LONG_PIECES], chunk_ends[HB_LONG_PIECES];
} session;

uint32_t hb_wordpiece_scratch(uint32_t most_in_word) {
  return most_in_word < 1 || most_in_word > HB_WORDPIECE_MOST_IN_WORD ? 0 : 3 * (most_in_word + 1);
}

void hb_cache_clear(uint8_t *cache, size_t size) {
  for (size_t i = 0; i < size; i++) cache[i] = 0;
}

static inline void put(session *s, int32_t number, int32_t start, int32_t end) {
  size_t n = s->out.count++, k = n - s->chunk;
  s->out.numbers[n] = number & s->mask;
  if (s->out.starts) {
    s->out.starts[n] = start;
    s->out.ends[n] = end;
  }
  if (k < HB_LONG_PIECES) {
    s->chunk_numbers[k] = number;
    s->chunk_starts[k] = start;
    s->chunk_ends[k] = end;
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
    put(s, model->too_long | HB_PIECE_FIRST, word->start, word->end);
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
        put_part(s, i ? number : number | HB_PIECE_FIRST, i, end);
        i = end;
      } else if (model->flags & HB_WORDPIECE_SPLIT_UNKNOWN) {
        put_part(s, i ? model->unknown_suffix : model->unknown | HB_PIECE_FIRST, i, i + 1);
        i++;
      } else {
        s->out.count = begin;
        put(s, model->unknown | HB_PIECE_FIRST, word->start, word->end);
        break;
      }
    }
  }
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

/* Puts out a chunk that is one word, whatever its characters are. */
static int put_word(session *s, const uint8_t *text, size_t from, size_t to) {
  s->chunk = s->out.count;
  empty(&s->word);
  for (size_t at = from; at < to;) {
    hb_char c = hb_utf8_decode(text + at, to - at);
    uint32_t out[HB_MOST_NORMAL], count = hb_rules_normalize(&s->unicode, s->model->rules, c.code, out);
    for (uint32_t i = 0; i < count; i++) append(s, out[i], (int32_t)at, (int32_t)(at + c.size));
    at += c.size;
  }
  return flush(s);
}

static inline int same(const uint64_t *a, const uint64_t *b, uint32_t words) {
  uint64_t differs = 0;
  for (uint32_t i = 0; i < words; i++) differs |= a[i] ^ b[i];
  return differs == 0;
}

/* Puts out the pieces `first` to `last` - 1 of what is remembered of the chunk at `from`. */
static inline void put_known(session *s, const int32_t *numbers, const uint8_t *starts, const uint8_t *ends,
                             uint32_t first, uint32_t last, size_t from) {
  size_t n = s->out.count;
  for (uint32_t k = first; k < last; k++) s->out.numbers[n + k] = numbers[k] & s->mask;
  if (s->out.starts == NULL) return;
  for (uint32_t k = first; k < last; k++) s->out.starts[n + k] = (int32_t)from + starts[k];
  for (uint32_t k = first; k < last; k++) s->out.ends[n + k] = (int32_t)from + ends[k];
}

/* What the last chunk came to, to be remembered by. */
static inline void remember(const session *s, size_t from, int32_t *numbers, uint8_t *starts, uint8_t *ends) {
  for (size_t k = 0; k < s->out.count - s->chunk; k++) {
    numbers[k] = s->chunk_numbers[k];
    starts[k] = (uint8_t)((size_t)s->chunk_starts[k] - from);
    ends[k] = (uint8_t)((size_t)s->chunk_ends[k] - from);
  }
}

/* Found and not yet put out. */
typedef struct {
  size_t from, to;
  uint64_t key[HB_LONG_KEY], hash; /* of a chunk that may be remembered */
  uint32_t class; /* of `alone`; of AN_ADDED the entry */
  hb_char alone; /* a character by itself; size 0: a chunk */
  uint8_t table; /* IN_SHORT, IN_LONG, IN_NONE; A_WORD: not cut further; AN_ADDED */
} found_chunk;

enum { IN_NONE, IN_SHORT, IN_LONG, A_WORD, AN_ADDED };

/* Remembers what the last chunk came to, if it is not too much, among the long ones. */
static int remember_long(const session *s, size_t from, size_t length, const uint64_t *key, hb_long_chunk *set) {
  size_t count = s->out.count - s->chunk;
  if (count > HB_LONG_PIECES) return 0;
  set[1] = set[0];
  for (uint32_t i = 0; i < HB_LONG_KEY; i++) set[0].key[i] = key[i];
  set[0].size = (uint8_t)length;
  set[0].count = (uint8_t)count;
  remember(s, from, set[0].numbers, set[0].starts, set[0].ends);
  return 1;
}

/* A chunk of up to 56 bytes. Returns 0 when there is no room. */
static int put_long(session *s, const uint8_t *text, const found_chunk *chunk) {
  hb_long_chunk *set = s->cache.longs + 2 * hb_cache_set(chunk->hash, s->cache.long_sets);
  size_t from = chunk->from, length = chunk->to - from;
  for (uint32_t way = 0; way < 2; way++) {
    const hb_long_chunk *entry = set + way;
    if (entry->size != length || !same(entry->key, chunk->key, HB_LONG_KEY)) continue;
    if (s->out.room - s->out.count < HB_LONG_PIECES) return 0;
    put_known(s, entry->numbers, entry->starts, entry->ends, 0, 4, from);
    if (entry->count > 4) put_known(s, entry->numbers, entry->starts, entry->ends, 4, HB_LONG_PIECES, from);
    s->out.count += entry->count;
    return 1;
  }
  if (!put_chunk(s, text, from, chunk->to)) return 0;
  remember_long(s, from, length, chunk->key, set);
  return 1;
}

/* Makes a short chunk's key one for the other table. */
static inline void lengthen(uint64_t key[HB_LONG_KEY]) {
  for (uint32_t i = HB_SHORT_KEY; i < HB_LONG_KEY; i++) key[i] = 0;
}

/* The same up to 16 bytes. What is more than two pieces is in the other table, and the entry here says so. */
static inline int put_short(session *s, const uint8_t *text, found_chunk *chunk) {
  hb_short_chunk *set = s->cache.shorts + 2 * hb_cache_set(chunk->hash, s->cache.short_sets);
  size_t from = chunk->from, length = chunk->to - from;
  for (uint32_t way = 0; way < 2; way++) {
    const hb_short_chunk *entry = set + way;
    if (entry->size != length || !same(entry->key, chunk->key, HB_SHORT_KEY)) continue;
    if (entry->count == HB_AMONG_LONG) {
      lengthen(chunk->key);
      return put_long(s, text, chunk);
    }
    if (s->out.room - s->out.count < HB_SHORT_PIECES) return 0;
    /* Two whatever their number is, without asking: what is too much is written over. */
    put_known(s, entry->numbers, entry->starts, entry->ends, 0, HB_SHORT_PIECES, from);
    s->out.count += entry->count;
    return 1;
  }
  if (!put_chunk(s, text, from, chunk->to)) return 0;
  size_t count = s->out.count - s->chunk;
  int few = count <= HB_SHORT_PIECES;
  if (!few) {
    hb_long_chunk *longs = s->cache.longs + 2 * hb_cache_set(chunk->hash, s->cache.long_sets);
    lengthen(chunk->key);
    if (!remember_long(s, from, length, chunk->key, longs)) return 1;
  }
  set[1] = set[0];
  for (uint32_t i = 0; i < HB_SHORT_KEY; i++) set[0].key[i] = chunk->key[i];
  set[0].size = (uint8_t)length;
  set[0].count = few ? (uint8_t)count : HB_AMONG_LONG;
  if (few) remember(s, from, set[0].numbers, set[0].starts, set[0].ends);
  return 1;
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

static int put_added(session *s, const found_chunk *chunk) {
  if (s->out.room == s->out.count) return 0;
  s->chunk = s->out.count;
  put(s, s->model->added_numbers[chunk->class] | HB_PIECE_FIRST, (int32_t)chunk->from, (int32_t)chunk->to);
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

/* Where the chunk ends that text[at - 1] is part of. Letters and digits of ASCII are part of one under all rules. */
static inline size_t chunk_end(const session *s, const uint8_t *text, size_t size, size_t at) {
  while (at < size) {
    size_t run = hb_alphanumeric_run(text, size, at);
    at += run;
    if (run == 16) continue;
    if (at == size) break;
    hb_char c;
    if ((class_at(s, text + at, size - at, &c) & 3) != HB_WORD_PART) break;
    for (at += c.size; at < size && text[at] >= 0x80; at += c.size) { /* most are followed by their like */
      c = hb_utf8_decode(text + at, size - at);
      if ((hb_class_of(s->classes, c.code) & 3) != HB_WORD_PART) return at;
    }
  }
  return at;
}

#define FOUND 16u

/* Computes where a chunk would be remembered, and has that memory fetched. */
static inline void look_ahead(const session *s, const uint8_t *text, size_t size, found_chunk *chunk) {
  size_t length = chunk->to - chunk->from;
  if (length <= 8 * HB_SHORT_KEY) {
    hb_short_key(text, size, chunk->from, chunk->to, chunk->key);
    chunk->hash = hb_cache_hash(chunk->key, HB_SHORT_KEY, length);
    chunk->table = IN_SHORT;
    __builtin_prefetch(s->cache.shorts + 2 * hb_cache_set(chunk->hash, s->cache.short_sets));
  } else if (length <= 8 * HB_LONG_KEY) {
    hb_cache_key(text, chunk->from, chunk->to, HB_LONG_KEY, chunk->key);
    chunk->hash = hb_cache_hash(chunk->key, HB_LONG_KEY, length);
    chunk->table = IN_LONG;
    const uint8_t *set = (const uint8_t *)(s->cache.longs + 2 * hb_cache_set(chunk->hash, s->cache.long_sets));
    __builtin_prefetch(set);
    __builtin_prefetch(set + 64);
  }
}

/* Where white space ends that begins before `at`. */
static size_t space_end(const session *s, const uint8_t *text, size_t size, size_t at) {
  hb_char c;
  while (at < size && (class_at(s, text + at, size - at, &c) & 3) == HB_WORD_SPACE) at += c.size;
  return at;
}

/* Where "[unused123]" ends if that stands at `from`, or `from`. */
static size_t unused_end(const uint8_t *text, size_t size, size_t from) {
  static const uint8_t begin[] = {'[', 'u', 'n', 'u', 's', 'e', 'd'};
  if (size - from < sizeof begin) return from;
  for (size_t i = 0; i < sizeof begin; i++)
    if (text[from + i] != begin[i]) return from;
  size_t digits = from + sizeof begin, at = digits;
  while (at < size && text[at] >= '0' && text[at] <= '9') at++;
  return at > digits && at < size && text[at] == ']' ? at + 1 : from;
}

/* Where the longest added token ends that stands at `from`, or `from`; and its entry. */
static size_t added_end(const session *s, const uint8_t *text, size_t size, size_t from, uint32_t *entry) {
  size_t end = from;
  uint32_t node = 0;
  for (size_t at = from; at < size;) {
    hb_char c = hb_utf8_decode(text + at, size - at);
    int32_t number;
    node = hb_vocabulary_step(&s->added, node, c.code, &number);
    if (node == HB_NO_NODE) break;
    at += c.size;
    if (number >= 0) end = at, *entry = (uint32_t)number;
  }
  return end;
}

/* Up to FOUND chunks and characters from *at on, and what memory will be asked about them already on its way. */
static inline uint32_t find(const session *s, const uint8_t *text, size_t size, size_t *at, found_chunk *found) {
  uint32_t count = 0;
  size_t from = *at;
  while (from < size && count < FOUND) {
    found_chunk *chunk = found + count;
    hb_char c;
    uint32_t class = class_at(s, text + from, size - from, &c);
    if ((class & 3) == HB_WORD_SPACE && !(s->model->flags & HB_WORDPIECE_KEEP_SPACE)) {
      from += c.size;
      continue;
    }
    count++;
    chunk->from = from;
    chunk->to = from + c.size;
    chunk->table = IN_NONE;
    chunk->alone.size = 0;
    size_t unused = from;
    if (c.code == '[' && s->model->flags & HB_WORDPIECE_KEEP_UNUSED) unused = unused_end(text, size, from);
    size_t added = from;
    if (s->added.slots && (class & 3) == HB_WORD_ALONE) added = added_end(s, text, size, from, &chunk->class);
    if (added > from) {
      chunk->table = AN_ADDED;
      chunk->to = added;
    } else if ((class & 3) == HB_WORD_SPACE) {
      chunk->table = A_WORD;
      chunk->to = space_end(s, text, size, chunk->to);
    } else if (unused > from) {
      chunk->table = A_WORD;
      chunk->to = unused;
    } else if ((class & 3) == HB_WORD_ALONE) {
      chunk->alone = c;
      chunk->class = class;
      __builtin_prefetch(s->vocabulary.slots + hb_edge_slot(hb_edge_key(0, c.code), s->vocabulary.bits));
    } else {
      chunk->to = chunk_end(s, text, size, chunk->to);
      if (s->cache.shorts) look_ahead(s, text, size, chunk);
    }
    from = chunk->to;
  }
  *at = from;
  return count;
}

/* A string from *at on. Returns 0 when there was no room for what is at *at. */
static int put_string(session *s, const uint8_t *text, size_t size, size_t *at) {
  found_chunk found[FOUND];
  for (size_t next = *at; next < size;) {
    uint32_t count = find(s, text, size, &next, found);
    for (uint32_t i = 0; i < count; i++) {
      found_chunk *chunk = found + i;
      size_t before = s->out.count;
      int enough;
      if (chunk->table == IN_SHORT)
        enough = put_short(s, text, chunk);
      else if (chunk->alone.size)
        enough = put_alone(s, text, chunk->from, chunk->alone, chunk->class);
      else if (chunk->table == IN_LONG)
        enough = put_long(s, text, chunk);
      else if (chunk->table == A_WORD)
        enough = put_word(s, text, chunk->from, chunk->to);
      else if (chunk->table == AN_ADDED)
        enough = put_added(s, chunk);
      else
        enough = put_chunk(s, text, chunk->from, chunk->to);
      if (!enough) {
        s->out.count = before;
        *at = chunk->from;
        return 0;
      }
    }
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
  s->added = (hb_vocabulary){0};
  if (model->added) s->added = hb_vocabulary_open(model->added, model->added_words);
  if (model->added && s->added.slots == NULL) return 0;
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
  s.mask = first ? -1 : ~HB_PIECE_FIRST;
  s.out = (piece_output){numbers, starts, ends, progress->tokens, room};
  splits[0] = 0;
  int enough = 1;
  for (size_t i = progress->string; i < count && enough; i++) {
    if (strings[i].size > HB_MAX_TEXT) return HB_BAD_ARGUMENT;
    progress->string = i;
    size_t begin = s.out.count;
    enough = put_string(&s, strings[i].data, strings[i].size, &progress->byte);
    for (size_t k = begin; first && k < s.out.count; k++) {
      first[k] = (numbers[k] & HB_PIECE_FIRST) != 0;
      numbers[k] &= ~HB_PIECE_FIRST;
    }
    splits[i + 1] = (int64_t)s.out.count;
  }
  if (enough) progress->string = count;
  progress->tokens = s.out.count;
  return enough ? HB_OK : HB_SHORT_BUFFER;
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

int32_t hb_wordpiece_one(const hb_wordpiece *model, const uint8_t *text, size_t size, int32_t *numbers,
                         int32_t *starts, int32_t *ends, size_t room) {
  hb_string string = {text, size};
  hb_progress progress = {0};
  int64_t splits[2];
  if (room > INT32_MAX) return HB_BAD_ARGUMENT;
  int32_t status = hb_wordpiece_tokenize(model, &string, 1, &progress, splits, numbers, starts, ends, NULL, room);
  return status == HB_OK ? (int32_t)progress.tokens : status;
}
