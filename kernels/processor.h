/* What this processor can do, asked once.
 *
 * HB_AVX2 marks a function that is compiled for AVX2 whatever the rest is compiled for; it may run only
 * where hb_has_avx2() says so. A loop that the compiler vectorises by itself is written once, as an
 * HB_INLINE function, and called from a plain and from an HB_AVX2 one. Compiling with HB_PLAIN leaves those
 * paths out: the tests run the golden vectors that way too.
 */
#ifndef HOMEBODY_PROCESSOR_H
#define HOMEBODY_PROCESSOR_H

#define HB_INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__) && !defined(HB_PLAIN)

#include <cpuid.h>
#include <immintrin.h>

#define HB_AVX2 __attribute__((target("avx2")))

/* 0 unknown, 1 no, 2 yes. Asking traps to the hypervisor on virtual machines, so the answer is kept; two
 * threads that ask at once write the same. */
static int hb_avx2_answer;

static inline int hb_ask_avx2(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_AVX)) return 0;
  unsigned low, high; /* the system saves the 256-bit registers: bits 1 and 2 of XCR0 */
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & 6) != 6) return 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2) != 0;
}

static inline int hb_has_avx2(void) {
  int answer = __atomic_load_n(&hb_avx2_answer, __ATOMIC_RELAXED);
  if (answer == 0) {
    answer = 1 + hb_ask_avx2();
    __atomic_store_n(&hb_avx2_answer, answer, __ATOMIC_RELAXED);
  }
  return answer == 2;
}

/* Calls the plain or the AVX2 form of a function, `name` and `name_avx2`. */
#define HB_DISPATCH(name, ...) (hb_has_avx2() ? name##_avx2(__VA_ARGS__) : name(__VA_ARGS__))

#else

#define HB_DISPATCH(name, ...) name(__VA_ARGS__)

#endif

#endif
