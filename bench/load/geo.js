// Users in each region of `outpost dev --distance`, first each with the nearest region and then, as many and doing the
// same, all with the primary, as they would without edges:
//
//   OUTPOST_RATE_LIMIT=off OUTPOST_LOGIN_LIMIT=off bin/outpost dev --distance fra-iad=90ms,fra-syd=260ms
//   make load LOAD=geo                   twenty users in each region, two minutes each way
//   make load LOAD=geo SHORT=1           USERS, WARMUP and STEADY change that
//
// Of twenty requests nineteen read (a dashboard, a page of the catalogue, the own account) and one marks a lesson.
// A read in a far region may take ten milliseconds longer than one of its kind, from the cache or not, takes beside the
// primary at the p95, and a write what one takes there and one round trip (half of another is what tells one from
// two); 95 of 100 have to. What things take beside the primary, one at a time, is measured in the setup.
//
// NEAREST_URLS and PRIMARY_URLS say how a user in each of the REGIONS (fra,iad,syd) reaches the nearest region, and
// the primary; they follow from BASE_URLS where those are of `outpost dev`. Users of all regions in one place, with real
// distances, say nothing: then k6 has to run once in each region, with that one's two URLs.

import http from 'k6/http';
import exec from 'k6/execution';
import { fail, sleep } from 'k6';
import { Rate, Trend } from 'k6/metrics';
import { number, patient, seconds, thresholds } from './lib/plan.js';
import { api, move, ok, regions, self, signIn } from './lib/people.js';
import { enroll, mark } from './lib/progress.js';
import { phase, send } from './lib/ask.js';

const all = number('USERS', 20, 5);
const warm = seconds('WARMUP', 10, 3);
const steady = seconds('STEADY', 120, 10);
const more = 10; // milliseconds that a far read may take longer
const names = (__ENV.REGIONS || 'fra,iad,syd').split(',');
const nearest = urls('NEAREST_URLS', (i) => i);
const primary = urls('PRIMARY_URLS', () => 0);

const farReads = new Rate('outpost_far_reads_within');
const farWrites = new Rate('outpost_far_writes_within');
const beside = {
  hit: new Trend('outpost_local_hit', true), miss: new Trend('outpost_local_miss', true), write: new Trend('outpost_local_write', true),
};

export const options = Object.assign({}, patient, {
  scenarios: Object.assign({}, ...names.map((name, i) => ({
    [`nearest_${name}`]: scenario(i, 'nearest', 0),
    [`primary_${name}`]: scenario(i, 'primary', warm + steady + 5),
  }))),
  thresholds: thresholds(Object.assign({
    outpost_far_reads_within: ['rate>=0.95'],
    outpost_far_writes_within: ['rate>=0.95'],
  }, ...names.flatMap((_, i) => [names[i], toPrimary(i)].map((region) => ({
    // No bounds: so that the end tells what the users of each region met, either way.
    [`http_req_duration{phase:steady,kind:read,region:${region}}`]: ['p(95)>=0'],
    [`http_req_duration{phase:steady,kind:progress,region:${region}}`]: ['p(95)>=0'],
  }))))),
});

// toPrimary is how the results name what users in region i ask of the primary.
function toPrimary(i) {
  return i === 0 ? names[0] : `${names[i]}-${names[0]}`;
}

function scenario(i, way, start) {
  return {
    executor: 'constant-vus', vus: all, startTime: `${start}s`, duration: `${warm + steady}s`, gracefulStop: '5s',
    env: { WARM: String(warm), WAY: way, FROM: String(i) },
  };
}

// The ports of outpost dev --distance: 2000 + 10 i + j above the primary's, for a user in region i who asks region j.
function urls(name, to) {
  if (__ENV[name]) {
    return __ENV[name].split(',').map(api);
  }
  const [, host, port] = regions[0].match(/^(https?:\/\/[^/]+):(\d+)\//) || fail(`BASE_URLS has no ports: set ${name}`);
  return names.map((_, i) => api(`${host}:${Number(port) + 2000 + 10 * i + to(i)}`));
}

export function setup() {
  const data = signIn(names.length * all);
  data.local = local({ n: 0, turns: 0, role: 'learner', token: data.learners[0][0], url: nearest[0], region: names[0], position: '' });
  data.trips = primary.map(roundTrip);
  const ms = (n) => `${n.toFixed(1)} ms`;
  console.log(`beside the primary, at the p95: from the cache ${ms(data.local.hit)}, not from it ${ms(data.local.miss)}, a write ` +
    `${ms(data.local.write)}; round trips to it: ${data.trips.map((trip, i) => `${ms(trip)} from ${names[i]}`).join(', ')}`);
  return data;
}

// local is what one request at a time takes beside the primary, at the p95: a write, a read that the cache cannot answer,
// since that write changed just this, and reads that it can. The first rounds warm up.
function local(p) {
  if (!enroll(p)) {
    fail('nobody can be enrolled in a course, which the writes need: see above');
  }
  const tags = { phase: 'setup' };
  const took = { hit: [], miss: [], write: [] };
  for (let round = -5; round < 100; round++) {
    const note = (kind, res) => {
      if (round >= 0) {
        took[kind].push(res.timings.duration);
        beside[kind].add(res.timings.duration, { phase: 'steady' }); // the result leaves out what is of another
      }
    };
    note('write', ok(mark(p, tags)));
    const written = send(p, 'read', 'GET /enrollments/{enrollment}', { path: `/enrollments/${p.enrollment}`, tags });
    for (const res of [written, ...[0, 1, 2, 3, 4, 5].map((turn) => read(p, turn, tags))]) {
      note(hit(ok(res)) ? 'hit' : 'miss', res);
    }
  }
  const p95 = (times) => times.sort((a, b) => a - b)[Math.ceil(0.95 * times.length) - 1] || 0;
  return { hit: p95(took.hit), miss: p95(took.miss), write: p95(took.write) };
}

function hit(res) {
  return (res.headers['Cache-Status'] || '').includes('; hit');
}

// roundTrip is the least that a request takes on a connection that is open.
function roundTrip(url) {
  const times = [];
  for (let i = 0; i < 5; i++) {
    times.push(ok(http.get(url.replace('/api/v1', '/livez'), { tags: { name: 'GET /livez', phase: 'setup' } })).timings.duration);
  }
  return Math.min(...times);
}

export default function (data) {
  const i = Number(__ENV.FROM);
  const own = __ENV.WAY === 'nearest';
  const p = self(data, 'learner');
  move(p, own ? nearest[i] : primary[i], own ? names[i] : toPrimary(i));
  if (!p.enrollment && !enroll(p)) {
    return;
  }
  const turn = p.turns++;
  const writes = turn % 20 === 19;
  const res = writes ? mark(p) : read(p, turn);
  if (own && i > 0 && phase() === 'steady') {
    const took = res.timings.duration;
    if (writes) {
      farWrites.add(took <= data.local.write + 1.5 * data.trips[i]);
    } else {
      farReads.add(took <= (hit(res) ? data.local.hit : data.local.miss) + more);
    }
  }
  sleep(0.5 + Math.random());
}

function read(p, turn, tags) {
  switch (turn % 3) {
    case 0: return send(p, 'read', 'GET /dashboard', { tags });
    case 1: return send(p, 'read', 'GET /me', { tags });
    default: return send(p, 'read', 'GET /courses', { path: `/courses?page=${1 + (turn % 10)}&size=2&sort=title`, tags });
  }
}
