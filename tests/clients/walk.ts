// A whole account by openapi-fetch with the types that openapi-typescript makes of /openapi.json, as `postern.ts`.
// Run as `node walk.js API INBOX EMAIL`.

import assert from "node:assert/strict";
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./postern.js";

type Problem = components["schemas"]["ProblemAnswer"];
type Session = components["schemas"]["SessionAnswer"];

const PASSWORD = "seven lanterns over a quiet harbour";
const ANOTHER = "four rivers in the rain at night";

const [api = "", inbox = "", email = ""] = process.argv.slice(2);
const client: Client<paths> = createClient<paths>({ baseUrl: api });

function only<T>(answer: { data?: T; error?: Problem }): T {
  assert.equal(answer.error, undefined);
  assert.notEqual(answer.data, undefined);
  return answer.data as T;
}

function bearer(session: Session): Client<paths> {
  return createClient<paths>({ baseUrl: api, headers: { Authorization: `Bearer ${session.access_token}` } });
}

async function signedIn(password: string): Promise<Session> {
  return only(await client.POST("/v1/sessions", { body: { method: "password", email, password } }));
}

const policy = only(await client.GET("/v1/policy"));
assert.ok(policy.password.min_length <= PASSWORD.length);
const refused = await client.POST("/v1/registrations", { body: { email, password: "short" } });
assert.deepEqual(refused.error?.errors?.map((flaw) => [flaw.pointer, flaw.code]), [["#/password", "too_short"]]);

const registration = only(await client.POST("/v1/registrations", { body: { email, password: PASSWORD, locale: "vi" } }));
const letters = await fetch(`${inbox}/api/messages?${new URLSearchParams({ to: email, wait: "60" })}`);
const { messages } = await letters.json() as { messages: { code: string }[] };
const code = messages[0]?.code ?? "";
const verified = only(await client.POST("/v1/verifications", {
  body: { email, code, registration_secret: registration.registration_secret },
}));

const session = await signedIn(PASSWORD);
const refreshed = only(await client.POST("/v1/sessions/refresh", { body: { refresh_token: session.refresh_token } }));
let me = bearer(refreshed);
const account = only(await me.GET("/v1/account"));
assert.deepEqual([account.email, account.locale, account.verified_at], [email, "vi", verified.verified_at]);

const changed = await me.PUT("/v1/account/password", { body: { current_password: PASSWORD, password: ANOTHER } });
assert.equal(changed.response.status, 204);
const wrong = await client.POST("/v1/sessions", { body: { method: "password", email, password: PASSWORD } });
assert.equal(wrong.error?.code, "refused_sign_in");

me = bearer(await signedIn(ANOTHER));
const { sessions } = only(await me.GET("/v1/sessions"));
assert.deepEqual(sessions.filter((each) => each.current).map((each) => each.amr), [["pwd"]]);
assert.equal((await me.DELETE("/v1/sessions/current")).response.status, 204);
assert.equal((await me.GET("/v1/account")).error?.code, "not_signed_in");

me = bearer(await signedIn(ANOTHER));
assert.equal((await me.POST("/v1/account/deletion", { body: { password: ANOTHER } })).response.status, 204);
const gone = await client.POST("/v1/sessions", { body: { method: "password", email, password: ANOTHER } });
assert.equal(gone.error?.status, 401);
