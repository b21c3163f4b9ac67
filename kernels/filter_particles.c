/* A particle filter for a state that is seen through rows of a matrix.
 *
 * Sources: Gordon, Salmond and Smith, "Novel approach to nonlinear/non-Gaussian Bayesian state estimation", IEE
 * Proceedings F 140 (1993); Arulampalam et al., "A tutorial on particle filters", IEEE Transactions on Signal
 * Processing 50 (2002).
 *
 * Particles are float32 offsets from a float64 centre, which follows the mean: their resolution is relative to their
 * spread, not to the size of the state. Log-likelihoods are taken relative to the one at the predicted mean,
 * -(z0 + d/2) d for Gaussian noise, so that a measurement a million sigmas away still orders the particles.
 */
#include "filter_resample.h"

#define FORMAT 0x32504248u /* "HBP2" */
#define LEAST_LOG (-1e4f)  /* a log-weight's floor: far below where exp is 0 */
#define FARTHEST 1e15f     /* in sigmas; its square is finite */

typedef struct {
  uint32_t format;
  int32_t states, count, outputs, scheme;
  uint32_t seed, stream, tick;
  double threshold, degrees;
  uint32_t current; /* whether mean and covariance are of the last update */
  uint32_t reserved[3];
} header;

typedef struct {
  header *head;
  double *result, *centre, *mean, *cov, *noise, *rows, *measured;
  float *factor, *particles, *log_weights, *weights;
  int32_t states, count, outputs, padded;
  /* working memory */
  double *cumulative;
  float *normals, *seen, *centred;
  int32_t *begins, *indices;
} particles;

static uint32_t up(uint32_t bytes) { return (bytes + 63) & ~63u; }
static int32_t padded(int32_t count) { return (count + HB_LANES - 1) / HB_LANES * HB_LANES; }

/* Four particles share their normals, a pair of states at a time: (a, b), (-b, a), (-a, -b) and (b, -a) are each
 * normal, and cancel. So a fourth is drawn, and the mean is moved by none of it. */
enum { SHARING = 4 };
static int32_t even(int32_t states) { return states + (states & 1); }
static uint32_t normals_needed(int32_t states, int32_t count) {
  const int32_t groups = (padded(count) / HB_LANES + SHARING - 1) / SHARING;
  return ((uint32_t)(even(states) * groups * HB_LANES) + HB_DRAWN - 1) / HB_DRAWN * HB_DRAWN;
}

static int sizes_inside(int32_t states, int32_t count, int32_t outputs) {
  return states >= 1 && states <= HB_FILTER_STATES && count >= 2 && count <= HB_FILTER_PARTICLES && outputs >= 1 &&
         outputs <= HB_FILTER_OUTPUTS;
}

uint32_t hb_particles_layout(int32_t states, int32_t count, int32_t outputs, uint32_t offsets[HB_P_PARTS]) {
  if (!sizes_inside(states, count, outputs)) return 0;
  const uint32_t d = (uint32_t)states, n = (uint32_t)padded(count), m = (uint32_t)outputs;
  const uint32_t bytes[HB_P_PARTS] = {8 * (3 + 2 * m), 8 * d,     8 * d,     8 * d * d, 8 * m, 8 * m * d,
                                      8 * m,           4 * d * d, 4 * d * n, 4 * n,     4 * n};
  uint32_t place = up(sizeof(header));
  for (int part = 0; part < HB_P_PARTS; part++) {
    offsets[part] = place;
    place += up(bytes[part]);
  }
  return place;
}

uint32_t hb_particles_scratch(int32_t states, int32_t count) {
  if (!sizes_inside(states, count, 1)) return 0;
  const uint32_t n = (uint32_t)padded(count);
  return up(8 * n) + up(4 * normals_needed(states, count)) + up(4 * (uint32_t)states * n) + 3 * up(4 * n);
}

