// EXIF and XMP through the page's modules: node metadata.mjs WEB_FOLDER < one JSON line a case
// {"exif", "xmp"}: base64. Prints, a line each, what came out, or the error that must not be.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(`${process.argv[2]}/`);
const exif = await import(new URL("image/exif.js", folder));
const { hasGps } = await import(new URL("image/metadata.js", folder));
const bytes = (text) => text === null ? null : new Uint8Array(Buffer.from(text, "base64"));
const text = (array) => array === null ? null : Buffer.from(array).toString("base64");

for await (const line of createInterface({ input: process.stdin })) {
  const given = JSON.parse(line), tags = bytes(given.exif), packet = bytes(given.xmp);
  try {
    const upright = exif.upright(tags, 1234, 567);
    console.log(JSON.stringify({
      orientation: exif.orientation(tags),
      upright: text(upright),
      xmp: text(exif.uprightXmp(packet)),
      withoutGps: text(exif.withoutGps(upright)),
      xmpWithoutGps: text(exif.xmpWithoutGps(packet)),
      hasGps: hasGps({ exif: upright, icc: null, xmp: packet }),
    }));
  } catch (error) {
    console.log(JSON.stringify({ error: `${error.name}: ${error.message}` }));
  }
}
