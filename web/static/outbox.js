// What was done and has not reached the server yet. It is kept in the browser, by all tabs together, until
// the server has answered: a cut network, a reload or a closed window loses nothing. Each entry is the form
// of a page, which can be sent again without harm, and belongs to the person who filled it in.
import { position } from "./position.js";

const user = document.documentElement.dataset.user || "";
const prefix = `outpost-outbox:${user}:`;
const place = document.getElementById("outbox");

const patience = 20_000; // ms for an answer
const shortest = 2_000; // ms until the next attempt, twice as long each time
const longest = 300_000;

let pause = shortest;
let timer = 0;
let running = null; // the sending that goes on in this tab
let signedOut = false; // the session has ended: only a new one helps
const saved = new Map(); // what this page has sent: entry's path → where to go on

function entries() {
  const list = [];
  if (!user || !place) return list;
  for (let i = 0; i < localStorage.length; i++) {
    const key = localStorage.key(i);
    if (!key.startsWith(prefix)) continue;
    try {
      list.push({ key, ...JSON.parse(localStorage.getItem(key)) });
    } catch {
      localStorage.removeItem(key); // not ours
    }
  }
  return list.sort((a, b) => a.at - b.at);
}

const waiting = () => entries().filter((e) => !e.refused);

// put keeps a form, and gives what became of it as soon as that is known: {next} or {refused}, or null while
// it waits. The same form put again takes the place of the first.
async function put({ to, title, fields }) {
  const entry = { to, title, fields, at: Date.now() };
  localStorage.setItem(prefix + to, JSON.stringify(entry));
  await send();
  if (saved.has(to)) return { next: saved.get(to) };
  return entries().find((e) => e.to === to && e.refused) ? { refused: true } : null;
}

// send sends what waits, one after the other and in one tab at a time.
function send() {
  clearTimeout(timer);
  running ??= exclusively(sendAll).then((all) => {
    running = null;
    show();
    // What was put when nothing seemed to be left.
    if (all && waiting().length) return send();
  });
  return running;
}

// Without locks, which browsers give to secure pages only, two tabs may send the same, which does no harm.
function exclusively(work) {
  return navigator.locks ? navigator.locks.request("outpost-outbox", work) : work();
}

// sendAll says whether it came to the end.
async function sendAll() {
  for (let next; (next = waiting()[0]); ) {
    show();
    if (!(await sendOne(next))) return false;
    pause = shortest;
  }
  return true;
}

// sendOne says whether the entry is settled.
async function sendOne(entry) {
  let response;
  let answer;
  try {
    response = await fetch(entry.to, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(entry.fields),
      signal: AbortSignal.timeout(patience),
    });
    answer = await response.json(); // what is no JSON comes from something that stands between
  } catch {
    return later(0);
  }
  position.saw(response);
  signedOut = response.status === 401;
  if (response.ok) {
    saved.set(entry.to, answer.next);
    forget(entry);
    return true;
  }
  if (signedOut) return false;
  if (response.status >= 500 || response.status === 429 || response.status === 408) {
    return later(Number(response.headers.get("Retry-After")) * 1000);
  }
  settle(entry, { ...entry, refused: answer.detail || String(response.status) });
  return true;
}

// forget takes an entry away, and settle puts another in its place, unless it has been put again meanwhile.
function forget(entry) {
  if (unchanged(entry)) localStorage.removeItem(entry.key);
}

function settle(entry, { key, ...changed }) {
  if (unchanged(entry)) localStorage.setItem(key, JSON.stringify(changed));
}

function unchanged(entry) {
  const now = localStorage.getItem(entry.key);
  return now && JSON.parse(now).at === entry.at;
}

// later tries again after a pause, of which a part is chance, so that not all come back at once.
function later(atLeast) {
  clearTimeout(timer);
  timer = setTimeout(send, Math.max(atLeast || 0, pause * (0.75 + Math.random() / 2)));
  pause = Math.min(pause * 2, longest);
  return false;
}

function show() {
  if (!place) return;
  const all = entries();
  const unsent = all.filter((e) => !e.refused);
  const boxes = [];
  if (unsent.length) {
    const box = notice(signedOut ? "warn" : "", signedOut ? place.dataset.signin : place.dataset.waiting, unsent);
    box.dataset.state = signedOut ? "signin" : "waiting";
    boxes.push(box);
  }
  for (const e of all.filter((e) => e.refused)) {
    const box = notice("bad", `${place.dataset.refused} ${e.refused}`, [e]);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "small";
    button.textContent = place.dataset.dismiss;
    button.addEventListener("click", () => {
      forget(e);
      show();
    });
    box.firstChild.append(button);
    box.dataset.state = "refused";
    boxes.push(box);
  }
  if (!boxes.length && saved.size && place.childElementCount) {
    const box = notice("good", place.dataset.saved, [...saved.keys()].map((to) => ({ to, title: titles.get(to) })));
    box.dataset.state = "saved";
    boxes.push(box);
  }
  for (const e of all) titles.set(e.to, e.title);
  place.replaceChildren(...boxes);
}

const titles = new Map(); // of what was waiting, by path

function notice(kind, text, list) {
  const box = document.createElement("div");
  box.className = `notice ${kind}`;
  const inner = box.appendChild(document.createElement("div"));
  const said = inner.appendChild(document.createElement("p"));
  said.textContent = text;
  const items = inner.appendChild(document.createElement("ul"));
  for (const e of list) {
    const link = items.appendChild(document.createElement("li")).appendChild(document.createElement("a"));
    link.href = e.to;
    link.textContent = e.title || e.to;
  }
  return box;
}

// begin is called on every page.
function begin() {
  if (!user || !place) return;
  show();
  if (waiting().length) send();
  addEventListener("online", () => {
    pause = shortest;
    if (waiting().length) send();
  });
  addEventListener("storage", show);
}

export const outbox = { put, begin, signedOut: () => signedOut };
