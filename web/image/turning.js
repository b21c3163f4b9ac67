/**
 * Turning a picture upright.
 * @module
 */

/**
 * @param {Uint8Array} data pixels as the file holds them
 * @param {number} width
 * @param {number} height
 * @param {number} channels bytes a pixel
 * @param {number} orientation EXIF's, 1 to 8
 * @returns {{data: Uint8Array, width: number, height: number}}
 */
export function turned(data, width, height, channels, orientation) {
  if (orientation === 1) return { data, width, height };
  const corner = width * height - 1, below = (height - 1) * width;
  // Where the first pixel comes from, and how far apart those are that come next to each other and below.
  const [first, across, down] = /** @type {Record<number, number[]>} */ ({
    2: [width - 1, -1, width], 3: [corner, -1, -width], 4: [below, 1, -width], 5: [0, width, 1],
    6: [below, -width, 1], 7: [corner, -width, -1], 8: [width - 1, width, -1],
  })[orientation];
  const [columns, rows] = orientation >= 5 ? [height, width] : [width, height];
  const out = new Uint8Array(data.length);
  const tile = 32; // rows at a time, so that what is read is near
  for (let top = 0; top < rows; top += tile) {
    const end = Math.min(rows, top + tile);
    for (let x = 0; x < columns; x++) {
      for (let y = top; y < end; y++) {
        const from = (first + x * across + y * down) * channels, to = (y * columns + x) * channels;
        for (let c = 0; c < channels; c++) out[to + c] = data[from + c];
      }
    }
  }
  return { data: out, width: columns, height: rows };
}
