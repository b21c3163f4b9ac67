#include "text_wordpiece.h"

#include "text_cache.h"
#include "text_chunks.h"
#include "text_pieces.h"

uint32_t hb_wordpiece_scratch(uint32_t most_in_word) {
  return most_in_word < 1 || most_in_word > HB_WORDPIECE_MOST_IN_WORD ? 0 : 3 * (most_in_word + 1);
}

void hb_cache_clear(uint8_t *cache, size_t size) {
  for (size_t i = 0; i < size; i++) cache[i] = 0;
}

/* Remembers what the last chunk came to, if it is not too much, among the long ones. */
static int remember_long(const hb_pieces *p, const hb_cache *cache, const hb_chunk *chunk,
                         const uint64_t key[HB_LONG_KEY]) {
  size_t count = p->count - p->chunk, set = hb_cache_set(chunk->hash, cache->long_sets);
  if (count > HB_LONG_PIECES) return 0;
  uint32_t way = 0;
  while (way < HB_WAYS && cache->longs[hb_cache_way(set, way)].size) way++;
  if (way == HB_WAYS) way = chunk->from % HB_WAYS; /* anyone */
  hb_long_chunk *entry = cache->longs + hb_cache_way(set, way);
  for (uint32_t i = 0; i < HB_LONG_KEY; i++) entry->key[i] = key[i];
  entry->size = (uint8_t)(chunk->to - chunk->from);
  entry->count = (uint8_t)count;
  for (size_t k = 0; k < count; k++) {
    entry->numbers[k] = p->chunk_numbers[k];
    entry->starts[k] = (uint8_t)((uint32_t)p->chunk_starts[k] - chunk->from);
    entry->ends[k] = (uint8_t)((uint32_t)p->chunk_ends[k] - chunk->from);
  }
  return 1;
}

static inline int same(const uint64_t a[HB_LONG_KEY], const uint64_t b[HB_LONG_KEY]) {
  uint64_t differs = 0;
  for (uint32_t i = 0; i < HB_LONG_KEY; i++) differs |= a[i] ^ b[i];
  return differs == 0;
}

/* Puts out a chunk of up to 56 bytes. Returns 0 when there is no room, as do the following. */
static int put_long(hb_pieces *p, const hb_cache *cache, const uint8_t *text, const hb_chunk *chunk) {
  size_t set = hb_cache_set(chunk->hash, cache->long_sets), n = p->count;
  uint64_t key[HB_LONG_KEY];
  hb_cache_key(text, chunk->from, chunk->to, HB_LONG_KEY, key);
  for (uint32_t way = 0; way < HB_WAYS; way++) {
    const hb_long_chunk *entry = cache->longs + hb_cache_way(set, way);
    if (entry->size == 0) break;
    if (entry->size != chunk->to - chunk->from || !same(entry->key, key)) continue;
    if (p->room - n < entry->count) return 0;
    for (uint32_t k = 0; k < entry->count; k++) p->numbers[n + k] = entry->numbers[k] & p->mask;
    for (uint32_t k = 0; p->starts && k < entry->count; k++) {
      p->starts[n + k] = (int32_t)(chunk->from + entry->starts[k]);
      p->ends[n + k] = (int32_t)(chunk->from + entry->ends[k]);
    }
    p->count += entry->count;
    return 1;
  }
  if (!hb_pieces_of_chunk(p, text, chunk->from, chunk->to)) return 0;
  remember_long(p, cache, chunk, key);
  return 1;
}

/* The same of up to 16 bytes, where it is not remembered. More than three pieces are remembered among the long ones,
 * and the entry here says so. */
