const email = byId("email");
const password = passwordField("password");
const SIGN_UP = "postern.signup";
const NOTHING_COMES = ["failed", "suppressed", "expired"];
let current = null; // {email, receipt, secret, againAt}: what this tab waits for
let told = ""; // the state its heading speaks of

async function submit() {
  const address = email.value.trim();
  const flaws = {
    email: address === "" ? texts.flaws.missing_email : address.includes("@") ? "" : texts.flaws.invalid_address,
    password: password.check(),
  };
  if (!mark(["email", "password"], flaws)) return;
  const client = byId("signup-form").dataset.client;
  const asked = { email: address, password: password.input.value, locale: lang };
  const answer = await register(client ? { ...asked, client_id: client } : asked);
  notice("signup-progress", "");
  if (answer.ok) {
    const { receipt, registration_secret: secret, resend_after: after } = answer.data;
    password.clear();
    keepSecret(secret);
    wait({ email: address, receipt, secret, againAt: Date.now() + after * 1000 });
  } else if (mark(["email", "password"], flawsIn(answer))) {
    notice("signup-problem", explain(answer));
  }
}

// Where a proof of work is asked for, the page finds it and asks once more.
async function register(body) {
  const answer = await call("POST", "/v1/registrations", body);
  if (answer.data.code !== "proof_required") return answer;
  notice("signup-progress", texts.signup.proving);
  const found = await solve(answer.data.challenge);
  return found ? call("POST", "/v1/registrations", { ...body, proof: found }) : answer;
}

function wait(registration) {
  current = registration;
  remember("sessionStorage", SIGN_UP, current);
  told = "";
  byId("sent-address").textContent = current.email;
  byId("code").value = "";
  flaw("code", "");
  for (const id of ["sent-notice", "code-problem"]) notice(id, "");
  head("sent");
  reveal("sent");
  coolDown();
  followReceipt(current.receipt, tell);
}

function tell(state) {
  if (state === told) return;
  if (state === "confirmed") {
    finish();
    celebrate(current.email, texts.done.elsewhere);
    return;
  }
  const before = told in texts.ended;
  told = state;
  head(state);
  // A person who types the code is not torn away for good news.
  if (state in texts.ended) announceHeading(byId("sent"));
  else if (before) document.title = document.title.replace(/^.* · /, `${texts.sent.title} · `);
}

function head(state) {
  const ended = texts.ended[state];
  byId("sent-title").textContent = ended ? ended.title : texts.sent.title;
  byId("sent-lead").textContent = ended ? ended.lead : texts.sent.lead;
  byId("code-part").hidden = NOTHING_COMES.includes(state);
  byId("again-part").hidden = state === "suppressed";
}

// The button keeps its name and the focus; how long it rests stands beside it.
function coolDown() {
  const { againAt } = current;
  const tick = () => {
    if (!current || current.againAt !== againAt) return;
    const seconds = Math.ceil((againAt - Date.now()) / 1000);
    byId("again").setAttribute("aria-disabled", String(seconds > 0));
    byId("again-in").textContent = seconds > 0 ? duration(seconds) : "";
    if (seconds > 0) setTimeout(tick, 250);
  };
  tick();
}

async function again() {
  const seconds = Math.ceil((current.againAt - Date.now()) / 1000);
  if (seconds > 0) {
    notice("sent-notice", fill(texts.sent.again_in, { wait: duration(seconds) }));
    return;
  }
  const answer = await call("POST", "/v1/registrations/resend", { registration_secret: current.secret });
  if (answer.data.code === "unknown_registration") {
    startOver();
    notice("signup-problem", explain(answer));
  } else if (answer.ok) {
    const { receipt, resend_after: after } = answer.data;
    current = { ...current, receipt, againAt: Date.now() + after * 1000 };
    remember("sessionStorage", SIGN_UP, current);
    notice("sent-notice", texts.sent.again_done);
    flaw("code", "");
    told = "";
    head("sent");
    coolDown();
    followReceipt(receipt, tell);
  } else {
    notice("sent-notice", explain(answer));
  }
}

function finish() {
  stopFollowing();
  forgetSecret(current.secret);
  forget("sessionStorage", SIGN_UP);
}

function startOver() {
  email.value = current.email;
  finish();
  current = null;
  reveal("ask");
  email.focus();
}

async function confirmHere() {
  const code = checkedCode();
  if (!code) return;
  await confirmWith({ email: current.email, code }, [{ registration_secret: current.secret }], refuseCode);
  if (!byId("done").hidden) finish();
}

onSubmit("signup-form", "signup-problem", submit);
onSubmit("code-form", "code-problem", confirmHere);
byId("again").addEventListener("click", () => attempt(byId("again"), "sent-notice", again));
byId("other").addEventListener("click", startOver);
const kept = recall("sessionStorage", SIGN_UP);
if (kept) wait(kept);