static int32_t open(particles *p, void *block, uint32_t length, void *scratch, uint32_t scratch_length) {
  header *head = block;
  uint32_t at[HB_P_PARTS];
  if (length < sizeof(header) || head->format != FORMAT) return HB_BAD_ARGUMENT;
  if (hb_particles_layout(head->states, head->count, head->outputs, at) != length) return HB_BAD_ARGUMENT;
  if (head->scheme < HB_SYSTEMATIC || head->scheme > HB_MULTINOMIAL) return HB_BAD_ARGUMENT;
  if (scratch_length < hb_particles_scratch(head->states, head->count)) return HB_SHORT_BUFFER;
  uint8_t *b = block, *s = scratch;
  const int32_t n = padded(head->count);
  *p = (particles){.head = head,
                   .result = (double *)(b + at[HB_P_RESULT]),
                   .centre = (double *)(b + at[HB_P_CENTRE]),
                   .mean = (double *)(b + at[HB_P_MEAN]),
                   .cov = (double *)(b + at[HB_P_COV]),
                   .noise = (double *)(b + at[HB_P_NOISE]),
                   .rows = (double *)(b + at[HB_P_ROWS]),
                   .measured = (double *)(b + at[HB_P_MEASURED]),
                   .factor = (float *)(b + at[HB_P_FACTOR]),
                   .particles = (float *)(b + at[HB_P_PARTICLES]),
                   .log_weights = (float *)(b + at[HB_P_LOG]),
                   .weights = (float *)(b + at[HB_P_WEIGHTS]),
                   .states = head->states,
                   .count = head->count,
                   .outputs = head->outputs,
                   .padded = n};
  p->cumulative = (double *)s, s += up(8 * (uint32_t)n);
  p->normals = (float *)s, s += up(4 * normals_needed(head->states, head->count));
  p->seen = (float *)s, s += up(4 * (uint32_t)n);
  p->centred = (float *)s, s += up(4 * (uint32_t)(head->states * n));
  p->begins = (int32_t *)s, s += up(4 * (uint32_t)n);
  p->indices = (int32_t *)s;
  return HB_OK;
}

/* particles += scale * factor * normals */
HB_INLINE void move(const particles *p, const float *factor, float scale) {
  const int32_t d = p->states, n = p->padded, stride = even(d) * HB_LANES;
  normals(p->head->seed, p->head->stream, p->head->tick, p->normals, normals_needed(d, p->count));
  for (int32_t i = 0; i < d; i++) {
    float *x = p->particles + (size_t)i * (size_t)n;
    for (int32_t j = 0; j <= i; j++) {
      const float weight = factor[i * d + j] * scale;
      const float turned = j % 2 ? weight : -weight;
      if (weight == 0) continue;
      const float *z = p->normals + j * HB_LANES, *other = p->normals + (j ^ 1) * HB_LANES;
      for (int32_t k = 0; k < n; k += SHARING * HB_LANES, z += stride, other += stride) {
        const vf first = weight * vf_load(z), second = turned * vf_load(other);
        vf_store(x + k, vf_load(x + k) + first);
        if (k + HB_LANES < n) vf_store(x + k + HB_LANES, vf_load(x + k + HB_LANES) + second);
        if (k + 2 * HB_LANES < n) vf_store(x + k + 2 * HB_LANES, vf_load(x + k + 2 * HB_LANES) - first);
        if (k + 3 * HB_LANES < n) vf_store(x + k + 3 * HB_LANES, vf_load(x + k + 3 * HB_LANES) - second);
      }
    }
  }
}

/* What every particle sees through a row, less what the centre sees; returns what the centre sees, and the
 * weighted mean and variance of the rest. */
HB_INLINE double look(const particles *p, const double *row, float *mean, float *variance) {
  const int32_t d = p->states, n = p->padded;
  double base = 0;
  for (int32_t i = 0; i < d; i++) base += row[i] * p->centre[i];
  vf sum = vf_of(0), squares = vf_of(0);
  for (int32_t k = 0; k < n; k += HB_LANES) {
    vf seen = vf_of(0);
    for (int32_t i = 0; i < d; i++) seen += (float)row[i] * vf_load(p->particles + (size_t)i * (size_t)n + k);
    vf_store(p->seen + k, seen);
    sum += vf_load(p->weights + k) * seen;
  }
  *mean = vf_sum(sum);
  for (int32_t k = 0; k < n; k += HB_LANES) {
    vf off = vf_load(p->seen + k) - *mean;
    squares += vf_load(p->weights + k) * (off * off);
  }
  *variance = vf_sum(squares);
  return base;
}

