/* Tetrahedral interpolation in a three-dimensional colour table.
 *
 * A cell of the grid is cut into six tetrahedra along its grey diagonal (Sakamoto and Itooka, US patent
 * 4,275,413, 1981; now the field's standard). With the three fractions sorted, high >= middle >= low, the
 * value is
 *     (1 - high) v0 + (high - middle) v1 + (middle - low) v2 + low v3
 * where v0 is the cell's low corner, and each next vertex steps along the axis of the next fraction. Equal
 * fractions need no rule: the vertex they disagree on has weight zero.
 *
 * Fixed point: a byte v becomes x = v / 255 in 24 bits, 65793 v + (v >> 7), which is exact to a unit and
 * reaches 2^24 at 255. The table has 2^k cells a side, so x's upper bits are the cell and the rest the
 * fraction, rounded to 14 bits: the four weights sum to 16384. Nodes are 0 to 32640 = 255 * 128, so weights
 * and nodes are both 16-bit, products sum in 32 bits, and one rounding shift by 21 gives the byte. The
 * identity table is exactly the identity.
 */
#include "homebody.h"

#define ONE 16384 /* the sum of the weights */

typedef struct {
  int32_t cell[256];     /* 0 .. 2^k - 1 */
  int32_t fraction[256]; /* 0 .. ONE */
} split_table;

/* k of a grid of 2^k + 1 nodes a side that is supported, or 0. */
static int cell_bits(int32_t size) { return size == 17 ? 4 : size == 33 ? 5 : size == 65 ? 6 : 0; }

static void fill_split(split_table *table, int bits) {
  for (int32_t v = 0; v < 256; v++) {
    int32_t x = v * 65793 + (v >> 7), shift = 24 - bits;
    int32_t cell = hb_min(x >> shift, (1 << bits) - 1);
    table->cell[v] = cell;
    table->fraction[v] = (x - (cell << shift) + (1 << (shift - 15))) >> (shift - 14);
  }
}

static void apply_scalar(const uint8_t *pixels, size_t count, size_t channels, const int16_t *lut, int32_t size,
                         uint8_t *out) {
  split_table split;
  fill_split(&split, cell_bits(size));
  const int32_t red = 1, green = size, blue = size * size, diagonal = red + green + blue;
  for (size_t i = 0; i < count; i++, pixels += channels, out += channels) {
    int32_t r = pixels[0], g = pixels[1], b = pixels[2];
    /* Fraction above, the axis's stride below: sorting the keys sorts both. A stride is under 2^13. */
    int32_t kr = split.fraction[r] << 13 | red, kg = split.fraction[g] << 13 | green,
            kb = split.fraction[b] << 13 | blue;
    int32_t upper = hb_max(kr, kg), lower = hb_min(kr, kg);
    int32_t high = hb_max(upper, kb), rest = hb_min(upper, kb);
    int32_t middle = hb_max(rest, lower), low = hb_min(rest, lower);
    const int16_t *v0 =
        lut + (size_t)(split.cell[r] + split.cell[g] * green + split.cell[b] * blue) * 4;
    const int16_t *v1 = v0 + (size_t)(high & 8191) * 4, *v2 = v1 + (size_t)(middle & 8191) * 4,
                  *v3 = v0 + (size_t)diagonal * 4;
    int32_t w0 = ONE - (high >> 13), w1 = (high >> 13) - (middle >> 13), w2 = (middle >> 13) - (low >> 13),
            w3 = low >> 13;
    for (int c = 0; c < 3; c++) {
      int32_t sum = v0[c] * w0 + v1[c] * w1 + v2[c] * w2 + v3[c] * w3;
      out[c] = (uint8_t)((sum + (1 << 20)) >> 21);
    }
    if (channels == 4) out[3] = pixels[3];
  }
}

int32_t hb_lut_apply_scalar(const uint8_t *pixels, uint32_t count, int32_t channels, const int16_t *lut,
                            int32_t size, uint8_t *out) {
  if (cell_bits(size) == 0 || (channels != 3 && channels != 4)) return HB_BAD_ARGUMENT;
  apply_scalar(pixels, count, (size_t)channels, lut, size, out);
  return HB_OK;
}

int32_t hb_lut_apply(const uint8_t *pixels, uint32_t count, int32_t channels, const int16_t *lut, int32_t size,
                     uint8_t *out) {
  return hb_lut_apply_scalar(pixels, count, channels, lut, size, out);
}
