-- Everything that decides whether an assignment can be made. The lock makes way for those who are
-- joining the company, and keeps others until the assignment is there for them to find. Always one
-- row.
-- name: AssignmentContext :one
WITH company AS MATERIALIZED (SELECT companies.id FROM companies WHERE companies.id = @company_id FOR NO KEY UPDATE)
SELECT EXISTS (SELECT FROM courses WHERE courses.id = @course_id AND is_published)::boolean AS has_course,
    (@user_id::bigint = 0 OR EXISTS (
        SELECT FROM users u WHERE u.id = @user_id::bigint AND u.company_id = @company_id AND u.is_active))::boolean AS has_user,
    coalesce((SELECT a.id FROM assignments a WHERE a.company_id = @company_id AND a.course_id = @course_id AND a.scope = @scope
        AND a.department = @department AND coalesce(a.user_id, 0) = @user_id::bigint AND a.ended_at IS NULL), 0)::bigint AS twin_id
FROM company;

-- No row: an equal one is there. The run of an assignment to one person is over with this statement;
-- see hand_out_at_once.
-- name: InsertAssignment :one
WITH a AS (
    INSERT INTO assignments (company_id, data_zone, course_id, scope, department, user_id, due_at, recurrence_months, created_by)
    SELECT m.id, m.data_zone, @course_id, @scope, @department, sqlc.narg(user_id), sqlc.narg(due_at), sqlc.narg(recurrence_months), @created_by
    FROM companies m WHERE m.id = @company_id
    ON CONFLICT DO NOTHING
    RETURNING *
), run AS (
    INSERT INTO assignment_runs (assignment_id, occurrence, opens_at, due_at, next_at)
    SELECT a.id, 1, a.created_at, a.due_at, CASE WHEN a.recurrence_months IS NOT NULL THEN a.due_at END FROM a
)
SELECT a.id, a.created_at, c.slug, coalesce(t.title, d.title, c.slug) AS title
FROM a
JOIN courses c ON c.id = a.course_id
LEFT JOIN course_translations t ON t.course_id = c.id AND t.locale = @locale
LEFT JOIN course_translations d ON d.course_id = c.id AND d.locale = c.default_locale;

-- The company's lock lets those who are joining it come in first.
-- name: LockAssignment :one
SELECT a.version, a.ended_at FROM assignments a JOIN companies m ON m.id = a.company_id
WHERE a.id = @id AND (@any_company::boolean OR a.company_id = @company_id)
FOR NO KEY UPDATE;

-- name: EndAssignment :exec
WITH ended AS (
    UPDATE assignments SET ended_at = now() WHERE assignments.id = @id RETURNING assignments.id
), stopped AS (
    UPDATE assignment_runs SET finished_at = coalesce(finished_at, now()), next_at = NULL WHERE assignment_id = @id
)
INSERT INTO assignment_runs (assignment_id, occurrence, opens_at) SELECT id, 0, now() FROM ended
ON CONFLICT DO NOTHING;

-- The worker's part; see server/primary/assigner.go. What it does stands in the audit log as the system's,
-- under the names that these give it.

-- By turns, so that a large company keeps nobody waiting; and past those that failed a moment ago.
-- name: ClaimRun :one
SELECT r.assignment_id, r.occurrence, r.after_id, a.company_id, a.course_id,
    set_config('outpost.operation', CASE r.occurrence WHEN 0 THEN 'withdraw' ELSE 'handOut' END, true)::text AS operation
FROM assignment_runs r JOIN assignments a ON a.id = r.assignment_id
WHERE r.finished_at IS NULL AND r.assignment_id > @behind AND r.assignment_id <> ALL (@failed::bigint[])
ORDER BY r.assignment_id, r.occurrence LIMIT 1
FOR UPDATE OF r SKIP LOCKED;