/* Adds each particle's log-likelihood, relative to the one at the predicted mean, to its log-weight. */
HB_INLINE void weigh(const particles *p, double z0, float mean, double noise) {
  const float inverse = (float)(1.0 / noise);
  const float degrees = (float)p->head->degrees;
  float start = (float)z0;
  start = start > FARTHEST ? FARTHEST : start < -FARTHEST ? -FARTHEST : start;
  for (int32_t k = 0; k < p->padded; k += HB_LANES) {
    vf off = (mean - vf_load(p->seen + k)) * inverse;
    off = vf_choose(off < FARTHEST, off, vf_of(FARTHEST));
    off = vf_choose(off > -FARTHEST, off, vf_of(-FARTHEST));
    vf gain;
    if (degrees > 0) {
      vf z = start + off;
      gain = -0.5f * (degrees + 1.0f) * vf_log(1.0f + z * z / degrees);
    } else {
      gain = -(start + 0.5f * off) * off;
    }
    vf_store(p->log_weights + k, vf_load(p->log_weights + k) + gain);
  }
}

/* weights = the log-weights' exponentials, normalised; the largest log-weight becomes 0. */
HB_INLINE void normalise(const particles *p) {
  vf most = vf_of(-3e38f);
  for (int32_t k = p->count; k < p->padded; k++) p->log_weights[k] = -3e38f;
  for (int32_t k = 0; k < p->padded; k += HB_LANES) {
    vf value = vf_load(p->log_weights + k);
    most = vf_choose(value > most, value, most);
  }
  const float largest = vf_largest(most);
  vf sum = vf_of(0), squares = vf_of(0);
  for (int32_t k = 0; k < p->padded; k += HB_LANES) {
    vf value = vf_load(p->log_weights + k) - largest;
    value = vf_choose(value > LEAST_LOG, value, vf_of(LEAST_LOG));
    vf weight = vf_exp(value);
    vf_store(p->log_weights + k, value);
    vf_store(p->weights + k, weight);
    sum += weight;
    squares += weight * weight;
  }
  const float total = vf_sum(sum), share = 1.0f / total;
  p->result[0] = (double)total * (double)total / (double)vf_sum(squares);
  for (int32_t k = 0; k < p->padded; k += HB_LANES) vf_store(p->weights + k, vf_load(p->weights + k) * share);
}

/* The weighted mean and covariance. The mean's offset from the centre stays in `offset`, the particles less it in
 * p->centred. Four sums run side by side: each waits for its last addition. */
