// One minute of ten learners in every region at once, against a running `make run`:
//
//   make load               the regions of `make run`
//   make load PORT=9000     those of `make run PORT=9000`
//   BASE_URLS=https://a,https://b make load
//
// Each learner marks a lesson in one region and reads everything back in all of them,
// sending along the position it was given. Beside speed and errors the run proves that
// no answer is older than what the learner has already seen, and that the cache answers.
//
// A learner asks each route of each region 75 times a minute and stays within the rate
// limit (100/60s+10 per user, route and node).

import http from 'k6/http';
import { check, fail, sleep } from 'k6';
import { Counter, Rate } from 'k6/metrics';
import exec from 'k6/execution';
import { later } from './position.js';

const regions = (__ENV.BASE_URLS || 'http://127.0.0.1:8080,http://127.0.0.1:8081,http://127.0.0.1:8082')
  .split(',')
  .map((url) => `${url.replace(/\/+$/, '')}/api/v1`);
const learners = 10;
const pace = 0.8; // seconds between two rounds of a learner

const cacheHits = new Rate('outpost_cache_hits');
const wentBack = new Counter('outpost_went_back');
const lostWrites = new Counter('outpost_lost_writes');

export const options = {
  setupTimeout: '3m',
  scenarios: {
    smoke: { executor: 'constant-vus', vus: learners, duration: __ENV.DURATION || '1m', gracefulStop: '10s' },
  },
  thresholds: {
    'http_req_duration{scenario:smoke}': ['p(95)<200'],
    'http_req_duration{kind:read}': ['p(95)<200'],
    'http_req_duration{kind:write}': ['p(95)<200'],
    'http_req_failed{scenario:smoke}': ['rate<0.01'],
    checks: ['rate>0.99'],
    outpost_cache_hits: ['rate>0.5'],
    outpost_went_back: ['count==0'],
    outpost_lost_writes: ['count==0'],
  },
};

// The logins of all learners, one after the other: the login limit of an address is lower.
export function setup() {
  const people = [];
  for (let n = 1; n <= learners; n++) {
    const region = regions[n % regions.length];
    const token = login(region, `user${n}@example.com`);
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    const courses = ok(http.get(`${region}/courses?size=20`, { headers }), 'the list of courses').json('items');
    const course = courses[n % courses.length];
    const enrolled = ok(http.post(`${region}/enrollments`, JSON.stringify({ course_id: course.id }), { headers }), 'enrolling');
    const id = enrolled.json('id');
    const at = Object.assign({ 'Outpost-Position': enrolled.headers['Outpost-Position'] }, headers);
    const found = ok(http.get(`${region}/enrollments/${id}`, { headers: at }), 'the enrollment');
    // The longest time spent on a lesson counts, so only longer ones change anything.
    const spent = Math.max(0, ...found.json('progress').map((p) => p.seconds));
    people.push({ headers, courses: courses.map((c) => c.id), enrollment: id, course: course.id, spent });
  }
  const lessons = {};
  for (const id of people[0].courses) {
    const detail = ok(http.get(`${regions[0]}/courses/${id}`, { headers: people[0].headers }), 'a course');
    lessons[id] = detail.json('lessons').filter((l) => l.kind !== 'quiz').map((l) => l.position);
  }
  return { people, lessons };
}

function login(region, email) {
  const body = JSON.stringify({ email, password: 'testpassword' });
  const params = {
    headers: { 'Content-Type': 'application/json' },
    responseCallback: http.expectedStatuses(200, 429),
  };
  for (let attempt = 0; attempt < 20; attempt++) {
    const res = http.post(`${region}/auth/login`, body, params);
    if (res.status !== 429) {
      return ok(res, `logging in as ${email}`).json('access_token');
    }
    sleep(Number(res.headers['Retry-After']) || 1);
  }
  return fail(`logging in as ${email} at ${region}: still over the limit after 20 attempts`);
}

