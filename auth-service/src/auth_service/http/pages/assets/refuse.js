let token = "";

function told(answer, section, noticeId) {
  if (answer.ok) reveal(section);
  else if (answer.status === 400 || answer.status === 410 || answer.status === 422) {
    byId("no-link").querySelector("h1").textContent = texts.verify.failed_title;
    reveal("no-link");
  } else notice(noticeId, explain(answer));
}

byId("refuse").addEventListener("click", () =>
  attempt(byId("refuse"), "ready-problem", async () =>
    told(await call("POST", "/v1/refusals", { token }), "refused", "ready-problem"),
  ),
);
byId("lift").addEventListener("click", () =>
  attempt(byId("lift"), "lift-problem", async () =>
    told(await call("POST", "/v1/refusals/lift", { token }), "lifted", "lift-problem"),
  ),
);
followToken((found) => {
  token = found;
  notice("ready-problem", "");
  reveal(token ? "ready" : "no-link");
});
