/* The shape of a word: TF.Text's 25 patterns, each decided from one pass over the string.
 *
 * They are regular expressions there, matched against the whole string. What those say in passing is kept: a
 * dot is no line feed, so that "contains a symbol" is false for a text of two lines; and an emoji is what the
 * list has, not what Unicode has since added. */
#include "text_wordshape.h"

/* Emoticons, ordered by their last byte, then the one before, and so on. */
static const char *const emoticons[] = {
  ":-#", ":#", ":$", "-<@%", ":-&", ":&", "8'(", ":'(", "='(", ":'-(", ":-(", ">:-(", "X-(", ":(", ">:(", ";(",
  "=(", ">=(", "X(", "%)", ":')", ":-)))))", ":-))))", ":-)))", ":-))", "*)", "#-)", "%-)", ":'-)", "*-)",
  "8-)", ":-)", ",:-)", "0:-)", "3:-)", ">:-)", "O:-)", "*<|:-)", "}:-)", ";-)", "|;-)", "B-)", ":)", ":(:)",
  "0:)", ">:)", "}:)", ";)", ">;)", "=)", "O=)", "(=^..^=)", "(=^.^=)", "}=)", "B)", ":X)", ":^)", ";^)",
  "0;^)", ":o)", ":(|)", "DX:\343\201\243)", ":-*", ";-*", ":*", ";*", ":^*", ":-,", "-_-", ":-.", ":-/", ":/",
  ">:/", "=/", "</3", ":3", "<3", "<\\3", "D:", "^_^;;", ";_;", "o_o;", ":-<", ">.<", ":<", "D:<", "^<_<",
  ">_<", "=^_^=", ":>", ":@", ":\343\201\243C", ":-D", ":D", "=D", "XD", ":-J", ":-O", "X-O", "|-O", "O.O",
  ":O", ">:O", "=O", ":-P", ";-P", ":P", ">:P", ";P", "=P", ":-S", ":S", "T_T", ":-[", ":[", ">:[", ":-\\",
  "~:-\\", ":\\", ">:\\", "=\\", ";-]", ":]", ";]", "=]", "7:^]", "=:o]", ">_>^", "^_^", ":-c", ":c", ":-o",
  "X-o", "o.o", ":o", "=o", ":-p", ";-p", ":p", ";p", "=p", ":-s", ":s", "u_u", "x_x", ":{", "(]:{", ":-|",
  "<:-|", ":|", "=|", ":-||", ":}", "~@~", "\340\262\240_\340\262\240",
};
#define EMOTICONS (sizeof emoticons / sizeof emoticons[0])

static const uint32_t emoji[][2] = {
  {0x203C, 0x203C}, {0x2049, 0x2049}, {0x2139, 0x2139}, {0x2194, 0x2199}, {0x21A9, 0x21A9}, {0x21AA, 0x21AA},
  {0x231A, 0x231A}, {0x231B, 0x231B}, {0x2328, 0x2328}, {0x23CF, 0x23CF}, {0x23E9, 0x23F3}, {0x23F8, 0x23FA},
  {0x24C2, 0x24C2}, {0x25AA, 0x25AA}, {0x25AB, 0x25AB}, {0x25B6, 0x25B6}, {0x25C0, 0x25C0}, {0x25FB, 0x25FE},
  {0x2600, 0x26FF}, {0x2702, 0x2702}, {0x2705, 0x2705}, {0x2708, 0x270D}, {0x270F, 0x270F}, {0x2712, 0x2712},
  {0x2714, 0x2714}, {0x2716, 0x2716}, {0x271D, 0x271D}, {0x2721, 0x2721}, {0x2728, 0x2728}, {0x2733, 0x2733},
  {0x2734, 0x2734}, {0x2744, 0x2744}, {0x2747, 0x2747}, {0x274C, 0x274C}, {0x274E, 0x274E}, {0x2753, 0x2755},
  {0x2757, 0x2757}, {0x2763, 0x2763}, {0x2764, 0x2764}, {0x2795, 0x2797}, {0x2934, 0x2934}, {0x2935, 0x2935},
  {0x2B05, 0x2B07}, {0x2B1B, 0x2B1B}, {0x2B1C, 0x2B1C}, {0x2B50, 0x2B50}, {0x2B55, 0x2B55}, {0x3030, 0x3030},
  {0x303D, 0x303D}, {0x3297, 0x3297}, {0x3299, 0x3299}, {0x1F004, 0x1F004}, {0x1F0CF, 0x1F0CF},
  {0x1F170, 0x1F170}, {0x1F171, 0x1F171}, {0x1F17E, 0x1F17E}, {0x1F17F, 0x1F17F}, {0x1F18E, 0x1F18E},
  {0x1F191, 0x1F19A}, {0x1F1E6, 0x1F1FF}, {0x1F201, 0x1F201}, {0x1F202, 0x1F202}, {0x1F21A, 0x1F21A},
  {0x1F22F, 0x1F22F}, {0x1F232, 0x1F23A}, {0x1F250, 0x1F250}, {0x1F251, 0x1F251}, {0x1F300, 0x1F6FF},
  {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FA74}, {0x1FA78, 0x1FA7A}, {0x1FA80, 0x1FA86}, {0x1FA90, 0x1FAA8},
  {0x1FAB0, 0x1FAB6}, {0x1FAC0, 0x1FAC2}, {0x1FAD0, 0x1FAD6},
};
#define EMOJI (sizeof emoji / sizeof emoji[0])

