// Every endpoint on the small and on the large demo, in turn: what does somebody notice of two thousand
// other companies? `make bench-sizes` starts both and runs this twice, with the cache and without.
//
//   SMALL=http://127.0.0.1:8080 LARGE=http://127.0.0.1:9000 k6 run bench/load/sizes.js
//
// One request is under way at a time, alternating between the two, so that both meet the same machine.
// Learners are drawn from all people, admins from all companies of ten people and more, each with the same
// chance; the largest company has rows of its own, and so has a platform admin, who sees all companies
// together. Times are until the last byte; of the export, which is as long as the company is large, until
// the first. Where answers come from the cache, only those count: the second run tells what the others
// take. It ends in a table of p95s, in Markdown.
//
// Left out: what sends mail (invitations, forgotten passwords), what only a platform admin writes
// (courses), and what ends a session or a certificate, of which there would soon be none left.

import http from 'k6/http';
import exec from 'k6/execution';
import { Trend } from 'k6/metrics';

const rounds = Number(__ENV.ROUNDS || 100);
const learners = Number(__ENV.LEARNERS || 40);
const admins = 7; // as many as the small demo has companies of ten people and more, but the largest
const seldom = 20; // rounds between two requests that read everybody's facts
const goal = 2; // times the p95 on the small demo
const floor = 1; // ms: what is below counts as this

const worlds = {
  small: { url: api(__ENV.SMALL || 'http://127.0.0.1:8080'), users: 1000, companies: 10 },
  large: { url: api(__ENV.LARGE || 'http://127.0.0.1:9000'), users: 250000, companies: 2000 },
};
const json = { 'Content-Type': 'application/json' };
const password = 'testpassword';

function api(url) {
  return `${url.replace(/\/+$/, '')}/api/v1`;
}

// What each person has made last, by kind; where their last write stands; and their tokens, which live 15 minutes.
const made = {};
const positions = {};
const tokens = {};
const last = (p, kind) => (made[p.key] || {})[kind];

