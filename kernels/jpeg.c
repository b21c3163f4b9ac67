/* JPEG files to rows of pixels. jpeg_markers.c reads what stands between the data, jpeg_huffman.c and
 * jpeg_progressive.c the data, jpeg_idct.c and jpeg_colour.c make pixels of them.
 *
 * A file with one scan is decoded a row of units at a time, so its working memory is a few rows. One with
 * more (progressive files, or a component a scan) has all coefficients in memory before the first row.
 */
#include "jpeg.h"

/* The samples that a component has at this scale, and how far each is spread. */
static int32_t plan_component(const jpeg *j, jpeg_component *c) {
  int32_t least = 8 / j->scale;
  /* Colour with fewer samples is scaled less instead of being spread afterwards, where that comes out even. */
  c->size = least;
  while (c->size < 8 && (j->max_h * least) % (c->h * c->size * 2) == 0 &&
         (j->max_v * least) % (c->v * c->size * 2) == 0)
    c->size *= 2;
  if ((j->max_h * least) % (c->h * c->size) != 0 || (j->max_v * least) % (c->v * c->size) != 0)
    return HB_UNSUPPORTED;
  c->across = j->max_h * least / (c->h * c->size);
  c->down = j->max_v * least / (c->v * c->size);
  c->columns = jpeg_round_up((int64_t)j->width * c->h, 8 * j->max_h);
  c->rows = jpeg_round_up((int64_t)j->height * c->v, 8 * j->max_v);
  c->wide = j->units_across * c->h;
  c->high = j->units_down * c->v;
  c->width = jpeg_round_up((int64_t)j->width * c->h * c->size, 8 * j->max_h);
  c->height = jpeg_round_up((int64_t)j->height * c->v * c->size, 8 * j->max_v);
  c->stride = (c->wide * c->size + 15) & ~15;
  c->ring = 3 * c->v * c->size;
  return HB_OK;
}

static int32_t plan(jpeg *j, int32_t scale) {
  j->scale = scale;
  j->out_width = jpeg_round_up(j->width, scale);
  j->out_height = jpeg_round_up(j->height, scale);
  j->units_across = jpeg_round_up(j->width, 8 * j->max_h);
  j->units_down = jpeg_round_up(j->height, 8 * j->max_v);
  j->buffered = j->progressive || j->in_scan < j->count;
  for (int32_t i = 0; i < j->count; i++) {
    int32_t status = plan_component(j, &j->component[i]);
    if (status != HB_OK) return status;
  }
  return HB_OK;
}

/* At 1/8 only a block's mean is shown, and nothing else is kept. */
static int32_t kept(const jpeg_component *c) { return c->size == 1 ? 1 : 64; }

static void *part(uint8_t *memory, uint64_t *used, uint64_t bytes) {
  void *at = memory == NULL ? NULL : memory + *used;
  *used += (bytes + 15) & ~(uint64_t)15;
  return at;
}

/* Bytes that follow the state in working memory; with `memory`, also what lies where. */
static uint64_t lay_out(jpeg *j, uint8_t *memory) {
  uint64_t used = 0;
  for (int32_t i = 0; i < j->count; i++) {
    jpeg_component *c = &j->component[i];
    j->dc[i] = part(memory, &used, sizeof(jpeg_huffman));
    j->ac[i] = part(memory, &used, sizeof(jpeg_huffman));
    c->samples = part(memory, &used, (uint64_t)c->stride * (uint64_t)c->ring);
    c->line = part(memory, &used, (uint64_t)c->width * (uint64_t)c->across);
    c->coefficients = NULL;
    if (j->buffered)
      c->coefficients = part(memory, &used, (uint64_t)c->wide * (uint64_t)c->high * (uint64_t)kept(c) * 2);
  }
  return used;
}

#define STATE_BYTES ((sizeof(jpeg) + 15) & ~(size_t)15)

static jpeg *state_in(uint32_t *scratch) { return (jpeg *)(((uintptr_t)scratch + 15) & ~(uintptr_t)15); }

static uint64_t words_for(jpeg *j) { return (15 + STATE_BYTES + lay_out(j, NULL) + 3) / 4; }

static int is_scale(int32_t scale) { return scale == 1 || scale == 2 || scale == 4 || scale == 8; }

