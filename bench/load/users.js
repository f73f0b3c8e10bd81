// One minute of the demo's learners, all of them, spread over the regions of a running `make run` whose
// limits are off, since all come from one address:
//
//   OUTPOST_RATE_LIMIT=off OUTPOST_LOGIN_LIMIT=off make run
//   make load                            smoke.js, then this
//   make load LOAD=users RATE=500        this alone, at 500 requests a second instead of 330
//
// They are signed in before the minute begins. Then requests come at a constant rate, however long
// answers take: their own account and enrollments, the pages of the catalogue, and their progress. Each
// sends along the newest position that its virtual user has seen. One error, more than one request in a
// hundred that could not be sent in time, or a p95 of 200 ms fails the run.

import http from 'k6/http';
import { check, fail } from 'k6';
import { Rate } from 'k6/metrics';
import exec from 'k6/execution';
import { later } from './position.js';

const regions = (__ENV.BASE_URLS || 'http://127.0.0.1:8080,http://127.0.0.1:8081,http://127.0.0.1:8082')
  .split(',')
  .map((url) => `${url.replace(/\/+$/, '')}/api/v1`);
const users = Number(__ENV.USERS || 1000);
const rate = Number(__ENV.RATE || 330);
const seconds = Number(__ENV.LASTS || 60);
const together = 8; // signed in at once: a password costs the primary 24 ms of a core and 20 MB

const cacheHits = new Rate('outpost_cache_hits');

export const options = {
  setupTimeout: '10m',
  batch: together,
  batchPerHost: together,
  scenarios: {
    users: {
      executor: 'constant-arrival-rate', rate, timeUnit: '1s', duration: `${seconds}s`,
      preAllocatedVUs: Math.ceil(rate / 3), maxVUs: rate, gracefulStop: '10s',
    },
  },
  thresholds: {
    'http_req_duration{scenario:users}': ['p(95)<200'],
    'http_req_duration{kind:dashboard}': ['p(95)<200'],
    'http_req_duration{kind:courses}': ['p(95)<200'],
    'http_req_duration{kind:progress}': ['p(95)<200'],
    'http_req_failed{scenario:users}': ['rate==0'],
    'http_reqs{scenario:users}': [`count>=${Math.floor(rate * seconds * 0.99)}`],
    checks: ['rate==1'],
  },
};

const json = { 'Content-Type': 'application/json' };

export function setup() {
  const people = [];
  for (let first = 1; first <= users; first += together) {
    const group = [];
    for (let n = first; n < first + together && n <= users; n++) {
      group.push({ region: regions[n % regions.length], email: `user${n}@example.com` });
    }
    const tokens = all(group, (p) => ['POST', '/auth/login', { email: p.email, password: 'testpassword' }, json]);
    group.forEach((p, i) => { p.headers = Object.assign({ Authorization: `Bearer ${tokens[i].json('access_token')}` }, json); });
    const courses = all(group, (p) => ['GET', '/courses?size=20&fields=id', null, p.headers]);
    const enrolled = all(group, (p, i) => {
      const list = courses[i].json('items');
      return ['POST', '/enrollments', { course_id: list[(first + i) % list.length].id }, p.headers];
    });
    // Each virtual user gets a copy of all this: as little as will do.
    group.forEach((p, i) => people.push([tokens[i].json('access_token'), enrolled[i].json('id')]));
  }
  return { people };
}

// all sends one request of each of a group side by side.
function all(group, request) {
  const answers = http.batch(group.map((p, i) => {
    const [method, path, body, headers] = request(p, i);
    return [method, p.region + path, body && JSON.stringify(body), { headers }];
  }));
  for (const res of answers) {
    if (res.status === 429) {
      fail('the limits are on: start the regions with OUTPOST_RATE_LIMIT=off OUTPOST_LOGIN_LIMIT=off make run');
    }
    if (res.status < 200 || res.status > 299) {
      fail(`${res.request.method} ${res.url} answered ${res.status || res.error}: ${res.body}; is \`make run\` up?`);
    }
  }
  return answers;
}

// The newest position that this virtual user has seen.
let position = '';

// Of twenty requests five are for the dashboard, twelve for the catalogue, and three write.
export default function ({ people }) {
  const n = exec.scenario.iterationInTest;
  const [token, enrollment] = people[n % people.length];
  const me = {
    region: regions[(1 + n % people.length) % regions.length], // where they signed in
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
  };
  const turn = Math.floor(n / 7) % 20; // neither a person nor a region always does the same
  if (turn < 3) {
    send(me, 'dashboard', 'GET /me', 'GET', '/me');
  } else if (turn < 5) {
    send(me, 'dashboard', 'GET /me/enrollments', 'GET', '/me/enrollments');
  } else if (turn < 17) {
    send(me, 'courses', 'GET /courses', 'GET', `/courses?page=${1 + (n % 10)}&size=2&sort=title`);
  } else {
    // The longest time counts, and the time of day grows from one run to the next.
    const spent = Math.floor((Date.now() / 1000) % 86400);
    send(me, 'progress', 'PUT /enrollments/{id}/lessons/{lesson}', 'PUT', `/enrollments/${enrollment}/lessons/1`, { seconds: spent });
  }
}

function send(me, kind, name, method, path, body = null) {
  const headers = position ? Object.assign({ 'Outpost-Position': position }, me.headers) : me.headers;
  const res = http.request(method, me.region + path, body && JSON.stringify(body), { headers, tags: { name, kind } });
  const got = res.headers['Outpost-Position'] || '';
  check(res, {
    'the status is 200': (r) => r.status === 200,
    'Outpost-Position is there': () => got !== '',
    'no older state is served': (r) => !r.headers['Outpost-Stale'],
  });
  if (got && (!position || later(got, position))) {
    position = got;
  }
  if (method === 'GET') {
    cacheHits.add(/;\s*hit/.test(res.headers['Cache-Status'] || ''));
  }
}
