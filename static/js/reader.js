/* A worker that reads QR codes from the camera's frames with the zxing-wasm that we serve. It runs apart from the page,
   so the page's policy need not allow WebAssembly. */
"use strict";
importScripts("../vendor/zxing-reader.js");
const { prepareZXingModule, readBarcodes } = ZXingWASM;
prepareZXingModule({ overrides: { locateFile: () => new URL("../vendor/zxing_reader.wasm", location.href).href } });
onmessage = async ({ data }) => {
  try {
    const found = await readBarcodes(data, { formats: ["QRCode"], tryHarder: true, maxNumberOfSymbols: 1 });
    postMessage(found[0]?.isValid ? found[0].text : "");
  } catch { postMessage(""); }
};
