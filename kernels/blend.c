#include "homebody.h"

int32_t hb_blend(const uint8_t *original, const uint8_t *edited, size_t count, int32_t strength,
                 uint8_t *out) {
  if (strength < 0 || strength > 100) return HB_BAD_ARGUMENT;
  const uint16_t new_weight = (uint16_t)strength, old_weight = (uint16_t)(100 - strength);
  for (size_t i = 0; i < count; i++) {
    uint16_t sum = (uint16_t)(original[i] * old_weight + edited[i] * new_weight + 50);
    out[i] = (uint8_t)(sum / 100);
  }
  return HB_OK;
}
