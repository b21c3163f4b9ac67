/* What a chunk of text comes to: its characters normalized, cut into words, and each word into the longest pieces
 * that the vocabulary has. */
#ifndef HOMEBODY_TEXT_PIECES_H
#define HOMEBODY_TEXT_PIECES_H

#include "text_cache.h"
#include "text_wordpiece.h"

#define HB_PIECE_FIRST ((int32_t)(1u << 30)) /* in a number: the piece is its word's first */

/* A word in the making: its normalized characters, and where in the text each comes from. */
typedef struct {
  uint32_t *codes;
  int32_t *from, *to;
  uint32_t length, room;
  uint64_t amount;       /* bytes or characters, as most_in_word counts */
  int32_t start, end;    /* of all of it, also where it is too long to be kept */
  uint32_t sortable;     /* characters from here on may change places with the next */
  int reordered;
} hb_word;

typedef struct {
  const hb_wordpiece *model;
  hb_unicode unicode;
  hb_classes classes;
  hb_vocabulary vocabulary;
  hb_word word;
  /* Where pieces go. */
  int32_t *numbers, *starts, *ends; /* starts and ends may be NULL, both */
  size_t count, room;
  int32_t mask; /* of numbers: what does not say that a piece is its word's first, unless that is asked */
  /* The current chunk: its first piece, and the first few with their places in the text. */
  size_t chunk;
  int32_t chunk_numbers[HB_LONG_PIECES], chunk_starts[HB_LONG_PIECES], chunk_ends[HB_LONG_PIECES];
} hb_pieces;

/* Puts out a piece, for which there has to be room. */
static inline void hb_pieces_put(hb_pieces *p, int32_t number, int32_t start, int32_t end) {
  size_t n = p->count++, k = n - p->chunk;
  p->numbers[n] = number & p->mask;
  if (p->starts) {
    p->starts[n] = start;
    p->ends[n] = end;
  }
  if (k < HB_LONG_PIECES) {
    p->chunk_numbers[k] = number;
    p->chunk_starts[k] = start;
    p->chunk_ends[k] = end;
  }
}

/* Put out the pieces of text[from] to text[to - 1], a chunk or, whatever its characters are, a word. 0: there is no
 * room for them, and `count` is anything. */
int hb_pieces_of_chunk(hb_pieces *p, const uint8_t *text, size_t from, size_t to);
int hb_pieces_of_word(hb_pieces *p, const uint8_t *text, size_t from, size_t to);

#endif
