/* A stretch of text between two boundaries of a normal form: decomposed, put in canonical order, composed.
 *
 * The stretch may be of any length (a hostile text can have a million marks on one letter), and there is no
 * memory for it: a run of up to HB_RUN_MARKS marks is sorted in place; a longer one is read once for each
 * combining class in it, of which there are 55, so that the time stays proportional to the text. */
#ifndef HOMEBODY_TEXT_SEGMENT_H
#define HOMEBODY_TEXT_SEGMENT_H

#include "text_unicode.h"

#define HB_RUN_MARKS 64

typedef struct {
  hb_unicode unicode;
  uint32_t mapping;     /* what decomposes: HB_UNICODE_NFD, _NFKD or _FOLD_NFD */
  uint32_t replacement; /* for what is not UTF-8; 0 leaves it out */
  int compose;
  uint32_t leave_out;   /* categories that are not written */
  uint8_t *out;
  size_t size, used;
} hb_writer;

/* Reads decomposed code points; a copy of it goes on from the same place. */
typedef struct {
  const uint8_t *at, *end;
  const uint32_t *points; /* of the character being read; NULL for a Hangul syllable */
  uint32_t hangul, index, count;
} hb_reader;

typedef struct {
  uint32_t code, combining;
} hb_point;

static inline hb_point hb_point_of(const hb_writer *w, uint32_t code) {
  return (hb_point){code, hb_unicode_of(&w->unicode, code)->combining};
}

/* The next code point; 0 at the end. */
static inline int hb_read(const hb_writer *w, hb_reader *r, hb_point *point) {
  while (r->index == r->count) {
    if (r->at == r->end) return 0;
    hb_char c = hb_utf8_decode(r->at, (size_t)(r->end - r->at));
    int malformed = hb_utf8_malformed(r->at, c);
    r->at += c.size;
    if (malformed) {
      if (w->replacement == 0) continue;
      c.code = w->replacement;
    }
    r->index = 0;
    if (hb_is_hangul(c.code)) {
      r->points = NULL, r->hangul = c.code, r->count = (c.code - HB_HANGUL_FIRST) % 28 ? 3 : 2;
      continue;
    }
    hb_unicode_mapping m = hb_unicode_map(&w->unicode, w->mapping, c.code);
    if (!m.found) {
      r->count = 0;
      *point = hb_point_of(w, c.code);
      return 1;
    }
    r->points = m.points, r->count = m.size;
  }
  if (r->points == NULL) {
    uint32_t jamo[3];
    hb_hangul_decompose(r->hangul, jamo);
    *point = (hb_point){jamo[r->index++], 0};
  } else {
    *point = hb_point_of(w, r->points[r->index++]);
  }
  return 1;
}

/* A run of marks, given one after another in canonical order. */
typedef struct {
  hb_reader first;   /* before the first mark */
  uint32_t seen[8];  /* the classes in the run */
  size_t count;
  hb_point sorted[HB_RUN_MARKS]; /* when there are no more than these */
  /* where it stands */
  hb_reader at;
  size_t index; /* among the sorted, or within this class's reading */
  uint32_t combining;
} hb_run;

/* Takes in the marks that `r` has next; leaves it before what follows, which is in `next` unless 0 is
 * returned. */
static inline int hb_run_take(const hb_writer *w, hb_run *run, hb_reader *r, hb_reader *after, hb_point *next) {
  run->first = *r, run->count = 0;
  for (int i = 0; i < 8; i++) run->seen[i] = 0;
  for (;;) {
    *after = *r;
    if (!hb_read(w, after, next)) return 0;
    if (next->combining == 0) return 1;
    *r = *after;
    run->seen[next->combining >> 5] |= 1u << (next->combining & 31);
    if (run->count < HB_RUN_MARKS) {
      size_t i = run->count;
      for (; i > 0 && run->sorted[i - 1].combining > next->combining; i--) run->sorted[i] = run->sorted[i - 1];
      run->sorted[i] = *next;
    }
    run->count++;
  }
}

static inline void hb_run_rewind(hb_run *run) {
  run->index = 0, run->combining = 0;
  if (run->count > HB_RUN_MARKS) run->index = run->count; /* class 0 has been read: it is not in a run */
}

static inline int hb_run_next(const hb_writer *w, hb_run *run, hb_point *point) {
  if (run->count <= HB_RUN_MARKS) {
    if (run->index == run->count) return 0;
    *point = run->sorted[run->index++];
    return 1;
  }
  for (;;) {
    while (run->index < run->count) {
      run->index++;
      hb_read(w, &run->at, point);
      if (point->combining == run->combining) return 1;
    }
    do {
      if (++run->combining == 256) return 0;
    } while (!(run->seen[run->combining >> 5] >> (run->combining & 31) & 1));
    run->at = run->first, run->index = 0;
  }
}

/* Writes a code point unless it is left out; 0 when there is no room. */
static inline int hb_write(hb_writer *w, uint32_t code) {
  if (w->leave_out && HB_UNICODE_IS(hb_unicode_of(&w->unicode, code)->category, w->leave_out)) return 1;
  if (w->size - w->used < 4 && w->size - w->used < hb_utf8_size(code)) return 0;
  w->used += hb_utf8_encode(code, w->out + w->used);
  return 1;
}

/* Writes the form of a stretch that begins and ends at boundaries; 0 when there is no room.
 *
 * A mark joins the starter unless one that was kept stands between and has its class (Unicode Standard,
 * definition D115); so does the next starter when no mark was kept. */
static inline int hb_write_segment(hb_writer *w, const uint8_t *from, const uint8_t *to) {
  hb_reader r = {.at = from, .end = to}, after;
  hb_point next = {0, 0}, mark;
  hb_run run;
  uint32_t starter = 0;
  int have = 0;
  for (;;) {
    int more = hb_run_take(w, &run, &r, &after, &next);
    uint32_t joined = starter, kept_class = 0, composed;
    size_t kept = run.count;
    if (w->compose && have) {
      kept = 0;
      hb_run_rewind(&run);
      while (hb_run_next(w, &run, &mark)) {
        if (!(kept && kept_class == mark.combining) &&
            (composed = hb_unicode_compose(&w->unicode, joined, mark.code))) {
          joined = composed;
        } else {
          kept++, kept_class = mark.combining;
        }
      }
      if (kept == 0 && more && (composed = hb_unicode_compose(&w->unicode, joined, next.code))) {
        starter = composed, r = after;
        continue;
      }
    }
    if (have && !hb_write(w, joined)) return 0;
    joined = starter, kept_class = 0;
    int any = 0;
    hb_run_rewind(&run);
    while (kept && hb_run_next(w, &run, &mark)) {
      if (w->compose && have && !(any && kept_class == mark.combining) &&
          (composed = hb_unicode_compose(&w->unicode, joined, mark.code))) {
        joined = composed;
        continue;
      }
      any = 1, kept_class = mark.combining;
      if (!hb_write(w, mark.code)) return 0;
    }
    if (!more) return 1;
    starter = next.code, have = 1, r = after;
  }
}

#endif
