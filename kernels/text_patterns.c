#include "text_patterns.h"

/* Source: Thompson, "Regular expression search algorithm", CACM 11 (1968), with threads kept in order of preference
 * and each with the place where it began, as Pike's sam(1) does. */

int32_t hb_pattern_check(const hb_pattern *p) {
  if (p->length < 0 || p->length > HB_PATTERN_MOST || p->set_count < 0 || p->set_count > HB_PATTERN_MOST)
    return HB_BAD_ARGUMENT;
  for (int32_t i = 0; i < p->length; i++) {
    hb_instruction it = p->program[i];
    int y_inside = it.y >= 0 && it.y < p->length;
    switch (it.does) {
      case HB_PATTERN_MATCH:
        break;
      case HB_PATTERN_SET:
        if (it.x < 0 || it.x >= p->set_count || !y_inside) return HB_BAD_ARGUMENT;
        break;
      case HB_PATTERN_FORK:
        if (it.x < 0 || it.x >= p->length || !y_inside) return HB_BAD_ARGUMENT;
        break;
      case HB_PATTERN_ASSERT:
        if (it.x < 0 || it.x >= HB_PATTERN_ASSERTIONS || !y_inside) return HB_BAD_ARGUMENT;
        break;
      default:
        return HB_BAD_ARGUMENT;
    }
  }
  for (int32_t i = 0; i < p->set_count; i++)
    if (p->sets[i] < 0 || p->sets[i + 1] < p->sets[i]) return HB_BAD_ARGUMENT;
  return HB_OK;
}

typedef struct {
  uint32_t at;    /* instruction */
  uint32_t start; /* byte of the text */
} thread;

/* A search's memory: threads at this character and at the next, in order of preference; a stack; at which `age`, one
 * a character, instructions were reached. */
typedef struct {
  const hb_pattern *pattern;
  thread *now, *next;
  uint32_t *stack, *reached, count, age;
  uint64_t *ascii;    /* a bit for each of ASCII's characters, of each set */
  uint8_t first[256]; /* whether a match may begin with this byte */
} search;

size_t hb_pattern_scratch(const hb_pattern *split, const hb_pattern *keep) {
  return 4 * ((size_t)split->length + (size_t)keep->length) + 2 * ((size_t)split->set_count + (size_t)keep->set_count) +
         8;
}

static int in_set(const hb_pattern *p, int32_t set, uint32_t code) {
  int32_t low = p->sets[set], high = p->sets[set + 1];
  while (low < high) {
    int32_t middle = low + (high - low) / 2;
    if (code > p->ranges[2 * middle + 1])
      low = middle + 1;
    else if (code < p->ranges[2 * middle])
      high = middle;
    else
      return 1;
  }
  return 0;
}

static int takes(const search *s, int32_t set, uint32_t code) {
  if (code < 128) return (int)(s->ascii[2 * set + (int32_t)(code >> 6)] >> (code & 63) & 1);
  return in_set(s->pattern, set, code);
}

