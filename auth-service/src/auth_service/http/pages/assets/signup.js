const form = byId("signup-form");
const email = byId("email");
const password = byId("password");
const minLength = Number(password.dataset.min);
const SETTLED = ["sent", "failed", "expired", "superseded", "suppressed"];
const AGAIN_SECONDS = 30;
let follow = 0; // which receipt is being followed; an older one stops by itself
let address = "";

const lengthOf = (text) => [...text.normalize("NFC")].length;
const flawText = (code) => fill(texts.flaws[code] ?? texts.flaws.other, { min: minLength });

function showLength() {
  const length = lengthOf(password.value);
  byId("meter").style.width = `${Math.min(100, (100 * length) / minLength)}%`;
  byId("meter").classList.toggle("good", length >= minLength);
  const left = minLength - length;
  byId("password-hint").textContent =
    length === 0
      ? fill(texts.signup.password_hint, { min: minLength })
      : left > 0
        ? fill(texts.signup.password_left, { left })
        : texts.signup.password_good;
}

function check() {
  const flaws = {
    email: email.value.trim() === "" ? "missing" : email.value.includes("@") ? "" : "invalid_address",
    password: password.value === "" ? "missing" : lengthOf(password.value) < minLength ? "too_short" : "",
  };
  return mark(flaws);
}

function mark(flaws) {
  for (const id of ["email", "password"]) flaw(id, flaws[id] ? flawText(flaws[id]) : "");
  const first = ["email", "password"].find((id) => flaws[id]);
  if (first) byId(first).focus();
  return !first;
}

async function submit(event) {
  event.preventDefault();
  notice("signup-problem", "");
  if (!check()) return;
  address = email.value.trim();
  const body = { email: address, password: password.value, locale: document.documentElement.lang };
  const answer = await whileBusy(form.querySelector("[type=submit]"), () => call("POST", "/v1/registrations", body));
  if (answer.ok) {
    password.value = "";
    showSent(answer.data.receipt);
  } else if (!answer.data.errors) {
    notice("signup-problem", explain(answer));
  } else if (mark(Object.fromEntries(answer.data.errors.map((error) => [error.pointer.slice(2), error.code])))) {
    notice("signup-problem", explain(answer));
  }
}

function showSent(receipt) {
  byId("sent-address").textContent = address;
  byId("languages").hidden = true;
  notice("sent-notice", "");
  flaw("code", "");
  byId("code").value = "";
  reveal("sent");
  coolDown();
  followLetter(receipt);
}

async function followLetter(receipt) {
  const mine = ++follow;
  draw([]);
  const started = Date.now();
  while (mine === follow && !byId("sent").hidden) {
    const answer = await call("GET", `/v1/receipts/${receipt}`);
    if (mine !== follow) return;
    if (answer.ok) draw(answer.data.timeline, SETTLED.includes(answer.data.state));
    else if (answer.status === 404) return;
    else byId("timeline").lastElementChild.textContent = texts.states.unreachable;
    if (answer.ok && SETTLED.includes(answer.data.state)) return;
    // A person watches the first seconds; afterwards the page only keeps itself honest.
    const waited = Date.now() - started;
    const pause = document.hidden ? 5000 : waited < 20000 ? 700 : waited < 120000 ? 2500 : 15000;
    await new Promise((resume) => setTimeout(resume, pause));
  }
}

function draw(timeline, settled = false) {
  const steps = timeline.map((step) => entry(step.state, texts.states[step.state], step.at));
  if (!settled) steps.push(entry("waiting", texts.states.waiting));
  byId("timeline").replaceChildren(...steps);
}

function entry(state, text, at) {
  const item = document.createElement("li");
  item.className = state;
  item.append(text);
  if (at) {
    const time = document.createElement("time");
    time.dateTime = at;
    time.textContent = new Date(at).toLocaleTimeString();
    item.append(time);
  }
  return item;
}

function coolDown() {
  const button = byId("again");
  const until = Date.now() + AGAIN_SECONDS * 1000;
  const mine = follow + 1;
  const tick = () => {
    if (follow > mine) return;
    const seconds = Math.ceil((until - Date.now()) / 1000);
    button.disabled = seconds > 0;
    button.textContent = seconds > 0 ? fill(texts.sent.again_in, { seconds }) : texts.sent.again;
    if (seconds > 0) setTimeout(tick, 500);
  };
  tick();
}

async function again() {
  const answer = await whileBusy(byId("again"), () => call("POST", "/v1/registrations/resend", { email: address }));
  if (!answer.ok) {
    notice("sent-notice", explain(answer));
    return;
  }
  notice("sent-notice", texts.sent.again_done);
  flaw("code", "");
  coolDown();
  followLetter(answer.data.receipt);
}

form.addEventListener("submit", submit);
password.addEventListener("input", showLength);
for (const id of ["email", "password"]) byId(id).addEventListener("input", () => flaw(id, ""));
byId("reveal").addEventListener("click", () => {
  const shown = password.type === "text";
  password.type = shown ? "password" : "text";
  byId("reveal").textContent = shown ? texts.show : texts.hide;
  byId("reveal").setAttribute("aria-pressed", String(!shown));
});
byId("code-form").addEventListener("submit", (event) => {
  event.preventDefault();
  confirmByCode(event.target, address);
});
byId("again").addEventListener("click", again);
byId("other").addEventListener("click", () => {
  follow += 1;
  byId("languages").hidden = false;
  showLength();
  reveal("ask");
  email.focus();
});
showLength();
