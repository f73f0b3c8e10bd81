// One minute of the demo's learners, all of them, spread over the regions of a running `make run` whose
// limits are off, since all come from one address:
//
//   OUTPOST_RATE_LIMIT=off OUTPOST_LOGIN_LIMIT=off make run
//   make load                            smoke.js, this, and mix.js
//   make load LOAD=users RATE=500        this alone, at 500 requests a second instead of 330
//
// They are signed in before the minute begins. Then requests come at a constant rate, however long
// answers take: their own account and enrollments, the pages of the catalogue, and their progress. Each
// sends along the newest position that its virtual user has seen. One error, more than one request in a
// hundred that could not be sent in time, or a p95 of 200 ms fails the run.

import exec from 'k6/execution';
import * as load from './people.js';

export const options = load.options('users', ['dashboard', 'courses', 'progress']);

export function setup() {
  return {
    people: load.signIn((group) => {
      const courses = load.all(group, (p) => ['GET', '/courses?size=20&fields=id', null, p.headers]);
      group.forEach((p, i) => { p.courses = courses[i].json('items'); });
      const enrolled = load.all(group, (p) => ['POST', '/enrollments', { course_id: p.courses[p.n % p.courses.length].id }, p.headers]);
      return group.map((p, i) => [p.token, enrolled[i].json('id')]);
    }),
  };
}

// Of twenty requests five are for the dashboard, twelve for the catalogue, and three write.
export default function ({ people }) {
  const n = exec.scenario.iterationInTest;
  const [token, enrollment] = people[n % people.length];
  const me = load.person(people, n, token);
  const turn = Math.floor(n / 7) % 20; // neither a person nor a region always does the same
  if (turn < 3) {
    load.send(me, 'dashboard', 'GET /me', 'GET', '/me');
  } else if (turn < 5) {
    load.send(me, 'dashboard', 'GET /me/enrollments', 'GET', '/me/enrollments');
  } else if (turn < 17) {
    load.send(me, 'courses', 'GET /courses', 'GET', `/courses?page=${1 + (n % 10)}&size=2&sort=title`);
  } else {
    // The longest time counts, and the time of day grows from one run to the next.
    const spent = Math.floor((Date.now() / 1000) % 86400);
    load.send(me, 'progress', 'PUT /enrollments/{id}/lessons/{lesson}', 'PUT', `/enrollments/${enrollment}/lessons/1`, { seconds: spent });
  }
}
