// Compiles the golden vectors' tables with homebody.wasm: node run_look.mjs MODULE FILE
// Prints one JSON line a case: {"name", "sha256"}.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const [, , modulePath, file] = process.argv;
const { exports: hb } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(modulePath)));
for (const { name, parameters, size } of JSON.parse(readFileSync(file, "utf8"))) {
  hb.hb_reset();
  const bytes = 8 * size ** 3, values = hb.hb_alloc(8 * parameters.length), lut = hb.hb_alloc(bytes);
  new Float64Array(hb.memory.buffer, values, parameters.length).set(parameters);
  const status = hb.hb_look_lut(values, parameters.length, size, lut);
  if (status !== 0) throw new Error(`${name}: status ${status}`);
  const table = new Uint8Array(hb.memory.buffer, lut, bytes);
  console.log(JSON.stringify({ name, sha256: createHash("sha256").update(table).digest("hex") }));
}
