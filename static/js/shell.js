/* The shell of every page: clock, idle, scanner, digit pad, reading aloud, heartbeat. No framework; works without
   being needed: every page is plain links and forms. Listeners sit on the document once, so a swap loses nothing. */
"use strict";
(() => {
  const root = document.documentElement;
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const shell = () => $("#shell") || document.body;
  const setting = (name) => shell().dataset[name];
  const onKiosk = () => root.dataset.surface === "kiosk";

  const post = (url, body, more = {}) => fetch(url, {
    method: "POST", credentials: "same-origin", redirect: "manual", ...more, body,
    headers: { "X-CSRFToken": setting("csrf") || "", Accept: "application/json", ...more.headers },
  });

  function say(text, icon = "") {
    const hint = $("#hint");
    if (!hint) return;
    hint.replaceChildren();
    if (!text) return;
    const line = document.createElement("p");
    line.className = "call-note";
    if (icon) line.dataset.state = icon;
    const words = document.createElement("span");
    words.textContent = text;
    line.append(words);
    hint.append(line);
  }

  /* ---- clock: the server's time, carried on by ours ---- */
  const clock = {
    start() {
      const face = $("[data-clock]");
      if (!face) return;
      const stamp = face.getAttribute("datetime");
      const zone = /([+-])(\d\d):(\d\d)$/.exec(stamp);
      this.zone = zone ? (zone[1] === "-" ? -1 : 1) * (zone[2] * 60 + +zone[3]) * 60000 : 0;
      this.ahead = Date.parse(stamp) - Date.now();
      this.day = this.local().getUTCDate();
      this.show();
    },
    local() { return new Date(Date.now() + (this.ahead || 0) + this.zone); },
    show() {
      const face = $("[data-clock]");
      if (!face || this.zone === undefined) return;
      const now = this.local();
      const text = `${String(now.getUTCHours()).padStart(2, "0")}:${String(now.getUTCMinutes()).padStart(2, "0")}`;
      if (face.textContent !== text) face.textContent = text;
      if (now.getUTCDate() === this.day) return;
      this.day = now.getUTCDate();
      const date = $("[data-date]");
      const format = new Intl.DateTimeFormat(root.lang === "en" ? "en-GB" : root.lang, { month: "short", day: "numeric", weekday: "long", timeZone: "UTC" });
      // as the server writes it: 11月25日 星期三, Wednesday 25 Nov
      if (date) date.textContent = format.format(now).replace(/日(?=星期)/, "日 ").replace(/,? (\d+) /, " $1\u00a0");
    },
  };

  /* ---- seconds that run down: a hold, an undo ---- */
  const countdowns = {
    start() {
      const now = Date.now();
      $$("[data-countdown]").forEach((part) => { part.dataset.ends ??= now + part.dataset.countdown * 1000; });
    },
    show() {
      this.start(); /* the second may fall between a page that was swapped in and its arrival */
      $$("[data-countdown]").forEach((part) => {
        const left = Math.max(0, Math.ceil((part.dataset.ends - Date.now()) / 1000));
        const words = left >= 60 ? part.dataset.long : part.dataset.short;
        if (words) part.textContent = words.replace("{m}", Math.floor(left / 60)).replace("{s}", left % 60);
        if (left > 0 || part.dataset.over) return;
        part.dataset.over = "1";
        if (part.dataset.then === "hide") part.closest("[data-gone]")?.remove();
        if (part.dataset.then === "reload") location.reload();
      });
    },
  };

  /* ---- idle: warn, count down, wipe ---- */
  const ALIVE_EVERY = 30000;
  const idle = {
    warn: 0, wipe: 30, timer: 0, tick: 0, last: 0, told: Date.now(),
    start() {
      this.warn = Number(setting("idleWarn") || 0) * 1000;
      this.wipe = Number(setting("idleWipe") || 30) * 1000;
      this.stay(false);
    },
    arm() {
      clearTimeout(this.timer);
      if (this.warn > 0) this.timer = setTimeout(() => this.ask(), this.warn);
    },
    touch() {
      const now = Date.now();
      if (this.asking || now - this.last < 250) return;
      this.last = now;
      this.arm();
      if (now - this.told > ALIVE_EVERY) this.tell(now); /* who reads or types long on one page is still here */
    },
    tell(now) {
      this.told = now;
      if (setting("aliveUrl")) post(setting("aliveUrl")).catch(() => undefined);
    },
    get asking() { return Boolean($("#idle")?.open); },
    ask() {
      const dialog = $("#idle");
      if (!dialog) { wipe(); return; }
      speech.stop();
      this.ends = Date.now() + this.wipe;
      if (!dialog.open) dialog.showModal();
      $("[data-idle-stay]", dialog)?.focus();
      clearInterval(this.tick);
      this.tick = setInterval(() => this.show(), 1000);
      this.show();
    },
    show() {
      const dialog = $("#idle");
      const left = Math.max(0, Math.ceil((this.ends - Date.now()) / 1000));
      if (left === 0 || !dialog) { clearInterval(this.tick); wipe(); return; }
      $("[data-idle-left]", dialog).textContent = left;
      const words = $("[data-words]", dialog);
      words.textContent = words.dataset.words.replace("{s}", left);
      $("[data-ring]", dialog)?.setAttribute("stroke-dashoffset", String(100 - (left * 100000) / this.wipe));
    },
    stay(tell = true) {
      clearInterval(this.tick);
      const dialog = $("#idle");
      if (dialog?.open) dialog.close();
      if (tell) this.tell(Date.now());
      this.arm();
    },
  };

  let leaving = false;
  async function wipe() {
    if (leaving) return;
    leaving = true;
    const { wipeUrl, homeUrl } = shell().dataset;
    const done = wipeUrl ? post(wipeUrl, null, { keepalive: true, headers: { "X-Wipe": "1" } }).catch(() => undefined) : null;
    speech.stop();
    document.title = "";
    document.body.replaceChildren();
    try { sessionStorage.clear(); } catch { /* storage may be closed */ }
    await Promise.race([done, new Promise((go) => setTimeout(go, 4000))]);
    location.replace(homeUrl || "/");
  }

  /* ---- scanner: a keyboard that types faster than anyone ---- */
  const scanner = {
    keys: [],
    key(event) {
      if (!$("#scan-form") || event.ctrlKey || event.altKey || event.metaKey) return;
      const now = event.timeStamp;
      if (event.key === "Enter") { this.finish(event); return; }
      if (event.key.length !== 1) return;
      const before = this.keys.at(-1);
      if (before && now - before.at > 120) this.keys = [];
      if (!this.keys.length) {
        const field = document.activeElement;
        this.field = field && "value" in field && field.matches("input, textarea") ? field : null;
        this.value = this.field?.value;
      }
      this.keys.push({ text: event.key, at: now });
    },
    finish(event) {
      const keys = this.keys;
      this.keys = [];
      if (keys.length < 6) return;
      const gaps = keys.slice(1).map((key, n) => key.at - keys[n].at).sort((a, b) => a - b);
      if (gaps[Math.floor(gaps.length / 2)] >= 35) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (this.field?.isConnected) {
        this.field.value = this.value;
        this.field.dispatchEvent(new Event("input", { bubbles: true }));
      }
      const form = $("#scan-form");
      form.elements.payload.value = keys.map((key) => key.text).join("");
      form.requestSubmit();
    },
  };

  /* ---- digit pad ---- */
  const pad = {
    press(button) {
      const field = document.getElementById(button.closest("[data-pad-for]")?.dataset.padFor || "");
      if (!field) return;
      const plain = field.value.replace(/\s/g, "");
      if ("digit" in button.dataset) field.value = plain.length < this.length(field) ? plain + button.dataset.digit : plain;
      else if ("erase" in button.dataset) field.value = plain.slice(0, -1);
      else field.value = "";
      field.dispatchEvent(new Event("input", { bubbles: true }));
    },
    length: (field) => Number(field.dataset.length || 99),
    group(field) {
      const sizes = (field.dataset.group || "").split("-").map(Number).filter(Boolean);
      if (!sizes.length) return;
      let plain = field.value.replace(/\s/g, "").toUpperCase();
      const parts = [];
      for (const size of sizes) { if (plain) parts.push(plain.slice(0, size)); plain = plain.slice(size); }
      if (plain) parts.push(plain);
      const text = parts.join(" ");
      if (field.value !== text) field.value = text;
    },
  };

  /* ---- read aloud: a kiosk asks the server, which has a voice; a phone has one of its own ---- */
  const speech = {
    parts() {
      const parts = [$("h1"), ...$$("[data-say]")].filter((part) => part && !part.closest("dialog"));
      return parts.map((part) => this.words(part)).filter(Boolean);
    },
    /* what stands in the attribute is how the words are said */
    words(part) {
      const [comma, stop] = root.lang === "en" ? [", ", ". "] : ["，", "。"];
      const text = (part.dataset.say || part.innerText).trim().replace(/\s*\n\s*/g, comma).replace(/，+/g, "，");
      return !text || /[。？！.?!]”?$/.test(text) ? text : `${text}${stop}`;
    },
    get button() { return $("[data-read-aloud]"); },
    mark(on) { this.button?.setAttribute("aria-pressed", on ? "true" : "false"); },
    stop() {
      this.turn = (this.turn || 0) + 1;
      this.audio?.pause();
      this.audio = null;
      window.speechSynthesis?.cancel();
      this.mark(false);
    },
    /* on every arrival: a phone without a voice has no button; what must be heard is said without being asked for */
    arrive(swapped) {
      if (swapped) this.stop();
      if (this.button?.hasAttribute("data-money")) this.button.hidden = !window.speechSynthesis;
      const part = $("[data-say-now]");
      if (part && this.button) this.say([this.words(part)]);
    },
    toggle() {
      const speaking = this.button.getAttribute("aria-pressed") === "true";
      this.stop();
      if (!speaking) this.say(this.parts());
    },
    async say(parts) {
      const turn = this.turn, url = this.button.dataset.sayUrl;
      const done = () => { if (turn === this.turn) this.stop(); };
      this.mark(true);
      if (!url) { this.speak(parts, done); return; }
      try {
        const answer = await post(url, new URLSearchParams({ text: parts.join("").slice(0, 1200), lang: root.lang }));
        if (!answer.ok) throw new Error(String(answer.status));
        const sound = await answer.blob();
        if (turn !== this.turn) return;
        this.audio = new Audio(URL.createObjectURL(sound));
        this.audio.addEventListener("ended", done);
        await this.audio.play();
      } catch { done(); }
    },
    /* one part at a time: some phones fall silent in the middle of a long text. A voice on the phone itself goes first */
    speak(parts, done) {
      const lang = { "zh-Hans": "zh-CN", "zh-Hant": "zh-HK" }[root.lang] || root.lang;
      const voice = speechSynthesis.getVoices().find((one) => one.localService && one.lang.replace("_", "-").startsWith(lang));
      const sum = (_all, yuan, fen) => this.button.dataset.money.replace("{n}", Number(`${yuan}.${fen}`));
      parts.forEach((part, n) => {
        const words = new SpeechSynthesisUtterance(part.replace(/¥(\d+)\.(\d\d)/g, sum));
        words.lang = lang;
        if (voice) words.voice = voice;
        if (n === parts.length - 1) words.addEventListener("end", done);
        words.addEventListener("error", done);
        speechSynthesis.speak(words);
      });
    },
  };

  /* ---- heartbeat: what staff see of this kiosk, and what they ask of it ---- */
  const heart = {
    beating: false,
    async beat() {
      const url = setting("heartbeatUrl");
      if (!url || this.beating || leaving) return;
      this.beating = true;
      try {
        const asked = Date.now();
        const report = { build: setting("build"), screen: `${innerWidth}x${innerHeight}`, skew_ms: this.skew ?? -Math.round(clock.ahead) };
        const answer = await post(url, JSON.stringify(report), { headers: { "Content-Type": "application/json" } });
        if (answer.ok) {
          const said = await answer.json();
          this.skew = Math.round((asked + Date.now()) / 2 - Date.parse(said.at)); // told with the next beat
          this.obey(said);
        }
      } catch { /* the line is down; the next beat tries again */ }
      this.beating = false;
    },
    band(message) {
      const place = $("#notice");
      const shown = place?.firstElementChild?.dataset.until;
      if (!place || shown === message?.until) return;
      if (message) window.htmx?.ajax("GET", setting("noticeUrl"), { target: place, swap: "innerHTML", headers: { "X-Poll": "1" } });
      else place.replaceChildren();
    },
    obey({ order, call, message }) {
      if (order === "wipe") { wipe(); return; }
      if (order === "reload") { location.reload(); return; }
      const state = $("#call-state");
      this.band(message);
      const words = call;
      const shown = $(".call-note", state || document);
      if (state && !words && shown) state.replaceChildren();
      if (!state || !words || (shown?.textContent.trim() === words.text && shown.dataset.state === words.state)) return;
      const line = document.createElement("p");
      line.className = "call-note";
      line.dataset.state = words.state;
      const text = document.createElement("span");
      text.textContent = words.text;
      const bell = $("[data-fixed=call] .icon")?.cloneNode(true);
      line.append(...(bell ? [bell, text] : [text]));
      state.replaceChildren(line);
    },
  };

  /* ---- nobody is signed in at the console any more: the page and the list that the pick-up window kept go; scans that
     it has not sent yet stay until somebody opens the window again ---- */
  async function forget() {
    for (const name of (await window.caches?.keys()) ?? []) if (name.startsWith("window:")) await caches.delete(name);
    for (const { name } of (await window.indexedDB?.databases?.()) ?? []) {
      if (!name.startsWith("window-")) continue;
      const asked = indexedDB.open(name);
      asked.onsuccess = () => {
        const turn = asked.result.transaction("kept", "readwrite");
        turn.objectStore("kept").delete("list");
        turn.oncomplete = () => asked.result.close();
      };
    }
  }

  /* ---- a kiosk may stand on a screen of another size: keep its proportions ---- */
  function fit() {
    if (!onKiosk()) return;
    const upright = innerHeight > innerWidth;
    const scale = Math.min(innerWidth / (upright ? 1080 : 1920), innerHeight / (upright ? 1920 : 1080));
    root.style.zoom = Math.abs(scale - 1) < 0.01 ? "" : String(scale);
  }

  /* ---- on every arrival: first load and after each swap of the page ---- */
  function arrive(swapped) {
    const { text, contrast, reach, lang } = shell().dataset;
    if (text) Object.assign(root.dataset, { text, contrast, reach });
    if (lang) root.lang = lang;
    clock.start();
    countdowns.start();
    idle.start();
    $$("[data-group]").forEach(pad.group);
    if (setting("signedOut") !== undefined) forget();
    speech.arrive(swapped);
    if (!swapped) return;
    $("h1")?.focus({ preventScroll: true });
  }

  document.addEventListener("click", (event) => {
    const part = event.target.closest("[data-digit], [data-erase], [data-clear], [data-read-aloud], [data-idle-stay], [data-leave], [data-reason], [data-print]");
    if (!part || part.matches("form")) return;
    if (part.matches("[data-digit], [data-erase], [data-clear]")) pad.press(part);
    else if (part.matches("[data-read-aloud]")) speech.toggle();
    else if (part.matches("[data-idle-stay]")) idle.stay();
    else if (part.matches("[data-leave]")) { event.preventDefault(); wipe(); }
    else if (part.matches("[data-print]")) print();
    else { event.preventDefault(); say(part.dataset.reason); }
  });
  document.addEventListener("input", (event) => { if (event.target.matches?.("[data-group]")) pad.group(event.target); });
  document.addEventListener("cancel", (event) => { if (event.target.id === "idle") { event.preventDefault(); idle.stay(); } }, true);
  addEventListener("keydown", (event) => { scanner.key(event); idle.touch(); }, true);
  for (const kind of ["pointerdown", "pointermove", "wheel"]) addEventListener(kind, () => idle.touch(), { capture: true, passive: true });

  /* A double tap makes one record: the second submit of a form within 2 s is not sent, the first never lost. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-leave]")) { event.preventDefault(); event.stopImmediatePropagation(); wipe(); return; }
    const sent = Number(form.dataset.sent || 0);
    if (Date.now() - sent < 2000) { event.preventDefault(); event.stopImmediatePropagation(); return; }
    form.dataset.sent = Date.now();
    const button = event.submitter;
    if (!button) return;
    button.setAttribute("aria-disabled", "true");
    setTimeout(() => button.removeAttribute("aria-disabled"), 2000);
  }, true);

  for (const kind of ["contextmenu", "selectstart", "dragstart"]) {
    document.addEventListener(kind, (event) => { if (onKiosk() && !event.target.closest?.("input, textarea")) event.preventDefault(); });
  }

  const shown = new WeakMap();
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    /* a live part whose answer is an error page stays as it was; the next poll tries again */
    if (detail.xhr.status >= 400 && !detail.boosted && detail.requestConfig.verb === "get") detail.shouldSwap = false;
    /* nor is it changed for the same words, or under a finger that is pressing */
    const part = detail.target;
    if (!part.matches?.("[data-live]") || !detail.shouldSwap) return;
    if (part.querySelector(":active") || shown.get(part) === detail.serverResponse) detail.shouldSwap = false;
    else shown.set(part, detail.serverResponse);
  });
  document.addEventListener("htmx:afterSettle", ({ detail }) => { if (detail.target === document.body) arrive(true); else { clock.start(); countdowns.start(); } });
  document.addEventListener("htmx:sendError", ({ detail }) => { if (detail.boosted || detail.requestConfig?.verb !== "get") say(setting("offline")); });

  setInterval(() => { clock.show(); countdowns.show(); }, 1000);
  setInterval(() => heart.beat(), 5000);
  addEventListener("resize", fit);
  addEventListener("pagehide", () => speech.stop());
  addEventListener("pageshow", (event) => { if (event.persisted && onKiosk()) location.reload(); });
  fit();
  arrive(false);
})();
