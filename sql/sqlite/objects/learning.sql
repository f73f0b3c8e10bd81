CREATE INDEX enrollments_user_created ON enrollments (user_id, created_at, id);
-- No due date sorts behind all others: the letter i behind every digit.
CREATE INDEX enrollments_user_due ON enrollments (user_id, coalesce(due_at, 'infinity'), id);
CREATE INDEX enrollments_company ON enrollments (company_id, status);
CREATE INDEX lesson_progress_enrollment ON lesson_progress (enrollment_id, lesson_id);
