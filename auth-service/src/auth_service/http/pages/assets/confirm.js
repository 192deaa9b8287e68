// Confirming takes two things: what the email holds, and whose password is to count. A secret this browser kept says that
// it is the one typed here. Nothing is posted before a person asks for it.
const confirmation = (proof, second) => call("POST", "/v1/verifications", { ...proof, ...second });

// Tries these in turn, {registration_secret} or {} for nothing: what does not fit the link or code uses nothing up.
async function confirmWith(proof, seconds, refused) {
  let needed = null;
  let answer = null;
  for (const second of seconds) {
    answer = await confirmation(proof, second);
    if (answer.data.code === "password_needed") needed = answer;
    else if (answer.ok || !needed) break;
  }
  if (!answer.ok) return refused(needed || answer);
  seconds.forEach((second) => forgetSecret(second.registration_secret));
  celebrate(answer.data.email, texts.done.lead);
}

function celebrate(email, lead) {
  byId("done-address").textContent = email;
  byId("done-lead").textContent = lead;
  // The other language's page would know nothing of it.
  byId("languages").hidden = true;
  reveal("done");
}

// Codes are shown in two groups; spaces and dashes people type along are not part of them.
function checkedCode() {
  const code = byId("code").value.replace(/[\s-]/g, "");
  const text = code === "" ? texts.flaws.missing_code : texts.flaws.format;
  return mark(["code"], /^[0-9]{8}$/.test(code) ? {} : { code: text }) ? code : "";
}

function refuseCode(answer) {
  const fields = ["email", "code"].filter((id) => byId(id).form === byId("code-form"));
  if (answer.data.errors && !mark(fields, flawsIn(answer))) return;
  if (answer.status === 400) mark(["code"], { code: explain(answer) });
  else notice("code-problem", explain(answer));
}