// An endpoint is who asks it and what for: [method, path, body, headers], or nothing for who cannot.
const endpoints = {
  'POST /auth/login': ['learner', (p) => ['POST', '/auth/login', { email: p.email, password }]],
  'POST /auth/refresh': ['learner', (p) => last(p, 'refresh') && ['POST', '/auth/refresh', { refresh_token: last(p, 'refresh') }]],
  'GET /me': ['learner', () => ['GET', '/me']],
  'GET /me/enrollments': ['learner', () => ['GET', '/me/enrollments']],
  'GET /me/certificates': ['learner', () => ['GET', '/me/certificates']],
  'GET /me/risk': ['learner', () => ['GET', '/me/risk']],
  'GET /me/export': ['learner', () => ['GET', '/me/export']],
  'GET /courses': ['learner', (p, n) => ['GET', `/courses?page=${1 + (n % 3)}&size=10`]],
  'GET /courses?q=': ['learner', (p, n) => ['GET', `/courses?q=${pick(['phishing', 'passwort', 'gdpr', 'reise', 'phone'], n)}`]],
  'GET /courses/{course}': ['learner', (p, n) => ['GET', `/courses/${pick(p.courses, n)}`]],
  'GET /courses/{course}/lessons/{lesson}': ['learner', (p, n) => ['GET', `/courses/${pick(p.courses, n)}/lessons/${1 + (n % 3)}`]],
  'GET /frameworks': ['learner', () => ['GET', '/frameworks']],
  'GET /enrollments/{enrollment}': ['learner', (p, n) => p.enrollments.length && ['GET', `/enrollments/${pick(p.enrollments, n)}`]],
  'POST /enrollments': ['learner', (p, n) => ['POST', '/enrollments', { course_id: pick(p.courses, n + Math.floor(n / learners)) }]],
  'PUT /enrollments/{enrollment}/lessons/{lesson}': ['learner', (p) => p.open && ['PUT', `/enrollments/${p.open}/lessons/1`, { seconds: Math.floor((Date.now() / 1000) % 86400) }]],
  'GET /quizzes/{quiz}': ['learner', (p) => ['GET', `/quizzes/${p.quiz}`]],
  'GET /quizzes/{quiz}/attempts': ['learner', (p) => ['GET', `/quizzes/${p.quiz}/attempts`]],
  'POST /quizzes/{quiz}/attempts': ['learner', (p) => ['POST', `/quizzes/${p.quiz}/attempts`, { answers: [] }]],
  'GET /certificates/{code}': ['learner', (p) => p.code && ['GET', `/certificates/${p.code}`]],
  'GET /certificates/{code}/pdf': ['learner', (p) => p.code && ['GET', `/certificates/${p.code}/pdf`]],
  'POST /reports/compliance': ['learner', (p, n) => ['POST', '/reports/compliance', { type: pick(['gdpr', 'nis2', 'hipaa'], n), format: 'json' }]],
  'GET /reports': ['learner', () => ['GET', '/reports']],
  'GET /reports/{report}/status': ['learner', (p) => last(p, 'report') && ['GET', `/reports/${last(p, 'report')}/status`]],
  'GET /reports/{report}': ['learner', (p) => last(p, 'document') && ['GET', `/reports/${last(p, 'document')}`]],
  'GET /status': ['learner', () => ['GET', '/status']],
  'GET /dashboard': ['admin', () => ['GET', '/dashboard']],
  'GET /admin/analytics': ['admin', () => ['GET', '/admin/analytics']],
  'GET /users': ['admin', (p, n) => ['GET', `/users?page=${1 + (n % 2)}&size=20`]],
  'GET /users?sort=': ['admin', () => ['GET', '/users?sort=full_name&size=20']],
  'GET /users?q=': ['admin', (p, n) => ['GET', `/users?q=${pick(['anna', 'mül', 'user2', 'smi', 'jean'], n)}`]],
  'GET /users/{user}': ['admin', (p, n) => ['GET', `/users/${pick(p.people, n)}`]],
  'GET /users/{user}/risk': ['admin', (p, n) => p.individual && ['GET', `/users/${pick(p.people, n)}/risk`]],
  'GET /users/export': ['admin', () => ['GET', '/users/export']],
  'POST /users': ['admin', () => ['POST', '/users', { email: address(), full_name: 'Somebody New' }]],
  'POST /users/bulk': ['admin', () => ['POST', '/users/bulk', { users: [0, 1, 2, 3, 4].map(() => ({ email: address(), full_name: 'Somebody New' })) }]],
  'PATCH /users/{user}': ['admin', (p, n) => ['PATCH', `/users/${pick(p.people, n)}`, { job_risk: pick(['low', 'medium', 'high'], n) }, { 'If-Match': '*' }]],
  'DELETE /users/{user}': ['admin', (p) => last(p, 'user') && ['DELETE', `/users/${last(p, 'user')}`]],
  'GET /assignments': ['admin', () => ['GET', '/assignments']],
  'GET /assignments/{assignment}': ['admin', (p, n) => p.assignments.length && ['GET', `/assignments/${pick(p.assignments, n)}`]],
  'POST /assignments': ['admin', (p, n) => ['POST', '/assignments', { course_id: pick(p.courses, n), scope: 'user', user_id: pick(p.people, n), due_at: '2030-01-01T00:00:00Z' }]],
  'DELETE /assignments/{assignment}': ['admin', (p) => last(p, 'assignment') && ['DELETE', `/assignments/${last(p, 'assignment')}`]],
  'GET /phishing/campaigns': ['admin', () => ['GET', '/phishing/campaigns']],
  'GET /phishing/campaigns/{campaign}': ['admin', (p, n) => p.campaigns.length && ['GET', `/phishing/campaigns/${pick(p.campaigns, n)}`]],
  'POST /phishing/campaigns': ['admin', () => ['POST', '/phishing/campaigns', { name: 'A parcel is waiting', template: 'parcel-delivery', started_at: '2026-11-02T07:00:00Z' }]],
  'PATCH /phishing/campaigns/{campaign}': ['admin', (p, n) => last(p, 'campaign') && ['PATCH', `/phishing/campaigns/${last(p, 'campaign')}`, { name: `A parcel, ${n}` }, { 'If-Match': '*' }]],
  'POST /phishing/events': ['admin', (p, n) => p.campaigns.length && ['POST', '/phishing/events', {
    events: [{ campaign_id: p.campaigns[0], user_id: pick(p.people, n), kind: 'reported', occurred_at: new Date(Date.now() - 60000).toISOString() }],
  }]],
  'GET /invitations': ['admin', () => ['GET', '/invitations']],
  'GET /api-keys': ['admin', () => ['GET', '/api-keys']],
  'POST /api-keys': ['admin', () => ['POST', '/api-keys', { name: 'Measured', scopes: ['users:read'] }]],
  'DELETE /api-keys/{key}': ['admin', (p) => last(p, 'key') && ['DELETE', `/api-keys/${last(p, 'key')}`]],
  'GET /report-schedules': ['admin', () => ['GET', '/report-schedules']],
  'POST /report-schedules': ['admin', () => ['POST', '/report-schedules', { report_type: 'training', format: 'csv', cadence: 'weekly' }]],
  'DELETE /report-schedules/{schedule}': ['admin', (p) => last(p, 'schedule') && ['DELETE', `/report-schedules/${last(p, 'schedule')}`]],
  'GET /dashboard, largest company': ['largest', () => ['GET', '/dashboard']],
  'GET /admin/analytics, largest company': ['largest', () => ['GET', '/admin/analytics']],
  'GET /users, largest company': ['largest', () => ['GET', '/users?size=20']],
  'GET /users?q=, largest company': ['largest', (p, n) => ['GET', `/users?q=${pick(['anna', 'mül', 'smi', 'jean'], n)}`]],
  'GET /users/export, largest company': ['largest', () => ['GET', '/users/export']],
  'GET /phishing/campaigns, largest company': ['largest', () => ['GET', '/phishing/campaigns']],
  'GET /courses/{course}/source': ['platform', (p, n) => ['GET', `/courses/${pick(p.courses, n)}/source`]],
  'GET /users, all companies': ['platform', () => ['GET', '/users?size=20']],
  'GET /users?q=, all companies': ['platform', (p, n) => ['GET', `/users?q=${pick(['anna', 'mül', 'smi', 'jean'], n)}`]],
  'GET /phishing/campaigns, all companies': ['platform', () => ['GET', '/phishing/campaigns']],
  'GET /assignments, all companies': ['platform', () => ['GET', '/assignments']],
  'GET /dashboard, all companies': ['platform', (p, n) => n % seldom === 1 && ['GET', '/dashboard']],
};
const names = Object.keys(endpoints);

