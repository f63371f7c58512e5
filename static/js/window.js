/* The pick-up window: sends scans, says how they ended in colour, word and sound, and goes on while the line is down.
   Without this script every form of the page still works as a plain POST; then it only needs the line. */
"use strict";
(() => {
  if (window.hallWindow) { window.hallWindow(); return; }
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const part = () => $("#window");
  const WAIT = 5000, REFRESH = 15000, BATCH = 50;
  const yuan = (fen) => `¥${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, "0")}`;
  const words = () => JSON.parse(part().dataset.words);
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const fresh = () => crypto.randomUUID();

  /* ---- sounds: one figure of tones for each kind of answer, made here ---- */
  const TONES = {
    ok: [[880, .09], [1320, .16]],
    undone: [[660, .09], [660, .09]],
    pay: [[660, .12], [660, .12], [660, .12]],
    ask: [[520, .12], [780, .2]],
    away: [[440, .1], [554, .1], [440, .2]],
    relative: [[554, .1], [659, .1], [554, .1]],
    already: [[220, .22], [220, .22]],
    here: [[220, .12], [220, .12], [220, .12]],
    card: [[494, .1], [370, .1], [494, .1]],
    review: [[330, .12], [220, .3]],
    late: [[392, .14], [330, .14], [262, .24]],
    wrong_day: [[262, .14], [392, .24]],
    wrong_meal: [[262, .14], [330, .14], [392, .2]],
    cancelled: [[440, .1], [220, .34]],
    failed: [[300, .1], [300, .1], [180, .3]],
    other_centre: [[523, .1], [262, .1], [523, .1], [262, .2]],
    forged: [[180, .5]],
    cut: [[740, .06], [740, .06]],
    unknown: [[294, .3]],
    refused: [[200, .2], [160, .3]],
  };
  let audio = null;
  function sound(kind) {
    const figure = TONES[kind] || TONES.unknown;
    window.hallSound = kind;
    try {
      audio ??= new AudioContext();
      audio.resume();
      let at = audio.currentTime + .02;
      for (const [pitch, long] of figure) {
        const tone = audio.createOscillator(), loud = audio.createGain();
        tone.type = pitch < 350 ? "square" : "triangle";
        tone.frequency.value = pitch;
        loud.gain.setValueAtTime(.0001, at);
        loud.gain.exponentialRampToValueAtTime(pitch < 350 ? .12 : .3, at + .01);
        loud.gain.exponentialRampToValueAtTime(.0001, at + long);
        tone.connect(loud).connect(audio.destination);
        tone.start(at);
        tone.stop(at + long + .02);
        at += long + .05;
      }
    } catch { /* no loudspeaker: colour, shape and word remain */ }
  }

  /* ---- what is kept on this machine: the meal's list, scans to send, what came of them ---- */
  const store = {
    opened: null,
    open() {
      this.opened ??= new Promise((done, fail) => {
        const asked = indexedDB.open(`window-${part().dataset.centre}`, 1);
        asked.onupgradeneeded = () => {
          asked.result.createObjectStore("kept");
          asked.result.createObjectStore("queue", { autoIncrement: true });
        };
        asked.onsuccess = () => done(asked.result);
        asked.onerror = () => fail(asked.error);
      });
      return this.opened;
    },
    async run(name, mode, deed) {
      const base = await this.open();
      return new Promise((done, fail) => {
        const turn = base.transaction(name, mode);
        const asked = deed(turn.objectStore(name));
        turn.oncomplete = () => done(asked?.result);
        turn.onerror = turn.onabort = () => fail(turn.error);
      });
    },
    get: (key) => store.run("kept", "readonly", (box) => box.get(key)),
    put: (key, value) => store.run("kept", "readwrite", (box) => box.put(value, key)),
    queue: () => store.run("queue", "readonly", (box) => box.getAll()),
    add: (scan) => store.run("queue", "readwrite", (box) => box.add(scan)),
    async drop(done) {
      const base = await this.open();
      return new Promise((over, fail) => {
        const turn = base.transaction("queue", "readwrite");
        turn.objectStore("queue").openCursor().onsuccess = ({ target }) => {
          const at = target.result;
          if (!at) return;
          if (done.has(at.value?.key ?? null)) at.delete();
          at.continue();
        };
        turn.oncomplete = over;
        turn.onerror = turn.onabort = () => fail(turn.error);
      });
    },
  };

  /* ---- the line ---- */
  let down = false;
  async function line(isDown) {
    down = isDown;
    if (!part()) return;
    part().toggleAttribute("data-off", isDown);
    const many = (await store.queue()).length;
    $("#window-queued").textContent = many ? fill(words().queued, { n: many }) : "";
    const list = await store.get("list"), note = $("#window-stale");
    note.hidden = !isDown || !list || list.day === today(list);
    if (!note.hidden) { $("h2", note).textContent = staleTitle(list); $("p", note).textContent = words().staleText; }
  }
  const token = () => $("#shell").dataset.csrf || "";
  async function ask(url, options = {}) {
    const give = new AbortController(), timer = setTimeout(() => give.abort(), WAIT);
    try {
      const answer = await fetch(url, {
        credentials: "same-origin", redirect: "manual", signal: give.signal, ...options,
        headers: { "X-Window": "1", "X-CSRFToken": token(), Accept: "application/problem+json, application/json;q=0.9", ...options.headers },
      });
      if (answer.status >= 500) throw new Error(String(answer.status));
      return answer;
    } finally { clearTimeout(timer); }
  }

  /* ---- answers ---- */
  function show(html) {
    const box = $("#verdict");
    box.innerHTML = html;
    const verdict = $(".verdict", box);
    shade(verdict);
  }
  function shade(verdict) {
    $(".window-columns").inert = Boolean(verdict);
    $$("#pad-number").forEach((field) => { field.value = ""; });
    if (!verdict) return;
    sound(verdict.dataset.kind);
    verdict.focus({ preventScroll: true });
  }
  function close() {
    $("#verdict").replaceChildren();
    shade(null);
    $("#pad-number")?.focus({ preventScroll: true });
  }
  function plain(kind, title, text) {
    offlineVerdict({ kind, colour: "red", title, text: text || "", order: null }, null, false);
  }

  async function submit(form, submitter) {
    const data = new FormData(form, submitter);
    const isScan = form.action.endsWith("/scan");
    if (form.id === "scan-form" || form.id === "number-form") data.set("key", fresh());
    if (isScan && down && !navigator.onLine) { await offline(data); return; }
    try {
      const answer = await ask(form.action, { method: "POST", body: data });
      if (answer.type === "opaqueredirect") { location.assign(part().dataset.url); return; }
      if (answer.ok) show(await answer.text());
      else {
        const said = await answer.json().catch(() => ({}));
        plain("refused", said.title || words().wrong, said.detail);
      }
      if (down) await back();
    } catch {
      if (isScan) await offline(data);
      else plain("refused", words().later, words().laterText);
    }
  }

  /* ---- while the line is down ---- */
  const code = (text) => text.trim().replace(/\/+$/, "").split("/").pop().split("?")[0].toUpperCase()
    .replace(/O/g, "0").replace(/[IL]/g, "1");
  async function digest(text) {
    const sum = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
    return [...new Uint8Array(sum)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  /* the server's time, carried on by ours: a tablet's clock may be wrong */
  const time = (list) => Date.now() + (list?.ahead || 0);
  function menuNow(list) {
    const now = time(list);
    return list.menus.find((menu) => now <= Date.parse(menu.until)) || list.menus.at(-1);
  }
  async function find(list, text) {
    const short = text.replace(/\s/g, "").toUpperCase();
    if (/^\d{1,4}$/.test(short)) {
      const menu = menuNow(list);
      return list.orders.find((one) => one.menu === menu?.id && one.pick_up === Number(short));
    }
    const sum = await digest(code(text));
    return list.orders.find((one) => one.number === short || one.hash === sum);
  }
  const red = (kind, order, more = {}) => ({ kind, colour: "red", order, title: words()[kind], text: words()[`${kind}Text`] || "", ...more });
  /* Nothing of the list: what can be said by its shape alone (core/codes.py). Whether a whole code was made by us needs
     the server's secret, which never comes here: such a one stays unknown until the line is back. */
  function stranger(text, how) {
    const plain = code(text), { kinds, length } = words().codes;
    const ours = kinds.includes(plain[0]) && /^[0-9A-HJKMNP-TV-Z]+$/.test(plain);
    if (how === "number") return red("unknown", null);
    if (ours && plain.length === length) return red(plain[0] === "K" ? "card" : "unknown", null);
    if (ours && plain.length >= 8 && plain.length < length) return red("cut", null);
    if (/[^\w-]/.test(text.trim()) || plain.length > length) return red("forged", null);
    return red("unknown", null);
  }
  async function judge(text, cash, how, here) {
    const say = words(), list = await store.get("list"), queue = await store.queue();
    if (!list) return red("unknown", null, { text: say.noList });
    if (list.day !== today(list)) return red("unknown", null, { title: staleTitle(list), text: say.staleText });
    const order = await find(list, text);
    if (!order) return (await otherDay(list, text)) || stranger(text, how);
    const menu = list.menus.find((one) => one.id === order.menu);
    const before = queue.find((scan) => scan.number === order.number);
    if (before) return red("here", order);
    if (["collected", "delivered"].includes(order.state)) return red("already", order);
    if (order.state === "cancelled" || order.state === "failed") return red(order.state, order);
    if (time(list) < Date.parse(menu.from)) return red("wrong_meal", order);
    if (order.state === "uncollected" || time(list) > Date.parse(menu.until)) return red("late", order);
    if (order.ask) return { kind: "ask", colour: "amber", order, title: say.ask, text: say.askText };
    if (order.away && !here) return { kind: "away", colour: "amber", order, title: say.away, text: say.awayText };
    if (order.due && !cash) return { kind: "pay", colour: "amber", order, title: fill(say.pay, { sum: yuan(order.due) }), text: say.payText };
    return { kind: "ok", colour: "green", order, title: fill(say.ok, { n: order.pick_up }), text: "" };
  }
  function today(list) {
    return new Intl.DateTimeFormat("en-CA", { timeZone: list.zone }).format(new Date(time(list)));
  }
  function dayWords(day) {
    const said = new Intl.DateTimeFormat(document.documentElement.lang, { month: "long", day: "numeric", timeZone: "UTC" });
    return said.format(new Date(day));
  }
  const staleTitle = (list) => fill(words().stale, { day: dayWords(list.day) });
  async function otherDay(list, text) {
    const short = text.replace(/\s/g, "").toUpperCase(), sum = await digest(code(text));
    const found = list.others?.find((one) => one.numbers.includes(short) || one.hashes.some((hash) => sum.startsWith(hash)));
    return found && red("wrong_day", null, { title: fill(words().wrong_day, { day: dayWords(found.day) }) });
  }
  async function offline(data) {
    await line(true);
    const text = String(data.get("payload")), cash = data.get("cash") === "1";
    const found = await judge(text, cash, data.get("how"), data.get("here") === "1");
    if (found.kind === "ok") {
      const by = data.get("by") ? { by: Number(data.get("by")) } : {};
      await store.add({ key: data.get("key"), number: found.order.number, at: new Date(time(await store.get("list"))).toISOString(), how: data.get("how"), cash, fen: cash ? found.order.due : 0, ...by });
      await line(true);
    }
    offlineVerdict(found, data, true);
  }
  function offlineVerdict(found, data, off) {
    const copy = $("#offline-verdict").content.cloneNode(true), verdict = $(".verdict", copy);
    verdict.classList.add(found.colour);
    verdict.classList.toggle("off-line", off);
    verdict.dataset.kind = found.kind;
    if (!off) $(".verdict-line", verdict).remove();
    $$("[data-shape]", verdict).forEach((shape) => { if (shape.dataset.shape !== found.colour) shape.remove(); });
    const set = (name, text) => { $(`[data-part=${name}]`, verdict).textContent = text; };
    set("word", words().colours[found.colour]);
    set("title", found.title);
    set("text", found.text);
    set("dish", found.order?.dish || "");
    set("wishes", found.order ? [words().textures[found.order.texture], found.order.low_salt ? words().lowSalt : ""].filter(Boolean).join(" ") : "");
    if (found.order) set("number", found.order.pick_up);
    else $(".verdict-number", verdict).remove();
    const go = $("[data-offline-go]", verdict);
    const [field, text] = { pay: ["cash", words().paid], away: ["here", words().awayDeed] }[found.kind] || [];
    if (field) {
      go.hidden = false;
      go.textContent = fill(text, { sum: yuan(found.order.due) });
      go.addEventListener("click", () => { data.set(field, "1"); offline(data); }, { once: true });
    }
    $("#verdict").replaceChildren(copy);
    shade($("#verdict .verdict"));
  }

  /* ---- the line is back: send what was kept, in order, and say what came of it ---- */
  let sending = false;
  async function back() {
    if (sending || !part()) return;
    sending = true;
    try {
      for (;;) {
        const queue = await store.queue(), turn = queue.slice(0, BATCH);
        if (!turn.length) break;
        const answer = await ask(part().dataset.batchUrl, {
          method: "POST", body: JSON.stringify({ window: part().dataset.name, scans: turn }),
          headers: { "Content-Type": "application/json" },
        });
        if (answer.type === "opaqueredirect") { location.assign(part().dataset.url); return; }
        if (!answer.ok) {
          if (isKept()) location.assign(part().dataset.url); /* its tokens may be of an older session: open it anew */
          break;
        }
        const { answers } = await answer.json();
        await store.put("back", [...((await store.get("back")) || []), ...answers]);
        await store.drop(new Set(answers.map((one) => one.key ?? null)));
      }
      const wasDown = down;
      await line(false);
      await told();
      if (wasDown) window.htmx?.trigger("#window-side", "back"); /* not only with its next poll */
    } catch { await line(true); }
    sending = false;
  }
  async function told() {
    const rows = (await store.get("back")) || [], box = $("#window-back");
    if (!box) return;
    box.hidden = !rows.length;
    $("#window-back-list").replaceChildren(...rows.map((one) => {
      const row = document.createElement("li");
      row.dataset.kind = one.kind;
      row.textContent = one.kind === "ok"
        ? [fill(words().sentOk, { n: one.pick_up }), one.text].filter(Boolean).join(" ")
        : fill(words().sentOdd, { n: one.pick_up ?? "?", title: one.title, text: one.text });
      return row;
    }));
  }
  let version = "";
  async function refresh() {
    if (!part()) return;
    try {
      const answer = await ask(part().dataset.listUrl, { headers: version ? { "If-None-Match": version } : {}, cache: "no-store" });
      if (answer.type === "opaqueredirect") {
        if (down || isKept()) location.assign(part().dataset.url); /* to the sign-in, and back here */
        return;
      }
      if (answer.status === 200) {
        version = answer.headers.get("ETag") || "";
        const list = await answer.json();
        await store.put("list", { ...list, ahead: Date.parse(list.now) - Date.now() });
        if (list.day !== day) keep(list.day);
      }
      await back();
    } catch { await line(true); }
  }

  /* ---- the page itself, for a tablet that starts again while the line is down: a worker of its own keeps it, once on
     each arrival and for each day ---- */
  const isKept = () => part()?.dataset.kept !== undefined;
  let day = "";
  async function keep(today) {
    if (!navigator.serviceWorker) return; /* not behind https: the page works as long as it stays open */
    const { worker, url } = part().dataset;
    try {
      await navigator.serviceWorker.register(worker, { scope: url });
      (await navigator.serviceWorker.ready).active.postMessage("keep");
      day = today;
    } catch { /* the line went down meanwhile: the next list asks again */ }
  }

  /* ---- the count of the till: adds up while one types ---- */
  function addUp() {
    const form = $("[data-count]");
    if (!form) return;
    const sum = $$("[data-fen]", form).reduce((all, field) => all + Number(field.dataset.fen) * (parseInt(field.value, 10) || 0), 0);
    const rest = sum - Number(form.dataset.count);
    $("[data-count-sum]", form).textContent = yuan(sum);
    $("[data-count-difference]", form).textContent = rest === 0
      ? form.dataset.fits
      : fill(rest > 0 ? form.dataset.more : form.dataset.less, { sum: yuan(Math.abs(rest)) });
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!part() || !form.matches("[data-window-form]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    delete form.dataset.sent; /* the next slip may come within the two seconds in which a double tap is not sent */
    submit(form, event.submitter || undefined);
  }, true);
  document.addEventListener("click", (event) => {
    if (event.target.closest("#window-back-seen")) store.put("back", []).then(told);
    if (event.target.closest("[data-verdict-close]") && part()) { event.preventDefault(); event.stopPropagation(); close(); }
  }, true);
  document.addEventListener("input", (event) => { if (event.target.matches("[data-fen]")) addUp(); });
  /* polls wait while the line is down; the script asks by itself when it is back */
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { boosted, requestConfig } = event.detail;
    if (part() && !boosted && requestConfig.verb === "get" && (down || !navigator.onLine)) event.preventDefault();
  });
  addEventListener("online", () => refresh());
  addEventListener("offline", () => line(true));
  setInterval(() => { if (part() && !$("#verdict .verdict[data-kind=ask]")) refresh(); }, REFRESH);

  window.hallWindow = () => {
    addUp();
    if (!part()) return;
    version = day = "";
    if (isKept()) line(true);
    if ($("#verdict .verdict")) shade($("#verdict .verdict"));
    told();
    refresh();
  };
  window.hallWindow();
})();
