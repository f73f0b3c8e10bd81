// Three seconds of two kinds of users, with all that the output looks at: phases, regions, thresholds that
// hold, one that does not, and one that has nothing to look at.

import http from 'k6/http';
import exec from 'k6/execution';
import { check, sleep } from 'k6';
import { Counter, Rate, Trend } from 'k6/metrics';

const cacheHits = new Rate('outpost_cache_hits');
const wentBack = new Counter('went_back');
const size = new Trend('size');
const regions = __ENV.REGIONS.split(',');
const bases = __ENV.BASE_URLS.split(',');

export const options = {
  scenarios: {
    learner: { executor: 'constant-arrival-rate', exec: 'learner', rate: 100, timeUnit: '1s', duration: '3s', preAllocatedVUs: 5, gracefulStop: '2s' },
    writer: { executor: 'constant-arrival-rate', exec: 'writer', rate: 20, timeUnit: '1s', duration: '3s', preAllocatedVUs: 2, gracefulStop: '2s' },
  },
  thresholds: {
    'http_req_duration{user:learner}': ['p(95)<5000', 'max<10000'],
    'http_req_failed{name:PUT /enrollments/{id}}': ['rate==0'],
    'http_req_duration{user:nobody}': ['p(95)<1'],
    'went_back': ['count==0'],
    'checks': ['rate>0.9'],
  },
};

export function setup() {
  for (let i = 0; i < 7; i++) {
    http.get(`${bases[0]}/courses?token=secret`);
  }
}

function send(method, route, path, user) {
  const i = exec.scenario.iterationInTest % bases.length;
  const phase = exec.instance.currentTestRunDuration < 1000 ? 'warmup' : 'steady';
  const tags = { name: `${method} ${route}`, region: regions[i], user, phase };
  const res = http.request(method, bases[i] + path, null, { tags });
  check(res, { answered: (r) => r.status > 0 });
  if (res.headers['Cache-Status']) {
    cacheHits.add(/;\s*hit/.test(res.headers['Cache-Status']), tags);
  }
  size.add(res.body.length);
}

export function learner() {
  send('GET', '/courses', '/courses?page=2', 'learner');
}

export function writer() {
  send('PUT', '/enrollments/{id}', '/enrollments/7', 'writer');
  wentBack.add(0);
  sleep(0.01);
}
