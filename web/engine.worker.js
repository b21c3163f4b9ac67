/* A classic worker: LiteRT.js brings its WebAssembly in by importScripts, which module workers lack. */
const session = import("./engine/session.js");
// A module that does not load is an error of the worker, which the page then hears of.
session.catch((error) => setTimeout(() => { throw error; }));
addEventListener("message", async ({ data }) => (await session).receive(data));
