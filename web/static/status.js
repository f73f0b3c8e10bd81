// The regions, live: each event is the whole world, and what has changed in it is written into the page.
const main = document.getElementById("main");
const live = document.getElementById("live");
const said = document.getElementById("said");
const verdict = document.getElementById("verdict");
const language = document.documentElement.lang;
const one = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(language, { style: "percent" });
const lagging = 1; // seconds, as in status.go

document.querySelector(".no-script").hidden = true;

function stateOf(region) {
  return region.state === "ready" && region.lag_seconds > lagging ? "lagging" : region.state;
}

// A word for each state stands in the page, in its language.
const word = (state) => main.getAttribute(`data-word-${state}`) || state;

function write(card, name, text) {
  const field = card.querySelector(`[data-f="${name}"]`);
  if (field && field.textContent !== text) field.textContent = text;
  return field;
}

function show(region) {
  const card = document.querySelector(`[data-region="${CSS.escape(region.region)}"]`);
  if (!card) return false;
  const state = stateOf(region);
  if (card.dataset.state !== state) {
    card.dataset.state = state;
    card.querySelector(".badge.state").className = `badge state ${state}`;
    document.querySelector(`[data-pin="${CSS.escape(region.region)}"]`)?.setAttribute("class", `pin ${state}`);
    write(card, "state", word(state));
    said.textContent = `${region.region}: ${word(state)}`;
  }
  const reason = write(card, "reason", region.reason || "");
  reason.hidden = !region.reason;
  write(card, "lag", `${one.format(region.lag_seconds)} s`);
  write(card, "hits", share.format(region.hit_ratio));
  write(card, "rate", one.format(region.requests_per_second));
  write(card, "rows", one.format(region.applied_rows_per_second));
  for (const p of ["p50", "p95", "p99"]) write(card, p, `${one.format(region[p + "_ms"])} ms`);
  write(card, "position", region.position || "–");
  return true;
}

// A region that has come or gone, and the last hour, are made by the server.
let loading = false;
async function renew() {
  if (loading) return;
  loading = true;
  try {
    const response = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!response.ok) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const part of [".regions", ".map", "section.card"]) {
      const now = document.querySelector(part);
      const then = fresh.querySelector(part);
      if (!now || !then) continue;
      for (const details of now.querySelectorAll("details[open]")) then.querySelector("details")?.setAttribute("open", details.open);
      now.replaceWith(then);
    }
  } catch {
    // The network is away: the stream says so.
  } finally {
    loading = false;
  }
}

function take(event) {
  const world = JSON.parse(event.data);
  live.textContent = main.dataset.live;
  live.className = "badge good";
  const shown = world.regions.filter(show).length;
  if (shown !== world.regions.length || shown !== document.querySelectorAll("[data-region]").length) renew();
  const ready = world.regions.every((r) => r.ready);
  verdict.className = `verdict ${ready ? "good" : "bad"}`;
  verdict.querySelector("span").textContent = ready ? main.dataset.all : main.dataset.some;
}

function cut() {
  live.textContent = main.dataset.cut;
  live.className = "badge warn";
}

// The browser connects again by itself, but not after a refusal: then the page is asked for instead.
let slowly;
function connect() {
  const stream = new EventSource(main.dataset.stream);
  stream.addEventListener("world", take);
  stream.addEventListener("error", () => {
    cut();
    if (stream.readyState !== EventSource.CLOSED) return;
    clearTimeout(slowly);
    slowly = setTimeout(() => {
      renew();
      connect();
    }, 10_000);
  });
  addEventListener("pagehide", () => stream.close(), { once: true });
}

connect();
addEventListener("pageshow", (event) => event.persisted && connect());
setInterval(renew, 60_000);
