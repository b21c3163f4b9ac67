// The golden steps of conformance/filters through the page's filters, which callers import and hand in.
// What the numbers are: conformance/filters/README.md.

function numbers(seed, count) {
  return Float64Array.from({ length: count }, (_, i) => {
    let h = (seed * 65536 + i) >>> 0;
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    return ((h ^ (h >>> 16)) >>> 0) / 2 ** 31 - 1;
  });
}

const square = (n, diagonal, rest) =>
  Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? diagonal : rest));

function made({ ParticleFilter, LastLayerFilter }, wasm, c) {
  const noise = new Float64Array(c.outputs).fill(0.25), n = c.states;
  return c.particles
    ? new ParticleFilter(wasm, { ...c, noise, mean: new Float64Array(n), factor: square(n, 1, 0), step: square(n, 1 / 16, 0), stream: 7 })
    : new LastLayerFilter(wasm, { ...c, noise, mean: new Float64Array(n).fill(0.5), covariance: square(n, 2, 0.5), process: square(n, 2 / 1024, 0.5 / 1024) });
}

function measurement(c) {
  const width = c.outputs * c.states, each = width + c.outputs, drawn = numbers(c.seed, c.steps * each);
  return (filter, k) => {
    const all = drawn.subarray(k * each, (k + 1) * each), measured = all.slice(width).map((one) => 2 * one);
    if (k % 17 === 16) measured[0] = NaN;
    filter.update(all.subarray(0, width), measured, [1, 2.5, 0][k % 3]);
  };
}

function choice(c) {
  const each = c.outputs * c.states, drawn = numbers(c.seed, c.steps * each).map((one) => 2 * one);
  return (filter, k) => {
    const rows = drawn.subarray(k * each, (k + 1) * each);
    const first = Array.from({ length: c.outputs }, (_, m) => rows[m * c.states]);
    filter.choose(rows, first.indexOf(Math.max(...first)));
  };
}

function extended(c) {
  const drawn = numbers(c.seed, 2 * c.steps);
  return (filter, k) => {
    const u = drawn[2 * k], noise = 0.25 * drawn[2 * k + 1], [a, b] = filter.mean;
    const z = b * u, truth = 3 * u, bend = 1 + Math.abs(z);
    const rows = [z / bend, (a * u) / (bend * bend)], measured = 2 * (truth / (1 + Math.abs(truth))) + noise;
    filter.update(rows, [measured - a * rows[0] + (rows[0] * a + rows[1] * b)]);
  };
}

async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What each case holds after every 50th step; half-way it is saved and another goes on. */
export async function golden(filters, wasm, cases) {
  return Promise.all(cases.map(async (c) => {
    const step = ({ choices: choice, extended }[c.filter] ?? measurement)(c), held = [];
    let filter = made(filters, wasm, c);
    for (let k = 0; k < c.steps; k++) {
      step(filter, k);
      if (k === c.steps >> 1) filter = filter.constructor.of(wasm, filter.save());
      if ((k + 1) % 50 === 0) held.push({ step: k + 1, mean: [...filter.mean], sha256: await sha256(filter.save()) });
    }
    return held;
  }));
}

/** What a filter that Python saved holds after one more measurement; base64 in and out. */
export function onwards(filters, wasm, kind, saved, rows, measured) {
  const bytes = Uint8Array.from(atob(saved), (one) => one.charCodeAt(0));
  const filter = filters[kind].of(wasm, bytes);
  const { mean, sigma } = filter.update(rows, measured);
  return { mean: [...mean], sigma: [...sigma], saved: btoa(String.fromCharCode(...filter.save())) };
}

/** The name of the error that a filter's maker, or what is done with it, ends in. */
export function refusal(filters, wasm, kind, settings, act = "") {
  try {
    const filter = new filters[kind](wasm, settings);
    const saved = filter.save();
    if (act === "short") filter.restore(saved.subarray(1));
    if (act === "header") filter.restore(saved.map((byte, i) => (i === 4 ? byte + 1 : byte)));
    if (act === "nan") filter.restore(saved.map((byte, i) => (i > 128 ? 255 : byte)));
    if (act === "rows") filter.update([1], [1, 2, 3]);
    if (act === "dt") filter.update([1, 2], [1], -1);
    if (act === "other") filters[kind === "ParticleFilter" ? "LastLayerFilter" : "ParticleFilter"].of(wasm, saved);
    if (act === "choice") filter.choose([1, 2], 0);
    return null;
  } catch (error) {
    return error.constructor.name;
  }
}
