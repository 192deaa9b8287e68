// A password can be looked at while it is typed.
for (const eye of document.querySelectorAll("[data-show]")) {
  const input = document.getElementById(eye.getAttribute("aria-controls"));
  eye.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    eye.textContent = shown ? eye.dataset.hide : eye.dataset.show;
    eye.setAttribute("aria-pressed", String(shown));
  });
}
// Times in the place where they are read.
for (const time of document.querySelectorAll("time[data-style]")) {
  const style = time.dataset.style === "date" ? { dateStyle: "long" } : { dateStyle: "medium", timeStyle: "short" };
  time.textContent = new Date(time.dateTime).toLocaleString(document.documentElement.lang, style);
}
