// The requests of learner.js at a constant rate, however long answers take: slow answers do not slow the question, and
// what could not be asked in time counts against the run. For the rate at which a target is no longer fast enough.
//
//   make load LOAD=arrival               330 requests a second for a minute
//   make load LOAD=arrival RATE=800      USERS, WARMUP, STEADY, WRITES and FOLLOW as in learner.js
//   make load LOAD=arrival SHORT=1

import { arrivals, number, seconds, within } from './lib/plan.js';
import { self } from './lib/people.js';
import * as mix from './lib/mix.js';

const all = number('USERS', 1000, 50);
const rate = number('RATE', 330, 50);
const warm = seconds('WARMUP', 10, 3);
const steady = seconds('STEADY', 60, 15);

export const options = mix.options('arrival', arrivals({ rate, steady, warm, users: all }), warm + steady, {
  own: {
    'http_req_duration{phase:steady}': within(200),
    'http_req_duration{phase:steady,kind:dashboard}': within(200),
    'http_req_duration{phase:steady,kind:catalogue}': within(200),
    'http_req_duration{phase:steady,kind:report}': within(200),
    'dropped_iterations{scenario:arrival}': [`count<=${Math.floor(0.01 * rate * (warm + steady))}`],
  },
});

export function setup() {
  return mix.begin(all);
}

export default function (data) {
  mix.ask(self(data));
}

export { write, followReport } from './lib/mix.js';
