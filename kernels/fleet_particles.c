/* Particle filters of many assets: blocks of filter_particles.c, one behind another. */
#include "fleet.h"

typedef struct {
  uint32_t at[HB_P_PARTS];
  size_t states, outputs;
} places;

/* Every block has the first one's sizes: states, count, outputs. */
static int32_t measure(const void *blocks, uint32_t length, places *found) {
  const int32_t *sizes = blocks;
  if (length < 64 || hb_particles_layout(sizes[1], sizes[2], sizes[3], found->at) != length) return HB_BAD_ARGUMENT;
  found->states = (size_t)sizes[1], found->outputs = (size_t)sizes[3];
  return HB_OK;
}

/* Output m's row: features and 1 in its own part of the state. */
static void put_rows(double *rows, const double *features, const places *p) {
  const size_t width = p->states / p->outputs;
  for (size_t i = 0; i < p->outputs * p->states; i++) rows[i] = 0;
  for (size_t m = 0; m < p->outputs; m++) {
    double *own = rows + m * p->states + m * width;
    for (size_t i = 0; i + 1 < width; i++) own[i] = features[i];
    own[width - 1] = 1;
  }
}

/* What a block answered, or that it refused. */
static void give(const hb_fleet_rows *rows, size_t i, const double *result, size_t outputs, int32_t predict, int fine) {
  const double none = __builtin_nan("");
  double surprise = 0;
  for (size_t m = 0; m < outputs; m++) {
    const double mean = fine ? result[3 + m] : none, sigma = fine ? result[3 + outputs + m] : none;
    if (rows->mean) rows->mean[i * outputs + m] = mean;
    if (rows->sigma) rows->sigma[i * outputs + m] = sigma;
    if (predict) continue;
    const double off = (rows->measured[i * outputs + m] - mean) / sigma;
    surprise += off == off ? off * off : 0;
  }
  if (rows->anomaly) rows->anomaly[i] = fine && !predict ? surprise : none;
  if (rows->flags) rows->flags[i] = (uint8_t)(!fine ? HB_FLEET_REFUSED : predict ? 0 : HB_FLEET_LEARNED);
}

/* Asks the memory for a row's block while the one before is worked on: a fleet is larger than the caches. */
static void ask_for(const void *blocks, uint32_t length, int32_t own, int32_t first, int32_t last) {
  if (own < first || own >= last) return;
  const uint8_t *block = (const uint8_t *)blocks + (size_t)own * length;
  for (uint32_t place = 0; place < length; place += 64) __builtin_prefetch(block + place, 0, 2);
}

int32_t hb_fleet_particles(void *blocks, int32_t first, int32_t last, uint32_t length, const int32_t *slot,
                           const hb_fleet_rows *rows, int32_t predict, void *scratch, uint32_t scratch_length) {
  places p;
  if (first < 0 || last < first || rows->count < 0) return HB_BAD_ARGUMENT;
  if (rows->count == 0 || first == last) return HB_OK;
  if (!rows->features || (!predict && !rows->measured)) return HB_BAD_ARGUMENT;
  if (measure(blocks, length, &p) != HB_OK || p.states % p.outputs != 0) return HB_BAD_ARGUMENT;
  const size_t features = p.states / p.outputs - 1;
  for (int32_t i = 0; i < rows->count; i++) {
    const int32_t own = slot ? slot[i] : i;
    if (own < first || own >= last) continue;
    if (i + 1 < rows->count) ask_for(blocks, length, slot ? slot[i + 1] : i + 1, first, last);
    uint8_t *block = (uint8_t *)blocks + (size_t)own * length;
    const int32_t *sizes = (const int32_t *)(void *)block;
    if ((size_t)sizes[1] != p.states || (size_t)sizes[3] != p.outputs) return HB_BAD_ARGUMENT;
    put_rows((double *)(void *)(block + p.at[HB_P_ROWS]), rows->features + (size_t)i * features, &p);
    double *measured = (double *)(void *)(block + p.at[HB_P_MEASURED]);
    if (!predict)
      for (size_t m = 0; m < p.outputs; m++) measured[m] = rows->measured[(size_t)i * p.outputs + m];
    const double steps = rows->steps ? rows->steps[i] : rows->every;
    const int32_t status = predict ? hb_particles_predict(block, length, scratch, scratch_length, steps)
                                   : hb_particles_update(block, length, scratch, scratch_length, steps);
    if (status == HB_SHORT_BUFFER) return status;
    give(rows, (size_t)i, (const double *)(void *)(block + p.at[HB_P_RESULT]), p.outputs, predict, status == HB_OK);
  }
  return HB_OK;
}

int32_t hb_fleet_summarise(void *blocks, int32_t block_count, uint32_t length, int32_t count, const int32_t *slot,
                           void *scratch, uint32_t scratch_length) {
  for (int32_t i = 0; i < count; i++) {
    if (slot[i] < 0 || slot[i] >= block_count) return HB_BAD_ARGUMENT;
    uint8_t *block = (uint8_t *)blocks + (size_t)slot[i] * length;
    const int32_t status = hb_particles_summarise(block, length, scratch, scratch_length);
    if (status != HB_OK) return status;
  }
  return HB_OK;
}