static int is_emoji(uint32_t code) {
  size_t low = 0, high = EMOJI;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (code > emoji[middle][1]) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < EMOJI && code >= emoji[low][0];
}

/* Single characters that open or close a quotation; the three of ASCII do both. */
static int opens_quote(uint32_t code) {
  switch (code) {
    case '"': case '\'': case '`': case 0xFF07: case 0xFF02: case 0x2018: case 0x201A: case 0x201B: case 0x201C:
    case 0xAB: case 0x201E: case 0x201F: case 0x2039: case 0x300C: case 0x300E: case 0x301D: case 0x2E42:
    case 0xFF62: case 0xFE41: case 0xFE43:
      return 1;
    default:
      return 0;
  }
}

static int closes_quote(uint32_t code) {
  switch (code) {
    case '"': case '\'': case '`': case 0xFF07: case 0xFF02: case 0xBB: case 0x2019: case 0x201D: case 0x203A:
    case 0x300D: case 0x300F: case 0x301E: case 0x301F: case 0xFE42: case 0xFE44: case 0xFF63:
      return 1;
    default:
      return 0;
  }
}

static int ends_with(hb_string s, const char *end, size_t length) {
  if (s.size < length) return 0;
  const uint8_t *tail = s.data + s.size - length;
  while (length > 0 && tail[length - 1] == (uint8_t)end[length - 1]) length--;
  return length == 0;
}

static size_t length_of(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}

/* Whether an emoticon ends the string, or is all of it. */
static int emoticon(hb_string s, int whole) {
  if (s.size == 0) return 0;
  for (size_t i = 0; i < EMOTICONS; i++) {
    size_t length = length_of(emoticons[i]);
    if ((uint8_t)emoticons[i][length - 1] == s.data[s.size - 1] && (!whole || length == s.size) &&
        ends_with(s, emoticons[i], length))
      return 1;
  }
  return 0;
}

/* [+-]? (digits .? digits* | . digits) ([eE] -? digits)? as a state a character. */
enum { START, SIGNED, WHOLE, POINT, FRACTION, EXPONENT, MINUS, POWER, NO_NUMBER };

static int number_state(int state, uint32_t code, int digit) {
  switch (state) {
    case START:
      if (code == '+' || code == '-') return SIGNED; /* fallthrough */
    case SIGNED:
      return digit ? WHOLE : code == '.' ? POINT : NO_NUMBER;
    case WHOLE:
      if (code == '.') return FRACTION; /* fallthrough */
    case FRACTION:
      if (digit) return state;
      return code == 'e' || code == 'E' ? EXPONENT : NO_NUMBER;
    case POINT:
      return digit ? FRACTION : NO_NUMBER;
    case EXPONENT:
      if (code == '-') return MINUS; /* fallthrough */
    case MINUS:
    case POWER:
      return digit ? POWER : NO_NUMBER;
    default:
      return NO_NUMBER;
  }
}

