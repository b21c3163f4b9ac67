#include "text_chunks.h"

/* The class of the character at `at`, and its size. */
static inline uint32_t class_at(const hb_chunker *k, const uint8_t *at, size_t left, hb_char *c) {
  uint32_t class = k->classes.bytes[at[0]];
  if (class != HB_NOT_ASCII) {
    *c = (hb_char){at[0], 1};
    return class;
  }
  *c = hb_utf8_decode(at, left);
  return hb_class_of(k->classes, c->code);
}

/* Where the chunk ends that text[at - 1] is part of. Letters and digits of ASCII are part of one under all rules. */
static inline size_t chunk_end(const hb_chunker *k, const uint8_t *text, size_t size, size_t at) {
  while (at < size) {
    size_t run = hb_alphanumeric_run(text, size, at);
    at += run;
    if (run == 16) continue;
    if (at == size) break;
    hb_char c;
    if ((class_at(k, text + at, size - at, &c) & 3) != HB_WORD_PART) break;
    for (at += c.size; at < size && text[at] >= 0x80; at += c.size) { /* most are followed by their like */
      c = hb_utf8_decode(text + at, size - at);
      if ((hb_class_of(k->classes, c.code) & 3) != HB_WORD_PART) return at;
    }
  }
  return at;
}

/* Where white space ends that begins before `at`. */
static size_t space_end(const hb_chunker *k, const uint8_t *text, size_t size, size_t at) {
  hb_char c;
  while (at < size && (class_at(k, text + at, size - at, &c) & 3) == HB_WORD_SPACE) at += c.size;
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
static size_t added_end(const hb_chunker *k, const uint8_t *text, size_t size, size_t from, uint32_t *entry) {
  size_t end = from;
  uint32_t node = 0;
  for (size_t at = from; at < size;) {
    hb_char c = hb_utf8_decode(text + at, size - at);
    int32_t number;
    node = hb_vocabulary_step(&k->added, node, c.code, &number);
    if (node == HB_NO_NODE) break;
    at += c.size;
    if (number >= 0) end = at, *entry = (uint32_t)number;
  }
  return end;
}

/* Writes a chunk down, and has fetched where it would be remembered. */
static inline void note(const hb_chunker *k, const uint8_t *text, size_t size, size_t from, size_t to,
                        hb_chunk *chunk) {
  chunk->from = (uint32_t)from;
  chunk->to = (uint32_t)to;
  if (k->cache.shorts == NULL) {
    chunk->kind = HB_CHUNK;
  } else if (to - from <= 8 * HB_SHORT_KEY) {
    chunk->kind = HB_CHUNK_SHORT;
    hb_short_key(text, size, from, to, chunk->key);
    chunk->hash = hb_short_hash(chunk->key);
    __builtin_prefetch(k->cache.shorts + 2 * hb_cache_set(chunk->hash, k->cache.short_sets));
  } else if (to - from <= 8 * HB_LONG_KEY) {
    chunk->kind = HB_CHUNK_LONG;
    chunk->hash = hb_long_hash(text, from, to);
    const uint8_t *set = (const uint8_t *)(k->cache.longs + 2 * hb_cache_set(chunk->hash, k->cache.long_sets));
    __builtin_prefetch(set);
    __builtin_prefetch(set + 64);
  } else {
    chunk->kind = HB_CHUNK;
  }
}

/* The chunk at `from`, or one character of white space, which is none. Returns where it ends. */
static inline size_t find_one(const hb_chunker *k, const uint8_t *text, size_t size, size_t from, hb_chunk *chunk,
                              uint32_t *count) {
  hb_char c;
  uint32_t class = class_at(k, text + from, size - from, &c) & 3, kind = HB_CHUNK;
  size_t to = from + c.size;
  if (class == HB_WORD_SPACE) {
    if (!k->keep_space) return to;
    kind = HB_CHUNK_WORD;
    to = space_end(k, text, size, to);
  } else {
    size_t added = from, unused = from;
    if (k->keep_unused && c.code == '[') unused = unused_end(text, size, from);
    if (k->added.slots && class == HB_WORD_ALONE) added = added_end(k, text, size, from, &chunk->entry);
    if (added > from)
      kind = HB_CHUNK_ADDED, to = added;
    else if (unused > from)
      kind = HB_CHUNK_WORD, to = unused;
    else if (class == HB_WORD_PART)
      to = chunk_end(k, text, size, to);
  }
  note(k, text, size, from, to, chunk);
  if (kind != HB_CHUNK) chunk->kind = kind;
  ++*count;
  return to;
}

#ifndef HB_NO_SIXTEEN

/* What 64 bytes are, a bit each; none is two of these. */
typedef struct {
  uint64_t alphanumeric, alone, blank; /* of ASCII: letters and digits; other visible characters; white space */
} window;

static inline window sixteen(const uint8_t *at) {
  hb_sixteen bytes = hb_load16(at), lower = hb_either(bytes, hb_fill16(0x20));
  uint32_t alphanumeric = hb_bits(hb_either(hb_within(lower, 'a', 26), hb_within(bytes, '0', 10)));
  uint32_t blank = hb_bits(hb_either(hb_within(bytes, ' ', 1), hb_within(bytes, '\t', 2)));
  return (window){alphanumeric, hb_bits(hb_within(bytes, '!', 94)) & ~alphanumeric, blank};
}

/* Of text[from] to text[from + 63], or up to the text's end, after which all is blank. The text has 64 bytes. */
static inline window look(const uint8_t *text, size_t size, size_t from) {
  size_t beyond = size - from < 64 ? 64 - (size - from) : 0;
  window w = {0};
  for (size_t i = 0; i < 64; i += 16) {
    window part = sixteen(text + from - beyond + i);
    w.alphanumeric |= part.alphanumeric << i;
    w.alone |= part.alone << i;
    w.blank |= part.blank << i;
  }
  if (beyond)
    w = (window){w.alphanumeric >> beyond, w.alone >> beyond, w.blank >> beyond | ~(uint64_t)0 << (64 - beyond)};
  return w;
}

/* Bits from `at` on, which is at most 63. */
static inline uint64_t from_bit(uint32_t at) { return ~(uint64_t)0 << at; }

/* Chunks that begin in the 64 bytes from `from` on; returns where to go on. One chunk is found without asking where
 * the one before it ends: that takes a processor the longest when it guesses wrong, and words' lengths it does. */
static size_t find_plain(const hb_chunker *k, const uint8_t *text, size_t size, size_t from, hb_chunk *found,
                         uint32_t *count) {
  window w = look(text, size, from);
  uint64_t other = ~(w.alphanumeric | w.alone | w.blank); /* not ASCII, or a control character */
  uint64_t begins = w.alone | (w.alphanumeric & ~(w.alphanumeric << 1));
  for (;;) {
    /* The run of letters that touches `stop` may go on there. */
    uint32_t stop = other ? (uint32_t)__builtin_ctzll(other) : 64, end = stop;
    if (stop && w.alphanumeric >> (stop - 1) & 1) {
      uint64_t outside = ~(w.alphanumeric << (64 - stop));
      end = outside ? stop - (uint32_t)__builtin_clzll(outside) : 0;
    }
    uint64_t here = end < 64 ? begins & ~from_bit(end) : begins;
    for (; here; here &= here - 1) {
      uint32_t at = (uint32_t)__builtin_ctzll(here);
      uint32_t run = (uint32_t)__builtin_ctzll(~(w.alphanumeric >> at)), length = run + (run == 0);
      note(k, text, size, from + at, from + at + length, found + (*count)++);
    }
    if (stop == 64 && end) return from + end;
    size_t next = find_one(k, text, size, from + end, found + *count, count);
    if (next - from >= 64) return next;
    uint64_t left = from_bit((uint32_t)(next - from));
    begins &= left, other &= left, w.alphanumeric &= left;
  }
}

#endif

uint32_t hb_chunks_find(const hb_chunker *chunker, const uint8_t *text, size_t size, size_t *at,
                        hb_chunk found[HB_MOST_CHUNKS]) {
  uint32_t count = 0;
  size_t from = *at;
  while (from < size && count < HB_FEW_CHUNKS) {
#ifndef HB_NO_SIXTEEN
    if (chunker->plain && size >= 64 && text[from] < 0x80) {
      from = find_plain(chunker, text, size, from, found, &count);
      continue;
    }
#endif
    from = find_one(chunker, text, size, from, found + count, &count);
  }
  *at = from;
  return count;
}
