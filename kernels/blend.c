#include "homebody.h"
#include "processor.h"

HB_INLINE void mix(const uint8_t *original, const uint8_t *edited, size_t count, uint16_t strength,
                   uint8_t *out) {
  const uint16_t rest = (uint16_t)(100 - strength);
  for (size_t i = 0; i < count; i++) {
    uint16_t sum = (uint16_t)(original[i] * rest + edited[i] * strength + 50);
    out[i] = (uint8_t)(sum / 100);
  }
}

static void blend(const uint8_t *original, const uint8_t *edited, size_t count, uint16_t strength, uint8_t *out) {
  mix(original, edited, count, strength, out);
}

#if defined(HB_AVX2)
HB_AVX2 static void blend_avx2(const uint8_t *original, const uint8_t *edited, size_t count, uint16_t strength,
                               uint8_t *out) {
  mix(original, edited, count, strength, out);
}
#endif

int32_t hb_blend(const uint8_t *original, const uint8_t *edited, size_t count, int32_t strength,
                 uint8_t *out) {
  if (strength < 0 || strength > 100) return HB_BAD_ARGUMENT;
  HB_DISPATCH(blend, original, edited, count, (uint16_t)strength, out);
  return HB_OK;
}