/* Set of categories, as a mask. */
#define SET(category) (1u << HB_CATEGORY_##category)

/* What one pass finds. */
typedef struct {
  uint32_t any;         /* the categories that occur */
  uint32_t first, last; /* categories of the ends, as sets; 0 for an empty string */
  uint32_t last_code;
  size_t lines;         /* line feeds */
  int digit_edge, symbol_edge;       /* such a character beside one that is not */
  int digit_edge_lf, symbol_edge_lf; /* the other one being a line feed */
  int emoji, number, acronym, title;
  size_t open_quotes, close_quotes;
  int opens;
} hb_word;

static hb_word read_word(const hb_unicode *u, hb_string s) {
  enum { BEFORE_LETTERS, CAPITAL, SMALL, NO_TITLE };
  hb_word w = {.number = START, .acronym = 1};
  uint32_t before = 0, before_code = 0;
  int title = BEFORE_LETTERS;
  for (size_t at = 0; at < s.size;) {
    hb_char c = hb_utf8_decode(s.data + at, s.size - at);
    at += c.size;
    uint32_t set = 1u << hb_unicode_of(u, c.code)->category, symbols = HB_CATEGORY_P | HB_CATEGORY_S;
    if (w.first == 0) w.first = set, w.opens = opens_quote(c.code);
    if (before) {
      int feed = c.code == '\n' || before_code == '\n';
      if (!(set & SET(ND)) != !(before & SET(ND))) w.digit_edge = 1, w.digit_edge_lf |= feed;
      if (!(set & symbols) != !(before & symbols)) w.symbol_edge = 1, w.symbol_edge_lf |= feed;
    }
    w.any |= set;
    w.lines += c.code == '\n';
    w.emoji |= c.code > 0x2000 && is_emoji(c.code);
    w.number = number_state(w.number, c.code, (set & SET(ND)) != 0);
    /* (Lu .)+: capital and full stop in turn, ending with a full stop */
    w.acronym = w.acronym == 1 ? (set & SET(LU) ? 2 : 0) : w.acronym == 2 ? (c.code == '.' ? 1 : 0) : 0;
    if (title == BEFORE_LETTERS && set & HB_CATEGORY_L) {
      title = set & (SET(LU) | SET(LT)) ? CAPITAL : NO_TITLE;
    } else if (title == CAPITAL) {
      title = set & SET(LL) ? SMALL : NO_TITLE;
    } else if (title == SMALL && c.code == '\n') {
      title = NO_TITLE;
    }
    w.open_quotes += (size_t)opens_quote(c.code);
    w.close_quotes += (size_t)closes_quote(c.code);
    before = set, before_code = c.code;
  }
  w.last = before, w.last_code = before_code;
  w.acronym = w.acronym == 1 && s.size > 0;
  w.title = title == SMALL;
  return w;
}

