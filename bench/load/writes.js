// Nothing but lessons marked, at a constant rate, in all regions in turn; each is read back at once in all the others, with
// the position that the write was answered with: it must be there, whichever region is asked.
//
//   make load LOAD=writes                20 writes a second for five minutes, by forty people
//   make load LOAD=writes RATE=100       USERS, WARMUP and STEADY change the rest
//   make load LOAD=writes SHORT=1

import exec from 'k6/execution';
import { arrivals, number, patient, seconds, thresholds, within } from './lib/plan.js';
import { move, regions, signIn } from './lib/people.js';
import { mark, readBack, writer } from './lib/progress.js';

const rate = number('RATE', 20, 20);
const all = number('USERS', Math.max(40, 2 * rate), 40);
const warm = seconds('WARMUP', 10, 5);
const steady = seconds('STEADY', 300, 10);

export const options = Object.assign({}, patient, {
  scenarios: { writes: arrivals({ rate, steady, warm, users: all }) },
  thresholds: thresholds({
    'http_req_duration{phase:steady,kind:progress}': within(200),
    'http_req_duration{phase:steady,kind:readback}': within(200),
    'dropped_iterations{scenario:writes}': [`count<=${Math.floor(0.01 * rate * (warm + steady))}`],
  }),
});

export function setup() {
  return signIn(all);
}

export default function (data) {
  const p = writer(data);
  if (!p) {
    return;
  }
  const home = exec.scenario.iterationInTest % regions.length;
  go(p, data, home);
  const written = mark(p).status === 200;
  for (let i = 1; written && i <= regions.length; i++) {
    go(p, data, (home + i) % regions.length); // the region of the write comes last
    readBack(p);
  }
}

function go(p, data, region) {
  move(p, regions[region], data.names[region]);
}