static int put_new(hb_pieces *p, const hb_cache *cache, const uint8_t *text, const hb_chunk *chunk) {
  hb_short_chunk entry = {.key = {chunk->key[0], chunk->key[1]}, .about = (uint8_t)(chunk->to - chunk->from)};
  if (!hb_pieces_of_chunk(p, text, chunk->from, chunk->to)) return 0;
  size_t count = p->count - p->chunk, set = hb_cache_set(chunk->hash, cache->short_sets);
  if (count > HB_SHORT_PIECES) {
    uint64_t key[HB_LONG_KEY];
    hb_cache_key(text, chunk->from, chunk->to, HB_LONG_KEY, key);
    if (!remember_long(p, cache, chunk, key)) return 1;
    entry.about |= HB_AMONG_LONG;
  } else {
    entry.about |= (uint8_t)(count << 5);
    for (size_t k = 0; k < count; k++) {
      uint32_t start = (uint32_t)p->chunk_starts[k] - chunk->from, end = (uint32_t)p->chunk_ends[k] - chunk->from;
      entry.numbers[k] = p->chunk_numbers[k];
      entry.places[k] = (uint8_t)(start | (end - 1) << 4);
    }
  }
  uint32_t way = 0;
  while (way < HB_WAYS && cache->shorts[hb_cache_way(set, way)].about) way++;
  cache->shorts[hb_cache_way(set, way < HB_WAYS ? way : chunk->from % HB_WAYS)] = entry;
  return 1;
}

/* Whether an entry's key differs from the chunk's, and nothing is asked on the way. */
static inline uint64_t differs(const hb_short_chunk *entry, const hb_chunk *chunk) {
  uint64_t size = HB_SHORT_SIZE(entry->about) ^ (chunk->to - chunk->from);
  return (entry->key[0] ^ chunk->key[0]) | (entry->key[1] ^ chunk->key[1]) | size;
}

/* What is remembered of a short chunk, or NULL. */
static inline const hb_short_chunk *recall(const hb_cache *cache, const hb_chunk *chunk) {
  size_t set = hb_cache_set(chunk->hash, cache->short_sets);
  const hb_short_chunk *own = cache->shorts + 2 * set, *beside = cache->shorts + 2 * (set ^ 1);
  uint64_t first = differs(own, chunk), second = differs(own + 1, chunk);
  if (!first || !second) return own + (first != 0);
  if (own[1].about == 0) return NULL;
  for (uint32_t i = 0; i < 2; i++)
    if (differs(beside + i, chunk) == 0) return beside + i;
  return NULL;
}

static inline int put_short(hb_pieces *p, const hb_cache *cache, const uint8_t *text, const hb_chunk *chunk) {
  const hb_short_chunk *entry = recall(cache, chunk);
  if (entry == NULL) return put_new(p, cache, text, chunk);
  if (entry->about & HB_AMONG_LONG) return put_long(p, cache, text, chunk);
  size_t n = p->count;
  if (p->room - n < HB_SHORT_PIECES) return 0;
  /* Three whatever their number is, without asking: what is too much is written over. */
  for (uint32_t k = 0; k < HB_SHORT_PIECES; k++) p->numbers[n + k] = entry->numbers[k] & p->mask;
  for (uint32_t k = 0; p->starts && k < HB_SHORT_PIECES; k++) {
    p->starts[n + k] = (int32_t)(chunk->from + (entry->places[k] & 15u));
    p->ends[n + k] = (int32_t)(chunk->from + (entry->places[k] >> 4) + 1u);
  }
  p->count = n + HB_SHORT_COUNT(entry->about);
  return 1;
}

static int put_added(hb_pieces *p, const hb_chunk *chunk) {
  if (p->room == p->count) return 0;
  p->chunk = p->count;
  hb_pieces_put(p, p->model->added_numbers[chunk->entry] | HB_PIECE_FIRST, (int32_t)chunk->from, (int32_t)chunk->to);
  return 1;
}

/* What is seldom. */
static int put_other(hb_pieces *p, const hb_cache *cache, const uint8_t *text, const hb_chunk *chunk) {
  switch (chunk->kind) {
  case HB_CHUNK_LONG:
    return put_long(p, cache, text, chunk);
  case HB_CHUNK_WORD:
    return hb_pieces_of_word(p, text, chunk->from, chunk->to);
  case HB_CHUNK_ADDED:
    return put_added(p, chunk);
  default:
    return hb_pieces_of_chunk(p, text, chunk->from, chunk->to);
  }
}

