/* A look: photographic adjustments compiled to one 3D colour look-up table.
 *
 * One preset is a flat array of HB_LOOK_PARAMETERS doubles (the offsets are named below and, in the same
 * order, in src/homebody/features/photo/look.py). The result is int16[n][n][n][4], blue slowest, red fastest,
 * 255 * 128 for white, the fourth lane 0: the table that hb_lut_* read.
 *
 * Only + - * / and sqrt are used on doubles, each of them exactly rounded by IEEE 754, and the build
 * forbids fusing them (-ffp-contract=off): native code and WebAssembly give the same bits.
 *
 * The order of work, on one colour (r, g, b) encoded as sRGB in 0..1:
 *   1. exposure and white balance     linear light, one gain a channel; x -> g x / (1 + (g - 1) x), which
 *                                     keeps black and white in place, so that nothing clips
 *   2. mono                           weighted sum of the encoded channels
 *   3. contrast, shadows, highlights, on the largest and the smallest channel; the middle one keeps its
 *      the master curve, fade         share between them, so that the (HSV) hue does not turn
 *   4. red, green and blue curves     a channel at a time
 *   5. colour bands, saturation,      Oklab (B. Ottosson, "A perceptual color space for image processing",
 *      vibrance, split toning         2020), where hue and lightness stay apart
 *   6. gamut                          chroma is drawn in, softly; lightness and hue stay
 */
#include <stdint.h>

#include "homebody.h"
#include "look_numbers.h"

/* ---- offsets in the parameter array; amounts are fractions (1 = 100 in a preset), hues are degrees ---- */
enum {
  EXPOSURE = 0, /* EV */
  TEMPERATURE = 1,
  TINT = 2,
  CONTRAST = 3,
  HIGHLIGHTS = 4,
  SHADOWS = 5,
  FADE = 6,
  SATURATION = 7,
  VIBRANCE = 8,
  BANDS = 9, /* 8 x (hue, saturation, luminance) */
  SHADOW_HUE = 33,
  SHADOW_AMOUNT = 34,
  HIGHLIGHT_HUE = 35,
  HIGHLIGHT_AMOUNT = 36,
  BALANCE = 37,
  MONO = 38, /* 0 or 1 */
  MIX = 39,  /* red, green, blue weights */
  CURVES = 42, /* master, red, green, blue: 4 x (count, 16 x (x, y)); count 0 = straight line */
  CURVE_POINTS = 16,
  CURVE_STRIDE = 1 + 2 * CURVE_POINTS,
};

#define TONING 0.16 /* Oklab chroma that split toning adds at amount 1 */
#define KNEE 0.88 /* share of the gamut's reach where soft compression starts */
#define LIMIT 0.97 /* share that it does not pass; the rest is for what the table of the edge is off */

/* ---- tone ---- */

/* Monotone cubic through the points (Fritsch & Carlson, "Monotone piecewise cubic interpolation", 1980, with
 * the weighted harmonic mean of Fritsch & Butland, 1984); constant outside the first and the last point. */
typedef struct {
  int32_t count;
  double x[CURVE_POINTS], y[CURVE_POINTS], slope[CURVE_POINTS];
} hb_curve;

/* Returns 0 if the points do not rise: x strictly, y never falling. */
static int curve_prepare(hb_curve *curve, const double *params) {
  double width[CURVE_POINTS], secant[CURVE_POINTS];
  double count = params[0];
  if (!(count == 0.0 || (count >= 2.0 && count <= CURVE_POINTS))) return 0;
  int32_t n = curve->count = (int32_t)count;
  for (int32_t i = 0; i < n; i++) {
    curve->x[i] = params[1 + 2 * i];
    curve->y[i] = params[2 + 2 * i];
    if (!(curve->x[i] >= 0.0 && curve->x[i] <= 1.0 && curve->y[i] >= 0.0 && curve->y[i] <= 1.0)) return 0;
  }
  for (int32_t i = 0; i + 1 < n; i++) {
    width[i] = curve->x[i + 1] - curve->x[i];
    if (!(width[i] >= 1e-3) || curve->y[i + 1] < curve->y[i]) return 0;
    secant[i] = (curve->y[i + 1] - curve->y[i]) / width[i];
  }
  for (int32_t i = 0; i < n; i++) {
    if (i == 0 || i == n - 1) {
      curve->slope[i] = secant[i == 0 ? 0 : n - 2];
    } else if (secant[i - 1] <= 0.0 || secant[i] <= 0.0) {
      curve->slope[i] = 0.0;
    } else {
      double before = width[i - 1], after = width[i];
      curve->slope[i] = 3.0 * (before + after) /
               ((2.0 * after + before) / secant[i - 1] + (after + 2.0 * before) / secant[i]);
    }
  }
  return 1;
}

