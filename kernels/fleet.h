/* Fleets: the exact filter of filters.h over many assets at once, and particle filters one behind another.
 *
 * Eight assets make a tile. A tile holds a number for each of the eight, then the next number for each: what one
 * asset's filter does with a number, one instruction or two do for eight. The numbers are the state's mean (states), the
 * factor U D U' of its covariance by columns ((0,0), (0,1), (1,1), (0,2), ..., D at (j,j)), and the process's scale.
 * So an asset costs 8 (states + states (states + 1) / 2 + 1) bytes, and a tile's are contiguous: a pass over a fleet
 * runs at the memory's speed, and one asset touches few lines.
 *
 * Operations are those of filter_kalman.c, but for divisions by a number that are products with its inverse.
 */
#ifndef HOMEBODY_FLEET_H
#define HOMEBODY_FLEET_H

#include "filters.h"

#define HB_FLEET_STATES 64 /* most states */
#define HB_FLEET_LANES 8   /* assets of a tile */

/* What becomes of a row, in `flags`. */
#define HB_FLEET_LEARNED 1
#define HB_FLEET_PUSHED 2
#define HB_FLEET_REFUSED 4 /* a number is out of range; nothing changed */

enum { HB_FLEET_OPEN, HB_FLEET_SHADOW, HB_FLEET_INTERVAL }; /* no gate; gates of homebody.adapt */

typedef struct {
  int32_t states, outputs; /* outputs divides states; each output has as many weights, the last of them a bias */
  int32_t gate;
  int32_t tile_count;
  double degrees, adaptive; /* as of hb_kalman_start */
  double gate_limit;        /* shadow: sigmas; interval: sigmas from the prediction */
  const double *process;    /* [states][states] */
  const double *step;       /* [states][states]: the process's factor, U above the diagonal, D on it */
  const double *noise;      /* [outputs] */
  double *tiles;            /* [tile_count][numbers][HB_FLEET_LANES] */
  double *deployed;         /* [tile_count][states][HB_FLEET_LANES]: the state that answers; NULL: the mean */
} hb_fleet;

typedef struct {
  int32_t count;            /* rows */
  int32_t passes;           /* tiles to visit */
  const int32_t *tile;      /* [passes]; NULL: 0, 1, 2, ... */
  const int32_t *row;       /* [passes][HB_FLEET_LANES]: each lane's row, -1 for none; NULL: 0, 1, 2, ... up to count */
  const double *features;   /* [count][states / outputs - 1] */
  const double *measured;   /* [count][outputs]; NaN: missing */
  const double *steps;      /* [count]: of the process since the last update; NULL: `every` */
  double every;
  double *mean, *sigma;     /* out, [count][outputs]: what was predicted; NaN where refused. NULL: not wanted */
  double *anomaly;          /* out, [count]: the squared innovation over its variance, summed over the outputs; NULL */
  uint8_t *flags;           /* out, [count]; NULL */
} hb_fleet_rows;

/* Doubles of an asset in a tile, or 0 when a number is out of range. */
HB_EXPORT uint32_t hb_fleet_numbers(int32_t states);

/* Doubles of working memory that the functions below need, or 0. */
HB_EXPORT uint32_t hb_fleet_scratch(int32_t states);

/* factor (double[states][states], as of hb_kalman_start) of a symmetric matrix. */
HB_EXPORT int32_t hb_fleet_factor(const double *matrix, double *factor, int32_t states);

/* One measurement each of `count` assets: no asset may have two rows. Rows of a tile are at most once each. */
HB_EXPORT int32_t hb_fleet_update(const hb_fleet *fleet, const hb_fleet_rows *rows, double *scratch,
                                  uint32_t scratch_length);

/* The predictions, `steps` ahead; nothing changes, and an asset may have any number of rows. */
HB_EXPORT int32_t hb_fleet_predict(const hb_fleet *fleet, const hb_fleet_rows *rows, double *scratch,
                                   uint32_t scratch_length);

/* Particle filters' blocks, one behind another: row i is for the block `slot[i]` (NULL: i), and taken if that is from
 * `first` to `last` - 1, so that threads may share the blocks out. Of `rows`, tile, row and passes are not used; a
 * prediction's anomaly is NaN. */
HB_EXPORT int32_t hb_fleet_particles(void *blocks, int32_t first, int32_t last, uint32_t length, const int32_t *slot,
                                     const hb_fleet_rows *rows, int32_t predict, void *scratch,
                                     uint32_t scratch_length);

/* hb_particles_summarise for the blocks `slot`, int32_t[count]. */
HB_EXPORT int32_t hb_fleet_summarise(void *blocks, int32_t block_count, uint32_t length, int32_t count,
                                     const int32_t *slot, void *scratch, uint32_t scratch_length);

#endif
