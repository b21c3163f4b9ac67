/* The Kalman filter for a state that is seen through rows of a matrix, one row after another.
 *
 * The covariance is kept as U D U', so that it stays positive whatever rounding does. Sources: Kalman, "A new approach
 * to linear filtering and prediction problems", Journal of Basic Engineering 82 (1960); Bierman, "Factorization
 * Methods for Discrete Sequential Estimation" (1977), for the update and, after Thornton, the process; Roth, Ardeshiri,
 * Ozkan and Gustafsson, "Robust Bayesian filtering and smoothing using Student's t distribution" (2017), for Student-t
 * noise by variational fixed-point steps.
 */
#include "filter_factor.h"
#include "filters.h"

#define FORMAT 0x314b4248u /* "HBK1" */

typedef struct {
  uint32_t format;
  int32_t states, outputs;
  uint32_t reserved;
  double degrees, adaptive, scale;
} header;

typedef struct {
  header *head;
  double *result, *mean, *cov, *process, *noise, *rows, *measured, *factor, *step, *work;
  int32_t states, outputs;
} kalman;

static uint32_t up(uint32_t bytes) { return (bytes + 63) & ~63u; }

uint32_t hb_kalman_layout(int32_t states, int32_t outputs, uint32_t offsets[HB_K_PARTS]) {
  if (states < 1 || states > HB_FILTER_STATES || outputs < 1 || outputs > HB_FILTER_OUTPUTS) return 0;
  const uint32_t d = (uint32_t)states, m = (uint32_t)outputs;
  const uint32_t doubles[HB_K_PARTS] = {2 + 2 * m, d, d * d, d * d, m, m * d, m, d * d, d * d, 2 * d * d + 4 * d};
  uint32_t place = up(sizeof(header));
  for (int part = 0; part < HB_K_PARTS; part++) {
    offsets[part] = place;
    place += up(8 * doubles[part]);
  }
  return place;
}

static int32_t open(kalman *k, void *block, uint32_t length) {
  header *head = block;
  uint32_t at[HB_K_PARTS];
  if (length < sizeof(header) || head->format != FORMAT) return HB_BAD_ARGUMENT;
  if (hb_kalman_layout(head->states, head->outputs, at) != length) return HB_BAD_ARGUMENT;
  uint8_t *b = block;
  *k = (kalman){.head = head,
                .result = (double *)(b + at[HB_K_RESULT]),
                .mean = (double *)(b + at[HB_K_MEAN]),
                .cov = (double *)(b + at[HB_K_COV]),
                .process = (double *)(b + at[HB_K_PROCESS]),
                .noise = (double *)(b + at[HB_K_NOISE]),
                .rows = (double *)(b + at[HB_K_ROWS]),
                .measured = (double *)(b + at[HB_K_MEASURED]),
                .factor = (double *)(b + at[HB_K_FACTOR]),
                .step = (double *)(b + at[HB_K_STEP]),
                .work = (double *)(b + at[HB_K_WORK]),
                .states = head->states,
                .outputs = head->outputs};
  return HB_OK;
}

