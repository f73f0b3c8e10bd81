// Every endpoint on the small and on the large demo, in turn: what does somebody notice of two thousand
// other companies? `make bench-sizes` starts both and runs this twice, with the cache and without.
//
//   SMALL=http://127.0.0.1:8080 LARGE=http://127.0.0.1:9000 k6 run bench/load/sizes.js
//
// One request is under way at a time, alternating between the two, so that both meet the same machine.
// Learners are drawn from all people, admins from all companies but those of a handful of people, each with
// the same chance; a platform admin, who sees all companies together, is told apart. Times are until the
// last byte; of the export, which is as long as the company is large, until the first. It ends in a table
// of p95s, in Markdown.

import http from 'k6/http';
import exec from 'k6/execution';
import { Trend } from 'k6/metrics';

const rounds = Number(__ENV.ROUNDS || 200);
const learners = Number(__ENV.LEARNERS || 50);
const admins = Number(__ENV.ADMINS || 25);
const seldom = 50; // rounds between two requests that read everybody's facts
const goal = 2; // times the p95 on the small demo
const floor = 1; // ms: a p95 below is as good as another

const worlds = {
  small: { url: api(__ENV.SMALL || 'http://127.0.0.1:8080'), users: 1000, companies: 10 },
  large: { url: api(__ENV.LARGE || 'http://127.0.0.1:9000'), users: Number(__ENV.USERS || 250000), companies: Number(__ENV.COMPANIES || 2000) },
};
const json = { 'Content-Type': 'application/json' };

function api(url) {
  return `${url.replace(/\/+$/, '')}/api/v1`;
}

// An endpoint is who asks it and what for: [method, path, body, headers], or null for who cannot.
const endpoints = {
  'POST /auth/login': ['learner', (p) => ['POST', '/auth/login', { email: p.email, password: 'testpassword' }]],
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
  'POST /enrollments': ['learner', (p, n) => ['POST', '/enrollments', { course_id: pick(p.courses, n) }]],
  'PUT /enrollments/{enrollment}/lessons/{lesson}': ['learner', (p, n) => p.open && ['PUT', `/enrollments/${p.open}/lessons/1`, { seconds: n + 1 + (Math.floor(Date.now() / 1000) % 80000) }]],
  'GET /quizzes/{quiz}': ['learner', (p) => ['GET', `/quizzes/${p.quiz}`]],
  'GET /quizzes/{quiz}/attempts': ['learner', (p) => ['GET', `/quizzes/${p.quiz}/attempts`]],
  'GET /certificates/{code}': ['learner', (p) => p.code && ['GET', `/certificates/${p.code}`]],
  'GET /certificates/{code}/pdf': ['learner', (p) => p.code && ['GET', `/certificates/${p.code}/pdf`]],
  'POST /reports/compliance': ['learner', (p, n) => ['POST', '/reports/compliance', { type: pick(['gdpr', 'nis2', 'hipaa'], n), format: 'json' }]],
  'GET /reports': ['learner', () => ['GET', '/reports']],
  'GET /status': ['learner', () => ['GET', '/status']],
  'GET /dashboard': ['admin', () => ['GET', '/dashboard']],
  'GET /admin/analytics': ['admin', () => ['GET', '/admin/analytics']],
  'GET /users': ['admin', (p, n) => ['GET', `/users?page=${1 + (n % 2)}&size=20`]],
  'GET /users?sort=': ['admin', () => ['GET', '/users?sort=full_name&size=20']],
  'GET /users?q=': ['admin', (p, n) => ['GET', `/users?q=${pick(['anna', 'mül', 'user2', 'smi', 'jean'], n)}`]],
  'GET /users/{user}': ['admin', (p, n) => ['GET', `/users/${pick(p.people, n)}`]],
  'GET /users/{user}/risk': ['admin', (p, n) => p.individual && ['GET', `/users/${pick(p.people, n)}/risk`]],
  'GET /users/export': ['admin', () => ['GET', '/users/export']],
  'PATCH /users/{user}': ['admin', (p, n) => ['PATCH', `/users/${pick(p.people, n)}`, { job_risk: pick(['low', 'medium', 'high'], n) }, { 'If-Match': '*' }]],
  'GET /assignments': ['admin', () => ['GET', '/assignments']],
  'GET /assignments/{assignment}': ['admin', (p, n) => p.assignments.length && ['GET', `/assignments/${pick(p.assignments, n)}`]],
  'POST /assignments': ['admin', (p, n) => ['POST', '/assignments', { course_id: pick(p.courses, n), scope: 'user', user_id: pick(p.people, n), due_at: '2030-01-01T00:00:00Z' }]],
  'DELETE /assignments/{assignment}': ['admin', (p) => made[p.token] && ['DELETE', `/assignments/${made[p.token]}`]],
  'GET /phishing/campaigns': ['admin', () => ['GET', '/phishing/campaigns']],
  'GET /phishing/campaigns/{campaign}': ['admin', (p, n) => p.campaigns.length && ['GET', `/phishing/campaigns/${pick(p.campaigns, n)}`]],
  'POST /phishing/events': ['admin', (p, n) => p.campaigns.length && ['POST', '/phishing/events', {
    events: [{ campaign_id: p.campaigns[0], user_id: pick(p.people, n), kind: 'reported', occurred_at: new Date(Date.now() - 60000).toISOString() }],
  }]],
  'GET /invitations': ['admin', () => ['GET', '/invitations']],
  'GET /api-keys': ['admin', () => ['GET', '/api-keys']],
  'GET /report-schedules': ['admin', () => ['GET', '/report-schedules']],
  'GET /users, of all companies': ['platform', () => ['GET', '/users?size=20']],
  'GET /users?q=, of all companies': ['platform', (p, n) => ['GET', `/users?q=${pick(['anna', 'mül', 'smi', 'jean'], n)}`]],
  'GET /phishing/campaigns, of all companies': ['platform', () => ['GET', '/phishing/campaigns']],
  'GET /assignments, of all companies': ['platform', () => ['GET', '/assignments']],
  'GET /dashboard, of all companies': ['platform', (p, n) => n % seldom === 1 && ['GET', '/dashboard']],
  'GET /admin/analytics, of all companies': ['platform', (p, n) => n % seldom === 1 && ['GET', '/admin/analytics']],
};
const names = Object.keys(endpoints);