// What a successful write leaves for a later one.
const kept = {
  'POST /auth/login': ['refresh', 'refresh_token'], 'POST /auth/refresh': ['refresh', 'refresh_token'],
  'POST /reports/compliance': ['asked', 'report_id'], 'POST /users': ['user', 'id'], 'POST /assignments': ['assignment', 'id'],
  'POST /phishing/campaigns': ['campaign', 'id'], 'POST /api-keys': ['key', 'id'], 'POST /report-schedules': ['schedule', 'id'],
};

// A Trend for each endpoint and world, of hits and of others: the summary has whole metrics only.
const trends = {};
for (const world of Object.keys(worlds)) {
  trends[world] = names.map((_, i) => ({ hit: new Trend(`${world}_${i}_hit`, true), other: new Trend(`${world}_${i}_other`, true) }));
}

export const options = {
  setupTimeout: '10m',
  scenarios: { sizes: { executor: 'shared-iterations', vus: 1, iterations: rounds, maxDuration: '60m' } },
  summaryTrendStats: ['med', 'p(95)', 'count'],
};

function pick(list, n) {
  return list[n % list.length];
}

let addresses = 0;
function address() {
  addresses++;
  return `new-${Date.now()}-${addresses}@example.org`;
}

// Numbers between two others, the same in every run.
function spread(from, to, n) {
  const list = [];
  for (let i = 0; i < n; i++) {
    list.push(from + Math.floor(((i + 0.5) / n) * (to - from + 1)));
  }
  return list;
}

