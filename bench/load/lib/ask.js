// How a person speaks to a region, and what every answer has to keep.

import http from 'k6/http';
import exec from 'k6/execution';
import { sleep } from 'k6';
import { Counter, Rate } from 'k6/metrics';
import { timely } from './plan.js';

const cacheHits = new Rate('outpost_cache_hits');
const timeouts = new Counter('outpost_timeouts');
const broken = new Counter('outpost_broken_promises');

// Where a region may be asked too much, SHED=1 in the scenario's environment, its 503 is an answer.
const answers = http.expectedStatuses({ min: 200, max: 399 });
const answersOrSheds = http.expectedStatuses({ min: 200, max: 399 }, 503);
const longest = timely ? '10s' : '1m'; // that anybody waits for an answer

// phase is warmup for as long as the scenario says, and steady from then on.
export function phase() {
  return Date.now() - exec.scenario.startTime < 1000 * Number(__ENV.WARM || 0) ? 'warmup' : 'steady';
}

// send asks as the person p, in the region where p is. The name is method and route; the path is another
// where the route has something to fill in. Like a browser it passes on the newest position it has seen and
// accepts compressed answers, which are not unpacked where nobody reads them (read: 'text' or 'binary' for those who do).
export function send(p, kind, name, { path, body = null, status = 200, headers = {}, read = 'none', tags = {} } = {}) {
  const [method, route] = name.split(' ');
  const sent = p.position;
  const own = { Authorization: `Bearer ${p.token}`, 'Accept-Encoding': 'br, gzip' };
  if (body) {
    own['Content-Type'] = 'application/json';
  }
  if (sent) {
    own['Outpost-Position'] = sent;
  }
  const all = Object.assign({ name, kind, region: p.region, user: p.role, phase: tags.phase || phase() }, tags);
  const shed = __ENV.SHED === '1';
  const res = http.request(method, p.url + (path || route), body && JSON.stringify(body), {
    headers: Object.assign(own, headers), tags: all, timeout: longest,
    responseType: read,
    responseCallback: shed ? answersOrSheds : answers,
  });
  if (res.error_code === 1050) {
    timeouts.add(1, all);
  }
  if (shed && res.status === 503) {
    promise('a 503 says when to come again', Number(res.headers['Retry-After']) > 0, res);
    sleep(Number(res.headers['Retry-After']) || 1);
    return res;
  }
  if (promise(`the status is ${status}`, [].concat(status).includes(res.status), res)) {
    holds(p, sent, res, shed);
    const from = res.headers['Cache-Status'] || '';
    if (method === 'GET' && (from || kind === 'catalogue' || kind === 'dashboard')) { // which say it always
      cacheHits.add(from.includes('; hit'), all);
    }
  }
  return res;
}

// holds is what an answer says of the state it is of: one, a current one, none older than p has seen. Under more load than
// a region, or the machine, can take it may be behind, and say so.
function holds(p, sent, res, overloaded) {
  const got = res.headers['Outpost-Position'] || '';
  promise('no older state is served', overloaded || !timely || !res.headers['Outpost-Stale'], res);
  if (promise('Outpost-Position is there', got !== '', res)) {
    promise('no answer is older than one before', !sent || !later(sent, got), res);
    if (!p.position || later(got, p.position)) {
      p.position = got;
    }
  }
}

let told = 0; // by this virtual user

// promise counts what is not kept, and tells the first of each virtual user.
export function promise(what, kept, res) {
  if (!kept) {
    broken.add(1, { promise: what });
    if (++told === 1) {
      const id = res.headers['X-Request-Id'] || 'none';
      console.error(`not kept: ${what}: ${res.request.method} ${res.url} answered ${res.status || res.error} (request ${id})`);
    }
  }
  return kept;
}

// later says whether position a comes after b: <generation>:<high>/<low>, the generation decimal and the
// LSN's halves hexadecimal, all without leading zeros.
export function later(a, b) {
  const [x, y] = [a, b].map((position) => position.split(/[:/]/));
  for (let i = 0; i < 3; i++) {
    // Without leading zeros the longer number is the larger one.
    if (x[i].length !== y[i].length) {
      return x[i].length > y[i].length;
    }
    if (x[i] !== y[i]) {
      return x[i] > y[i];
    }
  }
  return false;
}