HB_INLINE void summarise(const particles *p, float offset[HB_FILTER_STATES]) {
  enum { TOGETHER = 4 };
  const int32_t d = p->states, n = p->padded;
  p->head->current = 1;
  for (int32_t first = 0; first < d; first += TOGETHER) {
    const int32_t several = hb_min(TOGETHER, d - first);
    const float *x[TOGETHER];
    vf sum[TOGETHER];
    for (int32_t i = 0; i < TOGETHER; i++) {
      x[i] = p->particles + (size_t)(first + hb_min(i, several - 1)) * (size_t)n;
      sum[i] = vf_of(0);
    }
    for (int32_t k = 0; k < n; k += HB_LANES)
      for (int32_t i = 0; i < TOGETHER; i++) sum[i] += vf_load(p->weights + k) * vf_load(x[i] + k);
    for (int32_t i = 0; i < several; i++) offset[first + i] = vf_sum(sum[i]);
  }
  for (int32_t i = 0; i < d; i++) {
    const float *x = p->particles + (size_t)i * (size_t)n, middle = offset[i];
    float *centred = p->centred + (size_t)i * (size_t)n;
    p->mean[i] = p->centre[i] + (double)middle;
    for (int32_t k = 0; k < n; k += HB_LANES) {
      const vf off = vf_load(x + k) - middle;
      vf_store(centred + k, off);
      vf_store(p->seen + k, vf_load(p->weights + k) * off);
    }
    int32_t j = 0;
    for (; j + TOGETHER <= i + 1; j += TOGETHER) {
      const float *other = p->centred + (size_t)j * (size_t)n;
      vf sum[TOGETHER] = {{0}};
      for (int32_t k = 0; k < n; k += HB_LANES)
        for (int32_t t = 0; t < TOGETHER; t++) sum[t] += vf_load(p->seen + k) * vf_load(other + t * n + k);
      for (int32_t t = 0; t < TOGETHER; t++) p->cov[i * d + j + t] = p->cov[(j + t) * d + i] = (double)vf_sum(sum[t]);
    }
    for (; j <= i; j++) {
      const float *other = p->centred + (size_t)j * (size_t)n;
      vf sum = vf_of(0);
      for (int32_t k = 0; k < n; k += HB_LANES) sum += vf_load(p->seen + k) * vf_load(other + k);
      p->cov[i * d + j] = p->cov[j * d + i] = (double)vf_sum(sum);
    }
  }
}

/* Draws the particles anew in proportion to their weights, about their mean. */
HB_INLINE void renew(const particles *p, const float offset[HB_FILTER_STATES]) {
  const header *head = p->head;
  hb_uniforms from = {.seed = head->seed, .stream = head->stream, .tick = head->tick, .next = 0};
  for (int32_t k = 0; k < p->count; k++) p->cumulative[k] = (double)p->weights[k];
  resample(p->cumulative, p->count, head->scheme, &from, p->begins, p->indices);
  for (int32_t k = p->count; k < p->padded; k++) p->indices[k] = 0;
  for (int32_t i = 0; i < p->states; i++) {
    float *x = p->particles + (size_t)i * (size_t)p->padded;
    const float *centred = p->centred + (size_t)i * (size_t)p->padded;
    for (int32_t k = 0; k < p->padded; k++) x[k] = centred[p->indices[k]];
    p->centre[i] += (double)offset[i];
  }
  const float share = 1.0f / (float)p->count;
  for (int32_t k = 0; k < p->padded; k++) {
    p->log_weights[k] = 0;
    p->weights[k] = k < p->count ? share : 0;
  }
}

HB_INLINE void predict(const particles *p, double dt) {
  const float *factor = p->factor;
  const int32_t d = p->states;
  for (int32_t m = 0; m < p->outputs; m++) {
    const double *row = p->rows + m * d;
    float mean, variance;
    double base = look(p, row, &mean, &variance), spread = 0;
    for (int32_t j = 0; j < d; j++) {
      double along = 0;
      for (int32_t i = j; i < d; i++) along += row[i] * (double)factor[i * d + j];
      spread += along * along;
    }
    p->result[3 + m] = base + (double)mean;
    p->result[3 + p->outputs + m] =
        __builtin_sqrt((double)variance + spread * dt + p->noise[m] * p->noise[m]);
  }
}

/* After the weighing: whether few particles matter any more, and others in their place if so. */
HB_INLINE void settle(const particles *p) {
  float offset[HB_FILTER_STATES];
  normalise(p);
  p->head->current = 0;
  p->result[2] = p->result[0] < (double)(p->states + 1); /* too few to span the state */
  p->result[1] = p->result[0] < p->head->threshold * (double)p->count;
  if (p->result[1] != 0) {
    summarise(p, offset); /* by the weights, which go: better than by what is drawn from them */
    renew(p, offset);
  }
}

