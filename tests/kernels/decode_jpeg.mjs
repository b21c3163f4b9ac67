// Decodes files through homebody.wasm: node decode_jpeg.mjs MODULE FILE...
// Prints one JSON line a file: for each scale the SHA-256 of the pixels, or the status of a refusal.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const [, , modulePath, ...files] = process.argv;
const { exports: hb } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(modulePath)));

function decode(bytes, scale) {
  hb.hb_reset();
  const file = hb.hb_alloc(bytes.length), size = hb.hb_alloc(16);
  new Uint8Array(hb.memory.buffer).set(bytes, file);
  const words = hb.hb_jpeg_scratch(file, bytes.length, scale) >>> 0, scratch = hb.hb_alloc(4 * words);
  let status = hb.hb_jpeg_start(file, bytes.length, scale, size, scratch, words);
  if (status !== 0) return status;
  const [, , width, height] = new Int32Array(hb.memory.buffer, size, 4);
  const out = hb.hb_alloc(3 * width * height);
  status = hb.hb_jpeg_rows(scratch, height, out);
  if (status !== 0) return status;
  return createHash("sha256").update(new Uint8Array(hb.memory.buffer, out, 3 * width * height)).digest("hex");
}

for (const file of files) {
  const bytes = readFileSync(file);
  console.log(JSON.stringify([1, 2, 4, 8].map((scale) => decode(bytes, scale))));
}
