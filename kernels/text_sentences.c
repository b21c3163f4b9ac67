#include "text_sentences.h"

#include "text_unicode.h"

/* What a character may be to a sentence's end. */
#define SPACE 1u
#define TERMINAL 2u
#define CLOSING 4u
#define LOOK 8u /* ASCII: it begins an emoticon, an acronym or an ellipsis, or is terminal */

/* The emoticons, without their first character, which is what a line is found by. Of those that begin alike the
 * longest stand first, so that the first match is the longest. Data of TF.Text 2.21, but for those that one before
 * them in its list hides. Each ends with a space. */
static const struct {
  char first;
  const char *rest;
} emoticons[] = {
    {':', "-))))) -)))) -))) '-( '-) (:) -)) -|| '( ') -# -& -( -) -* -, -. -/ -< -D -J -O -P -S -[ -\\ -c -o -p -s "
          "-| X) ^) ^* o) # $ & ( ) * / 3 < > @ D O P S [ \\ ] c o p s { | } "},
    {';', "-*=( -) -P -] -p ^) _; ( ) * P ] p "},
    {'=', "^_^= '( ) / D O P \\ ] o p | "},
    {'>', ":-( :-) _>^ .< :( :) :/ :O :P :[ :\\ ;) =( _< "},
    {'<', "\\3 3 "},
    {'(', "=^..^=) =^.^=) ]:{ "},
    {'*', "-) ) "},
    {'-', "<@% _- "},
    {'#', "-) "},
    {'^', "<_< _^ "},
    {'|', ";-) -O "},
    {'}', ":-) :) =) "},
    {'~', "@~ "},
    {'0', ":-) ;^) :) "},
    {'3', ":-) "},
    {'8', "'( -) "},
    {'B', "-) ) "},
    {'D', ":< : X "},
    {'O', ":-) .O =) "},
    {'T', "_T "},
    {'X', "-( -O -o ( D "},
    {'o', "_o; .o "},
    {'u', "_u "},
    {'x', "_x "},
};

#define LINES (sizeof emoticons / sizeof *emoticons)

typedef struct {
  hb_unicode unicode;
  uint8_t ascii[128]; /* SPACE, TERMINAL, CLOSING, LOOK */
  uint8_t line[128];  /* of `emoticons`, plus 1 */
} rules;

static uint32_t kind_beyond_ascii(const rules *rules, uint32_t code) {
  const hb_unicode_record *record = hb_unicode_of(&rules->unicode, code);
  uint32_t kind = record->flags & HB_UNICODE_WHITE_SPACE ? SPACE : 0;
  if (record->flags & HB_UNICODE_SENTENCE_TERMINAL) kind |= TERMINAL;
  if (record->category == HB_CATEGORY_PE) kind |= CLOSING;
  switch (code) {
    case 0x037E: case 0x055C: case 0x055E: case 0x17D4: case 0x2024: case 0x2026:
      return TERMINAL;
    case 0x3002: case 0xFE12: case 0xFE52: case 0xFF0E: case 0xFF61:
      return TERMINAL | CLOSING;
    case 0x3001: case 0xFD3F: case 0xFE10: case 0xFE11: case 0xFE50: case 0xFF0C: case 0xFF64: case 0x1325B:
    case 0x1325C: case 0x1325D: case 0x13282: case 0x13287: case 0x13289: case 0x1337A: case 0x1337B: case 0x13438:
    case 0x1343D: case 0x1343F: case 0x145CF:
      return CLOSING;
  }
  return kind;
}

static void open_rules(rules *rules, const uint8_t *tables) {
  rules->unicode = hb_unicode_open(tables);
  for (uint32_t c = 0; c < 128; c++) {
    int end = c == '.' || c == '!' || c == '?', close = c == ')' || c == ']' || c == '}' || c == '>';
    int space = c == ' ' || (c >= '\t' && c <= '\r'), capital = c >= 'A' && c <= 'Z';
    rules->ascii[c] = (uint8_t)((space ? SPACE : 0) | (end ? TERMINAL | LOOK : 0) | (close ? CLOSING : 0) |
                                (capital ? LOOK : 0));
    rules->line[c] = 0;
  }
  for (uint32_t i = 0; i < LINES; i++) {
    rules->ascii[(uint32_t)emoticons[i].first] |= LOOK;
    rules->line[(uint32_t)emoticons[i].first] = (uint8_t)(i + 1);
  }
}

