// The secret of an email's link goes from the address bar into the form at once, so that neither history nor a shared screen
// keeps it; so does one that is pasted into an open tab. Nothing is sent before a person presses the button.
const field = document.getElementById("link") || document.querySelector("input[name=token]");
const take = () => {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  if (!token) return;
  field.value = token;
  const around = document.getElementById("link-field");
  if (around) around.hidden = true;
  for (const part of document.querySelectorAll("[data-without-link]")) part.hidden = true;
  for (const part of document.querySelectorAll("[data-with-link]")) part.hidden = false;
  // The other language needs it too; the fragment is not sent to any server.
  for (const other of document.querySelectorAll("#languages a")) other.hash = `token=${encodeURIComponent(token)}`;
};
window.addEventListener("hashchange", take);
take();