uint32_t hb_jpeg_scratch(const uint8_t *data, size_t length, int32_t scale) {
  jpeg j;
  if (!is_scale(scale) || jpeg_open(&j, data, length) != HB_OK || plan(&j, scale) != HB_OK) return 0;
  uint64_t words = words_for(&j);
  return words > UINT32_MAX ? 0 : (uint32_t)words;
}

/* ---- all scans before the first row ---- */

static int16_t *block_at(const jpeg_component *c, int32_t row, int32_t column) {
  return c->coefficients + ((size_t)row * (size_t)c->wide + (size_t)column) * (size_t)kept(c);
}

static int32_t read_block(jpeg *j, int32_t which, int32_t row, int32_t column) {
  jpeg_component *c = &j->component[which];
  int16_t *block = block_at(c, row, column);
  return j->progressive ? jpeg_progressive_block(j, which, block)
                        : jpeg_sequential_block(j, which, c->size > 1, block);
}

/* The blocks of an interleaved unit (T.81, A.2.3). */
static int32_t read_unit(jpeg *j, int32_t row, int32_t column) {
  for (int32_t i = 0; i < j->in_scan; i++) {
    const jpeg_component *c = &j->component[j->scan[i]];
    for (int32_t k = 0; k < c->h * c->v; k++) {
      int32_t status = read_block(j, j->scan[i], row * c->v + k / c->h, column * c->h + k % c->h);
      if (status != HB_OK) return status;
    }
  }
  return HB_OK;
}

static int32_t buffer_scan(jpeg *j) {
  const jpeg_component *c = &j->component[j->scan[0]];
  int alone = j->in_scan == 1;
  if (j->progressive) {
    int32_t status = jpeg_check_progression(j);
    if (status != HB_OK || (alone && j->first > 0 && c->size == 1)) return status;
  }
  int32_t rows = alone ? c->rows : j->units_down, columns = alone ? c->columns : j->units_across;
  for (int32_t row = 0; row < rows; row++)
    for (int32_t column = 0; column < columns; column++) {
      int32_t status = jpeg_begin_unit(j);
      if (status != HB_OK) return status;
      if (j->bits.starved) {
        if (j->restart_interval == 0) return HB_OK; /* nothing more can follow */
        continue;
      }
      status = alone ? read_block(j, j->scan[0], row, column) : read_unit(j, row, column);
      if (status == HB_OK) status = jpeg_end_unit(j);
      if (status != HB_OK) return status;
    }
  return HB_OK;
}

/* libjpeg smooths a progressive picture whose first coefficients are not all known to their last bit. */
static int would_be_smoothed(const jpeg *j) {
  int partly = 0;
  for (int32_t i = 0; i < j->count; i++) {
    const jpeg_component *c = &j->component[i];
    if (c->known[0] == 0) return 0;
    for (int k = 0; k < 10; k++) {
      int place = jpeg_zigzag[k];
      if (c->quant[place] == 0) return 0;
      if (k > 0 && c->known[k] != 1) partly = 1;
    }
  }
  return partly;
}

static int32_t buffer_all(jpeg *j) {
  for (int32_t i = 0; i < j->count; i++) {
    jpeg_component *c = &j->component[i];
    size_t count = (size_t)c->wide * (size_t)c->high * (size_t)kept(c);
    for (size_t k = 0; k < count; k++) c->coefficients[k] = 0;
  }
  for (;;) {
    int32_t status = jpeg_begin_scan(j);
    if (status == HB_OK) status = buffer_scan(j);
    if (status == HB_OK) status = jpeg_read_markers(j);
    if (status < 0) return status;
    if (status == JPEG_END) return j->progressive && would_be_smoothed(j) ? HB_UNSUPPORTED : HB_OK;
  }
}

/* ---- a row of units to samples ---- */

static uint8_t *samples_at(const jpeg_component *c, int32_t row, int32_t column) {
  return c->samples + (size_t)(row * c->size % c->ring) * (size_t)c->stride + (size_t)column * (size_t)c->size;
}

static void transform_buffered(jpeg *j, int32_t unit) {
  for (int32_t i = 0; i < j->count; i++) {
    const jpeg_component *c = &j->component[i];
    for (int32_t row = unit * c->v; row < hb_min((unit + 1) * c->v, c->rows); row++)
      for (int32_t column = 0; column < c->columns; column++)
        jpeg_idct(block_at(c, row, column), c->quant, c->size, samples_at(c, row, column), c->stride);
  }
}