// The assignment that each admin made last.
const made = {};

// A Trend for each endpoint and world: the summary has whole metrics only.
const trends = {};
for (const world of Object.keys(worlds)) {
  trends[world] = names.map((_, i) => new Trend(`${world}_${i}`, true));
}

export const options = {
  setupTimeout: '10m',
  scenarios: { sizes: { executor: 'shared-iterations', vus: 1, iterations: rounds, maxDuration: '30m' } },
  summaryTrendStats: ['med', 'p(95)', 'count'],
};

function pick(list, n) {
  return list[n % list.length];
}

// Numbers that are the same in every run.
function draw(from, to, n, of) {
  const list = [];
  for (let i = 0; i < n; i++) {
    list.push(from + Math.floor(((i + 0.5) / n) * (to - from + 1)));
  }
  return list.map(of);
}

export function setup() {
  const data = {};
  for (const [name, w] of Object.entries(worlds)) {
    data[name] = {
      learner: draw(21, w.users, learners, (n) => learner(w, `user${n}@example.com`)),
      admin: draw(3, w.companies - 1, Math.min(admins, w.companies - 3), (n) => n).filter((n) => n !== 10).map((n) => admin(w, `manager${n}@example.com`)),
      platform: [{ token: signIn(w, 'admin@example.com') }],
    };
  }
  return data;
}

function signIn(w, email) {
  return ask(w, '', 'POST', '/auth/login', { email, password: 'testpassword' }).json('access_token');
}

