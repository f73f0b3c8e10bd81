// A thousand people who learn, one of ten an admin, against a running `make run` whose limits are off, since all
// come from one address:
//
//   OUTPOST_RATE_LIMIT=off OUTPOST_LOGIN_LIMIT=off make run
//   make load LOAD=learner                           1,000 users, five minutes
//   make load LOAD=learner WRITES=20                 the same, and 20 lessons marked a second beside them
//   make load LOAD=learner SHORT=1                   20 users, a quarter of a minute
//
// Of six requests of a learner three are for the dashboard, two for a page of the catalogue and one for a
// compliance report, with 1 to 3 seconds between them; an admin looks at the analytics, with 2 to 5. Their
// coming and the WARMUP are left out of the figures. USERS, RAMP (how many come a second), WARMUP, STEADY,
// WRITES and FOLLOW (reports a second that are followed until they have arrived) change the run.

import { number, seconds, users, within } from './lib/plan.js';
import * as mix from './lib/mix.js';

const all = number('USERS', 1000, 20);
const perSecond = number('RAMP', 50, 10);
const warm = seconds('WARMUP', 20, 3);
const steady = seconds('STEADY', 300, 15);

export const options = mix.options('learner', users({ all, perSecond, warm, steady }), all / perSecond + warm + steady, {
  own: {
    'http_req_duration{phase:steady}': within(100),
    'http_req_duration{phase:steady,kind:dashboard}': within(100),
    'http_req_duration{phase:steady,kind:catalogue}': within(100),
    'http_req_duration{phase:steady,kind:report}': within(100),
    'http_req_duration{phase:steady,kind:analytics}': within(200),
  },
});

export function setup() {
  return mix.begin(all);
}

export { visit as default, write, followReport } from './lib/mix.js';