/* A string from *at on. Returns 0 when there was no room for what is at *at. */
static int put_string(hb_pieces *p, const hb_chunker *chunker, const uint8_t *text, size_t size, size_t *at) {
  hb_chunk found[HB_MOST_CHUNKS];
  for (size_t next = *at; next < size;) {
    uint32_t count = hb_chunks_find(chunker, text, size, &next, found);
    for (uint32_t i = 0; i < count; i++) {
      const hb_chunk *chunk = found + i;
      size_t before = p->count;
      int enough = chunk->kind == HB_CHUNK_SHORT ? put_short(p, &chunker->cache, text, chunk)
                                                 : put_other(p, &chunker->cache, text, chunk);
      if (!enough) {
        p->count = before;
        *at = chunk->from;
        return 0;
      }
    }
  }
  *at = 0;
  return 1;
}

static int open_model(const hb_wordpiece *model, hb_pieces *p, hb_chunker *chunker) {
  if (model->rules > HB_RULES_ALL || model->most_in_piece < 1 ||
      hb_wordpiece_scratch(model->most_in_word) == 0 || model->scratch_words < hb_wordpiece_scratch(model->most_in_word))
    return 0;
  p->model = model;
  p->unicode = hb_unicode_open(model->tables);
  p->classes = hb_classes_open(model->classes, model->classes_size, HB_CLASSES_WORDS, model->rules);
  p->vocabulary = hb_vocabulary_open(model->vocabulary, model->vocabulary_words);
  if (p->classes.index == NULL || p->vocabulary.slots == NULL) return 0;
  uint32_t room = model->most_in_word + 1;
  p->word = (hb_word){.codes = model->scratch,
                      .from = (int32_t *)(model->scratch + room),
                      .to = (int32_t *)(model->scratch + 2 * (size_t)room),
                      .room = room};
  *chunker = (hb_chunker){.classes = p->classes,
                          .cache = hb_cache_open(model->cache, model->cache_size),
                          .keep_space = (model->flags & HB_WORDPIECE_KEEP_SPACE) != 0,
                          .keep_unused = (model->flags & HB_WORDPIECE_KEEP_UNUSED) != 0};
  if (model->added) {
    chunker->added = hb_vocabulary_open(model->added, model->added_words);
    if (chunker->added.slots == NULL) return 0;
  }
  chunker->plain = !(model->rules & HB_RULES_WHOLE || chunker->keep_space || chunker->keep_unused || model->added);
  return 1;
}

int32_t hb_wordpiece_tokenize(const hb_wordpiece *model, const hb_string *strings, size_t count,
                              hb_progress *progress, int64_t *splits, int32_t *numbers, int32_t *starts,
                              int32_t *ends, uint8_t *first, size_t room) {
  hb_pieces p;
  hb_chunker chunker;
  if (!open_model(model, &p, &chunker)) return HB_BAD_ARGUMENT;
  p.mask = first ? -1 : ~HB_PIECE_FIRST;
  p.numbers = numbers, p.starts = starts, p.ends = ends;
  p.count = progress->tokens, p.room = room;
  splits[0] = 0;
  int enough = 1;
  for (size_t i = progress->string; i < count && enough; i++) {
    if (strings[i].size > HB_MAX_TEXT) return HB_BAD_ARGUMENT;
    progress->string = i;
    size_t begin = p.count;
    enough = put_string(&p, &chunker, strings[i].data, strings[i].size, &progress->byte);
    for (size_t k = begin; first && k < p.count; k++) {
      first[k] = (numbers[k] & HB_PIECE_FIRST) != 0;
      numbers[k] &= ~HB_PIECE_FIRST;
    }
    splits[i + 1] = (int64_t)p.count;
  }
  if (enough) progress->string = count;
  progress->tokens = p.count;
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
