/**
 * CRC-32, as ZIP and PNG have it (ISO 3309).
 * @module
 */

/** @type {Uint32Array[]} eight tables: "slicing by 8" takes eight bytes a step */
let tables = [];

/**
 * @param {Uint8Array} bytes
 * @returns {number} 0 to 2**32 - 1
 *
 * @example
 * crc32(new TextEncoder().encode("123456789")) // 0xcbf43926
 */
export function crc32(bytes) {
  if (!tables.length) {
    tables = Array.from({ length: 8 }, () => new Uint32Array(256));
    for (let n = 0; n < 256; n++) {
      let value = n;
      for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
      tables[0][n] = value;
    }
    for (let k = 1; k < 8; k++) {
      for (let n = 0; n < 256; n++) {
        const before = tables[k - 1][n];
        tables[k][n] = tables[0][before & 255] ^ (before >>> 8);
      }
    }
  }
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
  let crc = -1, i = 0;
  for (; i + 8 <= bytes.length; i += 8) {
    crc ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    crc = t7[crc & 255] ^ t6[(crc >>> 8) & 255] ^ t5[(crc >>> 16) & 255] ^ t4[crc >>> 24] ^
      t3[bytes[i + 4]] ^ t2[bytes[i + 5]] ^ t1[bytes[i + 6]] ^ t0[bytes[i + 7]];
  }
  for (; i < bytes.length; i++) crc = t0[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}