function learner(w, email) {
  const token = signIn(w, email);
  const get = (path) => ask(w, token, 'GET', path).json();
  const courses = get('/courses?size=100').items;
  const enrollments = get('/me/enrollments?size=100').items;
  const certificates = get('/me/certificates').items;
  const lessons = get(`/courses/${courses[0].id}`).lessons;
  return {
    token, email, courses: courses.map((c) => c.id), enrollments: enrollments.map((e) => e.id),
    open: (enrollments.find((e) => e.status === 'in_progress' || e.status === 'assigned') || {}).id,
    quiz: get(`/courses/${courses[0].id}/lessons/${lessons.length}`).quiz.id,
    code: certificates.length ? certificates[0].code : '',
  };
}

function admin(w, email) {
  const token = signIn(w, email);
  const get = (path) => ask(w, token, 'GET', path).json();
  return {
    token, email,
    courses: get('/courses?size=100').items.map((c) => c.id),
    people: get('/users?size=100').items.map((u) => u.id),
    assignments: get('/assignments').items.map((a) => a.id),
    campaigns: get('/phishing/campaigns').items.map((c) => c.id),
    individual: get('/me').company.privacy_mode === 'individual',
  };
}

// ask gives no answer where the company has the thing that was to be made already.
function ask(w, token, method, path, body = null, more = {}) {
  const headers = Object.assign({ 'Accept-Encoding': 'gzip' }, json, token ? { Authorization: `Bearer ${token}` } : {}, more);
  const res = http.request(method, w.url + path, body && JSON.stringify(body), { headers, timeout: '60s' });
  if (res.status === 409) {
    return null;
  }
  if (res.status < 200 || res.status > 299) {
    exec.test.abort(`${method} ${w.url}${path} answered ${res.status || res.error}: ${res.body}`);
  }
  return res;
}

let n = 0;

export default function (data) {
  n++;
  names.forEach((name, i) => {
    const [role, request] = endpoints[name];
    for (const [world, w] of n % 2 ? Object.entries(worlds) : Object.entries(worlds).reverse()) {
      // Whoever has no such thing leaves the turn to the next who has.
      const people = data[world][role];
      for (let k = 0; k < people.length; k++) {
        const p = people[(n + k) % people.length];
        const asked = request(p, n);
        if (asked) {
          const [method, path, body, more] = asked;
          const res = ask(w, p.token, method, path, body, more);
          if (res) {
            trends[world][i].add(path === '/users/export' ? res.timings.waiting : res.timings.duration);
            if (path === '/assignments') {
              made[p.token] = method === 'POST' ? res.json('id') : made[p.token];
            }
            break;
          }
        }
      }
    }
  });
}

export function handleSummary(data) {
  if (!names.every((_, i) => data.metrics[`large_${i}`] && data.metrics[`large_${i}`].values.count)) {
    return {}; // the run has failed, and says why
  }
  const rows = names.map((name, i) => {
    const [small, large] = ['small', 'large'].map((world) => data.metrics[`${world}_${i}`].values);
    const ratio = Math.max(large['p(95)'], floor) / Math.max(small['p(95)'], floor);
    return { name, small, large, ratio };
  });
  const ms = (v) => v.toFixed(v < 10 ? 2 : 0);
  const lines = [
    '| endpoint | small, median | p95 | large, median | p95 | p95, large / small |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...rows.map((r) => `| \`${r.name}\` | ${ms(r.small.med)} | ${ms(r.small['p(95)'])} | ${ms(r.large.med)} | ${ms(r.large['p(95)'])} | ${r.ratio > goal ? `**${r.ratio.toFixed(1)}**` : r.ratio.toFixed(1)} |`),
  ];
  const over = rows.filter((r) => r.ratio > goal).map((r) => r.name);
  lines.push('', `Milliseconds, ${rounds} requests of each to each (${Math.ceil(rounds / seldom)} for the figures of all companies). ${over.length ? `Above ${goal} times: ${over.join('; ')}.` : `None is above ${goal} times.`}`, '');
  const text = lines.join('\n');
  return Object.assign({ stdout: text }, __ENV.OUT ? { [__ENV.OUT]: text } : {});
}
