// One minute of what admins and auditors come for, beside a running `make run` whose limits are off:
//
//   OUTPOST_RATE_LIMIT=off OUTPOST_LOGIN_LIMIT=off make run
//   make load LOAD=mix                   330 requests a second; RATE, LASTS and USERS change that
//   ADMIN_URL=http://… make load         the primary's admin listener, where it is not 1000 above its port
//
// Of six requests three ask for the dashboard, two for a page of the catalogue, and one for a report: of
// each framework and format in turn, by a thousand people who were signed in before. Each sends along the
// newest position that its virtual user has seen. One error, more than one request in a hundred that could
// not be sent in time, or a p95 of 200 ms fails the run.
//
// Beside them, and not among the counted requests, somebody asks for a report twice a second, waits until
// it is completed, and fetches it in another region: the document must be whole. At the end it says how
// many reports the primary has rendered.

import http from 'k6/http';
import crypto from 'k6/crypto';
import { check, fail, sleep } from 'k6';
import exec from 'k6/execution';
import * as load from './people.js';

const types = ['gdpr', 'nis2', 'iso27001', 'pci_dss', 'hipaa'];
const formats = ['pdf', 'csv', 'json', 'html'];
const patience = 30; // seconds for a report to be completed

export const options = load.options('mix', ['dashboard', 'courses', 'report']);
options.scenarios.follow = {
  executor: 'constant-arrival-rate', exec: 'follow', rate: 2, timeUnit: '1s', duration: `${load.seconds}s`,
  preAllocatedVUs: 10, maxVUs: 2 * patience, gracefulStop: `${patience + 10}s`,
};
options.thresholds['http_req_failed{scenario:follow}'] = ['rate==0'];

export function setup() {
  return { people: load.signIn(), rendered: rendered() };
}

export default function ({ people }) {
  const n = exec.scenario.iterationInTest;
  const me = load.person(people, n, people[n % people.length]);
  const turn = Math.floor(n / 7) % 6; // neither a person nor a region always does the same
  if (turn < 3) {
    load.send(me, 'dashboard', 'GET /dashboard', 'GET', '/dashboard');
  } else if (turn < 5) {
    load.send(me, 'courses', 'GET /courses', 'GET', `/courses?page=${1 + (n % 10)}&size=2&sort=title`);
  } else {
    ask(me, 'report', 7 * Math.floor(n / 42) + (n % 7));
  }
}

// ask asks for the nth report and gives its id.
function ask(me, kind, n) {
  const wish = { type: types[n % types.length], format: formats[n % formats.length] };
  return load.send(me, kind, 'POST /reports/compliance', 'POST', '/reports/compliance', wish, 202).json('report_id');
}

export function follow({ people }) {
  const n = exec.scenario.iterationInTest;
  const person = people.length - 1 - (n % people.length); // the mix begins with the others
  const me = load.person(people, person, people[person]);
  const path = `/reports/${ask(me, 'follow', n)}`;
  let report = {};
  for (const until = Date.now() + 1000 * patience; Date.now() < until; sleep(0.25)) {
    report = load.send(me, 'follow', 'GET /reports/{report}/status', 'GET', `${path}/status`).json();
    if (report.status !== 'queued' && report.status !== 'processing') {
      break;
    }
  }
  if (!check(report, { 'the report is completed': (r) => r.status === 'completed' })) {
    return;
  }
  const edges = load.regions.slice(1);
  const region = edges.length ? edges[n % edges.length] : load.regions[0];
  const res = http.get(region + path, { headers: me.headers, responseType: 'binary', tags: { name: 'GET /reports/{report}', kind: 'follow' } });
  check(res, {
    'the document is there': (r) => r.status === 200,
    'the document is whole': (r) => r.status === 200 && crypto.sha256(r.body, 'hex') === report.sha256,
  });
}

export function teardown({ rendered: before }) {
  console.log(`reports rendered: ${rendered() - before}`);
}

// rendered is how many reports the primary has completed since its start.
function rendered() {
  const res = http.get(`${admin()}/metrics`);
  if (res.status !== 200) {
    fail(`${res.url} answered ${res.status || res.error}: ADMIN_URL must be the primary's admin listener`);
  }
  return [...res.body.matchAll(/^outpost_reports_total\{.*result="completed".*\} (\S+)$/gm)].reduce((sum, line) => sum + Number(line[1]), 0);
}

function admin() {
  if (__ENV.ADMIN_URL) {
    return __ENV.ADMIN_URL.replace(/\/+$/, '');
  }
  const parts = load.regions[0].match(/^(https?:\/\/[^/]+):(\d+)\//);
  if (!parts) {
    fail('BASE_URLS has no port from which that of the admin listener follows: set ADMIN_URL');
  }
  return `${parts[1]}:${Number(parts[2]) + 1000}`;
}
