// Reads releases with the browser's own reader, in Node: paths from the command line, answers as JSON.
import { readFile } from "node:fs/promises";
import { readRelease, requireItem } from "../../web/update/release.js";

const [repository, key] = process.argv.slice(2);
const bytes = async (path) => new Uint8Array(await readFile(`${repository}/${path}`));
try {
  const signatures = new TextDecoder().decode(await bytes("web/release.json.sig"));
  const release = await readRelease(await bytes("web/release.json"), signatures, key);
  for (const item of [...Object.values(release.bundles), ...Object.values(release.catalogs)]) {
    await requireItem(await bytes(item.path), item);
  }
  const versions = Object.entries(release.bundles).map(([name, item]) => [name, item.version]);
  console.log(JSON.stringify({ version: release.version, expires: release.expires, bundles: Object.fromEntries(versions) }));
} catch (error) {
  console.log(JSON.stringify({ refused: error.code ?? String(error) }));
}
