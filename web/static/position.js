// The position up to which this browser has seen the data, in a cookie that the server sets on navigations.
// A script that writes keeps the later of that and what its own answer said, and never goes back.
const name = "outpost_position";

function read() {
  const found = document.cookie.split("; ").find((c) => c.startsWith(name + "="));
  return parse(found ? decodeURIComponent(found.slice(name.length + 1)) : "");
}

// parse reads <generation>:<hex>/<hex>.
function parse(text) {
  const m = /^(\d+):([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(text || "");
  return m && { text, generation: BigInt(m[1]), lsn: (BigInt("0x" + m[2]) << 32n) + BigInt("0x" + m[3]) };
}

function later(a, b) {
  if (!a || !b) return a || b;
  if (a.generation !== b.generation) return a.generation > b.generation ? a : b;
  return a.lsn >= b.lsn ? a : b;
}

function write(p) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${p.text}; Path=/; Max-Age=86400; SameSite=Lax${secure}`;
}

let newest = null;

export const position = {
  // saw takes the position of an answer that a script got.
  saw(response) {
    newest = later(newest, parse(response.headers.get("Outpost-Position")));
    this.keep();
  },
  keep() {
    const now = read();
    newest = later(newest, now);
    if (newest && (!now || newest.text !== now.text)) write(newest);
  },
};
