/* Keeps the pick-up window's page, so that a tablet which starts again while the line is down still has it. It is
   served under the window's own address and sees no other page (canteen/desk/window.py). The network is always asked
   first. What is kept goes at sign-out (shell.js); scans and the meal's list are the page's (window.js). */
"use strict";
const PAGE = new URL(registration.scope).pathname;
const BOX = `window:${PAGE}`;
const WAIT = 5000;
const fromBox = new Set(); /* pages that were opened from the box take their files from it too: they fit each other */
let turn = Promise.resolve();

async function keep() {
  const answer = await fetch(`${PAGE}?kept=1`, { credentials: "same-origin", redirect: "manual", cache: "no-store" });
  if (!answer.ok) {
    if (answer.status < 500) await caches.delete(BOX); /* nobody is signed in, or they may not: nothing to keep */
    return;
  }
  const words = await answer.clone().text(), box = await caches.open(BOX);
  const files = new Set([...words.matchAll(/"(\/[^"#]*?(?:static\/|\/reader\.js)[^"#]*)/g)].map((found) => found[1]));
  await box.addAll([...files].map((file) => new Request(file, { cache: "no-cache" })));
  await box.put(PAGE, answer);
  for (const { url } of await box.keys()) {
    const path = new URL(url).pathname;
    if (path !== PAGE && !files.has(path)) await box.delete(url);
  }
}

const kept = (path) => caches.match(path, { cacheName: BOX });
const late = () => new Promise((_done, fail) => { setTimeout(() => fail(new Error("late")), WAIT); });

async function page(event) {
  const copy = await kept(PAGE);
  if (!copy) return fetch(event.request);
  try {
    const answer = await Promise.race([fetch(event.request), late()]);
    if (answer.status < 500) return answer;
  } catch { /* the line is down */ }
  fromBox.add(event.resultingClientId);
  return copy;
}

async function file(event, path) {
  if (fromBox.has(event.clientId)) {
    if (event.resultingClientId) fromBox.add(event.resultingClientId); /* the camera's reader asks for files itself */
    return (await kept(path)) || fetch(event.request);
  }
  try {
    return await fetch(event.request);
  } catch (fault) {
    const copy = await kept(path);
    if (copy) return copy;
    throw fault;
  }
}

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("message", (event) => {
  if (event.data !== "keep") return;
  turn = turn.then(keep).catch(() => { /* the line went down meanwhile: what was kept before stays */ });
  event.waitUntil(turn);
});
addEventListener("fetch", (event) => {
  const { origin, pathname, search } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== location.origin) return;
  if (event.request.mode === "navigate") {
    if (pathname === PAGE && !search) event.respondWith(page(event));
  } else if (pathname.includes("/static/") || pathname === `${PAGE}/reader.js`) event.respondWith(file(event, pathname));
});
