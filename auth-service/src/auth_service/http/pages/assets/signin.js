// While very many sign-ins fail everywhere, this browser proves some work, beside the person who types the password again.
const form = document.getElementById("signin-form");
const proof = document.getElementById("proof");
let solved = false;
const solving = solve(JSON.parse(document.getElementById("challenge").textContent)).then((found) => {
  proof.value = found || "";
  solved = true;
  document.getElementById("signin-progress").hidden = true;
});
form.addEventListener("submit", (event) => {
  if (solved || (event.submitter || form.querySelector("[type=submit]")) !== form.querySelector("[type=submit]")) return;
  event.preventDefault();
  solving.then(() => form.submit());
});
