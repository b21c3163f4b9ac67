/* Markers: what stands between the entropy-coded parts (T.81, annex B). */
#include "jpeg.h"

enum {
  SOF0 = 0xC0, SOF1 = 0xC1, SOF2 = 0xC2, SOF15 = 0xCF, DHT = 0xC4, JPG = 0xC8, DAC = 0xCC,
  RST0 = 0xD0, RST7 = 0xD7, SOI = 0xD8, EOI = 0xD9, SOS = 0xDA, DQT = 0xDB, DRI = 0xDD, DHP = 0xDE, EXP = 0xDF,
  APP0 = 0xE0, APP14 = 0xEE, APP15 = 0xEF, COM = 0xFE, TEM = 0x01
};

/* A segment's bytes, without its length, which can be said to be negative. */
typedef struct {
  const uint8_t *at;
  int32_t length;
} segment;

static int32_t word_at(const uint8_t *bytes) { return bytes[0] << 8 | bytes[1]; }

/* The next marker into bits.marker; whatever stands before it is skipped. */
static int32_t next_marker(jpeg *j) {
  const uint8_t *at = j->bits.at;
  for (;;) {
    while (at < j->end && *at != 0xFF) at++;
    while (at < j->end && *at == 0xFF) at++;
    if (at == j->end) return JPEG_SHORT;
    if (*at != 0) break;
    at++;
  }
  j->bits.marker = *at;
  j->bits.at = at + 1;
  return HB_OK;
}

static int32_t next_segment(jpeg *j, segment *s) {
  if (j->end - j->bits.at < 2) return JPEG_SHORT;
  int32_t length = word_at(j->bits.at) - 2;
  if (length > j->end - j->bits.at - 2) return JPEG_SHORT;
  *s = (segment){j->bits.at + 2, length};
  j->bits.at += 2 + hb_max(0, length);
  return HB_OK;
}

static int32_t read_frame(jpeg *j, segment s, int progressive) {
  if (j->framed || s.length < 6) return HB_BROKEN;
  if (s.at[0] != 8) return HB_UNSUPPORTED;
  j->framed = 1;
  j->progressive = (uint8_t)progressive;
  j->height = word_at(s.at + 1);
  j->width = word_at(s.at + 3);
  j->count = s.at[5];
  if (j->height < 1 || j->width < 1 || j->height > JPEG_MAX_SIDE || j->width > JPEG_MAX_SIDE) return HB_BROKEN;
  if (s.length != 6 + 3 * j->count) return HB_BROKEN;
  if (j->count == 4) return HB_UNSUPPORTED;
  if (j->count != 1 && j->count != 3) return HB_BROKEN;
  for (int32_t i = 0; i < j->count; i++) {
    const uint8_t *from = s.at + 6 + 3 * i;
    jpeg_component *c = &j->component[i];
    c->id = from[0];
    c->h = from[1] >> 4;
    c->v = from[1] & 15;
    c->quantizer = from[2];
    if (c->h < 1 || c->h > 4 || c->v < 1 || c->v > 4) return HB_BROKEN;
    j->max_h = hb_max(j->max_h, c->h);
    j->max_v = hb_max(j->max_v, c->v);
  }
  return HB_OK;
}

static int32_t read_quantizers(jpeg *j, segment s) {
  while (s.length > 0) {
    int32_t wide = s.at[0] >> 4, which = s.at[0] & 15, bytes = 1 + (wide ? 128 : 64);
    if (which > 3 || s.length < bytes) return HB_BROKEN;
    for (int i = 0; i < 64; i++)
      j->quantizers[which][jpeg_zigzag[i]] = (uint16_t)(wide ? word_at(s.at + 1 + 2 * i) : s.at[1 + i]);
    j->has_quantizer[which] = 1;
    s.at += bytes;
    s.length -= bytes;
  }
  return s.length == 0 ? HB_OK : HB_BROKEN;
}

/* Only where each table stands: it is built when a scan uses it. */
static int32_t read_huffman(jpeg *j, segment s) {
  while (s.length > 0) {
    if (s.length < 17) return HB_BROKEN;
    int32_t which = s.at[0] & 15, kind = s.at[0] >> 4, symbols = 0;
    for (int i = 1; i <= 16; i++) symbols += s.at[i];
    if (which > 3 || kind > 1 || symbols > 256 || s.length < 17 + symbols) return HB_BROKEN;
    j->tables[4 * kind + which] = s.at + 1;
    s.at += 17 + symbols;
    s.length -= 17 + symbols;
  }
  return s.length == 0 ? HB_OK : HB_BROKEN;
}