/* Bytes of the emoticon at `at`, or 0. */
static size_t emoticon(const rules *rules, const uint8_t *at, size_t left) {
  if (at[0] >= 128 || !rules->line[at[0]]) return 0;
  const char *rest = emoticons[rules->line[at[0]] - 1].rest;
  while (*rest) {
    size_t size = 1;
    int same = 1;
    for (; *rest != ' '; rest++, size++) same = same && size < left && at[size] == (uint8_t)*rest;
    if (same) return size;
    rest++;
  }
  return 0;
}

/* Bytes of the acronym at `at`, at least two capitals each with a full stop, or 0. */
static size_t acronym(const uint8_t *at, size_t left) {
  size_t size = 0;
  while (size + 1 < left && at[size] >= 'A' && at[size] <= 'Z' && at[size + 1] == '.') size += 2;
  return size > 2 ? size : 0;
}

static uint32_t kind_at(const rules *rules, const uint8_t *at, size_t left, size_t *size) {
  if (at[0] < 0x80) {
    *size = 1;
    return rules->ascii[at[0]];
  }
  hb_char c = hb_utf8_decode(at, left);
  *size = c.size;
  return kind_beyond_ascii(rules, c.code);
}

/* Where the sentence that begins at `at` ends. */
static size_t sentence(const rules *rules, const uint8_t *text, size_t at, size_t end) {
  size_t step;
  for (;; at += step) { /* to what may end it */
    if (at == end) return end;
    const uint8_t *here = text + at;
    size_t left = end - at, found;
    uint32_t kind = kind_at(rules, here, left, &step);
    if (!(kind & (TERMINAL | LOOK))) continue;
    if (here[0] < 0x80 && ((found = emoticon(rules, here, left)) || (found = acronym(here, left)))) {
      at += found;
      break;
    }
    if (!(kind & TERMINAL)) continue;
    at += left >= 3 && here[0] == '.' && here[1] == '.' && here[2] == '.' ? 3 : step;
    break;
  }
  for (int closed = 0; at < end;) { /* and what belongs to its end */
    const uint8_t *here = text + at;
    size_t left = end - at, face = emoticon(rules, here, left);
    uint32_t kind = kind_at(rules, here, left, &step);
    int ellipsis = (left >= 3 && here[0] == '.' && here[1] == '.' && here[2] == '.') ||
                   (left >= 3 && here[0] == 0xE2 && here[1] == 0x80 && here[2] == 0xA6);
    if (face)
      at += face;
    else if (ellipsis)
      at += 3;
    else if (kind & CLOSING && (closed || !(kind & TERMINAL)))
      closed = 1, at += step;
    else if (kind & TERMINAL && !closed)
      at += step;
    else
      break;
  }
  return at;
}

int32_t hb_split_sentences(const uint8_t *tables, const hb_string *strings, size_t count, int32_t flags,
                           hb_progress *progress, int64_t *splits, int32_t *starts, int32_t *ends, size_t room) {
  rules rules;
  open_rules(&rules, tables);
  size_t n = progress->tokens;
  splits[0] = 0;
  for (size_t i = progress->string; i < count; i++) {
    const uint8_t *text = strings[i].data;
    size_t size = strings[i].size, at = progress->byte;
    if (size > HB_MAX_TEXT) return HB_BAD_ARGUMENT;
    while (at < size) {
      size_t step;
      if (kind_at(&rules, text + at, size - at, &step) & SPACE) {
        at += flags & HB_SPLIT_TF_TEXT ? 1 : step;
        continue;
      }
      if (n == room) {
        *progress = (hb_progress){i, at, n};
        return HB_SHORT_BUFFER;
      }
      starts[n] = (int32_t)at;
      at = sentence(&rules, text, at, size);
      ends[n++] = (int32_t)at;
    }
    progress->byte = 0;
    splits[i + 1] = (int64_t)n;
  }
  *progress = (hb_progress){count, 0, n};
  return HB_OK;
}