static int32_t decode_block(jpeg *j, int32_t which, int32_t row, int32_t column) {
  jpeg_component *c = &j->component[which];
  int16_t block[64] = {0};
  int32_t status = HB_OK;
  if (!j->bits.starved) status = jpeg_sequential_block(j, which, c->size > 1, block);
  if (row < c->rows && column < c->columns)
    jpeg_idct(block, c->quant, c->size, samples_at(c, row, column), c->stride);
  return status;
}

static int32_t decode_units(jpeg *j, int32_t unit) {
  int alone = j->count == 1; /* then a unit is one block */
  jpeg_component *c = &j->component[0];
  int32_t columns = alone ? c->columns : j->units_across, rows = alone ? hb_min(c->v, c->rows - unit * c->v) : 1;
  for (int32_t row = 0; row < rows; row++)
    for (int32_t column = 0; column < columns; column++) {
      int32_t status = jpeg_begin_unit(j);
      if (status == HB_OK && alone) status = decode_block(j, 0, unit * c->v + row, column);
      for (int32_t i = 0; !alone && status == HB_OK && i < j->count; i++) {
        const jpeg_component *o = &j->component[j->scan[i]];
        for (int32_t k = 0; status == HB_OK && k < o->h * o->v; k++)
          status = decode_block(j, j->scan[i], unit * o->v + k / o->h, column * o->h + k % o->h);
      }
      if (status == HB_OK) status = jpeg_end_unit(j);
      if (status != HB_OK) return status;
    }
  return HB_OK;
}

/* ---- the door ---- */

static int32_t said(int32_t status) { return status == JPEG_SHORT ? HB_BROKEN : status; }

int32_t hb_jpeg_start(const uint8_t *data, size_t length, int32_t scale, int32_t size[4], uint32_t *scratch,
                      uint32_t scratch_length) {
  jpeg header;
  for (int i = 0; i < 4; i++) size[i] = 0;
  if (!is_scale(scale)) return HB_BAD_ARGUMENT;
  int32_t status = said(jpeg_open(&header, data, length));
  size[0] = header.width;
  size[1] = header.height;
  if (status == HB_OK) status = plan(&header, scale);
  if (status != HB_OK) return status;
  size[2] = header.out_width;
  size[3] = header.out_height;
  if (scratch_length < words_for(&header)) return HB_SHORT_BUFFER;
  jpeg *j = state_in(scratch);
  *j = header;
  lay_out(j, (uint8_t *)j + STATE_BYTES);
  return said(j->buffered ? buffer_all(j) : jpeg_begin_scan(j));
}

/* What follows the last row has to be well-formed as far as it goes. Without an end it will do where the
 * decoder did not need more: a marker ended the rows, or enough bytes follow them. */
static int32_t finish(jpeg *j) {
  if (j->buffered) return HB_OK;
  int enough = j->bits.marker != 0 || j->end - j->bits.at >= 8;
  int32_t status = jpeg_read_markers(j);
  return status == JPEG_END || (status == JPEG_SHORT && enough) ? HB_OK : HB_BROKEN;
}

int32_t hb_jpeg_rows(uint32_t *scratch, int32_t rows, uint8_t *rgb) {
  jpeg *j = state_in(scratch);
  if (rows < 1 || rows > j->out_height - j->rows_done) return HB_BAD_ARGUMENT;
  int32_t unit_rows = j->max_v * 8 / j->scale;
  for (int32_t i = 0; i < rows; i++, j->rows_done++, rgb += 3 * (size_t)j->out_width) {
    /* The samples below a row are needed too: one row of units is read ahead. */
    while (j->units_done < hb_min(j->rows_done / unit_rows + 2, j->units_down)) {
      if (j->buffered) {
        transform_buffered(j, j->units_done);
      } else {
        int32_t status = decode_units(j, j->units_done);
        if (status != HB_OK) return said(status);
      }
      j->units_done++;
    }
    jpeg_pixel_row(j, j->rows_done, rgb);
  }
  return j->rows_done == j->out_height ? finish(j) : HB_OK;
}