static double dot(const double *a, const double *b, int32_t count) {
  double sum = 0;
  for (int32_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

/* Element j of U' row: what a row sees of the factor's column j. */
static double seen_by(const double *factor, const double *row, int32_t j, int32_t d) {
  double sum = row[j];
  for (int32_t i = 0; i < j; i++) sum += factor[i * d + j] * row[i];
  return sum;
}

/* cov = U D U' */
static void multiply(const double *factor, double *cov, int32_t d) {
  for (int32_t i = 0; i < d; i++)
    for (int32_t j = 0; j <= i; j++) {
      double sum = factor[i * d + i] * (i == j ? 1 : factor[j * d + i]);
      for (int32_t k = i + 1; k < d; k++) sum += factor[i * d + k] * factor[k * d + k] * factor[j * d + k];
      cov[i * d + j] = cov[j * d + i] = sum;
    }
}

/* The factor of cov + grown process, by weighted Gram-Schmidt on the rows of [U, process's U]: Thornton's. */
static void grow(const kalman *k, double grown) {
  const int32_t d = k->states, n = 2 * d;
  double *rows = k->work, *weights = rows + d * n, *weighted = weights + n;
  for (int32_t i = 0; i < d; i++) {
    weights[i] = k->factor[i * d + i];
    weights[d + i] = grown * k->step[i * d + i];
    for (int32_t j = 0; j < d; j++) {
      rows[i * n + j] = i == j ? 1 : k->factor[i * d + j];
      rows[i * n + d + j] = i == j ? 1 : k->step[i * d + j];
    }
  }
  for (int32_t j = d - 1; j >= 0; j--) {
    const double *last = rows + j * n;
    for (int32_t c = 0; c < n; c++) weighted[c] = weights[c] * last[c];
    const double size = dot(weighted, last, n);
    k->factor[j * d + j] = size;
    for (int32_t i = 0; i < j; i++) {
      double *row = rows + i * n;
      const double share = size > 0 ? dot(weighted, row, n) / size : 0;
      k->factor[i * d + j] = share;
      for (int32_t c = 0; c < n; c++) row[c] -= share * last[c];
    }
  }
}

/* e to the power x for |x| < 1, by its series. */
static double small_exp(double x) {
  double sum = 1;
  for (int32_t n = 14; n >= 1; n--) sum = 1 + sum * x / (double)n;
  return sum;
}

/* row (cov + grown process) row' */
static double variance(const kalman *k, const double *row, double grown) {
  const int32_t d = k->states;
  double sum = 0;
  for (int32_t i = 0; i < d; i++) sum += row[i] * dot(k->process + i * d, row, d);
  sum *= grown;
  for (int32_t j = 0; j < d; j++) {
    const double f = seen_by(k->factor, row, j, d);
    sum += f * f * k->factor[j * d + j];
  }
  return sum;
}

static void predict(const kalman *k, double grown) {
  for (int32_t m = 0; m < k->outputs; m++) {
    const double *row = k->rows + m * k->states;
    k->result[2 + m] = dot(row, k->mean, k->states);
    k->result[2 + k->outputs + m] = __builtin_sqrt(variance(k, row, grown) + k->noise[m] * k->noise[m]);
  }
}

/* The variance that Gaussian noise would need for this residual to weigh what Student-t noise lets it weigh. */
static double robust_variance(double residual, double spread, double noise, double degrees) {
  double r = noise;
  for (int32_t pass = 0; pass < 8; pass++) {
    const double left = r / (spread + r), rest = residual * left;
    r = noise * (degrees + (rest * rest + spread * left) / noise) / (degrees + 1);
  }
  return r;
}

/* One row's update, Bierman's; returns the squared innovation over its variance. Every variance in it is a sum of
 * positive numbers, so none is lost to cancellation. */
static double update_row(const kalman *k, const double *row, double measured, double noise) {
  const int32_t d = k->states;
  double *seen = k->work, *scaled = seen + d, *gain = scaled + d, *factor = k->factor;
  double spread = 0, r = noise * noise;
  for (int32_t j = 0; j < d; j++) {
    seen[j] = seen_by(factor, row, j, d);
    scaled[j] = factor[j * d + j] * seen[j];
    spread += scaled[j] * seen[j];
  }
  const double residual = measured - dot(row, k->mean, d);
  if (k->head->degrees > 0) r = robust_variance(residual, spread, r, k->head->degrees);
  double total = r;
  for (int32_t j = 0; j < d; j++) {
    const double before = total, share = -seen[j] / before;
    total += scaled[j] * seen[j];
    factor[j * d + j] *= before / total;
    for (int32_t i = 0; i < j; i++) {
      const double u = factor[i * d + j];
      factor[i * d + j] = u + gain[i] * share;
      gain[i] += u * scaled[j];
    }
    gain[j] = scaled[j];
  }
  for (int32_t i = 0; i < d; i++) k->mean[i] += gain[i] / total * residual;
  return residual * residual / total;
}

int32_t hb_kalman_start(void *block, uint32_t length, int32_t states, int32_t outputs, double degrees,
                        double adaptive, const double *mean, const double *cov, const double *process) {
  uint32_t at[HB_K_PARTS];
  if (hb_kalman_layout(states, outputs, at) != length) return HB_BAD_ARGUMENT;
  if (!(degrees >= 0 && degrees <= 1e6) || !(adaptive >= 0 && adaptive <= 0.25)) return HB_BAD_ARGUMENT;
  *(header *)block = (header){.format = FORMAT, .states = states, .outputs = outputs, .degrees = degrees,
                              .adaptive = adaptive, .scale = 1};
  kalman k;
  const int32_t status = open(&k, block, length);
  if (status != HB_OK) return status;
  if (!hb_all_within(mean, states, HB_FILTER_MEASURED) || !hb_all_within(cov, states * states, HB_FILTER_MEASURED) ||
      !hb_all_within(process, states * states, HB_FILTER_MEASURED))
    return HB_BAD_ARGUMENT;
  for (int32_t i = 0; i < states; i++) k.mean[i] = mean[i];
  for (int32_t i = 0; i < states * states; i++) k.process[i] = process[i];
  factorise(process, k.step, states);
  factorise(cov, k.factor, states);
  multiply(k.factor, k.cov, states);
  k.result[0] = 1;
  return HB_OK;
}

int32_t hb_kalman_update(void *block, uint32_t length, double dt) {
  kalman k;
  const int32_t status = open(&k, block, length);
  if (status != HB_OK) return status;
  const int32_t d = k.states;
  if (!hb_measurement_usable(k.rows, k.measured, k.outputs, d, dt)) return HB_BAD_ARGUMENT;
  const double grown = dt * k.head->scale;
  if (grown > 0) grow(&k, grown);
  predict(&k, 0);
  double surprise = 0, excess = 0;
  int32_t seen = 0;
  for (int32_t m = 0; m < k.outputs; m++)
    if (k.measured[m] == k.measured[m]) {
      const double ratio = update_row(&k, k.rows + m * d, k.measured[m], k.noise[m]);
      surprise += ratio;
      excess += (ratio < 3 ? ratio : 3) - 0.8581683737187252;
      seen++;
    }
  if (k.head->adaptive > 0 && seen > 0) {
    /* A squared innovation over its variance averages 1 when the process's scale is right. Above 3 it is cut off,
     * since noise would rule there; the average of what is left is then 0.858..., as of min(3, z^2) with a standard
     * normal z, and the scale stays where it is. */
    const double scale = k.head->scale * small_exp(excess / (double)seen * k.head->adaptive);
    k.head->scale = scale < 1e-4 ? 1e-4 : scale > 1e4 ? 1e4 : scale;
  }
  multiply(k.factor, k.cov, d);
  k.result[0] = k.head->scale;
  k.result[1] = surprise;
  return HB_OK;
}

int32_t hb_kalman_predict(void *block, uint32_t length, double dt) {
  kalman k;
  const int32_t status = open(&k, block, length);
  if (status != HB_OK) return status;
  if (!hb_rows_usable(k.rows, k.outputs, k.states, dt)) return HB_BAD_ARGUMENT;
  predict(&k, dt * k.head->scale);
  return HB_OK;
}
