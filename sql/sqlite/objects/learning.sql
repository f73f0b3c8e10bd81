CREATE INDEX enrollments_user_created ON enrollments (user_id, created_at, id);
-- No due date sorts behind all others: the letter i behind every digit.
CREATE INDEX enrollments_user_due ON enrollments (user_id, coalesce(due_at, 'infinity'), id);
-- A company's are walked in either order, and for platform administrators those of all.
CREATE INDEX enrollments_company_created ON enrollments (company_id, created_at, id);
CREATE INDEX enrollments_company_due ON enrollments (company_id, coalesce(due_at, 'infinity'), id);
CREATE INDEX enrollments_created ON enrollments (created_at, id);
CREATE INDEX enrollments_due ON enrollments (coalesce(due_at, 'infinity'), id);
-- What is overdue, or will be next. These and the next hold all that a filter looks at, so that counting touches no row.
CREATE INDEX enrollments_company_open ON enrollments (company_id, due_at, id, user_id, course_id, status) WHERE status IN ('assigned', 'in_progress');
CREATE INDEX enrollments_open ON enrollments (due_at, id, user_id, course_id, status) WHERE status IN ('assigned', 'in_progress');
CREATE INDEX enrollments_company ON enrollments (company_id, status, course_id, user_id, due_at, expires_at);
CREATE INDEX lesson_progress_enrollment ON lesson_progress (enrollment_id, lesson_id);