static double curve_at(const hb_curve *curve, double v) {
  int32_t n = curve->count;
  if (n == 0) return v;
  if (v <= curve->x[0]) return curve->y[0];
  if (v >= curve->x[n - 1]) return curve->y[n - 1];
  int32_t i = 0;
  while (v >= curve->x[i + 1]) i++;
  double width = curve->x[i + 1] - curve->x[i], t = (v - curve->x[i]) / width, u = 1.0 - t;
  return (1.0 + 2.0 * t) * u * u * curve->y[i] + t * u * u * width * curve->slope[i] +
     t * t * (3.0 - 2.0 * t) * curve->y[i + 1] - t * t * u * width * curve->slope[i + 1];
}

/* An S through (0, 0), (1/2, 1/2), (1, 1) with slopes 0, 2, 0. */
static double steep(double v) { return v * v / (v * v + (1.0 - v) * (1.0 - v)); }

/* Every step rises for amounts in -1..1, so that tones never change places. */
static double tone(const double *p, const hb_curve *master, double v) {
  v = v + 0.85 * p[SHADOWS] * v * (1.0 - v) * (1.0 - v) * (1.0 - v);
  v = v + 0.85 * p[HIGHLIGHTS] * v * v * v * (1.0 - v);
  v = v + (p[CONTRAST] < 0.0 ? 0.45 : 0.9) * p[CONTRAST] * (steep(v) - v);
  v = curve_at(master, v);
  return v + 0.2 * p[FADE] * (1.0 - v) * (1.0 - v);
}

/* ---- Oklab; rows of the matrices are written as differences, so that r = g = b gives a = b = 0 exactly ---- */

typedef struct {
  double L, a, b;
} hb_oklab;

static hb_oklab oklab_from_linear(double r, double g, double b) {
  double l = cube_root(g + 0.4122214708 * (r - g) + 0.0514459929 * (b - g));
  double m = cube_root(g + 0.2119034982 * (r - g) + 0.1073969566 * (b - g));
  double s = cube_root(g + 0.0883024619 * (r - g) + 0.6299787005 * (b - g));
  hb_oklab out = {m + 0.2104542553 * (l - m) - 0.0040720468 * (s - m),
          1.9779984951 * (l - m) + 0.4505937099 * (s - m),
          0.0259040371 * (l - s) + 0.7827717662 * (m - s)};
  return out;
}

static void linear_from_oklab(hb_oklab lab, double rgb[3]) {
  double l = lab.L + 0.3963377921396155 * lab.a + 0.2158037480800241 * lab.b;
  double m = lab.L - 0.1055613414243777 * lab.a - 0.0638541712806444 * lab.b;
  double s = lab.L - 0.0894841770981485 * lab.a - 1.2914854752350710 * lab.b;
  l = l * l * l;
  m = m * m * m;
  s = s * s * s;
  rgb[0] = m + 4.0767416609284320 * (l - m) + 0.2309699286165293 * (s - m);
  rgb[1] = m - 1.2684380037611447 * (l - m) - 0.3413193962211435 * (s - m);
  rgb[2] = m - 0.0041960866310615 * (l - m) + 1.7076147009069358 * (s - m);
}

/* ---- gamut ---- */

/* Where sRGB ends in Oklab, every 5 degrees of hue from 0: the chroma a unit of lightness on the way up from
 * black (there the edge is a straight line, because a channel is 0), the lightness of the cusp, and how far the
 * edge from the cusp to white bends in from a straight line. Made by bisection; a few hundredths off at most,
 * but smooth: the true edge has a cliff at 255 to 264 degrees, next to pure blue, that would tear skies apart,
 * so the chroma of 250, 255 and 260 is drawn up to it. */
