// What a page looks like, in numbers. Everything is read from the laid-out page; nothing is taken from style sheets.
(limits) => {
  const faults = [];
  const say = (part, text) => faults.push(`${name(part)}: ${text}`);
  const name = (part) => {
    const words = (part.textContent || "").trim().replace(/\s+/g, " ").slice(0, 24);
    const look = typeof part.className === "string" ? part.className.trim().replace(/\s+/g, ".") : "";
    return `<${part.localName}${look ? "." + look : ""} ${words}>`;
  };
  const visible = (part) => part.checkVisibility({ checkVisibilityCSS: true, checkOpacity: true }) && !part.closest(".unseen, .skip, [hidden]");
  const box = (part) => part.getBoundingClientRect();
  const wide = innerWidth, high = innerHeight;

  // --- texts, line by line
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, part = node.parentElement;
    if (!node.data.trim() || !part || part.closest("script, style, title, option") || !visible(part)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    let size = parseFloat(getComputedStyle(part).fontSize);
    if (part instanceof SVGElement) size *= Math.abs(part.getScreenCTM()?.d ?? 1);
    const lines = [...range.getClientRects()].filter((line) => line.width > 1 && line.height > 1).map((line) => {
      // the font's box is half as high again as its signs
      const upright = getComputedStyle(part).writingMode.startsWith("vertical");
      const [from, to] = upright ? [line.left, line.right] : [line.top, line.bottom];
      const middle = (from + to) / 2, half = Math.min(to - from, size) * 0.44;
      if (upright) return { left: middle - half, right: middle + half, top: line.top, bottom: line.bottom };
      return { left: line.left, right: line.right, top: middle - half, bottom: middle + half };
    });
    if (lines.length) texts.push({ node, part, size, lines });
  }
  for (const { part, size } of texts) if (size < limits.text - 0.1) say(part, `text of ${size.toFixed(1)} px`);
  for (const { part, size, lines } of texts) {
    const torn = limits.still && document.documentElement.lang.startsWith("zh") && lines.length > 1 && part.closest("h1, .lead, .answer b, .button:not(.two-lines)");
    if (torn && lines.some(({ left, right }) => right - left < size * 1.2)) say(part, "one sign alone on a line");
  }

  // --- what can be touched
  const list = "a[href], button, input:not([type=hidden]), select, textarea, summary, label.radio, [role=button]";
  const targets = [...document.querySelectorAll(list)].filter((part) => visible(part) && box(part).width > 0)
    .filter((part) => !(part.matches("input") && part.closest("label")) && !(limits.inline && part.matches("a") && getComputedStyle(part).display === "inline"));
  for (const part of targets) {
    const { width, height } = box(part);
    const primary = limits.primary && part.matches(".primary");
    const least = primary ? limits.primary : [limits.target, limits.target];
    if (width < least[0] - 0.5 || height < least[1] - 0.5) say(part, `target of ${width.toFixed(0)}×${height.toFixed(0)}`);
  }
  for (let one = 0; one < targets.length; one += 1) {
    for (let two = one + 1; two < targets.length; two += 1) {
      const [p, q] = [targets[one], targets[two]];
      if (p.contains(q) || q.contains(p)) continue;
      const sticky = (part) => part.closest(".actions, .seat-actions, .pad-page > .button");
      if (limits.sticky && sticky(p) !== sticky(q)) continue; // the phone's foot lies over what scrolls under it
      const [a, b] = [box(p), box(q)];
      const gap = Math.hypot(Math.max(0, a.left - b.right, b.left - a.right), Math.max(0, a.top - b.bottom, b.top - a.bottom));
      const least = p.matches(".danger") || q.matches(".danger") ? limits.danger : limits.gap;
      if (gap < least - 0.6) say(p, `only ${gap.toFixed(0)} px from ${name(q)}`);
    }
  }

  // --- how much there is
  const heads = [...document.querySelectorAll("h1")].filter(visible);
  if (heads.length !== 1) faults.push(`${heads.length} h1`);
  const primaries = [...document.querySelectorAll(".button.primary")].filter(visible);
  if (primaries.length > 1) faults.push(`${primaries.length} primary buttons`);
  const choices = targets.filter((part) => part.closest("#main") && !part.closest(".pad, .plan, .plan-way, .pager") && !part.matches("input"));
  if (limits.choices && choices.length > limits.choices) faults.push(`${choices.length} choices`);

  // --- cut, overflowing, overlapping
  const cuts = (style) => ["hidden", "clip", "auto", "scroll"].includes(style.overflowX) || ["hidden", "clip", "auto", "scroll"].includes(style.overflowY);
  for (const part of document.querySelectorAll("#shell, #shell *")) {
    if (!visible(part) || part instanceof SVGElement || part.matches("input, select, textarea")) continue;
    const style = getComputedStyle(part);
    const across = part.scrollWidth - part.clientWidth, down = part.scrollHeight - part.clientHeight;
    if (style.display === "inline" || !cuts(style)) continue;
    if (limits.scrolls && part.matches(limits.scrolls)) continue;
    if (across > 1) say(part, `cut by ${across} px across`);
    // a line set tight is lower than its font's box: that alone cuts nothing off
    const tight = part.querySelector("p, div, ul, dl, svg, form, a, button") ? 1 : parseFloat(style.fontSize) * 0.23;
    if (down > tight) say(part, `cut by ${down} px below`);
  }
  if (document.documentElement.scrollWidth > wide) faults.push(`the page is ${document.documentElement.scrollWidth - wide} px too wide`);
  const holders = ".button, .choice, .tile, .seat, .fixed, .key, .tag, .answer, .slip, .notice, .answers, .plan, .now-next, .call-note, .wall, .table-top, .card-panel, .empty, .head, .main, .mast, .bar, th, td, .whole > *";
  for (const { part, lines } of texts) {
    if (part instanceof SVGElement) continue;
    for (let around = part.closest(holders); around; around = around.parentElement?.closest(holders)) {
      if (limits.scrolls && around.closest(limits.scrolls)) break;
      const inside = box(around);
      if (!inside.width || (around.matches(".main") && part.closest(".to-left, .undo")) || around.matches(".day-grid th")) continue;
      const out = Math.max(...lines.flatMap((line) => [inside.left - line.left, line.right - inside.right, inside.top - line.top, line.bottom - inside.bottom]));
      if (out > 1.5) { say(part, `stands ${out.toFixed(0)} px out of ${name(around)}`); break; }
    }
  }
  const over = (a, b) => Math.min(Math.min(a.right, b.right) - Math.max(a.left, b.left), Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));
  const scrolled = (part) => limits.scrolls && part.closest(limits.scrolls);
  const floats = (part) => part.closest(".over-mast, dialog") || (limits.sticky && part.closest(".actions, .seat-actions, .pad-page > .button"));
  for (let one = 0; one < texts.length; one += 1) {
    for (let two = one + 1; two < texts.length; two += 1) {
      const [p, q] = [texts[one], texts[two]];
      if (floats(p.part) !== floats(q.part) || p.part.closest("svg") || q.part.closest("svg")) continue;
      if (scrolled(p.part) !== scrolled(q.part)) continue; // what is scrolled away, or ends in an ellipsis, is not seen
      const most = Math.max(...p.lines.flatMap((a) => q.lines.map((b) => over(a, b))));
      if (most > 2) say(p.part, `lies on ${name(q.part)}`);
    }
    for (const target of targets) {
      const { part, lines } = texts[one];
      if (target.contains(part) || part.contains(target) || floats(target) !== floats(part) || part.closest("label")) continue;
      if (limits.scrolls && part.closest(limits.scrolls)) continue;
      const seen = box(target);
      if (Math.max(...lines.map((line) => over(line, seen))) > 2) say(part, `lies under ${name(target)}`);
    }
  }

  // --- where things stand
  const fixed = {};
  for (const part of document.querySelectorAll("[data-fixed]")) {
    const { x, y, width, height } = box(part);
    fixed[part.dataset.fixed] = [x, y, width, height].map(Math.round);
  }
  if (limits.top) {
    // a sentence of staff is closed at the top right, where it stands: it covers nothing and goes by itself
    for (const part of targets) if (!part.matches("#notice *") && box(part).top < limits.top - 0.5) say(part, `stands at y = ${box(part).top.toFixed(0)}`);
  }
  if (limits.still) {
    for (const part of targets) {
      const { left, top, right, bottom } = box(part);
      if (left < -0.5 || top < -0.5 || right > wide + 0.5 || bottom > high + 0.5) say(part, "is not wholly on the screen");
    }
    const main = document.querySelector("#main");
    if (main) {
      const room = box(main);
      for (const part of main.querySelectorAll("*")) {
        if (!visible(part) || getComputedStyle(part).position === "absolute" || part.closest(".to-left, svg, .undo")) continue;
        const { bottom, right } = box(part);
        if (bottom > room.bottom + 1 || right > room.right + 1) { say(part, `leaves the main part by ${Math.max(bottom - room.bottom, right - room.right).toFixed(0)} px`); break; }
      }
    }
  }
  return { faults: [...new Set(faults)].slice(0, 6), fixed };
}
