// How long a lesson is read, and that it is done: which is kept until the server knows it, while the reader
// goes on.
import { outbox } from "./outbox.js";

const form = document.getElementById("done");
const enough = 4_000; // ms that a reader waits for an answer before going on without

// Only the time in which the page is seen counts.
let seen = 0;
let since = document.hidden ? 0 : performance.now();
document.addEventListener("visibilitychange", () => {
  if (since) seen += performance.now() - since;
  since = document.hidden ? 0 : performance.now();
});

function seconds() {
  const now = seen + (since ? performance.now() - since : 0);
  return Math.min(Math.round(now / 1000), 86_400);
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  form.elements.seconds.value = seconds();
  const fields = [...new FormData(form, event.submitter)];
  // Where a browser keeps nothing, the form is sent as it would be without a script.
  const put = outbox.put({ to: location.pathname, title: form.dataset.title, fields }).catch(() => form.submit());
  const next = form.dataset.next;
  let went = await Promise.race([put, new Promise((resolve) => setTimeout(resolve, enough, null))]);
  if (!went && outbox.signedOut()) went = { next: `/sign-in?next=${encodeURIComponent(location.pathname)}` };
  if (went?.next) return location.assign(went.next);
  // It waits: the next lesson can be read all the same, if it can be reached.
  if (!went && next && (await reachable(next))) return location.assign(next);
  button.removeAttribute("aria-disabled");
});

async function reachable(path) {
  try {
    return (await fetch(path, { signal: AbortSignal.timeout(enough) })).ok;
  } catch {
    return false;
  }
}
