// A field for a new password: how long it is yet, and a button to look at it.
const lengthOf = (text) => Array.from(text.normalize("NFC")).length;

function passwordField(id) {
  const input = byId(id);
  const min = Number(input.dataset.min);
  const eye = byId(`${id}-reveal`);

  function showLength() {
    const length = lengthOf(input.value);
    const left = min - length;
    byId(`${id}-meter`).style.width = `${Math.min(100, (100 * length) / min)}%`;
    byId(`${id}-meter`).classList.toggle("good", left <= 0);
    byId(`${id}-hint`).textContent =
      length === 0
        ? fill(texts.password_hint, { min })
        : left <= 0
          ? texts.password_good
          : left === 1
            ? texts.password_left_one
            : fill(texts.password_left, { left });
  }

  function show(shown) {
    input.type = shown ? "text" : "password";
    eye.textContent = shown ? texts.hide : texts.show;
    eye.setAttribute("aria-pressed", String(shown));
  }

  function clear() {
    input.value = "";
    show(false);
    showLength();
  }

  function check() {
    if (input.value === "") return texts.flaws.missing_password;
    return lengthOf(input.value) < min ? fill(texts.flaws.too_short, { min }) : "";
  }

  input.addEventListener("input", showLength);
  eye.addEventListener("click", () => show(input.type === "password"));
  showLength();
  return { check, clear, input };
}