export function setup() {
  const data = {};
  for (const [world, w] of Object.entries(worlds)) {
    const platform = person(world, 'admin@example.com');
    const sizes = {};
    for (let id = 2; id <= w.companies; id++) {
      sizes[id] = ask(platform, 'GET', `/users?company_id=${id}&size=1&fields=id`).json('total');
    }
    const ids = Object.keys(sizes).map(Number).sort((a, b) => sizes[b] - sizes[a]);
    const usual = ids.slice(1).filter((id) => sizes[id] >= 10).sort((a, b) => a - b);
    platform.courses = ask(platform, 'GET', '/courses?size=100').json('items').map((c) => c.id);
    console.log(`${world}: ${usual.length} companies of ten people and more; the largest has ${sizes[ids[0]]}`);
    data[world] = {
      learner: spread(21, w.users, learners).map((n) => learner(world, `user${n}@example.com`)),
      admin: spread(0, usual.length - 1, admins).map((i) => admin(world, usual[i])),
      largest: [admin(world, ids[0])],
      platform: [platform],
    };
  }
  return data;
}

function person(world, email) {
  const p = { world, email, key: `${world} ${email}` };
  tokens[p.key] = ask(p, 'POST', '/auth/login', { email, password }).json('access_token');
  return p;
}

function learner(world, email) {
  const p = person(world, email);
  const get = (path) => ask(p, 'GET', path).json();
  p.courses = get('/courses?size=100').items.map((c) => c.id);
  const enrollments = get('/me/enrollments?size=100').items;
  p.enrollments = enrollments.map((e) => e.id);
  const open = enrollments.find((e) => e.status === 'in_progress' || e.status === 'assigned') || { course_id: p.courses[0] };
  p.open = open.id;
  p.quiz = get(`/courses/${open.course_id}/lessons/${get(`/courses/${open.course_id}`).lessons.length}`).quiz.id;
  const certificates = get('/me/certificates').items;
  p.code = certificates.length ? certificates[0].code : '';
  return p;
}

function admin(world, company) {
  const p = person(world, company === 2 ? 'manager@example.com' : `manager${company}@example.com`);
  const get = (path) => ask(p, 'GET', path).json();
  p.courses = get('/courses?size=100').items.map((c) => c.id);
  p.people = get('/users?size=100&is_active=true').items.map((u) => u.id);
  p.assignments = get('/assignments').items.map((a) => a.id);
  p.campaigns = get('/phishing/campaigns').items.map((c) => c.id);
  p.individual = get('/me').company.privacy_mode === 'individual';
  return p;
}

// ask gives no answer where what was to be made is there already, or attempts are used up.
function ask(p, method, path, body = null, more = {}) {
  for (const again of [false, true]) {
    const token = tokens[p.key] ? { Authorization: `Bearer ${tokens[p.key]}` } : {};
    const position = positions[p.key] ? { 'Outpost-Position': positions[p.key] } : {};
    const res = http.request(method, worlds[p.world].url + path, body && JSON.stringify(body), {
      headers: Object.assign({ 'Accept-Encoding': 'gzip' }, json, token, position, more), timeout: '60s',
    });
    if (res.status >= 200 && res.status <= 299) {
      if (method !== 'GET') {
        positions[p.key] = res.headers['Outpost-Position'] || positions[p.key];
      }
      return res;
    }
    if (res.status === 409) {
      return null;
    }
    if (res.status !== 401 || again || path.startsWith('/auth/')) {
      exec.test.abort(`${method} ${worlds[p.world].url}${path} for ${p.email} answered ${res.status || res.error}: ${res.body}`);
    }
    delete tokens[p.key]; // those of the setup are not known to who measures, and later ones run out
    tokens[p.key] = ask(p, 'POST', '/auth/login', { email: p.email, password }).json('access_token');
  }
  return null;
}

