/**
 * Export: a photo at full size with a preset, as a file. One message, a Job, asks; `{part}` messages
 * report the share that is done, and `{value}` or `{error}` answers. Whoever asked ends the worker to
 * cancel, and the workers that it started end with it.
 *
 * Those start first and load their modules while this one loads its own.
 * @module
 */

const MOST_WORKERS = 4;
const workers = Array.from({ length: Math.max(1, Math.min(MOST_WORKERS, navigator.hardwareConcurrency || 1)) }, () =>
  new Worker(new URL("export/bands.worker.js", import.meta.url), { type: "module" }));
const modules = Promise.all([import("./export/job.js"), import("./engine/wire.js"), import("./errors.js")]);

self.addEventListener("message", async ({ data }) => {
  const [{ exported }, { wired }, { ImageTooLargeError }] = await modules;
  try {
    self.postMessage({ value: await exported(data, workers, (part) => self.postMessage({ part })) });
  } catch (error) {
    const full = error instanceof RangeError;
    self.postMessage({
      error: wired(full ? new ImageTooLargeError("the photo does not fit into memory; close other pages, then try again") : error),
    });
  }
});
