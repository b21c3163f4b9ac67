// The pictures and colour tables that the golden vectors are computed from, as
// conformance/kernels/README.md states them.

function mix(h) {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** @returns {Uint8Array} [height, width, channels] */
export function pixels({ seed, height, width, channels }) {
  const bytes = new Uint8Array(height * width * channels);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = seed === 0 ? Math.floor((i * 255) / Math.max(1, bytes.length - 1)) : mix((seed + i) >>> 0) >>> 24;
  return bytes;
}

/** @returns {Int16Array} [size, size, size, 4] */
export function table({ seed, size, identity }) {
  const lut = new Int16Array(4 * size ** 3);
  for (let i = 0; i < lut.length; i++) {
    const node = i >> 2, lane = i & 3;
    if (lane === 3) continue;
    const place = [node % size, Math.floor(node / size) % size, Math.floor(node / size ** 2)][lane];
    lut[i] = identity ? (place * 32640) / (size - 1) : mix((seed + i) >>> 0) % 32641;
  }
  return lut;
}
