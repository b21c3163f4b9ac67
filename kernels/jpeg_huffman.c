/* Huffman tables, and the blocks of sequential scans (T.81, annexes C and F). */
#include "jpeg.h"

/* Zigzag order to rows. Damaged data can run past the 64th place: they land in the last one. */
const uint8_t jpeg_zigzag[80] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,
    6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31,
    39, 46, 53, 60, 61, 54, 47, 55, 62, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63};

jpeg_bits jpeg_fill_bytewise(jpeg_bits b) {
  while (b.count <= 56) {
    uint64_t byte = 0;
    if (b.marker == 0 && b.at < b.end && (byte = *b.at++) == 0xFF) {
      while (b.at < b.end && *b.at == 0xFF) b.at++; /* so many as one like may precede it */
      if (b.at < b.end && *b.at == 0) {             /* 0xFF 0 is a byte of data */
        b.at++;
      } else {
        byte = 0;
        if (b.at < b.end) b.marker = *b.at++;
        b.zeros += 8;
      }
    } else if (b.marker != 0 || b.at == b.end) {
      b.zeros += 8;
    }
    b.bits |= byte << (56 - b.count);
    b.count += 8;
  }
  return b;
}

int32_t jpeg_huffman_table(const uint8_t *table, int is_dc, jpeg_huffman *h) {
  const uint8_t *symbols = table + 16;
  int32_t place = 0, code = 0;
  for (int i = 0; i < 1 << JPEG_LOOKAHEAD; i++) h->quick[i] = 0, h->whole[i] = 0;
  for (int i = 0; i < 256; i++) h->symbols[i] = 0;
  for (int length = 1; length <= 16; length++, code <<= 1) {
    int32_t count = table[length - 1];
    h->offset[length] = place - code;
    h->last[length] = count > 0 ? code + count - 1 : -1;
    if (count > 0 && code + count >= 1 << length) return HB_BROKEN; /* no code is all ones */
    for (int32_t i = 0; i < count; i++, place++, code++) {
      uint8_t symbol = h->symbols[place] = symbols[place];
      int32_t extra = symbol & 15;
      if (is_dc && symbol > 15) return HB_BROKEN;
      if (length > JPEG_LOOKAHEAD) continue;
      int32_t spare = JPEG_LOOKAHEAD - length;
      for (int32_t tail = 0; tail < 1 << spare; tail++) {
        int32_t index = code << spare | tail;
        h->quick[index] = (uint16_t)(length << 8 | symbol);
        if (extra == 0 || extra > spare) continue;
        int32_t value = jpeg_signed(tail >> (spare - extra), extra);
        h->whole[index] = (int16_t)(value * 256 + (symbol & 0xF0) + length + extra);
      }
    }
  }
  h->last[17] = INT32_MAX;
  return HB_OK;
}

int32_t jpeg_begin_scan(jpeg *j) {
  int32_t blocks = 0;
  for (int32_t i = 0; i < j->in_scan; i++) {
    int32_t which = j->scan[i], status = HB_OK;
    jpeg_component *c = &j->component[which];
    blocks += c->h * c->v;
    c->last_dc = 0;
    if (!c->latched) {
      if (c->quantizer > 3 || !j->has_quantizer[c->quantizer]) return HB_BROKEN;
      for (int k = 0; k < 64; k++) c->quant[k] = j->quantizers[c->quantizer][k];
      c->latched = 1;
    }
    int needs_dc = !j->progressive || (j->first == 0 && j->high == 0), needs_ac = !j->progressive || j->first > 0;
    if ((needs_dc && (c->dc > 3 || !j->tables[c->dc])) || (needs_ac && (c->ac > 3 || !j->tables[4 + c->ac])))
      return HB_BROKEN;
    if (needs_dc) status = jpeg_huffman_table(j->tables[c->dc], 1, j->dc[which]);
    if (status == HB_OK && needs_ac) status = jpeg_huffman_table(j->tables[4 + c->ac], 0, j->ac[which]);
    if (status != HB_OK) return status;
  }
  if (j->in_scan > 1 && blocks > JPEG_MAX_BLOCKS) return HB_BROKEN;
  j->bits.bits = 0;
  j->bits.count = j->bits.zeros = 0;
  j->bits.marker = j->bits.starved = 0;
  j->restarts_left = j->restart_interval;
  j->end_of_band = 0;
  return HB_OK;
}

int32_t jpeg_begin_unit(jpeg *j) {
  if (j->restart_interval == 0 || j->restarts_left-- > 0) return HB_OK;
  j->restarts_left = j->restart_interval - 1;
  j->end_of_band = 0;
  for (int32_t i = 0; i < j->count; i++) j->component[i].last_dc = 0;
  j->bits.bits = 0;
  j->bits.count = j->bits.zeros = 0;
  int32_t status = jpeg_read_restart(j);
  if (j->bits.marker == 0) j->bits.starved = 0;
  return status;
}

int32_t jpeg_end_unit(jpeg *j) {
  if (j->bits.count >= j->bits.zeros) return HB_OK;
  j->bits.starved = 1;
  return j->bits.marker != 0 ? HB_OK : JPEG_SHORT;
}

int32_t jpeg_sequential_block(jpeg *j, int32_t component, int32_t keep_ac, int16_t *block) {
  jpeg_bits b = j->bits;
  const jpeg_huffman *h = j->ac[component];
  jpeg_component *c = &j->component[component];
  b = jpeg_need(b);
  int32_t size = jpeg_symbol(&b, j->dc[component]);
  if (size > 0 && __builtin_add_overflow(c->last_dc, jpeg_signed(jpeg_take(&b, size), size), &c->last_dc))
    return HB_BROKEN;
  block[0] = (int16_t)c->last_dc;
  for (int32_t k = 1; k < 64; k++) {
    b = jpeg_need(b);
    int32_t whole = h->whole[jpeg_peek(b, JPEG_LOOKAHEAD)];
    if (whole != 0) {
      jpeg_drop(&b, whole & 15);
      k += whole >> 4 & 15;
      if (keep_ac) block[jpeg_zigzag[k]] = (int16_t)(whole >> 8);
      continue;
    }
    int32_t symbol = jpeg_symbol(&b, h), run = symbol >> 4;
    size = symbol & 15;
    if (size == 0) {
      if (run != 15) break;
      k += 15;
    } else {
      k += run;
      int32_t value = jpeg_signed(jpeg_take(&b, size), size);
      if (keep_ac) block[jpeg_zigzag[k]] = (int16_t)value;
    }
  }
  j->bits = b;
  return HB_OK;
}
