/* The JPEG decoder's own header: what its files share. ITU-T T.81 is the standard; its clauses are named
 * where a rule is theirs. Where T.81 leaves a choice (the transform's rounding, upsampling, what follows
 * from damaged data), the choice is libjpeg-turbo's, so that the pixels are those of nearly every program.
 */
#ifndef HOMEBODY_JPEG_H
#define HOMEBODY_JPEG_H

#include "homebody.h"

#define JPEG_MAX_SIDE 65500
#define JPEG_MAX_SCANS 512
#define JPEG_MAX_BLOCKS 10 /* in an interleaved unit: T.81, B.2.3 */
#define JPEG_LOOKAHEAD 9   /* bits that are looked up at once */

/* ---- bits of the entropy-coded data ---- */

/* A marker or the end of the data stops the reader; zeros follow, as many as are asked for. */
typedef struct {
  const uint8_t *at, *end;
  uint64_t bits;   /* the next bits, from the top */
  int32_t count;   /* how many there are, zeros included */
  int32_t zeros;   /* how many of them were made up */
  uint8_t marker;  /* what stopped the reader, or 0 */
  uint8_t starved; /* made-up bits were used: what is left of the segment stays zero */
} jpeg_bits;

/* A Huffman table, ready to decode (T.81, annex F.2.2.3). */
typedef struct {
  uint16_t quick[1 << JPEG_LOOKAHEAD]; /* length << 8 | symbol of a code that fits, or 0 */
  /* For AC codes whose value fits beside: value << 8 | run << 4 | length of both, or 0. */
  int16_t whole[1 << JPEG_LOOKAHEAD];
  int32_t last[18];                    /* largest code of each length, or -1 */
  int32_t offset[17];                  /* a code plus this is its symbol's place */
  uint8_t symbols[256];
} jpeg_huffman;

/* ---- the picture ---- */

typedef struct {
  uint8_t id, h, v, quantizer; /* from the frame header */
  uint8_t dc, ac;              /* tables of the current scan */
  uint8_t latched;             /* the quantizer is copied when the component's first scan begins */
  uint8_t known[64];           /* progressive: 1 + the lowest bit that is known of each coefficient, or 0 */
  uint16_t quant[64];          /* in rows, not in zigzag order */
  int32_t size;                /* samples that a block becomes, each way: 8, 4, 2 or 1 */
  int32_t columns, rows;       /* blocks that hold picture */
  int32_t wide, high;          /* blocks with those that complete a unit */
  int32_t width, height;       /* samples that hold picture */
  int32_t across, down;        /* pixels that a sample is spread over */
  int32_t last_dc;
  int16_t *coefficients;       /* all blocks, where there is more than one scan */
  uint8_t *samples;            /* three rows of units in turn */
  uint8_t *line;               /* one row of samples, spread */
  int32_t stride, ring;        /* bytes a row; rows */
} jpeg_component;

typedef struct {
  const uint8_t *end;
  jpeg_bits bits;              /* where reading is, between scans too */

  const uint8_t *tables[8];    /* where each Huffman table stands, most in the data: DC 0-3, AC 0-3 */
  uint16_t quantizers[4][64];
  uint8_t has_quantizer[4];
  uint8_t framed, progressive, jfif, adobe, adobe_transform, rgb;
  int32_t restart_interval;

  int32_t width, height, scale; /* of the whole picture; what it is divided by */
  int32_t out_width, out_height;
  int32_t count, max_h, max_v;
  int32_t units_across, units_down;
  jpeg_component component[3];

  /* the current scan */
  int32_t scans;
  int32_t in_scan;
  uint8_t scan[4];             /* places in `component` */
  uint8_t first, last, high, low;
  int32_t restarts_left, next_restart;
  uint32_t end_of_band;
  jpeg_huffman *dc[3], *ac[3]; /* of component[i] */

  int32_t buffered;            /* all scans were read before the first row is made */
  int32_t units_done, rows_done;
} jpeg;

/* ---- jpeg_markers.c ---- */

#define JPEG_SCAN 1 /* a scan's header was read; its data follow */
#define JPEG_END 2
#define JPEG_SHORT (-99) /* the data end; HB_BROKEN outside, but for what follows the last row */