static const double EDGE[72][3] = {
    {0.4053, 0.6477, 0.296}, {0.4018, 0.6431, 0.299}, {0.3999, 0.6391, 0.300},
    {0.3997, 0.6357, 0.300}, {0.4015, 0.6326, 0.298}, {0.4054, 0.6300, 0.296},
    {0.4010, 0.6323, 0.288}, {0.3507, 0.6583, 0.254}, {0.3138, 0.6812, 0.223},
    {0.2859, 0.7019, 0.194}, {0.2643, 0.7210, 0.166}, {0.2476, 0.7391, 0.139},
    {0.2345, 0.7565, 0.112}, {0.2243, 0.7735, 0.085}, {0.2166, 0.7904, 0.057},
    {0.2109, 0.8076, 0.026}, {0.2071, 0.8253, -0.007}, {0.2049, 0.8438, -0.046},
    {0.2043, 0.8636, -0.092}, {0.2053, 0.8853, -0.152}, {0.2078, 0.9094, -0.237},
    {0.2121, 0.9370, -0.384}, {0.2183, 0.9673, 0.223}, {0.2265, 0.9536, 0.153},
    {0.2374, 0.9396, 0.125}, {0.2513, 0.9251, 0.115}, {0.2691, 0.9099, 0.117},
    {0.2920, 0.8937, 0.127}, {0.3219, 0.8760, 0.144}, {0.3145, 0.8691, 0.130},
    {0.2753, 0.8740, 0.092}, {0.2472, 0.8784, 0.066}, {0.2262, 0.8823, 0.047},
    {0.2102, 0.8860, 0.033}, {0.1979, 0.8895, 0.024}, {0.1885, 0.8928, 0.017},
    {0.1814, 0.8960, 0.013}, {0.1762, 0.8991, 0.011}, {0.1726, 0.9023, 0.012},
    {0.1706, 0.9044, -0.010}, {0.1700, 0.8822, -0.099}, {0.1707, 0.8613, -0.075},
    {0.1729, 0.8414, -0.055}, {0.1766, 0.8218, -0.037}, {0.1820, 0.8024, -0.022},
    {0.1894, 0.7827, -0.007}, {0.1992, 0.7623, 0.007}, {0.2121, 0.7407, 0.021},
    {0.2290, 0.7174, 0.035}, {0.2517, 0.6914, 0.050}, {0.2950, 0.6520, 0.065},
    {0.3750, 0.6020, 0.132}, {0.5200, 0.5320, 0.203}, {0.6864, 0.4540, 0.155},
    {0.6553, 0.4649, 0.153}, {0.6284, 0.4766, 0.151}, {0.6049, 0.4891, 0.148},
    {0.5843, 0.5028, 0.145}, {0.5658, 0.5177, 0.141}, {0.5491, 0.5341, 0.136},
    {0.5337, 0.5523, 0.131}, {0.5194, 0.5724, 0.124}, {0.5057, 0.5949, 0.116},
    {0.4925, 0.6199, 0.107}, {0.4798, 0.6478, 0.096}, {0.4675, 0.6789, 0.083},
    {0.4558, 0.6973, 0.228}, {0.4447, 0.6853, 0.250}, {0.4344, 0.6752, 0.267},
    {0.4252, 0.6666, 0.278}, {0.4172, 0.6593, 0.287}, {0.4105, 0.6530, 0.293}};

/* The largest chroma of that lightness (0..1) and hue (0..360), about. */
static double gamut_reach(double L, double hue) {
  double place = hue / 5.0;
  int32_t i = (int32_t)place;
  if (i > 71) i = 71;
  double t = place - i;
  const double *here = EDGE[i], *there = EDGE[(i + 1) % 72];
  double rise = here[0] + t * (there[0] - here[0]), cusp = here[1] + t * (there[1] - here[1]);
  if (L < cusp) return rise * L;
  double bend = here[2] + t * (there[2] - here[2]), down = (1.0 - L) / (1.0 - cusp);
  return rise * cusp * down * (1.0 - bend * (1.0 - down));
}

