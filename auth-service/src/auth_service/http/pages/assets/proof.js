// Proof of work, when very many people register: ALTCHA's challenge (PoW v2), solved by trying one number after the other.
// WebCrypto computes beside the page, which stays alive.
const TRIES_AT_ONCE = 16;
const PROOF_MINUTES = 10;
let leaving = false;
window.addEventListener("pagehide", () => (leaving = true));
window.addEventListener("pageshow", () => (leaving = false));

const fromHex = (text) => Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16));
const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

// Returns the text for `proof`, or null where this browser cannot find one.
async function solve(challenge) {
  const { algorithm, nonce, salt, cost, keyLength, keyPrefix } = challenge.parameters;
  const [kind, hash] = algorithm.split("/");
  // Browsers give it to pages that came over https only (or from this very machine).
  if (kind !== "PBKDF2" || !window.crypto.subtle) return null;
  const before = fromHex(nonce);
  const parameters = { name: kind, hash, salt: fromHex(salt), iterations: cost };

  async function keyOf(counter) {
    const password = new Uint8Array(before.length + 4);
    password.set(before);
    new DataView(password.buffer).setUint32(before.length, counter);
    const key = await crypto.subtle.importKey("raw", password, kind, false, ["deriveBits"]);
    return toHex(new Uint8Array(await crypto.subtle.deriveBits(parameters, key, keyLength * 8)));
  }

  const until = Date.now() + PROOF_MINUTES * 60 * 1000;
  for (let first = 0; !leaving && Date.now() < until; first += TRIES_AT_ONCE) {
    const counters = Array.from({ length: TRIES_AT_ONCE }, (_, n) => first + n);
    const keys = await Promise.all(counters.map(keyOf));
    const found = keys.findIndex((key) => key.startsWith(keyPrefix));
    if (found >= 0) {
      const solution = { counter: counters[found], derivedKey: keys[found] };
      return btoa(JSON.stringify({ challenge, solution }));
    }
  }
  return null;
}
