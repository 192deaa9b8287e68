// What every page needs: texts, calls, sections, fields. Secrets go into bodies only, never into an address.
// Browsers of 2021 run this: nothing newer than ES2020, no API that Safari 15, Chrome 90 or Firefox 100 lacks.
const { lang } = document.documentElement;
const byId = (id) => document.getElementById(id);
const texts = JSON.parse(byId("texts").textContent);
const { base } = byId("texts").dataset; // the path that every address of ours begins with
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const PATIENCE_MS = 20000;

async function call(method, path, body) {
  const patience = new AbortController();
  // Made and sent outside the try: what throws there is a fault of ours, not of the network.
  const request = new Request(base + path, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body && JSON.stringify(body),
    credentials: "omit",
    cache: "no-store",
    signal: patience.signal,
  });
  const sent = fetch(request);
  const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
  try {
    const response = await sent;
    const text = await response.text();
    const retryAfter = Number(response.headers.get("Retry-After")) || 0;
    return { ok: response.ok, status: response.status, data: readJson(text), retryAfter };
  } catch (error) {
    if (error instanceof TypeError || error.name === "AbortError") return { ok: false, status: 0, data: {}, retryAfter: 0 };
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

// A proxy in between may answer with a page of its own.
function readJson(text) {
  try {
    return JSON.parse(text) || {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function explain(answer) {
  const { problems } = texts;
  if (answer.status === 0) return problems.offline;
  if (answer.status === 429) return fill(problems.too_many, { wait: duration(answer.retryAfter || 60) });
  return problems[answer.data.code] || (answer.status >= 500 ? problems.internal_error : problems.other);
}

function duration(seconds) {
  const [value, unit] =
    seconds < 100 ? [seconds, "second"] : seconds < 6000 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  return new Intl.NumberFormat(lang, { style: "unit", unit, unitDisplay: "long" }).format(Math.ceil(value));
}

function reveal(id) {
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== id;
  announceHeading(byId(id));
  window.scrollTo(0, 0);
}

// The heading says where a person is: it has the focus, and the tab its words.
function announceHeading(section) {
  const heading = section.querySelector("h1");
  document.title = `${heading.textContent} · ${document.title.split(" · ").pop()}`;
  heading.focus({ preventScroll: true });
}

function notice(id, text) {
  byId(id).textContent = text;
  byId(id).hidden = !text;
}

function flaw(id, text) {
  byId(`${id}-flaw`).textContent = text;
  if (text) byId(id).setAttribute("aria-invalid", "true");
  else byId(id).removeAttribute("aria-invalid");
}

// Writes to each of these fields what is wrong with it, by {field: text}, and leads to the first. Says whether all is well.
function mark(ids, flaws) {
  for (const id of ids) flaw(id, flaws[id] || "");
  const first = ids.find((id) => flaws[id]);
  if (first) byId(first).focus();
  return !first;
}

// What the server found wrong with fields, as {field: text}; the first flaw of each.
function flawsIn(answer) {
  const found = {};
  for (const { pointer, code, params = {}, detail } of answer.data.errors || []) {
    const field = pointer.replace(/^#?\//, "");
    const known = texts.flaws[code] && [fill(texts.flaws[code], params), texts.advice[params.reason]];
    const text = known ? known.filter(Boolean).join(" ") : lang === "en" && detail;
    if (!found[field]) found[field] = text || texts.flaws.other;
  }
  return found;
}

// Does what a person asked for with this button, once at a time; it keeps the focus. What nobody foresaw is told as a
// fault of ours, never as a broken connection.
async function attempt(button, noticeId, work) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  notice(noticeId, "");
  try {
    await work();
  } catch (error) {
    console.error(error);
    notice(noticeId, texts.problems.internal_error);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function onSubmit(formId, noticeId, work) {
  const form = byId(formId);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(form.querySelector("[type=submit]"), noticeId, work);
  });
  for (const input of form.querySelectorAll("input")) input.addEventListener("input", () => flaw(input.id, ""));
}
