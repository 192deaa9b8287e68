// The token leaves the address bar at once, so that neither history nor a shared screen keeps it. Nothing is posted
// before a person presses the button: programs that follow links confirm nothing.
const token = new URLSearchParams(location.hash.slice(1)).get("token");
history.replaceState(null, "", location.pathname + location.search);

async function confirm() {
  notice("ready-problem", "");
  const answer = await whileBusy(byId("confirm"), () => call("POST", "/v1/verifications", { token }));
  if (answer.ok) {
    celebrate(answer);
  } else if (answer.status === 400 || answer.status === 410 || answer.status === 422) {
    const used = answer.data.code === "used_link";
    byId("by-code-title").textContent = used ? texts.verify.used_title : texts.verify.failed_title;
    byId("by-code-lead").textContent = answer.status === 422 ? texts.problems.unknown_link : explain(answer);
    byId("code-form").hidden = used;
    reveal("by-code");
  } else {
    notice("ready-problem", explain(answer));
  }
}

byId("confirm").addEventListener("click", confirm);
byId("code-form").addEventListener("submit", (event) => {
  event.preventDefault();
  flaw("email", "");
  const email = event.target.elements.email.value.trim();
  if (email) confirmByCode(event.target, email);
  else flaw("email", texts.flaws.missing);
});
for (const link of byId("languages").querySelectorAll("a")) {
  // The other language needs the token too; the fragment is not sent to any server.
  if (token) link.hash = `token=${encodeURIComponent(token)}`;
}
reveal(token ? "ready" : "by-code");
