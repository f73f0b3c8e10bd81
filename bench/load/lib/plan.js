// How many, how fast and how long: what the environment says, or the full length of a scenario, or with
// SHORT=1 as little as shows that it works. And what a run has to keep to.

import { fail } from 'k6';

export const short = __ENV.SHORT === '1';
// BOUNDS=off is for a machine that has other things to do: only what may not happen at any speed fails a run.
export const timely = __ENV.BOUNDS !== 'off';

// number is a setting that counts something.
export function number(name, full, brief) {
  const text = __ENV[name];
  const value = text ? Number(text) : short ? brief : full;
  if (!(value >= 0)) {
    fail(`${name} is ${text}, and must be a number, not below 0`);
  }
  return value;
}

// seconds is a setting that lasts: 90, 90s, 30m or 4h.
export function seconds(name, full, brief) {
  const text = __ENV[name];
  if (!text) {
    return short ? brief : full;
  }
  const [, count, unit] = text.match(/^(\d+)([smh]?)$/) || fail(`${name} is ${text}, and must be like 90s, 30m or 4h`);
  return Number(count) * { '': 1, s: 1, m: 60, h: 3600 }[unit];
}

// users come by so many a second until all are there, and stay. Only what they ask from `warm` seconds on
// enters the figures; until then `early` of them are there, or, where none are named, their coming is
// part of the warming up.
export function users({ all, perSecond, steady, warm, early = 0 }) {
  const coming = Math.max(1, Math.ceil((all - early) / perSecond));
  const stages = early
    ? [[warm, early], [coming, all], [Math.max(1, steady - coming), all]]
    : [[coming, all], [warm + steady, all]];
  return {
    executor: 'ramping-vus', startVUs: early, gracefulRampDown: '10s', gracefulStop: '10s',
    stages: stages.map(([seconds, target]) => ({ duration: `${seconds}s`, target })),
    env: { WARM: String(early ? warm : warm + coming) },
  };
}

// arrivals come at a constant rate, however long answers take.
export function arrivals({ rate, steady, warm = 0, users: all, most = all }) {
  return {
    executor: 'constant-arrival-rate', rate, timeUnit: '1s', duration: `${warm + steady}s`,
    preAllocatedVUs: all, maxVUs: most, gracefulStop: '10s', env: { WARM: String(warm) },
  };
}

// within is the threshold of a p95, in milliseconds.
export function within(ms) {
  return [`p(95)<${ms}`];
}

// thresholds of every scenario are that it asked something, and that there is no error and no broken promise; its own are
// how fast it is. Those are met where there is nothing to judge, but for a count.
export function thresholds(own) {
  return Object.assign({
    'http_reqs{phase:steady}': ['count>0'],
    'http_req_failed{phase:steady}': ['rate==0'],
    outpost_broken_promises: ['count==0'],
  }, timely ? own : {});
}

// patient are the options of a setup that signs a thousand people in, and has no more than these requests under way.
export const patient = { setupTimeout: '15m', batch: 20, batchPerHost: 20 };