let n = 0;

export default function (data) {
  n++;
  names.forEach((name, i) => {
    const [role, request] = endpoints[name];
    for (const world of n % 2 ? ['small', 'large'] : ['large', 'small']) {
      // Whoever has no such thing leaves the turn to the next who has.
      const people = data[world][role];
      people.some((_, k) => measure(name, i, people[(n + k) % people.length], request));
    }
  });
}

function measure(name, i, p, request) {
  const asked = request(p, n);
  if (!asked) {
    return false;
  }
  const res = ask(p, ...asked);
  if (!res) {
    return false;
  }
  const status = res.headers['Cache-Status'] || '';
  trends[p.world][i][/;\s*hit/.test(status) ? 'hit' : 'other'].add(asked[1] === '/users/export' ? res.timings.waiting : res.timings.duration);
  made[p.key] = made[p.key] || {};
  if (kept[name]) {
    const [kind, field] = kept[name];
    if (kind === 'asked') {
      made[p.key].report = made[p.key].asked; // the one before is made by now
    }
    made[p.key][kind] = res.json(field);
  }
  if (name === 'GET /reports/{report}/status' && res.json('status') === 'completed') {
    made[p.key].document = made[p.key].report;
  }
  if (asked[0] === 'DELETE') { // what was made is gone
    for (const kind of Object.keys(made[p.key])) {
      if (asked[1].endsWith(`/${made[p.key][kind]}`)) {
        delete made[p.key][kind];
      }
    }
  }
  return true;
}

export function handleSummary(data) {
  const values = (world, i, kind) => (data.metrics[`${world}_${i}_${kind}`] || {}).values || { count: 0 };
  const rows = [];
  const missing = [];
  names.forEach((name, i) => {
    const all = ['small', 'large'].map((world) => ({ hit: values(world, i, 'hit'), other: values(world, i, 'other') }));
    const kind = all.every((w) => w.hit.count > w.other.count) ? 'hit' : 'other';
    const [small, large] = all.map((w) => w[kind]);
    if (!small.count || !large.count) {
      missing.push(name);
      return;
    }
    rows.push({ name, kind, small, large, ratio: Math.max(large['p(95)'], floor) / Math.max(small['p(95)'], floor) });
  });
  if (!rows.length) {
    return {}; // the run has failed, and says why
  }
  const ms = (v) => v.toFixed(v < 10 ? 2 : 0);
  const over = rows.filter((r) => r.ratio > goal);
  const text = [
    '| endpoint | from | small: n | median | p95 | large: n | median | p95 | large / small |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows.map((r) => `| \`${r.name}\` | ${r.kind === 'hit' ? 'cache' : '' } | ${r.small.count} | ${ms(r.small.med)} | ${ms(r.small['p(95)'])} | ${r.large.count} | ${ms(r.large.med)} | ${ms(r.large['p(95)'])} | ${r.ratio > goal ? `**${r.ratio.toFixed(1)}**` : r.ratio.toFixed(1)} |`),
    '',
    `Milliseconds; the ratio is of p95s, where less than ${floor} ms counts as ${floor} ms. ${over.length ? `Above ${goal}: ${over.map((r) => r.name).join('; ')}.` : `None is above ${goal}.`}${missing.length ? ` Never asked of both: ${missing.join('; ')}.` : ''}`,
    '',
  ].join('\n');
  return Object.assign({ stdout: text }, __ENV.OUT ? { [__ENV.OUT]: text } : {});
}
