/* Text split into sentences, by TF.Text's state machine. */
#ifndef HOMEBODY_TEXT_SENTENCES_H
#define HOMEBODY_TEXT_SENTENCES_H

#include "text_words.h"

/* A sentence begins at what is no white space and lasts until its end is sure:
 *   - terminal punctuation, an acronym with full stops (U.S.) or an emoticon may end it;
 *   - more terminal punctuation and emoticons that follow at once belong to it;
 *   - then closing brackets, and among them ellipses and emoticons, do too;
 *   - anything else after that, white space included, is the next sentence's.
 * The last sentence of a text reaches to the text's end.
 *
 * Terminal punctuation has Unicode's Sentence_Break ATerm or STerm, or is ... or one of U+037E U+055C U+055E
 * U+17D4 U+2026; closing brackets have Line_Break CL or CP, or are > or U+FD3F.
 *
 * Arguments and results as those of hb_split_space; `tables` is Unicode's block. HB_SPLIT_TF_TEXT: of white space
 * of several bytes only the first is skipped, so that the sentence after it begins within a character. */
HB_EXPORT int32_t hb_split_sentences(const uint8_t *tables, const hb_string *strings, size_t count, int32_t flags,
                                     hb_progress *progress, int64_t *splits, int32_t *starts, int32_t *ends,
                                     size_t room);

#endif
