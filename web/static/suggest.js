// A field with a list of people offers those whose names begin with what is typed. The page is asked
// for the list: ?person= in its address says who.
const field = document.querySelector("input[data-suggest]");
const list = field && document.getElementById(field.getAttribute("list"));
let asked = "";
let waiting = 0;

async function suggest() {
  const typed = field.value.trim();
  if (typed === asked || [...list.options].some((o) => o.value === typed)) return;
  asked = typed;
  const url = new URL(location.pathname, location.href);
  url.searchParams.set("person", typed);
  const response = await fetch(url, { headers: { Accept: "text/html" } });
  if (!response.ok || asked !== typed) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const found = page.getElementById(list.id);
  if (found) list.replaceChildren(...found.children);
}

field?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => suggest().catch(() => {}), 250); // without it, the address can still be typed
});
