// Runs the golden vectors through homebody.wasm: node run_wasm.mjs MODULE FOLDER
// Prints one JSON line a case: {"kernel", "name", "head", "sha256"}.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { pixels, table } from "./golden_inputs.mjs";

const [, , modulePath, folder] = process.argv;
const { exports: hb } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(modulePath)));

// Memory is asked for before any view of it is made: growing it invalidates views.
function alloc(bytes) {
  const place = hb.hb_alloc(Math.max(1, bytes));
  if (place === 0) throw new Error("out of memory");
  return place;
}

function put(array) {
  const place = alloc(array.byteLength);
  new Uint8Array(hb.memory.buffer).set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), place);
  return place;
}

const kernels = {
  resize(at, a, p) {
    const [left, top, columns, rows] = a.window ?? [0, 0, a.width, a.height];
    const length = hb.hb_resize_scratch(p.width, columns), scratch = alloc(4 * length), out = alloc(rows * columns * 3);
    const status = hb.hb_resize(at, p.height, p.width, a.height, a.width, top, left, rows, columns, out, scratch, length);
    return [status, out, rows * columns * 3];
  },
  resize_normalize(at, a, p) {
    const [left, top, columns, rows] = a.window ?? [0, 0, a.width, a.height];
    const mean = put(new Float32Array(a.mean)), std = put(new Float32Array(a.std));
    const length = hb.hb_resize_scratch(p.width, columns), scratch = alloc(4 * length), out = alloc(rows * columns * 12);
    const status = hb.hb_resize_normalize(
      at, p.height, p.width, a.height, a.width, top, left, rows, columns, a.order === "bgr" ? 1 : 0, mean, std, out, scratch, length);
    return [status, out, rows * columns * 12];
  },
  normalize(at, a, p) {
    const mean = put(new Float32Array(a.mean)), std = put(new Float32Array(a.std)), out = alloc(p.height * p.width * 12);
    const status = hb.hb_normalize(at, p.height * p.width, a.order === "bgr" ? 1 : 0, mean, std, out);
    return [status, out, p.height * p.width * 12];
  },
  lut_apply(at, a, p, c) {
    const bytes = p.height * p.width * p.channels, lut = put(table(c.lut)), out = alloc(bytes), plain = alloc(bytes);
    const status = hb.hb_lut_apply(at, p.height * p.width, p.channels, lut, c.lut.size, out);
    hb.hb_lut_apply_scalar(at, p.height * p.width, p.channels, lut, c.lut.size, plain);
    const memory = Buffer.from(hb.memory.buffer);
    if (memory.compare(memory, plain, plain + bytes, out, out + bytes) !== 0) throw new Error("SIMD differs from scalar");
    return [status, out, bytes];
  },
  grain(at, a, p) {
    const bytes = p.height * p.width * p.channels, [height, width] = a.full_size, [top, left] = a.origin;
    const length = hb.hb_grain_scratch(p.width, a.size, height, width), scratch = alloc(4 * length), out = alloc(bytes);
    const status = hb.hb_grain(
      at, p.height, p.width, p.channels, top, left, height, width, a.amount, a.size, a.seed, out, scratch, length);
    return [status, out, bytes];
  },
  vignette(at, a, p) {
    const bytes = p.height * p.width * p.channels, out = alloc(bytes);
    const [height, width] = a.full_size ?? [p.height, p.width], [top, left] = a.origin ?? [0, 0];
    const status = hb.hb_vignette(
      at, p.height, p.width, p.channels, top, left, height, width, a.amount, a.midpoint, out);
    return [status, out, bytes];
  },
  sharpen(at, a, p) {
    const bytes = p.height * p.width * p.channels, out = alloc(bytes);
    const length = hb.hb_sharpen_scratch(p.width, a.radius, a.long_edge), scratch = alloc(4 * length);
    const status = hb.hb_sharpen(
      at, p.height, p.width, p.channels, 0, p.height, a.long_edge, a.amount, a.radius, out, scratch, length);
    return [status, out, bytes];
  },
  blend(at, a, p, c) {
    const bytes = p.height * p.width * p.channels, edited = put(pixels(c.edited)), out = alloc(bytes);
    return [hb.hb_blend(at, edited, bytes, a.strength, out), out, bytes];
  },
  statistics(at, a, p) {
    // The fields one after another, as the golden vectors have them.
    const luma = alloc(2592), chroma = luma + 1024, sums = luma + 2048, grid = luma + 2080;
    return [hb.hb_statistics(at, p.height, p.width, luma, chroma, sums, grid), luma, 2592];
  },
};

for (const file of readdirSync(folder).filter((name) => name.endsWith(".json")).sort()) {
  const { kernel, cases } = JSON.parse(readFileSync(join(folder, file)));
  if (!(kernel in kernels)) continue;
  for (const c of cases) {
    hb.hb_reset();
    const [status, place, length] = kernels[kernel](put(pixels(c.pixels)), c.arguments, c.pixels, c);
    if (status !== 0) throw new Error(`${kernel}, ${c.name}: status ${status}`);
    const bytes = Buffer.from(hb.memory.buffer, place, length);
    const values = c.dtype === "float32" ? new Float32Array(hb.memory.buffer, place, length / 4) : bytes;
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    console.log(JSON.stringify({ kernel, name: c.name, head: [...values.slice(0, 6)], sha256 }));
  }
}
