/* State-space filters: a model of one asset, in one block of memory.
 *
 * The state x of an asset (the last layer of a frozen network, say) moves and is seen as
 *     x[k] = x[k-1] + w[k],  w ~ (0, dt * process)        y[k] = rows x[k] + v[k],  v ~ (0, noise^2)
 * A block holds all that a filter remembers, with no pointer in it: it may be copied, saved, mapped, put behind
 * another in an array of assets. hb_particles_layout and hb_kalman_layout say where in a block each part is;
 * a caller writes the parts marked "in", calls, and reads the parts marked "out". Blocks are zeroed by the caller,
 * aligned to 64 bytes, and made by hb_*_start, whose sizes the other functions check against the length given.
 *
 * What comes out is the same on every processor and in WebAssembly, bit for bit: the arithmetic is IEEE 754's
 * + - * / and square root in a fixed order, exp and log are our own, random numbers are counted.
 */
#ifndef HOMEBODY_FILTERS_H
#define HOMEBODY_FILTERS_H

#include "homebody.h"

#define HB_FILTER_STATES 256      /* most states */
#define HB_FILTER_OUTPUTS 64      /* most rows of one measurement */
#define HB_FILTER_PARTICLES 65536 /* most particles */

/* Beyond these, numbers could overflow: a call is refused, and nothing changes. */
#define HB_FILTER_ROW 1e18
#define HB_FILTER_MEASURED 1e100
#define HB_FILTER_STEPS 1e12

/* ---- filter_particles.c: a particle filter, float32 about a float64 centre ---- */

enum { HB_SYSTEMATIC, HB_STRATIFIED, HB_RESIDUAL, HB_MULTINOMIAL };

enum hb_particles_part {
  HB_P_RESULT,    /* out, double[3 + 2 outputs]: effective sample size before resampling, whether resampled,
                     whether collapsed; predicted mean and standard deviation of each row */
  HB_P_CENTRE,    /* double[states]: particles are offsets from it */
  HB_P_MEAN,      /* out of hb_particles_summarise, double[states] */
  HB_P_COV,       /* the same, double[states][states] */
  HB_P_NOISE,     /* in, double[outputs]: standard deviation (of Student-t: scale) of each row's noise */
  HB_P_ROWS,      /* in, double[outputs][states] */
  HB_P_MEASURED,  /* in, double[outputs]; NaN: missing */
  HB_P_FACTOR,    /* in, float[states][states]: lower triangular, factor factor' = process */
  HB_P_PARTICLES, /* float[states][count rounded up to 16] */
  HB_P_LOG,       /* float[count rounded up to 16]: log-weights, the largest 0 */
  HB_P_WEIGHTS,   /* float[count rounded up to 16]: normalised weights */
  HB_P_PARTS
};

/* Writes each part's byte offset and returns the block's length, or 0 when a number is out of range. */
HB_EXPORT uint32_t hb_particles_layout(int32_t states, int32_t count, int32_t outputs,
                                       uint32_t offsets[HB_P_PARTS]);

/* Number of bytes of working memory, aligned to 64, that the functions below need. */
HB_EXPORT uint32_t hb_particles_scratch(int32_t states, int32_t count);

/* Draws the particles: centre + `prior` z, where prior (float[states][states], lower triangular) is a factor of
 * the prior covariance and the block's centre its mean. `threshold` (0 to 1): resample when the effective sample
 * size falls below this share of the count. `degrees`: of the Student-t noise, or 0 for Gaussian. */
HB_EXPORT int32_t hb_particles_start(void *block, uint32_t length, int32_t states, int32_t count, int32_t outputs,
                                     int32_t scheme, double threshold, double degrees, uint32_t seed,
                                     uint32_t stream, const float *prior, void *scratch,
                                     uint32_t scratch_length);

/* Moves the particles by `dt` steps of the process, predicts each row, weighs the particles by what was measured, and
 * resamples if need be. */
HB_EXPORT int32_t hb_particles_update(void *block, uint32_t length, void *scratch, uint32_t scratch_length,
                                      double dt);

/* The same for one choice: of the first `options` rows, 2 to the block's outputs, row `chosen` was taken, with the
 * probability of a softmax over what a particle sees through each. The predicted means and standard deviations in the
 * result are those of the rows' probabilities; noise and what was measured do not matter. */
