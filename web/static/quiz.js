// The time that is left for a quiz, by the server's clock. When it is over, what was answered is handed in.
const box = document.querySelector("[data-ends]");
const form = document.getElementById("quiz");

document.getElementById("result")?.scrollIntoView({ block: "nearest" });

if (box && form) {
  const ahead = await skew();
  const ends = Date.parse(box.dataset.ends) - ahead;
  const left = box.querySelector(".left");
  const said = box.querySelector("[role=status]");
  left.hidden = false;
  let warned = false;
  const tick = () => {
    const seconds = Math.max(0, Math.ceil((ends - Date.now()) / 1000));
    left.textContent = `${left.dataset.label} ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    if (seconds <= 60 && !warned) {
      warned = true;
      box.classList.add("warn");
      if (seconds > 0) said.textContent = box.dataset.soon;
    }
    if (seconds > 0) return;
    clearInterval(clock);
    said.textContent = box.dataset.over;
    form.noValidate = true; // what is not answered counts as wrong
    if (!form.dataset.sent) form.requestSubmit(form.querySelector("button[value=submit]"));
  };
  const clock = setInterval(tick, 1000);
  tick();
}

// skew is by how much the server's clock is ahead of this one, to the second.
async function skew() {
  try {
    const response = await fetch("/livez", { cache: "no-store" });
    const date = Date.parse(response.headers.get("Date"));
    return Number.isNaN(date) ? 0 : date - Date.now();
  } catch {
    return 0;
  }
}
