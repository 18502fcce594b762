// Keeps the page up to date without reloading it, and sends its forms without leaving it. The page works without
// this script too.
(() => {
  "use strict";
  const EVERY = 1000;      // milliseconds between two looks
  const SLOWEST = 5000;    // the same while the emulator does not answer
  const PATIENCE = 5000;   // for one answer
  const SHOW_OTP = 30000;  // how long an OTP is shown
  const link = document.getElementById("link");
  const said = document.getElementById("said");
  let tag = "";       // of the page that is shown
  let failures = 0;   // in a row
  let turn = 0;       // of the latest request: earlier answers are out of date
  let timer = 0;
  let hiding = 0;

  // From the origin: the page's own address may hold a password, which `fetch` refuses.
  const fetchPage = (path, options) =>
    fetch(location.origin + path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE), ...options });
  const current = () => "/" + location.search;

  // --- what is heard and seen besides the page itself

  function say(text) {
    // A text that does not change is not read out again.
    said.textContent = said.textContent === text ? text + "\u00a0" : text;
  }

  function showLink(answers) {
    failures = answers ? 0 : failures + 1;
    const gone = failures > 1; // one answer may be lost
    if (gone === (document.documentElement.dataset.link === "gone") && link.textContent) return;
    document.documentElement.dataset.link = gone ? "gone" : "live";
    link.textContent = gone ? "The emulator does not answer. Trying again…" : "Live";
  }

  // --- patching

  const key = (node, list) =>
    node.nodeType !== 1 ? "#" : node.id || node.dataset.key || (list ? node.outerHTML : node.nodeName);

  // Makes `old` equal to `now` and keeps its elements, so that focus, selection, scroll positions, open dialogs
  // and what was typed stay. `all` includes what only an action changes. Gives the new rows of lists.
  function morph(old, now, all, rows) {
    if (old.nodeType !== 1) {
      if (old.data !== now.data) old.data = now.data;
      return rows;
    }
    if (old.nodeName === "NOSCRIPT" || "own" in old.dataset || (!all && "kept" in old.dataset)) return rows;
    if (old.isEqualNode(now)) return rows;
    for (const { name, value } of now.attributes)
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    for (const { name } of [...old.attributes])
      if (name !== "open" && !now.hasAttribute(name)) old.removeAttribute(name);

    const list = "list" in old.dataset;
    const kind = list ? "children" : "childNodes";
    const left = new Map();
    for (const node of old[kind]) {
      const name = key(node, list);
      left.set(name, [...(left.get(name) ?? []), node]);
    }
    const plan = Array.from(now[kind], (node) => [node, left.get(key(node, list))?.shift()]);
    for (const nodes of left.values()) for (const node of nodes) node.remove();
    let next = old[list ? "firstElementChild" : "firstChild"];
    for (const [node, same] of plan) {
      if (!same) {
        const added = document.importNode(node, true);
        old.insertBefore(added, next);
        if (list) rows.push(added);
        else if (added.nodeType === 1) rows.push(...added.querySelectorAll("[data-list] > *"));
        continue;
      }
      // Text makes way: an element that is moved would lose the focus.
      for (let text; next && next !== same && next.nodeType !== 1; text.remove()) {
        text = next;
        next = next.nextSibling;
      }
      if (same === next) next = next[list ? "nextElementSibling" : "nextSibling"];
      else old.insertBefore(same, next);
      morph(same, node, all, rows);
    }
    return rows;
  }

  // Shows this answer, and says what is new, or after an action that it is done.
  async function show(response, action, done) {
    const next = new DOMParser().parseFromString(await response.text(), "text/html");
    const [ours, theirs] = [document, next].map((page) => page.documentElement.dataset.page);
    if (theirs !== ours) {
      if (theirs?.startsWith("otp-emulator ")) location.reload(); // of another version
      throw new Error("another program answers here");
    }
    tag = action ? "" : response.headers.get("etag") ?? "";
    const focused = document.activeElement;
    const section = focused?.closest("section");
    const rows = morph(document.body, next.body, action, []);
    // What had the focus is gone: the next place is the title above it.
    if (focused && !focused.isConnected) section?.querySelector("h2")?.focus();
    const news = new Map();
    for (const row of rows) {
      if (!matchMedia("(prefers-reduced-motion: reduce)").matches)
        row.animate([{ backgroundColor: "var(--fresh)" }, {}], { duration: 2000, easing: "ease-out" });
      const what = row.parentNode.dataset.list;
      const name = row.querySelector("[data-say]")?.textContent;
      if (what && name) news.set(what, [...(news.get(what) ?? []), name]);
    }
    const sentences = [...news].map(([what, names]) =>
      names.length > 3 ? `${what}: ${names.length}.` : `${what}: ${names.join("; ")}.`);
    if (done && response.ok) say(done);
    else if (sentences.length) say(sentences.join(" "));
  }

  // --- looking

  async function look() {
    clearTimeout(timer);
    if (document.hidden) return;
    const mine = ++turn;
    try {
      const response = await fetchPage(current(), tag ? { headers: { "If-None-Match": tag } } : {});
      if (mine !== turn) return;
      if (response.status !== 304) {
        if (!response.ok) throw new Error(`HTTP ${response.status}`);
        await show(response, false);
      }
      showLink(true);
    } catch {
      if (mine === turn) showLink(false);
    }
    if (mine === turn) timer = setTimeout(look, Math.min(EVERY * 2 ** Math.max(failures - 1, 0), SLOWEST));
  }

  // --- acting

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    event.preventDefault();
    if (form.ariaBusy === "true") return;
    form.ariaBusy = "true";
    form.closest("[popover]")?.hidePopover();
    const mine = ++turn;
    clearTimeout(timer);
    clearTimeout(hiding);
    const body = new URLSearchParams(new FormData(form, event.submitter));
    const posts = form.getAttribute("method") === "post";
    try {
      const response = await fetchPage(
        posts ? form.getAttribute("action") : current(), posts ? { method: "POST", body } : {});
      if (mine === turn) await show(response, true, event.submitter?.dataset.done ?? form.dataset.done);
      showLink(true);
    } catch {
      failures += 1;
      showLink(false);
    }
    form.ariaBusy = null;
    if (document.querySelector("output")) hiding = setTimeout(hide, SHOW_OTP);
    if (mine === turn) timer = setTimeout(look, EVERY);
  });

  const hide = () => document.querySelector("output + form")?.requestSubmit();

  document.addEventListener("visibilitychange", look);
  addEventListener("pageshow", (event) => event.persisted && look());
  showLink(true);
  look();
})();
