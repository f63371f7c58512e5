/* The camera of a window's tablet or of a kiosk. Frames go to a worker of ours that reads QR codes (reader.js), and what
   it read goes the way of what a scanner types, through the page's #scan-form. No frame leaves the two of them, and
   when the camera stops both forget what they saw. It stops when it is told to, when its page goes, where data-rest
   says so after so many seconds without a code, and with data-camera="once" at the first one. */
"use strict";
(() => {
  if (window.hallCamera) { window.hallCamera(); return; }
  const $ = (selector, from = document) => from.querySelector(selector);
  const SEEN_AGAIN = 4000;
  let on = null; /* what belongs to the camera that is on: its part of the page, picture, stream, worker, clock */

  const end = (stream) => stream?.getTracks().forEach((track) => track.stop());
  function show(part, running, words = "") {
    part.toggleAttribute("data-on", running);
    $("[data-camera-view]", part).hidden = !running;
    $("[data-camera-note]", part).textContent = words;
    const held = document.activeElement?.matches("[data-camera-button]");
    part.querySelectorAll("[data-camera-button]").forEach((button) => {
      const when = button.dataset.cameraButton; /* there while the camera is off, or on; without a word always */
      if (when) button.hidden = running === (when === "off");
      else button.setAttribute("aria-pressed", String(running));
    });
    if (held) $("[data-camera-button]:not([hidden])", part).focus({ preventScroll: true });
  }

  async function start(part) {
    const mine = { part, view: $("[data-camera-view]", part), seen: { text: "", at: 0 } };
    on = mine;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: 1280 }, audio: false });
      if (on !== mine) { end(stream); return; }
      mine.stream = stream;
      mine.view.srcObject = stream;
      show(part, true, part.dataset.started);
      rest(mine);
      await mine.view.play();
    } catch { if (on === mine) refuse(); return; }
    if (on !== mine) return;
    const { reader, library, wasm } = part.dataset;
    mine.worker = new Worker(reader);
    mine.worker.onmessage = ({ data }) => read(mine, data);
    mine.worker.onerror = () => { if (on === mine) refuse(); };
    mine.worker.postMessage({ library: new URL(library, location).href, wasm: new URL(wasm, location).href });
    frame(mine);
  }
  function rest(mine) {
    const { rest: seconds, over } = mine.part.dataset;
    clearTimeout(mine.resting);
    if (seconds) mine.resting = setTimeout(() => { if (on === mine) stop(over); }, seconds * 1000);
  }
  function frame(mine) {
    const { view } = mine;
    if (on !== mine) return;
    if (!view.isConnected) { stop(); return; }
    const wide = Math.min(960, view.videoWidth), high = Math.round((wide * view.videoHeight) / view.videoWidth);
    if (!wide) { setTimeout(() => frame(mine), 200); return; }
    mine.canvas ??= new OffscreenCanvas(wide, high);
    Object.assign(mine.canvas, { width: wide, height: high });
    const drawn = mine.canvas.getContext("2d", { willReadFrequently: true });
    drawn.drawImage(view, 0, 0, wide, high);
    mine.worker.postMessage(drawn.getImageData(0, 0, wide, high));
  }
  function read(mine, text) {
    if (on !== mine) return;
    if (text === null) { refuse(); return; }
    const now = Date.now();
    /* the same slip counts again only after the camera has not seen it for a while: it may lie there during a talk */
    const again = text === mine.seen.text && now - mine.seen.at < SEEN_AGAIN;
    if (text) mine.seen = { text, at: now };
    if (text && !again) {
      if (mine.part.dataset.camera === "once") stop();
      else rest(mine);
      const form = $("#scan-form");
      if (form) { form.elements.payload.value = text; form.requestSubmit(); }
    }
    setTimeout(() => frame(mine), text ? 600 : 120);
  }
  function stop(words) {
    const mine = on;
    on = null;
    if (!mine) return;
    clearTimeout(mine.resting);
    mine.worker?.terminate();
    end(mine.stream);
    mine.view.srcObject = null;
    show(mine.part, false, words);
  }
  function refuse() {
    const { part } = on;
    stop(part.dataset.refused);
    look();
  }

  /* a part that is hidden at first is shown where there is a camera that is not forbidden */
  async function usable() {
    if (!navigator.mediaDevices) return false; /* not behind https */
    const there = (await navigator.mediaDevices.enumerateDevices()).some(({ kind }) => kind === "videoinput");
    return there && (await navigator.permissions.query({ name: "camera" })).state !== "denied";
  }
  async function look() {
    const offer = $("[data-camera-offer]");
    if (!offer) return;
    const may = await usable().catch(() => false);
    offer.hidden = !may;
    if (!may && on?.part.contains(offer)) stop(on.part.dataset.refused);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-camera-button]");
    if (!button) return;
    if (on) stop();
    else start(button.closest("[data-camera]"));
  });
  document.addEventListener("htmx:beforeSwap", ({ detail }) => { if (detail.target === document.body && detail.shouldSwap) stop(); });
  addEventListener("pagehide", () => stop());
  navigator.mediaDevices?.addEventListener("devicechange", look);

  window.hallCamera = look;
  look();
})();