HB_EXPORT int32_t hb_particles_choose(void *block, uint32_t length, void *scratch, uint32_t scratch_length,
                                      double dt, int32_t options, int32_t chosen);

/* Brings the parts HB_P_MEAN and HB_P_COV up to date: of the weighted particles after the last update, before any
 * resampling. An update leaves them behind, since they cost as much as all of it. */
HB_EXPORT int32_t hb_particles_summarise(void *block, uint32_t length, void *scratch, uint32_t scratch_length);

/* The prediction of each row `dt` steps ahead, into the result; nothing else changes. */
HB_EXPORT int32_t hb_particles_predict(void *block, uint32_t length, void *scratch, uint32_t scratch_length,
                                       double dt);

/* `count` indices drawn in proportion to `weights` (not negative, a sum of 1e-300 to 1e300). `scratch` is
 * double[2 count]. */
HB_EXPORT int32_t hb_resample(const double *weights, int32_t count, int32_t scheme, uint32_t seed,
                              uint32_t stream, uint32_t tick, int32_t *indices, double *scratch);

/* `count` standard normals, a multiple of 32: those that particle filters of this seed and stream draw at a
 * tick. */
HB_EXPORT int32_t hb_normals(uint32_t seed, uint32_t stream, uint32_t tick, float *out, uint32_t count);

/* ---- filter_kalman.c: the exact posterior, float64, as U D U' ---- */

enum hb_kalman_part {
  HB_K_RESULT,     /* out, double[2 + 2 outputs]: the process's scale, squared innovation over its variance summed
                      over the rows; predicted mean and standard deviation of each row */
  HB_K_MEAN,       /* double[states] */
  HB_K_COV,        /* out, double[states][states] */
  HB_K_PROCESS,    /* double[states][states] */
  HB_K_NOISE,      /* in, double[outputs]: standard deviation (of Student-t: scale) of each row's noise */
  HB_K_ROWS,       /* in, double[outputs][states] */
  HB_K_MEASURED,   /* in, double[outputs]; NaN: missing */
  HB_K_FACTOR,     /* double[states][states]: U above the diagonal, D on it */
  HB_K_STEP,       /* double[states][states]: the same of the process */
  HB_K_WORK,       /* double[2 states + 4][states] */
  HB_K_PARTS
};

HB_EXPORT uint32_t hb_kalman_layout(int32_t states, int32_t outputs, uint32_t offsets[HB_K_PARTS]);

/* Starts at a mean (double[states]) and covariance, with a process's covariance in a step (double[states][states],
 * symmetric, positive semidefinite). `degrees`: of the Student-t noise, or 0 for Gaussian. `adaptive`: 0, or the
 * rate (up to 1/4) at which the process's scale follows the innovations. */
HB_EXPORT int32_t hb_kalman_start(void *block, uint32_t length, int32_t states, int32_t outputs, double degrees,
                                  double adaptive, const double *mean, const double *cov, const double *process);

/* Lets `dt` steps of the process pass, predicts each row, and learns from what was measured. */
HB_EXPORT int32_t hb_kalman_update(void *block, uint32_t length, double dt);

/* The prediction of each row `dt` steps ahead, into the result; nothing else changes. */
HB_EXPORT int32_t hb_kalman_predict(void *block, uint32_t length, double dt);

/* ---- shared by the sources, not exported ---- */

/* NaN and infinity are not within anything. */
static inline int hb_all_within(const double *values, int32_t count, double limit) {
  for (int32_t i = 0; i < count; i++)
    if (!(values[i] <= limit && values[i] >= -limit)) return 0;
  return 1;
}

static inline int hb_rows_usable(const double *rows, int32_t outputs, int32_t states, double dt) {
  return hb_all_within(rows, outputs * states, HB_FILTER_ROW) && dt >= 0 && dt <= HB_FILTER_STEPS;
}

/* A missing measurement is NaN. */
static inline int hb_measurement_usable(const double *rows, const double *measured, int32_t outputs,
                                        int32_t states, double dt) {
  for (int32_t m = 0; m < outputs; m++)
    if (measured[m] == measured[m] && !hb_all_within(measured + m, 1, HB_FILTER_MEASURED)) return 0;
  return hb_rows_usable(rows, outputs, states, dt);
}

#endif
