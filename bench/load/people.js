// The demo's learners, and how each of them speaks to a region: what users.js and mix.js have in common.

import http from 'k6/http';
import { check, fail } from 'k6';
import { Rate } from 'k6/metrics';
import { later } from './position.js';

export const regions = (__ENV.BASE_URLS || 'http://127.0.0.1:8080,http://127.0.0.1:8081,http://127.0.0.1:8082')
  .split(',')
  .map((url) => `${url.replace(/\/+$/, '')}/api/v1`);
export const rate = Number(__ENV.RATE || 330);
export const seconds = Number(__ENV.LASTS || 60);
const users = Number(__ENV.USERS || 1000);
const together = 8; // signed in at once: a password costs the primary 24 ms of a core and 20 MB

const cacheHits = new Rate('outpost_cache_hits');

// options are those of a run at a constant rate, in a scenario of that name, whose requests are of these
// kinds: no error, at most one request in a hundred not sent in time, p95 below 200 ms.
export function options(name, kinds) {
  const thresholds = {
    [`http_req_duration{scenario:${name}}`]: ['p(95)<200'],
    [`http_req_failed{scenario:${name}}`]: ['rate==0'],
    [`http_reqs{scenario:${name}}`]: [`count>=${Math.floor(rate * seconds * 0.99)}`],
    checks: ['rate==1'],
  };
  for (const kind of kinds) {
    thresholds[`http_req_duration{kind:${kind}}`] = ['p(95)<200'];
  }
  return {
    setupTimeout: '10m',
    batch: together,
    batchPerHost: together,
    scenarios: {
      [name]: {
        executor: 'constant-arrival-rate', rate, timeUnit: '1s', duration: `${seconds}s`,
        preAllocatedVUs: Math.ceil(rate / 3), maxVUs: rate, gracefulStop: '10s',
      },
    },
    thresholds,
  };
}

const json = { 'Content-Type': 'application/json' };

// signIn signs the learners in, spread over the regions, and gives what more makes of each group of
// people with their headers, or their access tokens alone. Each virtual user gets a copy of it: as
// little as will do.
export function signIn(more = (group) => group.map((p) => p.token)) {
  const people = [];
  for (let first = 1; first <= users; first += together) {
    const group = [];
    for (let n = first; n < first + together && n <= users; n++) {
      group.push({ n, region: regions[n % regions.length], email: `user${n}@example.com` });
    }
    const answers = all(group, (p) => ['POST', '/auth/login', { email: p.email, password: 'testpassword' }, json]);
    group.forEach((p, i) => {
      p.token = answers[i].json('access_token');
      p.headers = Object.assign({ Authorization: `Bearer ${p.token}` }, json);
    });
    people.push(...more(group));
  }
  return people;
}

// all sends one request of each of a group side by side.
export function all(group, request) {
  const answers = http.batch(group.map((p) => {
    const [method, path, body, headers] = request(p);
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

// person is the learner who sends request n, in the region where they signed in.
export function person(people, n, token) {
  return {
    region: regions[(1 + (n % people.length)) % regions.length],
    headers: Object.assign({ Authorization: `Bearer ${token}` }, json),
  };
}

// The newest position that this virtual user has seen.
let position = '';

// send sends the newest position along, and holds what every answer promises.
export function send(me, kind, name, method, path, body = null, status = 200) {
  const headers = position ? Object.assign({ 'Outpost-Position': position }, me.headers) : me.headers;
  const res = http.request(method, me.region + path, body && JSON.stringify(body), { headers, tags: { name, kind } });
  const got = res.headers['Outpost-Position'] || '';
  check(res, {
    [`the status is ${status}`]: (r) => r.status === status,
    'Outpost-Position is there': () => got !== '',
    'no older state is served': (r) => !r.headers['Outpost-Stale'],
  });
  if (got && (!position || later(got, position))) {
    position = got;
  }
  if (method === 'GET' && res.headers['Cache-Status']) {
    cacheHits.add(/;\s*hit/.test(res.headers['Cache-Status']));
  }
  return res;
}
