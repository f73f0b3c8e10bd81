// One minute of ten learners in every region at once, against a running `make run`, also with its limits on:
//
//   make load LOAD=smoke                 the regions of `make run`
//   make load LOAD=smoke PORT=9000       those of `make run PORT=9000`
//   BASE_URLS=https://a,https://b make load LOAD=smoke
//   make load LOAD=smoke SHORT=1         ten seconds; STEADY and USERS change it, too
//
// Each learner marks a lesson in one region and reads everything back in all of them, sending along the
// position it was given. Beside speed and errors the run proves that no answer is older than what the learner
// has already seen, that a write is there in every region, and that the cache answers.
//
// A learner asks each route of each region 75 times a minute and stays within the rate limit (100/60s+10
// per user, route and node). Run again within a minute, it waits for the login limit.

import exec from 'k6/execution';
import { sleep } from 'k6';
import { number, patient, seconds, thresholds, within } from './lib/plan.js';
import { move, regions, signIn } from './lib/people.js';
import { mark, readBack, writer } from './lib/progress.js';
import { promise, send } from './lib/ask.js';

const learners = number('USERS', 10, 10);
const steady = seconds('STEADY', 60, 10);
const pace = 0.8; // seconds between two rounds of a learner

export const options = Object.assign({}, patient, {
  scenarios: { smoke: { executor: 'constant-vus', vus: learners, duration: `${steady}s`, gracefulStop: '10s' } },
  thresholds: thresholds({
    'http_req_duration{phase:steady}': within(200),
    'http_req_duration{phase:steady,kind:progress}': within(200),
    'outpost_cache_hits{kind:catalogue}': ['rate>0.5'],
  }),
});

export function setup() {
  return signIn(learners);
}

export default function (data) {
  const began = Date.now();
  const p = writer(data);
  const round = exec.vu.iterationInScenario;
  if (p) {
    const home = round % regions.length;
    move(p, regions[home], data.names[home]);
    const written = mark(p).status === 200;
    for (let i = 1; i <= regions.length; i++) {
      const region = (home + i) % regions.length; // the region of the write comes last
      move(p, regions[region], data.names[region]);
      if (written) {
        readBack(p);
      }
      browse(p, round);
    }
  }
  sleep(Math.max(0, pace - (Date.now() - began) / 1000));
}

const etags = {};

function browse(p, round) {
  send(p, 'account', 'GET /me');
  send(p, 'account', 'GET /me/enrollments');

  const size = 1 + (round % 3);
  const list = send(p, 'catalogue', 'GET /courses', { path: `/courses?size=${size}&sort=title`, read: 'text' });
  promise('a page is no larger than asked', list.status !== 200 || list.json('items').length <= size, list);

  // Every other time what is known is only asked whether it is still so, which may not depend on the region.
  const course = p.courses[round % p.courses.length];
  const known = round % 2 && etags[course] ? { 'If-None-Match': etags[course] } : {};
  const detail = send(p, 'catalogue', 'GET /courses/{course}', { path: `/courses/${course}`, headers: known, status: [200, 304] });
  etags[course] = detail.headers.Etag;
  send(p, 'catalogue', 'GET /courses/{course}/lessons/{lesson}', { path: `/courses/${p.course}/lessons/${p.lesson}` });
  promise('Cache-Status says where an answer came from', (detail.headers['Cache-Status'] || '').startsWith('outpost'), detail);
}
