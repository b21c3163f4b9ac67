// The golden vectors of conformance/ through the page's own door to the kernels; runs in node and in
// browsers. docs of the files: conformance/kernels/README.md, conformance/look/README.md.

import { pixels, table } from "../kernels/golden_inputs.mjs";

const picture = (asked) => ({ data: pixels(asked), width: asked.width, height: asked.height });
const lut = (asked) => ({ table: table(asked), size: asked.size });

function placeOf({ full_size, origin = [0, 0] }) {
  return full_size && { height: full_size[0], width: full_size[1], top: origin[0], left: origin[1] };
}

// The fields one after another, as the golden vectors have them.
function packed({ luma, chroma, rgSum, rgSquare, ybSum, ybSquare, grid }) {
  const bytes = new Uint8Array(2592);
  bytes.set(new Uint8Array(luma.buffer));
  bytes.set(new Uint8Array(chroma.buffer), 1024);
  bytes.set(new Uint8Array(BigInt64Array.from([rgSum, rgSquare, ybSum, ybSquare], BigInt).buffer), 2048);
  bytes.set(new Uint8Array(BigUint64Array.from(grid.flat(), BigInt).buffer), 2080);
  return bytes;
}

const runs = {
  resize: (hb, p, a) => hb.resize(p, a.width, a.height, a).data,
  resize_normalize: (hb, p, a) => hb.resizeNormalize(p, a.width, a.height, a),
  normalize: (hb, p, a) => hb.normalize(p, a),
  lut_apply: (hb, p, a, c) => hb.lutApply(p, lut(c.lut)).data,
  grain: (hb, p, a) => hb.grain(p, a.amount, a.size, { seed: a.seed, place: placeOf(a) }).data,
  vignette: (hb, p, a) => hb.vignette(p, a.amount, a.midpoint, { place: placeOf(a) }).data,
  sharpen: (hb, p, a) => hb.sharpen(p, a.amount, a.radius, { longEdge: a.long_edge }).data,
  blend: (hb, p, a, c) => hb.blend(p, picture(c.edited), a.strength).data,
  statistics: (hb, p) => packed(hb.statistics(p)),
};

async function sha256(view) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The SHA-256 of each case's result: of a kernel's file, or of look.json. */
export async function golden(kernels, document) {
  if (Array.isArray(document)) {
    return Promise.all(document.map(({ parameters, size }) =>
      sha256(kernels.lookLut(Float64Array.from(parameters), size).table)));
  }
  const run = runs[document.kernel];
  return Promise.all(document.cases.map((one) =>
    sha256(run(kernels, picture(one.pixels), one.arguments, one))));
}
