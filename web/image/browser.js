/**
 * Pixels of the formats that the browser decodes, as they are: no colour conversion, and colours of
 * what is transparent not multiplied by it.
 * @module
 */

/** @type {ImageBitmapOptions} */
const AS_IS = { colorSpaceConversion: "none", premultiplyAlpha: "none" };

/**
 * Decode with the browser.
 *
 * @param {Blob} blob
 * @param {{turn?: boolean}} [options] turn: upright, by what the file says of itself
 * @returns {Promise<{picture: import("../kernels.js").Picture, alpha: Uint8Array | null}>}
 * @throws {DOMException} the browser does not read it
 */
export async function readByBrowser(blob, { turn = false } = {}) {
  const bitmap = await createImageBitmap(blob, { ...AS_IS, imageOrientation: turn ? "from-image" : "none" });
  try {
    const { width, height } = bitmap;
    const data = new Uint8Array(width * height * 3);
    /** @type {Uint8Array | null} */
    let alpha = null;
    for await (const { rgba, top } of rowsOf(bitmap)) {
      for (let i = 0, at = top * width; i < rgba.length; i += 4, at++) {
        data[3 * at] = rgba[i], data[3 * at + 1] = rgba[i + 1], data[3 * at + 2] = rgba[i + 2];
        if (rgba[i + 3] !== 255 && alpha === null) alpha = new Uint8Array(width * height).fill(255);
        if (alpha !== null) alpha[at] = rgba[i + 3];
      }
    }
    return { picture: { data, width, height }, alpha };
  } finally {
    bitmap.close();
  }
}

/**
 * Bands of RGBA. A texture gives the exact values back; a canvas, where there is no WebGL, rounds the
 * colours of what is partly transparent.
 *
 * @param {ImageBitmap} bitmap
 * @returns {AsyncGenerator<{rgba: Uint8Array | Uint8ClampedArray, top: number}>}
 */
async function* rowsOf(bitmap) {
  const { width, height } = bitmap;
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  if (gl && width <= gl.getParameter(gl.MAX_TEXTURE_SIZE)) {
    const band = Math.min(height, Math.max(1, Math.floor((1 << 22) / width)));
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
    gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    try {
      for (let top = 0; top < height; top += band) {
        const rows = Math.min(band, height - top);
        const part = rows === height ? bitmap : await createImageBitmap(bitmap, 0, top, width, rows, AS_IS);
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, part);
        if (part !== bitmap) part.close();
        gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, gl.getParameter(gl.TEXTURE_BINDING_2D), 0);
        const rgba = new Uint8Array(width * rows * 4);
        gl.readPixels(0, 0, width, rows, gl.RGBA, gl.UNSIGNED_BYTE, rgba);
        yield { rgba, top };
      }
    } finally {
      gl.getExtension("WEBGL_lose_context")?.loseContext();
    }
    return;
  }
  const band = Math.min(height, Math.max(1, Math.floor((1 << 22) / width)));
  const canvas = new OffscreenCanvas(width, band);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  for (let top = 0; top < height; top += band) {
    const rows = Math.min(band, height - top);
    context.clearRect(0, 0, width, band);
    context.drawImage(bitmap, 0, -top);
    yield { rgba: context.getImageData(0, 0, width, rows).data, top };
  }
}
