#include "text_phrases.h"

#define DRAW 18u

static uint64_t hashed(uint64_t hash, uint8_t byte) { return (hash ^ byte) * 0x100000001B3u; }

#define HASH_OF_NOTHING 0xCBF29CE484222325u

/* The hash's bits mixed, never 0. */
static uint64_t finished(uint64_t hash) {
  hash ^= hash >> 32;
  hash *= 0xD6E8FEB86659FD93u;
  hash ^= hash >> 32;
  return hash ? hash : 1;
}

static int same_bytes(const uint8_t *a, const uint8_t *b, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (a[i] != b[i]) return 0;
  return 1;
}

int32_t hb_phrases_index(const hb_string *vocabulary, size_t count, hb_phrase_slot *table, size_t slots) {
  size_t used = 0;
  if (!slots || slots & (slots - 1)) return HB_BAD_ARGUMENT;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *phrase = vocabulary[i].data;
    size_t size = vocabulary[i].size;
    uint64_t hash = HASH_OF_NOTHING;
    if (size >= HB_PHRASE_WHOLE || i > INT32_MAX) return HB_BAD_ARGUMENT;
    for (size_t at = 0; at <= size && size; at++) {
      if (at == size || phrase[at] == ' ') {
        uint64_t key = finished(hash);
        size_t place = (size_t)key & (slots - 1);
        hb_phrase_slot *slot;
        for (; (slot = &table[place])->hash; place = (place + 1) & (slots - 1))
          if (slot->hash == key && (slot->size & ~HB_PHRASE_WHOLE) == at &&
              same_bytes(vocabulary[slot->entry].data, phrase, at))
            break;
        if (!slot->hash) {
          if (2 * ++used > slots) return HB_SHORT_BUFFER;
          *slot = (hb_phrase_slot){key, (uint32_t)i, (uint32_t)at};
        }
        if (at == size) slot->entry = (uint32_t)i, slot->size |= HB_PHRASE_WHOLE;
      }
      if (at < size) hash = hashed(hash, phrase[at]);
    }
  }
  return HB_OK;
}

static uint32_t drawn(const hb_phrases *phrases, uint32_t token, uint32_t number) {
  uint32_t c[4] = {token, number / 4, phrases->tick, DRAW};
  uint32_t low = (uint32_t)phrases->seed, high = (uint32_t)(phrases->seed >> 32);
  for (int round = 0; round < 7; round++) {
    uint64_t first = (uint64_t)c[0] * 0xD2511F53u, third = (uint64_t)c[2] * 0xCD9E8D57u;
    c[0] = (uint32_t)(third >> 32) ^ c[1] ^ low;
    c[2] = (uint32_t)(first >> 32) ^ c[3] ^ high;
    c[1] = (uint32_t)third;
    c[3] = (uint32_t)first;
    low += 0x9E3779B9u;
    high += 0xBB67AE85u;
  }
  return c[number % 4];
}

/* Behind the white space, or the word, from `at` on. */
static size_t behind(hb_classes spaces, const uint8_t *text, size_t at, size_t size, uint32_t space) {
  while (at < size) {
    hb_char c = hb_utf8_decode(text + at, size - at);
    if (hb_class_of(spaces, c.code) != space) break;
    at += c.size;
  }
  return at;
}

/* Whether the words from `at` on are the first bytes of a phrase, which end where a word does. */
static int same_words(hb_classes spaces, const uint8_t *text, size_t at, size_t size, const uint8_t *phrase,
                      size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (phrase[i] == ' ') {
      size_t next = behind(spaces, text, at, size, 1);
      if (next == at) return 0;
      at = next;
    } else if (at == size || text[at++] != phrase[i]) {
      return 0;
    }
  }
  return 1;
}

/* The phrase at `at`, where a word begins, and where it ends. */
static uint32_t phrase_at(const hb_phrases *phrases, hb_classes spaces, const uint8_t *text, size_t at, size_t size,
                          uint32_t token, size_t *end) {
  uint32_t found = phrases->unknown, number = 0;
  uint64_t hash = HASH_OF_NOTHING;
  size_t length = 0;
  *end = behind(spaces, text, at, size, 0);
  for (size_t word = at, stop = *end;;) {
    for (size_t i = word; i < stop; i++) hash = hashed(hash, text[i]);
    length += stop - word;
    uint64_t key = finished(hash);
    size_t place = (size_t)key & (phrases->slots - 1);
    const hb_phrase_slot *slot;
    for (; (slot = &phrases->table[place])->hash; place = (place + 1) & (phrases->slots - 1))
      if (slot->hash == key && (slot->size & ~HB_PHRASE_WHOLE) == length && /* a beginning needs no proof */
          (!(slot->size & HB_PHRASE_WHOLE) ||
           same_words(spaces, text, at, size, phrases->vocabulary[slot->entry].data, length)))
        break;
    if (!slot->hash) return found;
    if (slot->size & HB_PHRASE_WHOLE) {
      found = slot->entry;
      *end = stop;
      if (phrases->rate && drawn(phrases, token, number++) < phrases->rate) return found;
    }
    word = behind(spaces, text, stop, size, 1);
    if (word == size) return found;
    stop = behind(spaces, text, word, size, 0);
    hash = hashed(hash, ' ');
    length++;
  }
}

int32_t hb_phrases_find(const hb_phrases *phrases, const hb_string *strings, size_t count, hb_progress *progress,
                        int64_t *splits, int32_t *entries, int32_t *starts, int32_t *ends, size_t room) {
  hb_classes spaces = hb_classes_open(phrases->classes, phrases->classes_size, HB_CLASSES_SPACE, 0);
  if (spaces.index == NULL || !phrases->slots || phrases->slots & (phrases->slots - 1)) return HB_BAD_ARGUMENT;
  size_t n = progress->tokens;
  splits[0] = 0;
  for (size_t i = progress->string; i < count; i++) {
    const uint8_t *text = strings[i].data;
    size_t size = strings[i].size, at = progress->byte;
    if (size > HB_MAX_TEXT) return HB_BAD_ARGUMENT;
    while ((at = behind(spaces, text, at, size, 1)) < size) {
      if (n == room) {
        *progress = (hb_progress){i, at, n};
        return HB_SHORT_BUFFER;
      }
      size_t end;
      entries[n] = (int32_t)phrase_at(phrases, spaces, text, at, size, (uint32_t)n, &end);
      starts[n] = (int32_t)at;
      ends[n++] = (int32_t)end;
      at = end;
    }
    progress->byte = 0;
    splits[i + 1] = (int64_t)n;
  }
  *progress = (hb_progress){count, 0, n};
  return HB_OK;
}
