// What learners and admins do, nine to one; and what goes on beside them: writes, WRITES=20 a second, and
// reports, FOLLOW=1 a second, that are followed until they have arrived whole.

import crypto from 'k6/crypto';
import exec from 'k6/execution';
import { sleep } from 'k6';
import { batch, move, regions, self, signIn } from './people.js';
import { promise, send } from './ask.js';
import { number, patient, thresholds, timely } from './plan.js';
import { mark, writer } from './progress.js';

const types = ['gdpr', 'nis2', 'iso27001', 'pci_dss', 'hipaa'];
const formats = ['pdf', 'csv', 'json', 'html'];
const completing = timely ? 30 : 120; // seconds a report may take
const pages = 10;

// options are a scenario of the mix with what goes on beside it, and the thresholds of all of them.
export function options(name, scenario, lasts, { own = {}, follow = 1 } = {}) {
  const scenarios = { [name]: scenario };
  const bounds = Object.assign({
    // The catalogue changes with nothing that learners do; dashboards with what a figure shows.
    'outpost_cache_hits{phase:steady,kind:catalogue}': ['rate>=0.95'],
    'outpost_cache_hits{phase:steady}': ['rate>=0.6'],
  }, own);
  const beside = (exec, rate, users) => ({
    executor: 'constant-arrival-rate', exec, rate, timeUnit: '1s', startTime: scenario.startTime || '0s', duration: `${Math.ceil(lasts)}s`,
    preAllocatedVUs: users, maxVUs: users, gracefulStop: '40s', env: scenario.env,
  });
  const writes = number('WRITES', 0, 0);
  if (writes) {
    scenarios.beside = beside('write', writes, 20 + 2 * writes);
    bounds['dropped_iterations{scenario:beside}'] = [`count<=${Math.ceil(0.01 * writes * lasts)}`];
  }
  const reports = number('FOLLOW', follow, follow);
  if (reports) {
    scenarios.reports = beside('followReport', reports, 10 + 5 * reports);
  }
  return Object.assign({}, patient, { scenarios, thresholds: thresholds(bounds) });
}

// begin is the setup: signs in, and asks once for what the caches would have in use.
export function begin(users) {
  const data = signIn(users, true);
  const some = spread(data.learners, 40);
  for (const region of regions) {
    const asked = [
      ...some.map(([token]) => [`${region}/dashboard`, token]),
      ...data.admins.map(([token]) => [`${region}/admin/analytics`, token]),
    ];
    for (const [token] of spread(data.learners, 10)) {
      for (let page = 1; page <= pages; page++) {
        asked.push([`${region}/courses?page=${page}&size=2&sort=title`, token]);
      }
    }
    for (let i = 0; i < asked.length; i += 20) {
      batch(asked.slice(i, i + 20));
    }
  }
  return data;
}

// spread takes at most n of a list, evenly.
function spread(list, n) {
  const every = Math.max(1, Math.floor(list.length / n));
  return list.filter((_, i) => i % every === 0).slice(0, n);
}

// visit is one request and the time to think about what it brought.
export function visit(data) {
  const p = self(data);
  if (p.turns === p.n) {
    sleep(3 * Math.random()); // nobody begins at the same moment as the others
  }
  ask(p);
  sleep(p.role === 'admin' ? 2 + 3 * Math.random() : 1 + 2 * Math.random());
}

// ask sends the next of six: three dashboards, two pages of the catalogue, one report; an admin's is analytics.
export function ask(p) {
  const turn = p.turns++;
  if (p.role === 'admin') {
    send(p, 'analytics', 'GET /admin/analytics');
  } else if (turn % 6 === 5) {
    report(p, Math.floor(turn / 6) + p.n);
  } else if (turn % 2) {
    send(p, 'catalogue', 'GET /courses', { path: `/courses?page=${1 + (((turn >> 1) + 7 * p.n) % pages)}&size=2&sort=title` });
  } else {
    send(p, 'dashboard', 'GET /dashboard');
  }
}

// report asks for the nth report, of each framework and format in turn. A learner's covers the learner.
function report(p, n, more = {}) {
  const wish = { type: types[n % types.length], format: formats[n % formats.length] };
  return send(p, 'report', 'POST /reports/compliance', Object.assign({ body: wish, status: 202 }, more));
}

// write is a write beside the mix: a lesson marked, longer than before.
export function write(data) {
  const p = writer(data);
  if (p) {
    mark(p);
  }
}

// followReport asks for a report, waits until it is completed, and fetches it in the next region. What it asks is in
// no figure: nobody waits like that.
export function followReport(data) {
  const p = self(data, 'learner');
  const tags = { phase: 'beside' };
  const asked = report(p, exec.scenario.iterationInTest, { read: 'text', tags });
  if (asked.status !== 202) {
    return; // counted already
  }
  const path = `/reports/${asked.json('report_id')}`;
  let state = {};
  let res = asked;
  for (const until = Date.now() + 1000 * completing; Date.now() < until; sleep(0.25)) {
    res = send(p, 'report', 'GET /reports/{report}/status', { path: `${path}/status`, read: 'text', tags });
    state = res.status === 200 ? res.json() : {};
    if (state.status && state.status !== 'queued' && state.status !== 'processing') {
      break;
    }
  }
  if (!promise(`a report is completed within ${completing} s`, state.status === 'completed', res)) {
    return;
  }
  const next = (regions.indexOf(p.url) + 1) % regions.length;
  move(p, regions[next], data.names[next]);
  res = send(p, 'report', 'GET /reports/{report}', { path, read: 'binary', tags });
  promise('a report arrives whole', res.status === 200 && crypto.sha256(res.body, 'hex') === state.sha256, res);
}
