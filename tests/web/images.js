// What test_image.py asks of a page, as functions of its window; files go as base64.
async (file) => {
  const { loadKernels } = await import("/kernels.js");
  const image = await import("/image.js");
  const { hasGps } = await import("/image/metadata.js");
  const { readCatalog } = await import("/catalog.js");
  const kernels = await loadKernels(await fetch("/native/homebody.wasm"));
  const toBytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const toText = (bytes) => {
    if (bytes === null) return null;
    let text = "";
    for (let i = 0; i < bytes.length; i += 8192) {
      text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    }
    return btoa(text);
  };
  const catalog = readCatalog(toBytes(file));
  const safely = async (work) => {
    try {
      return await work();
    } catch (error) {
      return { error: error.name, code: error.code ?? null, message: error.message };
    }
  };
  window.decode = (file, atLeast) => safely(async () => {
    const found = await image.decode(toBytes(file), { atLeast: atLeast ?? undefined, kernels });
    const { picture, size, alpha, format, exif, icc, xmp } = found;
    return {
      width: picture.width, height: picture.height, pixels: toText(picture.data),
      alpha: toText(alpha),
      size, format, exif: toText(exif), icc: toText(icc), xmp: toText(xmp), gps: hasGps(found),
    };
  });
  window.encode = (file, options) => safely(async () => {
    const found = await image.decode(toBytes(file), { kernels });
    const blob = await image.encode(found, { ...options, kernels });
    return { type: blob.type, file: toText(new Uint8Array(await blob.arrayBuffer())) };
  });
  const run = (file, preset, strength, options, cancelAt) => new Promise((resolve, reject) => {
    const worker = new Worker("/export.worker.js", { type: "module" });
    const parts = [];
    const end = (result) => {
      worker.terminate();
      resolve({ parts, ...result });
    };
    worker.onmessage = async ({ data: { part, value, error } }) => {
      if (part !== undefined) parts.push(part);
      if (part !== undefined && cancelAt !== null && part >= cancelAt) end({ cancelled: true });
      if (error) end({ error: error.name, message: error.message });
      if (value) end({ type: value.type, file: toText(new Uint8Array(await value.arrayBuffer())) });
    };
    worker.onerror = (event) => reject(new Error(event.message));
    const chosen = preset && catalog.preset(preset);
    worker.postMessage({
      blob: new Blob([toBytes(file)]), preset: chosen, strength, kernels: kernels.module, options,
    });
  });
  window.exported = (...job) => safely(() => run(...job));
}