static int has_shape(const hb_word *w, hb_string s, int32_t shape) {
  const uint32_t symbols = HB_CATEGORY_P | HB_CATEGORY_S;
  int one_line = w->lines == 0;
  switch (shape) {
    case HB_SHAPE_HAS_PUNCTUATION_DASH: return one_line && w->any & SET(PD);
    case HB_SHAPE_HAS_NO_DIGITS: return !(w->any & SET(ND));
    case HB_SHAPE_HAS_SOME_DIGITS: return one_line ? w->digit_edge : w->lines == 1 && w->digit_edge_lf;
    case HB_SHAPE_HAS_ONLY_DIGITS: return w->any == SET(ND);
    case HB_SHAPE_IS_NUMERIC_VALUE: return w->number == WHOLE || w->number == FRACTION || w->number == POWER;
    case HB_SHAPE_HAS_NO_PUNCT_OR_SYMBOL: return !(w->any & symbols);
    case HB_SHAPE_HAS_SOME_PUNCT_OR_SYMBOL: return one_line ? w->symbol_edge : w->lines == 1 && w->symbol_edge_lf;
    case HB_SHAPE_IS_PUNCT_OR_SYMBOL: return w->any && !(w->any & ~symbols);
    case HB_SHAPE_BEGINS_WITH_PUNCT_OR_SYMBOL: return one_line && w->first & symbols;
    case HB_SHAPE_ENDS_WITH_PUNCT_OR_SYMBOL: return one_line && w->last & symbols;
    case HB_SHAPE_ENDS_WITH_ELLIPSIS:
      return one_line && (w->last_code == 0x2026 || w->last_code == 0x22EF || ends_with(s, "...", 3));
    case HB_SHAPE_IS_EMOTICON: return emoticon(s, 1);
    case HB_SHAPE_ENDS_WITH_EMOTICON: return one_line && emoticon(s, 0);
    case HB_SHAPE_HAS_EMOJI: return one_line && w->emoji;
    case HB_SHAPE_IS_ACRONYM_WITH_PERIODS: return w->acronym;
    case HB_SHAPE_IS_UPPERCASE: return w->any == SET(LU);
    case HB_SHAPE_IS_LOWERCASE: return w->any == SET(LL);
    case HB_SHAPE_HAS_MIXED_CASE: return one_line && w->any & SET(LU) && w->any & SET(LL);
    case HB_SHAPE_IS_MIXED_CASE_LETTERS: return w->any & SET(LU) && w->any & SET(LL) && !(w->any & ~HB_CATEGORY_L);
    case HB_SHAPE_HAS_TITLE_CASE: return w->title;
    case HB_SHAPE_BEGINS_WITH_OPEN_QUOTE:
      return (w->opens && w->open_quotes == 1) ||
             (one_line && s.size >= 2 && s.data[0] == '`' && s.data[1] == '`');
    case HB_SHAPE_ENDS_WITH_CLOSE_QUOTE:
      return (w->close_quotes == 1 && closes_quote(w->last_code)) || (one_line && ends_with(s, "''", 2));
    case HB_SHAPE_HAS_MATH_SYMBOL: return one_line && w->any & SET(SM);
    case HB_SHAPE_HAS_CURRENCY_SYMBOL: return one_line && w->any & SET(SC);
    case HB_SHAPE_HAS_NON_LETTER: return one_line ? (w->any & ~HB_CATEGORY_L) != 0 : w->lines == 1;
    default: return 0;
  }
}

int32_t hb_text_wordshape(const uint8_t *tables, const hb_string *strings, size_t count, const int32_t *shapes,
                          size_t shape_count, uint8_t *out) {
  hb_unicode u = hb_unicode_open(tables);
  for (size_t i = 0; i < shape_count; i++)
    if (shapes[i] < 0 || shapes[i] >= HB_SHAPES) return HB_BAD_ARGUMENT;
  for (size_t i = 0; i < count; i++) {
    hb_word w = read_word(&u, strings[i]);
    for (size_t k = 0; k < shape_count; k++) *out++ = has_shape(&w, strings[i], shapes[k]) != 0;
  }
  return HB_OK;
}

int32_t hb_text_binarize(const hb_string *strings, size_t count, uint32_t characters, uint32_t bits,
                         uint32_t replacement, float *out) {
  if (characters > 65536 || bits > 65536) return HB_BAD_ARGUMENT;
  for (size_t i = 0; i < count; i++) {
    size_t at = 0;
    for (uint32_t k = 0; k < characters; k++) {
      uint32_t code = 0;
      if (at < strings[i].size) {
        hb_char c = hb_utf8_decode(strings[i].data + at, strings[i].size - at);
        code = hb_utf8_malformed(strings[i].data + at, c) ? replacement : c.code;
        at += c.size;
      }
      for (uint32_t b = 0; b < bits; b++) *out++ = b < 32 && code >> b & 1 ? 1.0f : 0.0f;
    }
  }
  return HB_OK;
}