/* Chroma drawn in: softly from KNEE of the reach on, or from where it was before the edit (`was`, as a share of
 * the reach then) if that was further out. What the edit leaves alone stays as it is, to the bit. */
static double compressed(double share, double was) {
  double knee = was > KNEE ? was : KNEE, room = LIMIT - knee;
  if (share <= knee) return share;
  if (room <= 0.0) return knee;
  double excess = (share - knee) / room;
  return knee + room * (excess / (1.0 + excess));
}

/* ---- colour ---- */

/* Hues (Oklab degrees) of red, orange, yellow, green, aqua, blue, purple, magenta; the first again at the end. */
static const double BAND_HUE[9] = {25.0, 60.0, 105.0, 140.0, 195.0, 255.0, 300.0, 345.0, 385.0};

typedef struct {
  const double *p;
  hb_curve curve[4];
  double shadow_a, shadow_b, highlight_a, highlight_b;
  int bands, toned, colour;
} hb_look;

/* A row of the table: red runs, green and blue stand. Its colours go through each step together, so that what
 * one colour waits for is done for the next ones meanwhile, two at a time where the processor has vectors. */
enum { ROW = 65 };
typedef double hb_row[ROW];

/* Hue, chroma and lightness as the bands, saturation and vibrance have them; `was` is chroma's share of the
 * gamut's reach before. Greys have no hue, and stay. */
static void bands_adjust(const hb_look *look, int32_t n, hb_row L, hb_row a, hb_row b, hb_row was) {
  const double *p = look->p;
  hb_row chroma, hue, gain, turn, sine, cosine;
  for (int32_t i = 0; i < n; i++) chroma[i] = square_root(a[i] * a[i] + b[i] * b[i]);
  for (int32_t i = 0; i < n; i++) hue[i] = hue_degrees(a[i], b[i]);
  for (int32_t i = 0; i < n; i++) {
    was[i] = turn[i] = 0.0;
    gain[i] = 1.0;
    if (!(chroma[i] > 1e-12)) continue;
    double strength = chroma[i], reach = gamut_reach(L[i], hue[i]);
    gain[i] = 1.0 + p[SATURATION];
    if (reach > 1e-9) was[i] = strength / reach;
    if (look->bands) {
      double at = hue[i] < BAND_HUE[0] ? hue[i] + 360.0 : hue[i];
      int band = 0;
      while (band < 7 && at >= BAND_HUE[band + 1]) band++;
      double next = smooth((at - BAND_HUE[band]) / (BAND_HUE[band + 1] - BAND_HUE[band]));
      double gate = strength * strength / (strength * strength + 0.0009); /* greys have no hue to adjust */
      const double *here = p + BANDS + 3 * band, *there = p + BANDS + 3 * ((band + 1) % 8);
      turn[i] = 30.0 * gate * (here[0] + next * (there[0] - here[0]));
      gain[i] = gain[i] * (1.0 + gate * (here[1] + next * (there[1] - here[1])));
      L[i] = L[i] + 1.6 * gate * (here[2] + next * (there[2] - here[2])) * L[i] * (1.0 - L[i]) *
                        (strength / (strength + 0.08));
    }
  }
  if (look->bands) {
    for (int32_t i = 0; i < n; i++) sine_cosine(turn[i], &sine[i], &cosine[i]);
    for (int32_t i = 0; i < n; i++) {
      double turned = a[i] * cosine[i] - b[i] * sine[i];
      b[i] = a[i] * sine[i] + b[i] * cosine[i];
      a[i] = turned;
    }
  }
  for (int32_t i = 0; i < n; i++) {
    /* vibrance: pale colours more than strong ones, and skin (Oklab hue about 55) least */
    double off = hue[i] - 55.0;
    off = off < 0.0 ? -off : off;
    off = off > 180.0 ? 360.0 - off : off;
    double skin = off < 40.0 ? smooth(1.0 - off / 40.0) : 0.0, strength = chroma[i];
    double all = gain[i] *
           (1.0 + 1.5 * p[VIBRANCE] * (1.0 - 0.7 * skin) * 0.0225 / (strength * strength + 0.0225));
    all = strength > 1e-12 ? all : 1.0;
    a[i] = a[i] * all;
    b[i] = b[i] * all;
  }
}

