// What every page does beyond its HTML: all of it is a comfort, and nothing is missing without it.
import { outbox } from "./outbox.js";
import { position } from "./position.js";

// A form that was sent is not sent again by a second click.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.dataset.sent) {
    if (form.dataset.sent) event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
});

// The browser's back button shows a page as it was left: there the form may be sent once more.
addEventListener("pageshow", () => {
  for (const form of document.forms) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
  }
});

// It also shows it to whoever sits there now: a page of somebody who has signed out since is not theirs to see.
addEventListener("pageshow", async (event) => {
  const page = document.documentElement;
  if (!event.persisted || !page.dataset.user) return;
  page.hidden = true;
  try {
    const response = await fetch(location.href, { redirect: "manual" });
    const now = response.ok ? new DOMParser().parseFromString(await response.text(), "text/html").documentElement.dataset.user : "";
    if (now !== page.dataset.user) {
      location.reload();
      return;
    }
  } catch {
    // The network is away, and with it whoever could say so.
  }
  page.hidden = false;
});

// What is wrong with a form is read out first.
document.getElementById("problem")?.focus();

// A filter acts when it is chosen.
for (const select of document.querySelectorAll("form.filters select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

position.keep();
outbox.begin();