static int32_t read_scan(jpeg *j, segment s) {
  if (!j->framed || s.length < 1) return HB_BROKEN;
  int32_t count = s.at[0];
  if (count < 1 || count > 4 || s.length != 4 + 2 * count) return HB_BROKEN;
  if (++j->scans > JPEG_MAX_SCANS) return HB_UNSUPPORTED;
  uint32_t seen = 0;
  for (int32_t i = 0; i < count; i++) {
    const uint8_t *from = s.at + 1 + 2 * i;
    int32_t which = 0;
    while (which < j->count && (j->component[which].id != from[0] || seen >> which & 1)) which++;
    if (which == j->count) return HB_BROKEN;
    seen |= 1u << which;
    j->scan[i] = (uint8_t)which;
    j->component[which].dc = from[1] >> 4;
    j->component[which].ac = from[1] & 15;
  }
  const uint8_t *rest = s.at + 1 + 2 * count;
  j->in_scan = count;
  j->first = rest[0];
  j->last = rest[1];
  j->high = rest[2] >> 4;
  j->low = rest[2] & 15;
  j->next_restart = 0;
  return HB_OK;
}

/* Whether a segment of at least `length` bytes starts with five letters. */
static int starts_with(segment s, int32_t length, const char text[5]) {
  int differs = s.length < length;
  for (int i = 0; !differs && i < 5; i++) differs = s.at[i] != (uint8_t)text[i];
  return !differs;
}

static void read_application(jpeg *j, segment s, int32_t marker) {
  if (marker == APP0 && starts_with(s, 14, "JFIF")) j->jfif = 1; /* and the zero after it */
  if (marker == APP14 && starts_with(s, 12, "Adobe")) {
    j->adobe = 1;
    j->adobe_transform = s.at[11];
  }
}

/* JFIF files are YCbCr; else Adobe's marker says; else components that are called R, G and B are that. */
static int is_rgb(const jpeg *j) {
  if (j->jfif) return 0;
  if (j->adobe) return j->adobe_transform == 0;
  return j->component[0].id == 'R' && j->component[1].id == 'G' && j->component[2].id == 'B';
}

int32_t jpeg_open(jpeg *j, const uint8_t *data, size_t length) {
  *j = (jpeg){0};
  if (length < 4 || data[0] != 0xFF || data[1] != SOI) return HB_BROKEN;
  j->end = data + length;
  j->bits.at = data + 2;
  j->bits.end = j->end;
  for (int i = 0; i < 2; i++) j->tables[i] = jpeg_standard_dc[i], j->tables[4 + i] = jpeg_standard_ac[i];
  int32_t status = jpeg_read_markers(j);
  if (status != JPEG_SCAN) return status < 0 ? status : HB_BROKEN;
  j->rgb = j->count == 3 && is_rgb(j);
  return HB_OK;
}

int32_t jpeg_read_markers(jpeg *j) {
  for (;;) {
    int32_t status = HB_OK;
    if (j->bits.marker == 0 && (status = next_marker(j)) < 0) return status;
    int32_t marker = j->bits.marker;
    j->bits.marker = 0;
    if ((marker >= RST0 && marker <= RST7) || marker == TEM) continue;
    if (marker == EOI) return JPEG_END;
    if (marker < SOF0 || marker == SOI || marker == JPG || marker == DHP || marker == EXP ||
        (marker > APP15 && marker != COM))
      return HB_BROKEN;
    segment s;
    if ((status = next_segment(j, &s)) < 0) return marker < APP0 ? HB_BROKEN : status;
    if (marker == DHT) {
      status = read_huffman(j, s);
    } else if (marker == DQT) {
      status = read_quantizers(j, s);
    } else if (marker == DRI) {
      if (s.length != 2) return HB_BROKEN;
      j->restart_interval = word_at(s.at);
    } else if (marker == SOS) {
      status = read_scan(j, s);
      return status < 0 ? status : JPEG_SCAN;
    } else if (marker <= SOF2) {
      status = read_frame(j, s, marker == SOF2);
    } else if (marker <= SOF15 && marker != DAC) { /* lossless, hierarchical, arithmetic */
      return HB_UNSUPPORTED;
    } else {
      read_application(j, s, marker);
    }
    if (status < 0) return status;
  }
}

int32_t jpeg_read_restart(jpeg *j) {
  int32_t status, expected = j->next_restart;
  if (j->bits.marker == 0 && (status = next_marker(j)) < 0) return status;
  j->next_restart = (expected + 1) & 7;
  for (;;) {
    int32_t marker = j->bits.marker, ahead = (marker - RST0 - expected) & 7;
    if (marker >= SOF0) {
      /* Another marker, or one of the next two restarts: data were lost, and the segment is empty. */
      if (marker < RST0 || marker > RST7 || ahead == 1 || ahead == 2) return HB_OK;
      if (ahead != 6 && ahead != 7) { /* the one that was expected, or one so far away that it is one */
        j->bits.marker = 0;
        return HB_OK;
      }
    }
    if ((status = next_marker(j)) < 0) return status;
  }
}
