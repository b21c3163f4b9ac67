/* What a compiler may call in place of an assignment or a loop, C library or not (C11, 4.6). */
#include "homebody.h"

#if !__STDC_HOSTED__

#if defined(__clang__)
#define PLAIN __attribute__((no_builtin)) /* or these would be calls of themselves */
#else
#define PLAIN __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

PLAIN void *memcpy(void *restrict to, const void *restrict from, size_t count) {
  unsigned char *out = to;
  const unsigned char *in = from;
  for (size_t i = 0; i < count; i++) out[i] = in[i];
  return to;
}

PLAIN void *memset(void *to, int value, size_t count) {
  unsigned char *out = to;
  for (size_t i = 0; i < count; i++) out[i] = (unsigned char)value;
  return to;
}

#endif
