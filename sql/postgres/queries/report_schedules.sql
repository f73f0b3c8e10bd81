-- Holds up whoever makes another schedule of theirs at the same time, so that the count sees it.
-- name: LockReportSchedules :exec
SELECT FROM users WHERE id = @user_id FOR NO KEY UPDATE;

-- Nothing is inserted where there is an equal one, where there is no such company to report on, and where
-- there are too many.
-- name: InsertReportSchedule :one
INSERT INTO report_schedules (company_id, data_zone, user_id, type, format, locale, cadence, subject_id, first_at, next_at)
SELECT u.company_id, u.data_zone, u.id, @type, @format, @locale, @cadence, c.id, @first_at, @first_at
FROM users u LEFT JOIN companies c ON c.id = sqlc.narg(subject_id)::bigint
WHERE u.id = @user_id AND (c.id IS NOT NULL OR sqlc.narg(subject_id)::bigint IS NULL)
    AND (SELECT count(*) FROM report_schedules s WHERE s.user_id = u.id) < @most::integer
ON CONFLICT DO NOTHING
RETURNING *;

-- Why nothing was inserted.
-- name: ReportScheduleRefusal :one
SELECT (sqlc.narg(subject_id)::bigint IS NOT NULL AND NOT EXISTS (SELECT FROM companies c WHERE c.id = sqlc.narg(subject_id)::bigint))::boolean
    AS is_nowhere,
    ((SELECT count(*) FROM report_schedules s WHERE s.user_id = @user_id) >= @most::integer)::boolean AS are_too_many;

-- What it was having made is cancelled: without the schedule nobody would be told of it.
-- name: DeleteReportSchedule :one
WITH gone AS (
    DELETE FROM report_schedules d WHERE d.id = @id AND d.user_id = @user_id RETURNING d.id AS schedule
), cancelled AS (
    UPDATE reports SET state = 'failed', error = @error
    WHERE reports.schedule_id = (SELECT gone.schedule FROM gone) AND reports.state IN ('queued', 'processing')
)
SELECT count(*) FROM gone;

-- The schedule whose time has come first, and whether its owner may still have it.
-- name: DueReportSchedule :one
SELECT sqlc.embed(s), (u.is_active AND c.is_active)::boolean AS is_active,
    (u.role = 'platform_admin' OR u.role IN ('manager', 'admin') AND coalesce(s.subject_id, s.company_id) = u.company_id)::boolean AS is_allowed,
    u.is_active AS has_owner
FROM report_schedules s JOIN users u ON u.id = s.user_id JOIN companies c ON c.id = u.company_id
WHERE s.next_at <= @at::timestamptz AND NOT s.id = ANY (@failed::bigint[])
ORDER BY s.next_at LIMIT 1 FOR UPDATE OF s SKIP LOCKED;

-- name: AdvanceReportSchedule :exec
UPDATE report_schedules SET next_at = @next_at, last_at = coalesce(sqlc.narg(last_at)::timestamptz, last_at) WHERE id = @id;

-- name: DropReportSchedule :exec
DELETE FROM report_schedules WHERE id = @id;

-- name: ReportByID :one
SELECT * FROM reports WHERE id = @id;
