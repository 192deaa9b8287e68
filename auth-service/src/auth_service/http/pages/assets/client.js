// What both pages need: texts, calls, sections. Secrets go into bodies only, never into an address.
const texts = JSON.parse(document.getElementById("texts").textContent);
const byId = (id) => document.getElementById(id);
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

async function call(method, path, body) {
  try {
    const response = await fetch(path, {
      method,
      headers: body ? { "Content-Type": "application/json" } : {},
      body: body && JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
      signal: AbortSignal.timeout(15000),
    });
    return { ok: response.ok, status: response.status, data: await response.json() };
  } catch {
    return { ok: false, status: 0, data: {} };
  }
}

function explain(answer) {
  return texts.problems[answer.data.code] ?? texts.problems[answer.status === 0 ? "offline" : "other"];
}

function reveal(id) {
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== id;
  byId(id).querySelector("h1").focus({ preventScroll: true });
  window.scrollTo(0, 0);
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

async function whileBusy(button, work) {
  button.disabled = true;
  button.classList.add("busy");
  try {
    return await work();
  } finally {
    button.disabled = false;
    button.classList.remove("busy");
  }
}

function celebrate(answer) {
  byId("done-address").textContent = answer.data.email;
  // The link to the other language would lead back to the form.
  byId("languages").hidden = true;
  reveal("done");
}

// Codes are shown in two groups; spaces and dashes people type along are not part of them.
const digitsOf = (input) => input.value.replace(/[\s-]/g, "");

async function confirmByCode(form, email) {
  const input = form.elements.code;
  flaw(input.id, "");
  const code = digitsOf(input);
  if (!/^[0-9]{8}$/.test(code)) {
    flaw(input.id, texts.flaws.format);
    input.focus();
    return;
  }
  const answer = await whileBusy(form.querySelector("[type=submit]"), () =>
    call("POST", "/v1/verifications", { email, code }),
  );
  if (answer.ok) {
    celebrate(answer);
    return;
  }
  const aboutEmail = answer.data.errors?.some((error) => error.pointer === "#/email") && form.elements.email;
  if (aboutEmail) flaw("email", texts.flaws.invalid_address);
  else flaw(input.id, explain(answer));
  (aboutEmail || input).focus();
}