static void tone_split(const hb_look *look, int32_t n, const hb_row L, hb_row a, hb_row b) {
  double middle = 0.5 - 0.3 * look->p[BALANCE];
  for (int32_t i = 0; i < n; i++) {
    double t = clamp01((L[i] - middle + 0.45) / 0.9), high = smooth(t), low = 1.0 - high;
    low = low * (L[i] / (L[i] + 0.06));              /* black stays black unless a curve or fade lifts it */
    high = high * clamp01(2.5 * (1.15 - L[i])); /* white itself keeps a third of the tone */
    a[i] = a[i] + low * look->shadow_a + high * look->highlight_a;
    b[i] = b[i] + low * look->shadow_b + high * look->highlight_b;
  }
}

static void gamut_draw_in(int32_t n, const hb_row L, hb_row a, hb_row b, const hb_row was) {
  hb_row chroma, hue;
  for (int32_t i = 0; i < n; i++) chroma[i] = square_root(a[i] * a[i] + b[i] * b[i]);
  for (int32_t i = 0; i < n; i++) hue[i] = hue_degrees(a[i], b[i]);
  for (int32_t i = 0; i < n; i++) {
    if (!(chroma[i] > 1e-12)) continue;
    double reach = gamut_reach(clamp01(L[i]), hue[i]), factor = 0.0;
    if (reach > 1e-9) factor = compressed(chroma[i] / reach, was[i]) / (chroma[i] / reach);
    if (factor < 1.0) {
      a[i] = a[i] * factor;
      b[i] = b[i] * factor;
    }
  }
}

static void colour_adjust(const hb_look *look, int32_t n, hb_row rgb[3]) {
  hb_row L, a, b, was;
  for (int c = 0; c < 3; c++)
    for (int32_t i = 0; i < n; i++) rgb[c][i] = to_linear(rgb[c][i]);
  for (int32_t i = 0; i < n; i++) {
    hb_oklab lab = oklab_from_linear(rgb[0][i], rgb[1][i], rgb[2][i]);
    L[i] = lab.L;
    a[i] = lab.a;
    b[i] = lab.b;
  }
  bands_adjust(look, n, L, a, b, was);
  if (look->toned) tone_split(look, n, L, a, b);
  gamut_draw_in(n, L, a, b, was);
  for (int32_t i = 0; i < n; i++) {
    double out[3];
    linear_from_oklab((hb_oklab){L[i], a[i], b[i]}, out);
    for (int c = 0; c < 3; c++) rgb[c][i] = out[c];
  }
  for (int c = 0; c < 3; c++)
    for (int32_t i = 0; i < n; i++) rgb[c][i] = to_encoded(clamp01(rgb[c][i]));
}

/* `toned` is what `tone` makes of the colours that come in. */
static void look_colour(const hb_look *look, int32_t n, hb_row rgb[3], hb_row toned[3]) {
  const double *p = look->p;
  if (p[MONO] != 0.0) {
    for (int32_t i = 0; i < n; i++) {
      double grey = clamp01(p[MIX] * rgb[0][i] + p[MIX + 1] * rgb[1][i] + p[MIX + 2] * rgb[2][i]);
      rgb[0][i] = rgb[1][i] = rgb[2][i] = tone(p, &look->curve[0], grey);
    }
  } else {
    for (int32_t i = 0; i < n; i++) {
      double low = rgb[0][i], high = low, toned_low = toned[0][i], toned_high = toned_low;
      for (int c = 1; c < 3; c++) {
        double value = rgb[c][i];
        toned_low = value < low ? toned[c][i] : toned_low;
        toned_high = value > high ? toned[c][i] : toned_high;
        low = value < low ? value : low;
        high = value > high ? value : high;
      }
      double scale = (toned_high - toned_low) / (high - low);
      scale = high > low ? scale : 0.0;
      for (int c = 0; c < 3; c++) rgb[c][i] = toned_low + scale * (rgb[c][i] - low);
    }
  }
  for (int c = 0; c < 3; c++)
    for (int32_t i = 0; i < n; i++) rgb[c][i] = clamp01(curve_at(&look->curve[1 + c], rgb[c][i]));
  if (look->colour) colour_adjust(look, n, rgb);
}

