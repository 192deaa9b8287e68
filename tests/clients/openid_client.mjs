// A person signs in through `openid-client`, as its README has it: says where to send them, is told where they came back to.
import { createInterface } from "node:readline";
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto; // Node 18
const client = await import("openid-client");
const { createRemoteJWKSet, jwtVerify } = await import("jose");

const [issuer, id, secret, redirect_uri, audience] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (value) => console.log(JSON.stringify(value));

const config = await client.discovery(
  new URL(issuer), id, undefined, secret ? client.ClientSecretBasic(secret) : client.None(),
  { algorithm: "oauth2", execute: [client.allowInsecureRequests] },
);
const pkceCodeVerifier = client.randomPKCECodeVerifier();
const expectedState = client.randomState();
const address = client.buildAuthorizationUrl(config, {
  redirect_uri,
  state: expectedState,
  code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: "S256",
});
say({ address: address.href });

const back = new URL((await lines.next()).value);
const tokens = await client.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedState });
const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
const { payload } = await jwtVerify(tokens.access_token, keys, { issuer, audience, typ: "at+jwt", algorithms: ["ES256"] });
const next = await client.refreshTokenGrant(config, tokens.refresh_token);
const account = await client.fetchProtectedResource(config, next.access_token, new URL(`${issuer}/v1/account`), "GET");
say({ subject: payload.sub, client_id: payload.client_id, account: await account.json() });

const replay = await client.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedState }).catch((error) => error);
say({ replay: replay.error, after: await client.refreshTokenGrant(config, next.refresh_token).catch((error) => error.error) });
await client.tokenRevocation(config, next.refresh_token);
process.exit(0);
