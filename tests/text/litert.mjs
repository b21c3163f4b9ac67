// LiteRT.js under node. Its loader asks for a browser's `self` and `importScripts`, and its own script for
// node's `require`; with these it runs as in a page.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import vm from "node:vm";

import { loadModel } from "../../web/runtime.js";

/** As `loadModel`, with the folder that holds `litert/` as a path. */
export async function loadModelInNode(bytes, { vendor }) {
  // node takes a .js file for a module only beside a package.json that says so
  const folder = mkdtempSync(join(tmpdir(), "litert-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(vendor, "litert"), join(folder, "litert"), { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"type": "module"}');
  globalThis.self ??= globalThis;
  globalThis.navigator ??= {};
  globalThis.require ??= createRequire(import.meta.url);
  globalThis.__dirname ??= folder;
  globalThis.__filename ??= join(folder, "litert.mjs");
  globalThis.importScripts ??= (url) => {
    const path = fileURLToPath(url);
    vm.runInThisContext(readFileSync(path, "utf8"), { filename: path });
  };
  return loadModel(bytes, { vendor: `${pathToFileURL(folder).href}/` });
}
