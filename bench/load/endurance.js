// Five hundred of the users of learner.js for four hours: what leaks, grows, expires or wears out shows. Tokens live a quarter
// of an hour, so that everybody changes theirs some twenty times. With ADMIN_URLS the result has memory and lag of
// every region over time, and says whether they grew: the first third of the run beside the last.
//
//   make load LOAD=endurance             USERS, RAMP, WARMUP, STEADY, WRITES and FOLLOW as in learner.js
//   make load LOAD=endurance STEADY=30m WRITES=20
//   make load LOAD=endurance SHORT=1

import { number, seconds, users, within } from './lib/plan.js';
import * as mix from './lib/mix.js';

const all = number('USERS', 500, 20);
const perSecond = number('RAMP', 5, 10);
const warm = seconds('WARMUP', 20, 3);
const steady = seconds('STEADY', 4 * 3600, 15);

export const options = mix.options('endurance', users({ all, perSecond, warm, steady }), all / perSecond + warm + steady, {
  own: { 'http_req_duration{phase:steady}': within(200) },
});

export function setup() {
  return mix.begin(all);
}

export { visit as default, write, followReport } from './lib/mix.js';
