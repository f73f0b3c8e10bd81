// While a report is being made, the page is asked for again, and its list put in the place of the one that is shown.
import { position } from "./position.js";

const every = 2000;
const list = () => document.getElementById("reports");

async function look() {
  const response = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" } });
  if (response.ok && !response.redirected) {
    position.saw(response);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.getElementById("reports");
    // Whoever is about to cancel or to click is not disturbed by what has not changed.
    if (fresh && fresh.innerHTML !== list().innerHTML && !list().querySelector("details[open]")) {
      list().replaceWith(document.adoptNode(fresh));
      document.getElementById("reports-said").textContent = fresh.dataset.said;
    }
  }
  watch();
}

function watch() {
  if (list()?.dataset.pending) setTimeout(() => look().catch(watch), every);
}

watch();
