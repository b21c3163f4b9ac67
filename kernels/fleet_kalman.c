/* The exact filter of many assets: filter_kalman.c's operations, eight assets at a time.
 *
 * Sources: as of filter_kalman.c. Where the process's and the factor's zeros are known, Gram-Schmidt passes over them:
 * row i of [U, process's U] has nothing left of column i, before and after.
 */
#include "filter_factor.h"
#include "fleet.h"
#include "processor.h"

typedef double lane __attribute__((vector_size(8 * HB_FLEET_LANES)));
typedef int64_t mask __attribute__((vector_size(8 * HB_FLEET_LANES)));

HB_INLINE lane lane_of(double value) { return value - (lane){0}; }
HB_INLINE lane choose(mask where, lane yes, lane no) {
  return (lane)((where & (mask)yes) | (~where & (mask)no));
}
HB_INLINE lane root(lane v) {
#if defined(__has_builtin)
#if __has_builtin(__builtin_elementwise_sqrt)
  return __builtin_elementwise_sqrt(v);
#endif
#endif
  for (int i = 0; i < HB_FLEET_LANES; i++) v[i] = __builtin_sqrt(v[i]);
  return v;
}
HB_INLINE lane load(const double *from) {
  lane v = lane_of(0);
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
HB_INLINE void store(double *to, lane v) { __builtin_memcpy(to, &v, sizeof v); }
HB_INLINE int any(mask m) {
  int64_t some = 0;
  for (int i = 0; i < HB_FLEET_LANES; i++) some |= m[i];
  return some != 0;
}
HB_INLINE mask within(lane v, double limit) { return (v <= limit) & (v >= -limit); }

/* Where U[i][j] (i < j) and D[j] (i = j) are among the packed numbers. */
HB_INLINE int32_t at(int32_t i, int32_t j) { return j * (j + 1) / 2 + i; }
static int32_t triangle(int32_t d) { return d * (d + 1) / 2; }

uint32_t hb_fleet_numbers(int32_t states) {
  if (states < 1 || states > HB_FLEET_STATES) return 0;
  return (uint32_t)(states + triangle(states) + 1);
}

/* Mean, factor, row; gains; Gram-Schmidt's rows and weights. */
#define WORK(d) ((d) + ((d) * ((d) + 1) / 2) + 4 * (d) + (d) * ((d) + 1) + 4 * (d))

uint32_t hb_fleet_scratch(int32_t states) {
  if (states < 1 || states > HB_FLEET_STATES) return 0;
  return (uint32_t)(HB_FLEET_LANES * WORK(states) + HB_FLEET_LANES);
}

/* The rows of a tile's lanes: -1 for none; whether they follow one another. */
typedef struct {
  int32_t row[HB_FLEET_LANES];
  int32_t run;
} whose;

typedef struct {
  lane *mean, *factor, *row, *seen, *scaled, *gain, *work;
} parts;

HB_INLINE parts parts_of(lane *work, int32_t d) {
  parts p;
  p.mean = work, work += d;
  p.factor = work, work += d * (d + 1) / 2;
  p.row = work, work += d;
  p.seen = work, work += d;
  p.scaled = work, work += d;
  p.gain = work, work += d;
  p.work = work;
  return p;
}

HB_INLINE lane dot(const lane *a, const lane *b, int32_t count) {
  lane sum = lane_of(0);
  for (int32_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

HB_INLINE lane seen_by(const lane *factor, const lane *row, int32_t j) {
  lane sum = row[j];
  for (int32_t i = 0; i < j; i++) sum += factor[at(i, j)] * row[i];
  return sum;
}

/* row cov row' */
HB_INLINE lane spread_of(const parts *p, int32_t d) {
  lane sum = lane_of(0);
  for (int32_t j = 0; j < d; j++) {
    const lane f = seen_by(p->factor, p->row, j);
    sum += f * f * p->factor[at(j, j)];
  }
  return sum;
}

/* The factor of cov + grown process, in the lanes where that is above 0. */
HB_INLINE void grow(const parts *p, const double *step, lane grown, int32_t d) {
  const mask where = grown > 0;
  lane *rows = p->work, *weights = rows + d * (d + 1), *weighted = weights + 2 * d;
  /* Row i: U's columns i to d - 1, then the process's. */
#define PLACE(i) ((i) * (2 * d + 1 - (i)))
  for (int32_t i = 0; i < d; i++) {
    weights[i] = p->factor[at(i, i)];
    weights[d + i] = grown * step[i * d + i];
    lane *row = rows + PLACE(i);
    const int32_t n = d - i;
    for (int32_t j = i; j < d; j++) {
      row[j - i] = i == j ? lane_of(1) : p->factor[at(i, j)];
      row[n + j - i] = lane_of(i == j ? 1 : step[i * d + j]);
    }
  }
  for (int32_t j = d - 1; j >= 0; j--) {
    const lane *last = rows + PLACE(j);
    const int32_t m = d - j;
    lane size = lane_of(0);
    for (int32_t c = 0; c < 2 * m; c++) {
      weighted[c] = weights[c < m ? j + c : d + j + c - m] * last[c];
      size += weighted[c] * last[c];
    }
    p->factor[at(j, j)] = choose(where, size, p->factor[at(j, j)]);
    const lane inverse = choose(size > 0, 1.0 / size, lane_of(0));
    for (int32_t i = 0; i < j; i++) {
      lane *row = rows + PLACE(i) + (j - i), *second = row + (d - i);
      lane share = lane_of(0);
      for (int32_t c = 0; c < m; c++) share += weighted[c] * row[c];
      for (int32_t c = 0; c < m; c++) share += weighted[m + c] * second[c];
      share *= inverse;
      p->factor[at(i, j)] = choose(where, share, p->factor[at(i, j)]);
      for (int32_t c = 0; c < m; c++) {
        row[c] -= share * last[c];
        second[c] -= share * last[m + c];
      }
    }
  }
#undef PLACE
}

HB_INLINE lane robust_variance(lane residual, lane spread, double noise, double degrees) {
  lane r = lane_of(noise);
  for (int32_t pass = 0; pass < 8; pass++) {
    const lane left = r / (spread + r), rest = residual * left;
    r = noise * (degrees + (rest * rest + spread * left) / noise) / (degrees + 1);
  }
  return r;
}

/* One output's update in the lanes `where`; the squared innovation over its variance. */
HB_INLINE lane update_row(const parts *p, lane measured, mask where, double noise, double degrees, int32_t d,
                          lane *plain) {
  lane spread = lane_of(0), r = lane_of(noise * noise);
  for (int32_t j = 0; j < d; j++) {
    p->seen[j] = choose(where, seen_by(p->factor, p->row, j), lane_of(0));
    p->scaled[j] = p->factor[at(j, j)] * p->seen[j];
    spread += p->scaled[j] * p->seen[j];
  }
  /* Elsewhere every share and the residual are 0: nothing moves. */
  const lane residual = choose(where, measured - dot(p->row, p->mean, d), lane_of(0));
  if (degrees > 0) *plain = residual * residual / (spread + r);
  if (degrees > 0) r = robust_variance(residual, spread, noise * noise, degrees);
  lane total = r, inverse = 1.0 / r;
  for (int32_t j = 0; j < d; j++) {
    const lane before = total, share = -p->seen[j] * inverse, size = p->factor[at(j, j)];
    total += p->scaled[j] * p->seen[j];
    inverse = 1.0 / total;
    p->factor[at(j, j)] = choose(where, size * (before * inverse), size);
    for (int32_t i = 0; i < j; i++) {
      const lane u = p->factor[at(i, j)];
      p->factor[at(i, j)] = u + p->gain[i] * share;
      p->gain[i] += u * p->scaled[j];
    }
    p->gain[j] = p->scaled[j];
  }
  const lane pull = residual * inverse;
  for (int32_t i = 0; i < d; i++) p->mean[i] += p->gain[i] * pull;
  if (!(degrees > 0)) *plain = residual * pull;
  return residual * pull;
}

HB_INLINE lane small_exp(lane x) {
  lane sum = lane_of(1);
  for (int32_t n = 14; n >= 1; n--) sum = 1 + sum * x / (double)n;
  return sum;
}

/* A number of each lane's row; that of some other row where a lane has none. */
HB_INLINE lane gather(const double *from, const whose *w, int32_t stride, int32_t m) {
  lane v = lane_of(0);
  for (int l = 0; l < HB_FLEET_LANES; l++)
    v[l] = from[(size_t)(w->row[l] & ~(w->row[l] >> 31)) * (size_t)stride + (size_t)m];
  return v;
}

/* Output m's row: features and 1 in its own part of the state. */
HB_INLINE void take_row(const parts *p, const hb_fleet_rows *rows, const whose *w, int32_t m,
                        int32_t d, int32_t outputs) {
  const int32_t width = d / outputs, f = width - 1;
  if (outputs > 1)
    for (int32_t i = 0; i < d; i++) p->row[i] = lane_of(0);
  for (int32_t i = 0; i < f; i++) p->row[m * width + i] = gather(rows->features, w, f, i);
  p->row[m * width + f] = lane_of(1);
}

/* Lanes whose numbers may be used. The steps go to `dt`, 0 elsewhere. */
HB_INLINE mask usable(const parts *p, const hb_fleet_rows *rows, const whose *w, lane *dt,
                      int32_t measuring, int32_t d, int32_t outputs) {
  mask fine = {0};
  for (int l = 0; l < HB_FLEET_LANES; l++) fine[l] = w->row[l] < 0 ? 0 : -1;
  *dt = rows->steps ? gather(rows->steps, w, 1, 0) : lane_of(rows->every);
  take_row(p, rows, w, 0, d, outputs);
  for (int32_t i = 0; i < d / outputs; i++) fine &= within(p->row[i], HB_FILTER_ROW);
  fine &= (*dt >= 0) & (*dt <= HB_FILTER_STEPS);
  if (measuring)
    for (int32_t m = 0; m < outputs; m++) {
      const lane y = gather(rows->measured, w, outputs, m);
      fine &= within(y, HB_FILTER_MEASURED) | (y != y);
    }
  *dt = choose(fine, *dt, lane_of(0));
  return fine;
}

/* Writes a number each of the rows of a tile. */
HB_INLINE void give(double *out, const whose *w, int32_t stride, int32_t m, lane v, mask fine) {
  if (!out) return;
  v = choose(fine, v, lane_of(__builtin_nan("")));
  if (w->run && stride == 1) {
    store(out + w->row[0], v);
    return;
  }
  for (int l = 0; l < HB_FLEET_LANES; l++)
    if (w->row[l] >= 0) out[(size_t)w->row[l] * (size_t)stride + (size_t)m] = v[l];
}

HB_INLINE void load_state(const parts *p, const double *tile, int32_t d) {
  for (int32_t i = 0; i < d; i++) p->mean[i] = load(tile + i * HB_FLEET_LANES);
  for (int32_t i = 0; i < d * (d + 1) / 2; i++) p->factor[i] = load(tile + (d + i) * HB_FLEET_LANES);
}

HB_INLINE void update_tile(const hb_fleet *fleet, const hb_fleet_rows *rows, int32_t t,
                           const whose *w, lane *work, const int32_t d, const int32_t outputs,
                           const int32_t gate, const int32_t plain) {
  const parts p = parts_of(work, d);
  const int32_t packed = d * (d + 1) / 2, numbers = d + packed + 1;
  double *tile = fleet->tiles + (size_t)t * (size_t)(numbers * HB_FLEET_LANES);
  double *deployed = gate ? fleet->deployed + (size_t)t * (size_t)(d * HB_FLEET_LANES) : 0;
  const double degrees = plain ? 0 : fleet->degrees, adaptive = plain ? 0 : fleet->adaptive;
  lane dt, scale = lane_of(1);
  const mask fine = usable(&p, rows, w, &dt, 1, d, outputs);
  load_state(&p, tile, d);
  if (adaptive > 0) scale = load(tile + (numbers - 1) * HB_FLEET_LANES);
  const lane grown = dt * scale;
  if (any(grown > 0)) grow(&p, fleet->step, grown, d);
  mask inside = fine;
  lane measured[HB_FILTER_OUTPUTS];
  for (int32_t m = 0; m < outputs; m++) {
    measured[m] = gather(rows->measured, w, outputs, m);
    if (m > 0 || outputs > 1) take_row(&p, rows, w, m, d, outputs);
    const double noise = fleet->noise[m];
    const lane expected = dot(p.row, p.mean, d);
    lane answer = expected, variance = spread_of(&p, d);
    if (gate) {
      answer = lane_of(0);
      for (int32_t i = 0; i < d; i++) answer += p.row[i] * load(deployed + i * HB_FLEET_LANES);
      const lane behind = expected - answer;
      variance += behind * behind;
    }
    const lane sigma = root(variance + noise * noise);
    give(rows->mean, w, outputs, m, answer, fine);
    give(rows->sigma, w, outputs, m, sigma, fine);
    if (gate == HB_FLEET_INTERVAL) {
      const lane off = measured[m] - answer, most = fleet->gate_limit * sigma;
      inside &= ((off <= most) & (off >= -most)) | (measured[m] != measured[m]);
    }
  }
  mask learn = fine;
  if (gate == HB_FLEET_INTERVAL) learn &= ~inside;
  lane surprise = lane_of(0), excess = lane_of(0), count = lane_of(0);
  for (int32_t m = 0; m < outputs; m++) {
    lane innovation;
    if (outputs > 1) take_row(&p, rows, w, m, d, outputs);
    const mask seen = learn & (measured[m] == measured[m]);
    const lane ratio = update_row(&p, measured[m], seen, fleet->noise[m], degrees, d, &innovation);
    surprise += innovation;
    if (adaptive > 0) {
      excess += choose(seen, choose(ratio < 3, ratio, lane_of(3)) - 0.8581683737187252, lane_of(0));
      count += choose(seen, lane_of(1), lane_of(0));
    }
  }
  give(rows->anomaly, w, 1, 0, surprise, learn);
  mask push = {0};
  if (gate == HB_FLEET_INTERVAL) push = learn;
  if (gate == HB_FLEET_SHADOW)
    for (int32_t m = 0; m < outputs; m++) {
      if (outputs > 1) take_row(&p, rows, w, m, d, outputs);
      lane differ = lane_of(0);
      for (int32_t i = 0; i < d; i++) differ += p.row[i] * (p.mean[i] - load(deployed + i * HB_FLEET_LANES));
      const lane most = fleet->gate_limit * root(spread_of(&p, d));
      push |= learn & ((differ > most) | (differ < -most));
    }
  const int whole = !any(~learn);
  for (int32_t i = 0; i < d; i++) {
    double *place = tile + i * HB_FLEET_LANES;
    store(place, whole ? p.mean[i] : choose(learn, p.mean[i], load(place)));
  }
  for (int32_t i = 0; i < packed; i++) {
    double *place = tile + (d + i) * HB_FLEET_LANES;
    store(place, whole ? p.factor[i] : choose(learn, p.factor[i], load(place)));
  }
  if (gate)
    for (int32_t i = 0; i < d; i++) {
      double *place = deployed + i * HB_FLEET_LANES;
      store(place, choose(push, p.mean[i], load(place)));
    }
  if (adaptive > 0) {
    lane next = scale * small_exp(excess / choose(count > 0, count, lane_of(1)) * adaptive);
    next = choose(next < 1e-4, lane_of(1e-4), choose(next > 1e4, lane_of(1e4), next));
    store(tile + (numbers - 1) * HB_FLEET_LANES, choose(learn & (count > 0), next, scale));
  }
  if (rows->flags)
    for (int l = 0; l < HB_FLEET_LANES; l++)
      if (w->row[l] >= 0)
        rows->flags[w->row[l]] = (uint8_t)(fine[l] ? (learn[l] ? HB_FLEET_LEARNED : 0) | (push[l] ? HB_FLEET_PUSHED : 0)
                                                  : HB_FLEET_REFUSED);
}

HB_INLINE void predict_tile(const hb_fleet *fleet, const hb_fleet_rows *rows, int32_t t,
                            const whose *w, lane *work, const int32_t d, const int32_t outputs) {
  const parts p = parts_of(work, d);
  const int32_t packed = d * (d + 1) / 2, numbers = d + packed + 1;
  const double *tile = fleet->tiles + (size_t)t * (size_t)(numbers * HB_FLEET_LANES);
  const double *deployed = fleet->deployed ? fleet->deployed + (size_t)t * (size_t)(d * HB_FLEET_LANES) : tile;
  lane dt, scale = lane_of(1);
  const mask fine = usable(&p, rows, w, &dt, 0, d, outputs);
  load_state(&p, tile, d);
  if (fleet->adaptive > 0) scale = load(tile + (numbers - 1) * HB_FLEET_LANES);
  const lane grown = dt * scale;
  for (int32_t m = 0; m < outputs; m++) {
    if (m > 0 || outputs > 1) take_row(&p, rows, w, m, d, outputs);
    lane variance = lane_of(0), answer = lane_of(0);
    for (int32_t i = 0; i < d; i++) {
      lane along = lane_of(0);
      for (int32_t j = 0; j < d; j++) along += fleet->process[i * d + j] * p.row[j];
      variance += p.row[i] * along;
      answer += p.row[i] * load(deployed + i * HB_FLEET_LANES);
    }
    variance *= grown;
    for (int32_t j = 0; j < d; j++) {
      const lane f = seen_by(p.factor, p.row, j);
      variance += f * f * p.factor[at(j, j)];
    }
    const lane behind = dot(p.row, p.mean, d) - answer;
    const double noise = fleet->noise[m];
    give(rows->mean, w, outputs, m, answer, fine);
    give(rows->sigma, w, outputs, m, root(variance + behind * behind + noise * noise), fine);
  }
  if (rows->flags)
    for (int l = 0; l < HB_FLEET_LANES; l++)
      if (w->row[l] >= 0) rows->flags[w->row[l]] = fine[l] ? 0 : HB_FLEET_REFUSED;
}

/* The tile and the rows of a pass; whether they are in range. */
HB_INLINE int pass_of(const hb_fleet *fleet, const hb_fleet_rows *rows, int32_t pass, int32_t *t, whose *w) {
  *t = rows->tile ? rows->tile[pass] : pass;
  if (*t < 0 || *t >= fleet->tile_count) return 0;
  w->run = !rows->row && ((int64_t)pass + 1) * HB_FLEET_LANES <= rows->count;
  for (int32_t l = 0; l < HB_FLEET_LANES; l++) {
    const int64_t own = (int64_t)pass * HB_FLEET_LANES + l, r = rows->row ? rows->row[own] : own;
    if (rows->row && r >= rows->count) return 0;
    w->row[l] = r >= 0 && r < rows->count ? (int32_t)r : -1;
  }
  return 1;
}

HB_INLINE void update_all(const hb_fleet *fleet, const hb_fleet_rows *rows, double *scratch) {
  int32_t t;
  whose w = {{0}, 0};
  for (int32_t pass = 0; pass < rows->passes; pass++) {
    pass_of(fleet, rows, pass, &t, &w);
    /* The article's last layer: loops of known length, numbers in registers. */
    if (fleet->states == 5 && fleet->outputs == 1 && fleet->degrees == 0 && fleet->adaptive == 0) {
      lane work[WORK(5)];
      if (fleet->gate == HB_FLEET_OPEN)
        update_tile(fleet, rows, t, &w, work, 5, 1, HB_FLEET_OPEN, 1);
      else
        update_tile(fleet, rows, t, &w, work, 5, 1, fleet->gate, 1);
    } else {
      update_tile(fleet, rows, t, &w, (lane *)scratch, fleet->states, fleet->outputs, fleet->gate, 0);
    }
  }
}

HB_INLINE void predict_all(const hb_fleet *fleet, const hb_fleet_rows *rows, double *scratch) {
  int32_t t;
  whose w = {{0}, 0};
  for (int32_t pass = 0; pass < rows->passes; pass++) {
    pass_of(fleet, rows, pass, &t, &w);
    predict_tile(fleet, rows, t, &w, (lane *)scratch, fleet->states, fleet->outputs);
  }
}

static void update_plain(const hb_fleet *f, const hb_fleet_rows *r, double *s) { update_all(f, r, s); }
static void predict_plain(const hb_fleet *f, const hb_fleet_rows *r, double *s) { predict_all(f, r, s); }
#if defined(HB_AVX2)
HB_AVX2 static void update_plain_avx2(const hb_fleet *f, const hb_fleet_rows *r, double *s) { update_all(f, r, s); }
HB_AVX2 static void predict_plain_avx2(const hb_fleet *f, const hb_fleet_rows *r, double *s) {
  predict_all(f, r, s);
}

/* A tile's width is AVX-512's; the arithmetic, and so the result, is the same. */
#define HB_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl")))
HB_AVX512 static void update_avx512(const hb_fleet *f, const hb_fleet_rows *r, double *s) { update_all(f, r, s); }

/* As hb_has_avx2: 0 unknown, 1 no, 2 yes. */
static int avx512_answer;
static int ask_avx512(void) {
  unsigned a, b, c, d, low, high;
  if (!hb_has_avx2()) return 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0)); /* the system saves the 512-bit registers too */
  if ((low & 0xe6) != 0xe6 || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  return (b & bit_AVX512F) && (b & bit_AVX512DQ) && (b & bit_AVX512VL);
}
static int has_avx512(void) {
  int answer = __atomic_load_n(&avx512_answer, __ATOMIC_RELAXED);
  if (answer == 0) {
    answer = 1 + ask_avx512();
    __atomic_store_n(&avx512_answer, answer, __ATOMIC_RELAXED);
  }
  return answer == 2;
}
#endif

static void update_dispatched(const hb_fleet *fleet, const hb_fleet_rows *rows, double *scratch) {
#if defined(HB_AVX2)
  if (has_avx512()) {
    update_avx512(fleet, rows, scratch);
    return;
  }
#endif
  HB_DISPATCH(update_plain, fleet, rows, scratch);
}

static int32_t check(const hb_fleet *fleet, const hb_fleet_rows *rows, double **scratch, uint32_t scratch_length,
                     int32_t measuring) {
  const int32_t d = fleet->states;
  if (d < 1 || d > HB_FLEET_STATES || fleet->outputs < 1 || fleet->outputs > HB_FILTER_OUTPUTS ||
      d % fleet->outputs != 0 || fleet->tile_count < 0 || rows->count < 0 || rows->passes < 0 || (rows->passes > 0 && rows->count == 0))
    return HB_BAD_ARGUMENT;
  if (!(fleet->degrees >= 0 && fleet->degrees <= 1e6) || !(fleet->adaptive >= 0 && fleet->adaptive <= 0.25))
    return HB_BAD_ARGUMENT;
  if (fleet->gate < HB_FLEET_OPEN || fleet->gate > HB_FLEET_INTERVAL || !(fleet->gate_limit >= 0) ||
      (fleet->gate && !fleet->deployed))
    return HB_BAD_ARGUMENT;
  if (measuring && !rows->measured) return HB_BAD_ARGUMENT;
  if (!hb_all_within(fleet->process, d * d, HB_FILTER_MEASURED) ||
      !hb_all_within(fleet->step, d * d, HB_FILTER_MEASURED) ||
      !hb_all_within(fleet->noise, fleet->outputs, HB_FILTER_MEASURED))
    return HB_BAD_ARGUMENT;
  if (scratch_length < hb_fleet_scratch(d)) return HB_SHORT_BUFFER;
  int32_t t;
  whose w = {{0}, 0};
  for (int32_t pass = 0; rows->tile || rows->row ? pass < rows->passes : pass < 1 && rows->passes > 0; pass++)
    if (!pass_of(fleet, rows, pass, &t, &w)) return HB_BAD_ARGUMENT;
  if (!rows->tile && rows->passes > fleet->tile_count) return HB_BAD_ARGUMENT;
  const uintptr_t place = (uintptr_t)*scratch; /* lanes want to be aligned */
  *scratch += (sizeof(lane) - place % sizeof(lane)) % sizeof(lane) / 8;
  return HB_OK;
}

int32_t hb_fleet_update(const hb_fleet *fleet, const hb_fleet_rows *rows, double *scratch, uint32_t scratch_length) {
  const int32_t status = check(fleet, rows, &scratch, scratch_length, 1);
  if (status == HB_OK) update_dispatched(fleet, rows, scratch);
  return status;
}

int32_t hb_fleet_predict(const hb_fleet *fleet, const hb_fleet_rows *rows, double *scratch, uint32_t scratch_length) {
  const int32_t status = check(fleet, rows, &scratch, scratch_length, 0);
  if (status == HB_OK) HB_DISPATCH(predict_plain, fleet, rows, scratch);
  return status;
}

int32_t hb_fleet_factor(const double *matrix, double *factor, int32_t states) {
  const int32_t d = states;
  if (d < 1 || d > HB_FLEET_STATES || !hb_all_within(matrix, d * d, HB_FILTER_MEASURED)) return HB_BAD_ARGUMENT;
  factorise(matrix, factor, d);
  return HB_OK;
}