-- Hands out to the next people of the company, by their ids. The batch is cut before the scope is
-- looked at, so that it is never long.
-- name: HandOutBatch :one
WITH batch AS MATERIALIZED (
    SELECT u.id FROM users u
    WHERE u.company_id = @company_id AND u.is_active AND u.id > @after_id ORDER BY u.id LIMIT @size
)
SELECT count(*) AS people, coalesce(max(b.id), 0)::bigint AS last_id,
    hand_out(coalesce(array_agg(b.id), '{}'), @assignment_id) AS enrollments
FROM batch b;

-- The next open enrollments of an assignment. Locked: whoever is about to begin one comes before or after,
-- and the next statement sees it.
-- name: LockOpenEnrollments :many
SELECT e.id FROM enrollments e
WHERE e.assignment_id = @assignment_id::bigint AND e.status IN ('assigned', 'in_progress') AND e.id > @after_id
ORDER BY e.id LIMIT @size FOR UPDATE;

-- Takes back, of an assignment that has ended, what was not begun; what was loses the due date.
-- name: Withdraw :exec
WITH batch AS MATERIALIZED (
    SELECT e.id, not_begun(e, a.created_at) AS untouched FROM enrollments e JOIN assignments a ON a.id = e.assignment_id
    WHERE e.id = ANY (@ids::bigint[])
), gone AS (
    DELETE FROM enrollments WHERE enrollments.id IN (SELECT batch.id FROM batch WHERE batch.untouched)
)
UPDATE enrollments SET due_at = NULL
WHERE enrollments.id IN (SELECT batch.id FROM batch WHERE NOT batch.untouched) AND due_at IS NOT NULL;

-- name: AdvanceRun :exec
UPDATE assignment_runs SET after_id = @after_id, finished_at = CASE WHEN @finished::boolean THEN now() END
WHERE assignment_id = @assignment_id AND occurrence = @occurrence;

-- Other assignments of the course may ask the same of those from whom it was taken back.
-- name: RepeatRuns :exec
UPDATE assignment_runs r SET after_id = 0, finished_at = NULL
FROM assignments a
WHERE a.id = r.assignment_id AND a.company_id = @company_id AND a.course_id = @course_id AND a.ended_at IS NULL
    AND r.occurrence = (SELECT max(n.occurrence) FROM assignment_runs n WHERE n.assignment_id = a.id);

-- A company that is not active, and a course that was withdrawn, ask for nothing new: what falls due
-- meanwhile is skipped.
-- name: DueRun :one
SELECT r.assignment_id, r.occurrence, a.company_id, a.created_at, a.due_at, a.recurrence_months,
    set_config('outpost.operation', 'handOut', true)::text AS operation
FROM assignment_runs r JOIN assignments a ON a.id = r.assignment_id
JOIN companies m ON m.id = a.company_id AND m.is_active
JOIN courses c ON c.id = a.course_id AND c.is_published
WHERE r.next_at <= @at::timestamptz AND r.assignment_id <> ALL (@failed::bigint[]) ORDER BY r.next_at LIMIT 1;

-- name: LockCompany :exec
SELECT FROM companies WHERE id = @id FOR NO KEY UPDATE;

-- Nothing happens when another primary has opened the occurrence, or the assignment has ended.
-- name: OpenOccurrence :execrows
WITH closed AS (
    UPDATE assignment_runs r SET next_at = NULL, finished_at = coalesce(r.finished_at, now())
    WHERE r.assignment_id = @assignment_id AND r.occurrence = @former AND r.next_at IS NOT NULL
    RETURNING r.assignment_id
)
INSERT INTO assignment_runs (assignment_id, occurrence, opens_at, due_at, next_at)
SELECT closed.assignment_id, @occurrence, @opens_at::timestamptz, @due_at::timestamptz, @due_at::timestamptz FROM closed;

-- Writes down that completions have run out, since counters know no clock.
-- name: ExpireCompletions :execrows
UPDATE enrollments SET status = 'expired' WHERE id = ANY (ARRAY(
    SELECT id FROM enrollments WHERE status = 'completed' AND expires_at <= @at::timestamptz
    ORDER BY expires_at LIMIT @size FOR UPDATE SKIP LOCKED));
