// What is remembered. By this tab: what its waiting page shows, so that a reload changes nothing. By this browser, for a
// day: the secrets of its registrations and nothing else, so that the link opened in another tab is one press.
const DAY_MS = 24 * 60 * 60 * 1000;
const SECRETS = "postern.secrets";
const SECRETS_AT_MOST = 5;

// A browser may refuse to remember; then the page works until it is reloaded.
function storage(use, fallback) {
  try {
    return use();
  } catch (error) {
    if (error instanceof DOMException || error instanceof SyntaxError) return fallback;
    throw error;
  }
}

const recall = (kind, name) => storage(() => JSON.parse(window[kind].getItem(name)), null);
const remember = (kind, name, value) => storage(() => window[kind].setItem(name, JSON.stringify(value)));
const forget = (kind, name) => storage(() => window[kind].removeItem(name));

function keptSecrets() {
  return (recall("localStorage", SECRETS) || []).filter(({ until }) => until > Date.now());
}

const secondThings = () => keptSecrets().map(({ secret }) => ({ registration_secret: secret }));

function keepSecret(secret) {
  const others = keptSecrets().filter((kept) => kept.secret !== secret);
  const all = [{ secret, until: Date.now() + DAY_MS }, ...others];
  remember("localStorage", SECRETS, all.slice(0, SECRETS_AT_MOST));
}

function forgetSecret(secret) {
  const others = keptSecrets().filter((kept) => kept.secret !== secret);
  if (others.length) remember("localStorage", SECRETS, others);
  else forget("localStorage", SECRETS);
}

// The other language is another page: what was typed goes along, but not in its address.
const TYPED = "postern.typed";
for (const input of document.querySelectorAll("input[name=email]")) {
  input.value = recall("sessionStorage", TYPED) || input.value;
  byId("languages").addEventListener("click", () => remember("sessionStorage", TYPED, input.value));
}
forget("sessionStorage", TYPED);
