/**
 * EXIF, ICC profile and XMP of a picture's file.
 * @module
 */

/**
 * @param {Uint8Array} bytes the file
 * @returns {{format: string, exif: Uint8Array | null, icc: Uint8Array | null, xmp: Uint8Array | null}}
 */
export function readMetadata(bytes) {
  const format = bytes[0] === 0xff && bytes[1] === 0xd8 ? "JPEG" : bytes[0] === 0x89 ? "PNG" : "WEBP";
  return { format, exif: null, icc: null, xmp: null };
}