HB_INLINE void update(const particles *p, double dt) {
  p->head->tick++;
  if (dt > 0) move(p, p->factor, (float)__builtin_sqrt(dt));
  for (int32_t m = 0; m < p->outputs; m++) {
    float mean, variance;
    const double base = look(p, p->rows + m * p->states, &mean, &variance);
    p->result[3 + m] = base + (double)mean;
    p->result[3 + p->outputs + m] = __builtin_sqrt((double)variance + p->noise[m] * p->noise[m]);
    if (p->measured[m] == p->measured[m]) weigh(p, (p->measured[m] - p->result[3 + m]) / p->noise[m], mean, p->noise[m]);
  }
  settle(p);
}

/* Weighs the particles by one choice among rows: each sees every row, and the chosen one's probability is the softmax
 * of what it sees (McFadden, "Conditional logit analysis of qualitative choice behavior", 1974). */
HB_INLINE void choose(const particles *p, double dt, int32_t options, int32_t chosen) {
  const int32_t d = p->states, n = p->padded;
  float start[HB_FILTER_OUTPUTS];
  vf share[HB_FILTER_OUTPUTS], squares[HB_FILTER_OUTPUTS], seen[HB_FILTER_OUTPUTS];
  p->head->tick++;
  if (dt > 0) move(p, p->factor, (float)__builtin_sqrt(dt));
  for (int32_t m = 0; m < options; m++) {
    double base = 0; /* only differences from the chosen one matter */
    for (int32_t i = 0; i < d; i++) base += (p->rows[m * d + i] - p->rows[chosen * d + i]) * p->centre[i];
    start[m] = (float)base;
    share[m] = squares[m] = vf_of(0);
  }
  for (int32_t k = 0; k < n; k += HB_LANES) {
    vf most = vf_of(-FARTHEST), total = vf_of(0);
    for (int32_t m = 0; m < options; m++) {
      vf value = vf_of(start[m]);
      for (int32_t i = 0; i < d; i++)
        value += (float)p->rows[m * d + i] * vf_load(p->particles + (size_t)i * (size_t)n + k);
      value = vf_choose(value < FARTHEST, value, vf_of(FARTHEST));
      value = vf_choose(value > -FARTHEST, value, vf_of(-FARTHEST));
      most = vf_choose(value > most, value, most);
      seen[m] = value;
    }
    vf gain = seen[chosen] - most;
    for (int32_t m = 0; m < options; m++) total += seen[m] = vf_exp(seen[m] - most);
    vf_store(p->log_weights + k, vf_load(p->log_weights + k) + (gain - vf_log(total)));
    const vf weight = vf_load(p->weights + k);
    for (int32_t m = 0; m < options; m++) {
      const vf probability = seen[m] / total;
      share[m] += weight * probability;
      squares[m] += weight * (probability * probability);
    }
  }
  for (int32_t m = 0; m < options; m++) {
    const double mean = (double)vf_sum(share[m]), spread = (double)vf_sum(squares[m]) - mean * mean;
    p->result[3 + m] = mean;
    p->result[3 + p->outputs + m] = __builtin_sqrt(spread > 0 ? spread : 0);
  }
  settle(p);
}

HB_INLINE void start(const particles *p, const float *prior) {
  float offset[HB_FILTER_STATES];
  for (int32_t k = 0; k < p->states * p->padded; k++) p->particles[k] = 0;
  for (int32_t k = 0; k < p->padded; k++) p->log_weights[k] = 0;
  move(p, prior, 1.0f);
  normalise(p);
  summarise(p, offset);
}

HB_INLINE void summary(const particles *p) {
  float offset[HB_FILTER_STATES];
  if (!p->head->current) summarise(p, offset);
}

HB_WIDEST(start_widest, start, (const particles *p, const float *prior), (p, prior))
HB_WIDEST(update_widest, update, (const particles *p, double dt), (p, dt))
HB_WIDEST(choose_widest, choose, (const particles *p, double dt, int32_t options, int32_t chosen),
          (p, dt, options, chosen))
HB_WIDEST(predict_widest, predict, (const particles *p, double dt), (p, dt))
HB_WIDEST(summary_widest, summary, (const particles *p), (p))
HB_WIDEST(normals_widest, normals, (uint32_t seed, uint32_t stream, uint32_t tick, float *out, uint32_t count),
          (seed, stream, tick, out, count))

