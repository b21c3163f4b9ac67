/* A classic worker: LiteRT.js brings its WebAssembly in by importScripts, which module workers lack. */
const session = import("./engine/session.js");
addEventListener("message", async ({ data }) => (await session).receive(data));
