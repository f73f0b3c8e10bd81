// Who marks lessons, and what it takes: an enrollment, its lessons, and how long was spent on them.

import { self } from './people.js';
import { send } from './ask.js';

// writer is this virtual user as one who writes.
export function writer(data) {
  return enroll(self(data, 'writer'));
}

// enroll gives a person what it takes; it is asked for once, and in no figure.
export function enroll(p) {
  if (!p.enrollment) {
    const get = (name, more = {}) => send(p, 'setup', name, Object.assign({ read: 'text', tags: { phase: 'setup' } }, more));
    const courses = get('GET /courses', { path: '/courses?size=20&fields=id' }).json('items');
    const course = courses[p.n % courses.length].id;
    const lessons = get('GET /courses/{course}', { path: `/courses/${course}` }).json('lessons');
    const id = get('POST /enrollments', { body: { course_id: course }, status: [200, 201] }).json('id');
    const progress = get('GET /enrollments/{enrollment}', { path: `/enrollments/${id}` }).json('progress');
    p.enrollment = id;
    p.lessons = lessons.filter((l) => l.kind !== 'quiz').map((l) => l.position);
    // The longest time counts, so that only a longer one changes anything.
    p.spent = Math.max(0, ...progress.map((l) => l.seconds));
  }
  return p;
}

// mark marks the next of the person's lessons, p.lesson, a second longer than any before.
export function mark(p, tags = {}) {
  p.spent++;
  p.lesson = p.lessons[p.spent % p.lessons.length];
  return send(p, 'progress', 'PUT /enrollments/{enrollment}/lessons/{lesson}', {
    path: `/enrollments/${p.enrollment}/lessons/${p.lesson}`, body: { seconds: p.spent }, tags,
  });
}
