// Who marks lessons, and what it takes: an enrollment, its lessons, and how long was spent on them.

import { self } from './people.js';
import { promise, send } from './ask.js';

// writer is this virtual user as one who writes, or nobody where that could not be prepared: the next time, perhaps.
export function writer(data) {
  const p = self(data, 'writer');
  return p.enrollment || enroll(p) ? p : null;
}

// enroll asks for what it takes, once and in no figure, and says whether it has got it.
export function enroll(p) {
  const get = (name, more = {}) => {
    const res = send(p, 'setup', name, Object.assign({ status: [200, 201], read: 'text', tags: { phase: 'setup' } }, more));
    return res.status < 300 ? res.json() : null;
  };
  const courses = get('GET /courses', { path: '/courses?size=20&fields=id' });
  const course = courses && courses.items[p.n % courses.items.length].id;
  const detail = course && get('GET /courses/{course}', { path: `/courses/${course}` });
  const enrolled = detail && get('POST /enrollments', { body: { course_id: course } });
  const found = enrolled && get('GET /enrollments/{enrollment}', { path: `/enrollments/${enrolled.id}` });
  if (!found) {
    return false; // and counted as a broken promise
  }
  p.enrollment = found.id;
  p.course = course;
  p.courses = courses.items.map((c) => c.id);
  p.lessons = detail.lessons.filter((l) => l.kind !== 'quiz').map((l) => l.position);
  // The longest time counts, so that only a longer one changes anything.
  p.spent = Math.max(0, ...found.progress.map((l) => l.seconds));
  return true;
}

// mark marks the next of the person's lessons, p.lesson, a second longer than any before.
export function mark(p, tags = {}) {
  p.spent++;
  p.lesson = p.lessons[p.spent % p.lessons.length];
  return send(p, 'progress', 'PUT /enrollments/{enrollment}/lessons/{lesson}', {
    path: `/enrollments/${p.enrollment}/lessons/${p.lesson}`, body: { seconds: p.spent }, tags,
  });
}

// readBack expects the mark just made, in whichever region p is now.
export function readBack(p) {
  const res = send(p, 'readback', 'GET /enrollments/{enrollment}', { path: `/enrollments/${p.enrollment}`, read: 'text' });
  if (res.status === 200) { // anything else is counted already
    const found = res.json('progress').find((l) => l.lesson === p.lesson);
    promise('a write is read back in every region', found && found.seconds === p.spent, res);
  }
}
