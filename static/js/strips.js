/* The kitchen's roll: where its tablet has been told so, a change after the sheet prints itself as soon as the page
   learns of it. Each strip once on this tablet; with --kiosk-printing the browser asks nobody (docs/operating.md). */
"use strict";
(() => {
  if (document.documentElement.dataset.strips) return; /* it comes with the page, also where only the body is swapped */
  document.documentElement.dataset.strips = "on";
  const ON = "hall-strips", DONE = "hall-strips-done", KEEP = 300;
  const read = (name) => { try { return JSON.parse(localStorage.getItem(name)) ?? []; } catch { return []; } };
  const box = () => document.querySelector("[data-auto-strips]");
  let busy = false;

  async function next() {
    if (busy || !box()?.checked) return;
    const done = new Set(read(DONE));
    const row = [...document.querySelectorAll("[data-strip]")].reverse().find((one) => !done.has(one.dataset.strip));
    if (!row) return;
    busy = true;
    try {
      const answer = await fetch(row.dataset.stripUrl, { credentials: "same-origin" });
      const slip = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".paper-slip");
      if (slip) {
        localStorage.setItem(DONE, JSON.stringify([...done, row.dataset.strip].slice(-KEEP)));
        print(slip);
      }
    } catch { /* the line is down: the next poll brings it again */ }
    busy = false;
    if (read(DONE).includes(row.dataset.strip)) next();
  }

  function print(slip) {
    const host = document.createElement("div");
    host.className = "strip-host";
    host.append(document.importNode(slip, true));
    document.body.append(host);
    document.body.classList.add("printing-strip");
    window.print(); /* comes back when it has been sent */
    document.body.classList.remove("printing-strip");
    host.remove();
  }

  function arrive() {
    if (box()) box().checked = read(ON) === true;
    next();
  }
  document.addEventListener("change", (event) => {
    if (!event.target.matches?.("[data-auto-strips]")) return;
    localStorage.setItem(ON, JSON.stringify(event.target.checked));
    next();
  });
  document.addEventListener("htmx:afterSettle", arrive);
  arrive();
})();