static int in_word(const uint8_t *text, size_t at, size_t size) {
  if (at >= size) return 0; /* before the first character too: the index wraps */
  uint8_t c = text[at];
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static int holds(int32_t assertion, const uint8_t *text, size_t at, size_t size) {
  switch (assertion) {
    case HB_PATTERN_BEGIN: return at == 0;
    case HB_PATTERN_END: return at == size;
    case HB_PATTERN_LINE_BEGIN: return at == 0 || text[at - 1] == '\n';
    case HB_PATTERN_LINE_END: return at == size || text[at] == '\n';
    default: {
      int boundary = in_word(text, at - 1, size) != in_word(text, at, size);
      return boundary == (assertion == HB_PATTERN_BOUNDARY);
    }
  }
}

/* Adds to `threads` what instruction `from` leads to without a character, in order of preference; all assertions hold
 * where there is no text. Returns the new count. */
static uint32_t follow(search *s, thread *threads, uint32_t count, uint32_t from, uint32_t start, const uint8_t *text,
                       size_t at, size_t size) {
  uint32_t depth = 0;
  s->stack[depth++] = from;
  while (depth) {
    uint32_t here = s->stack[--depth];
    if (s->reached[here] == s->age) continue;
    s->reached[here] = s->age;
    hb_instruction it = s->pattern->program[here];
    if (it.does == HB_PATTERN_FORK) {
      s->stack[depth++] = (uint32_t)it.y;
      s->stack[depth++] = (uint32_t)it.x;
    } else if (it.does == HB_PATTERN_ASSERT) {
      if (text == NULL || holds(it.x, text, at, size)) s->stack[depth++] = (uint32_t)it.y;
    } else {
      threads[count++] = (thread){here, start};
    }
  }
  return count;
}

/* To the next character: nothing has been reached there. */
static void grow_older(search *s) {
  if (++s->age) return;
  for (int32_t i = 0; i < s->pattern->length; i++) s->reached[i] = 0; /* once in four billion characters */
  s->age = 1;
}

static search open_search(const hb_pattern *pattern, uint64_t *scratch) {
  size_t n = (size_t)pattern->length;
  search s = {.pattern = pattern, .now = (thread *)scratch, .next = (thread *)(scratch + n), .age = 1};
  s.stack = (uint32_t *)(scratch + 2 * n); /* two for each instruction: a fork takes one and puts two */
  s.reached = s.stack + 2 * n;
  for (size_t i = 0; i < n; i++) s.reached[i] = 0;
  s.ascii = scratch + 4 * n + 4;
  for (int32_t set = 0; set < pattern->set_count; set++) {
    s.ascii[2 * set] = s.ascii[2 * set + 1] = 0;
    for (uint32_t c = 0; c < 128; c++)
      s.ascii[2 * set + (int32_t)(c >> 6)] |= (uint64_t)in_set(pattern, set, c) << (c & 63);
  }
  for (uint32_t c = 0; c < 256; c++) s.first[c] = 0;
  if (n == 0) return s;
  uint32_t count = follow(&s, s.now, 0, 0, 0, NULL, 0, 0);
  for (uint32_t i = 0; i < count; i++) {
    hb_instruction it = pattern->program[s.now[i].at];
    if (it.does != HB_PATTERN_SET) continue;
    for (uint32_t c = 0; c < 128; c++) s.first[c] |= (uint8_t)takes(&s, it.x, c);
    int32_t last = pattern->sets[it.x + 1];
    if (last > pattern->sets[it.x] && pattern->ranges[2 * last - 1] >= 128)
      for (uint32_t c = 128; c < 256; c++) s.first[c] = 1;
  }
  return s;
}

/* Takes the threads over the character at `at`; returns whether one matched, and drops what is less preferred. */
static int step(search *s, const uint8_t *text, size_t at, size_t size, hb_char c, thread *matched) {
  uint32_t count = 0;
  int found = 0;
  grow_older(s);
  for (uint32_t i = 0; i < s->count && !found; i++) {
    hb_instruction it = s->pattern->program[s->now[i].at];
    if (it.does == HB_PATTERN_MATCH) {
      *matched = s->now[i];
      found = 1;
    } else if (c.size && takes(s, it.x, c.code)) {
      count = follow(s, s->next, count, (uint32_t)it.y, s->now[i].start, text, at + c.size, size);
    }
  }
  thread *now = s->now;
  s->now = s->next;
  s->next = now;
  s->count = count;
  return found;
}

/* The first match at or behind `at`; 0 when there is none. */
static int find(search *s, const uint8_t *text, size_t at, size_t size, size_t *begin, size_t *end) {
  int found = 0;
  thread matched;
  s->count = 0;
  grow_older(s);
  for (;;) {
    if (!found) {
      if (s->count == 0 && at < size && !s->first[text[at]]) {
        while (at < size && !s->first[text[at]]) at++; /* all bytes of other characters than ASCII are alike here */
        grow_older(s);
      }
      s->count = follow(s, s->now, s->count, 0, (uint32_t)at, text, at, size);
    }
    if (s->count == 0 && (found || at >= size)) return found;
    hb_char c = at < size ? hb_utf8_decode(text + at, size - at) : (hb_char){0, 0};
    if (step(s, text, at, size, c, &matched)) {
      found = 1;
      *begin = matched.start;
      *end = at;
    }
    if (c.size == 0) return found;
    at += c.size;
  }
}

/* Whether all of the text is a match. */
static int matches(search *s, const uint8_t *text, size_t size) {
  grow_older(s);
  s->count = follow(s, s->now, 0, 0, 0, text, 0, size);
  for (size_t at = 0; at < size && s->count;) {
    hb_char c = hb_utf8_decode(text + at, size - at);
    uint32_t count = 0;
    grow_older(s);
    for (uint32_t i = 0; i < s->count; i++) {
      hb_instruction it = s->pattern->program[s->now[i].at];
      if (it.does == HB_PATTERN_SET && takes(s, it.x, c.code))
        count = follow(s, s->next, count, (uint32_t)it.y, 0, text, at + c.size, size);
    }
    thread *now = s->now;
    s->now = s->next;
    s->next = now;
    s->count = count;
    at += c.size;
  }
  for (uint32_t i = 0; i < s->count; i++)
    if (s->pattern->program[s->now[i].at].does == HB_PATTERN_MATCH) return 1;
  return 0;
}

int32_t hb_split_matches(const hb_pattern *split, const hb_pattern *keep, const hb_string *strings, size_t count,
                         hb_progress *progress, int64_t *splits, int32_t *starts, int32_t *ends, size_t room,
                         uint64_t *scratch, size_t scratch_length) {
  if (split->length == 0 || scratch_length < hb_pattern_scratch(split, keep)) return HB_BAD_ARGUMENT;
  search splitting = open_search(split, scratch);
  search keeping = open_search(keep, scratch + 4 * (size_t)split->length + 4 + 2 * (size_t)split->set_count);
  size_t n = progress->tokens;
  splits[0] = 0;
  for (size_t i = progress->string; i < count; i++) {
    const uint8_t *text = strings[i].data;
    size_t size = strings[i].size, at = progress->byte;
    if (size > HB_MAX_TEXT) return HB_BAD_ARGUMENT;
    while (at < size) {
      size_t begin = size, end = size;
      if (n + 2 > room) {
        *progress = (hb_progress){i, at, n};
        return HB_SHORT_BUFFER;
      }
      if (!find(&splitting, text, at, size, &begin, &end)) begin = end = size;
      if (begin > at) starts[n] = (int32_t)at, ends[n++] = (int32_t)begin;
      if (end > begin && keep->length && matches(&keeping, text + begin, end - begin))
        starts[n] = (int32_t)begin, ends[n++] = (int32_t)end;
      at = end > at ? end : size; /* an empty match would never end */
    }
    progress->byte = 0;
    splits[i + 1] = (int64_t)n;
  }
  *progress = (hb_progress){count, 0, n};
  return HB_OK;
}