function ok(res, what) {
  if (res.status < 200 || res.status > 299) {
    fail(`${what}: ${res.request.method} ${res.url} answered ${res.status || res.error}: ${res.body}; is \`make run\` up?`);
  }
  return res;
}

// What this learner knows: the newest position any answer carried, and the courses' ETags.
let position = '';
const etags = {};

export default function ({ people, lessons }) {
  const began = Date.now();
  const me = people[(exec.vu.idInTest - 1) % people.length];
  const round = exec.vu.iterationInScenario;
  const home = round % regions.length;
  const open = lessons[me.course];

  const lesson = open[round % open.length];
  const marked = write(me, home, `/enrollments/${me.enrollment}/lessons/${lesson}`, { seconds: me.spent + 1 + round });
  for (let i = 1; i <= regions.length; i++) {
    const region = (home + i) % regions.length; // the region of the write comes last
    readBack(me, region, lesson, marked);
    browse(me, region, lessons, round);
  }
  sleep(Math.max(0, pace - (Date.now() - began) / 1000));
}

// readBack expects the mark just made, in whichever region.
function readBack(me, region, lesson, marked) {
  const seen = read(me, region, '/enrollments/{id}', `/enrollments/${me.enrollment}`);
  if (!marked || seen.status !== 200) {
    return; // counted as failed already
  }
  const wrote = progress(marked, lesson);
  const found = progress(seen, lesson);
  const same = check(seen, { 'a write is read back elsewhere': () => wrote && found && wrote.seconds === found.seconds });
  lostWrites.add(same ? 0 : 1);
}

function progress(res, lesson) {
  return (res.json('progress') || []).find((p) => p.lesson === lesson);
}

function browse(me, region, lessons, round) {
  read(me, region, '/me', '/me');
  read(me, region, '/me/enrollments', '/me/enrollments');

  const size = 1 + (round % 3);
  const list = read(me, region, '/courses', `/courses?page=1&size=${size}&sort=title`);
  check(list, { 'a page is no larger than asked': (r) => r.status === 200 && r.json('items').length <= size });

  const course = me.courses[round % me.courses.length];
  const known = round % 2 && etags[course] ? { 'If-None-Match': etags[course] } : {};
  const detail = read(me, region, '/courses/{id}', `/courses/${course}`, known);
  etags[course] = detail.headers.Etag;
  const text = lessons[course][round % lessons[course].length];
  const lesson = read(me, region, '/courses/{id}/lessons/{n}', `/courses/${course}/lessons/${text}`);

  for (const res of [list, detail, lesson].filter((r) => r.status === 200)) {
    const status = res.headers['Cache-Status'] || '';
    check(res, { 'Cache-Status says where the answer came from': () => status.startsWith('outpost') });
    cacheHits.add(/;\s*hit/.test(status));
  }
}

function read(me, region, route, path, extra = {}) {
  const headers = Object.assign({}, me.headers, extra);
  return send(region, 'GET', route, path, null, headers, 'read');
}

function write(me, region, path, body) {
  const res = send(region, 'PUT', '/enrollments/{id}/lessons/{lesson}', path, JSON.stringify(body), me.headers, 'write');
  return res.status === 200 ? res : null;
}

// send passes the position on and keeps the newest one, as a browser does.
function send(region, method, route, path, body, headers, kind) {
  const sent = position;
  const res = http.request(method, regions[region] + path, body, {
    headers: sent ? Object.assign({ 'Outpost-Position': sent }, headers) : headers,
    tags: { name: `${method} ${route}`, kind, region: String(region) },
  });
  const got = res.headers['Outpost-Position'] || '';
  check(res, {
    'the status is right': (r) => r.status === 200 || r.status === 304,
    'Outpost-Position is there': () => got !== '',
  });
  if (got && sent && later(sent, got)) {
    wentBack.add(1);
  }
  if (got && (!sent || later(got, sent))) {
    position = got;
  }
  return res;
}
