/* The blocks of progressive scans (T.81, annex G): a band of coefficients, or one more bit of it. */
#include "jpeg.h"

int32_t jpeg_check_progression(jpeg *j) {
  int32_t ends_well = j->first == 0 ? j->last == 0 : j->last >= j->first && j->last < 64 && j->in_scan == 1;
  if (!ends_well || (j->high != 0 && j->low != j->high - 1) || j->low > 13) return HB_BROKEN;
  for (int32_t i = 0; i < j->in_scan; i++)
    for (int32_t k = j->first; k <= j->last; k++) j->component[j->scan[i]].known[k] = (uint8_t)(j->low + 1);
  return HB_OK;
}

static int32_t dc_first(jpeg *j, int32_t component, int16_t *block) {
  jpeg_component *c = &j->component[component];
  jpeg_bits b = jpeg_need(j->bits);
  int32_t size = jpeg_symbol(&b, j->dc[component]);
  if (size > 0 && __builtin_add_overflow(c->last_dc, jpeg_signed(jpeg_take(&b, size), size), &c->last_dc))
    return HB_BROKEN;
  block[0] = (int16_t)((uint32_t)c->last_dc << j->low);
  j->bits = b;
  return HB_OK;
}

static void dc_refine(jpeg *j, int16_t *block) {
  jpeg_bits b = jpeg_need(j->bits);
  if (jpeg_take(&b, 1)) block[0] = (int16_t)(block[0] | 1 << j->low);
  j->bits = b;
}

/* How many blocks more have nothing in the band, this one included. */
static uint32_t band_run(jpeg_bits *b, int32_t run) {
  return (1u << run) + (run > 0 ? (uint32_t)jpeg_take(b, run) : 0);
}

static void ac_first(jpeg *j, const jpeg_huffman *h, int16_t *block) {
  if (j->end_of_band > 0) {
    j->end_of_band--;
    return;
  }
  jpeg_bits b = j->bits;
  for (int32_t k = j->first; k <= j->last; k++) {
    b = jpeg_need(b);
    int32_t symbol = jpeg_symbol(&b, h), run = symbol >> 4, size = symbol & 15;
    if (size > 0) {
      k += run;
      block[jpeg_zigzag[k]] = (int16_t)((uint32_t)jpeg_signed(jpeg_take(&b, size), size) << j->low);
    } else if (run == 15) {
      k += 15;
    } else {
      j->end_of_band = band_run(&b, run) - 1;
      break;
    }
  }
  j->bits = b;
}

/* One more bit of a coefficient that is not zero. */
static void refine(jpeg_bits *b, int16_t *coefficient, int32_t bit) {
  if (jpeg_take(b, 1) && (*coefficient & bit) == 0)
    *coefficient = (int16_t)(*coefficient + (*coefficient >= 0 ? bit : -bit));
}

static void ac_refine(jpeg *j, const jpeg_huffman *h, int16_t *block) {
  jpeg_bits b = j->bits;
  int32_t k = j->first, bit = 1 << j->low;
  if (j->end_of_band == 0) {
    for (; k <= j->last; k++) {
      b = jpeg_need(b);
      int32_t symbol = jpeg_symbol(&b, h), run = symbol >> 4, value = 0;
      if ((symbol & 15) != 0) {
        value = jpeg_take(&b, 1) ? bit : -bit;
      } else if (run != 15) {
        j->end_of_band = band_run(&b, run);
        break;
      }
      /* Past `run` zeros, and whatever is known already on the way. */
      for (; k <= j->last; k++) {
        int16_t *coefficient = &block[jpeg_zigzag[k]];
        if (*coefficient == 0 && run-- == 0) break;
        if (*coefficient != 0) b = jpeg_need(b), refine(&b, coefficient, bit);
      }
      if (value != 0) block[jpeg_zigzag[k]] = (int16_t)value;
    }
  }
  if (j->end_of_band > 0) {
    for (; k <= j->last; k++) {
      int16_t *coefficient = &block[jpeg_zigzag[k]];
      if (*coefficient != 0) b = jpeg_need(b), refine(&b, coefficient, bit);
    }
    j->end_of_band--;
  }
  j->bits = b;
}

int32_t jpeg_progressive_block(jpeg *j, int32_t component, int16_t *block) {
  if (j->first == 0) {
    if (j->high == 0) return dc_first(j, component, block);
    dc_refine(j, block);
  } else if (j->high == 0) {
    ac_first(j, j->ac[component], block);
  } else {
    ac_refine(j, j->ac[component], block);
  }
  return HB_OK;
}
