// Runs filters in filters.wasm: node run_filters.mjs MODULE CASES
// Prints JSON: for each case the SHA-256 of the particle filter's and of the exact filter's block.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const [, , modulePath, casesPath] = process.argv;
const { exports: hb } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(modulePath)));

function alloc(bytes) {
  const place = hb.hb_alloc(bytes);
  if (place === 0) throw new Error("out of memory");
  new Uint8Array(hb.memory.buffer, place, bytes).fill(0);
  return place;
}

function put(array) {
  const place = alloc(array.byteLength);
  new array.constructor(hb.memory.buffer, place, array.length).set(array);
  return place;
}

const doubles = (place, values) => new Float64Array(hb.memory.buffer, place, values.length).set(values);

function layout(parts, ask) {
  const at = alloc(4 * parts), length = ask(at);
  if (length === 0) throw new Error("sizes out of range");
  return [length, [...new Uint32Array(hb.memory.buffer, at, parts)]];
}

function check(status) {
  if (status !== 0) throw new Error(`status ${status}`);
}

// The parts' numbers in kernels/filters.h.
function follow(c, block, [noise, rows, measured], update, predict) {
  doubles(block + noise, c.noise);
  c.rows.forEach((row, k) => {
    doubles(block + rows, row.flat());
    doubles(block + measured, c.measured[k]);
    check(update(1.5));
  });
  check(predict(2.0));
}

function particles(c) {
  const [length, at] = layout(11, (out) => hb.hb_particles_layout(c.states, c.count, c.outputs, out));
  const prior = put(new Float32Array(c.prior)), block = alloc(length);
  const size = hb.hb_particles_scratch(c.states, c.count), scratch = alloc(size);
  doubles(block + at[1], c.mean);
  check(hb.hb_particles_start(
    block, length, c.states, c.count, c.outputs, c.scheme, 0.5, c.degrees, c.seed, c.stream, prior, scratch, size));
  new Float32Array(hb.memory.buffer, block + at[7], c.factor.length).set(c.factor);
  follow(c, block, [at[4], at[5], at[6]],
    (dt) => hb.hb_particles_update(block, length, scratch, size, dt),
    (dt) => hb.hb_particles_predict(block, length, scratch, size, dt));
  check(hb.hb_particles_summarise(block, length, scratch, size));
  return [block, length];
}

function kalman(c) {
  const [length, at] = layout(10, (out) => hb.hb_kalman_layout(c.states, c.outputs, out));
  const [mean, covariance, process] =
    [c.mean, c.covariance.flat(), c.process.flat()].map((values) => put(new Float64Array(values)));
  const block = alloc(length);
  check(hb.hb_kalman_start(block, length, c.states, c.outputs, c.degrees, 0.1, mean, covariance, process));
  follow(c, block, [at[4], at[5], at[6]],
    (dt) => hb.hb_kalman_update(block, length, dt),
    (dt) => hb.hb_kalman_predict(block, length, dt));
  return [block, length];
}

const results = JSON.parse(readFileSync(casesPath, "utf8")).map((c) => {
  hb.hb_reset();
  return [particles, kalman].map((filter) => {
    const [block, length] = filter(c);
    return createHash("sha256").update(new Uint8Array(hb.memory.buffer, block, length)).digest("hex");
  });
});
console.log(JSON.stringify(results));
