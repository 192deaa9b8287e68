const CONFIRMED = ["already_confirmed", "used_link"];
const OVER = ["expired_link", "refused_registration"]; // the code of that email is no good either
const chosen = passwordField("chosen");
let token = "";
let proof = {}; // {token} or {email, code}: what a chosen password goes with

function refuse(answer) {
  if (answer.data.code === "password_needed") choose();
  else if ("token" in proof) refuseLink(answer);
  else refuseTyped(answer);
}

function refuseLink(answer) {
  const { code } = answer.data;
  if (CONFIRMED.includes(code)) {
    reveal("already");
  } else if (code === "unknown_link" || answer.status === 410 || answer.status === 422) {
    const lead = answer.status === 422 ? texts.problems.unknown_link : explain(answer);
    askForCode(texts.verify.failed_title, lead, OVER.includes(code));
  } else {
    if (byId("ready").hidden) reveal("ready");
    notice("ready-problem", explain(answer));
  }
}

function refuseTyped(answer) {
  if (byId("by-code").hidden) reveal("by-code");
  refuseCode(answer);
}

function askForCode(title, lead, over) {
  byId("by-code-title").textContent = title;
  byId("by-code-lead").textContent = lead;
  byId("code-form").hidden = over;
  reveal("by-code");
}

async function confirmLink() {
  const kept = secondThings();
  proof = { token };
  await confirmWith(proof, kept.length ? kept : [{}], refuse);
}

async function confirmTyped() {
  const email = byId("email").value.trim();
  const code = checkedCode();
  const emailFlaw = email === "" ? texts.flaws.missing_email : email.includes("@") ? "" : texts.flaws.invalid_address;
  if (!mark(["email"], { email: emailFlaw }) || !code) return;
  proof = { email, code };
  // First alone: a wrong code counts once, and only then.
  await confirmWith(proof, [{}, ...secondThings()], refuse);
}

function choose() {
  chosen.clear();
  flaw("chosen", "");
  notice("choose-problem", "");
  reveal("choose");
}

async function confirmChosen() {
  if (!mark(["chosen"], { chosen: chosen.check() })) return;
  await confirmWith(proof, [{ password: chosen.input.value }], (answer) => {
    const passing = answer.status === 0 || answer.status === 429 || answer.status >= 500;
    const { password } = flawsIn(answer);
    if (password) mark(["chosen"], { chosen: password });
    else if (passing) notice("choose-problem", explain(answer));
    else refuse(answer);
  });
}

byId("confirm").addEventListener("click", () => attempt(byId("confirm"), "ready-problem", confirmLink));
onSubmit("code-form", "code-problem", confirmTyped);
onSubmit("choose-form", "choose-problem", confirmChosen);
followToken((found) => {
  token = found;
  notice("ready-problem", "");
  byId("languages").hidden = false;
  if (token) reveal("ready");
  else askForCode(texts.verify.missing_title, texts.verify.missing_lead, false);
});
