/* Particle filters of many assets: blocks of filter_particles.c, one behind another. */
#include "fleet.h"

int32_t hb_fleet_particles(void *blocks, size_t block_count, uint32_t length, int32_t count, const int32_t *slot,
                           const double *rows, const double *measured, const double *steps, int32_t predict,
                           double *results, void *scratch, uint32_t scratch_length) {
  uint32_t at[HB_P_PARTS];
  const int32_t *sizes = blocks; /* every block has the first one's sizes: states, count, outputs */
  if (block_count < 1 || length < 64 || count < 0) return HB_BAD_ARGUMENT;
  const int32_t states = sizes[1], particles = sizes[2], outputs = sizes[3];
  if (hb_particles_layout(states, particles, outputs, at) != length) return HB_BAD_ARGUMENT;
  for (int32_t i = 0; i < count; i++)
    if ((slot ? slot[i] : i) < 0 || (size_t)(slot ? slot[i] : i) >= block_count) return HB_BAD_ARGUMENT;
  const size_t d = (size_t)states, m = (size_t)outputs;
  for (int32_t i = 0; i < count; i++) {
    uint8_t *block = (uint8_t *)blocks + (size_t)(slot ? slot[i] : i) * length;
    const int32_t *own = (const int32_t *)(const void *)block;
    if (own[1] != states || own[2] != particles || own[3] != outputs) return HB_BAD_ARGUMENT;
    __builtin_memcpy(block + at[HB_P_ROWS], rows + (size_t)i * m * d, 8 * m * d);
    if (!predict) __builtin_memcpy(block + at[HB_P_MEASURED], measured + (size_t)i * m, 8 * m);
    const int32_t status = predict ? hb_particles_predict(block, length, scratch, scratch_length, steps[i])
                                   : hb_particles_update(block, length, scratch, scratch_length, steps[i]);
    if (status == HB_SHORT_BUFFER) return status;
    double *result = results + (size_t)i * (3 + 2 * m);
    if (status == HB_OK)
      __builtin_memcpy(result, block + at[HB_P_RESULT], 8 * (3 + 2 * m));
    else
      for (size_t k = 0; k < 3 + 2 * m; k++) result[k] = __builtin_nan("");
  }
  return HB_OK;
}
