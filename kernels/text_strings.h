/* Arrays of strings: borrowed from Python, joined, checked, mended, and counted in other units. */
#ifndef HOMEBODY_TEXT_STRINGS_H
#define HOMEBODY_TEXT_STRINGS_H

#include "text.h"

#if !defined(__wasm__)
/* Functions of CPython's stable interface, by address, so that this library is built without its headers. */
typedef struct {
  void *(*item)(void *tuple, intptr_t index);               /* PyTuple_GetItem */
  const char *(*utf8)(void *text, intptr_t *size);           /* PyUnicode_AsUTF8AndSize */
  int (*bytes)(void *value, char **data, intptr_t *size);    /* PyBytes_AsStringAndSize */
  void (*forget)(void);                                      /* PyErr_Clear */
} hb_python;

/* Where the UTF-8 of the strings first to count - 1 of a tuple lies; it stays there as long as the tuple does.
 * `bytes` non-zero: they are bytes objects, else str. Returns the index of the first that is not (or is a str
 * with a lone surrogate), or `count`. The interpreter's lock has to be held. */
HB_EXPORT size_t hb_strings_borrow(const hb_python *python, void *tuple, size_t first, size_t count, int32_t bytes,
                                   hb_string *out);
#endif

/* Index of the first string that is not UTF-8, `count` when all are. */
HB_EXPORT size_t hb_strings_check(const hb_string *strings, size_t count);

/* Bytes in all strings together, or SIZE_MAX when they are more than that. */
HB_EXPORT size_t hb_strings_size(const hb_string *strings, size_t count);

/* Copies the strings one after another to `data` and writes offsets[count + 1]. */
HB_EXPORT int32_t hb_strings_join(const hb_string *strings, size_t count, uint8_t *data, size_t size,
                                  int64_t *offsets);

/* A string with what is not UTF-8 replaced by U+FFFD, or left out with `ignore`. Writes up to `size` bytes to
 * `out` (a string needs at most three times its own) and, unless NULL, for each byte of `out` the source
 * offsets at which its character begins and ends. Returns the bytes written, SIZE_MAX when `out` is short. */
HB_EXPORT size_t hb_string_mend(const uint8_t *data, size_t length, int32_t ignore, uint8_t *out, size_t size,
                                int32_t *starts, int32_t *ends);

#define HB_UNIT_CHAR 1  /* code points; a malformed subpart is one */
#define HB_UNIT_UTF16 2 /* 16-bit units, as JavaScript and Java count */

/* Turns byte offsets into other units, in place. String i has offsets[splits[i]] to offsets[splits[i + 1] - 1],
 * in any order (fastest when they ascend), each 0 to its size. An offset within a character counts that
 * character's beginning. */
HB_EXPORT int32_t hb_strings_units(const hb_string *strings, size_t count, const int64_t *splits, int32_t unit,
                                   int32_t *offsets);

#endif
