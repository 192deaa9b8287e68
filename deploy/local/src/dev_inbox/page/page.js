"use strict";
(() => {
  const PAGE_SIZE = 200;
  const SOURCE_SHOWN = 300000;
  const at = (id) => document.getElementById(id);
  const rows = new Map();
  let kept = 0;
  let oldest = null;
  let opened = null;
  let asked = 0;
  let loading = true;

  // The list

  const words = () => at("search").value.trim().toLowerCase();

  const addressOf = (id) => "/?" + new URLSearchParams({ message: id });

  function when(stamp) {
    const time = new Date(stamp);
    const today = time.toDateString() === new Date().toDateString();
    return today
      ? time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" })
      : time.toLocaleDateString([], { day: "numeric", month: "short" });
  }

  function element(name, properties, ...children) {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  }

  function rowOf(letter) {
    const link = element("a", { className: "row", href: addressOf(letter.id) },
      element("span", { className: "who", dir: "ltr", textContent: letter.to.join(", ") || "(nobody)" }),
      element("time", { dateTime: letter.received_at, textContent: when(letter.received_at) }),
      element("span", { className: "what", dir: "auto", textContent: letter.subject || "(no subject)" }));
    link.dataset.id = letter.id;
    const row = element("li", {}, link);
    rows.set(letter.id, row);
    if (letter.id === opened) link.setAttribute("aria-current", "true");
    return row;
  }

  function show() {
    const none = rows.size === 0;
    const searching = words() !== "";
    at("empty").hidden = !none || loading;
    at("empty-title").textContent = searching ? "Nothing found" : "No letters yet";
    at("empty-text").hidden = searching;
    at("panes").classList.toggle("bare", none && !searching && opened === null);
    at("clear").hidden = kept === 0;
    at("count").hidden = none;
    at("count").textContent =
      searching ? `${rows.size}${at("older").hidden ? "" : "+"} found` : kept === 1 ? "1 letter" : `${kept} letters`;
    document.title = kept ? `Inbox (${kept})` : "Inbox";
  }

  async function load(before) {
    const query = new URLSearchParams({ limit: PAGE_SIZE });
    if (words()) query.set("q", words());
    if (before) query.set("before", before);
    const mine = ++asked;
    loading = true;
    const answer = await fetch("/api/messages?" + query).then((reply) => reply.json()).catch(() => null);
    if (mine !== asked) return;
    loading = false;
    if (answer === null) return;
    const older = new DocumentFragment();
    if (!before) { rows.clear(); at("rows").replaceChildren(); }
    for (const letter of answer.messages) if (!rows.has(letter.id)) older.append(rowOf(letter));
    at("rows").append(older);
    kept = answer.kept;
    oldest = answer.messages.at(-1)?.id ?? oldest;
    at("older").hidden = answer.messages.length < PAGE_SIZE;
    show();
  }

  // Asks for the newest letter every second, and for the list only where that is another one.
  let seen = null;
  async function poll() {
    const answer = await fetch("/api/messages?limit=1").then((reply) => reply.json()).catch(() => null);
    at("live").textContent = answer === null ? "reconnecting" : "live";
    at("live").classList.toggle("on", answer !== null);
    const newest = answer && `${answer.kept} ${answer.messages[0]?.id}`;
    if (newest !== null && newest !== seen) {
      if (seen === null || !rows.size || !answer.kept) await load();
      else await arrive();
      seen = newest;
    }
    setTimeout(poll, 1000);
  }

  async function arrive() {
    const query = new URLSearchParams({ limit: PAGE_SIZE });
    if (words()) query.set("q", words());
    const mine = asked;
    const answer = await fetch("/api/messages?" + query).then((reply) => reply.json()).catch(() => null);
    if (answer === null || mine !== asked) return;
    const known = answer.messages.findIndex((each) => rows.has(each.id));
    if (known < 0 && answer.messages.length) { await load(); return; }
    kept = answer.kept;
    const newest = new DocumentFragment();
    for (const each of answer.messages.slice(0, Math.max(known, 0))) {
      const row = rowOf(each);
      row.firstChild.classList.add("new");
      newest.append(row);
    }
    at("rows").prepend(newest);
    show();
  }

  // The reading view

  function linked(text) {
    const pieces = text.split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]}])/);
    return pieces.map((piece, number) => number % 2
      ? element("a", { href: piece, target: "_blank", rel: "noopener noreferrer", textContent: piece })
      : piece);
  }

  function choose(part) {
    for (const tab of document.querySelectorAll("[role=tab]")) {
      const chosen = tab.dataset.part === part;
      tab.setAttribute("aria-selected", chosen);
      tab.tabIndex = chosen ? 0 : -1;
      at("part-" + tab.dataset.part).hidden = !chosen;
    }
  }

  function fill(letter) {
    at("subject").textContent = letter.subject || "(no subject)";
    at("to").textContent = letter.to.join(", ") || "(nobody)";
    at("from").textContent = letter.from || "(null sender)";
    at("received").textContent = new Date(letter.received_at).toLocaleString();
    at("received").dateTime = letter.received_at;
    at("size").textContent = letter.size < 1024 ? `${letter.size} bytes` : `${(letter.size / 1024).toFixed(1)} KB`;
    at("save").href = `/api/messages/${letter.id}/source`;
    at("text").replaceChildren(...linked(letter.text ?? ""));
    at("source").textContent = letter.source.length > SOURCE_SHOWN
      ? letter.source.slice(0, SOURCE_SHOWN) + "\n\n… the rest is in the saved file"
      : letter.source;
    at("tab-html").disabled = letter.html === null;
    at("tab-text").disabled = letter.text === null;
    const frame = element("iframe", { title: "HTML part of the letter", referrerPolicy: "no-referrer" });
    frame.setAttribute("sandbox", "allow-popups allow-popups-to-escape-sandbox");
    frame.src = `/messages/${letter.id}/html`;
    at("part-html").replaceChildren(...(letter.html === null ? [] : [frame]));
    choose(letter.html !== null ? "html" : letter.text !== null ? "text" : "source");
  }

  async function open(id) {
    if (id === opened && id !== null) return;
    opened = id;
    for (const link of document.querySelectorAll("[aria-current]")) link.removeAttribute("aria-current");
    rows.get(id)?.firstChild.setAttribute("aria-current", "true");
    document.body.classList.toggle("reading-open", id !== null);
    at("hint").hidden = id !== null;
    at("letter").hidden = true;
    show();
    if (id === null) return;
    const reply = await fetch("/api/messages/" + encodeURIComponent(id)).catch(() => null);
    if (opened !== id) return;
    if (!reply?.ok) {
      at("hint").textContent = "This letter is gone.";
      at("hint").hidden = false;
      document.body.classList.remove("reading-open");
      return;
    }
    fill(await reply.json());
    at("letter").hidden = false;
    // The addresses of very many recipients scroll.
    at("to").tabIndex = at("to").scrollHeight > at("to").clientHeight ? 0 : -1;
  }

  function go(id) {
    history.pushState(null, "", id === null ? "/" : addressOf(id));
    return open(id);
  }

  const wanted = () => new URLSearchParams(location.search).get("message");

  // What people do

  document.addEventListener("click", (event) => {
    const link = event.target.closest(".row, .back");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    go(link.dataset.id ?? null).then(() => at("subject").focus({ preventScroll: true }));
  });
  for (const tab of document.querySelectorAll("[role=tab]")) {
    tab.addEventListener("click", () => choose(tab.dataset.part));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const tabs = [...document.querySelectorAll("[role=tab]:not(:disabled)")];
      const next = tabs.at((tabs.indexOf(tab) + step) % tabs.length);
      choose(next.dataset.part);
      next.focus();
    });
  }
  let typing;
  at("search").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => { at("list").scrollTop = 0; load(); }, 150);
  });
  at("older").addEventListener("click", () => load(oldest));
  at("clear").addEventListener("click", async () => {
    if (!confirm("Delete all letters?")) return;
    await fetch("/api/messages", { method: "DELETE" });
    load();
    if (opened !== null) go(null);
  });
  addEventListener("popstate", () => open(wanted()));

  open(wanted());
  poll();
})();