/* Starts at the head of `data`. */
int32_t jpeg_open(jpeg *j, const uint8_t *data, size_t length);
/* Reads markers up to the next scan (JPEG_SCAN), the end (JPEG_END) or a refusal. */
int32_t jpeg_read_markers(jpeg *j);
/* At a restart: the expected marker, or the way out that libjpeg takes. */
int32_t jpeg_read_restart(jpeg *j);

/* ---- jpeg_huffman.c, jpeg_progressive.c: a scan's data to coefficients ---- */

int32_t jpeg_huffman_table(const uint8_t *table, int is_dc, jpeg_huffman *h);
jpeg_bits jpeg_fill_bytewise(jpeg_bits b);
/* Tables and predictions for the scan whose header was read. */
int32_t jpeg_begin_scan(jpeg *j);
/* Before each unit: a restart where one is due. */
int32_t jpeg_begin_unit(jpeg *j);
/* After each unit: whether its bits were there. */
int32_t jpeg_end_unit(jpeg *j);
int32_t jpeg_sequential_block(jpeg *j, int32_t component, int32_t keep_ac, int16_t *block);
/* Whether a scan's band and bits are possible; keeps account of them. */
int32_t jpeg_check_progression(jpeg *j);
int32_t jpeg_progressive_block(jpeg *j, int32_t component, int16_t *block);
extern const uint8_t jpeg_zigzag[80];

/* ---- jpeg_tables.c: as DHT and DQT hold them ---- */

extern const uint8_t jpeg_standard_quantizers[2][64];
extern const uint8_t jpeg_standard_dc[2][28];
extern const uint8_t jpeg_standard_ac[2][178];

/* ---- jpeg_idct.c: a block's coefficients to samples ---- */

void jpeg_idct(const int16_t *block, const uint16_t *quant, int32_t size, uint8_t *out, int32_t stride);

/* ---- jpeg_colour.c: samples to a row of pixels ---- */

void jpeg_pixel_row(jpeg *j, int32_t row, uint8_t *rgb);

static inline uint64_t jpeg_big_endian(uint64_t bytes) {
  return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? bytes : __builtin_bswap64(bytes);
}

/* The next 32 bits or more. Bits are handed on by value so that they stay in registers. */
static inline jpeg_bits jpeg_need(jpeg_bits b) {
  if (b.count >= 32) return b;
  uint64_t bytes;
  if (b.marker == 0 && b.end - b.at >= 8) {
    __builtin_memcpy(&bytes, b.at, 8);
    uint64_t inverse = ~bytes; /* a byte of it is 0 where 0xFF was */
    if (((inverse - 0x0101010101010101u) & bytes & 0x8080808080808080u) == 0) {
      /* Bits past the bytes that are counted are set too: as they will be when those are. */
      int32_t taken = (64 - b.count) >> 3;
      b.bits |= jpeg_big_endian(bytes) >> b.count;
      b.at += taken;
      b.count += 8 * taken;
      return b;
    }
  }
  return jpeg_fill_bytewise(b);
}

static inline uint32_t jpeg_peek(jpeg_bits b, int32_t count) { return (uint32_t)(b.bits >> (64 - count)); }

static inline void jpeg_drop(jpeg_bits *b, int32_t count) {
  b->bits <<= count;
  b->count -= count;
}

/* `count` bits, 1 to 16, that are there. */
static inline int32_t jpeg_take(jpeg_bits *b, int32_t count) {
  uint32_t value = jpeg_peek(*b, count);
  jpeg_drop(b, count);
  return (int32_t)value;
}

/* The next symbol, of up to 17 bits that are there; 0 for a code that is none. */
static inline int32_t jpeg_symbol(jpeg_bits *b, const jpeg_huffman *h) {
  int32_t quick = h->quick[jpeg_peek(*b, JPEG_LOOKAHEAD)], length = JPEG_LOOKAHEAD + 1;
  if (quick != 0) {
    jpeg_drop(b, quick >> 8);
    return quick & 255;
  }
  while ((int32_t)jpeg_peek(*b, length) > h->last[length]) length++;
  int32_t code = jpeg_take(b, length);
  return length > 16 ? 0 : h->symbols[(code + h->offset[length]) & 255];
}

/* T.81, F.2.2.1: `count` bits, 1 to 15, as a signed value. */
static inline int32_t jpeg_signed(int32_t value, int32_t count) {
  return value < 1 << (count - 1) ? value - (1 << count) + 1 : value;
}

static inline int32_t jpeg_round_up(int64_t value, int64_t by) { return (int32_t)((value + by - 1) / by); }

#endif