static int between(double value, double low, double high) {
  return value >= low && value <= high; /* false for NaN */
}

static int parameters_fit(const double *p) {
  int fit = between(p[EXPOSURE], -8.0, 8.0) && between(p[BALANCE], -1.0, 1.0);
  for (int32_t i = TEMPERATURE; i < SHADOW_HUE; i++) fit &= between(p[i], -1.0, 1.0);
  for (int32_t i = SHADOW_HUE; i < BALANCE; i += 2)
    fit &= between(p[i], 0.0, 360.0) && between(p[i + 1], 0.0, 1.0);
  for (int32_t i = MONO; i < CURVES; i++) fit &= between(p[i], -2.0, 2.0);
  return fit;
}

int32_t hb_look_lut(const double *params, int32_t count, int32_t n, int16_t *lut) {
  if (count != HB_LOOK_PARAMETERS || n < 2 || n > 65 || !parameters_fit(params)) return HB_BAD_ARGUMENT;
  hb_look look;
  look.p = params;
  look.bands = 0;
  for (int i = 0; i < 4; i++)
    if (!curve_prepare(&look.curve[i], params + CURVES + i * CURVE_STRIDE)) return HB_BAD_ARGUMENT;
  for (int i = BANDS; i < SHADOW_HUE; i++) look.bands |= params[i] != 0.0;
  look.toned = params[SHADOW_AMOUNT] != 0.0 || params[HIGHLIGHT_AMOUNT] != 0.0;
  look.colour = look.bands || look.toned || params[SATURATION] != 0.0 || params[VIBRANCE] != 0.0;
  double sine, cosine;
  sine_cosine(params[SHADOW_HUE], &sine, &cosine);
  look.shadow_a = TONING * params[SHADOW_AMOUNT] * cosine;
  look.shadow_b = TONING * params[SHADOW_AMOUNT] * sine;
  sine_cosine(params[HIGHLIGHT_HUE], &sine, &cosine);
  look.highlight_a = TONING * params[HIGHLIGHT_AMOUNT] * cosine;
  look.highlight_b = TONING * params[HIGHLIGHT_AMOUNT] * sine;

  /* Gains in stops for temperature and tint: a third of temperature is the way from D65 to D50 (log2 of the
   * D50 white in linear sRGB), tint is the perpendicular from green to magenta; neither changes luminance much. */
  static const double WARM[3] = {0.702, -0.105, -1.413}, MAGENTA[3] = {0.48, -0.195, 0.48};
  hb_row axis[3], toned[3];
  for (int c = 0; c < 3; c++) {
    double gain = power_of_two(params[EXPOSURE] + params[TEMPERATURE] * WARM[c] + params[TINT] * MAGENTA[c]);
    for (int32_t i = 0; i < n; i++) {
      double v = (double)i / (double)(n - 1);
      if (gain != 1.0) {
        double x = to_linear(v);
        v = clamp01(to_encoded(gain * x / (1.0 + (gain - 1.0) * x)));
      }
      axis[c][i] = v;
      toned[c][i] = tone(params, &look.curve[0], v);
    }
  }
  for (int32_t b = 0; b < n; b++)
    for (int32_t g = 0; g < n; g++) {
      hb_row rgb[3], row_toned[3];
      const int32_t at[3] = {0, g, b};
      for (int c = 0; c < 3; c++)
        for (int32_t i = 0; i < n; i++) {
          rgb[c][i] = axis[c][c ? at[c] : i];
          row_toned[c][i] = toned[c][c ? at[c] : i];
        }
      look_colour(&look, n, rgb, row_toned);
      for (int32_t i = 0; i < n; i++) {
        for (int c = 0; c < 3; c++) *lut++ = (int16_t)(clamp01(rgb[c][i]) * 32640.0 + 0.5);
        *lut++ = 0;
      }
    }
  return HB_OK;
}
