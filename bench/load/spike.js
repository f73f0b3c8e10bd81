// A crowd: fifty of the users of learner.js, then five hundred more each second until there are five thousand, who stay until
// ten minutes are over. A region may refuse what is too much for it, with a 503 that says when to come again, and
// users do as it says; it may not leave anybody without an answer for ten seconds, or break a promise.
//
//   make load LOAD=spike                 USERS, RAMP, WARMUP, STEADY, WRITES and FOLLOW as in learner.js
//   make load LOAD=spike SHORT=1
//
// The demo has a thousand learners: each of them is there in five browsers.

import { number, seconds, users } from './lib/plan.js';
import { self } from './lib/people.js';
import * as mix from './lib/mix.js';

const all = number('USERS', 5000, 200);
const warm = seconds('WARMUP', 20, 3);
const steady = seconds('STEADY', 600, 15);
const crowd = users({ all, perSecond: number('RAMP', 500, 100), warm, steady, early: Math.ceil(all / 100) });
crowd.env.SHED = '1';

// To find out who one is, among a thousand, takes a virtual user 3 ms of a core: five hundred a second would leave the
// target little of the machine. So they all do that first.
const knowing = Math.ceil(all / 250);
crowd.startTime = `${knowing}s`;

export const options = mix.options('spike', crowd, warm + steady, {
  own: { outpost_timeouts: ['count==0'] },
  follow: 0,
});
options.scenarios.know = {
  executor: 'per-vu-iterations', exec: 'know', vus: all, iterations: 1, maxDuration: `${knowing}s`, gracefulStop: '0s',
};

export function know(data) {
  self(data);
}

export function setup() {
  return mix.begin(all);
}

export { visit as default, write, followReport } from './lib/mix.js';