int32_t hb_particles_start(void *block, uint32_t length, int32_t states, int32_t count, int32_t outputs,
                           int32_t scheme, double threshold, double degrees, uint32_t seed, uint32_t stream,
                           const float *prior, void *scratch, uint32_t scratch_length) {
  uint32_t at[HB_P_PARTS];
  if (hb_particles_layout(states, count, outputs, at) != length) return HB_BAD_ARGUMENT;
  if (!(threshold >= 0 && threshold <= 1) || !(degrees >= 0 && degrees <= 1e6)) return HB_BAD_ARGUMENT;
  particles p;
  *(header *)block = (header){.format = FORMAT, .states = states, .count = count, .outputs = outputs, .scheme = scheme,
                              .seed = seed, .stream = stream, .threshold = threshold, .degrees = degrees};
  int32_t status = open(&p, block, length, scratch, scratch_length);
  if (status == HB_OK) start_widest(&p, prior);
  return status;
}

int32_t hb_particles_update(void *block, uint32_t length, void *scratch, uint32_t scratch_length, double dt) {
  particles p;
  int32_t status = open(&p, block, length, scratch, scratch_length);
  if (status != HB_OK) return status;
  if (!hb_measurement_usable(p.rows, p.measured, p.outputs, p.states, dt)) return HB_BAD_ARGUMENT;
  update_widest(&p, dt);
  return HB_OK;
}

int32_t hb_particles_summarise(void *block, uint32_t length, void *scratch, uint32_t scratch_length) {
  particles p;
  int32_t status = open(&p, block, length, scratch, scratch_length);
  if (status == HB_OK) summary_widest(&p);
  return status;
}

int32_t hb_particles_predict(void *block, uint32_t length, void *scratch, uint32_t scratch_length, double dt) {
  particles p;
  int32_t status = open(&p, block, length, scratch, scratch_length);
  if (status != HB_OK) return status;
  if (!hb_rows_usable(p.rows, p.outputs, p.states, dt)) return HB_BAD_ARGUMENT;
  predict_widest(&p, dt);
  return HB_OK;
}

int32_t hb_particles_choose(void *block, uint32_t length, void *scratch, uint32_t scratch_length, double dt,
                            int32_t options, int32_t chosen) {
  particles p;
  int32_t status = open(&p, block, length, scratch, scratch_length);
  if (status != HB_OK) return status;
  if (options < 2 || options > p.outputs || chosen < 0 || chosen >= options) return HB_BAD_ARGUMENT;
  if (!hb_rows_usable(p.rows, options, p.states, dt)) return HB_BAD_ARGUMENT;
  choose_widest(&p, dt, options, chosen);
  return HB_OK;
}

int32_t hb_resample(const double *weights, int32_t count, int32_t scheme, uint32_t seed, uint32_t stream,
                    uint32_t tick, int32_t *indices, double *scratch) {
  if (count < 1 || count > HB_FILTER_PARTICLES || scheme < HB_SYSTEMATIC || scheme > HB_MULTINOMIAL)
    return HB_BAD_ARGUMENT;
  double sum = 0;
  for (int32_t i = 0; i < count; i++) {
    if (!(weights[i] >= 0)) return HB_BAD_ARGUMENT;
    sum += scratch[i] = weights[i];
  }
  int32_t *begins = (int32_t *)(void *)(scratch + count);
  if (!(sum >= 1e-300 && sum <= 1e300)) return HB_BAD_ARGUMENT; /* its inverse is a number too */
  hb_uniforms from = {.seed = seed, .stream = stream, .tick = tick, .next = 0};
  resample(scratch, count, scheme, &from, begins, indices);
  return HB_OK;
}

int32_t hb_normals(uint32_t seed, uint32_t stream, uint32_t tick, float *out, uint32_t count) {
  if (count % HB_DRAWN != 0) return HB_BAD_ARGUMENT;
  normals_widest(seed, stream, tick, out, count);
  return HB_OK;
}
