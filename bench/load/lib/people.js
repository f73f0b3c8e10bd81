// The demo's people: how they sign in before a run, whom a virtual user is, and how that one stays signed in.

import http from 'k6/http';
import exec from 'k6/execution';
import { fail, sleep } from 'k6';
import { promise } from './ask.js';

// The APIs of the regions, the primary's first.
export const regions = (__ENV.BASE_URLS || 'http://127.0.0.1:8080,http://127.0.0.1:8081,http://127.0.0.1:8082')
  .split(',')
  .map((url) => api(url));

export function api(url) {
  return `${url.trim().replace(/\/+$/, '')}/api/v1`;
}

const password = 'testpassword';
const together = 8; // signed in at once: a password costs the primary 24 ms of a core and 20 MB
const few = 20; // people who may wait for the login limit; with more it would take hours
const adminOf = ['manager@example.com', ...[3, 4, 5, 6, 7, 8, 9, 10].map((company) => `manager${company}@example.com`)];
const json = { 'Content-Type': 'application/json' };

// signIn is for the setup: as many people as there are users, of whom one of ten is an admin if wanted; at most as
// many as every demo has. Each virtual user gets a copy of what it returns, and keeps of it what is its own.
export function signIn(users, admins = false) {
  const began = Date.now();
  const emails = [];
  for (let n = 1; n <= Math.min(users, Number(__ENV.PEOPLE || 1000)); n++) {
    emails.push(`user${n}@example.com`);
  }
  const tokens = logins(emails);
  return {
    names: names(),
    learners: tokens.map((t) => [t.access_token, t.refresh_token]),
    admins: admins ? logins(adminOf.slice(0, Math.ceil(users / 10))).map((t) => [t.access_token, t.refresh_token]) : [],
    began,
    lives: lives(tokens[0]),
  };
}

function logins(emails) {
  const tokens = [];
  for (let first = 0; first < emails.length; first += together) {
    let left = emails.slice(first, first + together).map((email, i) => [first + i, email]);
    for (let attempt = 1; left.length; attempt++) {
      const answers = http.batch(left.map(([i, email]) => loginAt(regions[i % regions.length], email)));
      answers.forEach((res, k) => res.status === 429 || (tokens[left[k][0]] = ok(res).json()));
      left = left.filter((_, k) => answers[k].status === 429);
      if (left.length) {
        waitForLimit(answers, attempt, emails.length);
      }
    }
  }
  return tokens;
}

function loginAt(region, email) {
  const params = {
    headers: json, responseCallback: http.expectedStatuses(200, 429),
    tags: { name: 'POST /auth/login', phase: 'setup' },
  };
  return ['POST', `${region}/auth/login`, JSON.stringify({ email, password }), params];
}

function waitForLimit(answers, attempt, people) {
  if (people > few || attempt > 20) {
    fail('the limits are on: start the regions with OUTPOST_RATE_LIMIT=off OUTPOST_LOGIN_LIMIT=off');
  }
  sleep(Math.max(1, ...answers.map((res) => Number(res.headers['Retry-After']) || 0)));
}

// ok is for the setup: without what it asks for there is no run.
export function ok(res) {
  if (res.status < 200 || res.status > 299) {
    fail(`${res.request.method} ${res.url} answered ${res.status || res.error}: ${res.body}; is \`make run\` up?`);
  }
  return res;
}

// names are what the regions call themselves, or REGIONS, in the order of their URLs.
function names() {
  return __ENV.REGIONS
    ? __ENV.REGIONS.split(',').map((name) => name.trim())
    : regions.map((region) => ok(http.get(`${region}/status`, { tags: { name: 'GET /status', phase: 'setup' } })).json('region'));
}

// batch asks many things in the setup; each is [url, token].
export function batch(questions) {
  return http.batch(questions.map(([url, token]) =>
    ['GET', url, null, { headers: { Authorization: `Bearer ${token}` }, tags: { name: 'setup', phase: 'setup' } }])).map(ok);
}

let me = null;

// self is the person this virtual user is for good, one of ten an admin where there are admins; in the
// region whose turn it is, until moved.
export function self(data, role = '') {
  me = me || become(data, role);
  stay(me);
  return me;
}

function become(data, role) {
  const n = exec.vu.idInTest - 1;
  const admin = role === '' && n % 10 === 9;
  const [list, i] = admin ? [data.admins, (n - 9) / 10] : [data.learners, n];
  const [token, refresh] = list[i % list.length];
  const region = n % regions.length;
  const p = {
    n, token, turns: n,
    role: role || (admin ? 'admin' : 'learner'),
    email: admin ? adminOf[i % list.length] : `user${1 + (i % list.length)}@example.com`,
    // A refresh token is good once: it belongs to the first of those who share an account.
    refresh: i < list.length ? refresh : '',
    position: '',
    renewAt: renewal(data.began, data.lives),
  };
  move(p, regions[region], data.names[region]);
  data.learners = data.admins = null; // a thousand tokens for each of a thousand users are a lot of memory
  return p;
}

// move has a person ask another region from now on.
export function move(p, url, region) {
  p.url = url;
  p.region = region;
}

// lives is how many seconds a token is good for; TOKENS_LIVE has it changed earlier, to see that done in a short run.
function lives(tokens) {
  return Number(__ENV.TOKENS_LIVE || tokens.expires_in);
}

// renewal is when a token is changed: at another time for each, for they were all given at once.
function renewal(from, lives) {
  return from + 1000 * lives * (0.8 + 0.15 * Math.random());
}

// stay changes the tokens before they run out: by the refresh token, or else by the password.
function stay(p) {
  if (Date.now() < p.renewAt) {
    return;
  }
  const began = Date.now();
  let res = null;
  if (p.refresh) {
    res = http.post(`${p.url}/auth/refresh`, JSON.stringify({ refresh_token: p.refresh }), {
      headers: json, tags: { name: 'POST /auth/refresh', phase: 'setup' },
    });
  }
  if (!res || res.status !== 200) {
    [res] = http.batch([loginAt(p.url, p.email)]);
  }
  if (!promise('who is signed in stays so', res.status === 200, res)) {
    p.renewAt = began + 10000;
    return;
  }
  p.token = res.json('access_token');
  p.refresh = res.json('refresh_token');
  p.renewAt = renewal(began, lives(res.json()));
}
