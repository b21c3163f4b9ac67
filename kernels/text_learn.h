/* Learning the pieces of a WordPiece vocabulary: counts of all substrings of words, in a trie.
 *
 * Words are sequences of symbols (code points, or numbers for them). The trie has two roots: node 0 for what begins
 * a word and node 1 for what follows within one; without a joiner both are node 0. Node n has a parent, a symbol and
 * a depth, and stands for the symbols from its root to it; children have larger numbers than their parents. A leaf is
 * the node of the rest of a word from a symbol on: its ancestors are all substrings that begin there. */
#ifndef HOMEBODY_TEXT_LEARN_H
#define HOMEBODY_TEXT_LEARN_H

#include "text.h"

#define HB_LEARN_WORD 255 /* most symbols of a word */

typedef struct {
  uint32_t *parent, *symbol;
  uint8_t *depth;
  uint32_t *table; /* hashed: numbers of nodes, 0 where empty */
  size_t room;     /* of the three arrays; the table's mask is at least twice that */
  size_t mask;     /* size of the table - 1; a power of two - 1 */
  size_t nodes;    /* in use; 0 before the first call */
} hb_learn_trie;

/* Adds the words from *word on to the trie and writes leaves[offsets[i] + k], the leaf of word i from its symbol k on.
 * HB_SHORT_BUFFER: there is no room; call again from *word with longer arrays that begin with these, and a table that
 * is all 0. `joined`: whether there is a joiner. */
HB_EXPORT int32_t hb_learn_grow(hb_learn_trie *trie, const uint32_t *symbols, const int64_t *offsets, size_t words,
                                int32_t joined, size_t *word, uint32_t *leaves);

#define HB_LEARN_TF_TEXT 1 /* a piece's count is without all that it is only a beginning of, as TF.Text 2.21 has it */

/* `rounds` rounds of: split the words into the pieces of the round before (at first: into symbols); count each
 * substring that begins with a piece; from the longest on keep those that occur `least` times, and take a kept one's
 * count off those of its beginnings. Single symbols are always kept. totals[node] is a piece's count, kept[node]
 * whether it is one. Returns how many of two symbols or more are kept, or HB_BAD_ARGUMENT. */
HB_EXPORT int64_t hb_learn_pieces(const hb_learn_trie *trie, const uint32_t *leaves, const int64_t *offsets,
                                  const int64_t *counts, size_t words, int64_t least, int32_t rounds, int32_t flags,
                                  int64_t *totals, int64_t *below, uint8_t *kept);

#endif
