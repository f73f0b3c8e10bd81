// More and more of the users of learner.js: ten come a second until there are a thousand, and stay until half an hour
// is over. Their coming is part of the figures; what twenty ask before it, in the WARMUP, is not.
//
//   make load LOAD=ramp                  USERS, RAMP, WARMUP, STEADY, WRITES and FOLLOW as in learner.js
//   make load LOAD=ramp SHORT=1

import { number, seconds, users, within } from './lib/plan.js';
import * as mix from './lib/mix.js';

const all = number('USERS', 1000, 40);
const warm = seconds('WARMUP', 20, 3);
const steady = seconds('STEADY', 1800, 15);

export const options = mix.options('ramp', users({ all, perSecond: number('RAMP', 10, 10), warm, steady, early: Math.ceil(all / 50) }), warm + steady, {
  own: { 'http_req_duration{phase:steady}': within(200) },
});

export function setup() {
  return mix.begin(all);
}

export { visit as default, write, followReport } from './lib/mix.js';
