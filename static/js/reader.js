/* A worker that reads QR codes from the camera's frames with the zxing-wasm that we serve. It runs apart from the page,
   so the page's policy need not allow WebAssembly, and at the window under its address, so that what keeps the page
   for an outage keeps this too. The first message says where the library is; each one after it is a frame, answered
   by what it shows, or nothing. The answer null: this machine cannot read codes. */
"use strict";
let read;
onmessage = async ({ data }) => {
  if (!read) {
    try { importScripts(data.library); } catch { postMessage(null); return; } /* not there; or we are ended while it comes */
    ZXingWASM.prepareZXingModule({ overrides: { locateFile: () => data.wasm } });
    read = (frame) => ZXingWASM.readBarcodes(frame, { formats: ["QRCode"], tryHarder: true, maxNumberOfSymbols: 1 });
    return;
  }
  try {
    const found = await read(data);
    postMessage(found[0]?.isValid ? found[0].text : "");
  } catch { postMessage(""); }
};
